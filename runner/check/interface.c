/* SPDX-License-Identifier: MIT */
/*
 * The rule language as tables.
 * From: nobody. To: every pass of the check. What is here is what runner/worker/ offers, the manual
 * (cli/rules.txt) tells and tests/hostile/globals.txt lists; unit tests hold them together.
 */
#include "runner/check/interface.h"

#include "base/attr.h"

#define DAY_MS (INT64_C(24) * 3600 * 1000)

/* --- names ------------------------------------------------------------------------------------ */

#define F(path) {path, INTERFACE_FUNCTION},
#define T(path) {path, INTERFACE_TABLE},
#define V(path) {path, INTERFACE_VALUE},

/* clang-format off */
static const struct interface_name names[] = {
	T("_G")
	F("after") F("ago") F("ahead") F("all") F("any") F("assert") F("cancel") F("changed") F("day")
	F("error") F("getmetatable") F("has") F("ipairs") F("is")
	T("http") F("http.delete") F("http.get") F("http.patch") F("http.post") F("http.put")
	T("json") F("json.array") F("json.decode") F("json.encode") V("json.null")
	T("kv") F("kv.delete") F("kv.get") F("kv.incr") F("kv.set")
	T("kv.shared") F("kv.shared.delete") F("kv.shared.get") F("kv.shared.incr") F("kv.shared.set")
	T("log") F("log.error") F("log.info") F("log.warn")
	T("math") F("math.abs") F("math.acos") F("math.asin") F("math.atan") F("math.ceil") F("math.cos")
	F("math.deg") F("math.exp") F("math.floor") F("math.fmod") V("math.huge") F("math.log")
	F("math.max") V("math.maxinteger") F("math.min") V("math.mininteger") F("math.modf")
	V("math.pi") F("math.rad") F("math.random") F("math.sin") F("math.sqrt") F("math.tan")
	F("math.tointeger") F("math.type") F("math.ult")
	F("money") F("need") F("next") F("none") F("now") F("pairs") F("parallel") F("pcall")
	F("random") F("rawequal") F("rawget") F("rawlen") F("rawset") F("reject") F("retry_after")
	F("rule") F("secret") F("select") F("setmetatable") F("skip") F("start")
	T("string") F("string.byte") F("string.char") F("string.find") F("string.format")
	F("string.gmatch") F("string.gsub") F("string.len") F("string.lower") F("string.match")
	F("string.pack") F("string.packsize") F("string.rep") F("string.reverse") F("string.sub")
	F("string.unpack") F("string.upper")
	T("table") F("table.concat") F("table.insert") F("table.move") F("table.pack")
	F("table.remove") F("table.sort") F("table.unpack")
	T("text") F("text.domain") F("text.email") F("text.is_freemail") F("text.name")
	F("text.phone") F("text.similarity")
	F("tonumber") F("tostring")
	{"twenty", INTERFACE_OBJECTS}, F("twenty.graphql") F("twenty.member")
	F("type") F("units") F("use")
	T("utf8") F("utf8.char") V("utf8.charpattern") F("utf8.codepoint") F("utf8.codes")
	F("utf8.len") F("utf8.offset")
	F("xpcall")
};
/* clang-format on */

const struct interface_name *interface_names(size_t *ret_n)
{
	*ret_n = ARRAY_N(names);
	return names;
}

const struct interface_name *interface_find(struct slice path)
{
	for (size_t i = 0; i < ARRAY_N(names); i++)
		if (slice_equal(slice_of(names[i].path), path))
			return &names[i];
	return NULL;
}

size_t interface_members(const char *table, const char **ret_words, size_t max)
{
	size_t n = 0, prefix = strlen(table);
	for (size_t i = 0; i < ARRAY_N(names) && n < max; i++) {
		const char *rest = names[i].path;
		if (prefix != 0 && (strncmp(rest, table, prefix) != 0 || rest[prefix] != '.'))
			continue;
		rest += prefix != 0 ? prefix + 1 : 0;
		if (strchr(rest, '.') == NULL)
			ret_words[n++] = rest;
	}
	return n;
}

