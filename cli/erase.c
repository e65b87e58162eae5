/* SPDX-License-Identifier: MIT */
/*
 * The verb `erase`: a person's data goes from every store of this Moonhook.
 * From: main.c. Next: the daemon (runner/order_erase.c), first to count, then, after a yes, to do
 * it. Says per table what was removed, and what it cannot know of.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/consent.h"
#include "cli/control.h"
#include "cli/detail.h"
#include "cli/rows.h"

#define PATIENCE_S 3600

static const struct {
	const char *key, *what;
} parts[] = {
	{"events", "events emptied (body, record, what was before)"},
	{"deliveries", "deliveries emptied (headers, raw body)"},
	{"runs", "runs emptied (key, error, log)"},
	{"calls", "recorded calls of other runs emptied"},
	{"copies", "last-seen copies removed"},
	{"writes", "notes of own writes removed"},
	{"told", "notes of gap fill removed"},
	{"issues", "issues emptied"},
	{"kept", "values that rules keep (kv) removed"},
	{"timers", "timers cancelled"},
};

static json_int_t at(const json_t *answer, const char *key)
{
	return json_integer_value(json_object_get(answer, key));
}

static const char *ending(json_int_t n)
{
	return n == 1 ? "" : "s";
}

static bool is_nothing(const json_t *answer)
{
	json_int_t n = 0;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		n += at(answer, parts[i].key);
	return n == 0;
}

static void say(const struct args *args, const json_t *answer, bool dry)
{
	if (args->output != ARGS_TABLE) {
		detail_json(args->output, answer);
		return;
	}
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (dry && at(answer, parts[i].key) == 0)
			continue;
		printf("%8" JSON_INTEGER_FORMAT "  %s\n", at(answer, parts[i].key), parts[i].what);
	}
	if (dry) {
		if (is_nothing(answer))
			printf("nothing is stored of %s\n", args->operands[0]);
		return;
	}
	if (at(answer, "left") > 0)
		printf("%8" JSON_INTEGER_FORMAT
		       "  deliveries are still to be emptied: the receiver does it when it runs\n",
			at(answer, "left"));
	if (json_is_true(json_object_get(answer, "log")))
		puts("          the write-ahead log is emptied once no reader is in its way");
	if (json_is_true(json_object_get(answer, "database")))
		puts("          the files of the database keep what was there until it writes over "
		     "it, some time\n          after it has vacuumed the tables (VACUUM FULL by "
		     "their owner does it at once);\n          its write-ahead log, archives, "
		     "standbys and backups as far as they go back");
	printf("looked for the id and %" JSON_INTEGER_FORMAT
	       " address%s of it in all that runs recorded; not touched are other records that "
	       "name it (their events and copies), and backups\n",
		at(answer, "addresses"), at(answer, "addresses") == 1 ? "" : "es");
}

static json_t *make_order(const char *record, bool dry)
{
	return json_pack(
		"{s:s, s:o, s:b}", "do", "erase", "record", rows_text(record), "dry_run", dry);
}

static int run_erase(const struct args *args)
{
	json_t *answer = NULL;
	bool dry = args_flag(args, "dry-run") != NULL;
	if (args->operands_n != 1)
		return args_fail(CLI_USAGE, "name one record: moonhook erase UUID");
	const char *record = args->operands[0];
	enum cli_exit status = control_order(args, make_order(record, true), PATIENCE_S, &answer);
	if (status != CLI_OK)
		return status;
	if (dry)
		say(args, answer, true);
	json_int_t events = at(answer, "events"), runs = at(answer, "runs");
	json_int_t calls = at(answer, "calls");
	json_decref(answer);
	if (dry)
		return CLI_OK;
	status = consent_ask(args,
		"%" JSON_INTEGER_FORMAT " event%s, %" JSON_INTEGER_FORMAT
		" run%s and %" JSON_INTEGER_FORMAT
		" recorded call%s that hold data of %s are emptied for good. Go on?",
		events, ending(events), runs, ending(runs), calls, ending(calls), record);
	if (status == CLI_OK)
		status = control_order(args, make_order(record, false), PATIENCE_S, &answer);
	if (status != CLI_OK)
		return status;
	say(args, answer, false);
	json_decref(answer);
	return CLI_OK;
}

static const struct verb_flag flags[] = {
	{"dry-run", NULL, "count, and do nothing"},
	{"yes", NULL, "do not ask"},
};

const struct verb verb_erase = {
	.name = "erase",
	.operands = "RECORD",
	.summary = "remove what is stored of a record, such as a person",
	.text = "Empties the bodies of its events, the logs and recorded calls of their runs, the "
		"last-seen\n"
		"copy, and what other runs recorded that names its id or an e-mail address of it; "
		"then\n"
		"overwrites what that freed in the files of a folder. A database does so by "
		"itself, some\n"
		"time after it has vacuumed the tables (VACUUM FULL by their owner does it at "
		"once); its\n"
		"write-ahead log, archives and standbys keep it as far as they go back. It stays "
		"that there\n"
		"were events, when and of what kind, and hashes by which a repeated delivery is "
		"known.\n"
		"Refused while runs of it are open. The audit log keeps the id. Nothing is removed "
		"in\n"
		"Twenty, and backups are not touched. Other records that name a person (a note, a\n"
		"task) keep their events and copies: erase those by their own ids. Destroy the\n"
		"record in Twenty first: what is still there is stored again with its next "
		"change,\n"
		"or when all records are gone through.",
	.examples = {"moonhook erase 20202020-1c25-4d02-bf25-6aeccf7ea419 --dry-run",
		"moonhook erase 20202020-1c25-4d02-bf25-6aeccf7ea419",
		"moonhook erase $ID --yes -o json | jq .copies"},
	.flags = flags,
	.flags_n = sizeof(flags) / sizeof(flags[0]),
	.exits = {CLI_FAILED, CLI_USAGE, CLI_DECLINED, CLI_DAEMON, CLI_BUSY, CLI_CONFIG},
	.run = run_erase,
};
