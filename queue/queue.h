/* SPDX-License-Identifier: MIT */
/*
 * The seam: what happened (events) and what we did about it (runs).
 *
 *   receiver --put--> inbox --route--> events, runs --claim--> runner --call_put--> journal
 *                                                                  --finish--> outcome
 *
 * Two kinds of record. The inbox: raw deliveries, written and pruned by the receiver. The work:
 * parsed events, runs, journal, rule sources, written by the runner. In SQLite each is one file
 * with one writer (inbox.db, work.db in the store's folder), so that neither waits for the other's
 * lock.
 *
 * Durability: queue_inbox_put is durable when it returns. Writes to the work gather in one
 * transaction that queue_commit makes durable; nothing that follows from them may become visible
 * outside (an effect be sent, an answer be given) before. After RC_IO the handle refuses everything
 * but queue_close: the process says so and exits, and its successor recovers what was committed.
 *
 * Order: runs are ordered by (event, rule). A run holds its record as a key, and perhaps a second
 * one that its rule names; of the runs that share a key only the first that has not ended may be
 * claimed, the others wait for it. A run with two keys has to be the first of both.
 *
 *   run states (enum queue_state), who moves them and when:
 *
 *     route --> due ----claim----> running --finish--> done | skipped | dead | quarantined | echo
 *          \--> waiting --promote--> due      \--release--> waiting (until due_at) --> due
 *     dead, quarantined --retry--> due
 *
 * A claim raises the run's epoch; every later write about it names the epoch and is refused with
 * RC_STALE when another claim has happened since.
 *
 * A claim has no time of its own. A store of files or memory has one runner, which holds a lock
 * that ends with its process; the supervisor kills one that gives no sign of life, waits for its
 * end, and its successor takes back what it had claimed (queue_adopt), under new epochs.
 *
 * dead and quarantined become waiting instead where another run of their key is at work; a run that
 * is due steps back to waiting when an older one of its key is retried.
 *
 * One handle belongs to one thread. Backends: sqlite/, postgres/ (both on the logic of sql/), and
 * memory/ (test double); all pass the same conformance suite, tests/conformance/queue_*.c.
 */
#ifndef MOONHOOK_QUEUE_QUEUE_H
#define MOONHOOK_QUEUE_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/conf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/id.h"
#include "base/slice.h"
#include "queue/join.h"
#include "queue/ledger.h"
#include "queue/limit.h"

struct queue;

/* store, retain.events, retain.runs, retain.size; STATIC. */
extern const struct conf_table queue_conf_table;

enum queue_side {
	QUEUE_RECEIVER, /* writes the inbox, reads the position of the work for pruning */
	QUEUE_RUNNER,   /* writes the work, reads the inbox */
	QUEUE_READER,   /* reads both; writes nothing */
};

#define QUEUE_STATES(X)                                                                            \
	X(QUEUE_DUE, "due")                 /* may be taken up now */                              \
	X(QUEUE_WAITING, "waiting")         /* behind another of its key, or until due_at */       \
	X(QUEUE_RUNNING, "running")         /* claimed */                                          \
	X(QUEUE_DONE, "done")               /* ended well; an event: nothing is left to do */      \
	X(QUEUE_SKIPPED, "skipped")         /* the rule said so; an event: all its runs did */     \
	X(QUEUE_DEAD, "dead")               /* dead letter: failed and will not be tried again */  \
	X(QUEUE_QUARANTINED, "quarantined") /* an event that cannot be parsed; a run that kills */ \
	X(QUEUE_ECHO, "echo")               /* the rule's own write coming back */                 \
	X(QUEUE_DUPLICATE, "duplicate")     /* events only: was in the store already */

enum queue_state { /* stores hold the numbers: new ones go to the end */
#define X(code, name) code,
	QUEUE_STATES(X)
#undef X
		QUEUE_STATE_N,
};
const char *queue_state_name(enum queue_state state); /* STATIC */
enum queue_state queue_state_find(const char *name);  /* QUEUE_STATE_N: none */
bool queue_state_ended(enum queue_state state);
/* The legal-move table; every backend asks it before it writes a run's state. */
bool queue_state_may(enum queue_state from, enum queue_state to);

