/* SPDX-License-Identifier: MIT */
/*
 * Signs of receivers that have spools: how routing knows what it has to wait for.
 *
 * From: queue_sign. To: the table receiver, which postgres/inbox.c reads with every look. A sign
 * counts from the moment at which it was given, by the clock of the database, which is known here
 * from the answer to the one before: however late a server that was silent carries it out, it
 * promises nothing of later. One on an older connection changes nothing any more (epoch).
 */
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "queue/postgres/postgres.h"

/* The database's time is never earlier than this by our clock. */
static void note_clock(struct postgres_store *store, int64_t database_ms)
{
	store->sign.ahead_ms = database_ms - clock_mono_ms();
}

static enum rc enrol(struct postgres_store *store, const struct queue_sign *sign, struct err *err)
{
	char name[300], host[256] = "";
	bool row;
	struct db *own = &store->own.base;
	struct db_stmt *s = db_use(own, OWN_ENROL);
	(void)gethostname(host, sizeof(host) - 1);
	snprintf(name, sizeof(name), "%s:%ld", host, (long)getpid());
	db_bind_int(own, s, 1, sign->who);
	db_bind_text(own, s, 2, name);
	enum rc rc = db_row(own, s, &row, err);
	if (rc != RC_OK)
		return rc;
	if (!row)
		return queue_break(own->owner, err, "%s keeps no receivers", store->link.name);
	store->sign.epoch = db_int(s, 0);
	store->sign.late = db_int(s, 1) != 0;
	note_clock(store, db_int(s, 2));
	db_reset(s);
	return RC_OK;
}

enum rc postgres_sign(
	struct queue *q, const struct queue_sign *sign, bool *ret_late, struct err *err)
{
	struct postgres_store *store = postgres_store_of(q);
	struct db *own = &store->own.base;
	bool row;
	enum rc rc = store->sign.epoch == 0 ? enrol(store, sign, err) : RC_OK;
	if (rc != RC_OK)
		return rc;
	struct db_stmt *s = db_use(own, OWN_SIGN);
	db_bind_int(own, s, 1, sign->who);
	db_bind_int(own, s, 2, store->sign.epoch);
	db_bind_int(own, s, 3, sign->at_mono_ms + store->sign.ahead_ms);
	db_bind_int(own, s, 4, sign->from_ms);
	db_bind_int(own, s, 5, sign->promise_ms);
	db_bind_int(own, s, 6, sign->leaves ? 0 : QUEUE_HOLD_MS);
	db_bind_int(own, s, 7, sign->from_ms != store->sign.from_ms);
	rc = db_row(own, s, &row, err);
	if (rc != RC_OK)
		return rc;
	if (!row)
		return queue_break(q, err,
			"another receiver on %s has the same spool: is its folder a copy?",
			store->link.name);
	note_clock(store, db_int(s, 0));
	db_reset(s);
	store->sign.from_ms = sign->from_ms;
	*ret_late = store->sign.late;
	store->sign.late = false;
	return RC_OK;
}
