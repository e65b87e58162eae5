/* SPDX-License-Identifier: MIT */
/* Deduplication beyond what memory holds. */
#include <criterion/criterion.h>

#include "queue/sqlite/sqlite.h"
#include "tests/conformance/queue_suite.h"

struct rig {
	char folder[64];
	struct queue owner;
	struct sqlite_db db;
	struct seen seen;
	struct err err;
};

enum { IN_MEMORY = 32 };

static void start(struct rig *r)
{
	r->owner = (struct queue){0};
	suite_ok(
		r, sqlite_db_open(&r->db, &r->owner, r->folder, &db_inbox_form, DB_WRITE, &r->err));
	suite_ok(r, db_begin(&r->db.base, &r->err));
	suite_ok(r, seen_open(&r->seen, &r->db.base, IN_MEMORY, &r->err));
}

static void stop(struct rig *r)
{
	suite_ok(r, db_commit(&r->db.base, &r->err));
	seen_done(&r->seen);
	sqlite_db_close(&r->db);
}

static struct slice key_of(int i)
{
	static char text[32];
	return (struct slice){text, (size_t)snprintf(text, sizeof(text), "evt_%d", i)};
}

static void put(struct rig *r, int from, int to)
{
	for (int i = from; i < to; i++)
		suite_ok(r, seen_put(&r->seen, key_of(i), i + 1, &r->err));
}

static int64_t find(struct rig *r, int i)
{
	int64_t seq = -1;
	suite_ok(r, seen_find(&r->seen, key_of(i), &seq, &r->err));
	return seq;
}

static int64_t old_n(struct rig *r)
{
	sqlite3_stmt *s;
	cr_assert_eq(
		sqlite3_prepare_v2(r->db.handle, "SELECT count(*) FROM seen_old", -1, &s, NULL),
		SQLITE_OK);
	cr_assert_eq(sqlite3_step(s), SQLITE_ROW);
	int64_t n = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return n;
}

Test(queue_seen, every_key_is_found_wherever_it_has_moved)
{
	struct rig r;
	suite_folder(r.folder);
	start(&r);
	for (int i = 0; i < 2000; i++) {
		cr_assert_eq(find(&r, i), 0);
		put(&r, i, i + 1);
	}
	cr_assert_leq(r.seen.n, (size_t)IN_MEMORY);
	cr_assert_geq(old_n(&r), 2000 - IN_MEMORY);
	for (int i = 0; i < 2000; i++)
		cr_assert_eq(find(&r, i), i + 1);
	cr_assert_eq(find(&r, 2000), 0);
	stop(&r);
	suite_remove(r.folder);
}

Test(queue_seen, every_key_is_found_after_each_of_many_restarts)
{
	struct rig r;
	suite_folder(r.folder);
	for (int round = 0; round < 40; round++) {
		start(&r);
		cr_assert_leq(r.seen.n, (size_t)(4 * IN_MEMORY), "start reads two rounds at most");
		for (int i = 0; i < round * 37; i++)
			cr_assert_eq(find(&r, i), i + 1, "round %d", round);
		put(&r, round * 37, round * 37 + 37);
		stop(&r);
	}
	suite_remove(r.folder);
}

Test(queue_seen, what_is_deleted_is_forgotten_and_swept_out_of_the_file)
{
	struct rig r;
	suite_folder(r.folder);
	start(&r);
	put(&r, 0, 1000);
	for (int i = 0; i < 900; i++)
		suite_ok(&r, seen_delete(&r.seen, i + 1, &r.err));
	seen_set_least(&r.seen, 901);
	cr_assert_eq(find(&r, 5), 0);
	cr_assert_eq(find(&r, 950), 951);
	put(&r, 1000, 1200);
	cr_assert_leq(old_n(&r), 400);
	for (int i = 900; i < 1200; i++)
		cr_assert_eq(find(&r, i), i + 1);
	stop(&r);
	suite_remove(r.folder);
}

/* Puts keys whose transaction is then rolled back, in many sizes, so that it goes wrong before, at
 * and behind the end of a round of the sweep. */
