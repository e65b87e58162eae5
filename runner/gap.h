/* SPDX-License-Identifier: MIT */
/*
 * What no webhook told of: Twenty is asked, object by object, what was changed since it was last
 * asked, and what the last-seen copies do not know becomes an event, via = "gap".
 *
 * Which objects: those that a live rule listens to ("*" means every object of the workspace that is
 * not one of Twenty's own tables). When: at the start, every gap.every, after the receiver was
 * away, and when somebody orders it. An object that is looked at for the first time only gets its
 * watermark: nothing from before becomes an event.
 *
 * Two walks, each through all objects, page by page, one request at a time:
 *
 *   the look   what was changed since the watermark, deleted records too, in the order of updatedAt
 *   the sweep  everything, in the order of ids, once a day: records that are there no more were
 *              destroyed. It also finds what the look may miss: changes that became visible later
 *              than GAP_LATE_MS after their updatedAt
 *
 *   idle --> asking --> here --> born --> asking .. --> idle
 *     asking  a list is with the client
 *     here    its answer waits until the webhooks that came before it are routed
 *     born    its events are; not all of them are routed
 *
 * A page's watermark is written in the transaction that its last event is routed in: after a crash
 * the page is listed again, and the copies know what was told.
 *
 * What cannot be found: several changes between two looks are one event; what was changed and
 * changed back is none; a record that came and was destroyed between two looks was never seen.
 */
#ifndef MOONHOOK_RUNNER_GAP_H
#define MOONHOOK_RUNNER_GAP_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "runner/gap_object.h"

struct runner;
struct order;
struct event;

#define GAP_PAGE_N 200
#define GAP_SURE_N 100 /* ids in one condition */

enum gap_state { GAP_IDLE, GAP_ASKING, GAP_HERE, GAP_BORN };

enum gap_step {
	GAP_NEWEST, /* an object's first time: its newest record */
	GAP_FIRST,  /* then those that were changed just before: they count as seen */
	GAP_LOOK,
	GAP_MOMENT, /* more records of one millisecond than a page holds: in the order of ids */
	GAP_SWEEP,
	GAP_SURE, /* records that the sweep missed: are they really gone? */
	GAP_GONE, /* they are */
};

struct gap_wish {            /* what a walk is about */
	bool hand;           /* somebody ordered it */
	bool dry_run;        /* nothing is written, nothing becomes an event */
	bool patient;        /* what is young is left to its webhook */
	int64_t since_ms;    /* how far back from now; 0: to the watermark */
	json_t *objects;     /* owned; names, singular; NULL: all */
	struct order *order; /* who waits for the outcome; NULL: nobody */
};

struct gap_walk {
	struct runner *r;
	bool sweep;
	enum gap_state state;
	enum gap_step step;
	struct gap_wish wish;
	unsigned serial;       /* of this walk; objects that are done have it too */
	struct gap_object *at; /* BORROWS */
	uint64_t ticket;       /* of the call; 0: none */
	int64_t limit;         /* records of a page */
	bool no_deleted;       /* the server cannot list deleted records */
	char *cursor;          /* owned; of the next page; NULL: the first */
	json_t *page, *page_before;
	char *next;            /* owned; the cursor behind the page */
	uint64_t came_read;    /* reads of the inbox when it came */
	int64_t came_ms;       /* wall: when it did */
	int64_t from_ms;       /* by Twenty's clock: what the list begins with */
	int64_t moment_ms;     /* of GAP_MOMENT */
	enum gap_step back;    /* and what goes on behind it */
	int64_t asked_ms;      /* mono: when the list was asked for */
	int64_t clock_ms;      /* Twenty's, when the object's first page was; 0: not yet */
	int64_t now_ms;        /* Twenty's, when the page came */
	bool between;          /* an object is done: on to the next */
	int64_t begun_ms;      /* mono: of the walk */
	size_t births_n;       /* not routed yet */
	char after[64];        /* of the sweep: ids up to this one are compared */
	size_t copies_n;       /* of the sweep: those that should be there */
	bool disorder;         /* of the sweep: the ids of a page */
	json_t *missing;       /* of the sweep: ids of copies that were not listed */
	json_t *gone;          /* those that are really gone */
	size_t sure_n, gone_n; /* of these, asked for; told */
	json_t *tally;         /* by object: what was found */
};

