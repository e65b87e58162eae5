/* SPDX-License-Identifier: MIT */
/*
 * The command as its user sees it: exit statuses, sentences, and the fields of every form of
 * output.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/id.h"
#include "tests/harness/daemon.h"
#include "tests/harness/house.h"

static struct daemon d;

static void setup(void)
{
	cr_assert(daemon_open(&d, NULL));
}

static void teardown(void)
{
	daemon_close(&d);
}

TestSuite(cli_verbs, .init = setup, .fini = teardown, .timeout = 90);

/* Runs and expects this status and this in its output or errors. */
static void says(const char *const *args, int status, const char *sentence)
{
	char *out = NULL, *err = NULL;
	int got = daemon_command(&d, args, NULL, &out, &err);
	cr_expect_eq(got, status, "%s: ended with %d: %s%s", args[0], got, out, err);
	cr_expect(strstr(out, sentence) != NULL || strstr(err, sentence) != NULL,
		"%s\nsaid:   %s%s\nwanted: %s", args[0], out, err, sentence);
	cr_expect(status == 0 || sentence[0] == '\0' || strstr(out, sentence) == NULL,
		"errors go to stderr");
	free(out);
	free(err);
}
#define SAYS(status, sentence, ...) says((const char *const[]){__VA_ARGS__, NULL}, status, sentence)

Test(cli_verbs, wrong_usage_ends_with_2_and_says_what_was_meant)
{
	SAYS(2, "did you mean `moonhook serve`?", "sreve");
	SAYS(2, "did you mean `moonhook events list`?", "events", "lits");
	SAYS(2, "there is no command `bananas", "bananas");
	SAYS(2, "unknown flag --limt; did you mean --limit?", "runs", "list", "--limt", "3");
	SAYS(2, "-o wants table, json or jsonl, not yaml", "runs", "list", "-o", "yaml");
	SAYS(2, "there is no state `daed`; did you mean `dead`?", "runs", "list", "state:daed");
	SAYS(2, "there is no filter `rul:`; did you mean `rule:`?", "runs", "list", "rul:x");
	SAYS(2, "`dead` is no filter", "runs", "list", "dead");
	SAYS(2, "--since wants a duration", "runs", "list", "--since", "yesterday");
	SAYS(2, "--limit wants a number", "runs", "list", "--limit", "-1");
	SAYS(2, "there is no action `creatd`; did you mean created", "trigger", "person.creatd");
	SAYS(2, "`person` is no event", "trigger", "person");
	SAYS(2, "--set wants field=value", "trigger", "person.created", "--set", "x");
	SAYS(2, "has no source \"nobody\"", "trigger", "person.created", "--source", "nobody");
	SAYS(2, "name one run", "runs", "show");
	SAYS(2, "status takes no further words", "status", "now");
	SAYS(2, "started by `moonhook serve` only", "room", "kitchen");
}

Test(cli_verbs, a_daemon_that_is_not_there_ends_with_5)
{
	SAYS(5, "the daemon cannot be reached", "status");
	SAYS(5, "the daemon cannot be reached", "status", "-o", "json");
	SAYS(5, "the daemon cannot be reached", "reload");
	SAYS(5, "the daemon cannot be reached", "tail");
	SAYS(5, "nobody answers at http://127.0.0.1:", "trigger", "person.created");
	SAYS(1, "there is no store at ", "events", "list");
}

Test(cli_verbs, a_wrong_configuration_ends_with_78_everywhere)
{
	cr_assert(daemon_configure(&d, "workers = \"many\""));
	SAYS(78, "m.lua:8: `workers` wants a whole number", "status");
	SAYS(78, "m.lua:8: `workers` wants a whole number", "config", "print");
	SAYS(78, "m.lua:8: `workers` wants a whole number", "trigger", "person.created");
	SAYS(78, "m.lua:8: `workers` wants a whole number", "runs", "list");
	SAYS(0, "moonhook", "version");
}

