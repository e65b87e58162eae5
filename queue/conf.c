/* SPDX-License-Identifier: MIT */
/*
 * The settings of the queue.
 * From: the configuration's reader. To: queue_open and queue_prune, by their callers.
 */
#include "queue/queue.h"

static const struct conf_option options[] = {
	{"store", CONF_TEXT, "var", 0, 0, NULL,
		"folder of the queue (SQLite), relative to the current folder; or the address of a "
		"PostgreSQL, postgres://user@host/database, without its password"},
	{"database.password", CONF_SECRET, NULL, 0, 0, NULL,
		"of a store in PostgreSQL, file \"..\" or env \"..\"; else PGPASSFILE, ~/.pgpass "
		"or "
		"passfile= in the address"},
	{"database.durability", CONF_CHOICE, "full", 0, 0, "full relaxed",
		"full: a server with fsync, full_page_writes or synchronous_commit off is refused; "
		"relaxed: what was acknowledged may go with its power"},
	{"retain.events", CONF_DURATION, "30d", 0, 0, NULL,
		"how long deliveries are kept once nothing is left to do for them; 0: for ever"},
	{"retain.runs", CONF_DURATION, "30d", 0, 0, NULL,
		"how long ended runs and their journal are kept; 0: for ever"},
	{"retain.size", CONF_BYTES, "10GB", 0, 0, NULL,
		"size of the store, copies of records left out, past which the oldest ended go "
		"first; 0: any"},
};

const struct conf_table queue_conf_table = {"queue", options, ARRAY_N(options)};