/*
 * Opens the store, making or migrating what its side writes. "memory:" opens the test double
 * ("memory:x" another one; handles of one name in one process share it while any is open), other
 * schemes are refused by name, everything else is a folder. A second writer of the same side is
 * RC_BUSY with the pid of the first; a folder that cannot be written RC_DENIED. GIVES
 * (queue_close).
 */
enum rc queue_open(const char *store, enum queue_side side, struct queue **ret_queue,
	struct err *err) must_check;
/* The same, but waits at most so long for a writer that is going: one that was killed holds its
 * lock until the kernel is done with it, and on a busy machine its successor may be quicker.
 * Blocks. */
enum rc queue_open_after(const char *store, enum queue_side side, int64_t wait_ms,
	struct queue **ret_queue, struct err *err) must_check;
void queue_close(struct queue *q);

/* --- inbox ---------------------------------------------------------------------------------- */

struct queue_delivery {
	struct id id;           /* in: a fresh id; out: the id stored first, where repeated */
	const char *source;     /* BORROWS, as the rest */
	struct slice dedupe;    /* key within the source; n 0: never a repeat */
	struct slice headers;   /* "name: value\n" lines worth keeping, may be empty */
	struct slice body;      /* the exact bytes */
	const char *quarantine; /* why it must not be routed (clock skew, ..); NULL: route it */
	int64_t received_ms;    /* wall */
	bool ret_repeated;
};

/* Stores n deliveries in one durable step; all or none. Receiver. */
enum rc queue_inbox_put(
	struct queue *q, struct queue_delivery *deliveries, size_t n, struct err *err) must_check;

struct queue_retention {
	int64_t events_ms, runs_ms; /* ages; 0: for ever */
	int64_t size_bytes; /* of the store without copies (copy.h) and kv (kv.h); 0: any. The
			       oldest ended go first */
};
/* Removes at most `most` rows that are past their time: the receiver deliveries whose event has
 * been routed and whose runs have all ended, the runner ended runs and their journal. What is still
 * to be done is never removed. ret_n: rows removed; call again while it equals most. */
enum rc queue_prune(struct queue *q, const struct queue_retention *keep, int64_t now_wall_ms,
	size_t most, size_t *ret_n, struct err *err) must_check;
/* Moves WAL content into the database without blocking the writer (PASSIVE, own connection). Any
 * thread, one at a time. */
enum rc queue_checkpoint(struct queue *q, struct err *err) must_check;

/* --- routing: inbox -> events and runs (runner) --------------------------------------------- */

struct queue_raw { /* one delivery to be routed; BORROWS until the next queue_inbox_next or close */
	int64_t seq; /* order of arrival */
	struct id id;
	const char *source;
	struct slice headers, body;
	const char *quarantine;
	int64_t received_ms;
	const char *damage; /* why nobody can read it; STATIC, NULL: it is whole */
};

/* Up to max deliveries that have no event yet, in order of arrival. ret_n 0: none. */
enum rc queue_inbox_next(struct queue *q, size_t max, struct queue_raw *ret_raw, size_t *ret_n,
	struct err *err) must_check;

struct queue_event { /* BORROWS */
	int64_t seq; /* of the inbox; 0: the event was born in the work, and headers and body are
			stored with it */
	struct id id;
	const char *source;     /* "twenty", "stripe", ..; "" for none */
	const char *name;       /* "person.created"; "" where it could not be parsed */
	const char *object;     /* "person" or "" */
	const char *record;     /* record id or "" */
	const char *via;        /* "hook" "gap" "timer" "cron" "replay" "backfill" */
	const char *reason;     /* of a quarantine, else "" */
	enum queue_state state; /* due, done, quarantined, duplicate, echo */
	int64_t received_ms;
	struct slice headers, body; /* only where seq is 0; headers may be empty */
	struct slice past;        /* what routing knew of the record before, for those who start its
				     runs later; kept where it has runs. Holds values of the record */
	uint8_t digest[DIGEST_N]; /* second dedupe: see runner/event.h */
	bool has_digest;
	struct queue_cause cause; /* zero: none of our writes */
};

