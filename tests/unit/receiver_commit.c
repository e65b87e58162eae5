/* SPDX-License-Identifier: MIT */
/* Group commit: each item is answered once, after its step, and never by a store that failed. */
#include "receiver/commit.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "receiver/receiver.h"
#include "tests/unit/receiver_rig.h"

enum { MANY = 2000 };

static struct commit_item items[MANY];
static char bodies[MANY][32];
static atomic_int answers[MANY], answered;

static void count(struct commit_item *item)
{
	atomic_fetch_add(&answers[item - items], 1);
	atomic_fetch_add(&answered, 1);
}

static struct commit *start(void)
{
	struct err err;
	struct commit *c = NULL;
	cr_assert_eq(commit_start(&(struct commit_conf){.place.store = "memory:",
					  .prune_every_ms = 5,
					  .wake_fd = -1,
					  .fail_fd = -1,
					  .answer = count},
			     &c, &err),
		RC_OK, "%s", err.msg);
	return c;
}

static struct commit_item *item(size_t i, size_t body)
{
	snprintf(bodies[i], sizeof(bodies[i]), "{\"n\":%zu}", body);
	items[i].delivery = (struct queue_delivery){.source = "twenty",
		.dedupe = slice_of(bodies[i]),
		.body = slice_of(bodies[i]),
		.received_ms = RIG_NOW_MS};
	return &items[i];
}

static void await_answers(int n)
{
	for (int i = 0; i < 5000 && atomic_load(&answered) < n; i++)
		poll(NULL, 0, 2);
	cr_assert_eq(atomic_load(&answered), n);
}

Test(receiver_commit, each_item_is_answered_once_with_an_id_of_its_own, .timeout = 30)
{
	struct commit *c = start();
	for (size_t i = 0; i < MANY; i++)
		cr_assert(commit_put(c, item(i, i)));
	await_answers(MANY);
	commit_stop(c);
	for (size_t i = 0; i < MANY; i++) {
		cr_assert_eq(answers[i], 1);
		cr_assert_eq(items[i].rc, RC_OK);
		cr_assert(id_valid(items[i].delivery.id.text));
		cr_assert_not(items[i].delivery.ret_repeated);
		if (i > 0)
			cr_assert_lt(
				strcmp(items[i - 1].delivery.id.text, items[i].delivery.id.text), 0,
				"ids must sort by arrival");
	}
}

Test(receiver_commit, repeats_within_one_step_and_later_get_the_first_id, .timeout = 30)
{
	struct commit *c = start();
	for (size_t i = 0; i < 100; i++)
		cr_assert(commit_put(c, item(i, 7)));
	await_answers(100);
	cr_assert(commit_put(c, item(100, 7)));
	await_answers(101);
	commit_stop(c);
	for (size_t i = 1; i <= 100; i++) {
		cr_assert(items[i].delivery.ret_repeated);
		cr_assert_str_eq(items[i].delivery.id.text, items[0].delivery.id.text);
	}
}

Test(receiver_commit, a_drain_answers_what_was_left_and_takes_nothing_more, .timeout = 30)
{
	struct commit *c = start();
	for (size_t i = 0; i < 1000; i++)
		cr_assert(commit_put(c, item(i, i)));
	commit_drain(c);
	cr_assert_eq(atomic_load(&answered), 1000);
	cr_assert_not(commit_put(c, item(1000, 1000)));
	commit_stop(c);
	cr_assert_eq(atomic_load(&answered), 1000);
	commit_stop(NULL);
}

Test(receiver_commit, a_store_that_cannot_be_opened_is_said_and_leaves_nothing_behind)
{
	struct err err;
	struct commit *c = NULL;
	cr_assert_neq(
		commit_start(&(struct commit_conf){.place.store = "nosuch://x", .answer = count},
			&c, &err),
		RC_OK);
	cr_assert_null(c);
	cr_assert_neq(err.msg[0], '\0');
}

/* --- on a disk -------------------------------------------------------------------------------- */

static struct room room;
static enum rc take_length(void *ctx, const struct queue_event_row *row, struct err *err)
{
	(void)err;
	*(size_t *)ctx = row->body.n;
	return RC_OK;
}

/* Bytes of the body of the first delivery that are kept. */
static size_t kept_n(struct queue *q)
{
	struct err err;
	size_t n = 0;
	cr_assert_eq(queue_event_get(q, items[0].delivery.id.text, take_length, &n, &err), RC_OK,
		"%s", err.msg);
	return n;
}

