/* SPDX-License-Identifier: MIT */
/*
 * Heads of rules: options and their values, as far as they are written out.
 * From: check.c. To: interface.c for what an option may say; the schema for objects and fields that
 * patterns and predicates name. What is computed is asked of a worker by whoever has one.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/conf.h"
#include "runner/check/field.h"
#include "runner/cron.h"

#define TEXT_BYTES 256

static bool copy_text(struct slice text, char *out)
{
	if (text.n >= TEXT_BYTES)
		return false;
	if (text.n > 0)
		memcpy(out, text.p, text.n);
	out[text.n] = '\0';
	return strlen(out) == text.n;
}

/* Is this a value that is written out, so that one can say what it is? */
static bool is_plain(const struct check_node *n)
{
	return n->kind == NODE_NIL || n->kind == NODE_TRUE || n->kind == NODE_FALSE ||
	       n->kind == NODE_NUMBER || n->kind == NODE_STRING || n->kind == NODE_FUNCTION ||
	       n->kind == NODE_TABLE;
}

static const char *kind_name(const struct check_node *n)
{
	switch ((int)n->kind) {
	case NODE_NUMBER:
		return "a number";
	case NODE_STRING:
		return "a text";
	case NODE_FUNCTION:
		return "a function";
	case NODE_TABLE:
		return "a table";
	case NODE_NIL:
		return "nil";
	default:
		return "true or false";
	}
}

static void wrong(const struct check_pass *pass, const struct interface_option *o,
	const struct check_node *n, const char *wanted)
{
	struct check_finding *f =
		check_say(pass, CHECK_VALUE, n, "%s is %s, not %s", o->name, wanted, kind_name(n));
	check_suggest(f, "write %s = %s", o->name, o->example);
}

/* --- kinds of values -------------------------------------------------------------------------- */

void check_duration(const struct check_pass *pass, const struct check_node *n, const char *what,
	int64_t min_ms, int64_t max_ms)
{
	char text[TEXT_BYTES];
	if (n->kind != NODE_STRING || !copy_text(n->text, text))
		return;
	int64_t ms = conf_parse_duration(text);
	if (ms < 0 || (ms == 0 && min_ms > 0)) {
		struct check_finding *f =
			check_say(pass, CHECK_VALUE, n, "%s: \"%.60s\" is no duration", what, text);
		check_suggest(f, "write \"500ms\", \"30s\", \"5m\", \"2h\" or \"3d\"");
	} else if (ms < min_ms) {
		check_say(
			pass, CHECK_VALUE, n, "%s is at least %" PRId64 " s", what, min_ms / 1000);
	} else if (ms > max_ms) {
		check_say(pass, CHECK_VALUE, n, "%s is at most %" PRId64 " s", what, max_ms / 1000);
	}
}

static void check_option_duration(
	const struct check_pass *pass, const struct interface_option *o, const struct check_node *n)
{
	if (n->kind == NODE_STRING)
		check_duration(pass, n, o->name, o->min, o->max);
	else
		wrong(pass, o, n, "a duration");
}

static void check_whole(const struct check_pass *pass, const char *what, const struct check_node *n,
	int64_t min, int64_t max)
{
	if (!is_plain(n))
		return;
	if (n->kind != NODE_NUMBER || !n->integer || n->number < (double)min ||
		n->number > (double)max)
		check_say(pass, CHECK_VALUE, n, "%s is a whole number from %" PRId64 " to %" PRId64,
			what, min, max);
}

static void check_cron(
	const struct check_pass *pass, const struct interface_option *o, const struct check_node *n)
{
	struct cron cron;
	struct err err = {.msg = ""};
	char text[TEXT_BYTES];
	if (n->kind != NODE_STRING)
		wrong(pass, o, n, "a text");
	else if (copy_text(n->text, text) && cron_parse(text, &cron, &err) != RC_OK)
		check_say(pass, CHECK_VALUE, n, "cron: %s", err.msg);
}

static void check_word(
	const struct check_pass *pass, const struct interface_option *o, const struct check_node *n)
{
	for (size_t i = 0; o->words[i] != NULL; i++)
		if (check_is_string(n, o->words[i]))
			return;
	if (n->kind != NODE_STRING) {
		wrong(pass, o, n, "a text");
		return;
	}
	struct check_finding *f =
		check_say(pass, CHECK_VALUE, n, "%s is \"%s\" or \"%s\", not \"%.*s\"", o->name,
			o->words[0], o->words[1], CHECK_WORD(n->text));
	const char *near = check_nearest(n->text, o->words);
	if (near != NULL)
		check_suggest(f, "did you mean \"%s\"?", near);
}

