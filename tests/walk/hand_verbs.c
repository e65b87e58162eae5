/* SPDX-License-Identifier: MIT */
/*
 * What an operator does by hand, mistakes included: pausing, dead letters, quarantine, issues.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/clock.h"
#include "tests/harness/daemon.h"
#include "tests/harness/sender.h"

static struct daemon d;

#define BAD                                                                                        \
	"rule \"welcome\" { on = \"person.created\", run = function(event)\n"                      \
	"  error(\"nobody is welcome\")\nend }\n"
#define GOOD                                                                                       \
	"rule \"welcome\" { on = \"person.created\", run = function(event) end }\n"                \
	"rule \"other\" { on = \"person.created\", run = function(event) end }\n"

static void setup(void)
{
	cr_assert(daemon_open(&d, NULL));
	cr_assert(process_write(d.rules, "welcome.lua", BAD));
}

static void teardown(void)
{
	daemon_close(&d);
}

TestSuite(hand_verbs, .init = setup, .fini = teardown, .timeout = 90);

/* Runs and expects this status and this in its output or errors. */
static void says(const char *const *args, int status, const char *sentence)
{
	char *out = NULL, *err = NULL;
	int got = daemon_command(&d, args, NULL, &out, &err);
	cr_assert_eq(got, status, "%s %s: ended with %d: %s%s", args[0], args[1], got, out, err);
	cr_assert(strstr(out, sentence) != NULL || strstr(err, sentence) != NULL,
		"%s %s\nsaid:   %s%s\nwanted: %s", args[0], args[1], out, err, sentence);
	free(out);
	free(err);
}
#define SAYS(status, sentence, ...) says((const char *const[]){__VA_ARGS__, NULL}, status, sentence)

struct wanted {
	const char *of, *state; /* "runs", "dead" */
	json_int_t n;
};

static bool counted(void *ctx)
{
	const struct wanted *w = ctx;
	json_t *status = daemon_status(&d);
	bool yes = json_integer_value(json_object_get(json_object_get(status, w->of), w->state)) ==
		   w->n;
	json_decref(status);
	return yes;
}

static void await(const char *of, const char *state, json_int_t n)
{
	struct wanted w = {of, state, n};
	cr_assert(process_await(counted, &w, 15000), "never %d %s %s", (int)n, of, state);
}

static void trigger(int n)
{
	for (int i = 0; i < n; i++)
		SAYS(0, "", "trigger", "person.created");
}

static enum rc no_json(void *ctx, size_t i, struct buf *out)
{
	(void)ctx;
	return buf_printf(out, "no JSON %zu", i);
}

static void deliver_rubbish(void)
{
	struct sender_conf conf = {.port = d.hook_port,
		.source = "twenty",
		.secret = DAEMON_SECRET,
		.n = 1,
		.connections = 1,
		.deadline_ms = 10000,
		.body = no_json};
	struct sender_result result;
	struct err err = {.msg = ""};
	cr_assert_eq(sender_run(&conf, &result, &err), RC_OK, "%s", err.msg);
	cr_assert_eq(result.stored, 1u);
}

Test(hand_verbs, without_a_daemon_nothing_is_ordered)
{
	SAYS(5, "the daemon cannot be reached", "pause", "--all");
	SAYS(5, "the daemon cannot be reached", "rules", "resume", "welcome");
	SAYS(1, "there is no store", "runs", "retry", "state:dead", "--yes");
}