struct queue_run_new {           /* BORROWS */
	const char *rule;        /* its name */
	const char *source_hash; /* of the rule file this run keeps, 64 hex */
	const char *key;         /* runs that share a key never overlap; "" or NULL: none */
	const char *also;        /* a second key of the run */
	bool shadow;             /* its effects are recorded, not done (spend.h) */
	const char *hidden;      /* fields that its rule does not see (ledger.h); NULL: none */
	int attempts_max;
	const struct queue_join *join; /* it may stand for several events (join.h); NULL: for one */
};

struct queue_routing {
	struct queue_event event;
	const struct queue_run_new *runs;
	size_t runs_n;
	bool ret_duplicate;  /* the digest was known: stored as duplicate, without runs */
	size_t ret_joined_n; /* of the runs: so many were there already, and the event joined them
			      */
	int64_t ret_due_ms;  /* wall: when the first of those that gather starts; 0: none does */
};

struct queue_run {   /* one claimed run; GIVES with queue_run_done */
	int64_t seq; /* order: (event, rule) */
	struct id id;
	int64_t epoch;
	int attempt; /* 1 for the first */
	int attempts_max;
	int deaths; /* workers it has killed so far, and runners: by data that the store refuses */
	char *rule, *source_hash, *key;
	char *born; /* what its rule was called when it was born (rename.h); NULL: the same */
	struct id event;
	int64_t event_received_ms;
	char *event_source, *event_via;
	char *body; /* the raw bytes of the event, NUL behind them; NULL straight from routing */
	size_t body_n;
	char *headers;
	char *past; /* of the event, where the body is there; NULL: nothing was kept */
	size_t past_n;
	int kind;         /* > 0: it may stand for several events: queue_joined_each */
	size_t routing;   /* straight from queue_route: index into its array, else SIZE_MAX */
	bool has_journal; /* calls are recorded: load them before it starts */
};
void queue_run_done(struct queue_run *run);

/*
 * Writes events, their runs, and the position in the inbox, in order, within the open transaction.
 * Of the new runs that may start at once, up to claim_max are claimed for the caller in the same
 * step (ret_run[0..*ret_run_n)), which saves the way back through the store; the rest is due or
 * waiting.
 */
enum rc queue_route(struct queue *q, struct queue_routing *routings, size_t n, size_t claim_max,
	struct queue_run *ret_run, size_t *ret_run_n, struct err *err) must_check;

/* --- runs (runner) -------------------------------------------------------------------------- */

/* Makes due what has waited long enough (a bounded number per call), and claims up to max due runs,
 * the oldest first. */
enum rc queue_claim(struct queue *q, int64_t now_wall_ms, size_t max, struct queue_run *ret_run,
	size_t *ret_run_n, struct err *err) must_check;
/* When the next waiting run becomes due, wall ms; INT64_MAX where none waits for a time. */
enum rc queue_next_due(struct queue *q, int64_t *ret_wall_ms, struct err *err) must_check;
/* The wall clock was set forward by so many ms (back: < 0): what waits for a time is moved with it,
 * so that it waits as long as before. */
enum rc queue_due_shift(struct queue *q, int64_t by_ms, struct err *err) must_check;
/* When the store was written last before this handle was opened, wall ms; 0: that is not known. */
int64_t queue_written_ms(const struct queue *q);
/* Takes back runs that an earlier runner of this store left running (its lease is over: SQLite
 * knows because a store has one runner, which holds a lock on the file). They become due again at
 * once; attempt is not used up and no death is counted, since the runner took all its runs with it
 * (but of one whose data broke its handle).
 * Call it once, before the first claim. ret_n: how many. */
enum rc queue_adopt(struct queue *q, size_t *ret_n, struct err *err) must_check;

