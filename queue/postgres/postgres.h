/* SPDX-License-Identifier: MIT */
/* The handle of the PostgreSQL backend: a schema that any number of processes share. */
#ifndef MOONHOOK_QUEUE_POSTGRES_POSTGRES_H
#define MOONHOOK_QUEUE_POSTGRES_POSTGRES_H

#include "queue/postgres/db.h"
#include "queue/server.h"
#include "queue/sql/sql.h"

struct postgres_place { /* a delivery that was lent to be routed, and the place that it will get */
	int64_t seq, n;
	bool quarantined;
};

struct postgres_floor { /* of pending: nothing at or below it is to be routed, now or later */
	int64_t n;
	int64_t mark_n, mark_xid; /* what it becomes when all transactions before that are over */
};

struct postgres_window {  /* of what has come by spools (sign.h), as the last look has found it */
	int64_t below_ms; /* what was received then or later has to wait; INT64_MAX: nothing has */
	int64_t last_n;   /* it has numbers up to this, */
	int64_t done_n;   /* .. and up to this all is routed */
	int64_t since_ms; /* and was received then or later */
};

struct postgres_sign {    /* of a receiver, see postgres/sign.c */
	int64_t epoch;    /* of this handle; 0: it has given none */
	int64_t ahead_ms; /* the clock of the database, before ours (monotonic); perhaps more */
	int64_t from_ms;  /* of the last one */
	bool late;
};

enum postgres_ear_state {
	EAR_CLOSED,   /* nobody listens; until_ms: till it is opened again */
	EAR_CONNECTS, /* until_ms: how long it may take, with the next */
	EAR_ASKS,     /* LISTEN is under way */
	EAR_LISTENS,
};

struct postgres_ear { /* see postgres/wake.c */
	enum postgres_ear_state state;
	PGconn *conn;
	int fd, watched;           /* to be watched by others, for ever, and what it watches; -1 */
	int64_t until_ms, rest_ms; /* mono; how long it was left alone the last time */
	char tell[120];            /* the next NOTIFY */
};

struct postgres_weight {      /* of what can be pruned, as it was weighed; postgres/weight.c */
	int64_t deleted_n;    /* rows that have been, as far as the statistics know */
	int64_t freed_bytes;  /* of those that they do not know of yet .. */
	int64_t freed_upto_n; /* .. and deleted_n once they do */
	int64_t thousandths;  /* with its indexes, of its own */
};

struct postgres_store {
	struct store store;
	struct postgres_link link;
	struct postgres_db inbox, work, own; /* statements, all on the one link */
	char *schema;
	int64_t runner;   /* our row in the table runner; 0: no runner */
	int64_t lease_ms; /* without a sign of life; QUEUE_LEASE_MS, or lease= in the address */
	bool resigned;    /* it leaves the lead to others, where there are any */
	struct postgres_ear ear;
	struct postgres_purse *purse;  /* NULL: nobody has asked for it */
	struct postgres_place *places; /* of the last inbox_next */
	size_t places_n, places_cap;
	struct postgres_floor floor;
	int wary; /* so many batches more are expected to hold what is there already */
	struct postgres_window window;
	struct postgres_sign sign;
	int64_t claimed_to, claimed_from_ms; /* see postgres/claim.c */
	struct postgres_weight weights[STORE_ROWS_N];
};

/* Statements that SQLite has no use for; text in postgres/sql.c. */
enum postgres_own {
	OWN_PUT,    /* those of a batch that are new; how many? */
	OWN_FIRST,  /* of a batch the others: which id was stored first with its key */
	OWN_NEXT,   /* what is to be routed */
	OWN_BEFORE, /* .. of what was received before anything that has come by a spool */
	OWN_WINDOW, /* .. of what has come by spools and beside it, by the time of its reception */
	OWN_AHEAD,  /* what routing will want to know */
	OWN_ROUTED, /* deliveries have got their places, and are to be routed no more */
	OWN_ASYNC,  /* this transaction may be lost with the server */
	OWN_SHARE,  /* claims run side by side, but not beside those who write to the work */
	OWN_CLAIM,
	OWN_ENTER,             /* a runner begins */
	OWN_LEAVE,             /* it ends: what it had claimed is another's */
	OWN_FENCE,             /* fails where its lease is over; renews it */
	OWN_BEAT,              /* a sign of life; who leads, who is dead? */
	OWN_LEAD,              /* takes the lead where nobody has it */
	OWN_RESIGN,            /* gives it up */
	OWN_BURY,              /* of the dead what is left */
	OWN_PEERS,             /* who is alive */
	OWN_WINDOW_DONE,       /* nothing of that is left */
	OWN_ENROL,             /* a receiver with a spool begins */
	OWN_SIGN,              /* what lies there */
	OWN_FLIGHTS,           /* effects without an answer, of all other runners */
	OWN_HEARD,             /* events of some records and objects, behind a number */
	OWN_FORGET_DELIVERIES, /* by the places that they had */
	OWN_FORGET_RUNS,       /* with what belongs to them */
	OWN_FORGET_EVENTS,
	OWN_WEIGH_LOCK, /* one at a time prunes by size */
	OWN_WEIGH,      /* what is too much of some rows? */
	OWN_FREED,      /* what of them has gone */
	OWN_N,
};
extern const struct db_form postgres_own_form; /* STATIC */

