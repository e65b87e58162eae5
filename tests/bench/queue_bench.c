/* SPDX-License-Identifier: MIT */
/*
 * How fast the store is by itself: rows per second of queue_inbox_put, and processor time per event
 * on the way through the work (route and claim at birth, one intent, one answer, finish, commits).
 *
 * Usage: bench-queue_bench [deliveries] [folder]. Prints one line per measurement; bounded by the
 * number of deliveries. Makes the folder and leaves it, so that it can be looked at.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "queue/queue.h"

enum { BODY_BYTES = 1400, BATCH_MAX = 256 };

struct bench {
	struct queue *receiver, *runner;
	char body[BODY_BYTES];
	uint64_t random;
	struct err err;
	pthread_t thread; /* checkpoints */
	struct queue *checkpointed;
	atomic_bool stop;
};

static void must(struct bench *b, enum rc rc)
{
	if (rc == RC_OK)
		return;
	fprintf(stderr, "queue_bench: %s\n", b->err.msg);
	exit(1);
}

static uint64_t next_random(struct bench *b)
{
	b->random ^= b->random << 13;
	b->random ^= b->random >> 7;
	b->random ^= b->random << 17;
	return b->random;
}

static void put_batch(struct bench *b, size_t n)
{
	static struct queue_delivery batch[BATCH_MAX];
	static uint64_t keys[BATCH_MAX][4];
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < 4; k++)
			keys[i][k] = next_random(b);
		batch[i] = (struct queue_delivery){
			.source = "twenty",
			.dedupe = {(const char *)keys[i], 32},
			.body = {b->body, BODY_BYTES},
			.received_ms = clock_wall_ms(),
		};
		must(b, id_new(batch[i].received_ms, &batch[i].id, &b->err));
	}
	must(b, queue_inbox_put(b->receiver, batch, n, &b->err));
}

/* Checkpoints as the receiver does: from another thread, every 100 ms. */
static void *checkpoint_now_and_then(void *ctx)
{
	struct bench *b = ctx;
	struct err err;
	while (!atomic_load(&b->stop)) {
		usleep(100000);
		if (queue_checkpoint(b->checkpointed, &err) != RC_OK)
			fprintf(stderr, "queue_bench: %s\n", err.msg);
	}
	return NULL;
}

static void start_checkpoints(struct bench *b, struct queue *q)
{
	b->checkpointed = q;
	atomic_store(&b->stop, false);
	if (pthread_create(&b->thread, NULL, checkpoint_now_and_then, b) != 0)
		exit(1);
}

static void stop_checkpoints(struct bench *b)
{
	atomic_store(&b->stop, true);
	pthread_join(b->thread, NULL);
}

