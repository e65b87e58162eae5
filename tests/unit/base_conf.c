/* SPDX-License-Identifier: MIT */
/*
 * The configuration: every error is one sentence with its place, precedence, and what a child may
 * know.
 * From: files written into a temporary folder, tables of its own. To: base/conf*.c.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/conf.h"

static const struct conf_option options[] = {
	{"listen", CONF_TEXT, "127.0.0.1:8700", 0, 0, NULL, "where deliveries arrive"},
	{"workers", CONF_INT, "2", 1, 64, NULL, "worker processes"},
	{"limits.cpu", CONF_DURATION, "1s", 1, 60000, NULL, "processor time of a run"},
	{"limits.body", CONF_BYTES, "4MB", 1024, 1 << 30, NULL, "bytes of a delivery"},
	{"twenty.url", CONF_TEXT, "!", 0, 0, NULL, "where Twenty is"},
	{"twenty.key", CONF_SECRET, "!", 0, 0, NULL, "its API key"},
	{"twenty.dialect", CONF_CHOICE, "auto", 0, 0, "auto core docs", "how it speaks"},
	{"twenty.budget", CONF_RATE, "100/m", 0, 0, NULL, "requests"},
	{"log.loud", CONF_BOOL, "false", 0, 0, NULL, "say more"},
	{"http.allow", CONF_LIST, NULL, 0, 0, NULL, "hosts"},
	{"secrets", CONF_MAP, NULL, 0, 0, NULL, "for rules"},
	{"coalesce", CONF_FLAGS, NULL, 0, 0, "auto", "what is made one request"},
	{"source.*.scheme", CONF_CHOICE, "!", 0, 0, "twenty stripe", "who signs"},
	{"source.*.secrets", CONF_SECRETS, "!", 0, 0, NULL, "with what"},
	{"source.*.window", CONF_DURATION, "5m", 0, 0, NULL, "how old"},
};
static const struct conf_table tables[] = {
	{"one", options, 8}, {"two", options + 8, ARRAY_N(options) - 8}};

static char folder[64];
static char path[96];

static void setup(void)
{
	snprintf(folder, sizeof(folder), "/tmp/moonhook-conf-XXXXXX");
	cr_assert(mkdtemp(folder) != NULL);
	snprintf(path, sizeof(path), "%s/m.lua", folder);
	unsetenv("MOONHOOK_LISTEN");
}

static void write_file(const char *name, const char *text, size_t n)
{
	char p[192];
	snprintf(p, sizeof(p), "%s/%s", folder, name);
	int fd = open(p, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	cr_assert(fd >= 0);
	cr_assert(write(fd, text, n) == (ssize_t)n);
	close(fd);
}

static void teardown(void)
{
	char p[192];
	static const char *const names[] = {"m.lua", "token", "pipe"};
	for (size_t i = 0; i < ARRAY_N(names); i++) {
		snprintf(p, sizeof(p), "%s/%s", folder, names[i]);
		unlink(p);
	}
	rmdir(folder);
}

TestSuite(base_conf, .init = setup, .fini = teardown);

#define GOOD "twenty = { url = \"http://127.0.0.1:1\", key = \"k\" }\n"

static struct conf *must_load(const char *text, const char *const *flags, size_t flags_n)
{
	struct conf *conf = NULL;
	struct err err = {.msg = ""};
	write_file("m.lua", text, strlen(text));
	enum rc rc = conf_load(path, tables, ARRAY_N(tables), flags, flags_n, &conf, &err);
	cr_assert_eq(rc, RC_OK, "%s", err.msg);
	return conf;
}

/* The sentence that loading text fails with, behind the folder. STATIC until the next call. */
static const char *refusal(const char *text)
{
	static struct err err;
	struct conf *conf = NULL;
	err.msg[0] = '\0';
	write_file("m.lua", text, strlen(text));
	enum rc rc = conf_load(path, tables, ARRAY_N(tables), NULL, 0, &conf, &err);
	cr_assert_eq(rc, RC_INVALID, "loaded, or failed otherwise: %s", err.msg);
	size_t n = strlen(folder) + 1;
	return strncmp(err.msg, folder, n - 1) == 0 ? err.msg + n : err.msg;
}

