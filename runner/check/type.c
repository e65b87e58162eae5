/* SPDX-License-Identifier: MIT */
/*
 * Values and what they are.
 * From: the passes. Follows what is written: locals that are set once, results of calls, variables
 * of loops. Whatever else is unknown, and nothing is told of what is unknown.
 */
#include "runner/check/type.h"

#define STEPS_MAX 24 /* from a value to where it comes from */

static struct check_type type_at(
	const struct check_pass *pass, const struct check_node *n, int steps);

static const struct schema_object *object_named(const struct check_pass *pass, struct slice name)
{
	char text[64];
	if (pass->world->schema == NULL || name.n == 0 || name.n >= sizeof(text))
		return NULL;
	memcpy(text, name.p, name.n);
	text[name.n] = '\0';
	return schema_object(pass->world->schema, text);
}

static void add_object(struct check_type *type, const struct schema_object *object)
{
	if (object != NULL)
		type->objects[type->objects_n++] = object;
}

/* The record of an event: of one of the objects of `on`; all of them must be known. */
static struct check_type record_of_event(
	const struct check_pass *pass, const struct check_type *event)
{
	struct check_type type = {.kind = TYPE_RECORD, .handler = event->handler};
	const struct check_rule *rule = event->handler->rule;
	if (event->handler->shared || rule->timer || rule->hook || rule->clock)
		return type;
	for (size_t i = 0; i < rule->objects_n; i++)
		add_object(&type, object_named(pass, rule->objects[i]));
	if (type.objects_n != rule->objects_n)
		type.objects_n = 0;
	return type;
}

static struct check_type member_of(
	const struct check_pass *pass, const struct check_node *n, int steps)
{
	struct check_type type = {.kind = TYPE_UNKNOWN}, whole = type_at(pass, n->a, steps);
	if (n->b->kind != NODE_STRING)
		return whole.kind == TYPE_RECORDS && !whole.iterator
			       ? (whole.kind = TYPE_RECORD, whole.maybe = true, whole)
			       : type;
	if (whole.kind == TYPE_TWENTY && !slice_equal(n->b->text, slice_of("graphql")) &&
		!slice_equal(n->b->text, slice_of("member"))) {
		type = (struct check_type){.kind = TYPE_OBJECTS, .name = n->b->text};
		add_object(&type, object_named(pass, n->b->text));
	} else if (whole.kind == TYPE_EVENT &&
		   (check_is_string(n->b, "record") || check_is_string(n->b, "before"))) {
		type = record_of_event(pass, &whole);
		type.before = type.maybe = check_is_string(n->b, "before");
	} else if (whole.kind == TYPE_RECORD) {
		type = whole;
		type.kind = TYPE_FIELD;
		type.field = n->b->text;
		type.maybe = true;
	}
	return type;
}

/* The first result of a method of an object. */
static struct check_type result_of(
	const struct check_pass *pass, const struct check_node *n, int steps)
{
	struct check_type type = {.kind = TYPE_UNKNOWN}, whole = type_at(pass, n->a, steps);
	const struct interface_method *m =
		whole.kind == TYPE_OBJECTS ? interface_method(n->text) : NULL;
	if (m == NULL || m->result == INTERFACE_OTHER)
		return type;
	if (slice_equal(n->text, slice_of("duplicates")) && check_node_bare(n->b) != NULL &&
		check_node_bare(n->b)->kind == NODE_TABLE)
		return type; /* a list of lists */
	type = whole;
	type.kind = m->result == INTERFACE_RECORDS ? TYPE_RECORDS : TYPE_RECORD;
	type.maybe = m->result == INTERFACE_MAYBE;
	type.iterator = slice_equal(n->text, slice_of("each"));
	return type;
}

/* What a function answers, where its body is one return. */
static const struct check_node *answer_of(const struct check_node *function)
{
	const struct check_node *s = function->b->a;
	if (s == NULL || s->next != NULL || s->kind != NODE_RETURN || s->a == NULL)
		return NULL;
	return s->a;
}

static const struct check_node *nth(const struct check_node *list, int n)
{
	while (list != NULL && n-- > 0)
		list = list->next;
	return list;
}