static int by_size(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

static void bench_put(struct bench *b, size_t rows, size_t batch)
{
	size_t n = 0;
	int64_t *took_us = calloc(rows / batch + 1, sizeof(*took_us));
	if (took_us == NULL)
		exit(1);
	start_checkpoints(b, b->receiver);
	int64_t cpu_us = clock_cpu_us(), us = clock_mono_us();
	for (size_t done = 0; done < rows; done += batch) {
		int64_t began_us = clock_mono_us();
		put_batch(b, batch);
		took_us[n++] = clock_mono_us() - began_us;
	}
	cpu_us = clock_cpu_us() - cpu_us;
	us = clock_mono_us() - us;
	stop_checkpoints(b);
	qsort(took_us, n, sizeof(*took_us), by_size);
	printf("put    batch %3zu  %8zu rows  %7.0f rows/s  %5.2f us CPU a row  a batch: median "
	       "%lld us, p99 %lld us, most %lld us\n",
		batch, n * batch, (double)(n * batch) * 1e6 / (double)us,
		(double)cpu_us / (double)(n * batch), (long long)took_us[n / 2],
		(long long)took_us[n * 99 / 100], (long long)took_us[n - 1]);
	free(took_us);
}

static void call_each(struct bench *b, struct queue_run *runs, size_t n, bool answered)
{
	static const char request[] = "{\"id\":\"8f14e45f-ceea-467f-a0f6-b1b0a7d7c6a1\","
				      "\"city\":\"Paris\"}";
	struct queue_call call = {
		.path = "1",
		.method = "update",
		.object = "people",
		.effect = true,
		.request = {request, sizeof(request) - 1},
		.started_ms = clock_wall_ms(),
	};
	if (answered)
		call.answer = (struct slice){b->body, 1200};
	for (size_t i = 0; i < n; i++)
		must(b, queue_call_put(b->runner, runs[i].seq, runs[i].epoch, &call, &b->err));
	must(b, queue_commit(b->runner, &b->err));
}

static void finish_each(struct bench *b, struct queue_run *runs, size_t n)
{
	struct queue_outcome done = {
		.state = QUEUE_DONE,
		.api_calls = 1,
		.started_ms = clock_wall_ms(),
		.ended_ms = clock_wall_ms(),
	};
	for (size_t i = 0; i < n; i++) {
		must(b, queue_finish(b->runner, runs[i].seq, runs[i].epoch, &done, &b->err));
		queue_run_done(&runs[i]);
	}
}

/* Routes up to n; claim_max of the runs are claimed. Returns how many were. */
static size_t route_batch(struct bench *b, size_t n, size_t claim_max, struct queue_run *runs)
{
	static struct queue_raw raw[BATCH_MAX];
	static struct queue_routing routings[BATCH_MAX];
	static struct queue_run_new new[BATCH_MAX];
	static char keys[BATCH_MAX][48];
	size_t got = 0, claimed = 0;
	must(b, queue_inbox_next(b->runner, n, raw, &got, &b->err));
	for (size_t i = 0; i < got; i++) {
		snprintf(keys[i], sizeof(keys[i]), "person/%016llx",
			(unsigned long long)next_random(b));
		new[i] = (struct queue_run_new){
			.rule = "enrich people",
			.source_hash = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789"
				       "abcdef",
			.key = keys[i],
			.attempts_max = 8,
		};
		routings[i] = (struct queue_routing){
			.event = {.seq = raw[i].seq,
				.id = raw[i].id,
				.source = raw[i].source,
				.name = "person.updated",
				.object = "person",
				.record = keys[i] + 7,
				.via = "hook",
				.received_ms = raw[i].received_ms,
				.has_digest = true},
			.runs = &new[i],
			.runs_n = 1,
		};
		uint64_t digest[4];
		for (size_t k = 0; k < 4; k++)
			digest[k] = next_random(b);
		memcpy(routings[i].event.digest, digest, DIGEST_N);
	}
	if (got > 0)
		must(b, queue_route(b->runner, routings, got, claim_max, runs, &claimed, &b->err));
	return claim_max > 0 ? claimed : got;
}

static void report(const char *what, size_t batch, size_t n, int64_t cpu_us, int64_t us)
{
	printf("%-6s batch %3zu  %8zu events  %7.0f events/s  %5.2f us CPU an event\n", what, batch,
		n, (double)n * 1e6 / (double)us, (double)cpu_us / (double)n);
}

static void bench_work(struct bench *b, size_t events, size_t batch)
{
	static struct queue_run runs[BATCH_MAX];
	size_t done = 0, n;
	start_checkpoints(b, b->runner);
	int64_t cpu_us = clock_cpu_us(), us = clock_mono_us();
	while (done < events && (n = route_batch(b, batch, batch, runs)) > 0) {
		call_each(b, runs, n, false);
		call_each(b, runs, n, true);
		finish_each(b, runs, n);
		done += n;
	}
	must(b, queue_commit(b->runner, &b->err));
	report("work", batch, done, clock_cpu_us() - cpu_us, clock_mono_us() - us);
	stop_checkpoints(b);
}

/* What is left in the inbox is routed without being claimed, then claimed from the backlog. */
static void bench_backlog(struct bench *b, size_t batch)
{
	static struct queue_run runs[BATCH_MAX];
	size_t done = 0, n;
	int64_t cpu_us = clock_cpu_us(), us = clock_mono_us();
	while ((n = route_batch(b, BATCH_MAX, 0, runs)) > 0) {
		done += n;
		must(b, queue_commit(b->runner, &b->err));
	}
	if (done == 0)
		return;
	report("route", BATCH_MAX, done, clock_cpu_us() - cpu_us, clock_mono_us() - us);
	must(b, queue_checkpoint(b->runner, &b->err));
	cpu_us = clock_cpu_us();
	us = clock_mono_us();
	size_t claimed = 0;
	for (size_t most = done < 20000 ? done : 20000; claimed < most; claimed += n) {
		must(b, queue_claim(b->runner, clock_wall_ms(), batch, runs, &n, &b->err));
		if (n == 0)
			break;
		call_each(b, runs, n, false);
		call_each(b, runs, n, true);
		finish_each(b, runs, n);
	}
	must(b, queue_commit(b->runner, &b->err));
	printf("of a backlog of %zu:\n", done);
	report("claim", batch, claimed, clock_cpu_us() - cpu_us, clock_mono_us() - us);
	struct queue_counts counts;
	us = clock_mono_us();
	must(b, queue_count(b->runner, &counts, &b->err));
	printf("count  %lld us\n", (long long)(clock_mono_us() - us));
}

int main(int argc, char **argv)
{
	struct bench b = {.random = 88172645463325252u};
	long rows = argc > 1 ? strtol(argv[1], NULL, 10) : 100000;
	const char *folder = argc > 2 ? argv[2] : "build/queue_bench.store";
	if (rows < 4096 || rows > 20000000) {
		fprintf(stderr, "queue_bench: between 4096 and 20000000 deliveries\n");
		return 2;
	}
	memset(b.body, 'x', sizeof(b.body));
	must(&b, queue_open(folder, QUEUE_RECEIVER, &b.receiver, &b.err));
	must(&b, queue_open(folder, QUEUE_RUNNER, &b.runner, &b.err));
	bench_put(&b, (size_t)rows / 4, 32);
	bench_put(&b, (size_t)rows / 2, 64);
	bench_put(&b, (size_t)rows / 4, 256);
	size_t each = (size_t)rows / 8;
	bench_work(&b, each < 40000 ? each : 40000, 32);
	bench_work(&b, each < 40000 ? each : 40000, 64);
	bench_work(&b, each < 40000 ? each : 40000, 256);
	bench_backlog(&b, 64);
	queue_close(b.runner);
	queue_close(b.receiver);
	return 0;
}
