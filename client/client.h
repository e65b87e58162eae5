/* SPDX-License-Identifier: MIT */
/*
 * API calls in -> few, budgeted HTTP requests out; both dialects of Twenty; the only door to the
 * network.
 *
 * http calls of rules to other servers go through here as well (web.h).
 *
 * One client per workspace, driven by its owner's sd-event loop, one thread. Nothing blocks. A call
 * never fails for lack of budget: it waits. Until the probe has told the dialects apart, calls wait
 * too and nothing but reads is sent.
 *
 * Arguments and answers are JSON and the same in both dialects: records have the composite shape of
 * a real server (name.firstName, emails.primaryEmail, companyId, amount.amountMicros ..).
 */
/* clang-format off */
/*
 * The walk of a call, in order:
 *   client.c     checks what can be checked at once (operation.h)
 *   engine.c     puts it into its lane (lane.h), and takes it out when the line is up (line.h), our
 *                own questions are answered (question.h) and the budget allows it (budget.h)
 *   life.c       begins it: a step of op_<name>.c prepares its request (call.h)
 *   dialect.h    as the server wants it: where.h, fields.h, group.h
 *   gather.c     while calls wait for budget: finds those that go with it as one (bundle.h)
 *   transport.c  over the wire
 *   answer.c     what came of it; what failed goes out again where that does no harm
 *   life.c       hands the reply to the operation's next step, which sends again, or ends the call
 *   hearing.c    a change that went in a batch upsert may wait for its webhook here (upsert.h)
 */
/*
 *   op           args                                               value of the answer
 *   get          {id, depth?, fields?}                              record | null
 *   list         {where?, order?, limit?, after?, depth?, fields?,
 *                 deleted?: "only" | "also"}                        {records: [..], next, total}
 *   count        {where?, deleted?}                                 number
 *   group_by     {field: name | [names], sum?: name | [names],      [{<field>: value, count,
 *                 where?, by?: "month" .., zone?}                     sum: {<name>: number}}, ..]
 *   create       {data}  (tasks, notes: data.about = {object: id})  record
 *   create_many  {list: [..]}                                       [record, ..] in order
 *   ensure       {where, data}                                      {record, created: bool}
 *   update       {id, data, only_if?: where}                        record
 *   update_many  {list: [{id, ..}, ..]}                             [record, ..] in order
 *   update_where {where, data, max}                                 [record, ..]
 *   delete       {id}                                               record with deletedAt
 *   restore      {id}                                               record
 *   destroy      {id}  for good                                     {id}
 *   duplicates   {id} | {record}                                    [record, ..]
 *                {list: [id or record, ..]}                         [[record, ..], ..] in order
 *   merge        {into, from: [ids], preview?}                      merged record
 *   graphql      {query, variables?}  (object: "graphql")           data
 *   member       {email}  (object: "workspaceMembers")              record | null
 *   erase        {id}  as destroy; the caller removes its copies    {id}
 *
 * Not of Twenty, and neither in its budget nor behind its probe (web.h); object: "http":
 *   http         {method: "get" .., url: text, query?: {name: text  {status, headers: {name: text},
 *                 or [texts]}, headers?: {name: text}, body?: text,  body?: text}; of 400 and up
 *                 json?: true, timeout_ms?, ok?: [status, ..]}       the same with an error
 *                text of url, headers and body: "..", or, where secrets are in it,
 *                [".." | {secret: NAME, json?: true}, ..]; json: as JSON writes it in quotes
 */
/* clang-format on */
/*
 * where: {field: value | [values] | {eq neq gt gte lt lte contains startsWith endsWith like
 * empty}}, groups {all:[..]} {any:[..]} {none:[..]}. Fields are paths ("emails.primaryEmail") or
 * short names.
 */
