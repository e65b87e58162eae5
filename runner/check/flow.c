/* SPDX-License-Identifier: MIT */
/*
 * What happens in which order: values that may be nil and are used as if they never were, calls
 * where none can be made, loops that burn the budget, writes that nobody sees fail.
 * From: check.c. To: guard.c, which knows what was tested before. In doubt it is silent: a value
 * counts as tested once it was looked at in any other way than by using it.
 */
#include "runner/check/guard.h"

#include "runner/check/field.h"

#define NEEDS_MAX 200 /* that are looked into for one file */

struct walker {
	const struct check_pass *pass;
	const struct check_node *condition;      /* the innermost thing that may not happen */
	const struct check_node *function;       /* the innermost function; NULL: beside all */
	const struct check_handler *handler;     /* whose body this is */
	const struct check_node *loop, *each;    /* the innermost loop of this function; its each */
	const struct check_node *loop_condition; /* under which it stands */
	bool before_seen;                        /* event.before was looked at in this handler */
	int needs;
};

static void walk(void *ctx, struct check_node *n);

static void walk_list(struct walker *w, struct check_node *list)
{
	for (; list != NULL; list = list->next)
		walk(w, list);
}

/* A part that happens only sometimes. */
static void walk_under(
	struct walker *w, struct check_node *list, const struct check_node *condition)
{
	const struct check_node *outer = w->condition;
	w->condition = condition;
	walk_list(w, list);
	w->condition = outer;
}

/* --- nil -------------------------------------------------------------------------------------- */

static const char *source_name(const struct check_node *value)
{
	if (value->kind == NODE_METHOD)
		return "get";
	return check_is_global(value->a, "units") ? "units" : "twenty.member";
}

static bool is_units(const struct check_node *n)
{
	return n->kind == NODE_CALL && check_is_global(n->a, "units");
}

static void say_nil(const struct walker *w, const struct check_node *use, const char *what)
{
	struct check_finding *f = check_say(w->pass, CHECK_NIL, use,
		"%s may have answered nil: there may be no such record", what);
	check_suggest(f, "test it first: if not .. then skip \"it is gone\" end");
}

/* Is `object` used (record.x, record:f()) though nobody has looked whether it is there? */
static void use(struct walker *w, struct check_node *object)
{
	struct check_node *bare = check_node_bare(object);
	if (bare->kind == NODE_METHOD || bare->kind == NODE_CALL) {
		const struct check_type type = check_type_of(w->pass, bare);
		if (type.kind == TYPE_RECORD && type.maybe && bare->kind == NODE_METHOD)
			say_nil(w, bare, "get");
		else if (type.kind == TYPE_RECORD && type.maybe &&
			 !check_is_global(bare->a, "parallel"))
			say_nil(w, bare, "twenty.member");
		return;
	}
	struct check_symbol *symbol = bare->kind == NODE_NAME ? bare->symbol : NULL;
	if (symbol == NULL || symbol->seen || symbol->function != w->function ||
		symbol->condition != w->condition || symbol->kind != SYMBOL_LOCAL ||
		symbol->value == NULL)
		return;
	const struct check_type type = check_type_of(w->pass, bare);
	if (type.kind == TYPE_RECORD && type.maybe && !type.before &&
		(symbol->value->kind == NODE_METHOD || symbol->value->kind == NODE_CALL))
		say_nil(w, bare, source_name(symbol->value));
}

/* units(x) > 5 */
static void use_number(struct walker *w, struct check_node *operand)
{
	struct check_node *bare = check_node_bare(operand);
	struct check_symbol *s = bare->kind == NODE_NAME ? bare->symbol : NULL;
	bool local = s != NULL && !s->seen && s->writes == 0 && s->kind == SYMBOL_LOCAL &&
		     s->result == 0 && s->value != NULL && is_units(s->value) &&
		     s->function == w->function && s->condition == w->condition;
	if (!is_units(bare) && !local)
		return;
	struct check_finding *f = check_say(w->pass, CHECK_NIL, bare,
		"units answers nil where the amount is empty, and nil is no number");
	check_suggest(f, "write (units(..) or 0)");
}

