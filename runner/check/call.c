/* SPDX-License-Identifier: MIT */
/*
 * Calls: methods of the CRM with their options, http, secrets, timers, modules.
 * From: check.c. To: interface.c for what can be called, field.c for what conditions and data name.
 */
#include <inttypes.h>
#include <stdio.h>
#include <strings.h>

#include "runner/check/field.h"

#define TEXT_BYTES 256
#define LONG_MS (INT64_C(3660) * 24 * 3600 * 1000) /* ten years: of a delay */

static const struct check_node *nth(const struct check_node *list, int n)
{
	while (list != NULL && --n > 0)
		list = list->next;
	return n == 0 ? list : NULL;
}

static bool is_known(const char *const *words, struct slice word)
{
	for (; *words != NULL; words++)
		if (slice_equal(slice_of(*words), word))
			return true;
	return false;
}

/* --- objects ---------------------------------------------------------------------------------- */

/* twenty.people: is it there, and by its plural? */
static void check_objects(const struct check_pass *pass, const struct check_node *n)
{
	char text[TEXT_BYTES], near[100];
	const struct schema *schema = pass->world->schema;
	struct slice name = n->b->text;
	if (schema == NULL || name.n == 0 || name.n >= sizeof(text))
		return;
	memcpy(text, name.p, name.n);
	text[name.n] = '\0';
	const struct schema_object *o = schema_object(schema, text);
	if (o != NULL && strcmp(o->plural, text) == 0)
		return;
	struct check_finding *f;
	if (o != NULL) {
		f = check_say_at(pass, CHECK_OBJECT, n->b->at, n->b->end,
			"objects are named by their plural here");
		check_suggest(f, "write twenty.%s", o->plural);
		return;
	}
	f = check_say_at(pass, CHECK_OBJECT, n->b->at, n->b->end,
		"the workspace has no objects '%.60s'", text);
	if (schema_suggest(schema, text, NULL, near, sizeof(near)))
		check_suggest(f, "%s?", near);
}

/* --- options of methods ----------------------------------------------------------------------- */

static void check_limit(
	const struct check_pass *pass, const char *name, const struct check_node *n, double min)
{
	if (n == NULL || (n->kind != NODE_NUMBER && n->kind != NODE_STRING))
		return;
	if (n->kind == NODE_STRING || !n->integer || n->number < min)
		check_say(pass, CHECK_VALUE, n, "%s is a whole number", name);
}

static void check_sums(const struct check_pass *pass, const struct check_type *type,
	const struct check_node *options)
{
	static const char *const names[] = {"field", "sum"};
	for (size_t i = 0; i < ARRAY_N(names); i++) {
		const struct check_node *value = check_table_find(options, names[i]);
		if (value != NULL)
			check_field_list(pass, type, value, false);
	}
}

static void check_option_values(const struct check_pass *pass, const struct check_type *type,
	const struct interface_method *m, const struct check_node *options)
{
	const struct check_node *depth = check_table_find(options, "depth");
	const struct check_node *deleted = check_table_find(options, "deleted");
	const struct check_node *order = check_table_find(options, "order");
	const struct check_node *fields = check_table_find(options, "fields");
	check_where(pass, type, check_table_find(options, "where"));
	check_where(pass, type, check_table_find(options, "only_if"));
	check_limit(pass, "limit", check_table_find(options, "limit"), 0);
	check_limit(pass, "max", check_table_find(options, "max"), 1);
	if (depth != NULL && depth->kind == NODE_NUMBER && depth->number != 0 && depth->number != 1)
		check_say(pass, CHECK_VALUE, depth, "depth is 0 or 1");
	if (deleted != NULL && deleted->kind == NODE_STRING && !check_is_string(deleted, "only") &&
		!check_is_string(deleted, "also"))
		check_say(pass, CHECK_VALUE, deleted, "deleted is \"only\" or \"also\"");
	if (order != NULL)
		check_field_list(pass, type, order, true);
	if (fields != NULL)
		check_field_list(pass, type, fields, false);
	if (strcmp(m->name, "group_by") == 0)
		check_sums(pass, type, options);
}

