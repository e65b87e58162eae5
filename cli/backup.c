/* SPDX-License-Identifier: MIT */
/*
 * The verb `backup`: a copy of the store, with or without the daemon.
 * From: main.c. Next: queue/backup.h. The one verb that makes files; it changes nothing in the
 * store.
 */
#include <inttypes.h>
#include <stdio.h>

#include "cli/args.h"
#include "cli/detail.h"
#include "cli/rows.h"
#include "cli/store.h"
#include "cli/terminal.h"
#include "queue/backup.h"

static void put_size(const char *name, int64_t bytes)
{
	if (bytes > 0)
		printf("%-9s %.1f MB\n", name, (double)bytes / 1e6);
}

static void say(const struct args *args, const char *folder, const struct queue_backup *b)
{
	if (args->output != ARGS_TABLE) {
		json_t *out = json_pack("{s:o, s:I, s:I, s:I, s:I}", "folder", rows_text(folder),
			"inbox_bytes", (json_int_t)b->inbox_bytes, "work_bytes",
			(json_int_t)b->work_bytes, "events", (json_int_t)b->events, "runs",
			(json_int_t)b->runs);
		detail_json(args->output, out);
		json_decref(out);
		return;
	}
	printf("%" PRId64 " event%s and %" PRId64 " run%s copied to ", b->events,
		b->events == 1 ? "" : "s", b->runs, b->runs == 1 ? "" : "s");
	terminal_put(stdout, folder);
	fputs(", checked\n", stdout);
	put_size("inbox.db", b->inbox_bytes);
	put_size("work.db", b->work_bytes);
}

static int run_backup(const struct args *args)
{
	struct queue *queue = NULL;
	struct queue_backup backup;
	struct err err = {.msg = ""};
	if (args->operands_n != 1)
		return args_fail(
			CLI_USAGE, "name one new folder: moonhook backup /backups/moonhook-1");
	enum cli_exit status = store_open(args, &queue);
	if (status != CLI_OK)
		return status;
	enum rc rc = queue_backup(queue, args->operands[0], &backup, &err);
	queue_close(queue);
	if (rc != RC_OK)
		return store_fail(&err);
	say(args, args->operands[0], &backup);
	return CLI_OK;
}

const struct verb verb_backup = {
	.name = "backup",
	.operands = "DIR",
	.summary = "copy the store into a new folder, while the daemon runs",
	.text = "Every event that was acknowledged before is in the copy. To restore: stop the "
		"daemon and\n"
		"let `store` name the copy, or put it in the place of the store. What was done at "
		"Twenty\n"
		"after the backup is not known to the copy: runs that were open then go on from "
		"their\n"
		"journal, and look first whether what they meant to do has happened; what came in "
		"after\n"
		"it is found again by gap fill, as far as Twenty still says so. Of restored copies "
		"start\n"
		"one only: two daemons on two copies would do everything twice. It holds what the "
		"store\n"
		"holds, people's data too: `erase` does not reach it.\n\n"
		"Of a store in a database it says the command of pg_dump that does this.",
	.examples = {"moonhook backup /backups/moonhook-$(date +%F)",
		"moonhook backup copy && moonhook serve --store copy",
		"moonhook backup /mnt/usb/moonhook -o json | jq .work_bytes"},
	.exits = {CLI_FAILED, CLI_USAGE, CLI_CONFIG},
	.run = run_backup,
};