struct gap {
	struct gap_objects objects;
	struct gap_walk look, sweep;
	struct gap_wish wish; /* ordered, not begun */
	bool wish_sweeps;
	unsigned serial;
	int64_t look_at_ms, sweep_at_ms; /* mono: the next ones */
	int64_t started_ms;              /* mono: of this process */
	int64_t receiver_starts;         /* as the metrics counted them */
	int64_t prune_at_ms;             /* mono */
	bool open, looked;               /* looked: once since the start */
	bool first;                      /* the look under way is that one */
	bool young;                      /* a change was left to its webhook */
};

/* Begins when the rules are loaded. RC_NOMEM, and as the store fails. */
enum rc gap_start(struct runner *r, struct err *err) must_check;
/* Call it every turn, behind route_step: does what can be done without waiting. True: there is
 * something to route. */
bool gap_step(struct runner *r);
/* Several times a second: is it time? */
void gap_tick(struct runner *r);
/* The call is given up, what is under way forgotten. Accepts one that was not started. */
void gap_close(struct runner *r);
/* The same where this runner leads no more: gap_start begins anew. */
void gap_drop(struct runner *r);
/* The order "reconcile": {objects: [..]?, since_ms?, dry_run?, ids?}. */
void gap_order(struct runner *r, struct order *order);

/* --- for the files of this noun --------------------------------------------------------------- */

/* When this process began, by Twenty's clock, of which it is clock_ms now; no earlier than that. */
int64_t gap_start_ms(const struct runner *r, int64_t clock_ms);
/* Twenty's clock, or where it is not known ours. */
int64_t gap_clock_ms(const struct runner *r);
/* Asks for what the walk's step wants next. */
void gap_ask(struct gap_walk *w);
/* How many of the missing ids are asked for in one request: what is not among them is gone, so that
 * they have to fit into one page. */
size_t gap_sure_n(const struct gap_walk *w);
/* The object is done, for this walk: on to the next one. problem NULL: it went well. */
void gap_object_done(struct gap_walk *w, const char *problem);
/* Adds to what the walk tells at its end of the object it is at. */
void gap_tally(struct gap_walk *w, const char *what, size_t n);
/* Whoever ordered it hears that it is over. */
void gap_order_done(struct gap_walk *w);

/* gap_page.c: the page that is here -> copies and events. Fails as the store does, RC_NOMEM. */
enum rc gap_page_take(struct gap_walk *w, struct err *err) must_check;
/* .. all of which are routed now: the watermark, and what is asked for next. */
enum rc gap_page_done(struct gap_walk *w, struct err *err) must_check;
/* One record against its copy. Fails as above. */
enum rc gap_page_judge(struct gap_walk *w, json_t *record, struct err *err) must_check;
/* The server's cursor did not work: is there another way? It is asked for, then. */
bool gap_page_turns(struct gap_walk *w);
/* Goes on with a step. TAKES cursor. */
void gap_ask_from(struct gap_walk *w, enum gap_step step, char *cursor);
/* The cursor behind the page. GIVES. */
char *gap_take_next(struct gap_walk *w);
/* An event is born. RC_NOMEM, RC_IO. record: BORROWED. */
enum rc gap_bear(
	struct gap_walk *w, const char *action, json_t *record, struct err *err) must_check;

/* gap_sweep.c: the same of the sweep's steps. */
enum rc gap_sweep_take(struct gap_walk *w, struct err *err) must_check;
enum rc gap_sweep_done(struct gap_walk *w, struct err *err) must_check;

#endif