Test(queue_seen, a_rollback_takes_back_what_was_moved_as_well_as_what_was_put)
{
	struct rig r;
	suite_folder(r.folder);
	start(&r);
	int n = 0;
	for (int round = 1; round < 40; round++) {
		suite_ok(&r, db_begin(&r.db.base, &r.err));
		seen_begin(&r.seen);
		put(&r, n, n + 29);
		suite_ok(&r, db_commit(&r.db.base, &r.err));
		seen_end(&r.seen);
		n += 29;
		suite_ok(&r, db_begin(&r.db.base, &r.err));
		seen_begin(&r.seen);
		put(&r, n, n + round * round);
		db_rollback(&r.db.base);
		seen_rollback(&r.seen);
		suite_ok(&r, db_begin(&r.db.base, &r.err));
		for (int i = 0; i < n; i++)
			cr_assert_eq(find(&r, i), i + 1, "%d in round %d", i, round);
		for (int i = n; i < n + round * round; i++)
			cr_assert_eq(find(&r, i), 0, "%d in round %d", i, round);
		if (round % 5 != 0)
			continue;
		stop(&r);
		start(&r);
		for (int i = 0; i < n; i++)
			cr_assert_eq(find(&r, i), i + 1, "%d behind round %d", i, round);
	}
	stop(&r);
	suite_remove(r.folder);
}

/* The way a batch fails without ending the process, but by memory that is short: its last key is
 * too long. */
Test(queue_seen, a_batch_that_fails_leaves_every_key_before_it_known)
{
	static char body[] = "{}", longest[(1 << 20) + 1];
	struct suite s;
	suite_start(&s, NULL);
	((struct store *)s.receiver)->seen.max = IN_MEMORY;
	struct id ids[200];
	char key[24];
	for (int i = 0; i < 200; i++) {
		snprintf(key, sizeof(key), "evt_%d", i);
		ids[i] = suite_put(&s, key, body);
	}
	static char keys[100][24];
	struct queue_delivery d[101] = {0};
	for (int i = 0; i < 101; i++) {
		d[i].source = "twenty";
		d[i].body = slice_of(body);
		suite_ok(&s, id_new(SUITE_NOW_MS, &d[i].id, &s.err));
		if (i < 100)
			snprintf(keys[i], sizeof(keys[i]), "lost_%d", i);
		d[i].dedupe =
			i < 100 ? slice_of(keys[i]) : (struct slice){longest, sizeof(longest)};
	}
	cr_assert_eq(queue_inbox_put(s.receiver, d, 101, &s.err), RC_TOO_LARGE);
	for (int i = 0; i < 200; i++) {
		snprintf(key, sizeof(key), "evt_%d", i);
		cr_assert_str_eq(suite_put(&s, key, body).text, ids[i].text, "%s", key);
	}
	suite_put(&s, "lost_0", body);
	cr_assert_eq(suite_events_n(&s, NULL), 201u);
	suite_end(&s);
}

Test(queue_seen, keys_of_all_lengths_hash_apart)
{
	const struct seen seen = {.seed = 12345};
	static const char text[64];
	for (size_t a = 0; a < 64; a++)
		for (size_t b = 0; b < a; b++)
			cr_assert_neq(seen_hash(&seen, (struct slice){text, a}),
				seen_hash(&seen, (struct slice){text, b}));
}

Test(queue_live, runs_are_found_until_they_are_deleted)
{
	struct live live = {0};
	struct err err;
	for (int64_t i = 1; i <= 1000; i++) {
		struct live_run run = {.seq = i * 3, .epoch = i};
		cr_assert_eq(live_put(&live, &run, &err), RC_OK);
	}
	for (int64_t i = 1; i <= 1000; i += 2)
		live_delete(&live, i * 3);
	live_delete(&live, 7);
	for (int64_t i = 1; i <= 1000; i++) {
		const struct live_run *run = live_find(&live, i * 3);
		cr_assert_eq(run != NULL, i % 2 == 0);
		cr_assert(run == NULL || run->epoch == i);
	}
	cr_assert_eq(live.n, 500u);
	live_done(&live);
}