struct queue_outcome {          /* BORROWS */
	enum queue_state state; /* done skipped dead quarantined echo; waiting or due: released to
				   be tried again */
	enum rc code;           /* RC_OK, or what went wrong */
	const char *error;      /* a sentence, may be NULL */
	const char *detail;     /* more of it: traceback, Twenty's words; may be NULL */
	const char *log;        /* the run's own log lines so far, text; NULL: none */
	int64_t due_ms;         /* wall; when released: not before */
	bool attempt_used;      /* when released: the next claim counts one more */
	bool died;              /* when released: it killed its worker */
	bool forget_journal;    /* when released: it had no effect, so it starts from scratch */
	int api_calls;          /* HTTP API calls the attempt made (added up) */
	int64_t started_ms, ended_ms; /* wall */
};
/* Ends or releases a claimed run. Ending promotes the next run of its key and, with an event's last
 * run, ends the event (dead and quarantined win over done, done over skipped, that over echo).
 * RC_STALE: refused.
 */
enum rc queue_finish(struct queue *q, int64_t run_seq, int64_t epoch,
	const struct queue_outcome *outcome, struct err *err) must_check;

/* --- journal: every call of a run (runner) --------------------------------------------------- */

#define QUEUE_NOT_SENT (-1)
struct queue_call {               /* BORROWS when put; GIVES with queue_calls_free when loaded */
	const char *path;         /* branch path: "1", "2", "2.1.1" under parallel() */
	const char *method;       /* "create", "now", .. */
	const char *object;       /* "people" or "" */
	bool effect;              /* changes something outside */
	uint8_t digest[DIGEST_N]; /* of method, object and canonical arguments */
	struct slice request;     /* JSON */
	struct slice answer;      /* JSON; n 0 while the outcome is unknown (an intent) */
	enum rc code;             /* of the answer */
	int64_t started_ms, ended_ms; /* wall */
	int requests; /* HTTP requests it took; QUEUE_NOT_SENT: recorded in shadow mode */
};
/* Writes an intent (answer.n 0) or a whole call; the same path again completes the intent.
 * RC_STALE: refused. */
enum rc queue_call_put(struct queue *q, int64_t run_seq, int64_t epoch,
	const struct queue_call *call, struct err *err) must_check;
/* The journal of a run in order of recording. */
enum rc queue_calls_load(struct queue *q, int64_t run_seq, struct queue_call **ret_calls,
	size_t *ret_n, struct err *err) must_check;
void queue_calls_free(struct queue_call *calls, size_t n);

/* Makes all work since the last commit durable. Nothing to do costs nothing. */
enum rc queue_commit(struct queue *q, struct err *err) must_check;

/* --- rule sources and their state (runner) ---------------------------------------------------- */

enum rc queue_source_put(struct queue *q, const char *hash, const char *file, struct slice text,
	struct err *err) must_check;
/* RC_NOT_FOUND. out receives the text; ret_file 256 bytes. */
enum rc queue_source_get(struct queue *q, const char *hash, struct buf *out,
	char ret_file[static 256], struct err *err) must_check;

/* These versions, all of which have been put, are live from now on, at most one of each file; what
 * was live and is not among them ceases to be. On a store that is shared those of the runner that
 * leads are live: of any other this does nothing, nor does queue_rules_put. */
enum rc queue_source_live(struct queue *q, const char *const *hashes, size_t n, int64_t now_wall_ms,
	struct err *err) must_check;
/* The version of a file that is live: out receives its text, ret_live_ms since when (wall).
 * RC_NOT_FOUND. */
enum rc queue_source_find(struct queue *q, const char *file, struct buf *out,
	char ret_hash[static DIGEST_HEX_N], int64_t *ret_live_ms, struct err *err) must_check;
/* Forgets versions that no run names and that have not been live since before_wall_ms: later than
 * that, somebody may be about to name them. ret_n: how many, a bounded number per call. */
enum rc queue_source_prune(
	struct queue *q, int64_t before_wall_ms, size_t *ret_n, struct err *err) must_check;

struct queue_rule {       /* what is live now, for people; BORROWS */
	const char *name; /* "" for a file that has no live version */
	const char *file; /* "enrich_people.lua" */
	int line;
	const char *on;    /* "person.created, person.updated" */
	const char *state; /* "live", "broken" (an older version is live or none), "paused" */
	const char *error; /* of "broken": file:line: sentence; else "" */
	int64_t loaded_ms;
	const char *options; /* "settle 20s, key companyId": of its head beside on; NULL: "" */
};
/* Replaces the whole list. */
enum rc queue_rules_put(
	struct queue *q, const struct queue_rule *rules, size_t n, struct err *err) must_check;

