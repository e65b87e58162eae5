/* SPDX-License-Identifier: MIT */
/*
 * A sender with a ledger: a process of its own that delivers events one after the other over
 * several connections, notes each in a file before it is sent and, synced, once it is acknowledged,
 * and outlives the daemon. What was left without an answer is sent again, the same bytes under a
 * new signature, as a sender does that cannot know. Now and then it also sends again what was
 * acknowledged: that must be a repeat with the same id.
 */
#ifndef MOONHOOK_TESTS_CRASH_STREAM_H
#define MOONHOOK_TESTS_CRASH_STREAM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { STREAM_CONNECTIONS = 16, STREAM_MAX = 1 << 20, STREAM_PORTS = 2 };

struct stream_counts {    /* shared with the process */
	_Atomic int rate; /* new events a second; 0: none, what is on its way is finished */
	_Atomic int stop;
	_Atomic int64_t sent, acked; /* events */
	_Atomic int64_t waiting;     /* events on their way */
	_Atomic int64_t again;       /* sent again for lack of an answer */
	_Atomic int64_t repeats;     /* acknowledged ones sent again, and known */
	_Atomic int64_t forgotten;   /* the same, but taken for new, or under another id */
	_Atomic int64_t refused;     /* connections that nobody took */
	_Atomic int64_t broken;      /* connections that ended before the answer */
	_Atomic int64_t late;  /* no answer within five seconds, which is all that Twenty waits */
	_Atomic int64_t busy;  /* 503 */
	_Atomic int64_t wrong; /* any other answer */
};

struct stream {
	pid_t pid;
	struct stream_counts *counts;
	char ledger[192];
};

struct stream_conf {
	int ports[STREAM_PORTS]; /* of receivers on loopback; the second may be 0. A connection
				    stays with one until that refuses, or is gone */
	bool repeats;            /* acknowledged events are sent again */
	bool careless; /* a control: takes a refusal, or no answer, for an acknowledgement */
};
/* Sends at no rate yet. */
bool stream_start(
	struct stream *s, const char *dir, const struct stream_conf *conf, const char *secret);
/* No new events; waits until all that were sent are acknowledged. */
bool stream_settle(struct stream *s, int64_t wait_ms);
void stream_stop(struct stream *s);

struct ledger {                      /* what the file says; done with ledger_done */
	unsigned char *sent, *acked; /* of event k */
	unsigned char *turns;
	char (*ids)[28]; /* where acked */
	size_t n;        /* events sent */
	size_t acked_n;
};
bool ledger_read(const char *file, struct ledger *ret_ledger);
void ledger_done(struct ledger *l);

#endif
