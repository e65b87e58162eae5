/* SPDX-License-Identifier: MIT */
/*
 * The verb `status`: what the daemon says of itself.
 * From: main.c. Next: the control socket. With --check the exit status says what is wrong.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cli/args.h"
#include "cli/control.h"
#include "cli/detail.h"
#include "cli/gaps.h"
#include "cli/terminal.h"

#define QUIET_MS 5000 /* signs of life come every two seconds */

static const char *text_at(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));
	return text != NULL ? text : "";
}

static void put_label(const char *label)
{
	terminal_tone(TERMINAL_DIM);
	printf("%-10s", label);
	terminal_tone(TERMINAL_PLAIN);
}

static void put_problem(const char *text)
{
	if (text[0] == '\0')
		return;
	put_label("problem");
	terminal_tone(TERMINAL_BAD);
	terminal_put(stdout, text);
	terminal_tone(TERMINAL_PLAIN);
	putchar('\n');
}

/* "12 done, 1 dead", without what is zero. */
static void put_counts(const char *label, json_t *counts)
{
	const char *key, *comma = "";
	json_t *n;
	put_label(label);
	json_object_foreach(counts, key, n)
	{
		if (json_integer_value(n) == 0)
			continue;
		printf("%s%" PRId64 " %s", comma, (int64_t)json_integer_value(n), key);
		comma = ", ";
	}
	puts(comma[0] == '\0' ? "none" : "");
}

/* Of a store that takes nothing from the process above. */
static void put_why(const char *text)
{
	if (text[0] == '\0')
		return;
	put_label("");
	terminal_tone(TERMINAL_BAD);
	fputs("waits: ", stdout);
	terminal_put(stdout, text);
	terminal_tone(TERMINAL_PLAIN);
	putchar('\n');
}

static void put_processes(json_t *processes)
{
	size_t i;
	json_t *p;
	json_array_foreach(processes, i, p)
	{
		put_label(text_at(p, "name"));
		printf("%s, pid %" PRId64, text_at(p, "state"),
			(int64_t)json_integer_value(json_object_get(p, "pid")));
		int64_t restarts = (int64_t)json_integer_value(json_object_get(p, "restarts"));
		if (restarts != 0)
			printf(", restarted %" PRId64 " time%s", restarts,
				restarts == 1 ? "" : "s");
		putchar('\n');
		put_why(text_at(p, "store"));
	}
}

static bool has_runner(const json_t *s)
{
	size_t i;
	json_t *p;
	json_array_foreach(json_object_get(s, "processes"), i, p)
	{
		if (strcmp(text_at(p, "name"), "runner") == 0)
			return true;
	}
	return false;
}

/* "runners   crm1:4711  leads, 12 runs at work" */
static void put_runners(json_t *runners)
{
	size_t i;
	json_t *r;
	if (json_is_array(runners) && json_array_size(runners) == 0) {
		put_label("runners");
		terminal_tone(TERMINAL_BAD);
		fputs("none", stdout);
		terminal_tone(TERMINAL_PLAIN);
		puts(": what comes is kept, and waits  (moonhook serve --only runner)");
	}
	json_array_foreach(runners, i, r)
	{
		int64_t runs = (int64_t)json_integer_value(json_object_get(r, "running"));
		int64_t quiet_ms = (int64_t)json_integer_value(json_object_get(r, "quiet_ms"));
		put_label(i == 0 ? "runners" : "");
		terminal_put(stdout, text_at(r, "name"));
		printf("%s, %" PRId64 " run%s at work",
			json_is_true(json_object_get(r, "leads")) ? "  leads" : "", runs,
			runs == 1 ? "" : "s");
		if (quiet_ms > QUIET_MS)
			printf(", no sign of life for %" PRId64 " s", quiet_ms / 1000);
		putchar('\n');
	}
}

/* Nothing where nothing waits in it. */
static void put_spool(const json_t *spool)
{
	int64_t n = (int64_t)json_integer_value(json_object_get(spool, "deliveries"));
	int64_t bytes = (int64_t)json_integer_value(json_object_get(spool, "bytes"));
	bool used = json_is_true(json_object_get(spool, "used"));
	if (n == 0 && !used)
		return;
	put_label("spool");
	printf("%" PRId64 " deliver%s in %.1f MB wait%s, %s\n", n, n == 1 ? "y" : "ies",
		(double)bytes / 1e6, n == 1 ? "s" : "",
		used ? "for the database" : "and go to the database now");
}

/* Other daemons of this machine that work with the same store. */
static void put_beside(json_t *beside)
{
	size_t i;
	json_t *d;
	json_array_foreach(beside, i, d)
	{
		put_label("beside");
		printf("another daemon of this machine, up %" PRId64 " s\n",
			(int64_t)json_integer_value(json_object_get(d, "uptime_ms")) / 1000);
		put_processes(json_object_get(d, "processes"));
		put_spool(json_object_get(d, "spool"));
		put_problem(text_at(d, "store_problem"));
	}
}

