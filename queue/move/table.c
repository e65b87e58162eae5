/* SPDX-License-Identifier: MIT */
/*
 * The tables of a store, as data for its copy.
 * From: the files of move/, tests/unit/queue_move.c. The order matters little: a store that is
 * being filled is not worked on. Sums come behind what their triggers count.
 */
#include "queue/move/table.h"

#include <stdio.h>
#include <string.h>

#include "base/attr.h"

#define DELIVERY "i seq, t id, t source, i received_ms, t quarantine, b headers, b body, b key"
#define UUID "'^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'"
#define COPY(type) "t object, " type " record, i updated_ms, i seen_ms, i state, b text"

const struct move_table move_tables[] = {
	{.name = "meta",
		.columns = "t name, i value",
		.keys_n = 1,
		.file = MOVE_WORK,
		.page = 64,
		.only = {"name NOT IN ('seen_pass', 'seen_pass_before', 'seen_at')", NULL}},
	{.name = "delivery",
		.columns = DELIVERY,
		.keys_n = 1,
		.file = MOVE_INBOX,
		.page = 64,
		.unique = true,
		.counted = true,
		.walk = MOVE_ROUTED},
	/* Right behind the routed ones (move/walk.c). */
	{.name = "delivery",
		.columns = DELIVERY,
		.keys_n = 1,
		.file = MOVE_INBOX,
		.page = 64,
		.unique = true,
		.walk = MOVE_PENDING},
	{.name = "event",
		.columns = "i seq, t id, t source, t name, t object, t record, t via, t reason,"
			   " i state, i received_ms, i open, i run_first, i run_n, b past, i joins",
		.keys_n = 1,
		.file = MOVE_WORK,
		.page = 256},
	{.name = "event_body",
		.columns = "i seq, b body, b headers",
		.keys_n = 1,
		.file = MOVE_WORK,
		.page = 64},
	{.name = "event_cause",
		.columns = "i seq, i run, i depth, t fields",
		.keys_n = 1,
		.file = MOVE_WORK,
		.page = 512},
	{.name = "run",
		.columns =
			"i seq, t id, i event, t rule, i source, t key, i hold, i hold2, i state,"
			" i epoch, i attempt, i attempt_next, i attempts_max, i deaths, i due_ms,"
			" i created_ms, i started_ms, i ended_ms, i api_calls, t code, t error,"
			" t detail, t log, t born, i kind",
		.keys_n = 1,
		.file = MOVE_WORK,
		.page = 256},
	{.name = "run_hidden",
		.columns = "i run, t fields",
		.keys_n = 1,
		.file = MOVE_WORK,
		.page = 512},
	{.name = "shadow", .columns = "i run", .keys_n = 1, .file = MOVE_WORK, .page = 1024},
	{.name = "hold", .columns = "i key, i run", .keys_n = 2, .file = MOVE_WORK, .page = 1024},
	{.name = "session",
		.columns =
			"i run, t rule, t key, i open, i limit_ms, i n, i size, i cause, t words",
		.keys_n = 1,
		.file = MOVE_WORK,
		.page = 256,
		.unique = true},
	{.name = "joined",
		.columns = "i run, i event, t hidden",
		.keys_n = 2,
		.file = MOVE_WORK,
		.page = 512},
	{.name = "journal",
		.columns =
			"i seq, i run, t path, t method, t object, i effect, b digest, b request,"
			" b answer, t code, i started_ms, i ended_ms, i requests",
		.keys_n = 1,
		.file = MOVE_WORK,
		.page = 64,
		.counted = true},
	{.name = "source",
		.columns = "i n, t hash, t file, b text",
		.keys_n = 1,
		.file = MOVE_WORK,
		.page = 64,
		.unique = true,
		.counted = true},
	{.name = "source_use",
		.columns = "i n, i runs, i live_ms, i until_ms",
		.keys_n = 1,
		.file = MOVE_WORK,
		.page = 512},
	{.name = "rule",
		.columns = "i n, t name, t file, i line, t ons, t state, t error, i loaded_ms,"
			   " t options",
		.keys_n = 1,
		.file = MOVE_WORK,
		.page = 256,
		.counted = true},
	{.name = "seen",
		.columns = "i seq, b key",
		.keys_n = 1,
		.file = MOVE_WORK,
		.page = 1024,
		.unique = true},
	{.name = "copy",
		.columns = COPY("u"),
		.keys_n = 2,
		.file = MOVE_WORK,
		.page = 128,
		.only = {"typeof(record) = 'blob'", "record ~ " UUID}},
	{.name = "copy",
		.columns = COPY("t"),
		.keys_n = 2,
		.file = MOVE_WORK,
		.page = 128,
		.only = {"typeof(record) = 'text'", "record !~ " UUID}},
	{.name = "written",
		.columns = "i seq, t record, t object, i action, i at_ms, i since_ms, i written_ms,"
			   " t fields, i run, t rule, i depth",
		.keys_n = 1,
		.file = MOVE_WORK,
		.page = 512,
		.counted = true},
	{.name = "gap",
		.columns = "t object, i first_ms, i from_ms, i asked_ms, i swept_ms, t problem",
		.keys_n = 1,
		.file = MOVE_WORK,
		.page = 256},
	{.name = "told",
		.columns = "t record, t object, i until_ms, i told_ms",
		.keys_n = 2,
		.file = MOVE_WORK,
		.page = 512},
	{.name = "pause",
		.columns = "t rule, t why, i since_ms, i ending",
		.keys_n = 1,
		.file = MOVE_WORK,
		.page = 256},
	{.name = "issue",
		.columns = "t kind, t about, t text, t event, i count, i first_ms, i last_ms,"
			   " i acknowledged",
		.keys_n = 2,
		.file = MOVE_WORK,
		.page = 256},
	{.name = "scrub", .columns = "i delivery", .keys_n = 1, .file = MOVE_WORK, .page = 1024},
	{.name = "audit",
		.columns = "i seq, i at_ms, i uid, t what, i n, t result",
		.keys_n = 1,
		.file = MOVE_WORK,
		.page = 256,
		.counted = true},
	{.name = "timer",
		.columns = "i seq, t rule, t key, i due_ms, i relative, b payload, t object,"
			   " t record, i run, t rule_from, i depth",
		.keys_n = 1,
		.file = MOVE_WORK,
		.page = 128,
		.unique = true,
		.counted = true},
	{.name = "timer_sum",
		.columns = "t rule, i n",
		.keys_n = 1,
		.file = MOVE_WORK,
		.page = 256},
	{.name = "tick",
		.columns = "t rule, t schedule, i last_ms, i relative, t event",
		.keys_n = 1,
		.file = MOVE_WORK,
		.page = 256},
	{.name = "kv",
		.columns = "i n, t scope, t key, b value, i until_ms",
		.keys_n = 1,
		.file = MOVE_WORK,
		.page = 64,
		.unique = true,
		.counted = true},
	{.name = "kv_sum",
		.columns = "t scope, i n, i bytes",
		.keys_n = 1,
		.file = MOVE_WORK,
		.page = 256},
	{.name = "spend",
		.columns = "t rule, i slot_ms, i n",
		.keys_n = 2,
		.file = MOVE_WORK,
		.page = 512},
	{.name = "erasure", .columns = "t record", .keys_n = 1, .file = MOVE_WORK, .page = 512},
	{.name = "renamed",
		.columns = "t was, t name",
		.keys_n = 2,
		.file = MOVE_WORK,
		.page = 256},
	/* The last: who reads it knows that the rest is there. */
	{.name = "progress",
		.columns = "i one, i position, i last_event, i last_run, c counts",
		.keys_n = 1,
		.file = MOVE_WORK,
		.page = 1},
};
const size_t move_tables_n = ARRAY_N(move_tables);

