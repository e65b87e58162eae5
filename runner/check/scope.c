/* SPDX-License-Identifier: MIT */
/*
 * Names -> locals.
 * From: check.c, behind the parser. To: every later pass, through the symbol of a NAME. Goes
 * through the text in Lua's order, so that goto and its labels are judged as Lua does; the first
 * mistake is told and ends it.
 */
#include "runner/check/scope.h"

#include <stdarg.h>
#include <stdio.h>

#define LOCALS_MAX 200 /* of one function at once */
#define CAPTURED_MAX 255

struct visible { /* one name that can be seen */
	struct visible *outer;
	struct check_symbol *symbol;
};

struct captured {
	struct captured *next;
	const struct check_symbol *symbol;
};

struct label {
	struct label *next;
	struct check_node *node;
	int locals; /* that live where it stands */
};

struct block {
	struct block *outer; /* of the same function */
	struct visible *names;
	struct label *labels, *jumps; /* jumps: that have found no label yet */
	int locals;
	bool loop, repeat;
};

struct function {
	struct function *outer;
	struct check_node *node;
	struct block *block;
	struct captured *captured;
	int captured_n, locals;
};

struct finder {
	struct check_arena *arena;
	struct check_findings *findings;
	const struct check_source *source;
	struct check_scope *scope;
	struct visible *names;
	struct function *function;
	bool failed;
};

static void walk(void *ctx, struct check_node *n);

static printf_like(3, 4) void fail(
	struct finder *s, const struct check_node *n, const char *fmt, ...)
{
	char text[300];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (!s->failed)
		check_finding_put(
			s->findings, s->source, CHECK_SYNTAX, n->mark, n->end, "%s", text);
	s->failed = true;
}

/* For "%.*s". */
static int width(struct slice name)
{
	return name.n < 60 ? (int)name.n : 60;
}

static void *take(struct finder *s, size_t n)
{
	void *p = check_arena_take(s->arena, n);
	s->failed |= p == NULL;
	return p;
}

/* --- locals ----------------------------------------------------------------------------------- */

static struct check_symbol *declare(
	struct finder *s, struct check_node *name, enum check_symbol_kind kind)
{
	struct check_symbol *symbol = take(s, sizeof(*symbol));
	struct visible *v = take(s, sizeof(*v));
	if (symbol == NULL || v == NULL)
		return NULL;
	*symbol = (struct check_symbol){.next = s->scope->symbols,
		.kind = kind,
		.name = name->text,
		.node = name,
		.function = s->function->node,
		.constant = name->op == TOKEN_LT};
	s->scope->symbols = symbol;
	name->symbol = symbol;
	*v = (struct visible){s->names, symbol};
	s->names = v;
	if (++s->function->locals > LOCALS_MAX)
		fail(s, name, "'%.*s' is one local too many: a function has at most 200",
			width(name->text), name->text.p);
	return symbol;
}

static void capture(struct finder *s, struct check_node *name, const struct check_symbol *symbol)
{
	for (struct function *f = s->function; f != NULL && f->node != symbol->function;
		f = f->outer) {
		struct captured *c = f->captured;
		while (c != NULL && c->symbol != symbol)
			c = c->next;
		if (c != NULL)
			return; /* by those around it, too */
		c = take(s, sizeof(*c));
		if (c == NULL)
			return;
		*c = (struct captured){f->captured, symbol};
		f->captured = c;
		if (++f->captured_n >= CAPTURED_MAX)
			fail(s, name,
				"'%.*s' is one too many of the outer locals that a function uses",
				width(name->text), name->text.p);
	}
}

static void find(struct finder *s, struct check_node *name, bool write)
{
	struct visible *v = s->names;
	while (v != NULL && !slice_equal(v->symbol->name, name->text))
		v = v->outer;
	if (v == NULL)
		return;
	name->symbol = v->symbol;
	if (write)
		v->symbol->writes++;
	else
		v->symbol->reads++;
	if (write && v->symbol->constant)
		fail(s, name, "'%.*s' is a <const>, it cannot be changed", width(name->text),
			name->text.p);
	capture(s, name, v->symbol);
}