static void says(const char *text, const char *sentence)
{
	const char *got = refusal(text);
	cr_assert(strstr(got, sentence) == got, "said:   %s\nwanted: %s", got, sentence);
}

Test(base_conf, the_sample_of_the_manual_gives_flat_settings)
{
	setenv("CONF_TEST_KEY", "sesame", 1);
	write_file("token", "tok\r\n\n", 6);
	struct conf *c = must_load(
		"-- a comment with key = 1\n"
		"listen  = \"127.0.0.1:9\"\n"
		"workers = 3\n"
		"twenty  = { url = \"http://x\", key = env \"CONF_TEST_KEY\", budget = "
		"\"2/s\" }\n"
		"limits  = { cpu = \"90s\" == nil and \"1s\" or \"2s\", body = \"64kB\" "
		"}\n"
		"http    = { allow = { \"a.example\", \"b.example\" } }\n"
		"secrets = { ENRICH = file \"token\" }\n"
		"coalesce = { upsert = false, get = \"auto\" }\n"
		"source \"twenty\" { scheme = \"twenty\", secrets = { \"s1\", \"s2\" } }\n",
		NULL, 0);
	cr_expect_str_eq(conf_text(c, "listen"), "127.0.0.1:9");
	cr_expect_eq(conf_int(c, "workers"), 3);
	cr_expect_str_eq(conf_text(c, "twenty.key"), "sesame");
	cr_expect_eq(conf_int(c, "twenty.budget"), 7200);
	cr_expect_eq(conf_int(c, "limits.cpu"), 2000);
	cr_expect_eq(conf_int(c, "limits.body"), 65536);
	cr_expect_str_eq(conf_item(c, "http.allow", 1), "a.example");
	cr_expect_str_eq(conf_item(c, "http.allow", 2), "b.example");
	cr_expect_null(conf_item(c, "http.allow", 3));
	cr_expect_str_eq(conf_text(c, "secrets.ENRICH"), "tok");
	cr_expect_str_eq(conf_text(c, "coalesce.upsert"), "false");
	cr_expect_str_eq(conf_text(c, "coalesce.get"), "auto");
	cr_expect_str_eq(conf_item(c, "source.twenty.secrets", 2), "s2");
	cr_expect_str_eq(conf_text(c, "twenty.dialect"), "auto", "a default counts");
	cr_expect_eq(conf_int(c, "source.twenty.window"), 300000, "for each source");
	cr_expect_not(conf_bool(c, "log.loud"));
	cr_expect_str_eq(conf_name(c, "source", 0), "twenty");
	cr_expect_null(conf_name(c, "source", 1));
	conf_free(c);
}

Test(base_conf, a_setting_knows_where_it_came_from)
{
	struct conf *c = must_load("\n\n" GOOD "limits = {\n  cpu = \"2s\",\n}\n", NULL, 0);
	struct conf_setting s;
	cr_assert(conf_below(c, "limits", 1, &s));
	cr_expect_str_eq(s.key, "limits.cpu");
	cr_expect(strstr(s.origin, "m.lua:5") != NULL, "%s", s.origin);
	cr_assert(conf_below(c, "twenty", 2, &s));
	cr_expect_str_eq(s.key, "twenty.key");
	cr_expect(s.secret);
	cr_expect_not(conf_below(c, "twenty", 4, &s));
	conf_free(c);
}

