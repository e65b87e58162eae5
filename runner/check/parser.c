/* SPDX-License-Identifier: MIT */
/*
 * Words -> tree.
 * From: check.c. To: scope.c. Goes down the grammar as Lua's parser does and counts levels as it
 * does, so that what is accepted here is what Lua accepts; goto, break, <const> and numbers of
 * locals are scope.c's. After the first mistake the lexer gives nothing but the end, so that every
 * loop ends. Sentences of mistakes are in complaint.c.
 */
#include "runner/check/parser.h"

#include "runner/check/complaint.h"

#define LEVELS_MAX 190 /* of nesting: Lua has 200 C levels, of which its caller uses some */

static struct check_node *parse_expression(struct check_parser *p, int limit);
static struct check_node *parse_block(
	struct check_parser *p, enum check_token_kind opened, uint32_t at);
static struct check_node *parse_statement(struct check_parser *p);

/* --- words ------------------------------------------------------------------------------------ */

static enum check_token_kind kind(const struct check_parser *p)
{
	return p->now.kind;
}

static void advance(struct check_parser *p)
{
	p->last_end = p->now.end;
	p->last_at = p->now.at;
	p->before = p->now.kind;
	if (p->ahead_known)
		p->now = p->ahead;
	else
		check_lexer_next(&p->lexer, &p->now);
	p->ahead_known = false;
	if (p->lexer.failed)
		p->now.kind = TOKEN_EOF;
}

static enum check_token_kind look_ahead(struct check_parser *p)
{
	if (!p->ahead_known)
		check_lexer_next(&p->lexer, &p->ahead);
	p->ahead_known = true;
	return p->ahead.kind;
}

static bool skip(struct check_parser *p, enum check_token_kind k)
{
	if (kind(p) != k || p->lexer.failed)
		return false;
	advance(p);
	return true;
}

static void expect(struct check_parser *p, enum check_token_kind k)
{
	if (!skip(p, k))
		check_complain_expected(p, k);
}

/* What closes something that was opened at `at` by `opened`. */
static void expect_close(
	struct check_parser *p, enum check_token_kind k, enum check_token_kind opened, uint32_t at)
{
	if (!skip(p, k))
		check_complain_unclosed(p, k, opened, at);
	else if (k == TOKEN_END || k == TOKEN_CLOSE_BRACE)
		check_parser_closed(p, opened, at);
}

/* --- nodes ------------------------------------------------------------------------------------ */

static struct check_node *node_new(struct check_parser *p, enum check_node_kind k, uint32_t at)
{
	struct check_node *n = p->lexer.failed ? NULL : check_arena_take(p->arena, sizeof(*n));
	if (n == NULL) {
		check_parser_stop(p);
		n = &p->scrap;
		*n = (struct check_node){0};
	}
	n->kind = k;
	n->at = n->mark = at;
	return n;
}

static void deepen(struct check_parser *p, struct check_node *n, const struct check_node *list)
{
	for (; list != NULL; list = list->next)
		if (list->depth >= n->depth)
			n->depth = list->depth + 1;
	p->deep |= n->depth > CHECK_DEPTH_MAX;
}

/* The node is complete: its bytes end with the last word. */
static struct check_node *finish(struct check_parser *p, struct check_node *n)
{
	n->end = p->last_end;
	deepen(p, n, n->a);
	deepen(p, n, n->b);
	deepen(p, n, n->c);
	return n;
}

struct list {
	struct check_node *first, **end;
};

static void list_add(struct check_parser *p, struct list *list, struct check_node *n)
{
	if (n == &p->scrap || p->lexer.failed)
		return;
	*(list->end != NULL ? list->end : &list->first) = n;
	list->end = &n->next;
}

static bool enter(struct check_parser *p)
{
	if (++p->levels > LEVELS_MAX)
		check_complain_levels(p);
	return !p->lexer.failed;
}

static void leave(struct check_parser *p)
{
	p->levels--;
}

/* --- names and constants ---------------------------------------------------------------------- */

static struct check_node *take_word(struct check_parser *p, enum check_node_kind k)
{
	struct check_node *n = node_new(p, k, p->now.at);
	n->text = p->now.text;
	n->integer = p->now.integer;
	n->number = p->now.number;
	advance(p);
	return finish(p, n);
}

