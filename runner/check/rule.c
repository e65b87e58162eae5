/* SPDX-License-Identifier: MIT */
/*
 * Finding the rules of a text.
 * From: check.c. To: the passes, which want to know what a rule is for and which functions are
 * handed its events. Understands what is written out; what is computed is not known, and then
 * nothing is told of it.
 */
#include "runner/check/rule.h"

#include "base/attr.h"

#define RULES_MAX 200 /* of one file, as the worker says */

struct finder {
	struct check_arena *arena;
	struct check_rules *rules;
	size_t n;
};

struct check_node *check_function_of(struct check_node *value)
{
	value = check_node_bare(value);
	if (value != NULL && value->kind == NODE_NAME && value->symbol != NULL &&
		value->symbol->writes == 0 && value->symbol->result == 0)
		value = value->symbol->value;
	return value != NULL && value->kind == NODE_FUNCTION ? value : NULL;
}

static void add_object(struct check_rule *rule, struct slice object)
{
	for (size_t i = 0; i < rule->objects_n; i++)
		if (slice_equal(rule->objects[i], object))
			return;
	if (rule->objects_n == CHECK_OBJECTS_MAX || slice_equal(object, slice_of("*")))
		rule->whole = false;
	else
		rule->objects[rule->objects_n++] = object;
}

static void read_pattern(struct check_rule *rule, const struct check_node *pattern)
{
	if (pattern == NULL || pattern->kind != NODE_STRING) {
		rule->whole = false;
		return;
	}
	const char *dot =
		pattern->text.n > 0 ? memchr(pattern->text.p, '.', pattern->text.n) : NULL;
	if (check_is_string(pattern, "timer"))
		rule->timer = true;
	else if (pattern->text.n > 5 && memcmp(pattern->text.p, "hook:", 5) == 0)
		rule->hook = true;
	else if (dot != NULL)
		add_object(rule, (struct slice){pattern->text.p, (size_t)(dot - pattern->text.p)});
	else
		rule->whole = false;
}

static void read_on(struct check_rule *rule)
{
	struct check_node *on = check_node_bare(check_table_find(rule->head, "on"));
	rule->clock = check_table_find(rule->head, "every") != NULL ||
		      check_table_find(rule->head, "cron") != NULL;
	rule->whole = true;
	if (on == NULL) {
		rule->whole = rule->clock;
	} else if (on->kind == NODE_TABLE) {
		for (struct check_node *f = on->a; f != NULL; f = f->next)
			read_pattern(rule, f->a == NULL ? f->b : NULL);
	} else {
		read_pattern(rule, on);
	}
	if (!rule->whole)
		rule->objects_n = 0;
}

static void add_handler(struct finder *s, const struct check_rule *rule, const char *option)
{
	struct check_node *function = check_function_of(check_table_find(rule->head, option));
	if (function == NULL)
		return;
	for (struct check_handler *h = s->rules->handlers; h != NULL; h = h->next) {
		if (h->function != function)
			continue;
		h->shared |= h->rule != rule;
		return;
	}
	struct check_handler *h = check_arena_take(s->arena, sizeof(*h));
	if (h == NULL)
		return;
	*h = (struct check_handler){
		s->rules->handlers, function, rule, false, strcmp(option, "run") == 0};
	s->rules->handlers = h;
}

/* rule "name" { .. }: two calls, the second of what the first one answers. */
static void find(void *ctx, struct check_node *n)
{
	struct finder *s = ctx;
	check_node_each(n, find, ctx);
	if (n->kind != NODE_CALL || n->a->kind != NODE_CALL || !check_is_global(n->a->a, "rule"))
		return;
	struct check_rule *rule =
		s->n++ < RULES_MAX ? check_arena_take(s->arena, sizeof(*rule)) : NULL;
	if (rule == NULL)
		return;
	struct check_node *name = check_node_bare(n->a->b), *head = check_node_bare(n->b);
	*rule = (struct check_rule){.next = s->rules->first, .call = n};
	rule->name = name != NULL && name->kind == NODE_STRING ? name : NULL;
	if (head != NULL && head->kind == NODE_NAME && head->symbol != NULL)
		head = head->symbol->value;
	rule->head = head != NULL && head->kind == NODE_TABLE ? head : NULL;
	s->rules->first = rule;
	if (rule->head == NULL)
		return;
	read_on(rule);
	add_handler(s, rule, "run");
	add_handler(s, rule, "when");
	add_handler(s, rule, "key");
}

void check_rules_find(
	const struct check_tree *tree, struct check_arena *arena, struct check_rules *ret_rules)
{
	struct finder s = {arena, ret_rules, 0};
	*ret_rules = (struct check_rules){NULL, NULL};
	find(&s, tree->block);
}

const struct check_handler *check_handler_of(
	const struct check_rules *rules, const struct check_symbol *symbol)
{
	if (symbol->kind != SYMBOL_PARAMETER || symbol->writes > 0)
		return NULL;
	for (const struct check_handler *h = rules->handlers; h != NULL; h = h->next)
		if (h->function == symbol->function)
			return h->function->a == symbol->node ? h : NULL;
	return NULL;
}
