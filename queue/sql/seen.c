/* SPDX-License-Identifier: MIT */
/*
 * Deduplication: is this key new?
 *
 * From: sql/inbox.c (dedupe keys of deliveries), sql/route.c (digests of events). To: the
 * tables seen and seen_old of their file. A match of hashes is always held against the key in the
 * log, so an entry of a row that has been removed does no harm. What a transaction entered or moved
 * is taken back with it. Does not decide how long a key is remembered: as long as its row.
 */
#include "queue/sql/seen.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "queue/sql/text.h"

static uint64_t mix(uint64_t h)
{
	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93u;
	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93u;
	return h ^ h >> 32;
}

uint64_t seen_hash(const struct seen *seen, struct slice bytes)
{
	uint64_t h = seen->seed ^ bytes.n * 0x9e3779b97f4a7c15u;
	size_t i = 0;
	for (; i + 8 <= bytes.n; i += 8) {
		uint64_t word;
		memcpy(&word, bytes.p + i, 8);
		h = mix(h ^ word) + seen->seed;
	}
	uint64_t rest = 0;
	if (i < bytes.n)
		memcpy(&rest, bytes.p + i, bytes.n - i);
	h = mix(h ^ rest);
	return h != 0 ? h : 1;
}

/* --- the index in memory ------------------------------------------------------------------------
 */

static size_t slots_n(const struct seen *seen)
{
	return (size_t)1 << seen->bits;
}

static size_t home(const struct seen *seen, uint64_t hash)
{
	return (size_t)(hash >> (64 - seen->bits));
}

static size_t next(const struct seen *seen, size_t i)
{
	return (i + 1) & (slots_n(seen) - 1);
}

static void insert(struct seen *seen, uint64_t hash, int64_t seq)
{
	size_t i = home(seen, hash);
	while (seen->slots[i].seq != 0)
		i = next(seen, i);
	seen->slots[i] = (struct seen_slot){hash, seq};
	seen->n++;
}

static enum rc grow(struct seen *seen, struct err *err)
{
	if (seen->slots != NULL && (seen->n + 1) * 2 <= slots_n(seen))
		return RC_OK;
	struct seen_slot *old = seen->slots;
	size_t old_n = old != NULL ? slots_n(seen) : 0;
	unsigned bits = old != NULL ? seen->bits + 1 : 10;
	struct seen_slot *slots = calloc((size_t)1 << bits, sizeof(*slots));
	if (slots == NULL)
		return err_set(err, RC_NOMEM, "out of memory for deduplication");
	seen->slots = slots;
	seen->bits = bits;
	seen->n = 0;
	seen->at = 2 * seen->at;
	for (size_t i = 0; i < old_n; i++)
		if (old[i].seq != 0)
			insert(seen, old[i].hash, old[i].seq);
	free(old);
	return RC_OK;
}

/* Empties slot i and moves up what had to step aside for it. */
static void take_out(struct seen *seen, size_t i)
{
	for (size_t j = next(seen, i); seen->slots[j].seq != 0; j = next(seen, j)) {
		size_t mask = slots_n(seen) - 1;
		size_t wants = home(seen, seen->slots[j].hash);
		if (((j - wants) & mask) >= ((j - i) & mask)) {
			seen->slots[i] = seen->slots[j];
			i = j;
		}
	}
	seen->slots[i].seq = 0;
	seen->n--;
}

/* --- the sweep ----------------------------------------------------------------------------------
 */

static uint64_t hash_at(const struct seen *seen)
{
	return (uint64_t)seen->at << (64 - seen->bits);
}

/* Where the sweep is, for the next start; a little behind does no harm. */
static enum rc mark(struct seen *seen, struct err *err)
{
	enum rc rc = RC_OK;
	if (seen->at == 0) {
		seen->pass_before = seen->pass;
		seen->pass = seen->newest;
		rc = db_meta_put(seen->db, "seen_pass", seen->pass, err);
		if (rc == RC_OK)
			rc = db_meta_put(seen->db, "seen_pass_before", seen->pass_before, err);
	}
	seen->marked = hash_at(seen);
	return rc == RC_OK ? db_meta_put(seen->db, "seen_at", (int64_t)seen->marked, err) : rc;
}

/* What is moved out may have to come back. */
static enum rc note_moved(struct seen *seen, const struct seen_slot *slot, struct err *err)
{
	struct seen_undo *u = &seen->undo;
	if (!u->on || slot->seq > u->newest)
		return RC_OK;
	if (u->moved_n == u->moved_cap) {
		size_t cap = u->moved_cap != 0 ? u->moved_cap * 2 : 64;
		struct seen_slot *p = realloc(u->moved, cap * sizeof(*p));
		if (p == NULL)
			return err_set(err, RC_NOMEM, "out of memory for deduplication");
		u->moved = p;
		u->moved_cap = cap;
	}
	u->moved[u->moved_n++] = *slot;
	return RC_OK;
}

