/* SPDX-License-Identifier: MIT */
/*
 * What shape the database of a shared store is in: who answers, how long that takes, what it is set
 * to, what we may do there, how large it has become. Part of queue.h; for people, and for a daemon
 * that is about to start. Has a connection of its own, and changes nothing: what a durable commit
 * takes is measured by a message in the database's log that nobody reads.
 */
#ifndef MOONHOOK_QUEUE_SERVER_H
#define MOONHOOK_QUEUE_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "queue/place.h"

#define QUEUE_SERVER_OLDEST 13 /* major version of PostgreSQL; what is older is refused */

struct queue_server {
	char name[160];   /* "PostgreSQL at host/database" */
	char version[40]; /* "15.6 (Debian ..)" */
	int major;        /* 15 */
	char user[64], schema[64];
	int schema_version, schema_newest; /* 0: there is none yet; and that of this program */
	bool replica;                      /* it follows another server, and takes no writes */
	bool read_only;                    /* it takes no writes from us */
	char synchronous_commit[16];
	bool several;      /* the address names more than one host: it may fail over */
	char standbys[64]; /* synchronous_standby_names; "": a commit waits for no other disk */
	bool fsync, pages; /* full_page_writes: without either, a power cut may damage it */
	bool relaxed;      /* that, or less, is allowed by name */
	char encoding[24]; /* "UTF8" */
	bool near;         /* a Unix socket, or loopback */
	char tls[16];      /* "TLSv1.3"; "": none */
	bool vacuum;       /* autovacuum runs */
	int64_t connections_n, connections_max; /* of all its users; for those without privilege */
	int64_t ours_n;                         /* of programs that call themselves moonhook */
	char lacks[200];                        /* what we are not allowed to do; "" */
	const char *part; /* "receiver" "console": our user may do what those need, and no more;
			   * NULL: all. STATIC */

	/* Where it was looked at closely: */
	int64_t round_us;                   /* question and answer, the median */
	int64_t commit_us;                  /* a durable commit, the median; -1: not measured */
	char commit_problem[128];           /* why not; "" */
	int64_t ahead_ms, ahead_off_ms;     /* its clock is ahead of ours, give or take .. */
	int64_t used_bytes, rows_n, dead_n; /* of our tables; dead: to be vacuumed */
	char worst[64];                     /* the table that has most of them; "" */
	int64_t worst_rows_n, worst_dead_n;
	char unvacuumed[64]; /* a table of ours with autovacuum turned off; "" */
};

enum queue_server_look {
	QUEUE_SERVER_START,    /* what a start has to know */
	QUEUE_SERVER_RECEIVER, /* the same, of a receiver alone: its user may do much less */
	QUEUE_SERVER_CONSOLE,  /* the same, of who only reads */
	QUEUE_SERVER_CLOSE,    /* measures and sums, too; which part is our user's */
};

/* Blocks, some seconds at most for each host that the address names. RC_IO: nobody answers, or not
 * now; RC_DENIED: it refuses us; RC_INVALID: the address; RC_UNSUPPORTED: the store is no database.
 */
enum rc queue_server_read(const struct queue_place *place, enum queue_server_look look,
	struct queue_server *ret_server, struct err *err) must_check;
/* Can receivers and runners work with it? RC_UNSUPPORTED, RC_DENIED: not until a person has done
 * something; RC_BUSY: it takes no writes for now. */
enum rc queue_server_check(const struct queue_server *server, struct err *err) must_check;

#endif
