/* SPDX-License-Identifier: MIT */
/*
 * A small Twenty in memory: the records that a test gives, and what its rules make of them. It
 * answers what no stub answers, by the client's own reading of conditions, names and orders. Knows
 * no schema: fields are what records have.
 */
#ifndef MOONHOOK_RUNNER_REHEARSE_WORLD_H
#define MOONHOOK_RUNNER_REHEARSE_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/err.h"
#include "client/client.h"

struct world {
	json_t *objects; /* {people: [record, ..]}, in the shape of a server */
	json_t *given;   /* {people: true}: the test says all there is of them */
	int made_n;      /* ids that were made up */
};

/* records: {people: [{..}, ..]} as a test writes them, or NULL. RC_INVALID with a sentence,
 * RC_NOMEM. */
enum rc world_open(struct world *world, const json_t *records, struct err *err) must_check;
void world_close(struct world *world); /* accepts a zeroed one */
/* An event tells of a record: it is there, as it says, where the test does not say what is. action:
 * "created" .. "destroyed". RC_NOMEM. */
enum rc world_hear(struct world *world, const char *singular, const char *action,
	const json_t *record) must_check;
/* The plural of an object, by the table of standard ones, else by English. */
void world_plural(const char *singular, char *ret_plural, size_t n);

struct world_call { /* BORROWS */
	enum client_op op;
	const char *object;
	const json_t *args;
};
/* GIVES the value. Any other code: err is the sentence, as Twenty or the client would say it. */
enum rc world_answer(struct world *world, const struct world_call *call, json_t **ret_value,
	struct err *err) must_check;

#endif
