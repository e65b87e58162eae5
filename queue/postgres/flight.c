/* SPDX-License-Identifier: MIT */
/*
 * What other runners have under way.
 *
 * From: queue_flight_each. To: the table flight, which holds the intents without an answer; it is
 * written with the journal, in the same statements (postgres/sql.c). Rows of runs that have ended
 * without ever hearing of an effect lie there, unseen, until their journal goes.
 */
#include "queue/flight.h"
#include "queue/postgres/postgres.h"

enum rc postgres_flight_each(struct queue *q, queue_flight_fn fn, void *ctx, struct err *err)
{
	struct db *own = &postgres_store_of(q)->own.base;
	struct db_stmt *s = db_use(own, OWN_FLIGHTS);
	db_bind_int(own, s, 1, postgres_store_of(q)->runner);
	for (;;) {
		bool row;
		enum rc rc = db_row(own, s, &row, err);
		if (rc != RC_OK || !row)
			return rc;
		struct queue_flight flight = {
			.method = db_text(s, 0),
			.object = db_text(s, 1),
			.request = db_blob(s, 2),
			.began_ms = db_int(s, 3),
		};
		rc = fn(ctx, &flight, err);
		if (rc != RC_OK) {
			db_reset(s);
			return rc;
		}
	}
}
