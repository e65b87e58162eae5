/* SPDX-License-Identifier: MIT */
/*
 * Events that no delivery brought (gap fill, timers): born here, routed like the others. Until they
 * are, they live in memory only: whoever makes them must be able to make them again.
 */
#ifndef MOONHOOK_RUNNER_BIRTH_H
#define MOONHOOK_RUNNER_BIRTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/id.h"
#include "base/slice.h"

struct birth;

/*
 * It is about to be written: takes what it was made of from the store, in the same transaction.
 * ret_was false: that is gone meanwhile, and the event is for no rule.
 */
typedef enum rc (*birth_take_fn)(
	void *ctx, const struct birth *birth, bool *ret_was, struct err *err);

struct birth {
	struct birth *next;
	struct id id;
	const char *via; /* "gap" ..; STATIC */
	char *source;    /* of a delivery that is routed once more, with its headers; else "" */
	char *headers;
	size_t headers_n;
	char *body; /* as a delivery's: {eventName, record, updatedFields, ..} */
	size_t body_n;
	int64_t received_ms; /* wall */
	/* It is written, not yet committed; NULL: nobody wants to know. */
	void (*routed)(void *ctx);
	birth_take_fn take;
	void *ctx;
	int64_t number;
	int64_t cause;
	int depth;
};

struct births { /* zeroed: none */
	struct birth *first, *last;
	size_t n;
};

struct birth_new { /* BORROWS source, headers, body */
	const char *via;
	const char *source; /* NULL: none; a body as Twenty's */
	struct slice headers, body;
	int64_t received_ms;
	void (*routed)(void *ctx);
	birth_take_fn take; /* NULL: it is made of nothing that is kept */
	void *ctx;
	int64_t number; /* the maker's own */
	int64_t cause;  /* seq of the run that is behind it; 0: none of ours */
	int depth;      /* of the event in its chain; 0: it begins one */
};

/* Adds an event behind the others. RC_NOMEM, RC_IO (no random bytes for its id). */
enum rc birth_add(struct births *births, const struct birth_new *new, struct err *err) must_check;
/* Takes the oldest; NULL: there is none. GIVES (birth_free). */
struct birth *birth_take(struct births *births);
void birth_free(struct birth *birth);
/* Forgets all of them; nobody is told. */
void births_clear(struct births *births);

#endif