/* event.before.stage */
static void use_before(struct walker *w, const struct check_node *n)
{
	const struct check_node *before = n->a;
	if (w->handler == NULL || w->before_seen || before->kind != NODE_INDEX ||
		!check_is_string(before->b, "before") ||
		check_type_of(w->pass, before->a).kind != TYPE_EVENT)
		return;
	const struct check_rule *rule = w->handler->rule;
	if (w->condition != w->handler->function || w->function != w->handler->function ||
		check_table_find(rule->head, "when") != NULL)
		return;
	struct check_finding *f = check_say(w->pass, CHECK_NIL, before,
		"event.before is nil where the record is new or was never seen");
	check_suggest(f, "test it first: local before = event.before or {}");
}

/* --- need ------------------------------------------------------------------------------------- */

static bool can_be_empty(const struct walker *w, const struct check_node *value)
{
	static const char *const always[] = {"id", "createdAt", "updatedAt"};
	const struct check_type type = check_type_of(w->pass, value);
	if (type.kind != TYPE_FIELD)
		return false;
	for (size_t i = 0; i < ARRAY_N(always); i++)
		if (slice_equal(type.field, slice_of(always[i])))
			return false;
	return !check_guard_head(w->handler, type.field) &&
	       !check_guard_tested(w->pass, value, type.field);
}

static void need_in(struct walker *w, const struct check_node *where)
{
	for (const struct check_node *f = where->a; f != NULL; f = f->next) {
		const struct check_node *value = check_node_bare(f->b);
		if (f->a == NULL || f->a->kind != NODE_STRING ||
			(value->kind != NODE_INDEX && value->kind != NODE_NAME))
			continue;
		if (++w->needs > NEEDS_MAX || !can_be_empty(w, value))
			continue;
		int n = (int)(value->end - value->at < 80 ? value->end - value->at : 80);
		const char *text = w->pass->text->source.text.p + value->at;
		struct check_finding *found = check_say(w->pass, CHECK_NEED, value,
			"where %.*s is nil, the condition about %.*s is gone and everybody fits", n,
			text, CHECK_WORD(f->a->text));
		check_suggest(found, "write %.*s = need(%.*s, \"%.*s\")", CHECK_WORD(f->a->text), n,
			text, CHECK_WORD(f->a->text));
	}
}

static void look_at_conditions(struct walker *w, const struct check_node *n)
{
	const struct interface_method *m = interface_method(n->text);
	if (m == NULL || n->b == NULL || check_type_of(w->pass, n->a).kind != TYPE_OBJECTS)
		return;
	const struct check_node *where = m->where == 1 ? n->b : NULL;
	if (m->options == 1 && n->b->kind == NODE_TABLE)
		where = check_table_find(n->b, "where");
	if (where != NULL && where->kind == NODE_TABLE)
		need_in(w, where);
}

/* --- calls ------------------------------------------------------------------------------------ */

static void look_at_place(struct walker *w, const struct check_node *n)
{
	if (!check_is_call(w->pass, n))
		return;
	if (w->function == NULL)
		check_say_at(w->pass, CHECK_PLACE, n->at, n->end,
			"a call belongs into run, not beside the rules");
	else if (w->handler != NULL && !w->handler->run && !w->handler->shared &&
		 w->function == w->handler->function)
		check_say_at(w->pass, CHECK_PLACE, n->at, n->end,
			"a call belongs into run: when and key see the event only");
}

static bool has_limit(const struct check_node *n)
{
	if (n->b == NULL)
		return false;
	return n->b->kind != NODE_TABLE || check_table_find(n->b, "limit") != NULL;
}

static void look_at_loop(struct walker *w, const struct check_node *n)
{
	if (w->loop == NULL || check_type_of(w->pass, n->a).kind != TYPE_OBJECTS)
		return;
	if (slice_equal(n->text, slice_of("list")) && !has_limit(n)) {
		struct check_finding *f =
			check_say_at(w->pass, CHECK_LIMIT, n->mark, n->mark + (uint32_t)n->text.n,
				"a list without a limit in a loop: each turn reads a page, and a "
				"page is all "
				"it reads");
		check_suggest(f, "say limit = .., or read once before the loop, with { where = { "
				 "id = ids } }");
	}
	if (slice_equal(n->text, slice_of("get")) && w->each != NULL &&
		w->condition == w->loop_condition) {
		struct check_finding *f =
			check_say_at(w->pass, CHECK_LOOP, n->mark, n->mark + (uint32_t)n->text.n,
				"a get for each record of all pages: a request each, and the "
				"budget is small");
		check_suggest(f, "write depth = 1 in each, or collect ids and list { where = { id "
				 "= ids } }");
	}
}

