/* SPDX-License-Identifier: MIT */
/* What names mean: the locals of a text, and which of them a NAME is. */
#ifndef MOONHOOK_RUNNER_CHECK_SCOPE_H
#define MOONHOOK_RUNNER_CHECK_SCOPE_H

#include "runner/check/tree.h"

enum check_symbol_kind {
	SYMBOL_LOCAL,     /* local x = .. */
	SYMBOL_FUNCTION,  /* local function x() */
	SYMBOL_PARAMETER, /* of a function */
	SYMBOL_LOOP,      /* of a for */
};

struct check_symbol { /* BORROWS from the tree */
	struct check_symbol *next;
	enum check_symbol_kind kind;
	struct slice name;
	struct check_node *node;     /* where it is declared */
	struct check_node *function; /* in which FUNCTION; NULL: beside all */
	/* What it is given where it is declared: the expression that brings its value, and as which
	 * of its results (0 the first). NULL: nothing, or nobody knows. Of a loop: what is looped
	 * over. */
	struct check_node *value;
	int result;
	int writes, reads; /* behind its declaration */
	bool constant;     /* <const> or <close> */
	/* For flow.c: it has been looked at; under which conditions it was declared. */
	bool seen;
	const struct check_node *condition;
};

struct check_scope {
	struct check_symbol *symbols; /* all of the text, the last one first */
};

/* Sets the symbol of each NAME. What Lua refuses here (goto, break, <const>, too many locals) goes
 * to findings; false then. The tree is whole and not deep. */
bool check_scope_find(const struct check_tree *tree, struct check_arena *arena,
	struct check_findings *findings, struct check_scope *ret_scope);

#endif