static void check_rate(
	const struct check_pass *pass, const struct interface_option *o, const struct check_node *n)
{
	char text[TEXT_BYTES];
	if (n->kind != NODE_STRING) {
		wrong(pass, o, n, "a text");
		return;
	}
	if (!copy_text(n->text, text))
		return;
	size_t digits = strspn(text, "0123456789");
	bool unit = digits > 0 && text[digits] == '/' && text[digits + 1] != '\0' &&
		    strchr("smhd", text[digits + 1]) != NULL && text[digits + 2] == '\0';
	if (unit && digits <= 9 && strtoll(text, NULL, 10) > 0)
		return;
	struct check_finding *f =
		check_say(pass, CHECK_VALUE, n, "max_writes: \"%.60s\" is no rate", text);
	check_suggest(f, "write a number and s, m, h or d, as in \"1000/h\"");
}

/* A table with these members only. */
static void check_members(const struct check_pass *pass, const char *what,
	const struct check_node *table, const char *const *names)
{
	for (const struct check_node *f = table->a; f != NULL; f = f->next) {
		size_t i = 0;
		if (f->a != NULL && f->a->kind != NODE_STRING)
			continue;
		while (f->a != NULL && names[i] != NULL && !check_is_string(f->a, names[i]))
			i++;
		if (f->a != NULL && names[i] != NULL)
			continue;
		struct slice name = f->a != NULL ? f->a->text : slice_of("(a list)");
		struct check_finding *found = check_say(pass, CHECK_OPTION, f->a != NULL ? f->a : f,
			"%s has no option '%.*s'", what, CHECK_WORD(name));
		check_suggest(found, "there is only %s", names[0]);
		if (names[1] != NULL)
			check_suggest(found, "there are %s and %s", names[0], names[1]);
		check_suggest_nearest(found, name, names);
	}
}

static void check_batch(
	const struct check_pass *pass, const struct interface_option *o, const struct check_node *n)
{
	static const char *const names[] = {"every", "max", NULL};
	if (n->kind == NODE_STRING) {
		check_duration(pass, n, "batch", o->min, o->max);
		return;
	}
	if (n->kind != NODE_TABLE) {
		wrong(pass, o, n, "a duration or a table");
		return;
	}
	check_members(pass, "batch", n, names);
	const struct check_node *every = check_table_find(n, "every"),
				*max = check_table_find(n, "max");
	if (every != NULL)
		check_duration(pass, every, "batch.every", o->min, o->max);
	if (max != NULL)
		check_whole(pass, "batch.max", max, 1, 1000);
}

static void check_retry(
	const struct check_pass *pass, const struct interface_option *o, const struct check_node *n)
{
	static const char *const names[] = {"max", NULL};
	if (n->kind != NODE_TABLE) {
		wrong(pass, o, n, "a table");
		return;
	}
	check_members(pass, "retry", n, names);
	const struct check_node *max = check_table_find(n, "max");
	if (max != NULL)
		check_whole(pass, "retry.max", max, o->min, o->max);
}

static void check_fresh(
	const struct check_pass *pass, const struct interface_option *o, const struct check_node *n)
{
	static const char *const names[] = {"depth", NULL};
	if (n->kind == NODE_TRUE)
		return;
	if (n->kind != NODE_TABLE) {
		wrong(pass, o, n, "true or a table");
		return;
	}
	check_members(pass, "fresh", n, names);
	const struct check_node *depth = check_table_find(n, "depth");
	if (depth != NULL)
		check_whole(pass, "fresh.depth", depth, 0, 1);
}

static void check_echo(
	const struct check_pass *pass, const struct interface_option *o, const struct check_node *n)
{
	if (n->kind == NODE_TRUE || n->kind == NODE_FALSE || check_is_string(n, "others"))
		return;
	struct check_finding *f =
		check_say(pass, CHECK_VALUE, n, "%s is \"others\", true or false", o->name);
	check_suggest(f,
		"\"others\" is what people and other rules write, true its own, too, false "
		"people only");
}

/* --- on --------------------------------------------------------------------------------------- */

static const char *const actions[] = {
	"created", "updated", "deleted", "restored", "destroyed", NULL};

