/* SPDX-License-Identifier: MIT */
/*
 * What other runners have routed.
 *
 * From: queue_heard_each. To: the tables event, delivery and event_body, in one statement, which
 * reads only what is behind a number, and nothing where nobody is waited for.
 */
#include "queue/heard.h"

#include "queue/postgres/array.h"
#include "queue/postgres/postgres.h"

static enum rc texts(struct buf *out, const char *const *texts, size_t n)
{
	enum rc rc = postgres_array_begin(out, OID_TEXT, n);
	for (size_t i = 0; i < n && rc == RC_OK; i++)
		rc = postgres_array_text(out, texts[i]);
	return rc;
}

struct hearing { /* one call */
	queue_heard_fn fn;
	void *ctx;
	int64_t seq; /* of the last row */
	size_t n;
};

static enum rc give(struct hearing *h, struct db_stmt *s, struct err *err)
{
	struct queue_heard heard = {
		.id = db_text(s, 2),
		.source = db_text(s, 3),
		.received_ms = db_int(s, 4),
		.headers = db_blob(s, 5),
		.body = db_blob(s, 6),
	};
	h->seq = db_int(s, 1);
	h->n++;
	return h->fn(h->ctx, &heard, err);
}

/* The number of the newest comes with each row, and alone where there is none. */
static enum rc walk(
	struct db *own, struct db_stmt *s, struct hearing *h, int64_t *ret_seq, struct err *err)
{
	int64_t newest = 0;
	for (;;) {
		bool row;
		enum rc rc = db_row(own, s, &row, err);
		if (rc == RC_OK && row) {
			newest = db_int(s, 0);
			if (!db_is_null(s, 1))
				rc = give(h, s, err);
		}
		if (rc != RC_OK) {
			db_reset(s);
			return rc;
		}
		if (!row)
			break;
	}
	if (h->n == QUEUE_HEARD_MAX)
		newest = h->seq;
	if (newest > *ret_seq)
		*ret_seq = newest;
	return RC_OK;
}

enum rc postgres_heard_each(struct queue *q, const struct queue_wanted *wanted, queue_heard_fn fn,
	void *ctx, int64_t *ret_seq, struct err *err)
{
	struct db *own = &postgres_store_of(q)->own.base;
	struct hearing h = {.fn = fn, .ctx = ctx};
	struct buf records, objects;
	buf_init(&records, (size_t)1 << 26);
	buf_init(&objects, (size_t)1 << 20);
	enum rc rc = texts(&records, wanted->records, wanted->records_n);
	if (rc == RC_OK)
		rc = texts(&objects, wanted->objects, wanted->objects_n);
	if (rc == RC_OK) {
		struct db_stmt *s = db_use(own, OWN_HEARD);
		db_bind_int(own, s, 1, wanted->after_seq);
		postgres_bind(s, 2, buf_slice(&records), OID_TEXTS);
		postgres_bind(s, 3, buf_slice(&objects), OID_TEXTS);
		db_bind_int(own, s, 4, QUEUE_HEARD_MAX);
		rc = walk(own, s, &h, ret_seq, err);
	} else {
		rc = err_set(err, rc, "out of memory to hear of webhooks");
	}
	buf_done(&records);
	buf_done(&objects);
	return rc;
}