/* STRING for a key, NAME for a variable. */
static struct check_node *take_name(struct check_parser *p, enum check_node_kind k)
{
	if (kind(p) != TOKEN_NAME)
		check_complain_expected(p, TOKEN_NAME);
	return take_word(p, k);
}

/* --- tables ----------------------------------------------------------------------------------- */

static struct check_node *parse_field(struct check_parser *p)
{
	struct check_node *f = node_new(p, NODE_FIELD, p->now.at);
	if (kind(p) == TOKEN_NAME && look_ahead(p) == TOKEN_ASSIGN) {
		f->a = take_name(p, NODE_STRING);
		advance(p);
	} else if (kind(p) == TOKEN_OPEN_BRACKET) {
		uint32_t at = p->now.at;
		advance(p);
		f->a = parse_expression(p, 0);
		expect_close(p, TOKEN_CLOSE_BRACKET, TOKEN_OPEN_BRACKET, at);
		expect(p, TOKEN_ASSIGN);
	}
	f->b = parse_expression(p, 0);
	return finish(p, f);
}

static struct check_node *parse_table(struct check_parser *p)
{
	struct list fields = {0};
	struct check_node *t = node_new(p, NODE_TABLE, p->now.at);
	uint32_t at = p->now.at;
	advance(p);
	while (kind(p) != TOKEN_CLOSE_BRACE && !p->lexer.failed) {
		list_add(p, &fields, parse_field(p));
		if (!skip(p, TOKEN_COMMA) && !skip(p, TOKEN_SEMICOLON))
			break;
	}
	expect_close(p, TOKEN_CLOSE_BRACE, TOKEN_OPEN_BRACE, at);
	t->a = fields.first;
	return finish(p, t);
}

/* --- functions -------------------------------------------------------------------------------- */

/* Behind `function` (at) and its name. */
static struct check_node *parse_function(struct check_parser *p, uint32_t at)
{
	struct list names = {0};
	struct check_node *f = node_new(p, NODE_FUNCTION, at);
	bool outer = p->vararg;
	uint32_t open = p->now.at;
	expect(p, TOKEN_OPEN);
	p->vararg = false;
	while (kind(p) != TOKEN_CLOSE && !p->lexer.failed) {
		if (skip(p, TOKEN_DOTS)) {
			p->vararg = true;
			break;
		}
		list_add(p, &names, take_name(p, NODE_NAME));
		if (!skip(p, TOKEN_COMMA))
			break;
		if (kind(p) == TOKEN_CLOSE)
			check_complain_expected(p, TOKEN_NAME);
	}
	expect_close(p, TOKEN_CLOSE, TOKEN_OPEN, open);
	f->flag = p->vararg;
	f->a = names.first;
	f->b = parse_block(p, TOKEN_FUNCTION, at);
	expect_close(p, TOKEN_END, TOKEN_FUNCTION, at);
	p->vararg = outer;
	return finish(p, f);
}

/* --- expressions ------------------------------------------------------------------------------ */

static struct check_node *parse_expressions(struct check_parser *p)
{
	struct list list = {0};
	do
		list_add(p, &list, parse_expression(p, 0));
	while (skip(p, TOKEN_COMMA));
	return list.first;
}

static struct check_node *parse_arguments(struct check_parser *p, bool *ret_bare)
{
	struct check_node *args = NULL;
	uint32_t at = p->now.at;
	*ret_bare = true;
	switch ((int)kind(p)) {
	case TOKEN_STRING:
		return take_word(p, NODE_STRING);
	case TOKEN_OPEN_BRACE:
		return parse_table(p);
	case TOKEN_OPEN:
		*ret_bare = false;
		advance(p);
		if (kind(p) != TOKEN_CLOSE)
			args = parse_expressions(p);
		expect_close(p, TOKEN_CLOSE, TOKEN_OPEN, at);
		return args;
	default:
		check_complain_arguments(p);
		return NULL;
	}
}

