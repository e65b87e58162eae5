/* SPDX-License-Identifier: MIT */
/*
 * One call of a rule on its way: one or several requests, one after another, and an answer. The
 * operations (op_*.c) are written as steps: a step reads the reply to the request before it and
 * either prepares the next one or ends the call. Waiting, budget and repeats are the engine's
 * business; a step only sees replies that are final.
 */
#ifndef MOONHOOK_CLIENT_CALL_H
#define MOONHOOK_CLIENT_CALL_H

#include "base/uuid.h"
#include "client/client.h"
#include "client/dialect.h"
#include "client/request.h"

#define CALL_OBJECT_MAX 64

struct call;
struct bundle;
struct engine;

struct reply {        /* BORROWS during the step */
	enum rc code; /* RC_OK: 2xx, and body is its JSON */
	int status;   /* 0: none came */
	const json_t *body;
	const char *message; /* of everything but RC_OK */
	bool unknown;        /* an effect whose outcome nobody knows */
};

/* The step after a request. Either call_send or call_end is due before it returns RC_OK; any other
 * code ends the call with that error. */
typedef enum rc (*call_step)(struct call *call, const struct reply *reply, struct err *err);
/* Prepares a first request (call_send), or ends the call. */
typedef enum rc (*call_start)(struct call *call, struct err *err);

enum share_kind {      /* what alike requests can become while calls wait for budget */
	SHARE_NONE,    /* goes alone; where it is a read, the very same ones go as one */
	SHARE_IDS,     /* records by their ids: one list */
	SHARE_CREATE,  /* new records with ids of ours: one batch */
	SHARE_COMPARE, /* records to find duplicates of: one request */
	SHARE_UPDATE,  /* one record changed: one request for many (bundle_update.c) */
	SHARE_N,
};
enum share_form { SHARE_RECORD, SHARE_PAGE }; /* what the reply to SHARE_IDS has to look like */

struct share { /* of a prepared request; zero: SHARE_NONE */
	enum share_kind kind;
	enum share_form form;
	int variant;  /* alike ones have the same: depth, deleted */
	json_t *item; /* owned; array of ids, new record, array of records, changes */
};

enum call_state {
	CALL_READY,   /* in a lane: its request may go when its turn comes */
	CALL_DELAYED, /* not before a time */
	CALL_BLOCKED, /* behind an alike one, or until its children have ended */
	CALL_RIDING,  /* its request goes with others, in its carrier's */
	CALL_HELD,    /* answered; what became of it shows in a webhook that is awaited */
	CALL_ON_WIRE,
	CALL_DONE, /* answered or cancelled: freed by whoever holds it */
};

struct call_result { /* of a call made on behalf of another */
	enum rc code;
	json_t *value; /* of RC_OK */
	char message[200];
	int status;
	bool unknown;
};

struct call {
	struct call *prev, *next; /* of its lane, or of the delayed or blocked ones */
	struct call *all_prev, *all_next;
	struct engine *engine;
	enum call_state state;
	uint64_t ticket;
	enum client_op op;
	enum client_lane lane;
	char object[CALL_OBJECT_MAX];
	json_t *args;
	char *name;
	int64_t since_ms;    /* wall: an earlier life of the caller may have sent it; 0: none */
	client_done_fn done; /* NULL: nobody waits any more */
	void *ctx;

	struct call *parent;         /* a call made on behalf of another; NULL: of a rule */
	int place;                   /* among its parent's */
	struct call_result *results; /* owned; of its own children, by place */
	int results_n, children;     /* room; how many are under way */
	call_start children_done;

	bool started; /* its first step ran */
	bool anew;    /* began a second time, with what the workspace says now */
	bool alone;   /* not to be put together with others (again) */
	struct share share;
	struct call *carrier;  /* of CALL_RIDING */
	struct bundle *bundle; /* owned; of a carrier: a call of the engine's own */
	json_t *held;          /* owned; of CALL_HELD: the record that was answered */
	struct request request;
	call_step step; /* gets the reply to request */
	call_start ask; /* when nobody knows whether the request was done; NULL: it is sent again */
	bool armed, ended; /* what a step did */
	bool denied;       /* an answer blamed the key */
	bool resent;       /* an effect went out more than once, or was asked after */
	bool acted;        /* something went out that changes anything .. */
	bool acted_before; /* .. the same, without the request that is on the wire */
	bool late;         /* that was so once: what is read then may be of a later time */
	int attempts;      /* failed ones of this request */
	int64_t not_before_ms;
	json_t *value; /* of the answer */
	json_t *also;  /* owned; records that were made beside it (written.h) */
	int status;
	bool unknown;

	int requests;
	int64_t started_us, wire_us;

	void *work;                    /* of the operation, calloc'd */
	void (*work_done)(void *work); /* frees what it holds */
	struct listing *listing;       /* a look-up that is under way */
	struct creation *creation;     /* a new record that is under way */
	struct doubt *doubt;           /* owned; a 404 whose object is being asked after */
};

/* The request in call->request goes out; then step gets its reply. */
void call_send(struct call *call, call_step step);
/* After call_send: the request may go together with alike ones. TAKES item; without memory for it
 * the request goes alone. */
void call_share(struct call *call, enum share_kind kind, int variant, json_t *item);
/* The same for records by their ids. TAKES ids. */
void call_share_ids(struct call *call, enum deleted deleted, int depth, json_t *ids);
/* The object that a shared request is about. BORROWS. */
const char *call_shared_object(const struct call *call);
/* TAKES value (NULL: out of memory). */
enum rc call_end(struct call *call, json_t *value, struct err *err);
/* Passes an error reply on as the call's own. */
enum rc call_pass(struct call *call, const struct reply *reply, struct err *err);
/* Sends a request for the record whose id is the call's argument `id`; its reply is the step's. */
enum rc call_read(struct call *call, call_step step, struct err *err) must_check;
/* Reads the record that a reply holds; any other reply is passed on. GIVES (json_decref). */
enum rc call_record(struct call *call, const struct reply *reply, json_t **ret_record,
	struct err *err) must_check;
/* Room for the operation's own state, zeroed. */
enum rc call_work(
	struct call *call, size_t bytes, void (*done)(void *work), struct err *err) must_check;
const struct dialect *call_dialect(const struct call *call);
/* NULL: not known. */
const struct schema *call_schema(const struct call *call);
/* A text argument, NULL where it is none. BORROWS. */
const char *call_text(const struct call *call, const char *key);
/*
 * Makes a call on behalf of this one, about the same object; it goes through lanes and budget as
 * any other does. TAKES args, which must have been checked. place: 0.., each once. Ends with the
 * parent, if that is cancelled. call_await is due afterwards.
 */
enum rc call_child(
	struct call *call, enum client_op op, json_t *args, int place, struct err *err) must_check;
/* then is called when all children have ended; it begins, sends or ends as a first step does. */
void call_await(struct call *call, call_start then);
/* What became of a child. BORROWS until the call ends. */
const struct call_result *call_result(const struct call *call, int place);
/* May an earlier life of the caller have done it? Then the operation looks before it sends. */
bool call_again(const struct call *call);
/* The id for the n-th new record of this call (n < 0: the only one). Random where the call has no
 * name. */
enum rc call_new_id(struct call *call, int n, struct uuid *ret_id, struct err *err) must_check;

#endif
