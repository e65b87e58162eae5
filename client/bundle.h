/* SPDX-License-Identifier: MIT */
/*
 * Calls that wait for budget and are alike, on their way as one request. The engine sends a carrier
 * in their place: a call of its own whose members ride in it (CALL_RIDING). Each member gets the
 * reply that it would have got alone, and goes on with its own next step; so no operation knows
 * whether it travelled alone.
 *
 *   gets and lists by id     -> one list with id[in]
 *   reads that are the same  -> one
 *   new records              -> one batch (their ids are ours, so the answer can be told apart)
 *   records to compare       -> one search for duplicates
 *   changes of one record    -> one change, later fields win
 *   the same change of many  -> one change of id[in]
 *   different changes        -> one batch upsert, under the conditions of upsert.h
 *
 * Only what core servers answer by id is put together by id; in the docs dialect, whose page has
 * neither a list of ids nor ids of ours, only reads that are the same and changes of one record
 * are.
 *
 * Order: nothing overtakes a call of its lane on the same record, be it waiting or on the wire,
 * unless both only read it. What changes something goes together with calls of its own lane only:
 * a bad row of a backfill costs no live call a request. A refused batch is halved until the bad row
 * is alone; the others do not notice.
 *
 * An answer may make its receiver cancel any other call, members of the same bundle too: whoever
 * answers one looks at the bundle anew.
 */
#ifndef MOONHOOK_CLIENT_BUNDLE_H
#define MOONHOOK_CLIENT_BUNDLE_H

#include "client/call.h"

#define BUNDLE_ROWS 150 /* ids in one filter: behind a proxy a request line has 8 kB */

struct bundle;

struct bundle_kind { /* STATIC */
	const char *name;
	/* Builds the request for the members that are left. */
	enum rc (*prepare)(struct call *carrier, struct err *err);
	/* Reads the reply and answers every member (bundle_reply ..). */
	call_step came;
};

struct bundle {
	const struct bundle_kind *kind;
	struct call **member; /* in order of their tickets */
	size_t n;
	bool looked; /* of new records: those that were there before have been looked for */
	void *work;  /* of the kind, calloc'd */
	void (*work_done)(void *work); /* frees what it holds */
};

/*
 * The calls that go with head, or with some of them, as one: GIVES a carrier that is in no lane
 * yet; NULL: head goes alone.
 */
struct call *bundle_gather(struct engine *e, struct call *head);
/* A carrier for those members, which must be in no lane. NULL: no memory, nothing happened. */
struct call *bundle_new(
	struct engine *e, const struct bundle_kind *kind, struct call *const *member, size_t n);
/* Frees what is the bundle's own. Accepts NULL. */
void bundle_free(struct bundle *bundle);
/* A member leaves before anything was answered; it is in no list then. */
void bundle_leave(struct call *member);

/* What a kind does with a member; it is gone from the bundle afterwards. */
void bundle_reply(struct call *member, const struct reply *reply);
/* BORROWS record: the reply is what a request for it alone would have brought, with that status. */
void bundle_reply_record(struct call *member, json_t *record, int status);
void bundle_reply_missing(struct call *member);
/* Back to its lane, to go alone. */
void bundle_return(struct call *member);
/* All that are left. */
void bundle_reply_all(struct call *carrier, const struct reply *reply);
void bundle_return_all(struct call *carrier);
/*
 * A reply that is no success: who is to blame hears of it, the others go on. True: all members have
 * been dealt with, and the carrier can end.
 */
void bundle_refused(struct call *carrier, const struct reply *reply);
/* Ends a carrier whose members have been dealt with. */
enum rc bundle_end(struct call *carrier);

/* The ids that a call is about; write: it changes them. Calls tell(ctx, id, write) for each. */
void bundle_touches(
	const struct call *call, void (*tell)(void *ctx, const char *id, bool write), void *ctx);

/* An id as servers write it: only such ones are found again in an answer. */
bool bundle_plain_id(const char *id);
/* Prepares the list of those records. TAKES ids (NULL: no memory). */
enum rc bundle_list_ids(struct call *carrier, json_t *ids, enum deleted deleted, int depth,
	struct err *err) must_check;
/* {id: record} of an answer; NULL: it holds records that were not asked for, or one twice. GIVES.
 * asked: array of ids. */
json_t *bundle_records_by_id(const json_t *records, const json_t *asked);
/* The same of the answer to such a list; NULL also where it is not all that there is, or holds
 * deleted ones that were not asked for. */
json_t *bundle_listed(
	struct call *carrier, const struct reply *reply, const json_t *asked, enum deleted deleted);
/* {id: changes}: what a bundle of updates writes, later ones over earlier ones. GIVES; NULL: no
 * memory. */
json_t *bundle_changes(const struct bundle *bundle);
/* The first member that is about this record; NULL. */
struct call *bundle_about(const struct bundle *bundle, const char *id);
/* Answers all of them; record NULL: it is not there. */
void bundle_reply_about(struct call *carrier, const char *id, json_t *record);

extern const struct bundle_kind bundle_same, bundle_ids, bundle_create, bundle_compare,
	bundle_update_one, bundle_update_same, bundle_upsert;

#endif