Test(hand_verbs, dead_letters_are_counted_tried_again_once_the_rule_is_right_and_removed)
{
	cr_assert(daemon_start(&d, NULL, NULL));
	trigger(3);
	await("runs", "dead", 3);
	SAYS(2, "say which runs", "runs", "retry");
	SAYS(2, "`runs` wants a verb: list, show, retry, purge", "runs");
	SAYS(1, "no run has the id \"zzzz\"", "runs", "show", "zzzz");
	SAYS(1, "no event has the id \"zzzz\"", "events", "show", "zzzz");
	SAYS(2, "there is no filter `rul:`; did you mean `rule:`?", "runs", "retry", "rul:x");
	SAYS(2, "runs that are running cannot be tried again", "runs", "retry", "state:running");
	SAYS(2, "runs that are due cannot be removed", "runs", "purge", "state:due");
	SAYS(2, "unknown flag --dryrun; did you mean --dry-run?", "runs", "retry", "state:dead",
		"--dryrun");
	SAYS(1, "no run has the id", "runs", "retry", "zzzz", "--yes");
	SAYS(0, "0 runs tried again", "runs", "retry", "rule:nobody", "--yes");
	SAYS(0, "3 runs would be tried again", "runs", "retry", "state:dead", "--dry-run");
	SAYS(0, "3  welcome: dead, welcome.lua:2: nobody is welcome", "runs", "purge", "state:dead",
		"--dry-run");
	SAYS(3, "3 runs will be tried again. Go on?", "runs", "retry", "state:dead");
	SAYS(3, "--yes says it", "runs", "purge", "state:dead");
	await("runs", "dead", 3);
	cr_assert(process_write(d.rules, "welcome.lua", GOOD));
	SAYS(0, "reloaded", "reload");
	SAYS(0, "3 runs tried again", "runs", "retry", "rule:welcome", "error:welcome", "--since",
		"1h", "--yes");
	await("runs", "done", 3);
	SAYS(0, "\"n\":3", "runs", "purge", "state:done", "--yes", "-o", "jsonl");
	await("runs", "done", 0);
	SAYS(0, "3 runs removed", "audit", "list");
	SAYS(0, "welcome: rule", "issues", "list");
	SAYS(1, "did you mean \"welcome: rule\"?", "issues", "ack", "welcome: rul");
	SAYS(2, "or say --all", "issues", "ack");
	SAYS(0, "issues", "status");
	SAYS(0, "1 acknowledged", "issues", "ack", "welcome: rule");
	SAYS(0, "seen", "issues", "list");
	SAYS(0, "no issue is open", "issues", "ack", "--all");
	cr_expect_eq(daemon_stop(&d), 0);
}

Test(hand_verbs, a_paused_rule_is_shown_everywhere_and_goes_on_where_it_was)
{
	cr_assert(process_write(d.rules, "welcome.lua", GOOD));
	cr_assert(daemon_start(&d, NULL, NULL));
	SAYS(1, "there is no rule \"welcom\"; did you mean \"welcome\"?", "rules", "pause",
		"welcom");
	SAYS(2, "name rules, or all of them", "rules", "pause");
	SAYS(2, "name rules, or all of them", "rules", "pause", "welcome", "--all");
	SAYS(1, "there is no paused rule", "rules", "resume", "welcome");
	SAYS(0, "would be paused: welcome", "rules", "pause", "welcome", "--dry-run");
	SAYS(0, "paused: welcome", "rules", "pause", "welcome", "--why", "a test");
	SAYS(0, "paused: welcome", "pause", "welcome");
	SAYS(0, "a test", "rules", "list");
	SAYS(0, "paused", "status");
	trigger(2);
	await("runs", "done", 2);
	await("runs", "waiting", 2);
	cr_expect_eq(daemon_stop(&d), 0);
	cr_assert(daemon_start(&d, NULL, NULL));
	SAYS(0, "\"parked\":2", "rules", "list", "-o", "json");
	SAYS(1, "did you mean \"welcome\"?", "resume", "welcmoe");
	SAYS(0, "resumed: welcome", "resume", "welcome");
	await("runs", "done", 4);
	SAYS(0, "hold rules; their events wait", "help", "rules", "pause");
	SAYS(0, "paused: all rules", "pause", "--all");
	SAYS(0, "paused: welcome", "pause", "welcome");
	SAYS(0, "(moonhook resume 'welcome')", "status");
	SAYS(0, "still paused: moonhook resume --all", "resume", "welcome");
	trigger(1);
	await("runs", "waiting", 2);
	cr_assert(process_write(d.rules, "welcome.lua",
		"rule \"renamed\" { on = \"person.created\", run = function(event) end }\n"));
	SAYS(0, "reloaded", "reload");
	SAYS(0, "gone", "rules", "list");
	SAYS(0, "resumed: all rules", "resume", "--all");
	await("runs", "done", 6);
	cr_expect_eq(daemon_stop(&d), 0);
}

Test(hand_verbs, what_is_in_quarantine_is_shown_and_tried_again)
{
	cr_assert(process_write(d.rules, "welcome.lua", GOOD));
	cr_assert(daemon_start(&d, NULL, NULL));
	deliver_rubbish();
	await("events", "quarantined", 1);
	SAYS(0, "quarantined", "events", "list", "state:quarantined");
	SAYS(3, "1 event will be tried again. Go on?", "events", "retry", "source:twenty");
	SAYS(2, "events that are done cannot be tried again", "events", "retry", "state:done");
	SAYS(0, "1 event tried again", "events", "retry", "source:twenty", "--yes");
	await("events", "done", 1);
	await("events", "quarantined", 1);
	SAYS(0, "1 event removed", "events", "purge", "state:quarantined", "--yes");
	await("events", "quarantined", 0);
	cr_expect_eq(daemon_stop(&d), 0);
}

