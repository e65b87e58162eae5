/* SPDX-License-Identifier: MIT */
/*
 * What has been seen: a durable set of keys, each with the sequence number it first came with.
 *
 * Keys come in no order, and an index in the order of keys would write one page for each of them.
 * So the newest keys are indexed in memory and stored as a log, in the order they came (table
 * seen). What memory does not want to hold any longer moves, in the order of its hash, to an index
 * in the file (table seen_old): a sweep goes round and round the hashes, a little with every put,
 * and takes along several keys for each page it writes: at a million rows a put costs a third of
 * what an index alone costs (8 us of processor time a row, not 24). At start the log of the last
 * two rounds is read back.
 */
#ifndef MOONHOOK_QUEUE_SQL_SEEN_H
#define MOONHOOK_QUEUE_SQL_SEEN_H

#include "queue/db.h"

struct seen_slot {
	uint64_t hash;
	int64_t seq; /* 0: empty */
};

struct seen_undo { /* what a rollback has to take back */
	bool on;
	struct seen_slot *moved; /* since seen_begin, to seen_old */
	size_t moved_n, moved_cap;
	uint64_t at, marked; /* as hashes: how many slots there are may change */
	int64_t newest, pass, pass_before;
	bool old;
};

struct seen {
	struct db *db;           /* BORROWED */
	struct seen_slot *slots; /* linear probing from the top bits of the hash */
	unsigned bits;           /* 1 << bits slots */
	size_t n, max;           /* entries; entries that memory should hold */
	size_t at;               /* slot the sweep has come to */
	uint64_t marked;         /* the hash at that slot, as the file knows it */
	uint64_t seed;
	int64_t newest, least;     /* seq */
	int64_t pass, pass_before; /* newest seq when this round and the one before began */
	bool old;                  /* seen_old holds something */
	struct seen_undo undo;
};

enum { SEEN_MAX = 131072 };

/* max: entries to be held in memory (SEEN_MAX). Within a transaction of db. */
enum rc seen_open(struct seen *seen, struct db *db, size_t max, struct err *err) must_check;
void seen_done(struct seen *seen);
/* For a transaction of db that may be rolled back without ending the process: what is put between
 * seen_begin and seen_rollback has never been put. After a commit: seen_end. Without seen_begin a
 * rollback leaves the set incomplete. */
void seen_begin(struct seen *seen);
void seen_end(struct seen *seen);
void seen_rollback(struct seen *seen);
/* ret_seq: with which the key came first; 0 where it is new. */
enum rc seen_find(
	struct seen *seen, struct slice key, int64_t *ret_seq, struct err *err) must_check;
/* Adds a key that seen_find did not find. Within a transaction. */
enum rc seen_put(struct seen *seen, struct slice key, int64_t seq, struct err *err) must_check;
/* Forgets the key that came with seq, if there is one. least: no older seq is left. */
enum rc seen_delete(struct seen *seen, int64_t seq, struct err *err) must_check;
void seen_set_least(struct seen *seen, int64_t least);
/* A keyed hash of bytes, never 0; the seed is the store's. */
uint64_t seen_hash(const struct seen *seen, struct slice bytes);

#endif