static void walk_list(struct finder *s, struct check_node *list)
{
	for (; list != NULL && !s->failed; list = list->next)
		walk(s, list);
}

/* --- goto and labels -------------------------------------------------------------------------- */

static void check_jump(
	struct finder *s, const struct check_node *jump, int locals, const struct label *label)
{
	if (locals < label->locals)
		fail(s, jump, "goto %.*s jumps over a local into where it lives", width(jump->text),
			jump->text.p);
}

static void put_label(struct finder *s, struct check_node *n)
{
	const struct check_node *next = n->next;
	struct block *b = s->function->block;
	for (struct block *o = b; o != NULL; o = o->outer)
		for (struct label *l = o->labels; l != NULL; l = l->next)
			if (slice_equal(l->node->text, n->text))
				fail(s, n, "the label '%.*s' is there already", width(n->text),
					n->text.p);
	while (next != NULL && next->kind == NODE_LABEL)
		next = next->next;
	struct label *label = take(s, sizeof(*label));
	if (label == NULL)
		return;
	bool last = next == NULL && !b->repeat;
	*label = (struct label){b->labels, n, last ? b->locals : s->function->locals};
	b->labels = label;
	for (struct label **j = &b->jumps; *j != NULL;) {
		if (!slice_equal((*j)->node->text, n->text)) {
			j = &(*j)->next;
			continue;
		}
		check_jump(s, (*j)->node, (*j)->locals, label);
		*j = (*j)->next;
	}
}

static void put_jump(struct finder *s, struct check_node *n)
{
	for (struct block *o = s->function->block; o != NULL; o = o->outer)
		for (struct label *l = o->labels; l != NULL; l = l->next)
			if (slice_equal(l->node->text, n->text))
				return;
	struct label *jump = take(s, sizeof(*jump));
	if (jump == NULL)
		return;
	*jump = (struct label){s->function->block->jumps, n, s->function->locals};
	s->function->block->jumps = jump;
}

static void check_break(struct finder *s, const struct check_node *n)
{
	for (struct block *b = s->function->block; b != NULL; b = b->outer)
		if (b->loop)
			return;
	fail(s, n, "there is no loop here that could be left");
}

/* --- blocks ----------------------------------------------------------------------------------- */

static void open_block(struct finder *s, struct block *b, bool loop)
{
	*b = (struct block){.outer = s->function->block,
		.names = s->names,
		.locals = s->function->locals,
		.loop = loop};
	s->function->block = b;
}

static void close_block(struct finder *s, struct block *b)
{
	s->names = b->names;
	s->function->locals = b->locals;
	s->function->block = b->outer;
	while (b->jumps != NULL) {
		struct label *j = b->jumps;
		b->jumps = j->next;
		if (b->outer == NULL) {
			fail(s, j->node, "there is no label '%.*s' that could be reached from here",
				width(j->node->text), j->node->text.p);
			continue;
		}
		j->locals = j->locals < b->locals ? j->locals : b->locals;
		j->next = b->outer->jumps;
		b->outer->jumps = j;
	}
}

static void walk_block(struct finder *s, struct check_node *block, bool loop)
{
	struct block b;
	open_block(s, &b, loop);
	walk_list(s, block->a);
	close_block(s, &b);
}

static void walk_function(struct finder *s, struct check_node *n)
{
	struct function f = {.outer = s->function, .node = n};
	struct block b;
	s->function = &f;
	open_block(s, &b, false);
	for (struct check_node *name = n->a; name != NULL; name = name->next)
		declare(s, name, SYMBOL_PARAMETER);
	walk_list(s, n->b->a);
	close_block(s, &b);
	s->function = f.outer;
}

/* --- statements ------------------------------------------------------------------------------- */