Test(base_conf, flag_beats_environment_beats_file_beats_default)
{
	const char *flags[] = {"workers=9"};
	setenv("MOONHOOK_WORKERS", "8", 1);
	setenv("MOONHOOK_LISTEN", "127.0.0.1:8", 1);
	setenv("MOONHOOK_HTTP_ALLOW", "x.example, y.example", 1);
	setenv("MOONHOOK_SECRETS_A_B", "ab", 1);
	struct conf *c =
		must_load(GOOD "workers = 3\nlisten = \"127.0.0.1:3\"\nlog = {loud = true}\n"
			       "http = {allow = {\"1\", \"2\", \"3\"}}",
			flags, 1);
	cr_expect_eq(conf_int(c, "workers"), 9);
	cr_expect_str_eq(conf_text(c, "listen"), "127.0.0.1:8");
	cr_expect(conf_bool(c, "log.loud"));
	cr_expect_str_eq(conf_item(c, "http.allow", 2), "y.example");
	cr_expect_null(conf_item(c, "http.allow", 3), "a list is replaced, not mixed");
	cr_expect_str_eq(conf_text(c, "secrets.A_B"), "ab");
	conf_free(c);
}

Test(base_conf, an_unknown_setting_says_where_and_what_was_meant)
{
	says(GOOD "lisen = \"x\"\n", "m.lua:2: unknown setting `lisen`; did you mean `listen`?");
	says(GOOD "\nlimits = {\n  cpu = \"1s\",\n  bodi = \"1MB\",\n}\n",
		"m.lua:5: unknown setting `limits.bodi`; did you mean `limits.body`?");
	says("twnety = { url = \"x\" }\n",
		"m.lua:1: unknown setting `twnety.url`; did you mean `twenty.url`?");
	says(GOOD "source \"a\" {\n scheme = \"twenty\",\n secret = \"x\" }\n",
		"m.lua:4: unknown setting `source.a.secret`; did you mean `source.a.secrets`?");
	says(GOOD "bananas = 1\n", "m.lua:2: unknown setting `bananas`; `moonhook config print`");
	says(GOOD "log = { loud = true,\n [\"lowd\"] = true }\n",
		"m.lua:3: unknown setting `log.lowd`");
	says(GOOD "log = {}\nlog.lowd = true\n", "m.lua:3: unknown setting `log.lowd`");
}

Test(base_conf, a_wrong_value_says_what_is_wanted)
{
	says(GOOD "listen = 8700\n", "m.lua:2: `listen` wants a text in quotes, not a number 8700");
	says(GOOD "listen = { 1 }\n", "m.lua:2: `listen` wants a text in quotes, not a table");
	says(GOOD "listen = {}\n", "m.lua:2: `listen` wants a text in quotes, not a table");
	says(GOOD "workers = \"many\"\n",
		"m.lua:2: `workers` wants a whole number, not a text many");
	says(GOOD "workers = 1.5\n", "m.lua:2: `workers` wants a whole number, not a number 1.5");
	says(GOOD "workers = 65\n", "m.lua:2: `workers` is 65; it may be 1 to 64");
	says(GOOD "limits = { cpu = \"1 s\" }\n", "m.lua:2: `limits.cpu` wants a duration such as");
	says(GOOD "limits = { cpu = 5 }\n", "m.lua:2: `limits.cpu` wants a duration such as");
	says(GOOD "limits = { cpu = \"2h\" }\n",
		"m.lua:2: `limits.cpu` is 2h; it may be 1ms to 1m");
	says(GOOD "limits = { body = \"4XB\" }\n", "m.lua:2: `limits.body` wants a size such as");
	says(GOOD "twenty.budget = \"fast\"\n", "m.lua:2: `twenty.budget` wants a rate such as");
	says(GOOD "twenty.dialect = \"croe\"\n",
		"m.lua:2: `twenty.dialect` cannot be \"croe\"; did you mean \"core\"?");
	says(GOOD "log = { loud = 1 }\n",
		"m.lua:2: `log.loud` wants true or false, not a number 1");
	says(GOOD "limits = \"1s\"\n", "m.lua:2: `limits` is a group of settings");
	says(GOOD "http = { allow = { 1 } }\n", "m.lua:2: `http.allow.1` wants a list of texts");
	says(GOOD "secrets = { \"x\" }\n",
		"m.lua:2: `secrets.1` does not fit: wanted is a table of names");
	says(GOOD "listen = function() end\n", "m.lua:2: `listen` should be a text, number");
	says(GOOD "listen = \"a\\0b\"\n",
		"m.lua:2: the text of `listen` has a NUL character inside");
}