static void check_options(const struct check_pass *pass, const struct check_type *type,
	const struct interface_method *m, const struct check_node *options)
{
	char all[200] = "";
	size_t used = 0;
	if (options == NULL || options->kind != NODE_TABLE)
		return;
	for (size_t i = 0; m->known[i] != NULL && used < sizeof(all); i++)
		used += (size_t)snprintf(
			all + used, sizeof(all) - used, "%s%s", i > 0 ? ", " : "", m->known[i]);
	for (const struct check_node *f = options->a; f != NULL; f = f->next) {
		struct check_finding *found = NULL;
		if (f->a != NULL && (f->a->kind != NODE_STRING || is_known(m->known, f->a->text)))
			continue;
		if (f->a == NULL) {
			found = check_say(pass, CHECK_OPTION, f,
				"%s takes options with names, not a list", m->name);
			check_suggest(found, "write %s", m->example);
			return;
		}
		found = check_say(pass, CHECK_OPTION, f->a, "%s has no option '%.*s'", m->name,
			CHECK_WORD(f->a->text));
		const char *near = check_nearest(f->a->text, m->known);
		if (near != NULL)
			check_suggest(found, "did you mean '%s'?", near);
		else if (is_known(m->known, slice_of("where")))
			check_suggest(found,
				"conditions go into where = { .. }; the options are %s", all);
		else
			check_suggest(found, "the options are %s", all);
	}
	check_option_values(pass, type, m, options);
}

/* --- methods ---------------------------------------------------------------------------------- */

static void check_id(const struct check_pass *pass, const struct interface_method *m,
	const struct check_node *id)
{
	if (id == NULL)
		return;
	struct check_finding *f = NULL;
	if (check_type_of(pass, id).kind == TYPE_RECORD)
		f = check_say(pass, CHECK_VALUE, id,
			"%s wants the id of a record, this is the record", m->name);
	else if (id->kind == NODE_TABLE || id->kind == NODE_NUMBER || id->kind == NODE_NIL ||
		 id->kind == NODE_TRUE || id->kind == NODE_FALSE || check_is_string(id, ""))
		f = check_say(pass, CHECK_VALUE, id, "%s wants the id of a record here", m->name);
	if (f != NULL && id->kind != NODE_TABLE && id->kind <= NODE_INDEX && id->kind >= NODE_NAME)
		check_suggest(f, "write %.*s.id",
			(int)(id->end - id->at < 60 ? id->end - id->at : 60),
			pass->text->source.text.p + id->at);
	else
		check_suggest(f, "write %s", m->example);
}

static void check_list_of_data(
	const struct check_pass *pass, const struct check_type *type, const struct check_node *list)
{
	if (list == NULL || list->kind != NODE_TABLE)
		return;
	for (const struct check_node *f = list->a; f != NULL; f = f->next)
		if (f->a == NULL)
			check_data(pass, type, f->b);
}

static void check_count(
	const struct check_pass *pass, const struct interface_method *m, const struct check_node *n)
{
	int count = (int)check_list_n(n->b);
	const struct check_node *last = n->b;
	while (last != NULL && last->next != NULL)
		last = last->next;
	bool open = last != NULL && (last->kind == NODE_VARARG || last->kind == NODE_CALL ||
					    last->kind == NODE_METHOD);
	if ((count < m->arguments_min && !open) || count > m->arguments_max) {
		struct check_finding *f =
			check_say_at(pass, CHECK_MISSING, n->mark, n->mark + (uint32_t)n->text.n,
				"%s takes %d%s argument%s, here %s %d", m->name, m->arguments_min,
				m->arguments_max > m->arguments_min ? " or more" : "",
				m->arguments_min == 1 && m->arguments_max == 1 ? "" : "s",
				count == 1 ? "is" : "are", count);
		check_suggest(f, "write %s", m->example);
	}
}

static void check_update_where(const struct check_pass *pass, const struct interface_method *m,
	const struct check_node *options)
{
	if (options == NULL || options->kind != NODE_TABLE || options->a == NULL ||
		check_table_find(options, "max") != NULL || strcmp(m->name, "update_where") != 0)
		return;
	struct check_finding *f = check_say(
		pass, CHECK_MISSING, options, "update_where says not how many it may change");
	check_suggest(f, "write { max = 100 }");
}