static bool is_action(struct slice word)
{
	for (size_t i = 0; actions[i] != NULL; i++)
		if (slice_equal(slice_of(actions[i]), word))
			return true;
	return slice_equal(word, slice_of("*"));
}

static void check_object(const struct check_pass *pass, const struct check_node *n,
	struct slice object, struct slice action)
{
	char text[TEXT_BYTES];
	const struct schema *schema = pass->world->schema;
	if (schema == NULL || slice_equal(object, slice_of("*")) || !copy_text(object, text))
		return;
	const struct schema_object *o = schema_object(schema, text);
	if (o != NULL && strcmp(o->singular, text) == 0)
		return;
	if (o != NULL) {
		struct check_finding *f = check_say(
			pass, CHECK_PATTERN, n, "events are named by the singular of an object");
		check_suggest(f, "write \"%s.%.*s\"", o->singular, CHECK_WORD(action));
		return;
	}
	struct check_finding *f =
		check_say(pass, CHECK_OBJECT, n, "the workspace has no object '%.60s'", text);
	const struct schema_object *at;
	const char *words[300];
	size_t count = 0;
	for (size_t i = 0; (at = schema_object_at(schema, i)) != NULL && count < 298; i++)
		if (at->active)
			words[count++] = at->singular;
	words[count] = NULL;
	const char *word = check_nearest(object, words);
	if (word != NULL)
		check_suggest(f, "did you mean \"%s.%.*s\"?", word, CHECK_WORD(action));
}

static bool is_known(const char *const *words, struct slice word)
{
	for (; *words != NULL; words++)
		if (slice_equal(slice_of(*words), word))
			return true;
	return false;
}

static void check_hook(const struct check_pass *pass, const struct check_node *n)
{
	struct slice source = {n->text.p + 5, n->text.n - 5};
	if (pass->world->sources == NULL || is_known(pass->world->sources, source))
		return;
	struct check_finding *f = check_say(pass, CHECK_SOURCE, n,
		"the configuration has no source '%.*s'", CHECK_WORD(source));
	check_suggest(f, "add source \"%.*s\" { .. } to it", CHECK_WORD(source));
	const char *near = check_nearest(source, pass->world->sources);
	if (near != NULL)
		check_suggest(f, "did you mean \"hook:%s\"?", near);
}

static void check_pattern(const struct check_pass *pass, const struct check_node *n)
{
	static const char *const words[] = {"timer", NULL};
	if (n->kind != NODE_STRING)
		return;
	if (check_is_string(n, "timer"))
		return;
	if (n->text.n > 5 && memcmp(n->text.p, "hook:", 5) == 0) {
		check_hook(pass, n);
		return;
	}
	const char *dot = n->text.n > 0 ? memchr(n->text.p, '.', n->text.n) : NULL;
	if (dot == NULL) {
		struct check_finding *f = check_say(
			pass, CHECK_PATTERN, n, "\"%.*s\" names no action", CHECK_WORD(n->text));
		if (check_nearest(n->text, words) != NULL)
			check_suggest(f, "did you mean \"timer\"?");
		else
			check_suggest(f, "write \"person.created\" or \"person.*\"");
		return;
	}
	struct slice object = {n->text.p, (size_t)(dot - n->text.p)};
	struct slice action = {dot + 1, n->text.n - object.n - 1};
	if (is_action(action)) {
		check_object(pass, n, object, action);
		return;
	}
	struct check_finding *f =
		check_say(pass, CHECK_PATTERN, n, "there is no action '%.*s'", CHECK_WORD(action));
	const char *near = check_nearest(action, actions);
	if (near != NULL)
		check_suggest(f, "did you mean \"%.*s.%s\"?", CHECK_WORD(object), near);
	else
		check_suggest(f, "there are created, updated, deleted, restored, destroyed and *");
}

static void check_on(
	const struct check_pass *pass, const struct interface_option *o, const struct check_node *n)
{
	if (n->kind == NODE_STRING) {
		check_pattern(pass, n);
		return;
	}
	if (n->kind != NODE_TABLE) {
		wrong(pass, o, n, "a text or a list of texts");
		return;
	}
	for (const struct check_node *f = n->a; f != NULL; f = f->next)
		check_pattern(pass, f->b);
}

/* --- when and key ----------------------------------------------------------------------------- */