const struct move_omitted move_omitted[] = {
	{MOVE_SQLITE, "seen_old", NULL, "an index over seen, made from it (move/sqlite.c)"},
	{MOVE_SQLITE, "sqlite_sequence", NULL, "the number of the last timer (move/sqlite.c)"},
	{MOVE_POSTGRES, "version", NULL, "of the schema"},
	{MOVE_POSTGRES, "mark", NULL, "of a store, not of its work"},
	{MOVE_POSTGRES, "runner", NULL, "leases: nobody works on a store that is copied"},
	{MOVE_POSTGRES, "leader", NULL, "likewise"},
	{MOVE_POSTGRES, "receiver", NULL, "likewise; what its spool holds comes to the copy later"},
	{MOVE_POSTGRES, "purse", NULL, "by the clock of its server, and known to runners only"},
	{MOVE_POSTGRES, "freed", NULL, "about the statistics of its server"},
	{MOVE_POSTGRES, "delivery", "n", "SQLite's seq: the place that it is routed with"},
	{MOVE_POSTGRES, "pending", NULL, "deliveries behind the position (move/postgres.c)"},
	{MOVE_POSTGRES, "routed", NULL, "deliveries up to the position"},
	{MOVE_POSTGRES, "flight", NULL, "intents without an answer, made from the journal"},
	{MOVE_POSTGRES, "moved", NULL, "is added to the counts of progress (move/row.c)"},
	{MOVE_POSTGRES, "run", "runner", "a run that was at work is taken up as after a death"},
	{MOVE_POSTGRES, "progress", "news", "counts for handles that are open"},
};
const size_t move_omitted_n = ARRAY_N(move_omitted);

int move_columns(
	const struct move_table *table, struct move_column ret_columns[static MOVE_COLUMNS_N])
{
	int n = 0;
	for (const char *p = table->columns; *p != '\0' && n < MOVE_COLUMNS_N; n++) {
		struct move_column *column = &ret_columns[n];
		size_t length = strcspn(p + 2, ",");
		column->type = (enum move_type)(unsigned char)*p;
		snprintf(column->name, sizeof(column->name), "%.*s", (int)length, p + 2);
		p += 2 + length;
		p += strspn(p, ", ");
	}
	return n;
}