Test(cli_verbs, help_has_a_synopsis_examples_and_exit_codes)
{
	SAYS(0, "moonhook runs list [FILTER:WORD ..] [flags]", "runs", "list", "--help");
	SAYS(0, "78  invalid configuration or rules", "help", "status");
	SAYS(0, "--set FIELD=VALUE", "help", "trigger");
	SAYS(0, "moonhook events show", "help", "events");
	SAYS(0, "limits.cpu", "help", "settings");
	SAYS(0, "hosts that http calls of rules may reach", "help", "settings");
	SAYS(0, "complete -F _moonhook moonhook", "completion", "bash");
	SAYS(0, ".SH EXIT STATUS", "man");
	SAYS(0, ".TH MOONHOOK\\-RULES 7", "man", "rules");
	SAYS(0, "A RETRY REPEATS NO EFFECT", "help", "rules");
	SAYS(2, "moonhook man rules", "man", "ruels");
}

Test(cli_verbs, the_columns_of_the_settings_stand_below_each_other)
{
	const char *args[] = {"help", "settings", NULL};
	char *out = NULL, *save = NULL;
	size_t n = 0;
	cr_assert_eq(daemon_command(&d, args, NULL, &out, NULL), 0);
	const char *title = strstr(out, "what it is");
	size_t column = title != NULL ? (size_t)(title - out) : 0;
	for (char *line = strtok_r(out, "\n", &save); line != NULL;
		line = strtok_r(NULL, "\n", &save), n++)
		cr_expect(strlen(line) > column && line[column - 1] == ' ' && line[column] != ' ',
			"%s", line);
	cr_expect_gt(n, 30);
	free(out);
}

/* --- with a daemon and one event
 * --------------------------------------------------------------------- */

static char event[64];

static bool run_ended(void *ctx)
{
	const char *args[] = {"runs", "list", ctx, "-o", "jsonl", NULL};
	char *out = NULL;
	(void)daemon_command(&d, args, NULL, &out, NULL);
	bool ended = out != NULL && strstr(out, "\"ended_at\":\"") != NULL;
	free(out);
	return ended;
}

static void trigger_one(const char *rule)
{
	const char *args[] = {
		"trigger", "person.created", "--set", "name.firstName=Ann\x1b[31m", NULL};
	char *out = NULL, *err = NULL, filter[80];
	cr_assert(process_write(d.rules, "a.lua", rule));
	cr_assert(daemon_start(&d, NULL, NULL));
	cr_assert_eq(daemon_command(&d, args, NULL, &out, &err), 0, "%s", err);
	snprintf(event, sizeof(event), "%.26s", out);
	cr_assert(id_valid(event) && out[26] == '\n' && out[27] == '\0', "the id alone: %s", out);
	free(out);
	free(err);
	snprintf(filter, sizeof(filter), "event:%s", event);
	cr_assert(process_await(run_ended, filter, 15000));
}

/* The keys of an object, in order, with a blank between. */
static void keys_are(json_t *object, const char *wanted)
{
	char got[512] = "";
	const char *key;
	json_t *value;
	json_object_foreach(object, key, value)
	{
		size_t n = strlen(got);
		snprintf(got + n, sizeof(got) - n, "%s%s", n != 0 ? " " : "", key);
	}
	cr_expect_str_eq(got, wanted);
}

static json_t *json_of(const char *const *args)
{
	char *out = NULL, *err = NULL;
	int status = daemon_command(&d, args, NULL, &out, &err);
	cr_assert_eq(status, 0, "%d: %s", status, err);
	json_t *value = json_loads(out, 0, NULL);
	cr_assert(value != NULL, "%s", out);
	free(out);
	free(err);
	return value;
}
#define JSON_OF(...) json_of((const char *const[]){__VA_ARGS__, NULL})

#define LOGGING_RULE                                                                               \
	"rule \"hello\" { on = \"person.created\", run = function(e) log.info(\"hi there\") end "  \
	"}\n"

Test(cli_verbs, lists_have_the_fields_that_scripts_rely_on)
{
	trigger_one(LOGGING_RULE);
	json_t *one = JSON_OF("events", "list", "-o", "jsonl");
	keys_are(one, "id source name object record via state received_at cause depth");
	cr_expect_str_eq(json_string_value(json_object_get(one, "id")), event);
	cr_expect_str_eq(json_string_value(json_object_get(one, "via")), "hook");
	int64_t at = clock_parse(json_string_value(json_object_get(one, "received_at")));
	cr_expect(llabs(clock_wall_ms() - at) < 60000);
	json_decref(one);
	one = JSON_OF("runs", "list", "-o", "jsonl");
	keys_are(one,
		"id event rule state attempt error api_calls started_at ended_at error_code mode");
	cr_expect_str_eq(json_string_value(json_object_get(one, "event")), event);
	cr_expect_str_eq(json_string_value(json_object_get(one, "rule")), "hello");
	cr_expect_str_eq(json_string_value(json_object_get(one, "state")), "done");
	cr_expect(json_is_null(json_object_get(one, "error")));
	json_decref(one);
	one = JSON_OF("runs", "list", "rule:nobody", "-o", "json");
	cr_expect(json_is_array(one) && json_array_size(one) == 0);
	json_decref(one);
	one = JSON_OF("events", "list", "--since", "1h", "name:person.created", "--limit", "5",
		"-o", "json");
	cr_expect_eq(json_array_size(one), 1);
	json_decref(one);
	cr_expect_eq(daemon_stop(&d), 0);
}

