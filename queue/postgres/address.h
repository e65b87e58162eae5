/* SPDX-License-Identifier: MIT */
/* The address of a store in PostgreSQL: what of it is ours, and what libpq shall know. */
#ifndef MOONHOOK_QUEUE_POSTGRES_ADDRESS_H
#define MOONHOOK_QUEUE_POSTGRES_ADDRESS_H

#include "queue/place.h"

struct postgres_address {
	char *uri;        /* libpq's: without the parameters that are ours */
	char *schema;     /* schema=..; else "moonhook" */
	bool relaxed;     /* durability=relaxed, or the place says so */
	bool near;        /* a socket or loopback: nobody listens between it and us */
	int64_t lease_ms; /* lease=10s; else QUEUE_LEASE_MS */
	bool several;     /* names more than one host */
	char name[120];   /* "PostgreSQL at host:port/database", for people */
};

/* RC_INVALID with a sentence that shows no password, RC_NOMEM. GIVES with postgres_address_done,
 * also when it fails. */
enum rc postgres_address_parse(const struct queue_place *place,
	struct postgres_address *ret_address, struct err *err) must_check;
void postgres_address_done(struct postgres_address *address);

#endif
