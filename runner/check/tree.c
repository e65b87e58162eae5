/* SPDX-License-Identifier: MIT */
/*
 * Looking around in a tree.
 * From: all passes behind the parser. Made by parser.c; scope.c fills in what names mean.
 */
#include "runner/check/tree.h"

void check_node_each(struct check_node *node, void (*fn)(void *ctx, struct check_node *), void *ctx)
{
	struct check_node *const lists[] = {node->a, node->b, node->c};
	for (size_t i = 0; i < ARRAY_N(lists); i++)
		for (struct check_node *n = lists[i]; n != NULL; n = n->next)
			fn(ctx, n);
}

size_t check_list_n(const struct check_node *list)
{
	size_t n = 0;
	for (; list != NULL; list = list->next)
		n++;
	return n;
}

struct check_node *check_node_bare(struct check_node *node)
{
	while (node != NULL && node->kind == NODE_PAREN)
		node = node->a;
	return node;
}

bool check_is_string(const struct check_node *node, const char *text)
{
	return node != NULL && node->kind == NODE_STRING && slice_equal(node->text, slice_of(text));
}

bool check_is_global(const struct check_node *node, const char *name)
{
	return node != NULL && node->kind == NODE_NAME && node->symbol == NULL &&
	       slice_equal(node->text, slice_of(name));
}

struct check_node *check_table_find(const struct check_node *table, const char *name)
{
	struct check_node *found = NULL;
	for (struct check_node *f = table->a; f != NULL; f = f->next)
		if (check_is_string(f->a, name))
			found = f->b;
	return found;
}
