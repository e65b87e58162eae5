/* SPDX-License-Identifier: MIT */
/*
 * A Lua text as a tree. Every node knows its bytes in the source; lists hang on `next`. What a, b
 * and c are, by kind:
 *
 *                    a                 b                c
 *   BLOCK            statements
 *   LOCAL            names (NAME)      values
 *   ASSIGN           targets           values
 *   CALLING          the call
 *   DO               BLOCK
 *   WHILE            condition         BLOCK
 *   REPEAT           BLOCK             condition
 *   IF               CLAUSEs
 *   CLAUSE           condition, NULL   BLOCK
 *                    for else
 *   FOR_NUMBER       name (NAME)       2 or 3 values    BLOCK
 *   FOR_IN           names             values           BLOCK
 *   FUNCTION_NAMED   target            FUNCTION
 *   FUNCTION_LOCAL   name              FUNCTION
 *   RETURN           values
 *   BREAK
 *   GOTO LABEL       (text)
 *   NIL TRUE FALSE VARARG NUMBER STRING(text)
 *   FUNCTION         names             BLOCK
 *   NAME             (text, symbol)
 *   INDEX            object            key; STRING for a.b
 *   CALL             callee            arguments
 *   METHOD           object            arguments        (text: the method's name)
 *   TABLE            FIELDs
 *   FIELD            key, NULL in      value
 *                    a list
 *   BINARY           left              right            (op)
 *   UNARY            operand                            (op)
 *   PAREN            expression
 */
#ifndef MOONHOOK_RUNNER_CHECK_TREE_H
#define MOONHOOK_RUNNER_CHECK_TREE_H

#include "runner/check/lexer.h"

enum check_node_kind {
	NODE_BLOCK,
	NODE_LOCAL,
	NODE_ASSIGN,
	NODE_CALLING,
	NODE_DO,
	NODE_WHILE,
	NODE_REPEAT,
	NODE_IF,
	NODE_CLAUSE,
	NODE_FOR_NUMBER,
	NODE_FOR_IN,
	NODE_FUNCTION_NAMED,
	NODE_FUNCTION_LOCAL,
	NODE_RETURN,
	NODE_BREAK,
	NODE_GOTO,
	NODE_LABEL,
	NODE_NIL,
	NODE_TRUE,
	NODE_FALSE,
	NODE_VARARG,
	NODE_NUMBER,
	NODE_STRING,
	NODE_FUNCTION,
	NODE_NAME,
	NODE_INDEX,
	NODE_CALL,
	NODE_METHOD,
	NODE_TABLE,
	NODE_FIELD,
	NODE_BINARY,
	NODE_UNARY,
	NODE_PAREN,
};

#define CHECK_DEPTH_MAX 1500 /* levels of a tree that is looked into, see check_tree.deep */

struct check_symbol;

struct check_node {
	enum check_node_kind kind;
	enum check_token_kind op; /* of BINARY and UNARY; TOKEN_LT: a LOCAL's <attribute> */
	uint32_t at, end;         /* its bytes */
	uint32_t mark; /* the operator, the dot, the method's name, the key's first byte */
	int depth;     /* levels below */
	bool flag; /* INDEX: a.b · CALL: f"..", f{..} · FUNCTION: takes .. · METHOD: likewise CALL
		    */
	bool integer;  /* of NUMBER */
	double number; /* of NUMBER */
	struct slice text;
	struct check_node *a, *b, *c, *next;
	struct check_symbol
		*symbol; /* of NAME: the local that is meant; NULL: a global (scope.c) */
};

struct check_tree {
	const struct check_source *source;
	struct check_node *block; /* NULL: the text is wrong, findings say why */
	bool deep; /* right, but deeper than CHECK_DEPTH_MAX: walking it could exhaust the stack */
};

/* Calls fn for each child in the order of the text. */
void check_node_each(
	struct check_node *node, void (*fn)(void *ctx, struct check_node *), void *ctx);
size_t check_list_n(const struct check_node *list);
/* Without the parentheses around it. */
struct check_node *check_node_bare(struct check_node *node);
/* Is it a text of these bytes, a name of these? */
bool check_is_string(const struct check_node *node, const char *text);
/* A global of this name. */
bool check_is_global(const struct check_node *node, const char *name);
/* The value of a table's field with this name; NULL: none. The last one counts, as for Lua. */
struct check_node *check_table_find(const struct check_node *table, const char *name);

#endif