static size_t rows_of(const char *const *args)
{
	json_t *rows = json_of(args);
	size_t n = json_array_size(rows);
	json_decref(rows);
	return n;
}
#define ROWS_OF(...) rows_of((const char *const[]){__VA_ARGS__, "-o", "json", NULL})

static bool one_second_later(void *from_ms)
{
	return clock_wall_ms() > *(int64_t *)from_ms + 1000;
}

Test(cli_verbs, filters_since_and_limit_say_which_rows)
{
	const char *again[] = {"trigger", "person.created", NULL};
	char filter[80];
	trigger_one("rule \"x\" { on = \"person.created\", run = function(e)\n"
		    "if e.record.name.firstName:find(\"31m\") then error \"no Ann\" end end }\n");
	int64_t from_ms = clock_wall_ms();
	cr_assert(process_await(one_second_later, &from_ms, 10000));
	cr_assert_eq(daemon_command(&d, again, NULL, NULL, NULL), 0);
	cr_expect_eq(ROWS_OF("events", "list"), 2);
	cr_expect_eq(ROWS_OF("events", "list", "--since", "1s"), 1, "the later one");
	cr_expect_eq(ROWS_OF("events", "list", "--limit", "1"), 1);
	cr_expect_eq(ROWS_OF("events", "list", "--since", "2099-01-01T00:00:00Z"), 0);
	snprintf(filter, sizeof(filter), "event:%s", event);
	cr_expect_eq(ROWS_OF("runs", "list", filter), 1);
	cr_expect_eq(ROWS_OF("runs", "list", "error:rule"), 1, "by its code");
	cr_expect_eq(ROWS_OF("runs", "list", "error:no Ann"), 1, "by its text");
	cr_expect_eq(ROWS_OF("runs", "list", "error:429"), 0);
	cr_expect_eq(ROWS_OF("runs", "list", "state:dead"), 1);
	cr_expect_eq(daemon_stop(&d), 0);
}

Test(cli_verbs, a_list_is_complete_where_nobody_sits_at_a_terminal)
{
	static const char *const trigger[] = {"trigger", "note.created", NULL};
	cr_assert(daemon_start(&d, NULL, NULL));
	for (int i = 0; i < 51; i++)
		cr_assert_eq(daemon_command(&d, trigger, NULL, NULL, NULL), 0);
	cr_expect_eq(ROWS_OF("events", "list"), 51);
	cr_expect_eq(daemon_stop(&d), 0);
}

Test(cli_verbs, a_trigger_that_is_refused_ends_with_1_and_says_why)
{
	cr_assert(daemon_start(&d, NULL, NULL));
	char *text = process_read(d.config);
	char *secret = text != NULL ? strstr(text, DAEMON_SECRET) : NULL;
	cr_assert_not_null(secret);
	secret[0] = 'x';
	cr_assert(process_write(d.dir, strrchr(d.config, '/') + 1, text));
	free(text);
	SAYS(1, "the same secret", "trigger", "person.created");
	cr_expect_eq(daemon_stop(&d), 0);
}

static bool has_call(void *ctx)
{
	const char *list[] = {"runs", "list", "-o", "jsonl", NULL}, *id;
	char *out = NULL;
	(void)daemon_command(&d, list, NULL, &out, NULL);
	json_t *run = out != NULL ? json_loads(out, 0, NULL) : NULL, *shown = NULL;
	free(out);
	if ((id = json_string_value(json_object_get(run, "id"))) != NULL)
		shown = JSON_OF("runs", "show", id, "-o", "json");
	json_t *calls = json_object_get(shown, "calls");
	bool has = json_array_size(calls) == 2;
	if (has)
		*(json_t **)ctx = json_incref(calls);
	json_decref(shown);
	json_decref(run);
	return has;
}