Test(base_conf, a_secret_of_the_wrong_type_is_not_shown)
{
	const char *got = refusal(GOOD "twenty.key = 424242\n");
	cr_assert_null(strstr(got, "424242"), "%s", got);
}

Test(base_conf, lua_errors_keep_their_place)
{
	says("listen = = 2\n", "m.lua:1: unexpected symbol near '='");
	says("listen = twenty\n", "m.lua:1: unknown name `twenty`; here are env");
	says("os.exit(1)\n", "m.lua:1: unknown name `os`");
	says(GOOD "\nlocal x = nil .. \"a\"", "m.lua:3: attempt to concatenate a nil value");
	says("source \"A b\" {}", "m.lua:1: the source's name \"A b\" should be made of");
	says("source \"a\" {}\nsource \"a\" {}", "m.lua:2: source \"a\" is there twice");
	says("source \"a\" \"b\"", "m.lua:1: source \"a\" wants a table");
	says("x = file \"nowhere\"", "m.lua:1: cannot open ");
	says("\x1bLua", "m.lua: ");
}

Test(base_conf, a_runaway_file_ends_with_a_sentence)
{
	says("while true do end", "m.lua:1: this runs for too long; a configuration is a list");
	says("local s = \"x\" while true do s = s .. s end", "m.lua: this needs too much memory");
	says("local t = {} for i = 1, 1e9 do t[i] = i end", "m.lua: this needs too much memory");
	says("x = {} x.x = x", "m.lua:1: ");
	says("x = {} for i = 1, 5000 do x[\"k\" .. i] = 1 end", "m.lua:1: ");
	says("local function f() return f() + 1 end f()", "m.lua: this needs too much memory");
}

Test(base_conf, a_missing_required_setting_names_the_variable_that_is_not_set)
{
	unsetenv("CONF_TEST_UNSET");
	says("twenty = {\n url = \"http://x\",\n key = env \"CONF_TEST_UNSET\",\n}\n",
		"m.lua:3: `twenty.key` is required, and the environment variable CONF_TEST_UNSET "
		"is "
		"not set");
	says("twenty = { url = \"x\" }", "m.lua: `twenty.key` is required and missing");
	says(GOOD "source \"a\" { scheme = \"twenty\", secrets = { env \"CONF_TEST_UNSET\" } }",
		"m.lua:2: `source.a.secrets` is required, and the environment variable "
		"CONF_TEST_UNSET");
}

Test(base_conf, an_unset_variable_is_nil_where_nothing_is_required)
{
	unsetenv("CONF_TEST_UNSET");
	setenv("CONF_TEST_SET", "b", 1);
	struct conf *c = must_load(GOOD
		"listen = env \"CONF_TEST_UNSET\" or \"127.0.0.1:7\"\n"
		"secrets = { A = env \"CONF_TEST_UNSET\" }\n"
		"http = { allow = { env \"CONF_TEST_UNSET\", env \"CONF_TEST_SET\" } }\n",
		NULL, 0);
	cr_expect_str_eq(conf_text(c, "listen"), "127.0.0.1:7");
	cr_expect_null(conf_text(c, "secrets.A"));
	cr_expect_str_eq(conf_item(c, "http.allow", 1), "b", "a list has no holes");
	conf_free(c);
}