static void check_method(
	const struct check_pass *pass, const struct check_node *n, const struct check_type *type)
{
	const struct interface_method *m = interface_method(n->text);
	uint32_t end = n->mark + (uint32_t)n->text.n;
	if (m == NULL) {
		struct check_finding *f = check_say_at(pass, CHECK_METHOD, n->mark, end,
			"twenty.%.*s has no method '%.*s'", CHECK_WORD(type->name),
			CHECK_WORD(n->text));
		check_suggest(f,
			"there are get, list, each, count, group_by, create, create_many, "
			"ensure, update, update_many, update_where, delete, restore, destroy, "
			"erase, duplicates, merge");
		check_suggest_nearest(f, n->text, interface_methods());
		return;
	}
	check_count(pass, m, n);
	if (m->id > 0)
		check_id(pass, m, nth(n->b, m->id));
	if (m->where > 0)
		check_where(pass, type, nth(n->b, m->where));
	if (m->data > 0)
		check_data(pass, type, nth(n->b, m->data));
	if (m->options > 0) {
		check_options(pass, type, m, nth(n->b, m->options));
		check_update_where(pass, m, nth(n->b, m->options));
	}
	if (strcmp(m->name, "create_many") == 0 || strcmp(m->name, "update_many") == 0)
		check_list_of_data(pass, type, n->b);
}

/* twenty.people.get(..), twenty:graphql(..) */
static void check_colon(const struct check_pass *pass, const struct check_node *n)
{
	if (n->kind == NODE_METHOD && check_is_global(n->a, "twenty")) {
		struct check_finding *f =
			check_say_at(pass, CHECK_COLON, n->mark - 1, n->mark + (uint32_t)n->text.n,
				"what belongs to twenty is named with a dot");
		check_suggest(f, "write twenty.%.*s", CHECK_WORD(n->text));
		return;
	}
	if (n->kind != NODE_CALL || n->a->kind != NODE_INDEX || !n->a->flag)
		return;
	const struct check_type type = check_type_of(pass, n->a->a);
	if (type.kind != TYPE_OBJECTS)
		return;
	if (n->b != NULL && check_type_of(pass, n->b).kind == TYPE_OBJECTS)
		return; /* twenty.people.get(twenty.people, id) */
	struct check_finding *f = check_say_at(
		pass, CHECK_COLON, n->a->mark, n->a->end, "methods are called with a colon");
	const struct check_node *name = n->a->b;
	const char *near = check_nearest(name->text, interface_methods());
	if (near != NULL)
		check_suggest(f, "write twenty.%.*s:%s", CHECK_WORD(type.name), near);
	else
		check_suggest(
			f, "write twenty.%.*s:get(id), :list { .. } ..", CHECK_WORD(type.name));
}

/* --- http and secrets ------------------------------------------------------------------------- */

/* Where a url leads to, or what an entry of http.allow allows. */
struct place {
	struct slice host; /* n 0: it is not all there */
	int port;          /* 0: not all of it is there */
	bool tls;
};

/* Of a text whose end may be missing, as in "https://host" .. path. */
static struct place read_place(struct slice text, bool whole)
{
	const char *end = text.p + text.n, *scheme = memmem(text.p, text.n, "://", 3);
	const char *from = scheme != NULL ? scheme + 3 : text.p, *to = from;
	struct place place = {.tls = scheme == NULL || scheme - text.p != 4 ||
				     strncasecmp(text.p, "http", 4) != 0};
	while (to < end && *from == '[' && *to != ']')
		to++;
	while (to < end && strchr(":/?#", *to) == NULL)
		to++;
	if (to == end && !whole)
		return place;
	place.host = (struct slice){from, (size_t)(to - from)};
	if (to == end || *to != ':') {
		place.port = place.tls ? 443 : 80;
		return place;
	}
	for (to++; to < end && *to >= '0' && *to <= '9' && place.port < 65536; to++)
		place.port = place.port * 10 + (*to - '0');
	if (to == end && !whole)
		place.port = 0;
	return place;
}

/* "host", "host:port", "*.host", "http://host" */
static bool allows(const char *entry, const struct place *to)
{
	struct place is = read_place((struct slice){entry, strlen(entry)}, true);
	bool star = is.host.n > 1 && is.host.p[0] == '*';
	is.host.p += star;
	is.host.n -= star;
	if (is.tls != to->tls || (to->port != 0 && is.port != to->port) ||
		(star ? to->host.n <= is.host.n : to->host.n != is.host.n))
		return false;
	return strncasecmp(to->host.p + to->host.n - is.host.n, is.host.p, is.host.n) == 0;
}