static struct check_node *parse_primary(struct check_parser *p)
{
	if (kind(p) == TOKEN_NAME)
		return take_name(p, NODE_NAME);
	if (kind(p) != TOKEN_OPEN) {
		check_complain_expression(p);
		return node_new(p, NODE_NIL, p->now.at);
	}
	struct check_node *n = node_new(p, NODE_PAREN, p->now.at);
	uint32_t at = p->now.at;
	advance(p);
	n->a = parse_expression(p, 0);
	expect_close(p, TOKEN_CLOSE, TOKEN_OPEN, at);
	return finish(p, n);
}

static struct check_node *parse_suffix(struct check_parser *p, struct check_node *object)
{
	struct check_node *n;
	uint32_t mark = p->now.at;
	switch ((int)kind(p)) {
	case TOKEN_DOT:
		n = node_new(p, NODE_INDEX, object->at);
		n->flag = true;
		advance(p);
		n->a = object;
		n->b = take_name(p, NODE_STRING);
		break;
	case TOKEN_OPEN_BRACKET:
		n = node_new(p, NODE_INDEX, object->at);
		advance(p);
		n->a = object;
		n->b = parse_expression(p, 0);
		expect_close(p, TOKEN_CLOSE_BRACKET, TOKEN_OPEN_BRACKET, mark);
		break;
	case TOKEN_COLON:
		n = node_new(p, NODE_METHOD, object->at);
		advance(p);
		mark = p->now.at;
		n->text = p->now.text;
		expect(p, TOKEN_NAME);
		n->a = object;
		n->b = parse_arguments(p, &n->flag);
		break;
	default:
		n = node_new(p, NODE_CALL, object->at);
		n->a = object;
		n->b = parse_arguments(p, &n->flag);
	}
	n->mark = mark;
	return finish(p, n);
}

static bool is_suffix(enum check_token_kind k)
{
	return k == TOKEN_DOT || k == TOKEN_OPEN_BRACKET || k == TOKEN_COLON || k == TOKEN_OPEN ||
	       k == TOKEN_STRING || k == TOKEN_OPEN_BRACE;
}

static struct check_node *parse_suffixed(struct check_parser *p)
{
	struct check_node *n = parse_primary(p);
	while (is_suffix(kind(p)) && !p->lexer.failed)
		n = parse_suffix(p, n);
	return n;
}

static struct check_node *parse_simple(struct check_parser *p)
{
	uint32_t at = p->now.at;
	switch ((int)kind(p)) {
	case TOKEN_NUMBER:
		return take_word(p, NODE_NUMBER);
	case TOKEN_STRING:
		return take_word(p, NODE_STRING);
	case TOKEN_NIL:
		return take_word(p, NODE_NIL);
	case TOKEN_TRUE:
		return take_word(p, NODE_TRUE);
	case TOKEN_FALSE:
		return take_word(p, NODE_FALSE);
	case TOKEN_DOTS:
		if (!p->vararg)
			check_complain_vararg(p);
		return take_word(p, NODE_VARARG);
	case TOKEN_OPEN_BRACE:
		return parse_table(p);
	case TOKEN_FUNCTION:
		advance(p);
		return parse_function(p, at);
	default:
		return parse_suffixed(p);
	}
}

static const struct {
	unsigned char left, right;
} priorities[] = {
	[TOKEN_OR] = {1, 1},
	[TOKEN_AND] = {2, 2},
	[TOKEN_LT] = {3, 3},
	[TOKEN_GT] = {3, 3},
	[TOKEN_LE] = {3, 3},
	[TOKEN_GE] = {3, 3},
	[TOKEN_NE] = {3, 3},
	[TOKEN_EQ] = {3, 3},
	[TOKEN_BOR] = {4, 4},
	[TOKEN_TILDE] = {5, 5},
	[TOKEN_BAND] = {6, 6},
	[TOKEN_SHL] = {7, 7},
	[TOKEN_SHR] = {7, 7},
	[TOKEN_CONCAT] = {9, 8},
	[TOKEN_PLUS] = {10, 10},
	[TOKEN_MINUS] = {10, 10},
	[TOKEN_TIMES] = {11, 11},
	[TOKEN_DIV] = {11, 11},
	[TOKEN_IDIV] = {11, 11},
	[TOKEN_MOD] = {11, 11},
	[TOKEN_POWER] = {14, 13},
	[TOKEN_NUMBER] = {0, 0}, /* the last word there is */
};
#define UNARY_PRIORITY 12