static struct check_type record_of(const struct check_pass *pass, const struct check_rule *rule)
{
	struct check_type type = {.kind = TYPE_RECORD};
	char text[TEXT_BYTES];
	for (size_t i = 0; i < rule->objects_n && pass->world->schema != NULL; i++) {
		const struct schema_object *o = copy_text(rule->objects[i], text)
							? schema_object(pass->world->schema, text)
							: NULL;
		if (o != NULL)
			type.objects[type.objects_n++] = o;
	}
	if (type.objects_n != rule->objects_n || rule->timer || rule->hook)
		type.objects_n = 0;
	return type;
}

static void check_sides(const struct check_pass *pass, const struct check_type *type,
	const struct check_node *field, const struct check_node *sides)
{
	static const char *const names[] = {"from", "to", NULL};
	if (sides->kind != NODE_TABLE)
		return;
	check_members(pass, "changed", sides, names);
	for (size_t i = 0; names[i] != NULL; i++)
		check_choice(pass, type, field->text, check_table_find(sides, names[i]));
}

static void check_changed(
	const struct check_pass *pass, const struct check_type *type, const struct check_node *n)
{
	if (n->kind != NODE_TABLE) {
		check_field_node(pass, type, n);
		return;
	}
	for (const struct check_node *f = n->a; f != NULL; f = f->next) {
		if (f->a == NULL)
			check_field_node(pass, type, f->b);
		else if (check_field_node(pass, type, f->a) && f->a->kind == NODE_STRING)
			check_sides(pass, type, f->a, f->b);
	}
}

static void check_predicate(
	const struct check_pass *pass, const struct check_type *type, const struct check_node *n)
{
	n = n->kind == NODE_PAREN ? n->a : n;
	if (n->kind != NODE_CALL || n->b == NULL || n->a->kind != NODE_NAME)
		return;
	if (check_is_global(n->a, "changed"))
		check_changed(pass, type, n->b);
	else if (check_is_global(n->a, "has"))
		check_field_list(pass, type, n->b, false);
	else if (check_is_global(n->a, "is"))
		check_where(pass, type, n->b);
	else if ((check_is_global(n->a, "all") || check_is_global(n->a, "any") ||
			 check_is_global(n->a, "none")) &&
		 n->b->kind == NODE_TABLE)
		for (const struct check_node *f = n->b->a; f != NULL; f = f->next)
			check_predicate(pass, type, f->b);
}

static void check_when(
	const struct check_pass *pass, const struct interface_option *o, const struct check_node *n)
{
	if (n->kind == NODE_FUNCTION)
		return;
	struct check_finding *f = check_say(pass, CHECK_VALUE, n,
		"%s is a function of the event, or a predicate such as changed \"stage\"", o->name);
	if (n->kind == NODE_STRING)
		check_suggest(f, "write when = changed \"%.*s\"", CHECK_WORD(n->text));
}

/* --- all of them ------------------------------------------------------------------------------ */

static void check_value(const struct check_pass *pass, const struct check_rule *rule,
	const struct interface_option *o, const struct check_node *n)
{
	const struct check_type type = record_of(pass, rule);
	if (o->value == VALUE_WHEN)
		check_predicate(pass, &type, n);
	if (o->value == VALUE_KEY && n->kind == NODE_STRING)
		check_field_node(pass, &type, n);
	if (!is_plain(n) || n->kind == NODE_NIL)
		return;
	switch (o->value) {
	case VALUE_PATTERNS:
		check_on(pass, o, n);
		break;
	case VALUE_DURATION:
		check_option_duration(pass, o, n);
		break;
	case VALUE_CRON:
		check_cron(pass, o, n);
		break;
	case VALUE_TEXT:
		if (n->kind != NODE_STRING)
			wrong(pass, o, n, "a text");
		break;
	case VALUE_WHEN:
		check_when(pass, o, n);
		break;
	case VALUE_KEY:
		if (n->kind != NODE_STRING && n->kind != NODE_FUNCTION)
			wrong(pass, o, n, "the name of a field or a function of the event");
		break;
	case VALUE_ECHO:
		check_echo(pass, o, n);
		break;
	case VALUE_BATCH:
		check_batch(pass, o, n);
		break;
	case VALUE_WHOLE:
		check_whole(pass, o->name, n, o->min, o->max);
		break;
	case VALUE_RETRY:
		check_retry(pass, o, n);
		break;
	case VALUE_FRESH:
		check_fresh(pass, o, n);
		break;
	case VALUE_WORD:
		check_word(pass, o, n);
		break;
	case VALUE_RATE:
		check_rate(pass, o, n);
		break;
	case VALUE_FUNCTION:
		if (n->kind != NODE_FUNCTION)
			wrong(pass, o, n, "a function of the event");
		break;
	}
}