/* clang-format off */
/*
 * How a repeat is recognised, after a lost answer and where an earlier life of the caller may have
 * sent it (since_ms); c: only in the core dialect, d: only in the documented one:
 *
 *   create       c: its id is derived from the call's name: the server refuses the second one
 *                d: by its data among the records made since then
 *   create_many  the same for each
 *   ensure       its condition finds the record; created as the first time, told as for create
 *   update       the record is read: it shows the change, or the change is written (again)
 *   .. only_if   the condition still holds: written. It does not, and the record shows the change:
 *                RC_UNKNOWN, for it may have been anybody's. Else RC_CONFLICT
 *   update_many  each as update
 *   update_where each as update; what meets the condition is looked up again
 *   delete       c: it lies in the bin   d: it is not there
 *   restore      it is there
 *   destroy      it is gone
 *   merge        those to be merged away are gone and the survivor is there; who is left is merged
 *   erase        as destroy
 *   graphql      a document that is more than queries is sent once and never again: RC_UNKNOWN
 *   http         not at all: it goes out again, at least once then, with the Idempotency-Key of the
 *                first time (derived from the call's name, unless it brings one itself)
 */
/* clang-format on */
#ifndef MOONHOOK_CLIENT_CLIENT_H
#define MOONHOOK_CLIENT_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/conf.h"
#include "base/err.h"
#include "base/slice.h"

struct sd_event;
struct client;
struct schema;

/* twenty.*, notify.*, http.allow, secrets, coalesce.*; STATIC. */
extern const struct conf_table client_conf_table;

/* What the table cannot say: an address that a key may be sent to, and a key that can be one.
 * RC_INVALID with "file:line: sentence". For whoever loads a configuration. */
enum rc client_conf_check(const struct conf *conf, struct err *err) must_check;

#define CLIENT_OPS(X)                                                                              \
	X(CLIENT_GET, "get", false)                                                                \
	X(CLIENT_LIST, "list", false)                                                              \
	X(CLIENT_COUNT, "count", false)                                                            \
	X(CLIENT_GROUP_BY, "group_by", false)                                                      \
	X(CLIENT_CREATE, "create", true)                                                           \
	X(CLIENT_CREATE_MANY, "create_many", true)                                                 \
	X(CLIENT_ENSURE, "ensure", true)                                                           \
	X(CLIENT_UPDATE, "update", true)                                                           \
	X(CLIENT_UPDATE_MANY, "update_many", true)                                                 \
	X(CLIENT_UPDATE_WHERE, "update_where", true)                                               \
	X(CLIENT_DELETE, "delete", true)                                                           \
	X(CLIENT_RESTORE, "restore", true)                                                         \
	X(CLIENT_DESTROY, "destroy", true)                                                         \
	X(CLIENT_DUPLICATES, "duplicates", false)                                                  \
	X(CLIENT_MERGE, "merge", true)                                                             \
	X(CLIENT_GRAPHQL, "graphql", true)                                                         \
	X(CLIENT_MEMBER, "member", false)                                                          \
	X(CLIENT_ERASE, "erase", true)                                                             \
	X(CLIENT_HTTP, "http", true)

enum client_op {
#define X(code, name, effect) code,
	CLIENT_OPS(X)
#undef X
		CLIENT_OP_N,
};
const char *client_op_name(enum client_op op);   /* STATIC */
enum client_op client_op_find(const char *name); /* CLIENT_OP_N: none */
bool client_op_effect(enum client_op op);        /* changes something outside */
/* The same of one call: a graphql document of queries changes nothing, nor does http's get. */
bool client_call_effect(enum client_op op, const json_t *args);

enum client_lane { CLIENT_LIVE, CLIENT_RETRY, CLIENT_GAP, CLIENT_BACKFILL, CLIENT_LANE_N };

enum client_action {
	CLIENT_CREATED,
	CLIENT_UPDATED,
	CLIENT_DELETED, /* restorable */
	CLIENT_RESTORED,
	CLIENT_DESTROYED,
	CLIENT_CHANGED, /* in some way: one of those */
};