static void put_pauses(json_t *pauses)
{
	size_t i;
	json_t *p;
	json_array_foreach(pauses, i, p)
	{
		bool all = strcmp(text_at(p, "rule"), "*") == 0;
		bool ending = json_is_true(json_object_get(p, "ending"));
		put_label(ending ? "resuming" : "paused");
		terminal_put(stdout, all ? "all rules" : text_at(p, "rule"));
		fputs(": ", stdout);
		terminal_put(stdout, text_at(p, "why"));
		fputs(all ? "  (moonhook resume --all" : "  (moonhook resume '", stdout);
		if (!all)
			terminal_put(stdout, text_at(p, "rule"));
		puts(all ? ")" : "')");
	}
}

static void put_issues(json_t *issues)
{
	const char *kind, *comma = "";
	json_t *n;
	if (json_object_size(issues) == 0)
		return;
	put_label("issues");
	terminal_tone(TERMINAL_BAD);
	json_object_foreach(issues, kind, n)
	{
		printf("%s%" PRId64 " ", comma, (int64_t)json_integer_value(n));
		terminal_put(stdout, kind);
		comma = ", ";
	}
	terminal_tone(TERMINAL_PLAIN);
	puts("  (moonhook issues list)");
}

static void put_rules(json_t *rules)
{
	size_t i;
	json_t *r;
	json_array_foreach(rules, i, r)
	{
		bool broken = strcmp(text_at(r, "state"), "broken") == 0;
		put_label(i == 0 ? "rules" : "");
		terminal_tone(broken ? TERMINAL_BAD : TERMINAL_OK);
		printf("%-7s", text_at(r, "state"));
		terminal_tone(TERMINAL_PLAIN);
		terminal_put(stdout, text_at(r, "name"));
		fputs(text_at(r, "name")[0] != '\0' ? "  " : "", stdout);
		terminal_put(stdout, text_at(r, "file"));
		fputs("  ", stdout);
		terminal_put(stdout, broken                        ? text_at(r, "error")
				     : text_at(r, "on")[0] == '\0' ? "by the clock"
								   : text_at(r, "on"));
		putchar('\n');
	}
}

/* "waiting   2990 calls for the budget of 100 requests a minute (2900 live, 90 retry), ..." */
static void put_waiting(const json_t *api)
{
	const char *reason = text_at(api, "waiting_for"), *key, *comma = " (";
	json_t *n, *lanes = json_object_get(api, "lanes");
	int64_t next_ms = (int64_t)json_integer_value(json_object_get(api, "next_ms"));
	const json_t *rate = json_object_get(api, "per_minute");
	if (reason[0] == '\0')
		return;
	put_label("waiting");
	fputs(strcmp(reason, "budget") == 0 ? "for the budget" : "for Twenty", stdout);
	if (strcmp(reason, "budget") == 0 && json_is_integer(rate))
		printf(" of %" PRId64 " requests a minute", (int64_t)json_integer_value(rate));
	json_object_foreach(lanes, key, n)
	{
		if (json_integer_value(n) == 0)
			continue;
		printf("%s%" PRId64 " %s", comma, (int64_t)json_integer_value(n), key);
		comma = ", ";
	}
	printf("%s, next %s in %.1f s\n", comma[1] == '(' ? "" : ")",
		strcmp(reason, "budget") == 0 ? "request" : "try", (double)next_ms / 1000);
}

static void put_twenty(const json_t *api)
{
	json_t *tokens = json_object_get(api, "tokens");
	put_label("twenty");
	int64_t calls = (int64_t)json_integer_value(json_object_get(api, "calls"));
	int64_t requests = (int64_t)json_integer_value(json_object_get(api, "requests"));
	printf("%s dialect, %" PRId64 " call%s in %" PRId64 " request%s, %" PRId64 " waiting",
		text_at(api, "dialect"), calls, calls == 1 ? "" : "s", requests,
		requests == 1 ? "" : "s",
		(int64_t)json_integer_value(json_object_get(api, "waiting")));
	if (json_is_integer(tokens))
		printf(", budget for %" PRId64 " now", (int64_t)json_integer_value(tokens));
	putchar('\n');
	put_waiting(api);
}

static void put_daemon(const json_t *s)
{
	int64_t up = (int64_t)json_integer_value(json_object_get(s, "uptime_ms")) / 1000;
	put_label("moonhook");
	printf("%s, up %" PRId64 "h %02" PRId64 "m %02" PRId64 "s\n", text_at(s, "version"),
		up / 3600, up / 60 % 60, up % 60);
	put_processes(json_object_get(s, "processes"));
	put_spool(json_object_get(s, "spool"));
	if (!has_runner(s))
		return;
	put_label("workers");
	printf("%" PRId64 "\n", (int64_t)json_integer_value(json_object_get(s, "workers")));
}

