/* SPDX-License-Identifier: MIT */
/*
 * What differs between the two REST dialects of Twenty, behind one table of functions: how each
 * request is written and how its answer is read. Records cross this line in the shape of a real
 * server, in both directions. A dialect keeps no state and sends nothing.
 *
 * Builders fail with RC_UNSUPPORTED and a sentence where the dialect cannot say it rightly, with
 * RC_TOO_LARGE or RC_NOMEM; readers with RC_UPSTREAM where an answer is not what the dialect
 * promises.
 */
#ifndef MOONHOOK_CLIENT_DIALECT_H
#define MOONHOOK_CLIENT_DIALECT_H

#include <stdbool.h>

#include <jansson.h>

#include "base/err.h"
#include "client/group.h"
#include "client/request.h"
#include "client/where.h"

enum deleted { DELETED_NOT, DELETED_ONLY, DELETED_ALSO };

struct query { /* BORROWS */
	const struct schema *schema;
	const char *object;
	const struct where *where; /* NULL: everything */
	const json_t *order;       /* array of "name" or "-name"; NULL: the server's own */
	int64_t limit;             /* records of this page */
	const char *after;         /* cursor; NULL: from the start */
	int depth;                 /* 0, 1 */
	const json_t *fields;      /* array of names; NULL: all */
	enum deleted deleted;
};

struct page {            /* page_done */
	json_t *records; /* array */
	char *next;      /* cursor behind the last record; NULL: that was all */
	int64_t total;   /* -1: not said */
};
void page_done(struct page *page);

enum absence {            /* what a 404 says is missing */
	ABSENT_SOMETHING, /* a record or its object: it does not say */
	ABSENT_RECORD,
	ABSENT_ROUTE, /* nothing answers requests of this kind */
};

struct fault { /* what an error answer means */
	enum rc code;
	enum absence absence;     /* of RC_NOT_FOUND */
	bool key;                 /* it is about the key, not about this request */
	char message[200];        /* for rules: no path, address or key */
	int64_t limit, window_ms; /* of 429: the budget it names; 0: none */
};

enum restore_form {        /* of servers of the core dialect */
	RESTORE_BY_FILTER, /* PATCH /restore/people?filter= */
	RESTORE_BY_PATH,   /* PATCH /people/{id}/restore */
};

struct dialect {
	const char *name;
	bool own_ids;       /* the id of a new record may be chosen here */
	bool deleted_lists; /* soft-deleted records can be listed */
	bool merge_preview;
	bool totals;              /* lists say how many records there are */
	int merge_n;              /* records that one merge may take away */
	int batch_n;              /* records per batch */
	int page_n, page_default; /* records per page: at most, by default */

	enum rc (*get)(struct request *r, const char *object, const char *id, int depth,
		const json_t *fields, struct err *err);
	/* *ret_fit: whether the answer has to be filtered here */
	enum rc (*list)(struct request *r, const struct query *query, enum where_fit *ret_fit,
		struct err *err);
	enum rc (*create)(
		struct request *r, const char *object, const json_t *data, struct err *err);
	enum rc (*create_many)(
		struct request *r, const char *object, const json_t *list, struct err *err);
	enum rc (*update)(struct request *r, const char *object, const char *id, const json_t *data,
		struct err *err);
	/* The same change of several records; ids: array. Core only. */
	enum rc (*update_ids)(struct request *r, const char *object, const json_t *ids,
		const json_t *data, struct err *err);
	/* Different changes of several records, each with its id. Core only; see upsert.h. */
	enum rc (*upsert)(
		struct request *r, const char *object, const json_t *rows, struct err *err);
	/* Changes the record only where the condition holds, in one step; NULL: there is no such
	 * request. The answer is a list of the record or of nothing. */
	enum rc (*update_if)(struct request *r, const char *object, const char *id,
		const struct where *where, const json_t *data, struct err *err);
	enum rc (*remove)(struct request *r, const char *object, const char *id, struct err *err);
	/* The answer is the record or a list of it. */
	enum rc (*restore)(struct request *r, const char *object, const char *id,
		enum restore_form form, struct err *err);
	/* For good. NULL: the dialect has no such request. */
	enum rc (*destroy)(struct request *r, const char *object, const char *id, struct err *err);
	/* RC_UNSUPPORTED: the groups have to be made here. *ret_fit as of list. */
	enum rc (*group)(struct request *r, const char *object, const struct grouping *grouping,
		const struct where *where, enum where_fit *ret_fit, struct err *err);
	/* records: array of what to compare with */
	enum rc (*duplicates)(
		struct request *r, const char *object, const json_t *records, struct err *err);
	enum rc (*duplicates_of)(
		struct request *r, const char *object, const char *id, struct err *err);
	/* from: array of at most merge_n ids */
	enum rc (*merge)(struct request *r, const char *object, const char *into,
		const json_t *from, bool preview, struct err *err);

	/* GIVE (json_decref, page_done). */
	enum rc (*read_record)(
		const char *object, const json_t *body, json_t **ret_record, struct err *err);
	enum rc (*read_records)(
		const char *object, const json_t *body, json_t **ret_records, struct err *err);
	enum rc (*read_page)(
		const char *object, const json_t *body, struct page *ret_page, struct err *err);
	/* An array with one array of records for each input. */
	enum rc (*read_duplicates)(const char *object, const json_t *body, size_t inputs_n,
		json_t **ret_lists, struct err *err);
	/* An array of rows (group.h). RC_UNSUPPORTED: not all that was asked for is in it. */
	enum rc (*read_groups)(const struct grouping *grouping, const json_t *body,
		json_t **ret_rows, struct err *err);
	/* status is not 2xx; body may be NULL (no JSON). */
	void (*read_fault)(int status, const json_t *body, struct fault *ret_fault);
};

extern const struct dialect dialect_core, dialect_docs;

/* The rest is what dialects share. What a failure to build a request means: RC_UNSUPPORTED where it
 * grew too long. */
enum rc dialect_built(enum rc rc, struct err *err);
/* Begins a request about one record. RC_DENIED: no id. */
enum rc dialect_start_record(struct request *r, enum request_method method, const char *object,
	const char *id, struct err *err) must_check;
/* Begins one about an object, with a body. TAKES body; NULL counts as no memory. */
enum rc dialect_start_action(struct request *r, enum request_method method, const char *object,
	const char *action, json_t *body, struct err *err) must_check;
/* An answer that a reader cannot make sense of. */
enum rc dialect_strange(struct err *err);

/* Faults, by status alone. */
void fault_of_status(int status, struct fault *ret_fault);
/* Reads what a 404's own words say is missing. */
void fault_absence(struct fault *fault, const char *text);
/* An answer without any of Twenty's words: from a proxy, or an address that leads elsewhere. Its
 * 404 says nothing about a record. */
void fault_foreign(struct fault *fault);
/* Copies a server's message without what looks like a path or an address, cut to size. */
void fault_message(struct fault *fault, const char *text);

#endif