Test(receiver_commit, how_long_deliveries_are_kept_can_change, .timeout = 30)
{
	struct commit *c = start();
	struct queue *q;
	struct queue_raw raw;
	struct err err;
	size_t n = 0;
	cr_assert(commit_put(c, item(0, 0)));
	await_answers(1);
	cr_assert_eq(queue_open("memory:", QUEUE_RUNNER, &q, &err), RC_OK, "%s", err.msg);
	cr_assert_eq(queue_inbox_next(q, 1, &raw, &n, &err), RC_OK);
	struct queue_routing routing = {.event = {.seq = raw.seq,
						.id = raw.id,
						.via = "hook",
						.state = QUEUE_DONE,
						.received_ms = raw.received_ms}};
	cr_assert_eq(queue_route(q, &routing, 1, 0, NULL, &n, &err), RC_OK, "%s", err.msg);
	poll(NULL, 0, 50); /* ten times the pause between two prunings */
	cr_expect_gt(kept_n(q), 0u, "for ever");
	commit_keep(c, &(struct queue_retention){.events_ms = 1});
	for (int i = 0; i < 5000 && kept_n(q) != 0; i++)
		poll(NULL, 0, 2);
	cr_expect_eq(kept_n(q), 0u);
	commit_stop(c);
	queue_close(q);
}

static char folder[] = "/tmp/moonhook-commit-XXXXXX";
static char conf[512];

static void make_folder(void)
{
	cr_assert_not_null(mkdtemp(folder));
	snprintf(conf, sizeof(conf), "store = \"%s/store\"\n" RIG_SOURCE, folder);
}

static void remove_folder(void)
{
	static const char *const files[] = {"inbox.db", "inbox.db-wal", "inbox.db-shm",
		"receiver.lock", "work.db", "work.db-wal", "work.db-shm", "runner.lock", ""};
	room_done(&room);
	for (size_t i = 0; i < ARRAY_N(files); i++) {
		char path[600];
		snprintf(path, sizeof(path), "%s/store/%s", folder, files[i]);
		remove(path);
	}
	remove(folder);
}

TestSuite(receiver_durable, .init = make_folder, .fini = remove_folder, .timeout = 60);

static enum rc note_event(void *ctx, const struct queue_event_row *row, struct err *err)
{
	struct buf *out = ctx;
	enum rc rc = buf_printf(out, "%s %s %s\n", row->id, row->source, row->reason);
	return rc == RC_OK ? RC_OK : err_set(err, rc, "too many events");
}

static enum rc note_body(void *ctx, const struct queue_event_row *row, struct err *err)
{
	struct buf *out = ctx;
	enum rc rc = buf_put(out, row->body.p, row->body.n);
	return rc == RC_OK ? RC_OK : err_set(err, rc, "too large");
}

static struct buf stored(const char *id)
{
	struct queue *q = NULL;
	struct err err = {.code = RC_OK};
	struct buf out;
	char store[300];
	buf_init(&out, 1 << 20);
	snprintf(store, sizeof(store), "%s/store", folder);
	enum rc rc = queue_open(store, QUEUE_READER, &q, &err);
	const struct queue_filter all = {0};
	if (rc == RC_OK && id == NULL)
		rc = queue_event_each(q, &all, note_event, &out, &err);
	else if (rc == RC_OK)
		rc = queue_event_get(q, id, note_body, &out, &err);
	queue_close(q);
	cr_assert_eq(rc, RC_OK, "%s", err.msg);
	return out;
}

Test(receiver_durable, an_acknowledged_delivery_outlives_kill_9_byte_by_byte)
{
	static const char body[] = "{\"bytes\":\"\x00\x01\xff\r\n\"}";
	char stamp[32], id[27] = "";
	rig_start(&room, conf, RIG_CLOCK_STANDS);
	snprintf(stamp, sizeof(stamp), "%lld", (long long)RIG_NOW_MS);
	struct buf request = rig_request(RIG_SECRET, stamp, (struct slice){body, sizeof(body) - 1});
	struct wire_answer a = rig_ask(room.port, buf_slice(&request));
	kill(room.pid, SIGKILL);
	cr_assert_eq(a.status, 202);
	cr_assert_eq(sscanf(a.body, "{\"id\":\"%26[0-9a-z]\"}", id), 1);
	cr_assert_eq(room_wait(&room), 128 + SIGKILL);
	struct buf kept = stored(id);
	cr_assert_eq(kept.n, sizeof(body) - 1);
	cr_assert_eq(memcmp(kept.p, body, kept.n), 0);
	buf_done(&kept);

	room_done(&room);
	rig_start(&room, conf, RIG_CLOCK_STANDS);
	struct wire_answer again = rig_ask(room.port, buf_slice(&request));
	cr_assert_eq(again.status, 200);
	cr_assert_str_eq(again.body, a.body);
	buf_done(&request);
}

