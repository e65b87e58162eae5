/* SPDX-License-Identifier: MIT */
/*
 * The twin without its sockets and threads: a request is a function call. All that the rest of a
 * simulation may see of the twin; its objects are linked into one, of which only these names stay
 * visible, because client and twin have names in common.
 */
#ifndef MOONHOOK_TESTS_SIM_SERVER_H
#define MOONHOOK_TESTS_SIM_SERVER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/slice.h"

struct server;

#define SERVER_ID_N 37 /* a UUID and its NUL */

struct server_conf {         /* BORROWS for the life of the server */
	const char *dialect; /* "core" "docs" */
	const char *budget;  /* "100/m" "none" */
	const char *key;
	unsigned people; /* with people / 4 companies, people / 8 opportunities */
	uint64_t seed;
	/* A change, as its webhook would tell it; from within what made the change. NULL: nobody
	 * listens. body: BORROWED during the call. */
	void (*on_event)(void *ctx, struct slice body);
	void *ctx;
};

struct server_request { /* BORROWS */
	const char *method;
	const char *target; /* path and query */
	const char *authorization;
	struct slice body;
};

struct server_answer { /* server_answer_done */
	int status;
	char *body; /* owned */
	size_t body_n;
	char headers[4][96]; /* "Retry-After: 1\r\n"; "": none */
};

/* NULL: no memory, or a word of conf that is no good. */
struct server *server_open(const struct server_conf *conf);
/* Accepts NULL. */
void server_close(struct server *server);
/* Does what is asked, at once. False: out of memory. */
bool server_answer(struct server *server, const struct server_request *request,
	struct server_answer *ret_answer) must_check;
void server_answer_done(struct server_answer *answer);
/* Requests a minute from now on, as server_conf has them; the bucket is full. */
bool server_budget(struct server *server, const char *budget) must_check;

/* The id of the i-th seeded "person", "company" or "opportunity". */
void server_id(const char *kind, unsigned i, char ret_id[static SERVER_ID_N]);

/* Beneath the API, without a request. objects: plural. */

/* The record, soft-deleted or not; NULL: there is none. BORROWS until the next change. */
const json_t *server_record(const struct server *server, const char *objects, const char *id);
/* How many there are, soft-deleted ones included. */
size_t server_record_n(const struct server *server, const char *objects);
/* What another user does. Their events are told as any other. False: no such record, or already
 * so. */
bool server_delete(struct server *server, const char *objects, const char *id);
bool server_restore(struct server *server, const char *objects, const char *id);
bool server_destroy(struct server *server, const char *objects, const char *id);
/* input: BORROWED, in the composite form. */
bool server_update(struct server *server, const char *objects, const char *id, const json_t *input);

#endif
