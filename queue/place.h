/* SPDX-License-Identifier: MIT */
/*
 * Where the store is and how it is reached: what a configuration says of it. Part of queue.h.
 *
 * A store in a database has an address without a password: that comes from the configuration
 * (database.password, a file or the environment), or from where libpq looks for it (PGPASSFILE,
 * ~/.pgpass, passfile= in the address). Nothing here ever says it.
 */
#ifndef MOONHOOK_QUEUE_PLACE_H
#define MOONHOOK_QUEUE_PLACE_H

#include "queue/queue.h"

enum queue_durability {
	QUEUE_DURABLE, /* what is acknowledged is on the disk; a database that promises less is
			  refused */
	QUEUE_RELAXED, /* as the database is set up, whatever it may lose with the power */
};

struct queue_place {
	const char *store;    /* a folder, "memory:..", or the address of a database; BORROWS */
	const char *password; /* of the database; NULL: libpq finds it. BORROWS */
	enum queue_durability durability;
};

/* What conf says; BORROWS from it. */
void queue_place_of(const struct conf *conf, struct queue_place *ret_place);
/* Is it in a database, which may be away while this process lives? */
bool queue_place_away(const struct queue_place *place);
/* As queue_open_after. Of a database also: RC_IO, nobody answers, or not now; RC_DENIED, RC_INVALID
 * and RC_UNSUPPORTED: a person has to do something. Every attempt ends within seconds for each host
 * that the address names. */
enum rc queue_place_open(const struct queue_place *place, enum queue_side side, int64_t wait_ms,
	struct queue **ret_queue, struct err *err) must_check;

#endif