/* Nobody answers as Twenty, so the note is not made: its intent is there. */
Test(cli_verbs, show_tells_reads_from_effects_and_what_has_no_answer_yet)
{
	const char *trigger[] = {"trigger", "person.created", NULL};
	json_t *calls = NULL;
	cr_assert(process_write(d.rules, "a.lua",
		"rule \"x\" { on = \"person.created\", run = function()\n"
		"twenty.notes:create { title = now() } end }\n"));
	cr_assert(daemon_start(&d, NULL, NULL));
	cr_assert_eq(daemon_command(&d, trigger, NULL, NULL, NULL), 0);
	cr_assert(process_await(has_call, &calls, 15000));
	json_t *now = json_array_get(calls, 0), *create = json_array_get(calls, 1);
	cr_expect_str_eq(json_string_value(json_object_get(now, "method")), "now");
	cr_expect(json_is_false(json_object_get(now, "effect")));
	cr_expect_str_eq(json_string_value(json_object_get(now, "code")), "ok");
	cr_expect_str_eq(json_string_value(json_object_get(create, "method")), "create");
	cr_expect_str_eq(json_string_value(json_object_get(create, "object")), "notes");
	cr_expect(json_is_true(json_object_get(create, "effect")));
	cr_expect_str_eq(json_string_value(json_object_get(create, "code")), "waiting");
	json_decref(calls);
	cr_expect_eq(daemon_stop(&d), 0);
}

Test(cli_verbs, show_takes_the_start_of_an_id_and_adds_log_calls_and_body)
{
	trigger_one(LOGGING_RULE);
	char prefix[21];
	snprintf(prefix, sizeof(prefix), "%.20s", event);
	json_t *one = JSON_OF("events", "show", prefix, "-o", "json");
	cr_expect_str_eq(
		json_string_value(json_object_get(json_object_get(one, "body"), "eventName")),
		"person.created");
	json_t *run = json_array_get(json_object_get(one, "runs"), 0);
	const char *id = json_string_value(json_object_get(run, "id"));
	json_t *shown = JSON_OF("runs", "show", id, "-o", "json");
	json_t *line = json_array_get(json_object_get(shown, "log"), 0);
	cr_expect(strstr(json_string_value(line), "hi there") != NULL);
	cr_expect(json_is_array(json_object_get(shown, "calls")));
	json_decref(shown);
	json_decref(one);
	SAYS(1, "zzzzzzz", "runs", "show", "zzzzzzz");
	cr_expect_eq(daemon_stop(&d), 0);
}

/* Runs and gives what it printed for people. */
static char *shown(const char *noun, const char *id)
{
	const char *args[] = {noun, "show", id, NULL};
	char *out = NULL, *err = NULL;
	cr_expect_eq(daemon_command(&d, args, NULL, &out, &err), 0, "%s", err);
	free(err);
	return out;
}

Test(cli_verbs, show_is_for_people_what_json_is_for_scripts)
{
	trigger_one("rule \"vip deals\" { on = \"person.created\", run = function(e)\n"
		    "for i = 1, 3 do log.info(\"line\", i, now()) end skip \"enough\" end }\n");
	json_t *run = JSON_OF("runs", "list", "-o", "jsonl");
	const char *id = json_string_value(json_object_get(run, "id"));
	static const char *const parts[] = {"\nrule        \"vip deals\"\n",
		"\nstate       skipped\nreason      enough\n", "\nattempt     1\n", "Z, took ",
		"\ncalls\nCALL  METHOD  OBJECT  STATUS  MS ",
		"REQUESTS  ARGUMENTS  ANSWER\n1     now ", "\nlog\n  20", "  line 3 "};
	char *out = shown("runs", id);
	for (size_t i = 0; i < ARRAY_N(parts); i++)
		cr_expect(strstr(out, parts[i]) != NULL, "wanted: %s\nprinted: %s", parts[i], out);
	cr_expect_null(strstr(out, "deaths"));
	cr_expect_null(strstr(out, "source"));
	free(out);
	out = shown("events", event);
	cr_expect(strstr(out, "\nname        person.created\n") != NULL, "%s", out);
	cr_expect(
		strstr(out, "\nruns\nRUN ") != NULL && strstr(out, "vip deals") != NULL, "%s", out);
	free(out);
	json_t *one = JSON_OF("runs", "show", id, "-o", "json");
	keys_are(one,
		"id event rule state attempt error api_calls started_at ended_at error_code mode "
		"detail key deaths source created_at due_at parked log cause "
		"depth limited calls events because");
	json_decref(one);
	SAYS(1, "is a run, not an event: moonhook runs show", "events", "show", id);
	SAYS(1, "is an event, not a run: moonhook events show", "runs", "show", event);
	SAYS(0, "did you mean \"vip deals\"?", "runs", "list", "rule:vip dael");
	SAYS(0, "no rule named \"nosuch\" is known", "runs", "list", "rule:nosuch");
	json_decref(run);
	cr_expect_eq(daemon_stop(&d), 0);
}