static void put_status(const json_t *s)
{
	const json_t *api = json_object_get(s, "api");
	put_daemon(s);
	put_beside(json_object_get(s, "beside"));
	put_runners(json_object_get(s, "runners"));
	if (text_at(s, "store_unread")[0] != '\0') {
		put_label("store");
		puts(text_at(s, "store_unread"));
	} else {
		put_counts("events", json_object_get(s, "events"));
		put_counts("runs", json_object_get(s, "runs"));
	}
	if (has_runner(s))
		put_twenty(api);
	put_pauses(json_object_get(s, "pauses"));
	put_issues(json_object_get(s, "issues"));
	gaps_put(json_object_get(s, "gap"), put_label);
	put_rules(json_object_get(s, "rules"));
	put_problem(text_at(api, "problem"));
	put_problem(text_at(s, "store_problem"));
}

static enum cli_exit verdict(const json_t *s)
{
	const json_t *api = json_object_get(s, "api");
	size_t i;
	json_t *r;
	if (json_is_true(json_object_get(api, "refused")))
		return CLI_KEY;
	if (json_is_false(json_object_get(api, "reachable")))
		return CLI_TWENTY;
	if (text_at(s, "store_problem")[0] != '\0')
		return CLI_FAILED;
	json_array_foreach(json_object_get(s, "rules"), i, r)
	{
		if (strcmp(text_at(r, "state"), "broken") == 0)
			return CLI_CONFIG;
	}
	return gaps_alarm(json_object_get(s, "gap")) ? CLI_FAILED : CLI_OK;
}

/* What is the same for all daemons of a store is said once, by the first. */
static json_t *put_together(json_t *answers)
{
	static const char *const own[] = {"version", "uptime_ms", "processes", "deliveries",
		"workers", "api", "spool", "store_problem"};
	json_t *first = json_incref(json_array_get(answers, 0)), *beside = json_array();
	for (size_t i = 1; i < json_array_size(answers); i++) {
		const json_t *other = json_array_get(answers, i);
		json_t *part = json_object();
		for (size_t k = 0; k < ARRAY_N(own); k++)
			if (json_object_get(other, own[k]) != NULL)
				(void)json_object_set(part, own[k], json_object_get(other, own[k]));
		(void)json_array_append_new(beside, part);
	}
	if (json_array_size(beside) != 0)
		(void)json_object_set(first, "beside", beside);
	json_decref(beside);
	json_decref(answers);
	return first;
}

static int run_status(const struct args *args)
{
	json_t *answers = NULL;
	enum cli_exit status = control_ask_all(args, "status", &answers);
	if (status != CLI_OK)
		return status;
	json_t *answer = put_together(answers);
	if (!json_is_true(json_object_get(answer, "ok"))) {
		status = args_fail(
			CLI_DAEMON, "the daemon has no answer: %s", text_at(answer, "error"));
		json_decref(answer);
		return status;
	}
	if (args->output == ARGS_TABLE)
		put_status(answer);
	else
		detail_json(args->output, answer);
	if (args_flag(args, "check") != NULL)
		status = verdict(answer);
	json_decref(answer);
	return status;
}

static const struct verb_flag flags[] = {
	{"check", NULL, "end with 4, 6, 78 or 1 where the daemon runs but something is wrong"},
};

const struct verb verb_status = {
	.name = "status",
	.operands = "",
	.summary = "what the daemon is doing, and what is wrong",
	.text = "A line `waiting` tells what calls wait for: the budget, or Twenty itself (it is "
		"down,\n"
		"failing, or refuses the key). They use up no attempt and no time of their "
		"rule.\n\n"
		"With -o json: events and runs counted by state, api, gap, workers, rules, "
		"processes. "
		"In api\n"
		"are calls (of rules), requests (that they took), waiting (calls), lanes (those, "
		"by\n"
		"urgency), waiting_for (\"budget\", \"twenty\" or \"\"), next_ms (until the next "
		"request\n"
		"may go), per_minute (requests, as configured or learned) and tokens (that may go "
		"now).\n\n"
		"A line `gaps` tells of changes that were found by asking (moonhook help "
		"reconcile).\n"
		"In gap are running (found, from while Moonhook was there to hear of them: "
		"webhooks do\n"
		"not arrive), late (their webhooks came after all), stopped (from while it was "
		"not),\n"
		"requests, and objects with until (what was changed before is known).\n\n"
		"Of a store in a database: runners are all that work with it, on any machine "
		"(name, "
		"leads,\n"
		"running, quiet_ms since the last sign of life); beside are further daemons of "
		"this "
		"machine.\nspool (of a receiver): deliveries and bytes that wait for the database, "
		"used (what\n"
		"comes goes there now), spooled and outages since the start.",
	.examples = {"moonhook status", "moonhook status --check && echo fine",
		"moonhook status -o json | jq '.api | {calls, requests, waiting_for}'"},
	.flags = flags,
	.flags_n = ARRAY_N(flags),
	.exits = {CLI_FAILED, CLI_USAGE, CLI_KEY, CLI_DAEMON, CLI_TWENTY, CLI_CONFIG},
	.run = run_status,
};