static bool is_unary(enum check_token_kind k)
{
	return k == TOKEN_NOT || k == TOKEN_MINUS || k == TOKEN_TILDE || k == TOKEN_LENGTH;
}

static struct check_node *parse_operand(struct check_parser *p)
{
	if (!is_unary(kind(p)))
		return parse_simple(p);
	struct check_node *n = node_new(p, NODE_UNARY, p->now.at);
	n->op = kind(p);
	advance(p);
	n->a = parse_expression(p, UNARY_PRIORITY);
	return finish(p, n);
}

static struct check_node *parse_expression(struct check_parser *p, int limit)
{
	struct check_node *left = NULL;
	if (enter(p)) {
		left = parse_operand(p);
		while (priorities[kind(p)].left > limit && !p->lexer.failed) {
			struct check_node *n = node_new(p, NODE_BINARY, left->at);
			n->op = kind(p);
			n->mark = p->now.at;
			advance(p);
			n->a = left;
			n->b = parse_expression(p, priorities[n->op].right);
			left = finish(p, n);
		}
	}
	leave(p);
	return left != NULL ? left : node_new(p, NODE_NIL, p->now.at);
}

/* --- statements ------------------------------------------------------------------------------- */

static bool ends_block(enum check_token_kind k)
{
	return k == TOKEN_EOF || k == TOKEN_END || k == TOKEN_ELSE || k == TOKEN_ELSEIF ||
	       k == TOKEN_UNTIL;
}

/* What can only close, or go on with, something around the block. */
static bool is_of_outside(enum check_token_kind k)
{
	return k == TOKEN_CLOSE_BRACE || k == TOKEN_CLOSE || k == TOKEN_CLOSE_BRACKET ||
	       k == TOKEN_COMMA;
}

/* Of what begins with `opened` at `at`; TOKEN_EOF: the whole text. */
static struct check_node *parse_block(
	struct check_parser *p, enum check_token_kind opened, uint32_t at)
{
	struct list list = {0};
	struct check_node *b = node_new(p, NODE_BLOCK, p->now.at);
	while (!ends_block(kind(p)) && !p->lexer.failed) {
		bool last = kind(p) == TOKEN_RETURN;
		if (opened != TOKEN_EOF && is_of_outside(kind(p))) {
			check_complain_unclosed(
				p, opened == TOKEN_REPEAT ? TOKEN_UNTIL : TOKEN_END, opened, at);
			break;
		}
		if (skip(p, TOKEN_SEMICOLON))
			continue;
		list_add(p, &list, parse_statement(p));
		if (last)
			break;
	}
	b->a = list.first;
	return finish(p, b);
}

static struct check_node *parse_do(struct check_parser *p)
{
	struct check_node *s = node_new(p, NODE_DO, p->now.at);
	advance(p);
	s->a = parse_block(p, TOKEN_DO, s->at);
	expect_close(p, TOKEN_END, TOKEN_DO, s->at);
	return finish(p, s);
}

static struct check_node *parse_while(struct check_parser *p)
{
	struct check_node *s = node_new(p, NODE_WHILE, p->now.at);
	uint32_t at = s->at;
	advance(p);
	s->a = parse_expression(p, 0);
	expect(p, TOKEN_DO);
	s->b = parse_block(p, TOKEN_WHILE, at);
	expect_close(p, TOKEN_END, TOKEN_WHILE, at);
	return finish(p, s);
}

static struct check_node *parse_repeat(struct check_parser *p)
{
	struct check_node *s = node_new(p, NODE_REPEAT, p->now.at);
	uint32_t at = s->at;
	advance(p);
	s->a = parse_block(p, TOKEN_REPEAT, at);
	expect_close(p, TOKEN_UNTIL, TOKEN_REPEAT, at);
	s->b = parse_expression(p, 0);
	return finish(p, s);
}