static void unknown_option(const struct check_pass *pass, const struct check_node *key)
{
	const char *words[64];
	size_t n = 0;
	const struct interface_option *o;
	for (size_t i = 0; (o = interface_option_at(i)) != NULL && n < 63; i++)
		words[n++] = o->name;
	words[n] = NULL;
	struct check_finding *f = check_say(
		pass, CHECK_OPTION, key, "a rule has no option '%.*s'", CHECK_WORD(key->text));
	check_suggest(f, "moonhook help rules lists them");
	check_suggest_nearest(f, key->text, words);
}

static void check_head(const struct check_pass *pass, const struct check_rule *rule)
{
	bool computed = false;
	for (struct check_node *f = rule->head->a; f != NULL; f = f->next) {
		if (f->a == NULL) {
			struct check_finding *found = check_say(pass, CHECK_OPTION, f,
				"a value without a name in the head of a rule");
			check_suggest(found, "write option = value");
			computed = true;
			continue;
		}
		computed |= f->a->kind != NODE_STRING;
		if (f->a->kind != NODE_STRING)
			continue;
		const struct interface_option *o = interface_option(f->a->text);
		if (o == NULL)
			unknown_option(pass, f->a);
		else
			check_value(pass, rule, o, check_node_bare(f->b));
	}
	if (computed)
		return;
	if (check_table_find(rule->head, "run") == NULL) {
		struct check_finding *f = check_say_at(pass, CHECK_MISSING, rule->call->at,
			rule->call->a->end, "the rule has no run");
		check_suggest(f, "write run = function(event) .. end");
	}
	if (check_table_find(rule->head, "on") == NULL && !rule->clock) {
		struct check_finding *f = check_say_at(pass, CHECK_MISSING, rule->call->at,
			rule->call->a->end, "the rule says not when it runs");
		check_suggest(
			f, "write on = \"person.created\", every = \"1h\" or cron = \"0 9 * * *\"");
	}
}

/* --- names ------------------------------------------------------------------------------------ */

/* The first of the rules of this name, of all files in order. */
static const struct check_rule *find_first(
	const struct check_pass *pass, struct slice name, const struct check_text **ret_text)
{
	for (const struct check_text *t = pass->all; t != NULL; t = t->next) {
		const struct check_rule *found = NULL;
		for (const struct check_rule *r = t->rules.first; r != NULL; r = r->next)
			if (r->name != NULL && slice_equal(r->name->text, name))
				found = r;
		*ret_text = t;
		if (found != NULL)
			return found;
	}
	return NULL;
}

static void check_name(const struct check_pass *pass, const struct check_rule *rule)
{
	const struct check_text *text = NULL;
	if (rule->name == NULL || rule->name->text.n == 0)
		return;
	const struct check_rule *first = find_first(pass, rule->name->text, &text);
	if (first == NULL || first == rule)
		return;
	check_say(pass, CHECK_DOUBLE, rule->name, "there is a rule \"%.*s\" already, in %s:%d",
		CHECK_WORD(rule->name->text), text->source.file,
		check_source_line(&text->source, first->name->at));
}

/* rule("name", { .. }) */
static void find_wrong(void *ctx, struct check_node *n)
{
	const struct check_pass *pass = ctx;
	if (n->kind == NODE_CALL && check_is_global(n->a, "rule") && check_list_n(n->b) > 1) {
		struct check_finding *f = check_say(
			pass, CHECK_VALUE, n->a, "rule takes its name alone, then the table");
		check_suggest(f,
			"write rule \"name\" { on = .., run = .. }, without parentheses and comma");
	}
	if (n->kind != NODE_FUNCTION)
		check_node_each(n, find_wrong, ctx);
}

void check_heads(const struct check_pass *pass)
{
	struct check_pass copy = *pass;
	for (const struct check_rule *rule = pass->text->rules.first; rule != NULL;
		rule = rule->next) {
		check_name(pass, rule);
		if (rule->head != NULL)
			check_head(pass, rule);
	}
	find_wrong(&copy, pass->text->tree.block);
}
