/* SPDX-License-Identifier: MIT */
/*
 * The verb `reconcile`: the daemon asks Twenty now what no webhook told of.
 * From: main.c. Next: the control socket; runner/gap_order.c does it. With a short budget it takes
 * as long as it takes: after ten minutes the command leaves, the daemon goes on.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/conf.h"
#include "cli/args.h"
#include "cli/control.h"
#include "cli/detail.h"
#include "cli/terminal.h"

#define PATIENCE_S 600

static const char *const kinds[] = {"created", "updated", "deleted", "restored", "destroyed"};

static int64_t number(const json_t *of, const char *key)
{
	return (int64_t)json_integer_value(json_object_get(of, key));
}

static int64_t found_n(const json_t *of)
{
	int64_t n = 0;
	for (size_t i = 0; i < ARRAY_N(kinds); i++)
		n += number(of, kinds[i]);
	return n;
}

/* "person: 812 listed, 3 missing (1 created, 2 updated)" */
static void put_object(const char *name, const json_t *of)
{
	const char *problem = json_string_value(json_object_get(of, "problem")), *comma = " (";
	terminal_put(stdout, name);
	printf(": %" PRId64 " listed, %" PRId64 " missing", number(of, "listed"), found_n(of));
	for (size_t i = 0; i < ARRAY_N(kinds); i++) {
		if (number(of, kinds[i]) == 0)
			continue;
		printf("%s%" PRId64 " %s", comma, number(of, kinds[i]), kinds[i]);
		comma = ", ";
	}
	fputs(comma[1] != '(' ? ")" : "", stdout);
	if (problem != NULL) {
		fputs("; ", stdout);
		terminal_tone(TERMINAL_BAD);
		terminal_put(stdout, problem);
		terminal_tone(TERMINAL_PLAIN);
	}
	putchar('\n');
}

static void put_answer(const json_t *answer)
{
	json_t *objects = json_object_get(answer, "objects"), *of;
	const char *name;
	int64_t found = 0, requests = 0;
	json_object_foreach(objects, name, of)
	{
		put_object(name, of);
		found += found_n(of);
		requests += number(of, "requests");
	}
	if (json_object_size(objects) == 0)
		puts("no rule that is live listens to records: there is nothing to reconcile");
	else if (json_is_true(json_object_get(answer, "dry_run")))
		printf("%" PRId64 " would become events; %" PRId64 " request%s\n", found, requests,
			requests == 1 ? "" : "s");
	else
		printf("%" PRId64 " became events; %" PRId64 " request%s\n", found, requests,
			requests == 1 ? "" : "s");
}

/* A problem of one object does not keep the others from being asked. */
static enum cli_exit verdict(const json_t *answer)
{
	const char *name;
	json_t *of;
	json_object_foreach(json_object_get(answer, "objects"), name, of)
	{
		if (json_object_get(of, "problem") != NULL)
			return CLI_FAILED;
	}
	return CLI_OK;
}

static json_t *make_order(const struct args *args, int64_t since_ms)
{
	json_t *objects = json_array();
	for (size_t i = 0; i < args->operands_n; i++)
		(void)json_array_append_new(objects, json_string(args->operands[i]));
	return json_pack("{s:s, s:o, s:I, s:b, s:b}", "do", "reconcile", "objects", objects,
		"since_ms", (json_int_t)since_ms, "dry_run", args_flag(args, "dry-run") != NULL,
		"ids", args_flag(args, "ids") != NULL);
}

static int run_reconcile(const struct args *args)
{
	const char *since = args_flag(args, "since");
	int64_t since_ms = since != NULL ? conf_parse_duration(since) : 0;
	if (since != NULL && since_ms <= 0)
		return args_fail(
			CLI_USAGE, "--since wants a duration such as 2h, not \"%s\"", since);
	if (since != NULL && args_flag(args, "ids") != NULL)
		return args_fail(CLI_USAGE, "--ids goes through all records, whenever they were "
					    "changed: leave out --since");
	json_t *answer = NULL;
	enum cli_exit status = control_order(args, make_order(args, since_ms), PATIENCE_S, &answer);
	if (status != CLI_OK)
		return status;
	if (args->output == ARGS_TABLE)
		put_answer(answer);
	else
		detail_json(args->output, answer);
	status = verdict(answer);
	json_decref(answer);
	return status;
}

static const struct verb_flag flags[] = {
	{"since", "TIME", "look so far back (2h), whatever is known already"},
	{"dry-run", NULL, "say what is missing, and make no events of it"},
	{"ids", NULL, "go through all records, and find those that were destroyed"},
};

const struct verb verb_reconcile = {
	.name = "reconcile",
	.operands = "[OBJECT..]",
	.summary = "ask Twenty now for changes that no webhook told of",
	.text = "The daemon does this by itself: at its start, every gap.every, and once a day "
		"(gap.sweep)\n"
		"through all records. What is missing becomes events, via = \"gap\"; a webhook "
		"that comes\n"
		"later for the same change is a duplicate. Asked are the objects that a live rule "
		"listens\n"
		"to; nothing from before the first start becomes an event.\n\n"
		"What cannot be found: several changes of a record are one event, what was changed "
		"and\n"
		"changed back is none, and records that were destroyed are found by --ids and "
		"once a day.\n"
		"A server of the documented API cannot list deleted records: there they are found "
		"like\n"
		"destroyed ones.",
	.examples = {"moonhook reconcile", "moonhook reconcile --since 2h --dry-run",
		"moonhook reconcile --ids person"},
	.flags = flags,
	.flags_n = ARRAY_N(flags),
	.exits = {CLI_FAILED, CLI_USAGE, CLI_KEY, CLI_DAEMON, CLI_TWENTY, CLI_BUSY, CLI_CONFIG},
	.run = run_reconcile,
};