struct client_write {    /* one record that a call changed; see written.c */
	char object[64]; /* "person"; "" where the answer does not tell */
	char record[40]; /* its id, in small letters */
	enum client_action action;
	int64_t at_ms;  /* its updatedAt after the change, by Twenty's clock; 0: not told */
	json_t *fields; /* {name: value as answered} of what was set; NULL with others: whatever a
			   change of this kind changes */
	json_t *others; /* the same where the value is not the one that was asked for: another
			   call's, or written in Twenty's own way */
	json_t *by;     /* who is named as the last to have changed it; NULL: nobody */
	bool late;      /* the answer, and at_ms with it, may be of a later time than the change */
};

struct client_answer { /* BORROWS during the call back */
	enum rc code;
	json_t *value;       /* of RC_OK, and of http what was answered with an error; take a
				reference to keep it */
	int status;          /* HTTP status; 0: none came */
	const char *name;    /* stable word for rules: "not_found" "duplicate" "limited" .. */
	const char *message; /* a sentence without path, address or key */
	bool retryable;
	bool unknown;       /* an effect whose outcome nobody knows (no answer in time) */
	int requests;       /* HTTP requests it took */
	int64_t started_us; /* mono: when its first request went out; 0: none did */
	int64_t wire_us;    /* time on the wire; the rest of the call's time it waited */
	const struct client_write *writes; /* what it changed, also where it failed half way */
	size_t writes_n;
};
typedef void (*client_done_fn)(void *ctx, const struct client_answer *answer);

struct client_call { /* BORROWS until client_submit returns; object is copied, args referenced */
	enum client_op op;
	const char *object; /* plural: "people"; [A-Za-z][A-Za-z0-9]* */
	json_t *args;
	const char *name; /* stable name of the call, from which ids of creates are derived:
			     event/rule/path */
	enum client_lane lane;
	int64_t since_ms;    /* wall: an earlier life of the caller may have sent it, then or later,
				and has not seen its answer; 0: it is new */
	client_done_fn done; /* called from the loop, never from within client_submit */
	void *ctx;
};

/* GIVES (client_free). loop is BORROWED for its life. key and url come from conf. */
enum rc client_new(const struct conf *conf, struct sd_event *loop, struct client **ret_client,
	struct err *err) must_check;
/* Takes over http.allow and secrets of another configuration. RC_INVALID: nothing changes. */
enum rc client_renew(struct client *client, const struct conf *conf, struct err *err) must_check;
/* may is asked right before anything leaves for Twenty or, by http, another server; false: it does
 * not, and the client is to be freed. BORROWS ctx. */
void client_permit(struct client *client, bool (*may)(void *ctx), void *ctx);
/* Ends at once, not from within a call back; outstanding calls are answered with RC_CLOSED (unknown
 * where they were on the wire). */
void client_free(struct client *client);

/* RC_OK: done will be called exactly once. RC_INVALID, RC_DENIED (bad name or id, an empty
 * condition or id in an effect ..), RC_NOMEM: nothing happens. ret_ticket names the call for
 * client_cancel. */
enum rc client_submit(struct client *client, const struct client_call *call, uint64_t *ret_ticket,
	struct err *err) must_check;
/* The caller has lost interest: done will not be called. What is on the wire goes on. */
void client_cancel(struct client *client, uint64_t ticket);
/* Has something of this call, which is not answered yet, gone out that changes anything? */
bool client_acted(const struct client *client, uint64_t ticket);

/* A budget that several clients share (purse.h) is bytes with a version, kept where all of them
 * reach it. CLIENT_PURSE_LOOK is the version of none; 0 stands for nothing that is there. */
#define CLIENT_PURSE_LOOK (-1)

struct client_purse {
	void *ctx;
	/* Puts state in the place of that version, and raises it by one; where another version is
	 * there, nothing changes. Either way client_purse_came is due, never from within this call;
	 * until then it is not called again. state: BORROWED during the call. */
	void (*swap)(void *ctx, int64_t version, struct slice state);
};

struct client_purse_answer { /* BORROWS */
	bool swapped;
	int64_t version;    /* not swapped: what is there, 0: nothing; */
	struct slice state; /* nothing in it: new */
	int64_t now_ms;     /* by the clock of where it is kept, read between call and answer */
};