const char *const *interface_test_names(void)
{
	static const char *const words[] = {"test", "fixture", "id", "event", "at", "partly",
		"matching", "fail", "in_turn", "any", "any_id", "create", "create_many", "ensure",
		"update", "update_many", "update_where", "delete", "restore", "destroy", "erase",
		"merge", "graphql", "http", "after", "cancel", "no_other_writes", "done", "skipped",
		"dead", NULL};
	return words;
}

static const struct {
	const char *path, *text;
} absent[] = {
	{"os.time", "a rule's time is now(), a text; ago, ahead, day and start reckon with it"},
	{"os.date", "a rule's time is now(), a text; ago, ahead, day and start reckon with it"},
	{"os.clock", "a rule's time is now(), a text"},
	{"os.difftime",
		"times are texts that can be compared with <; ago and ahead reckon with them"},
	{"os.getenv", "values of the environment come from the configuration: secret \"NAME\""},
	{"os", "a rule reaches nothing but the CRM; for the time there is now()"},
	{"io.write", "write log.info(..)"},
	{"io", "a rule reads and writes no files; values are kept with kv, lines go to "
	       "log.info(..)"},
	{"print", "write log.info(..)"},
	{"require", "write use \"module\", for a file of the lib folder"},
	{"dofile", "write use \"module\", for a file of the lib folder"},
	{"loadfile", "write use \"module\", for a file of the lib folder"},
	{"load", "a rule runs no code that it makes itself; use \"module\" brings a file of the "
		 "lib folder"},
	{"loadstring", "a rule runs no code that it makes itself"},
	{"package", "write use \"module\", for a file of the lib folder"},
	{"debug", "there is no debug; log.info(..) writes lines, error(..) ends with one"},
	{"coroutine", "calls wait by themselves; parallel(f, g) runs functions side by side"},
	{"collectgarbage", "memory is taken care of"},
	{"string.dump", "a rule cannot make bytecode"},
	{"unpack", "write table.unpack"},
	{"table.getn", "write #list"},
	{"string.gfind", "write string.gmatch"},
	{"math.pow", "write x ^ y"},
	{"math.mod", "write x % y"},
	{"math.randomseed", "random numbers are recorded for retries and need no seed"},
	{"setfenv", "there are no environments; write a function"},
	{"module", "write return { .. } at the end of the module, and use \"name\" where it is "
		   "needed"},
	{"sleep", "to go on later, write after(\"5m\", \"rule name\") or retry_after(\"5m\", "
		  "\"why\")"},
	{"wait", "to go on later, write after(\"5m\", \"rule name\") or retry_after(\"5m\", "
		 "\"why\")"},
	{"null", "write nil, or json.null for an empty field"},
	{"undefined", "write nil"},
	{"None", "write nil"},
	{"NULL", "write nil, or json.null for an empty field"},
	{"True", "write true"},
	{"False", "write false"},
	{"this", "what happened is the parameter of run: function(event) .. end"},
	{"console", "write log.info(..)"},
	{"fetch", "write http.get(url)"},
	{"setTimeout", "write after(\"5m\", \"rule name\")"},
};

const char *interface_absent(struct slice path)
{
	for (size_t i = 0; i < ARRAY_N(absent); i++)
		if (slice_equal(slice_of(absent[i].path), path))
			return absent[i].text;
	return NULL;
}

size_t interface_absents(const char **ret_words, size_t max)
{
	size_t n = 0;
	for (size_t i = 0; i < ARRAY_N(absent) && n < max; i++)
		ret_words[n++] = absent[i].path;
	return n;
}

/* --- twenty.<objects>:method ------------------------------------------------------------------ */