static enum rc move_out(struct seen *seen, size_t i, struct err *err)
{
	enum rc rc = note_moved(seen, &seen->slots[i], err);
	if (rc != RC_OK)
		return rc;
	struct db_stmt *s = db_use(seen->db, SQL_SEEN_OLD_PUT);
	db_bind_int(seen->db, s, 1, (int64_t)(seen->slots[i].hash >> 1));
	db_bind_int(seen->db, s, 2, seen->slots[i].seq);
	rc = db_run(seen->db, s, err);
	if (rc == RC_OK) {
		seen->old = true;
		take_out(seen, i);
	} else if (seen->undo.on && seen->slots[i].seq <= seen->undo.newest) {
		seen->undo.moved_n--;
	}
	return rc;
}

/* Of the hashes that the sweep has just passed, whose pages are written anyway. */
static enum rc forget_gone(struct seen *seen, size_t from, size_t to, struct err *err)
{
	if (seen->least <= 1 || from >= to)
		return RC_OK;
	unsigned shift = 64 - seen->bits;
	struct db_stmt *s = db_use(seen->db, SQL_SEEN_OLD_FORGET);
	db_bind_int(seen->db, s, 1, (int64_t)(((uint64_t)from << shift) >> 1));
	db_bind_int(seen->db, s, 2, (int64_t)(((((uint64_t)to << shift) - 1)) >> 1));
	db_bind_int(seen->db, s, 3, seen->least);
	return db_run(seen->db, s, err);
}

/* Moves entries to seen_old while memory holds too many, but at most `most` of them. */
static enum rc sweep(struct seen *seen, size_t most, struct err *err)
{
	enum rc rc = RC_OK;
	size_t from = seen->at;
	for (size_t moved = 0; rc == RC_OK && seen->n > seen->max && moved < most;) {
		if (seen->slots[seen->at].seq != 0) {
			rc = move_out(seen, seen->at, err);
			moved++;
			continue;
		}
		seen->at = next(seen, seen->at);
		if (seen->at == 0) {
			rc = forget_gone(seen, from, slots_n(seen), err);
			from = 0;
		}
		if (rc == RC_OK && hash_at(seen) >> 56 != seen->marked >> 56)
			rc = mark(seen, err);
	}
	return rc == RC_OK ? forget_gone(seen, from, seen->at, err) : rc;
}

/* --- rollback --------------------------------------------------------------------------------- */

void seen_begin(struct seen *seen)
{
	struct seen_undo *u = &seen->undo;
	u->on = true;
	u->moved_n = 0;
	u->at = seen->at != 0 ? hash_at(seen) : 0;
	u->marked = seen->marked;
	u->newest = seen->newest;
	u->pass = seen->pass;
	u->pass_before = seen->pass_before;
	u->old = seen->old;
}

void seen_end(struct seen *seen)
{
	seen->undo.on = false;
}

/* There is room for what comes back: it was there before what goes now came. */
void seen_rollback(struct seen *seen)
{
	struct seen_undo *u = &seen->undo;
	u->on = false;
	for (size_t i = 0; seen->slots != NULL && i < slots_n(seen);) {
		if (seen->slots[i].seq > u->newest)
			take_out(seen, i); /* and look at what has moved up */
		else
			i++;
	}
	for (size_t i = 0; i < u->moved_n; i++)
		insert(seen, u->moved[i].hash, u->moved[i].seq);
	seen->at = u->at != 0 ? home(seen, u->at) : 0;
	seen->marked = u->marked;
	seen->newest = u->newest;
	seen->pass = u->pass;
	seen->pass_before = u->pass_before;
	seen->old = u->old;
}

/* --- find and put -------------------------------------------------------------------------------
 */

static enum rc matches(
	struct seen *seen, int64_t seq, struct slice key, bool *ret_same, struct err *err)
{
	struct db_stmt *s = db_use(seen->db, SQL_SEEN_GET);
	db_bind_int(seen->db, s, 1, seq);
	db_bind_blob(seen->db, s, 2, key);
	enum rc rc = db_row(seen->db, s, ret_same, err);
	if (rc == RC_OK)
		db_reset(s);
	return rc;
}

static enum rc find_old(
	struct seen *seen, uint64_t hash, struct slice key, int64_t *ret_seq, struct err *err)
{
	struct db_stmt *s = db_use(seen->db, SQL_SEEN_OLD_FIND);
	db_bind_int(seen->db, s, 1, (int64_t)(hash >> 1));
	for (;;) {
		bool row, same = false;
		enum rc rc = db_row(seen->db, s, &row, err);
		if (rc != RC_OK || !row)
			return rc;
		int64_t seq = db_int(s, 0);
		rc = matches(seen, seq, key, &same, err);
		if (rc != RC_OK || same) {
			db_reset(s);
			*ret_seq = rc == RC_OK ? seq : *ret_seq;
			return rc;
		}
	}
}

/* Where others put keys, too, memory knows nothing; the table has an index of its own there. */
static enum rc find_key(struct seen *seen, struct slice key, int64_t *ret_seq, struct err *err)
{
	struct db_stmt *s = db_use(seen->db, SQL_SEEN_KEY);
	db_bind_blob(seen->db, s, 1, key);
	return db_number(seen->db, s, ret_seq, err);
}