/* The budget of twenty.budget is one for all clients that reach this purse. Before the first call.
 */
void client_purse_share(struct client *client, const struct client_purse *purse);
void client_purse_came(struct client *client, const struct client_purse_answer *answer);

struct client_event {         /* BORROWS; a webhook of this workspace */
	const char *object;   /* "person" */
	const json_t *record; /* as it is after the change */
	const json_t *fields; /* updatedFields: array of names; NULL: none */
};
/* What came in may be the echo of a write of ours, which some of them wait for. Cheap. */
void client_heard(struct client *client, const struct client_event *event);

/* For whoever does not hear all webhooks. Does the client wait for echoes at all? */
enum client_wait {
	CLIENT_WAIT_NONE,
	CLIENT_WAIT_ECHO,   /* some may come */
	CLIENT_WAIT_ANSWER, /* one is held back until its echo has come */
};
enum client_wait client_waits(struct client *client);
/* Which webhooks would tell it anything now: those of these records, of objects ("person") those
 * with record NULL. BORROWED until the client is asked for anything else. */
typedef void (*client_listen_fn)(void *ctx, const char *object, const char *record);
void client_listen(const struct client *client, client_listen_fn fn, void *ctx);

struct client_status {
	const char *dialect; /* "core" "docs" "unknown"; STATIC */
	bool reachable;      /* the last attempt was answered */
	bool refused;        /* the key was refused (401, 403 on everything) */
	char problem[256];   /* why not reachable or refused; "" */
	int64_t calls, requests, waiting, in_flight;
	double tokens; /* -1: unlimited */
	double rate;   /* requests a minute, as configured or learned; -1: unlimited */
	int64_t lanes[CLIENT_LANE_N]; /* waiting ones */
	const char *waiting_for;      /* "budget" "twenty" (down, refusing, or failing), "": nobody
					 waits, or only for answers; STATIC */
	int64_t next_ms;              /* while they do: until the next request or probe may go */
};
void client_status(const struct client *client, struct client_status *ret_status);
/* What Twenty's clock shows, by the Date of its last answer: never later than it does, earlier by a
 * second and the way of that answer at most. Wall ms; -1: not known. */
int64_t client_clock_ms(const struct client *client);

/* Turns a record of either dialect, as a webhook or an answer brings it, into the shape that rules
 * see. Answers a new reference, NULL when memory is short. object: singular or plural. */
json_t *client_record(const char *object, const json_t *record);
/* The value of a field by the name that a webhook gives it: a relation has two, company and
 * companyId. NULL where there is none. BORROWS. */
json_t *client_field(const json_t *record, const char *name);
/* "people" -> "person"; where it is not known, the name itself. BORROWS. */
const char *client_singular(const struct schema *schema, const char *object);
/* Where the single value of a field stands in such a record: "email" -> "emails.primaryEmail",
 * "company" -> "companyId"; most names are paths themselves. False where it is no name of a field,
 * could be several, or does not fit. object: singular or plural. client: NULL: only standard fields
 * have short names. */
bool client_path(const struct client *client, const char *object, const char *name, char *ret_path,
	size_t path_n);
/* "person" -> "people": as the workspace says, else of a standard object. False: not known, or it
 * does not fit. */
bool client_plural(
	const struct client *client, const char *singular, char *ret_plural, size_t plural_n);
/* What the workspace says of its fields (schema.h); NULL: not read (yet). BORROWS until the loop
 * goes on. client may be NULL. */
const struct schema *client_schema(const struct client *client);
/* Has it read again before long: what was made of it may have changed. */
void client_schema_ask(struct client *client);
/* How often that was read: what was made of an earlier one is made anew. */
unsigned client_schema_n(const struct client *client);
/* "person" -> "people": as the workspace says, else of a standard object, else the name itself.
 * BORROWS from both. */
const char *client_plural_name(const struct schema *schema, const char *object);
/* client_path with what a workspace says; schema NULL: only standard fields have short names. */
bool client_path_of(const struct schema *schema, const char *object, const char *name,
	char *ret_path, size_t path_n);

#endif