static bool is_allowed(const char *const *hosts, const struct place *to)
{
	while (*hosts != NULL && !allows(*hosts, to))
		hosts++;
	return *hosts != NULL;
}

/* As http.allow would say it. */
static void name_place(const struct place *to, char *out, size_t n)
{
	char port[16] = "";
	if (to->port != 0 && to->port != (to->tls ? 443 : 80))
		snprintf(port, sizeof(port), ":%d", to->port);
	snprintf(out, n, "%s%.*s%s", to->tls ? "" : "http://", CHECK_WORD(to->host), port);
}

static void check_url(const struct check_pass *pass, const struct check_node *url)
{
	char name[200];
	bool whole = url->kind == NODE_STRING;
	while (url->kind == NODE_BINARY && url->op == TOKEN_CONCAT)
		url = url->a;
	if (url->kind != NODE_STRING)
		return;
	bool begins = url->text.n > 3 && memmem(url->text.p, url->text.n, "://", 3) != NULL;
	struct place to = begins ? read_place(url->text, whole) : (struct place){.port = 0};
	if (to.host.n == 0 && whole) {
		struct check_finding *f = check_say(pass, CHECK_HOST, url, "this is no url");
		check_suggest(f, "write \"https://host/path\"");
		return;
	}
	if (to.host.n == 0 || pass->world->hosts == NULL || is_allowed(pass->world->hosts, &to))
		return;
	name_place(&to, name, sizeof(name));
	struct check_finding *f = check_say(
		pass, CHECK_HOST, url, "the configuration does not allow calls to '%s'", name);
	check_suggest(f, "add it: http = { allow = { \"%s\" } }", name);
}

static void check_http(const struct check_pass *pass, const struct check_node *n)
{
	static const char *const known[] = {
		"query", "headers", "json", "body", "timeout", "ok", NULL};
	const struct check_node *options = nth(n->b, 2);
	if (n->b != NULL)
		check_url(pass, n->b);
	if (options == NULL || options->kind != NODE_TABLE)
		return;
	for (const struct check_node *f = options->a; f != NULL; f = f->next) {
		if (f->a == NULL || f->a->kind != NODE_STRING)
			continue;
		if (check_is_string(f->a, "timeout"))
			check_duration(pass, f->b, "timeout", 1, LONG_MS);
		if (is_known(known, f->a->text))
			continue;
		struct check_finding *found = check_say(pass, CHECK_OPTION, f->a,
			"http has no option '%.*s'", CHECK_WORD(f->a->text));
		check_suggest(found, "the options are query, headers, json, body, timeout, ok");
		check_suggest_nearest(found, f->a->text, known);
	}
}

static void check_secret(const struct check_pass *pass, const struct check_node *name)
{
	if (name == NULL || name->kind != NODE_STRING || pass->world->secrets == NULL ||
		is_known(pass->world->secrets, name->text))
		return;
	struct check_finding *f = check_say(pass, CHECK_SECRET, name,
		"the configuration has no secret '%.*s'", CHECK_WORD(name->text));
	check_suggest(f, "add it: secrets = { %.*s = env \"%.*s\" }", CHECK_WORD(name->text),
		CHECK_WORD(name->text));
	check_suggest_nearest(f, name->text, pass->world->secrets);
}

/* --- other rules and modules ------------------------------------------------------------------ */

#define NAMES_MAX 1000

static const struct check_rule *find_rule(
	const struct check_pass *pass, struct slice name, const char **words, size_t *ret_n)
{
	const struct check_rule *found = NULL;
	for (const struct check_text *t = pass->all; t != NULL; t = t->next)
		for (const struct check_rule *r = t->rules.first; r != NULL; r = r->next) {
			if (r->name == NULL)
				continue;
			if (slice_equal(r->name->text, name))
				found = r;
			char *copy =
				check_arena_copy(pass->arena, r->name->text.p, r->name->text.n);
			if (copy != NULL && *ret_n < NAMES_MAX)
				words[(*ret_n)++] = copy;
		}
	return found;
}

/* Is every rule known by its name, so that another one cannot be there? */
static bool names_are_known(const struct check_pass *pass)
{
	for (const struct check_text *t = pass->all; t != NULL; t = t->next) {
		if (t->role == CHECK_RULE_FILE && !t->good)
			return false;
		for (const struct check_rule *r = t->rules.first; r != NULL; r = r->next)
			if (r->name == NULL)
				return false;
	}
	return pass->text->role == CHECK_RULE_FILE;
}

