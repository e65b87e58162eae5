/* SPDX-License-Identifier: MIT */
/*
 * What is read of events and records, and what it is compared with.
 * From: check.c. To: field.c. A record that the rule itself puts members into is left alone.
 */
#include "runner/check/field.h"

/* Does the text put members into this local, or hand the event to something that may? */
struct writes {
	const struct check_symbol *symbol;
	bool found;
};

static void find_write(void *ctx, struct check_node *n)
{
	struct writes *w = ctx;
	if (n->kind == NODE_ASSIGN)
		for (const struct check_node *t = n->a; t != NULL; t = t->next)
			w->found |= t->kind == NODE_INDEX && t->a->kind == NODE_NAME &&
				    t->a->symbol == w->symbol;
	if (n->kind == NODE_CALL && n->b != NULL && n->b->kind == NODE_NAME &&
		n->b->symbol == w->symbol && check_is_global(n->a, "rawset"))
		w->found = true;
	if (!w->found)
		check_node_each(n, find_write, ctx);
}

static bool is_written(const struct check_pass *pass, const struct check_node *whole)
{
	if (whole->kind != NODE_NAME || whole->symbol == NULL)
		return false;
	struct writes w = {whole->symbol, false};
	find_write(&w, pass->text->tree.block);
	return w.found;
}

static void check_event_member(const struct check_pass *pass, const struct check_node *n)
{
	for (const char *const *m = interface_event(); *m != NULL; m++)
		if (check_is_string(n->b, *m))
			return;
	if (is_written(pass, n->a))
		return;
	struct check_finding *f = check_say_at(pass, CHECK_EVENT, n->b->at, n->b->end,
		"an event has no '%.*s'", CHECK_WORD(n->b->text));
	const char *near = check_nearest(n->b->text, interface_event());
	if (near != NULL)
		check_suggest(f, "did you mean '%s'?", near);
	else
		check_suggest(f, "fields of the record are read as event.record.%.*s",
			CHECK_WORD(n->b->text));
}

/* record.emails.primaryEmial */
static void check_part(
	const struct check_pass *pass, const struct check_node *n, const struct check_type *field)
{
	char path[200];
	size_t size = field->field.n + 1 + n->b->text.n;
	if (size >= sizeof(path))
		return;
	memcpy(path, field->field.p, field->field.n);
	path[field->field.n] = '.';
	memcpy(path + field->field.n + 1, n->b->text.p, n->b->text.n);
	struct check_type record = *field;
	record.kind = TYPE_RECORD;
	(void)check_field(pass, &record, (struct slice){path, size}, n->b->at, n->b->end);
}

static void check_read(const struct check_pass *pass, const struct check_node *n)
{
	if (n->b->kind != NODE_STRING)
		return;
	const struct check_type type = check_type_of(pass, n->a);
	if (type.kind == TYPE_EVENT) {
		check_event_member(pass, n);
	} else if (type.kind == TYPE_RECORD && type.objects_n > 0 && !is_written(pass, n->a)) {
		(void)check_field(pass, &type, n->b->text, n->b->at, n->b->end);
	} else if (type.kind == TYPE_FIELD && type.objects_n == 1 &&
		   slice_equal(n->a->b != NULL && n->a->kind == NODE_INDEX ? n->a->b->text
									   : (struct slice){0},
			   type.field)) {
		struct check_type one = type;
		check_part(pass, n, &one);
	}
}

static void check_compare(const struct check_pass *pass, const struct check_node *n)
{
	const struct check_node *field = n->a, *value = n->b;
	if (field->kind == NODE_STRING) {
		field = n->b;
		value = n->a;
	}
	if (value->kind != NODE_STRING)
		return;
	const struct check_type type = check_type_of(pass, field);
	if (type.kind == TYPE_FIELD)
		check_choice(pass, &type, type.field, value);
}

static void look(void *ctx, struct check_node *n)
{
	const struct check_pass *pass = ctx;
	if (n->kind == NODE_INDEX)
		check_read(pass, n);
	if (n->kind == NODE_BINARY && (n->op == TOKEN_EQ || n->op == TOKEN_NE))
		check_compare(pass, n);
	if (n->kind == NODE_ASSIGN) { /* what is assigned to is no reading */
		for (struct check_node *t = n->a; t != NULL; t = t->next)
			check_node_each(t, look, ctx);
		for (struct check_node *v = n->b; v != NULL; v = v->next)
			look(ctx, v);
		return;
	}
	check_node_each(n, look, ctx);
}

void check_reading(const struct check_pass *pass)
{
	struct check_pass copy = *pass;
	look(&copy, pass->text->tree.block);
}