static void walk_local(struct finder *s, struct check_node *n)
{
	struct check_node *value = n->b;
	int result = 0;
	walk_list(s, n->b);
	for (struct check_node *name = n->a; name != NULL && !s->failed; name = name->next) {
		struct check_symbol *symbol = declare(s, name, SYMBOL_LOCAL);
		if (symbol == NULL)
			break;
		symbol->value = value;
		symbol->result = result;
		if (value != NULL && value->next != NULL)
			value = value->next;
		else
			result++;
	}
	if (check_list_n(n->a) > 1) {
		bool closes = false;
		for (struct check_node *name = n->a; name != NULL; name = name->next) {
			if (closes && name->flag)
				fail(s, name, "'%.*s' is a second <close> in one statement",
					width(name->text), name->text.p);
			closes |= name->flag;
		}
	}
}

static void walk_for(struct finder *s, struct check_node *n)
{
	struct block b, inner;
	walk_list(s, n->b);
	open_block(s, &b, true);
	s->function->locals += n->kind == NODE_FOR_IN ? 4 : 3; /* Lua's own */
	open_block(s, &inner, false);
	int result = 0;
	for (struct check_node *name = n->a; name != NULL && !s->failed; name = name->next) {
		struct check_symbol *symbol = declare(s, name, SYMBOL_LOOP);
		if (symbol == NULL)
			break;
		symbol->value = n->b;
		symbol->result = result++;
	}
	walk_list(s, n->c->a);
	close_block(s, &inner);
	close_block(s, &b);
}

static void walk_repeat(struct finder *s, struct check_node *n)
{
	struct block b, inner;
	open_block(s, &b, true);
	open_block(s, &inner, false);
	inner.repeat = true;
	walk_list(s, n->a->a);
	walk_list(s, n->b);
	close_block(s, &inner);
	close_block(s, &b);
}

static void walk_assign(struct finder *s, struct check_node *n)
{
	for (struct check_node *target = n->a; target != NULL && !s->failed; target = target->next)
		if (target->kind == NODE_NAME)
			find(s, target, true);
		else
			walk(s, target);
	walk_list(s, n->b);
}

static void walk_named(struct finder *s, struct check_node *n)
{
	if (n->a->kind == NODE_NAME)
		find(s, n->a, true);
	else
		walk(s, n->a);
	walk(s, n->b);
}

static void walk(void *ctx, struct check_node *n)
{
	struct finder *s = ctx;
	if (s->failed)
		return;
	switch ((int)n->kind) {
	case NODE_NAME:
		find(s, n, false);
		return;
	case NODE_BLOCK:
		walk_block(s, n, false);
		return;
	case NODE_LOCAL:
		walk_local(s, n);
		return;
	case NODE_ASSIGN:
		walk_assign(s, n);
		return;
	case NODE_WHILE:
		walk(s, n->a);
		walk_block(s, n->b, true);
		return;
	case NODE_REPEAT:
		walk_repeat(s, n);
		return;
	case NODE_FOR_NUMBER:
	case NODE_FOR_IN:
		walk_for(s, n);
		return;
	case NODE_FUNCTION_NAMED:
		walk_named(s, n);
		return;
	case NODE_FUNCTION_LOCAL:
		declare(s, n->a, SYMBOL_FUNCTION);
		if (n->a->symbol != NULL)
			n->a->symbol->value = n->b;
		walk(s, n->b);
		return;
	case NODE_FUNCTION:
		walk_function(s, n);
		return;
	case NODE_BREAK:
		check_break(s, n);
		return;
	case NODE_LABEL:
		put_label(s, n);
		return;
	case NODE_GOTO:
		put_jump(s, n);
		return;
	default:
		check_node_each(n, walk, s);
	}
}

bool check_scope_find(const struct check_tree *tree, struct check_arena *arena,
	struct check_findings *findings, struct check_scope *ret_scope)
{
	struct check_scope scope = {NULL};
	struct function chunk = {.node = NULL};
	struct finder s = {.arena = arena,
		.findings = findings,
		.source = tree->source,
		.scope = &scope,
		.function = &chunk};
	walk_block(&s, tree->block, false);
	if (s.failed)
		return false;
	*ret_scope = scope;
	return true;
}
