/* SPDX-License-Identifier: MIT */
/* The spool: what waits there is durable, in order, bounded, and found again. */
#include "queue/spool.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/moonhook-spool-XXXXXX";
static char path[64];
static struct spool *spool;

static void make_folder(void)
{
	cr_assert_not_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/spool", folder);
}

static void remove_folder(void)
{
	static const char *const files[] = {
		"spool.db", "spool.db-wal", "spool.db-shm", "receiver.lock"};
	char file[128];
	spool_close(spool);
	spool = NULL;
	for (size_t i = 0; i < ARRAY_N(files); i++) {
		snprintf(file, sizeof(file), "%s/%s", path, files[i]);
		(void)unlink(file);
	}
	(void)rmdir(path);
	(void)rmdir(folder);
}

TestSuite(queue_spool, .init = make_folder, .fini = remove_folder, .timeout = 60);

static void ok(enum rc rc, const struct err *err)
{
	cr_assert_eq(rc, RC_OK, "%s", err->msg);
}

static void open_spool(int64_t max_bytes)
{
	struct err err = {.msg = ""};
	spool_close(spool);
	spool = NULL;
	ok(spool_open(path, max_bytes, &spool, &err), &err);
}

/* Delivery number n; its key is key, none where that is "". */
static enum rc put(int n, const char *key, struct queue_delivery *ret, struct err *err)
{
	static char body[32];
	snprintf(body, sizeof(body), "body %d", n);
	*ret = (struct queue_delivery){.source = "twenty",
		.dedupe = slice_of(key),
		.headers = slice_of("a: b\n"),
		.body = slice_of(body),
		.quarantine = n % 2 == 1 ? "clock" : NULL,
		.received_ms = 1000 + n};
	snprintf(ret->id.text, sizeof(ret->id.text), "id-%d", n);
	return spool_put(spool, ret, 1, err);
}

static void fill(int from, int to)
{
	struct err err = {.msg = ""};
	struct queue_delivery d;
	char key[16];
	for (int i = from; i < to; i++) {
		snprintf(key, sizeof(key), "key %d", i);
		ok(put(i, i % 3 == 0 ? "" : key, &d, &err), &err);
	}
}

/* Expects deliveries from..to behind a place; answers the place of the last. */
static int64_t expect(int64_t after, int from, int to)
{
	struct err err = {.msg = ""};
	struct queue_delivery d[8];
	size_t n = 0;
	for (int i = from;;) {
		ok(spool_next(spool, after, ARRAY_N(d), d, &n, &after, &err), &err);
		if (n == 0) {
			cr_assert_eq(i, to);
			return after;
		}
		for (size_t k = 0; k < n; k++, i++) {
			char text[32];
			snprintf(text, sizeof(text), "id-%d", i);
			cr_assert_str_eq(d[k].id.text, text);
			snprintf(text, sizeof(text), "body %d", i);
			cr_assert(slice_equal(d[k].body, slice_of(text)));
			snprintf(text, sizeof(text), "key %d", i);
			cr_assert(slice_equal(d[k].dedupe, slice_of(i % 3 == 0 ? "" : text)));
			cr_assert(slice_equal(d[k].headers, slice_of("a: b\n")));
			cr_assert_eq(d[k].received_ms, 1000 + i);
			cr_assert_str_eq(d[k].source, "twenty");
			cr_assert_eq(d[k].quarantine != NULL, i % 2 == 1);
		}
	}
}

Test(queue_spool, everything_comes_out_as_it_went_in_and_in_order)
{
	open_spool(1 << 20);
	fill(0, 30);
	int64_t last = expect(0, 0, 30);
	cr_expect_eq(last, spool_sum(spool).last);
	fill(30, 35);
	expect(last, 30, 35);
}

Test(queue_spool, what_waits_is_there_after_a_restart_and_what_was_dropped_is_not)
{
	struct err err = {.msg = ""};
	open_spool(1 << 20);
	fill(0, 10);
	ok(spool_drop(spool, 4, &err), &err);
	int64_t bytes = spool_sum(spool).bytes;
	open_spool(1 << 20);
	cr_expect_eq(spool_sum(spool).n, 6);
	cr_expect_eq(spool_sum(spool).bytes, bytes);
	expect(0, 4, 10);
	fill(10, 12);
	expect(0, 4, 12);
	ok(spool_drop(spool, spool_sum(spool).last, &err), &err);
	cr_expect_eq(spool_sum(spool).n, 0);
	cr_expect_eq(spool_sum(spool).bytes, 0);
}

Test(queue_spool, a_repeat_of_what_waits_gets_its_id_and_takes_no_room)
{
	struct err err = {.msg = ""};
	struct queue_delivery d;
	open_spool(1 << 20);
	fill(0, 3);
	struct spool_sum before = spool_sum(spool);
	ok(put(7, "key 1", &d, &err), &err);
	cr_expect(d.ret_repeated);
	cr_expect_str_eq(d.id.text, "id-1");
	cr_expect_eq(spool_sum(spool).bytes, before.bytes);
	cr_expect_eq(spool_sum(spool).n, 3);
	ok(spool_drop(spool, before.last, &err), &err);
	ok(put(7, "key 1", &d, &err), &err);
	cr_expect_not(d.ret_repeated, "it is in the store now, which knows its key");
}

Test(queue_spool, past_its_bound_it_takes_nothing_and_keeps_what_it_has)
{
	struct err err = {.msg = ""};
	struct queue_delivery d;
	open_spool(1000);
	enum rc rc = RC_OK;
	int n = 0;
	while (n < 100 && (rc = put(n, "", &d, &err)) == RC_OK)
		n++;
	cr_assert_eq(rc, RC_FULL);
	cr_expect_not_null(strstr(err.msg, "spool.max"), "%s", err.msg);
	cr_expect(n >= 3 && n <= 5, "%d", n);
	cr_expect_eq(spool_sum(spool).n, n);
	ok(spool_drop(spool, 1, &err), &err);
	ok(put(n, "", &d, &err), &err);
	open_spool(0);
	cr_expect_eq(put(n, "", &d, &err), RC_FULL, "with a bound of nothing it keeps nothing");
}

Test(queue_spool, a_folder_has_one_user_and_nobody_else_reads_it)
{
	struct err err = {.msg = ""};
	struct spool *second = NULL;
	struct stat st;
	char file[96];
	open_spool(1 << 20);
	cr_expect_eq(spool_open(path, 1 << 20, &second, &err), RC_BUSY);
	cr_expect(strstr(err.msg, "name another folder") != NULL, "%s", err.msg);
	cr_expect_null(second);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 0777, 0700u);
	snprintf(file, sizeof(file), "%s/spool.db", path);
	cr_assert_eq(stat(file, &st), 0);
	cr_expect_eq(st.st_mode & 0777, 0600u);
}