/* A rule that sees its own writes, always runs, and writes to the record that it runs for. */
static void look_at_own(struct walker *w, const struct check_node *n)
{
	static const char *const writes[] = {"update", "delete", "restore"};
	const struct check_rule *rule = w->handler != NULL ? w->handler->rule : NULL;
	bool write = false;
	for (size_t i = 0; i < ARRAY_N(writes); i++)
		write |= slice_equal(n->text, slice_of(writes[i]));
	if (!write || rule == NULL || w->handler->shared || w->condition != w->handler->function ||
		n->b == NULL || n->b->kind != NODE_INDEX || !check_is_string(n->b->b, "id"))
		return;
	const struct check_node *echo = check_table_find(rule->head, "echo");
	const struct check_type record = check_type_of(w->pass, n->b->a);
	if (echo == NULL || echo->kind != NODE_TRUE || record.kind != TYPE_RECORD ||
		record.handler == NULL || check_table_find(rule->head, "when") != NULL)
		return;
	struct check_finding *f = check_say(w->pass, CHECK_SELF, n,
		"with echo = true this rule fires again for what it writes here, without an end");
	check_suggest(f, "leave echo out, or say with when what must have changed");
}

static void find_effect(void *ctx, struct check_node *n)
{
	bool *found = ctx;
	const struct interface_method *m =
		n->kind == NODE_METHOD ? interface_method(n->text) : NULL;
	*found |= m != NULL && m->effect;
	if (!*found)
		check_node_each(n, find_effect, ctx);
}

/* pcall(f) whose answer nobody looks at. */
static void look_at_pcall(struct walker *w, const struct check_node *statement)
{
	bool effect = false;
	const struct check_node *call = statement->a;
	if (call->kind != NODE_CALL || !check_is_global(call->a, "pcall") || call->b == NULL)
		return;
	find_effect(&effect, call->b);
	if (!effect)
		return;
	struct check_finding *f = check_say(w->pass, CHECK_SWALLOW, call->a,
		"where this fails nobody hears of it, and it is not tried again");
	check_suggest(f, "write local ok, err = pcall(..), and log or raise err");
}

static void look_at_predicate(struct walker *w, const struct check_node *n)
{
	static const char *const names[] = {"changed", "has", "is", "all", "any", "none", "rule"};
	for (size_t i = 0; i < ARRAY_N(names) && w->handler != NULL; i++)
		if (check_is_global(n->a, names[i]))
			check_say(w->pass, CHECK_PLACE, n->a,
				strcmp(names[i], "rule") == 0
					? "%s belongs at the top of the file, not into a function "
					  "of a rule"
					: "%s is what `when` of a rule may be; within a function "
					  "look at "
					  "event.fields, event.before and event.record",
				names[i]);
}

/* event.record.x = 1 */
static void look_at_assign(struct walker *w, const struct check_node *n)
{
	for (const struct check_node *t = n->a; t != NULL; t = t->next) {
		if (t->kind != NODE_INDEX || t->a->kind != NODE_INDEX ||
			!check_is_string(t->a->b, "record") ||
			check_type_of(w->pass, t->a->a).kind != TYPE_EVENT)
			continue;
		struct check_finding *f = check_say(w->pass, CHECK_UNUSED, t,
			"this changes the rule's own copy, not the record in Twenty");
		check_suggest(f, "write twenty.<objects>:update(event.record.id, { .. })");
	}
}

/* --- the walk --------------------------------------------------------------------------------- */

static const struct check_handler *handler_of(
	const struct walker *w, const struct check_node *function)
{
	for (const struct check_handler *h = w->pass->text->rules.handlers; h != NULL; h = h->next)
		if (h->function == function)
			return h;
	return NULL;
}

static void walk_function(struct walker *w, struct check_node *n)
{
	const struct walker outer = *w;
	w->handler = handler_of(w, n);
	if (w->handler == NULL)
		w->handler = outer.handler;
	else
		w->before_seen = false;
	w->function = w->condition = n;
	if (w->handler != outer.handler)
		w->loop = w->each = NULL;
	walk_list(w, n->b->a);
	int needs = w->needs;
	*w = outer;
	w->needs = needs;
}