static const struct interface_method methods[] = {
	{.name = "get",
		.arguments_min = 1,
		.arguments_max = 2,
		.id = 1,
		.options = 2,
		.result = INTERFACE_MAYBE,
		.known = {"depth", "fields"},
		.example = ":get(id, { depth = 1 })"},
	{.name = "list",
		.arguments_max = 1,
		.options = 1,
		.result = INTERFACE_RECORDS,
		.known = {"where", "order", "limit", "after", "depth", "fields", "deleted"},
		.example = ":list { where = { stage = \"NEW\" }, limit = 50 }"},
	{.name = "each",
		.arguments_max = 1,
		.options = 1,
		.result = INTERFACE_RECORDS,
		.known = {"where", "order", "limit", "depth", "fields", "deleted"},
		.example = ":each { where = { stage = \"NEW\" } }"},
	{.name = "count",
		.arguments_max = 1,
		.options = 1,
		.result = INTERFACE_OTHER,
		.known = {"where", "deleted"},
		.example = ":count { where = { stage = \"NEW\" } }"},
	{.name = "group_by",
		.arguments_min = 1,
		.arguments_max = 1,
		.options = 1,
		.result = INTERFACE_OTHER,
		.known = {"field", "sum", "where", "by", "zone"},
		.example = ":group_by { field = \"stage\", sum = \"amount\" }"},
	{.name = "create",
		.arguments_min = 1,
		.arguments_max = 1,
		.data = 1,
		.effect = true,
		.result = INTERFACE_RECORD,
		.example = ":create { name = \"Acme\" }"},
	{.name = "create_many",
		.arguments_min = 1,
		.arguments_max = 1,
		.effect = true,
		.result = INTERFACE_RECORDS,
		.example = ":create_many { { name = \"A\" }, { name = \"B\" } }"},
	{.name = "ensure",
		.arguments_min = 1,
		.arguments_max = 2,
		.where = 1,
		.data = 2,
		.effect = true,
		.result = INTERFACE_RECORD,
		.example = ":ensure({ domain = \"acme.io\" }, { name = \"Acme\" })"},
	{.name = "update",
		.arguments_min = 2,
		.arguments_max = 3,
		.id = 1,
		.data = 2,
		.options = 3,
		.effect = true,
		.result = INTERFACE_RECORD,
		.known = {"only_if"},
		.example = ":update(id, { stage = \"WON\" })"},
	{.name = "update_many",
		.arguments_min = 1,
		.arguments_max = 1,
		.effect = true,
		.result = INTERFACE_RECORDS,
		.example = ":update_many { { id = a, stage = \"WON\" } }"},
	{.name = "update_where",
		.arguments_min = 3,
		.arguments_max = 3,
		.where = 1,
		.data = 2,
		.options = 3,
		.effect = true,
		.result = INTERFACE_RECORDS,
		.known = {"max"},
		.example =
			":update_where({ stage = \"NEW\" }, { stage = \"LOST\" }, { max = 100 })"},
	{.name = "delete",
		.arguments_min = 1,
		.arguments_max = 1,
		.id = 1,
		.effect = true,
		.result = INTERFACE_RECORD,
		.example = ":delete(id)"},
	{.name = "restore",
		.arguments_min = 1,
		.arguments_max = 1,
		.id = 1,
		.effect = true,
		.result = INTERFACE_RECORD,
		.example = ":restore(id)"},
	{.name = "destroy",
		.arguments_min = 1,
		.arguments_max = 1,
		.id = 1,
		.effect = true,
		.result = INTERFACE_OTHER,
		.example = ":destroy(id)"},
	{.name = "erase",
		.arguments_min = 1,
		.arguments_max = 1,
		.id = 1,
		.effect = true,
		.result = INTERFACE_OTHER,
		.example = ":erase(id)"},
	{.name = "duplicates",
		.arguments_min = 1,
		.arguments_max = 1,
		.result = INTERFACE_RECORDS,
		.example = ":duplicates(id)"},
	{.name = "merge",
		.arguments_min = 1,
		.arguments_max = 1,
		.options = 1,
		.effect = true,
		.result = INTERFACE_RECORD,
		.known = {"into", "from", "preview"},
		.example = ":merge { into = id, from = { other } }"},
};