Test(base_conf, a_partial_load_needs_neither_secrets_nor_their_files)
{
	const char *text =
		"twenty = { key = env \"CONF_TEST_UNSET\" }\nsecrets = {A = file \"no\"}";
	write_file("m.lua", text, strlen(text));
	struct conf *c = NULL;
	struct err err = {.msg = ""};
	cr_assert_eq(conf_load_partial(path, tables, ARRAY_N(tables), NULL, 0, &c, &err), RC_OK,
		"%s", err.msg);
	cr_expect_str_eq(conf_text(c, "listen"), "127.0.0.1:8700");
	cr_expect_null(conf_text(c, "twenty.url"));
	conf_free(c);
}

Test(base_conf, a_key_knows_which_variables_and_files_it_is_written_with)
{
	const char *text = "source \"t\" {\n scheme = \"twenty\",\n secrets = { \"literal\", "
			   "env \"CONF_TEST_UNSET\", file \"no.file\",\n file(\"/dev/null/x\") } "
			   "}\nsecrets = { file = env \"A\" }\n";
	static const struct conf_reference wanted[] = {{CONF_PLACE_ENV, "CONF_TEST_UNSET", 3},
		{CONF_PLACE_FILE, "no.file", 3}, {CONF_PLACE_FILE, "/dev/null/x", 4}};
	struct conf_reference r;
	struct conf *c = NULL;
	struct err err = {.msg = ""};
	char beside[128];
	write_file("m.lua", text, strlen(text));
	cr_assert_eq(conf_load_partial(path, tables, ARRAY_N(tables), NULL, 0, &c, &err), RC_OK,
		"%s", err.msg);
	for (size_t i = 0; i < ARRAY_N(wanted); i++) {
		const char *name = wanted[i].name;
		snprintf(beside, sizeof(beside), "%s/%s", folder, name);
		cr_assert(conf_reference(c, "source.t.secrets", i, &r));
		cr_expect_eq(r.kind, wanted[i].kind);
		cr_expect_eq(r.line, wanted[i].line);
		cr_expect_str_eq(r.name, i == 1 ? beside : name);
	}
	cr_expect_not(conf_reference(c, "source.t.secrets", ARRAY_N(wanted), &r));
	cr_assert(conf_reference(c, "secrets.file", 0, &r));
	cr_expect_str_eq(r.name, "A");
	cr_expect_not(conf_reference(c, "twenty.key", 0, &r));
	conf_free(c);
}

Test(base_conf, a_secret_is_not_taken_from_a_flag)
{
	const char *flags[] = {"twenty.key=sesame"};
	struct conf *c = NULL;
	struct err err = {.msg = ""};
	write_file("m.lua", GOOD, strlen(GOOD));
	cr_assert_eq(conf_load(path, tables, ARRAY_N(tables), flags, 1, &c, &err), RC_INVALID);
	cr_expect(strstr(err.msg, "MOONHOOK_TWENTY_KEY") != NULL, "%s", err.msg);
	cr_expect_null(strstr(err.msg, "sesame"));
}

Test(base_conf, a_wrong_flag_or_variable_is_named)
{
	const char *flags[] = {"wrokers=2"};
	struct conf *c = NULL;
	struct err err = {.msg = ""};
	write_file("m.lua", GOOD, strlen(GOOD));
	cr_assert_eq(conf_load(path, tables, ARRAY_N(tables), flags, 1, &c, &err), RC_INVALID);
	cr_expect_str_eq(
		err.msg, "flag --wrokers: unknown setting `wrokers`; did you mean `workers`?");
	setenv("MOONHOOK_WORKERS", "two", 1);
	cr_assert_eq(conf_load(path, tables, ARRAY_N(tables), NULL, 0, &c, &err), RC_INVALID);
	cr_expect(strstr(err.msg, "environment MOONHOOK_WORKERS: `workers` wants a whole number") ==
			  err.msg,
		"%s", err.msg);
}