static void walk_loop(struct walker *w, struct check_node *n)
{
	const struct walker outer = *w;
	const struct check_node *values = n->b;
	walk_list(w, n->kind == NODE_FOR_IN || n->kind == NODE_FOR_NUMBER ? n->b : NULL);
	w->loop = n;
	w->loop_condition = w->condition;
	if (n->kind == NODE_FOR_IN && values != NULL && values->kind == NODE_METHOD &&
		slice_equal(values->text, slice_of("each")) && !has_limit(values))
		w->each = values;
	if (n->kind == NODE_WHILE)
		walk(w, n->a);
	walk_list(w, n->kind == NODE_REPEAT ? n->a : n->kind == NODE_WHILE ? n->b : n->c);
	if (n->kind == NODE_REPEAT)
		walk(w, n->b);
	w->loop = outer.loop;
	w->each = outer.each;
	w->loop_condition = outer.loop_condition;
}

static bool is_arithmetic(enum check_token_kind op)
{
	return op == TOKEN_PLUS || op == TOKEN_MINUS || op == TOKEN_TIMES || op == TOKEN_DIV ||
	       op == TOKEN_LT || op == TOKEN_GT || op == TOKEN_LE || op == TOKEN_GE;
}

static void walk_binary(struct walker *w, struct check_node *n)
{
	if (is_arithmetic(n->op)) {
		use_number(w, n->a);
		use_number(w, n->b);
	}
	walk(w, n->a);
	if (n->op == TOKEN_AND || n->op == TOKEN_OR)
		walk_under(w, n->b, n);
	else
		walk(w, n->b);
}

static void walk_if(struct walker *w, struct check_node *n)
{
	for (struct check_node *clause = n->a; clause != NULL; clause = clause->next) {
		if (clause->a != NULL && clause == n->a)
			walk(w, clause->a);
		else if (clause->a != NULL)
			walk_under(w, clause->a, clause);
		walk_under(w, clause->b, clause);
	}
}

static void walk_local(struct walker *w, struct check_node *n)
{
	walk_list(w, n->b);
	for (struct check_node *name = n->a; name != NULL; name = name->next)
		if (name->symbol != NULL)
			name->symbol->condition = w->condition;
}

static void walk_index(struct walker *w, struct check_node *n)
{
	use_before(w, n);
	if (check_is_string(n->b, "before") && check_type_of(w->pass, n->a).kind == TYPE_EVENT)
		w->before_seen = true;
	use(w, n->a);
	check_node_each(n, walk, w);
}

static void walk_method(struct walker *w, struct check_node *n)
{
	use(w, n->a);
	look_at_place(w, n);
	look_at_conditions(w, n);
	look_at_loop(w, n);
	look_at_own(w, n);
	check_node_each(n, walk, w);
}

static void walk(void *ctx, struct check_node *n)
{
	struct walker *w = ctx;
	switch ((int)n->kind) {
	case NODE_NAME:
		if (n->symbol != NULL)
			n->symbol->seen = true;
		return;
	case NODE_FUNCTION:
		walk_function(w, n);
		return;
	case NODE_WHILE:
	case NODE_REPEAT:
	case NODE_FOR_IN:
	case NODE_FOR_NUMBER:
		walk_loop(w, n);
		return;
	case NODE_IF:
		walk_if(w, n);
		return;
	case NODE_LOCAL:
		walk_local(w, n);
		return;
	case NODE_FUNCTION_LOCAL:
		walk(w, n->b);
		return;
	case NODE_BINARY:
		walk_binary(w, n);
		return;
	case NODE_INDEX:
		walk_index(w, n);
		return;
	case NODE_METHOD:
		walk_method(w, n);
		return;
	case NODE_CALL:
		look_at_place(w, n);
		look_at_predicate(w, n);
		break;
	case NODE_CALLING:
		look_at_pcall(w, n);
		break;
	case NODE_ASSIGN:
		look_at_assign(w, n);
		break;
	default:
		break;
	}
	check_node_each(n, walk, ctx);
}

void check_flow(const struct check_pass *pass)
{
	struct walker w = {.pass = pass};
	walk(&w, pass->text->tree.block);
}