const struct interface_method *interface_method(struct slice name)
{
	for (size_t i = 0; i < ARRAY_N(methods); i++)
		if (slice_equal(slice_of(methods[i].name), name))
			return &methods[i];
	return NULL;
}

const char *const *interface_methods(void)
{
	static const char *const all[] = {"get", "list", "each", "count", "group_by", "create",
		"create_many", "ensure", "update", "update_many", "update_where", "delete",
		"restore", "destroy", "erase", "duplicates", "merge", NULL};
	_Static_assert(ARRAY_N(all) == ARRAY_N(methods) + 1, "each method is listed");
	return all;
}

/* --- a rule's head ---------------------------------------------------------------------------- */

static const struct interface_option options[] = {
	{.name = "on", .value = VALUE_PATTERNS, .example = "\"person.created\""},
	{.name = "every",
		.value = VALUE_DURATION,
		.min = 1000,
		.max = 366 * DAY_MS,
		.example = "\"1h\""},
	{.name = "cron", .value = VALUE_CRON, .example = "\"0 9 * * 1-5\""},
	{.name = "tz", .value = VALUE_TEXT, .example = "\"Europe/Paris\""},
	{.name = "when", .value = VALUE_WHEN, .example = "changed \"stage\""},
	{.name = "key", .value = VALUE_KEY, .example = "\"companyId\""},
	{.name = "echo", .value = VALUE_ECHO, .example = "\"others\""},
	{.name = "settle", .value = VALUE_DURATION, .min = 1, .max = DAY_MS, .example = "\"20s\""},
	{.name = "max_settle",
		.value = VALUE_DURATION,
		.min = 1,
		.max = 7 * DAY_MS,
		.example = "\"5m\""},
	{.name = "batch",
		.value = VALUE_BATCH,
		.min = 1,
		.max = DAY_MS,
		.example = "{ every = \"10m\", max = 200 }"},
	{.name = "concurrency", .value = VALUE_WHOLE, .min = 1, .max = 1000, .example = "3"},
	{.name = "timeout", .value = VALUE_DURATION, .min = 1, .max = DAY_MS, .example = "\"30s\""},
	{.name = "cpu", .value = VALUE_DURATION, .min = 1, .max = 60000, .example = "\"1s\""},
	{.name = "retry", .value = VALUE_RETRY, .min = 1, .max = 100, .example = "{ max = 8 }"},
	{.name = "fresh", .value = VALUE_FRESH, .example = "true"},
	{.name = "lane",
		.value = VALUE_WORD,
		.words = {"live", "background"},
		.example = "\"background\""},
	{.name = "max_writes", .value = VALUE_RATE, .example = "\"1000/h\""},
	{.name = "mode", .value = VALUE_WORD, .words = {"live", "shadow"}, .example = "\"shadow\""},
	{.name = "was", .value = VALUE_TEXT, .example = "\"old name\""},
	{.name = "run", .value = VALUE_FUNCTION, .example = "function(event) .. end"},
};

const struct interface_option *interface_option(struct slice name)
{
	for (size_t i = 0; i < ARRAY_N(options); i++)
		if (slice_equal(slice_of(options[i].name), name))
			return &options[i];
	return NULL;
}

const struct interface_option *interface_option_at(size_t i)
{
	return i < ARRAY_N(options) ? &options[i] : NULL;
}

/* --- an event --------------------------------------------------------------------------------- */

const char *const *interface_event(void)
{
	static const char *const members[] = {"name", "object", "action", "record", "before",
		"fields", "at", "id", "via", "hook", "actor", "payload", "headers", "batch", NULL};
	return members;
}