Test(base_conf, a_file_that_is_none_is_refused_without_waiting)
{
	char p[192];
	struct conf *c = NULL;
	struct err err = {.msg = ""};
	snprintf(p, sizeof(p), "%s/pipe", folder);
	cr_assert_eq(mkfifo(p, 0600), 0);
	cr_assert_eq(conf_load(p, tables, ARRAY_N(tables), NULL, 0, &c, &err), RC_IO);
	cr_assert_eq(conf_load("/nonexistent.lua", tables, 2, NULL, 0, &c, &err), RC_IO);
	cr_expect_str_eq(err.msg, "cannot open /nonexistent.lua: No such file or directory");
	says("twenty = { key = file \"pipe\" }", "m.lua:1: ");
}

/* --- a child's part ----------------------------------------------------------------------------
 */

Test(base_conf, a_child_gets_its_part_and_no_foreign_secret)
{
	struct conf *c =
		must_load("twenty = { url = \"u\", key = \"KEYKEY\" }\nsecrets = {A = "
			  "\"MAPMAP\"}\n"
			  "source \"a\" { scheme = \"twenty\", secrets = { \"SRCSRC\" } }\n",
			NULL, 0);
	const char *receiver[] = {"listen", "limits", "source"};
	const char *part[] = {"source.a.scheme", "twent", "twenty.url", "secret"};
	struct buf b;
	struct err err;
	struct conf *got = NULL;
	buf_init(&b, 65536);
	cr_assert_eq(conf_export(c, receiver, 3, &b, &err), RC_OK);
	cr_expect_null(memmem(b.p, b.n, "KEYKEY", 6));
	cr_expect_null(memmem(b.p, b.n, "MAPMAP", 6));
	cr_assert_eq(conf_import(buf_slice(&b), &got, &err), RC_OK);
	cr_expect_str_eq(conf_item(got, "source.a.secrets", 1), "SRCSRC");
	cr_expect_str_eq(conf_name(got, "source", 0), "a");
	cr_expect_eq(conf_int(got, "limits.body"), 4 << 20);
	cr_expect_null(conf_text(got, "twenty.url"));
	conf_free(got);
	buf_clear(&b);
	cr_assert_eq(conf_export(c, part, 4, &b, &err), RC_OK);
	cr_expect_null(memmem(b.p, b.n, "KEYKEY", 6), "a prefix ends at a dot");
	cr_expect_null(memmem(b.p, b.n, "MAPMAP", 6));
	cr_expect_null(memmem(b.p, b.n, "SRCSRC", 6));
	cr_expect_not_null(memmem(b.p, b.n, "source.a.scheme", 15));
	buf_done(&b);
	conf_free(c);
}

Test(base_conf, no_mangled_part_is_taken)
{
	struct conf *c = must_load(GOOD, NULL, 0), *got = NULL;
	const char *all[] = {"listen", "twenty", "limits"};
	struct buf b;
	struct err err;
	buf_init(&b, 65536);
	cr_assert_eq(conf_export(c, all, 3, &b, &err), RC_OK);
	for (size_t n = 0; n < b.n; n++) {
		char *copy = malloc(n + 1);
		memcpy(copy, b.p, n);
		if (conf_import((struct slice){copy, n}, &got, &err) == RC_OK)
			conf_free(got); /* cut between two settings */
		free(copy);
	}
	for (size_t i = 0; i < b.n * 8; i++) {
		b.p[i / 8] ^= (char)(1 << (i % 8));
		if (conf_import(buf_slice(&b), &got, &err) == RC_OK)
			conf_free(got);
		b.p[i / 8] ^= (char)(1 << (i % 8));
	}
	static const char repeated[] = "mhc1-a\0b\0c\0-a\0b\0c";
	cr_expect_eq(conf_import((struct slice){repeated, sizeof(repeated)}, &got, &err), RC_PARSE);
	cr_expect_eq(conf_import((struct slice){"mhc2", 4}, &got, &err), RC_PARSE);
	cr_expect_eq(conf_import((struct slice){NULL, 0}, &got, &err), RC_PARSE);
	buf_done(&b);
	conf_free(c);
}

