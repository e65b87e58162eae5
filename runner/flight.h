/* SPDX-License-Identifier: MIT */
/*
 * Effects that are under way: sent, not answered. An event that may be the work of one of them can
 * not be told from other people's until the answer is there.
 */
#ifndef MOONHOOK_RUNNER_FLIGHT_H
#define MOONHOOK_RUNNER_FLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "client/client.h"

#define FLIGHT_BUCKETS 256
#define FLIGHT_OBJECT_N 64

struct flight { /* zeroed: not under way */
	struct flight *next, **at;
	enum client_op op;
	char object[FLIGHT_OBJECT_N]; /* plural, as the rule named it */
	json_t *args;                 /* owned */
	const uint64_t *ticket; /* of the client; NULL: it was sent by the process before us */
	int64_t began_ms;       /* wall; the effect came no earlier */
};

struct flights {                            /* zeroed: none */
	struct flight *one[FLIGHT_BUCKETS]; /* about one record, by its id */
	struct flight *wide;                /* about several, or about whatever they meet */
	size_t n;
};

struct flight_event {                         /* BORROWS */
	const char *object, *action, *record; /* "person", "updated", its id */
	int64_t received_ms;                  /* wall */
};

/* An effect goes out. ticket is BORROWED until flight_end, and read: 0 while it is not sent. */
void flight_begin(struct flights *flights, struct flight *flight, enum client_op op,
	const char *object, json_t *args, const uint64_t *ticket);
/* It is answered, or nobody waits for it. Accepts one that is not under way. */
void flight_end(struct flights *flights, struct flight *flight);
/* May the event be what this one does, if it is sent? */
bool flight_may_be(
	const struct flight *flight, const struct client *client, const struct flight_event *event);
/* Is it about records that its arguments name? Else about whatever it meets, or makes. */
bool flight_names_records(enum client_op op);
/* May the event be what one of them did? */
bool flights_meet(const struct flights *flights, const struct client *client,
	const struct flight_event *event);

#endif
