/* SPDX-License-Identifier: MIT */
/*
 * Was it tested?
 * From: flow.c. Generous: any condition in front of the use that mentions the value counts,
 * whatever it says of it, for a warning that is wrong is worse than one that is missing.
 */
#include "runner/check/guard.h"

#include "runner/check/type.h"

struct mention {
	struct slice field;
	bool found;
};

static void find_mention(void *ctx, struct check_node *n)
{
	struct mention *m = ctx;
	m->found |= n->kind == NODE_STRING && slice_equal(n->text, m->field);
	if (!m->found)
		check_node_each(n, find_mention, ctx);
}

bool check_guard_head(const struct check_handler *handler, struct slice field)
{
	struct mention m = {field, false};
	struct check_node *when = handler != NULL && handler->rule->head != NULL
					  ? check_table_find(handler->rule->head, "when")
					  : NULL;
	struct check_node *function = when != NULL ? check_function_of(when) : NULL;
	if (when != NULL)
		find_mention(&m, function != NULL ? function : when);
	return m.found;
}

struct test {                              /* of one value */
	const struct check_symbol *symbol; /* a local that is it; NULL: none */
	struct slice field;                /* or a field of this name, of any record */
	uint32_t before;
	int depth; /* how many conditions are around */
	bool found;
};

static void look(void *ctx, struct check_node *n);

static void look_into(struct test *t, struct check_node *condition)
{
	t->depth++;
	for (struct check_node *c = condition; c != NULL; c = c->next)
		look(t, c);
	t->depth--;
}

static bool tests(const struct check_node *n)
{
	return (n->kind == NODE_BINARY && (n->op == TOKEN_AND || n->op == TOKEN_OR ||
						  n->op == TOKEN_EQ || n->op == TOKEN_NE)) ||
	       (n->kind == NODE_UNARY && n->op == TOKEN_NOT) ||
	       (n->kind == NODE_CALL &&
		       (check_is_global(n->a, "assert") || check_is_global(n->a, "need")));
}

static void look(void *ctx, struct check_node *n)
{
	struct test *t = ctx;
	if (t->found || n->at >= t->before)
		return;
	if (t->depth > 0)
		t->found = (n->kind == NODE_NAME && n->symbol != NULL && n->symbol == t->symbol) ||
			   (n->kind == NODE_INDEX && n->b->kind == NODE_STRING &&
				   slice_equal(n->b->text, t->field));
	if (n->kind == NODE_CLAUSE || n->kind == NODE_WHILE) {
		look_into(t, n->a);
		look(t, n->b);
	} else if (n->kind == NODE_FUNCTION) {
		int outer = t->depth;
		t->depth = 0;
		check_node_each(n, look, ctx);
		t->depth = outer;
	} else if (tests(n)) {
		look_into(t, n->a);
		look_into(t, n->b);
	} else {
		check_node_each(n, look, ctx);
	}
}

bool check_guard_tested(
	const struct check_pass *pass, const struct check_node *value, struct slice field)
{
	struct test t = {.symbol = value->kind == NODE_NAME ? value->symbol : NULL,
		.field = field,
		.before = value->at};
	look(&t, pass->text->tree.block);
	return t.found;
}