/* Is value anywhere in the environment block as other processes see it? */
static bool in_environ(const char *value)
{
	static char block[1 << 20];
	int fd = open("/proc/self/environ", O_RDONLY);
	ssize_t n, all = 0;
	while ((n = read(fd, block + all, sizeof(block) - (size_t)all)) > 0)
		all += n;
	close(fd);
	return memmem(block, (size_t)all, value, strlen(value)) != NULL;
}

Test(base_conf, a_scrubbed_variable_still_answers_here_and_nobody_else_sees_it)
{
	/* HOME is in the block that the process was started with, which setenv's values are not. */
	char *value = strdup(getenv("PATH"));
	cr_assert(in_environ(value), "the test can fail");
	struct conf *c = must_load(GOOD "listen = env \"PATH\"", NULL, 0);
	conf_free(c);
	conf_scrub();
	cr_expect_not(in_environ(value));
	c = must_load(GOOD "listen = env \"PATH\"", NULL, 0);
	cr_expect_str_eq(conf_text(c, "listen"), value);
	conf_free(c);
	conf_forget();
	c = must_load(GOOD "listen = env \"PATH\"", NULL, 0);
	cr_expect_str_neq(conf_text(c, "listen"), value);
	conf_free(c);
	free(value);
}

/* --- units ---------------------------------------------------------------------------------------
 */

Test(base_conf, units_are_read_exactly)
{
	cr_expect_eq(conf_parse_duration("90s"), 90000);
	cr_expect_eq(conf_parse_duration("5m"), 300000);
	cr_expect_eq(conf_parse_duration("2h"), 7200000);
	cr_expect_eq(conf_parse_duration("3d"), 259200000);
	cr_expect_eq(conf_parse_duration("100ms"), 100);
	cr_expect_eq(conf_parse_duration("0"), 0);
	static const char *const none[] = {"", "s", "5", "5 s", "-5s", "+5s", "5S", "5ss", "1.5h",
		"99999999999999999999d", "9999999999999d"};
	for (size_t i = 0; i < ARRAY_N(none); i++)
		cr_expect_eq(conf_parse_duration(none[i]), -1, "%s", none[i]);
	cr_expect_eq(conf_parse_bytes("64MB"), 64 << 20);
	cr_expect_eq(conf_parse_bytes("10GB"), INT64_C(10) << 30);
	cr_expect_eq(conf_parse_bytes("4kB"), 4096);
	cr_expect_eq(conf_parse_bytes("17"), 17);
	cr_expect_eq(conf_parse_bytes("4mb"), -1);
	cr_expect_eq(conf_parse_rate("100/m"), 6000);
	cr_expect_eq(conf_parse_rate("1/d"), 1, "never nothing");
	cr_expect_eq(conf_parse_rate("none"), 0);
	cr_expect_eq(conf_parse_rate("0/m"), -1);
	cr_expect_eq(conf_parse_rate("5/"), -1);
}

Test(base_conf, values_are_shown_as_they_are_written)
{
	static const struct {
		size_t option;
		const char *inside, *shown;
	} cases[] = {{2, "1000", "1s"}, {2, "90000", "90s"}, {2, "86400000", "1d"}, {2, "0", "0"},
		{3, "67108864", "64MB"}, {3, "1000", "1000B"}, {7, "6000", "100/m"},
		{7, "0", "none"}, {7, "3600", "1/s"}, {0, "x", "x"}};
	for (size_t i = 0; i < ARRAY_N(cases); i++) {
		char *got = conf_option_format(&options[cases[i].option], cases[i].inside);
		cr_expect_str_eq(got, cases[i].shown);
		free(got);
	}
}

Test(base_conf, the_nearest_word_is_near)
{
	static const char *const words[] = {"serve", "status", "tail", "reload", NULL};
	cr_expect_str_eq(conf_nearest("sreve", words), "serve");
	cr_expect_str_eq(conf_nearest("stauts", words), "status");
	cr_expect_str_eq(conf_nearest("relod", words), "reload");
	cr_expect_null(conf_nearest("banana", words));
	cr_expect_null(conf_nearest("", words));
}