/* at: where its `if` begins. */
static struct check_node *parse_clause(struct check_parser *p, bool condition, uint32_t at)
{
	struct check_node *c = node_new(p, NODE_CLAUSE, p->now.at);
	advance(p);
	if (condition) {
		c->a = parse_expression(p, 0);
		expect(p, TOKEN_THEN);
	}
	c->b = parse_block(p, TOKEN_IF, at);
	return finish(p, c);
}

static struct check_node *parse_if(struct check_parser *p)
{
	struct list clauses = {0};
	struct check_node *s = node_new(p, NODE_IF, p->now.at);
	uint32_t at = s->at;
	do
		list_add(p, &clauses, parse_clause(p, true, at));
	while (kind(p) == TOKEN_ELSEIF && !p->lexer.failed);
	if (kind(p) == TOKEN_ELSE)
		list_add(p, &clauses, parse_clause(p, false, at));
	expect_close(p, TOKEN_END, TOKEN_IF, at);
	s->a = clauses.first;
	return finish(p, s);
}

static struct check_node *parse_for(struct check_parser *p)
{
	struct list names = {0};
	uint32_t at = p->now.at;
	struct check_node *s = node_new(p, NODE_FOR_IN, at);
	advance(p);
	list_add(p, &names, take_name(p, NODE_NAME));
	if (skip(p, TOKEN_ASSIGN)) {
		s->kind = NODE_FOR_NUMBER;
		s->b = parse_expressions(p);
		size_t n = check_list_n(s->b);
		if (n != 2 && n != 3)
			check_complain_for(p, n);
	} else {
		while (skip(p, TOKEN_COMMA))
			list_add(p, &names, take_name(p, NODE_NAME));
		if (!skip(p, TOKEN_IN))
			check_complain_in(p);
		s->b = parse_expressions(p);
	}
	s->a = names.first;
	expect(p, TOKEN_DO);
	s->c = parse_block(p, TOKEN_FOR, at);
	expect_close(p, TOKEN_END, TOKEN_FOR, at);
	return finish(p, s);
}

/* function a.b:c() .. end */
static struct check_node *parse_named(struct check_parser *p)
{
	uint32_t at = p->now.at;
	struct check_node *s = node_new(p, NODE_FUNCTION_NAMED, at);
	bool method = false;
	advance(p);
	s->a = take_name(p, NODE_NAME);
	while ((kind(p) == TOKEN_DOT || kind(p) == TOKEN_COLON) && !method) {
		method = kind(p) == TOKEN_COLON;
		struct check_node *n = node_new(p, NODE_INDEX, s->a->at);
		n->mark = p->now.at;
		n->flag = true;
		advance(p);
		n->a = s->a;
		n->b = take_name(p, NODE_STRING);
		s->a = finish(p, n);
	}
	s->b = parse_function(p, at);
	if (method && s->b != &p->scrap) {
		struct check_node *self = node_new(p, NODE_NAME, at);
		self->text = slice_of("self");
		self->end = at;
		self->next = s->b->a;
		s->b->a = self;
	}
	return finish(p, s);
}

/* <const>, <close> behind a local's name. */
static void parse_attribute(struct check_parser *p, struct check_node *name)
{
	uint32_t at = p->now.at;
	if (!skip(p, TOKEN_LT))
		return;
	bool known = kind(p) == TOKEN_NAME && (slice_equal(p->now.text, slice_of("const")) ||
						      slice_equal(p->now.text, slice_of("close")));
	if (!known)
		check_complain_attribute(p);
	name->op = TOKEN_LT;
	name->flag = known && slice_equal(p->now.text, slice_of("close"));
	advance(p);
	expect_close(p, TOKEN_GT, TOKEN_LT, at);
}

static struct check_node *parse_local(struct check_parser *p)
{
	struct list names = {0};
	uint32_t at = p->now.at;
	advance(p);
	if (kind(p) == TOKEN_FUNCTION) {
		struct check_node *s = node_new(p, NODE_FUNCTION_LOCAL, at);
		uint32_t from = p->now.at;
		advance(p);
		s->a = take_name(p, NODE_NAME);
		s->b = parse_function(p, from);
		return finish(p, s);
	}
	struct check_node *s = node_new(p, NODE_LOCAL, at);
	do {
		struct check_node *name = take_name(p, NODE_NAME);
		parse_attribute(p, name);
		list_add(p, &names, name);
	} while (skip(p, TOKEN_COMMA));
	s->a = names.first;
	s->mark = p->now.at;
	if (skip(p, TOKEN_ASSIGN))
		s->b = parse_expressions(p);
	return finish(p, s);
}

