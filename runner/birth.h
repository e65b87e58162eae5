/* SPDX-License-Identifier: MIT */
/*
 * Events that no delivery brought (gap fill, timers): born here, routed like the others. Until they
 * are, they live in memory only: whoever makes them must be able to make them again.
 */
#ifndef MOONHOOK_RUNNER_BIRTH_H
#define MOONHOOK_RUNNER_BIRTH_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/id.h"
#include "base/slice.h"

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
	void *ctx;
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
	void *ctx;
};

/* Adds an event behind the others. RC_NOMEM, RC_IO (no random bytes for its id). */
enum rc birth_add(struct births *births, const struct birth_new *new, struct err *err) must_check;
/* Takes the oldest; NULL: there is none. GIVES (birth_free). */
struct birth *birth_take(struct births *births);
void birth_free(struct birth *birth);
/* Forgets all of them; nobody is told. */
void births_clear(struct births *births);

#endif
