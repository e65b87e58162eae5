/* SPDX-License-Identifier: MIT */
/*
 * One suite for all backends of the queue. A case is written once with QUEUE_CASE and becomes three
 * tests, queue_sqlite/<name>, queue_memory/<name> and queue_postgres/<name>; it gets a fresh store
 * with a receiver and a runner open, and helpers that fail the test when a call fails.
 */
#ifndef MOONHOOK_TESTS_CONFORMANCE_QUEUE_SUITE_H
#define MOONHOOK_TESTS_CONFORMANCE_QUEUE_SUITE_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/queue.h"

enum { SUITE_MAX = 512 };
#define SUITE_NOW_MS 1763900000000 /* of deliveries and outcomes in these tests */

struct suite {
	char folder[64];    /* SQLite's, made here; else empty */
	char postgres[160]; /* PostgreSQL's; else empty. By a user who owns nothing in it */
	char owner[160];    /* the same as its owner */
	const char *store;
	struct queue *receiver, *runner;
	struct err err;
	struct queue_run runs[SUITE_MAX]; /* claimed and not given back */
	size_t runs_n;
};

/* "postgres:owner": by the owner of the schema, as whoever copies a store has to be. */
void suite_start(struct suite *s, const char *store);
void suite_end(struct suite *s);
/* Removes a folder and the files in it. */
void suite_remove(const char *folder);
void suite_folder(char folder[static 64]);

/* Do several runners and receivers work on it at once? Others have one of each. */
bool suite_shared(const struct suite *s);
/* Stores one delivery; key NULL: never a repeat. Returns the id that it has now. */
struct id suite_put(struct suite *s, const char *key, const char *body);
/* Routes the next n deliveries, each with one run of `rule` that holds `key`; claims up to
 * claim_max. Returns how many were claimed; they are behind the others in s->runs. */
size_t suite_route(struct suite *s, size_t n, const char *rule, const char *key, size_t claim_max);
/* Puts a delivery and routes it so. */
size_t suite_event(struct suite *s, const char *rule, const char *key, size_t claim_max);
/* The same with a second key. */
size_t suite_event_also(
	struct suite *s, const char *rule, const char *key, const char *also, size_t claim_max);
/* Claims up to max; they replace s->runs. */
size_t suite_claim(struct suite *s, int64_t now_ms, size_t max);
void suite_finish(struct suite *s, const struct queue_run *run, enum queue_state state);
/* Releases it until due_ms. */
void suite_release(struct suite *s, const struct queue_run *run, int64_t due_ms, bool attempt_used);
void suite_commit(struct suite *s);
void suite_forget_runs(struct suite *s);

/* The state of the run, of the event with this number in order (0: the oldest). */
enum queue_state suite_run_state(struct suite *s, const char *id);
enum queue_state suite_event_state(struct suite *s, size_t index);
/* How many rows a list gives. */
size_t suite_events_n(struct suite *s, const struct queue_filter *filter);
size_t suite_runs_n(struct suite *s, const struct queue_filter *filter);
/* The counters are what counting the rows gives. */
void suite_check_counts(struct suite *s);

#define suite_ok(s, call) cr_assert((call) == RC_OK, "%s: %s", #call, (s)->err.msg)

#define QUEUE_CASE(name)                                                                           \
	static void name(struct suite *s);                                                         \
	Test(queue_sqlite, name)                                                                   \
	{                                                                                          \
		struct suite s;                                                                    \
		suite_start(&s, NULL);                                                             \
		name(&s);                                                                          \
		suite_end(&s);                                                                     \
	}                                                                                          \
	Test(queue_memory, name)                                                                   \
	{                                                                                          \
		struct suite s;                                                                    \
		suite_start(&s, "memory:suite");                                                   \
		name(&s);                                                                          \
		suite_end(&s);                                                                     \
	}                                                                                          \
	Test(queue_postgres, name)                                                                 \
	{                                                                                          \
		struct suite s;                                                                    \
		suite_start(&s, "postgres:");                                                      \
		name(&s);                                                                          \
		suite_end(&s);                                                                     \
	}                                                                                          \
	static void name(struct suite *s)

#endif