static void check_rule_name(const struct check_pass *pass, const struct check_node *name)
{
	const char *words[NAMES_MAX + 1];
	size_t n = 0;
	if (name == NULL || name->kind != NODE_STRING)
		return;
	const struct check_rule *rule = find_rule(pass, name->text, words, &n);
	if (rule != NULL && (rule->head == NULL || rule->timer || (!rule->whole && !rule->clock)))
		return;
	if (rule != NULL) {
		struct check_finding *f = check_say(pass, CHECK_RULE, name,
			"the rule \"%.*s\" is not for timers", CHECK_WORD(name->text));
		check_suggest(f, "write on = \"timer\" in its head");
		return;
	}
	if ((pass->world->rules != NULL && is_known(pass->world->rules, name->text)) ||
		!names_are_known(pass))
		return;
	words[n] = NULL;
	struct check_finding *f = check_say(
		pass, CHECK_RULE, name, "there is no rule \"%.*s\"", CHECK_WORD(name->text));
	const char *near = check_nearest(name->text, words);
	if (near != NULL)
		check_suggest(f, "did you mean \"%s\"?", near);
}

/* "dir/names.lua" is the module "names". */
static bool is_module(const struct check_text *t, struct slice name)
{
	const char *slash = strrchr(t->source.file, '/');
	const char *base = slash != NULL ? slash + 1 : t->source.file;
	size_t n = strlen(base);
	return t->role == CHECK_MODULE_FILE && n == name.n + 4 && name.n > 0 &&
	       memcmp(base, name.p, name.n) == 0 && strcmp(base + name.n, ".lua") == 0;
}

static void check_module(const struct check_pass *pass, const struct check_node *name)
{
	if (name == NULL || name->kind != NODE_STRING || pass->world->modules == NULL ||
		is_known(pass->world->modules, name->text))
		return;
	for (const struct check_text *t = pass->all; t != NULL; t = t->next)
		if (is_module(t, name->text))
			return;
	struct check_finding *f = check_say(
		pass, CHECK_MODULE, name, "there is no module \"%.*s\"", CHECK_WORD(name->text));
	const char *near = check_nearest(name->text, pass->world->modules);
	if (near != NULL)
		check_suggest(f, "did you mean \"%s\"?", near);
	else
		check_suggest(f, "modules are the files of the lib folder");
}

static void check_function(const struct check_pass *pass, const struct check_node *n)
{
	const struct check_node *first = n->b, *second = nth(n->b, 2);
	if (check_is_global(n->a, "secret"))
		check_secret(pass, first);
	else if (check_is_global(n->a, "use"))
		check_module(pass, first);
	else if (check_is_global(n->a, "cancel"))
		check_rule_name(pass, first);
	else if (check_is_global(n->a, "after"))
		check_rule_name(pass, second);
	else if (check_is_global(n->a, "retry_after") && first != NULL)
		check_duration(pass, first, "retry_after", 0, LONG_MS);
	else if ((check_is_global(n->a, "ago") || check_is_global(n->a, "ahead")) && first != NULL)
		check_duration(pass, first, "this", 0, 100 * LONG_MS);
	else if (n->a->kind == NODE_INDEX && check_is_global(n->a->a, "http"))
		check_http(pass, n);
}

static void look(void *ctx, struct check_node *n)
{
	const struct check_pass *pass = ctx;
	if (n->kind == NODE_INDEX && n->flag && check_is_global(n->a, "twenty") &&
		!check_is_string(n->b, "graphql") && !check_is_string(n->b, "member"))
		check_objects(pass, n);
	if (n->kind == NODE_METHOD) {
		const struct check_type type = check_type_of(pass, n->a);
		if (type.kind == TYPE_OBJECTS)
			check_method(pass, n, &type);
	}
	if (n->kind == NODE_CALL)
		check_function(pass, n);
	if (n->kind == NODE_CALL || n->kind == NODE_METHOD)
		check_colon(pass, n);
	check_node_each(n, look, ctx);
}

void check_calls(const struct check_pass *pass)
{
	struct check_pass copy = *pass;
	look(&copy, pass->text->tree.block);
}