Test(receiver_durable, a_skewed_delivery_lies_in_quarantine_with_its_reason)
{
	rig_start(&room, conf, RIG_CLOCK_STANDS);
	struct buf request = rig_request(RIG_SECRET, "1000", slice_of("{\"skewed\":1}"));
	cr_assert_eq(rig_status(room.port, buf_slice(&request)), 401);
	cr_assert_eq(rig_status(room.port, buf_slice(&request)), 401);
	buf_done(&request);
	kill(room.pid, SIGTERM);
	cr_assert_eq(room_wait(&room), 0);
	struct buf kept = stored(NULL);
	char *line = strchr(kept.p, '\n');
	cr_assert_not_null(strstr(kept.p, "time window"), "%s", kept.p);
	cr_assert_eq(line[1], '\0', "the repeat was kept as well");
	buf_done(&kept);
}

Test(receiver_durable, a_signed_timestamp_that_is_no_number_is_called_malformed_not_skewed)
{
	char log[160];
	snprintf(log, sizeof(log), "%s/log", folder);
	int before = dup(STDERR_FILENO), fd = open(log, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	cr_assert(before >= 0 && fd >= 0 && dup2(fd, STDERR_FILENO) >= 0);
	unlink(log);
	char loud[640];
	snprintf(loud, sizeof(loud), "%s\nlog = { level = \"warn\", format = \"json\" }\n", conf);
	rig_start(&room, loud, RIG_CLOCK_STANDS);
	dup2(before, STDERR_FILENO);
	close(before);
	struct buf request = rig_request(RIG_SECRET, "2026-01-01", slice_of("{\"timeless\":1}"));
	cr_assert_eq(rig_status(room.port, buf_slice(&request)), 401);
	buf_done(&request);
	cr_assert_eq(metrics_value(METRIC_HOOK_SKEWED), 1);
	kill(room.pid, SIGTERM);
	cr_assert_eq(room_wait(&room), 0);
	struct buf kept = stored(NULL);
	cr_assert_not_null(strstr(kept.p, "timestamp is malformed"), "%s", kept.p);
	buf_done(&kept);
	char lines[2048] = "";
	cr_assert_geq(pread(fd, lines, sizeof(lines) - 1, 0), 1);
	close(fd);
	cr_assert_not_null(strstr(lines, "has a malformed timestamp"), "%s", lines);
	cr_assert_null(strstr(lines, " 0 ms"), "%s", lines);
}

/* A disk that takes no more than a few files' worth: writing fails with EFBIG. */
static int main_on_a_full_disk(void)
{
	const struct rlimit little = {300000, 300000};
	signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &little) != 0)
		return 99;
	return receiver_main();
}

Test(receiver_durable, a_store_that_fails_answers_503_then_ends_the_process_and_loses_nothing)
{
	struct err err;
	const struct conf_table tables[] = {receiver_conf_table, queue_conf_table};
	const struct room_conf start_conf = {
		.main = main_on_a_full_disk, .conf = conf, .tables = tables, .tables_n = 2};
	cr_assert_eq(room_start(&start_conf, &room, &err), RC_OK, "%s", err.msg);
	cr_assert_eq(room_await(&room, "ready", NULL, &err), RC_OK, "%s", err.msg);
	char body[4096];
	memset(body, 'x', sizeof(body) - 1);
	body[sizeof(body) - 1] = '\0';
	int taken = 0;
	struct wire_answer a;
	for (;; taken++) {
		int n = snprintf(body, sizeof(body), "{\"n\":%d,", taken);
		body[n] = 'x';
		a = rig_post(room.port, body);
		if (a.status != 202 || taken > 1000)
			break;
	}
	cr_assert_eq(a.status, 503, "%d after %d", a.status, taken);
	cr_assert_not_null(strstr(a.head, "Retry-After"));
	cr_assert_eq(metrics_value(METRIC_STORE_FAILING), 1);
	cr_assert_eq(room_wait(&room), 1);
	struct buf kept = stored(NULL);
	int lines = 0;
	for (const char *p = kept.p; p != NULL && (p = strchr(p, '\n')) != NULL; p++)
		lines++;
	cr_assert_eq(lines, taken);
	buf_done(&kept);
}