Test(cli_verbs, nothing_from_a_record_reaches_the_terminal_as_a_command)
{
	static const char *const forms[] = {"table", "json"};
	trigger_one(
		"rule \"x\" { on = \"person.created\", run = function(e) error(\"\\27[31mred\") "
		"end }\n");
	for (size_t i = 0; i < ARRAY_N(forms); i++) {
		const char *list[] = {"runs", "list", "-o", forms[i], NULL};
		const char *show[] = {"events", "show", event, "-o", forms[i], NULL};
		char *out = NULL;
		cr_expect_eq(daemon_command(&d, list, NULL, &out, NULL), 0);
		cr_expect(strstr(out, "red") != NULL, "%s", out);
		cr_expect_null(strchr(out, '\033'), "%s", out);
		free(out);
		cr_expect_eq(daemon_command(&d, show, NULL, &out, NULL), 0);
		cr_expect_null(strchr(out, '\033'), "%s", out);
		free(out);
	}
	cr_expect_eq(daemon_stop(&d), 0);
}

static bool is_unreachable(void *ctx)
{
	(void)ctx;
	json_t *s = daemon_status(&d);
	bool unreachable = json_is_false(json_object_get(json_object_get(s, "api"), "reachable"));
	json_decref(s);
	return unreachable;
}

Test(cli_verbs, status_has_what_scripts_rely_on)
{
	trigger_one(LOGGING_RULE);
	json_t *s = JSON_OF("status", "-o", "json");
	json_t *api = json_object_get(s, "api");
	cr_expect_eq(json_integer_value(json_object_get(json_object_get(s, "events"), "done")), 1);
	cr_expect_eq(json_integer_value(json_object_get(json_object_get(s, "runs"), "done")), 1);
	cr_expect_eq(json_integer_value(json_object_get(json_object_get(s, "runs"), "dead")), 0);
	static const char *const numbers[] = {"calls", "requests", "tokens", "waiting"};
	for (size_t i = 0; i < ARRAY_N(numbers); i++)
		cr_expect(json_is_integer(json_object_get(api, numbers[i])), "%s", numbers[i]);
	cr_expect_eq(json_integer_value(json_object_get(s, "workers")), 1);
	json_t *rule = json_array_get(json_object_get(s, "rules"), 0);
	keys_are(rule, "name file line on state error");
	cr_expect_str_eq(json_string_value(json_object_get(rule, "state")), "live");
	json_decref(s);
	cr_assert(process_await(is_unreachable, NULL, 10000));
	SAYS(6, "", "status", "--check");
	SAYS(0, "cannot be reached", "status");
	cr_expect_eq(daemon_stop(&d), 0);
}

struct tail {
	struct process process;
	const char *text;
};

static bool tail_said(void *ctx)
{
	struct tail *t = ctx;
	char *out = process_read(t->process.out);
	bool said = out != NULL && strstr(out, t->text) != NULL;
	free(out);
	return said;
}

Test(cli_verbs, tail_follows_events_and_runs_until_it_is_interrupted)
{
	trigger_one(LOGGING_RULE);
	const char *argv[] = {process_path("moonhook"), "tail", "--since", "1h", "-o", "jsonl",
		"--config", d.config, NULL};
	const char *again[] = {"trigger", "note.created", NULL};
	struct tail t = {.text = "\"rule\":\"hello\""};
	cr_assert(process_start(&t.process, d.dir, "tail", argv, NULL));
	cr_expect(process_await(tail_said, &t, 10000), "what was there before");
	cr_assert_eq(daemon_command(&d, again, NULL, NULL, NULL), 0);
	t.text = "note.created";
	cr_expect(process_await(tail_said, &t, 10000), "what comes now");
	cr_expect_eq(process_stop(&t.process, SIGINT, 5000), 0);
	cr_expect_eq(daemon_stop(&d), 0);
}

