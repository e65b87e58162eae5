/* SPDX-License-Identifier: MIT */
/* A damaged spool: it is set aside as a whole, what is readable of it goes into a fresh one. */
#ifndef MOONHOOK_QUEUE_SPOOL_SALVAGE_H
#define MOONHOOK_QUEUE_SPOOL_SALVAGE_H

#include "queue/db.h"

struct spool_salvage {
	int64_t taken;    /* deliveries that are in the fresh one, at their places */
	int64_t lost;     /* .. that were not readable */
	bool uncounted;   /* there may be more of these: nothing says how many there were */
	char moved[4096]; /* where the old one is */
};

/* form: of the spool; take_sql: its statement that stores a row with all its columns, and ignores
 * one that is there. Nobody may have the file open. Where it fails the damaged one stands where it
 * stood. RC_FULL, RC_NOMEM, RC_IO, RC_DENIED. */
enum rc spool_salvage(const char *folder, const struct db_form *form, int take_sql,
	struct spool_salvage *ret, struct err *err) must_check;
/* Ends what a crash has cut short between two renames. */
enum rc spool_salvage_end(const char *folder, struct err *err) must_check;
/* Is the database empty, and its log not? SQLite would throw the log away. */
bool spool_salvage_hollow(const char *folder);

#endif