static struct check_node *parse_return(struct check_parser *p)
{
	struct check_node *s = node_new(p, NODE_RETURN, p->now.at);
	advance(p);
	if (!ends_block(kind(p)) && kind(p) != TOKEN_SEMICOLON)
		s->a = parse_expressions(p);
	(void)skip(p, TOKEN_SEMICOLON);
	if (!ends_block(kind(p)))
		check_complain_return(p);
	return finish(p, s);
}

static bool is_target(const struct check_node *n)
{
	return n->kind == NODE_NAME || n->kind == NODE_INDEX;
}

/* a call, or a, b = c, d */
static struct check_node *parse_other(struct check_parser *p)
{
	struct list targets = {0};
	uint32_t at = p->now.at;
	struct check_node *first = parse_suffixed(p);
	if (kind(p) != TOKEN_ASSIGN && kind(p) != TOKEN_COMMA) {
		if (first->kind != NODE_CALL && first->kind != NODE_METHOD)
			check_complain_statement(p, first);
		struct check_node *s = node_new(p, NODE_CALLING, at);
		s->a = first;
		return finish(p, s);
	}
	struct check_node *s = node_new(p, NODE_ASSIGN, at);
	int levels = p->levels;
	if (!is_target(first))
		check_complain_target(p, first);
	list_add(p, &targets, first);
	while (skip(p, TOKEN_COMMA) && enter(p)) {
		struct check_node *n = parse_suffixed(p);
		if (!is_target(n))
			check_complain_target(p, n);
		list_add(p, &targets, n);
	}
	s->a = targets.first;
	s->mark = p->now.at;
	expect(p, TOKEN_ASSIGN);
	s->b = parse_expressions(p);
	p->levels = levels;
	return finish(p, s);
}

static struct check_node *parse_goto(struct check_parser *p, enum check_node_kind k)
{
	struct check_node *s = node_new(p, k, p->now.at);
	advance(p);
	s->mark = p->now.at;
	s->text = p->now.text;
	expect(p, TOKEN_NAME);
	if (k == NODE_LABEL)
		expect(p, TOKEN_LABEL);
	return finish(p, s);
}

static struct check_node *parse_plain(struct check_parser *p)
{
	switch ((int)kind(p)) {
	case TOKEN_IF:
		return parse_if(p);
	case TOKEN_WHILE:
		return parse_while(p);
	case TOKEN_DO:
		return parse_do(p);
	case TOKEN_FOR:
		return parse_for(p);
	case TOKEN_REPEAT:
		return parse_repeat(p);
	case TOKEN_FUNCTION:
		return parse_named(p);
	case TOKEN_LOCAL:
		return parse_local(p);
	case TOKEN_LABEL:
		return parse_goto(p, NODE_LABEL);
	case TOKEN_RETURN:
		return parse_return(p);
	case TOKEN_BREAK:
		return take_word(p, NODE_BREAK);
	case TOKEN_GOTO:
		return parse_goto(p, NODE_GOTO);
	default:
		return parse_other(p);
	}
}

static struct check_node *parse_statement(struct check_parser *p)
{
	struct check_node *s = enter(p) ? parse_plain(p) : node_new(p, NODE_DO, p->now.at);
	leave(p);
	return s;
}

void check_parse(const struct check_source *source, struct check_arena *arena,
	struct check_findings *findings, struct check_tree *ret_tree)
{
	struct check_parser p = {.arena = arena, .source = source, .vararg = true};
	check_lexer_init(&p.lexer, source, arena, findings);
	p.now.end = source->begin;
	advance(&p);
	struct check_node *block = parse_block(&p, TOKEN_EOF, 0);
	if (kind(&p) != TOKEN_EOF)
		check_complain_rest(&p);
	bool good = !p.lexer.failed && !arena->poor;
	*ret_tree = (struct check_tree){source, good ? block : NULL, p.deep};
}