static struct check_type call_result(
	const struct check_pass *pass, const struct check_node *n, int result, int steps)
{
	struct check_type type = {.kind = TYPE_UNKNOWN};
	if (check_is_global(n->a, "parallel")) {
		const struct check_node *branch = nth(n->b, result);
		struct check_node copy = {.kind = NODE_NIL};
		if (branch != NULL)
			copy = *branch;
		const struct check_node *function = check_function_of(&copy);
		const struct check_node *answer = function != NULL ? answer_of(function) : NULL;
		return answer != NULL ? type_at(pass, answer, steps) : type;
	}
	if (result != 0)
		return type;
	if (check_is_global(n->a, "need") && n->b != NULL) {
		type = type_at(pass, n->b, steps);
		type.maybe = false;
		if (type.kind == TYPE_FIELD)
			type.kind = TYPE_UNKNOWN;
		return type;
	}
	if (n->a->kind == NODE_INDEX && check_is_string(n->a->b, "member") &&
		type_at(pass, n->a->a, steps).kind == TYPE_TWENTY) {
		type = (struct check_type){.kind = TYPE_RECORD, .maybe = true};
		add_object(&type, object_named(pass, slice_of("workspaceMembers")));
	}
	return type;
}

/* A variable of `for k, v in ..`. */
static struct check_type loop_variable(
	const struct check_pass *pass, const struct check_symbol *symbol, int steps)
{
	struct check_type type = {.kind = TYPE_UNKNOWN};
	const struct check_node *value = symbol->value;
	if (value == NULL || value->next != NULL)
		return type;
	if (value->kind == NODE_METHOD && symbol->result == 0) {
		type = type_at(pass, value, steps);
		if (type.kind != TYPE_RECORDS || !type.iterator)
			return (struct check_type){.kind = TYPE_UNKNOWN};
	} else if (value->kind == NODE_CALL && symbol->result == 1 && value->b != NULL &&
		   (check_is_global(value->a, "ipairs") || check_is_global(value->a, "pairs"))) {
		type = type_at(pass, value->b, steps);
		if (type.kind != TYPE_RECORDS || type.iterator)
			return (struct check_type){.kind = TYPE_UNKNOWN};
	} else {
		return type;
	}
	type.kind = TYPE_RECORD;
	type.maybe = type.iterator = false;
	return type;
}

static struct check_type symbol_type(
	const struct check_pass *pass, const struct check_symbol *symbol, int steps)
{
	struct check_type type = {.kind = TYPE_UNKNOWN};
	if (symbol->writes > 0)
		return type;
	const struct check_handler *handler = check_handler_of(&pass->text->rules, symbol);
	if (handler != NULL)
		return (struct check_type){.kind = TYPE_EVENT, .handler = handler};
	if (symbol->kind == SYMBOL_LOOP)
		return loop_variable(pass, symbol, steps);
	if (symbol->kind != SYMBOL_LOCAL || symbol->value == NULL)
		return type;
	const struct check_node *value = symbol->value;
	if (value->kind == NODE_CALL)
		return call_result(pass, value, symbol->result, steps);
	return symbol->result == 0 ? type_at(pass, value, steps) : type;
}

static struct check_type type_at(
	const struct check_pass *pass, const struct check_node *n, int steps)
{
	struct check_type type = {.kind = TYPE_UNKNOWN};
	if (steps-- == 0)
		return type;
	switch ((int)n->kind) {
	case NODE_PAREN:
		return type_at(pass, n->a, steps);
	case NODE_NAME:
		if (n->symbol != NULL)
			return symbol_type(pass, n->symbol, steps);
		type.kind = check_is_global(n, "twenty") ? TYPE_TWENTY : TYPE_UNKNOWN;
		return type;
	case NODE_INDEX:
		return member_of(pass, n, steps);
	case NODE_METHOD:
		return result_of(pass, n, steps);
	case NODE_CALL:
		return call_result(pass, n, 0, steps);
	default:
		return type;
	}
}

struct check_type check_type_of(const struct check_pass *pass, const struct check_node *node)
{
	return type_at(pass, node, STEPS_MAX);
}

bool check_is_call(const struct check_pass *pass, const struct check_node *n)
{
	if (n->kind == NODE_METHOD)
		return check_type_of(pass, n->a).kind == TYPE_OBJECTS;
	return n->kind == NODE_CALL && n->a->kind == NODE_INDEX &&
	       (check_is_global(n->a->a, "http") || check_is_global(n->a->a, "twenty"));
}