enum rc seen_find(struct seen *seen, struct slice key, int64_t *ret_seq, struct err *err)
{
	uint64_t hash = seen_hash(seen, key);
	*ret_seq = 0;
	if (seen->db->driver->shared)
		return find_key(seen, key, ret_seq, err);
	for (size_t i = seen->n > 0 ? home(seen, hash) : 0; seen->n > 0 && seen->slots[i].seq != 0;
		i = next(seen, i)) {
		bool same = false;
		if (seen->slots[i].hash != hash)
			continue;
		enum rc rc = matches(seen, seen->slots[i].seq, key, &same, err);
		if (rc != RC_OK)
			return rc;
		if (same) {
			*ret_seq = seen->slots[i].seq;
			return RC_OK;
		}
	}
	return seen->old ? find_old(seen, hash, key, ret_seq, err) : RC_OK;
}

enum rc seen_put(struct seen *seen, struct slice key, int64_t seq, struct err *err)
{
	struct db_stmt *s = db_use(seen->db, SQL_SEEN_PUT);
	db_bind_int(seen->db, s, 1, seq);
	db_bind_blob(seen->db, s, 2, key);
	enum rc rc = db_run(seen->db, s, err);
	if (rc != RC_OK || seen->db->driver->shared)
		return rc;
	rc = grow(seen, err);
	if (rc != RC_OK)
		return rc;
	insert(seen, seen_hash(seen, key), seq);
	seen->newest = seq;
	return seen->n > seen->max ? sweep(seen, 4, err) : RC_OK;
}

enum rc seen_delete(struct seen *seen, int64_t seq, struct err *err)
{
	struct db_stmt *s = db_use(seen->db, SQL_SEEN_DELETE);
	db_bind_int(seen->db, s, 1, seq);
	return db_run(seen->db, s, err);
}

void seen_set_least(struct seen *seen, int64_t least)
{
	seen->least = least;
}

/* --- open ---------------------------------------------------------------------------------------
 */

static enum rc load_seed(struct seen *seen, struct err *err)
{
	int64_t seed = 0;
	enum rc rc = db_meta_get(seen->db, "seen_seed", &seed, err);
	if (rc == RC_OK && seed == 0) {
		if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
			return err_set(err, RC_IO, "the system gave no random bytes");
		rc = db_meta_put(seen->db, "seen_seed", seed, err);
	}
	seen->seed = (uint64_t)seed;
	return rc;
}

static enum rc load_log(struct seen *seen, struct err *err)
{
	struct db_stmt *s = db_use(seen->db, SQL_SEEN_AFTER);
	db_bind_int(seen->db, s, 1, seen->pass_before);
	for (;;) {
		bool row;
		enum rc rc = db_row(seen->db, s, &row, err);
		if (rc != RC_OK || !row)
			return rc;
		rc = grow(seen, err);
		if (rc != RC_OK) {
			db_reset(s);
			return rc;
		}
		seen->newest = db_int(s, 0);
		uint64_t hash = seen_hash(seen, db_blob(s, 1));
		/* What this round has passed and was there when it began is in seen_old. */
		if (hash >= seen->marked || seen->newest > seen->pass)
			insert(seen, hash, seen->newest);
	}
}

static enum rc first_int(struct seen *seen, int sql, int64_t *ret_value, struct err *err)
{
	bool row;
	struct db_stmt *s = db_use(seen->db, sql);
	enum rc rc = db_row(seen->db, s, &row, err);
	if (rc != RC_OK)
		return rc;
	*ret_value = row ? db_int(s, 0) : 0;
	db_reset(s);
	return RC_OK;
}

enum rc seen_open(struct seen *seen, struct db *db, size_t max, struct err *err)
{
	*seen = (struct seen){.db = db, .max = max};
	int64_t old = 0, marked = 0;
	enum rc rc = load_seed(seen, err);
	if (rc != RC_OK || db->driver->shared)
		return rc;
	if (rc == RC_OK)
		rc = db_meta_get(db, "seen_pass", &seen->pass, err);
	if (rc == RC_OK)
		rc = db_meta_get(db, "seen_pass_before", &seen->pass_before, err);
	if (rc == RC_OK)
		rc = db_meta_get(db, "seen_at", &marked, err);
	if (rc == RC_OK)
		rc = first_int(seen, SQL_SEEN_OLD_ANY, &old, err);
	if (rc == RC_OK)
		rc = first_int(seen, SQL_SEEN_LEAST, &seen->least, err);
	seen->marked = (uint64_t)marked;
	seen->old = old != 0;
	if (rc == RC_OK)
		rc = load_log(seen, err);
	if (rc == RC_OK && seen->bits > 0)
		seen->at = home(seen, seen->marked);
	return rc;
}

void seen_done(struct seen *seen)
{
	free(seen->slots);
	free(seen->undo.moved);
	*seen = (struct seen){0};
}