/* --- reading, for people (any side) ----------------------------------------------------------- */

struct queue_filter {   /* NULL and 0: any */
	const char *id; /* a prefix */
	const char *source, *name, *object, *record, *rule, *event, *error;
	enum queue_state state;
	bool has_state;
	int64_t since_ms;  /* wall: received, or created, at or after */
	int64_t after_seq; /* only what came later; for following, and then of events only the
			      routed */
	int64_t upto_seq;  /* 0: any; else nothing behind it, and of events only the routed */
	size_t limit;      /* 0: all; else the newest so many, printed oldest first */
};

struct queue_event_row { /* BORROWS during the call back */
	int64_t seq;
	const char *id, *source, *name, *object, *record, *via, *reason;
	enum queue_state state;
	int64_t received_ms;
	const char *cause; /* id of the run whose write it is; "": none of ours, or it is gone */
	int depth;         /* in a chain of causes; 0: it begins one */
	struct slice headers,
		body; /* queue_event_each leaves them empty; queue_event_get fills them */
};
struct queue_run_row { /* BORROWS during the call back */
	int64_t seq;
	const char *id, *event, *rule, *source_hash, *key, *error, *error_code, *detail, *log;
	enum queue_state state;
	int attempt, api_calls, deaths;
	bool shadow;       /* its effects are recorded, not done */
	const char *cause; /* of its event, as its depth */
	int depth;
	int64_t created_ms, started_ms, ended_ms; /* 0: not yet */
	/* > 0: waits until then; QUEUE_LIMITED: for room (limit.h); else < 0: its rule is paused */
	int64_t due_ms;
	int64_t events_n; /* it stands for (join.h) */
};
typedef enum rc (*queue_event_fn)(void *ctx, const struct queue_event_row *row, struct err *err);
typedef enum rc (*queue_run_fn)(void *ctx, const struct queue_run_row *row, struct err *err);
typedef enum rc (*queue_rule_fn)(void *ctx, const struct queue_rule *row, struct err *err);

/* Oldest first. Deliveries that are not routed yet are listed as due (or quarantined), behind the
 * others, with the seq of the newest that is routed, so that following from any row misses nothing.
 * A call back may ask the same handle for something else (a body, a journal), not for the same walk
 * again, and must not write. One that does not return RC_OK ends the walk with that code.
 * Consistent: one read transaction, no lock on the writers. */
enum rc queue_event_each(struct queue *q, const struct queue_filter *filter, queue_event_fn fn,
	void *ctx, struct err *err) must_check;
enum rc queue_run_each(struct queue *q, const struct queue_filter *filter, queue_run_fn fn,
	void *ctx, struct err *err) must_check;
/* By id or unique prefix. RC_NOT_FOUND, RC_INVALID where the prefix fits several. */
enum rc queue_event_get(
	struct queue *q, const char *id, queue_event_fn fn, void *ctx, struct err *err) must_check;
enum rc queue_run_get(
	struct queue *q, const char *id, queue_run_fn fn, void *ctx, struct err *err) must_check;
enum rc queue_rule_each(struct queue *q, queue_rule_fn fn, void *ctx, struct err *err) must_check;

struct queue_counts {
	int64_t events[QUEUE_STATE_N];
	int64_t runs[QUEUE_STATE_N];
	int64_t oldest_open_ms; /* wall: when the event of the oldest run not ended came; where
				   there is none, the oldest delivery to be routed; 0: nothing to do
				 */
};
enum rc queue_count(struct queue *q, struct queue_counts *ret_counts, struct err *err) must_check;

/* Dead or quarantined runs back to due, attempts from the start. RC_NOT_FOUND, RC_INVALID (its
 * state). */
enum rc queue_retry(struct queue *q, const char *run_id, struct err *err) must_check;

#endif