static inline struct postgres_store *postgres_store_of(struct queue *q)
{
	return (struct postgres_store *)q;
}

/* --- postgres/schema.c */
/* Makes the schema, or brings it up to date; a reader only looks. Several processes may do so at
 * once. RC_DENIED, RC_UNSUPPORTED (it is newer), RC_NOT_FOUND (a reader: there is none). */
enum rc postgres_migrate(struct postgres_store *store, struct err *err) must_check;
/* The version that schema has on this link, whose search path it is; 0: none. */
enum rc postgres_version(struct postgres_link *link, const char *schema, int *ret_version,
	struct err *err) must_check;
extern const int postgres_newest; /* that of this program */

/* --- postgres/measure.c: round trips, commits, clocks, sizes */
void postgres_measure(struct postgres_link *link, struct queue_server *server);

/* --- postgres/weight.c */
enum rc postgres_excess(struct store *store, enum store_rows what, int64_t most_bytes,
	int64_t *ret_bytes, bool *ret_alone, struct err *err);
enum rc postgres_freed(
	struct store *store, enum store_rows what, int64_t bytes, int64_t n, struct err *err);

/* --- postgres/inbox.c */
enum rc postgres_inbox_put(
	struct queue *q, struct queue_delivery *deliveries, size_t n, struct err *err);
enum rc postgres_inbox_next(
	struct queue *q, size_t max, struct queue_raw *ret_raw, size_t *ret_n, struct err *err);
/* Called by routing: notes which deliveries have got which places. */
enum rc postgres_inbox_routed(
	struct store *store, const struct queue_routing *routings, size_t n, struct err *err);

/* --- postgres/ahead.c */
enum rc postgres_look_ahead(
	struct store *store, const struct queue_routing *routings, size_t n, struct err *err);

/* --- postgres/forget.c: pruning */
enum rc postgres_forget(
	struct store *store, enum store_rows what, const int64_t *seqs, size_t n, struct err *err);

/* --- postgres/claim.c */
enum rc postgres_claim(struct queue *q, int64_t now_wall_ms, size_t max, struct queue_run *ret_run,
	size_t *ret_run_n, struct err *err);

/* --- postgres/mark.c */
enum rc postgres_mark(struct queue *q, struct queue_mark *ret_mark, struct err *err);
/* In the open transaction, with the fence; QUEUE_MARK_NONE removes both. */
enum rc postgres_mark_put(
	struct postgres_link *link, const struct queue_mark *mark, struct err *err) must_check;

/* --- postgres/lease.c: who works here */
enum rc postgres_enter(struct postgres_store *store, struct err *err) must_check;
/* A run whose data has broken this handle has ended a runner: counted as a death of it, so that it
 * does not end one after the other for ever. On the connection that the transaction was rolled
 * back on; what cannot be counted now is counted the next time. Blocks. */
void postgres_blame(struct postgres_store *store);
/* Gives up what it has claimed, and the lead. */
void postgres_leave(struct postgres_store *store);
/* At the begin of a transaction that is alone: breaks the handle where its lease is over. */
enum rc postgres_fence(struct store *store, struct err *err) must_check;
/* Takes the lead where nobody has it. */
enum rc postgres_lead(struct postgres_store *store, struct err *err) must_check;
enum rc postgres_adopt(struct queue *q, size_t *ret_n, struct err *err);
enum rc postgres_beat(struct queue *q, struct queue_beat *ret_beat, struct err *err);
enum rc postgres_resign(struct queue *q, struct err *err);
enum rc postgres_flight_each(
	struct queue *q, queue_flight_fn fn, void *ctx, struct err *err) must_check;
enum rc postgres_heard_each(struct queue *q, const struct queue_wanted *wanted, queue_heard_fn fn,
	void *ctx, int64_t *ret_seq, struct err *err) must_check;
enum rc postgres_peer_each(struct queue *q, queue_peer_fn fn, void *ctx, struct err *err);

/* --- postgres/sign.c: what lies in the spools of receivers */
enum rc postgres_sign(
	struct queue *q, const struct queue_sign *sign, bool *ret_late, struct err *err);

/* --- postgres/wake.c: telling them */
int postgres_wake_fd(struct queue *q);
enum rc postgres_woken(struct queue *q, bool *ret_any, struct err *err);
/* With the next commit everybody is told: of deliveries, or of runs that are due and the like. Soon
 * after the last time: nobody is. */
void postgres_tell(struct postgres_store *store, bool inbox);
void postgres_tell_work(struct store *store);
/* Opens the ear again, now and then. */
void postgres_ear_tend(struct postgres_store *store);
void postgres_ear_done(struct postgres_ear *ear);
/* Begins one more connection (PQconnectPoll): same server, same user, same settings, as libpq has
 * made them of the address. GIVES, NULL: no memory. */
PGconn *postgres_connect_again(PGconn *other);

/* --- postgres/purse.c: the one budget */
int postgres_purse_fd(struct queue *q);
void postgres_purse_swap(struct queue *q, int64_t version, struct slice state);
enum rc postgres_purse_step(struct queue *q, struct queue_purse_answer *ret_answer, bool *ret_any,
	struct err *err) must_check;
void postgres_purse_done(struct postgres_store *store);

#endif
