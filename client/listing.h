/* SPDX-License-Identifier: MIT */
/*
 * Records that meet a condition, over as many pages as it takes: what `list` is, and what other
 * operations look things up with. Every answer is held against the condition, the limit, the order
 * and the cursor; a server that ignored one of them is an error, and what its filter cannot say is
 * filtered here. A record that moves from page to page meanwhile comes once.
 */
#ifndef MOONHOOK_CLIENT_LISTING_H
#define MOONHOOK_CLIENT_LISTING_H

#include "client/call.h"

#define LISTING_PAGES 200 /* pages looked through where the filter is ours */

typedef enum rc (*listing_then)(struct call *call, struct listing *listing, struct err *err);
/* One record that meets the condition. */
typedef enum rc (*listing_each)(struct call *call, const json_t *record, struct err *err);

struct listing {
	char object[CALL_OBJECT_MAX]; /* "": the call's */
	struct where *where;          /* owned; NULL: everything */
	json_t *order;                /* reference; NULL: the server's */
	int64_t want;                 /* records at most */
	int depth;
	enum deleted deleted;
	enum { LISTING_PLAIN, LISTING_CURSOR } kind; /* whether `next` has to be exact */
	char *after;       /* owned; cursor of the next page: the server's, or one of `next` */
	bool sure;         /* records that do not show what the condition is about are an error */
	listing_each each; /* gets the records, none is kept; NULL: they are kept */

	json_t *records; /* found so far */
	char *next;      /* owned; cursor behind the last of them (for listings, not for servers);
			    NULL: that was all */
	int64_t total;   /* -1: not known */

	enum where_fit fit;       /* of the page that is under way */
	int64_t asked;            /* its size */
	int pages, stale;         /* so far; those in a row that brought nothing new */
	size_t parts, part;       /* of a list too long for one request, and which is asked for */
	struct where *part_where; /* owned; the condition with that part; NULL: where */
	bool whole;               /* from the first record on */
	char skip[40];            /* records of the next page up to this id were given already */
	char first_id[40];        /* of the first page: it must not come again */
	json_t *seen; /* owned; ids of all records that were looked at, whether wanted */
	json_t *last; /* reference; of the page before */
	json_t *ids;  /* owned; those still to be read one by one, last first */
	listing_then then;
};

/* Everything zero; want, where and the rest are for the caller to set. GIVES (listing_free). */
struct listing *listing_new(void);
/* One of the call's object with that condition, BORROWED, as where_parse reads it. RC_INVALID,
 * RC_NOMEM. GIVES (listing_free). */
enum rc listing_new_where(const struct call *call, const json_t *condition,
	struct listing **ret_listing, struct err *err) must_check;
void listing_free(struct listing *listing);
/* TAKES listing, also on failure; then is called with it when it is complete, from a step. It stays
 * call->listing until the next one or the call's end. */
enum rc listing_start(
	struct call *call, struct listing *listing, listing_then then, struct err *err) must_check;
/* The commonest one: by ids. ids: array of texts, BORROWED. Where the server has no filter for it,
 * each is read by itself (and deleted ones are not found). */
enum rc listing_by_ids(struct call *call, const json_t *ids, enum deleted deleted,
	listing_then then, struct err *err) must_check;
/* The record with that id among those found; NULL. BORROWS. */
json_t *listing_find(const struct listing *listing, const char *id);

#endif