Test(hand_verbs, a_backup_is_a_store_that_a_daemon_starts_from)
{
	char copy[200];
	const char *from_copy[] = {"--store", copy, NULL};
	snprintf(copy, sizeof(copy), "%s/copy", d.dir);
	cr_assert(process_write(d.rules, "welcome.lua", GOOD));
	cr_assert(daemon_start(&d, NULL, NULL));
	SAYS(0, "paused: welcome", "pause", "welcome");
	trigger(3);
	await("runs", "done", 3);
	SAYS(2, "name one new folder", "backup");
	SAYS(0, "3 events and 6 runs copied to", "backup", copy);
	SAYS(1, "is there already", "backup", copy);
	trigger(1);
	cr_expect_eq(daemon_stop(&d), 0);
	cr_assert(daemon_start(&d, from_copy, NULL));
	SAYS(0, "\"parked\":3", "rules", "list", "-o", "json", "--store", copy);
	SAYS(0, "resumed: welcome", "resume", "welcome", "--store", copy);
	SAYS(0, "", "trigger", "person.created");
	for (int i = 0; i < 100; i++) {
		char *out = NULL;
		const char *const list[] = {
			"runs", "list", "state:done", "-o", "jsonl", "--store", copy, NULL};
		cr_assert_eq(daemon_command(&d, list, NULL, &out, NULL), 0);
		size_t n = 0;
		for (const char *p = out; (p = strchr(p, '\n')) != NULL; p++)
			n++;
		free(out);
		if (n == 8)
			break;
		cr_assert_lt(i, 99, "%zu runs are done", n);
		usleep(50000);
	}
	cr_expect_eq(daemon_stop(&d), 0);
}

#define ANN "0a000000-0000-4000-8000-0000000000aa"
#define ANN_AT "ann.lee@acme.example"

/* How often a text stands in the files of the store. */
static size_t in_store(const char *text)
{
	static const char *const names[] = {"inbox.db", "inbox.db-wal", "work.db", "work.db-wal"};
	static char bytes[16 << 20];
	size_t found = 0;
	for (size_t i = 0; i < ARRAY_N(names); i++) {
		char path[300];
		snprintf(path, sizeof(path), "%s/%s", d.store, names[i]);
		FILE *f = fopen(path, "rb");
		size_t n = f != NULL ? fread(bytes, 1, sizeof(bytes), f) : 0;
		cr_assert_lt(n, sizeof(bytes));
		for (const char *p = bytes; p != NULL; found += p != NULL)
			p = memmem(p + 1, n - (size_t)(p + 1 - bytes), text, strlen(text));
		if (f != NULL)
			fclose(f);
	}
	return found;
}

Test(hand_verbs, a_person_is_erased_from_the_files_of_the_store)
{
	cr_assert(process_write(d.rules, "welcome.lua",
		"rule \"welcome\" { on = \"person.created\", run = function(event)\n"
		"  error(\"no place for \" .. event.record.emails.primaryEmail)\nend }\n"));
	cr_assert(daemon_start(&d, NULL, NULL));
	for (int i = 0; i < 2; i++)
		SAYS(0, "", "trigger", "person.created", "--set", "id=" ANN, "--set",
			"emails.primaryEmail=" ANN_AT);
	SAYS(0, "", "trigger", "person.created", "--set", "emails.primaryEmail=ben@acme.example");
	await("runs", "dead", 3);
	cr_assert_gt(in_store(ANN_AT), 3u);
	SAYS(2, "name one record", "erase");
	SAYS(2, "the whole id", "erase", "0a0000");
	SAYS(2, "is no UUID", "erase", "0a000000-0000-4000-8000-0000000", "--yes");
	SAYS(0, "nothing is stored of 0b0", "erase", "0b000000-0000-4000-8000-00000000ffff",
		"--dry-run");
	SAYS(0, "2  events emptied", "erase", ANN, "--dry-run");
	SAYS(3, "2 events, ", "erase", ANN);
	cr_assert_gt(in_store(ANN_AT), 3u, "a no is a no");
	SAYS(0, "2  deliveries emptied", "erase", ANN, "--yes");
	cr_expect_eq(in_store(ANN_AT), 0u);
	cr_expect_gt(in_store("ben@acme.example"), 0u);
	SAYS(0, "2 events", "audit", "list");
	SAYS(0, "0  events emptied", "erase", ANN, "--yes");
	SAYS(0, "rules", "status");
	cr_expect_eq(daemon_stop(&d), 0);
}