Test(cli_verbs, a_sample_of_every_known_object_is_accepted)
{
	static const char *const names[] = {"person.created", "company.updated",
		"opportunity.updated", "task.deleted", "note.restored", "rocket.destroyed"};
	cr_assert(daemon_start(&d, NULL, NULL));
	for (size_t i = 0; i < ARRAY_N(names); i++)
		SAYS(0, "\"repeated\":false", "trigger", names[i], "-o", "json");
	cr_expect_eq(daemon_stop(&d), 0);
}

static bool twenty_is_reached(void *ctx)
{
	json_t *s = house_status(ctx);
	json_t *api = json_object_get(s, "api");
	const char *dialect = json_string_value(json_object_get(api, "dialect"));
	bool reached = dialect != NULL && strcmp(dialect, "core") == 0;
	json_decref(s);
	return reached;
}

static bool key_is_refused(void *ctx)
{
	json_t *s = house_status(ctx);
	json_t *api = json_object_get(s, "api");
	bool refused = json_is_true(json_object_get(api, "refused")) &&
		       json_is_string(json_object_get(api, "problem"));
	json_decref(s);
	return refused;
}

Test(cli_verbs, a_wrong_key_is_shown_by_status_and_check_ends_with_4)
{
	static const char *const check[] = {"status", "--check", NULL};
	static const char *const plain[] = {"status", NULL};
	struct house h = {.dir = ""};
	const struct house_conf conf = {.settings = "twenty.key = \"not-the-key\""};
	int status = -1;
	cr_expect(house_open(&h, &conf), "it is ready all the same");
	cr_expect(process_await(key_is_refused, &h, 15000));
	free(house_command(&h, check, &status));
	cr_expect_eq(status, 4);
	char *out = house_command(&h, plain, &status);
	cr_expect_eq(status, 0);
	cr_expect(out != NULL && strstr(out, "problem ") != NULL, "%s", out);
	cr_expect_null(strstr(out, "not-the-key"));
	cr_expect(strstr(out, ", then restart moonhook\n") != NULL, "%s", out);
	free(out);
	house_close(&h);
}

static bool rubbish_is_noticed(void *ctx)
{
	json_t *s = house_status(ctx);
	bool noticed = json_is_string(json_object_get(s, "store_problem"));
	json_decref(s);
	return noticed;
}

Test(cli_verbs, a_broken_rule_ends_check_with_78_and_a_broken_store_with_1)
{
	static const char *const check[] = {"status", "--check", NULL};
	static const char *const reload[] = {"reload", NULL};
	static const char *const reload_json[] = {"reload", "-o", "json", NULL};
	struct house h = {.dir = ""};
	char from[256], to[256];
	int status = -1;
	cr_assert(house_open(&h, &(struct house_conf){.dialect = NULL}));
	cr_assert(process_await(twenty_is_reached, &h, 15000));
	free(house_command(&h, check, &status));
	cr_expect_eq(status, 0, "all is well");
	cr_assert(house_rule(&h, "broken.lua", "rule \"x\" {\n"));
	free(house_command(&h, reload, &status));
	cr_expect_eq(status, 78);
	free(house_command(&h, reload_json, &status));
	cr_expect_eq(status, 78, "in every form");
	free(house_command(&h, check, &status));
	cr_expect_eq(status, 78);
	/* A reader opens the file by its name; the daemon goes on with the one that it has. */
	snprintf(from, sizeof(from), "%s/store/work.db", h.dir);
	snprintf(to, sizeof(to), "%s/store/moved.db", h.dir);
	cr_assert_eq(rename(from, to), 0);
	snprintf(to, sizeof(to), "%s/store", h.dir);
	cr_assert(process_write(to, "work.db", "this is no database, but some longer text"));
	cr_assert(process_await(rubbish_is_noticed, &h, 10000));
	free(house_command(&h, check, &status));
	cr_expect_eq(status, 1);
	house_close(&h);
}
