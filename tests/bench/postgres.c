/* SPDX-License-Identifier: MIT */
/*
 * The queue on PostgreSQL: durable acknowledgements beside SQLite's on the same disk, claims of two
 * processes from one backlog, round trips, and what an event costs at a small and at a large
 * backlog.
 *
 * Usage: bench-postgres [rows of backlog ..]; with these, only what an event costs. Starts a server
 * of its own that waits for its disk, and ends it. Rounds alternate; figures are medians. Backlogs
 * are written by SQL, since only what comes after is measured.
 */
#include <libpq-fe.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/clock.h"
#include "queue/postgres/postgres.h"
#include "queue/queue.h"
#include "receiver/commit.h"
#include "tests/harness/postgres.h"

enum { IN_FLIGHT_MAX = 512, ACKS_N = 60000 };
enum { BATCH_MAX = 256, ROUNDS = 5, RUNNERS = 2, BODY_BYTES = 1400, SMALL_BYTES = 300 };

static struct err err;
static uint64_t randoms = 88172645463325252u;
static char body[BODY_BYTES];

static void must(enum rc rc)
{
	if (rc == RC_OK)
		return;
	fprintf(stderr, "bench-postgres: %s\n", err.msg);
	exit(1);
}

static uint64_t next_random(void)
{
	randoms ^= randoms << 13;
	randoms ^= randoms >> 7;
	randoms ^= randoms << 17;
	return randoms;
}

static int by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

static double median(double *figures, size_t n)
{
	qsort(figures, n, sizeof(*figures), by_size);
	return figures[n / 2];
}

static struct queue *open_side(const char *store, enum queue_side side)
{
	struct queue *q = NULL;
	must(queue_open(store, side, &q, &err));
	return q;
}

static int64_t trips(struct queue *q)
{
	return postgres_store_of(q)->link.trips_n;
}

/* --- acknowledgements ------------------------------------------------------------------------- */

static void put_batch(struct queue *receiver, size_t n, size_t bytes)
{
	static struct queue_delivery batch[BATCH_MAX];
	static uint64_t keys[BATCH_MAX][4];
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < 4; k++)
			keys[i][k] = next_random();
		batch[i] = (struct queue_delivery){
			.source = "twenty",
			.dedupe = {(const char *)keys[i], 32},
			.body = {body, bytes},
			.received_ms = clock_wall_ms(),
		};
		must(id_new(batch[i].received_ms, &batch[i].id, &err));
	}
	must(queue_inbox_put(receiver, batch, n, &err));
}

/* The receiver's own committer over either store, checkpoints and all: in_flight deliveries are on
 * their way, each is followed by another as soon as it has been answered. */
struct acks {
	struct commit *commit;
	struct commit_item items[IN_FLIGHT_MAX];
	uint64_t keys[IN_FLIGHT_MAX][4];
	pthread_mutex_t lock;   /* guards what follows */
	pthread_cond_t changed; /* something was answered */
	struct commit_item *answered;
	size_t answered_n, failed_n;
};

static struct acks acks = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

/* The writer's thread. */
static void take_answer(struct commit_item *item)
{
	pthread_mutex_lock(&acks.lock);
	bool first = acks.answered == NULL;
	item->next = acks.answered;
	acks.answered = item;
	acks.answered_n++;
	acks.failed_n += item->rc != RC_OK || item->delivery.ret_repeated;
	pthread_mutex_unlock(&acks.lock);
	if (first)
		pthread_cond_signal(&acks.changed);
}

static void send_item(struct commit_item *item)
{
	uint64_t *key = acks.keys[item - acks.items];
	for (size_t k = 0; k < 4; k++)
		key[k] = next_random();
	item->delivery = (struct queue_delivery){
		.source = "twenty",
		.dedupe = {(const char *)key, 32},
		.body = {body, BODY_BYTES},
		.received_ms = clock_wall_ms(),
	};
	if (!commit_put(acks.commit, item)) {
		fprintf(stderr, "bench-postgres: the committer has failed\n");
		exit(1);
	}
}

/* Until so many were answered. */
static void send_all(size_t in_flight, size_t wanted)
{
	size_t sent = 0, done = 0;
	for (; sent < in_flight; sent++)
		send_item(&acks.items[sent]);
	while (done < sent) {
		pthread_mutex_lock(&acks.lock);
		while (acks.answered == NULL)
			pthread_cond_wait(&acks.changed, &acks.lock);
		struct commit_item *list = acks.answered;
		acks.answered = NULL;
		pthread_mutex_unlock(&acks.lock);
		while (list != NULL) {
			struct commit_item *item = list;
			list = list->next;
			done++;
			if (sent < wanted) {
				sent++;
				send_item(item);
			}
		}
	}
	if (acks.failed_n > 0) {
		fprintf(stderr, "bench-postgres: %zu were not stored\n", acks.failed_n);
		exit(1);
	}
}

static void open_commit(const char *store, const char *spool)
{
	const struct commit_conf conf = {.place = {.store = store, .password = ""},
		.spool = spool,
		.spool_max_bytes = 1 << 30,
		.keep = {.events_ms = (int64_t)30 * 24 * 3600 * 1000},
		.prune_every_ms = 60000,
		.wake_fd = -1,
		.fail_fd = -1,
		.answer = take_answer};
	must(commit_start(&conf, &acks.commit, &err));
}

/* One round: answers a second. */
static double ack_rate(const char *store, const char *spool, size_t in_flight, size_t n)
{
	open_commit(store, spool);
	send_all(in_flight, 4 * in_flight); /* until all is prepared */
	int64_t us = clock_mono_us();
	send_all(in_flight, n);
	us = clock_mono_us() - us;
	commit_stop(acks.commit);
	return (double)n * 1e6 / (double)us;
}

static void bench_acks(const char *url, const char *folder, size_t in_flight)
{
	double ours[ROUNDS], sqlite[ROUNDS], ratios[ROUNDS];
	char spool[120];
	snprintf(spool, sizeof(spool), "%s-spool", folder);
	for (size_t i = 0; i < ROUNDS; i++) {
		sqlite[i] = ack_rate(folder, spool, in_flight, ACKS_N);
		ours[i] = ack_rate(url, spool, in_flight, ACKS_N);
		ratios[i] = ours[i] / sqlite[i];
	}
	printf("durable acks, %3zu in flight         SQLite %7.0f/s  PostgreSQL %7.0f/s  ratio %.2f"
	       " (aim 0.6)\n",
		in_flight, median(sqlite, ROUNDS), median(ours, ROUNDS), median(ratios, ROUNDS));
	fflush(stdout);
}

/* --- a backlog, by SQL ------------------------------------------------------------------------ */

static void script(const char *url, const char *sql)
{
	char uri[200];
	snprintf(uri, sizeof(uri), "%.*s", (int)strcspn(url, "?"), url);
	PGconn *conn = PQconnectdb(uri);
	PGresult *r = PQexec(conn, sql);
	if (PQresultStatus(r) != PGRES_COMMAND_OK && PQresultStatus(r) != PGRES_TUPLES_OK) {
		fprintf(stderr, "bench-postgres: %s", PQerrorMessage(conn));
		exit(1);
	}
	PQclear(r);
	PQfinish(conn);
}

/* n runs that are due, each of a record of its own, and n deliveries that are to be routed. */
static const char fill_sql[] =
	"SET search_path = %s; SET synchronous_commit = off;"
	"INSERT INTO source (hash) VALUES (repeat('0123456789abcdef', 4));"
	"INSERT INTO delivery (n, id, source, received_ms, key, headers, body)"
	" SELECT i, 'd' || to_char(i, 'fm0000000000000000000000000'), 'twenty', 1763900000000,"
	" sha256(i::text::bytea), '', convert_to(repeat('x', %zu), 'UTF8') FROM generate_series(1, "
	"2 * %lld::bigint) AS i;"
	"SELECT setval(pg_get_serial_sequence('delivery', 'n'), 2 * %lld);"
	"INSERT INTO routed (seq, n) SELECT i, i FROM generate_series(1, %lld::bigint) AS i;"
	"INSERT INTO pending (n) SELECT i FROM generate_series(%lld::bigint + 1, 2 * %lld::bigint) "
	"AS i;"
	"INSERT INTO event (seq, id, source, name, object, record, via, reason, state, received_ms,"
	" open, run_first, run_n, past) SELECT i << 24, 'd' || to_char(i, "
	"'fm0000000000000000000000000'), 'twenty', 'person.updated', 'person', md5(i::text), "
	"'hook', '', 0, 1763900000000, 1, i, 1, '' FROM generate_series(1, %lld::bigint) AS i;"
	"INSERT INTO run (seq, id, event, rule, source, key, hold, hold2, state, epoch, attempt,"
	" attempt_next, attempts_max, deaths, due_ms, created_ms, started_ms, ended_ms, api_calls)"
	" SELECT i, 'r' || to_char(i, 'fm0000000000000000000000000'), i << 24, 'enrich people',"
	" (SELECT n FROM source), 'person/' || md5(i::text), i, 0, 0, 0, 0, 1, 8, 0, 0,"
	" 1763900000000, 0, 0, 0 FROM generate_series(1, %lld::bigint) AS i;"
	"INSERT INTO hold (key, run) SELECT i, i FROM generate_series(1, %lld::bigint) AS i;"
	"INSERT INTO seen (key, seq) SELECT sha256(i::text::bytea), i << 24"
	" FROM generate_series(1, %lld::bigint) AS i;"
	"INSERT INTO moved (slot, what, n) VALUES (-1, 0, %lld), (-1, 9, %lld), (-1, 18, %lld);"
	"UPDATE progress SET position = %lld, last_event = %lld << 24, last_run = %lld;";

static void fill(const char *url, long long n, size_t bytes)
{
	char sql[4000];
	const char *schema = strstr(url, "schema=") + 7;
	queue_close(open_side(url, QUEUE_RUNNER)); /* makes it */
	int64_t ms = clock_mono_ms();
	snprintf(sql, sizeof(sql), fill_sql, schema, bytes, n, n, n, n, n, n, n, n, n, n, n, n, n,
		n, n);
	script(url, sql);
	script(url, "CHECKPOINT");
	fprintf(stderr, "(a backlog of %lld written in %lld s)\n", n,
		(long long)(clock_mono_ms() - ms) / 1000);
}

/* A server that has run for a while writes its log over files that it has, and makes none. */
static void warm(const char *url)
{
	script(url, "CREATE TABLE filler AS SELECT repeat(md5(i::text), 55) AS t"
		    " FROM generate_series(1, 700000) AS i");
	script(url, "DROP TABLE filler");
	script(url, "CHECKPOINT");
	script(url, "CHECKPOINT");
}

/* --- claims ----------------------------------------------------------------------------------- */

struct share { /* with the processes that claim */
	size_t ready, go, n[RUNNERS];
	int64_t begin_us[RUNNERS], end_us[RUNNERS];
};

static size_t claim_all(struct queue *q, size_t batch, size_t most)
{
	static struct queue_run runs[BATCH_MAX];
	size_t done = 0, n = batch;
	while (n == batch && done < most) {
		must(queue_claim(q, clock_wall_ms(), batch, runs, &n, &err));
		for (size_t i = 0; i < n; i++)
			queue_run_done(&runs[i]);
		done += n;
	}
	return done;
}

static void claim_process(const char *url, struct share *share, size_t me, size_t most)
{
	struct queue *q = open_side(url, QUEUE_RUNNER);
	__atomic_fetch_add(&share->ready, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&share->go, __ATOMIC_SEQ_CST) == 0)
		usleep(100);
	share->begin_us[me] = clock_mono_us();
	share->n[me] = claim_all(q, BATCH_MAX, most);
	share->end_us[me] = clock_mono_us();
	queue_close(q);
}

/* So many processes at once; events a second, together. */
static double claim_rate(const char *url, size_t processes, size_t most)
{
	struct share *share = mmap(
		NULL, sizeof(*share), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pids[RUNNERS];
	fflush(stdout);
	for (size_t i = 0; i < processes; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			claim_process(url, share, i, most / processes);
			_exit(0);
		}
	}
	for (int i = 0; i < 300000; i++) {
		if (__atomic_load_n(&share->ready, __ATOMIC_SEQ_CST) == processes)
			break;
		usleep(100);
	}
	__atomic_store_n(&share->go, 1, __ATOMIC_SEQ_CST);
	bool fine = true;
	size_t n = 0;
	int64_t begin = INT64_MAX, end = 0;
	for (size_t i = 0; i < processes; i++) {
		int status;
		(void)waitpid(pids[i], &status, 0);
		fine = fine && status == 0;
		n += share->n[i];
		begin = share->begin_us[i] < begin ? share->begin_us[i] : begin;
		end = share->end_us[i] > end ? share->end_us[i] : end;
	}
	munmap(share, sizeof(*share));
	if (!fine)
		exit(1);
	return (double)n * 1e6 / (double)(end - begin);
}

static void bench_claims(const char *url)
{
	enum { EACH = 20480 };
	double one[ROUNDS], two[ROUNDS];
	fill(url, (ROUNDS * 2 + 1) * EACH, BODY_BYTES);
	(void)claim_rate(url, RUNNERS, EACH); /* once, so that all of it has been read */
	for (size_t i = 0; i < ROUNDS; i++) {
		two[i] = claim_rate(url, RUNNERS, EACH);
		one[i] = claim_rate(url, 1, EACH);
	}
	printf("claims with their bodies            one runner %7.0f/s  two runners %7.0f/s (aim "
	       "25000)\n",
		median(one, ROUNDS), median(two, ROUNDS));
}

/* --- what an event costs ---------------------------------------------------------------------- */

static size_t route_batch(struct queue *runner, size_t n, size_t claim_max, struct queue_run *runs)
{
	static struct queue_raw raw[BATCH_MAX];
	static struct queue_routing routings[BATCH_MAX];
	static struct queue_run_new new[BATCH_MAX];
	static char keys[BATCH_MAX][48];
	size_t got = 0, claimed = 0;
	must(queue_inbox_next(runner, n, raw, &got, &err));
	for (size_t i = 0; i < got; i++) {
		snprintf(keys[i], sizeof(keys[i]), "person/%016llx",
			(unsigned long long)next_random());
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
			digest[k] = next_random();
		memcpy(routings[i].event.digest, digest, DIGEST_N);
	}
	must(queue_route(runner, routings, got, claim_max, runs, &claimed, &err));
	return claim_max > 0 ? claimed : got;
}

static void call_each(struct queue *q, struct queue_run *runs, size_t n, bool answered)
{
	static const char request[] = "{\"city\":\"Paris\"}";
	struct queue_call call = {
		.path = "1",
		.method = "update",
		.object = "people",
		.effect = true,
		.request = {request, sizeof(request) - 1},
		.started_ms = clock_wall_ms(),
	};
	if (answered)
		call.answer = (struct slice){body, 1200};
	for (size_t i = 0; i < n; i++)
		must(queue_call_put(q, runs[i].seq, runs[i].epoch, &call, &err));
}

static void finish_each(struct queue *q, struct queue_run *runs, size_t n)
{
	struct queue_outcome done = {
		.state = QUEUE_DONE,
		.api_calls = 1,
		.started_ms = clock_wall_ms(),
		.ended_ms = clock_wall_ms(),
	};
	for (size_t i = 0; i < n; i++) {
		must(queue_finish(q, runs[i].seq, runs[i].epoch, &done, &err));
		queue_run_done(&runs[i]);
	}
}

/* From routing to the end, batches of n, as a runner does it: so many round trips an event. */
static void bench_trips(const char *url, size_t n)
{
	static struct queue_run runs[BATCH_MAX];
	struct queue *receiver = open_side(url, QUEUE_RECEIVER);
	struct queue *runner = open_side(url, QUEUE_RUNNER);
	int64_t route = 0, calls = 0, finish = 0, events = 0, at = 0;
	for (int round = 0; round < 9; round++) {
		put_batch(receiver, n, SMALL_BYTES);
		if (round == 1) /* statements are prepared by then */
			route = calls = finish = events = 0;
		at = trips(runner);
		size_t got = route_batch(runner, n, n, runs);
		must(queue_commit(runner, &err));
		route += trips(runner) - at;
		at = trips(runner);
		call_each(runner, runs, got, false);
		must(queue_commit(runner, &err));
		calls += trips(runner) - at;
		at = trips(runner);
		call_each(runner, runs, got, true);
		finish_each(runner, runs, got);
		must(queue_commit(runner, &err));
		finish += trips(runner) - at;
		events += (int64_t)got;
	}
	double sum = (double)(route + calls + finish) / (double)events;
	printf("round trips, %3zu events at once     route %.2f  intent %.2f  answer and end %.2f "
	       "an "
	       "event: at 1 ms %.0f events/s\n",
		n, (double)route / (double)events, (double)calls / (double)events,
		(double)finish / (double)events, 1000 / sum);
	queue_close(runner);
	queue_close(receiver);
}

struct costs { /* microseconds an event; count: a call */
	double put, route, claim, finish, prune, count;
};

static double since(int64_t us, size_t n)
{
	return (double)(clock_mono_us() - us) / (double)n;
}

static double finish_cost(struct queue *runner, size_t most)
{
	static struct queue_run runs[BATCH_MAX];
	int64_t took = 0;
	size_t done = 0, n = BATCH_MAX;
	for (; done < most && n == BATCH_MAX; done += n) {
		must(queue_claim(runner, clock_wall_ms(), BATCH_MAX, runs, &n, &err));
		int64_t us = clock_mono_us();
		call_each(runner, runs, n, false);
		must(queue_commit(runner, &err));
		call_each(runner, runs, n, true);
		finish_each(runner, runs, n);
		must(queue_commit(runner, &err));
		took += clock_mono_us() - us;
	}
	return (double)took / (double)done;
}

/* All that has ended. */
static double prune_cost(struct queue *receiver, struct queue *runner, size_t most)
{
	const struct queue_retention keep = {.events_ms = 1, .runs_ms = 1};
	size_t n = 0, all = 0;
	int64_t us = clock_mono_us();
	struct queue *const sides[] = {runner, receiver};
	for (size_t i = 0; i < ARRAY_N(sides); i++) {
		for (int k = 0; k < 1000; k++) {
			must(queue_prune(sides[i], &keep, clock_wall_ms() + 5000, 1000, &n, &err));
			if (sides[i] == runner)
				must(queue_commit(runner, &err));
			all += n;
			if (n < 1000)
				break;
		}
	}
	return all > 0 ? since(us, most) : 0;
}

static struct costs bench_costs(const char *url, size_t each)
{
	struct costs c = {0};
	struct queue_counts counts;
	struct queue *receiver = open_side(url, QUEUE_RECEIVER);
	struct queue *runner = open_side(url, QUEUE_RUNNER);
	static struct queue_run runs[BATCH_MAX];
	put_batch(receiver, BATCH_MAX, SMALL_BYTES);
	int64_t us = clock_mono_us();
	for (size_t n = 0; n < each; n += BATCH_MAX)
		put_batch(receiver, BATCH_MAX, SMALL_BYTES);
	c.put = since(us, each);
	us = clock_mono_us();
	for (size_t n = 0; n < each; n += BATCH_MAX) {
		(void)route_batch(runner, BATCH_MAX, 0, runs);
		must(queue_commit(runner, &err));
	}
	c.route = since(us, each);
	us = clock_mono_us();
	(void)claim_all(runner, BATCH_MAX, each / 2);
	c.claim = since(us, each / 2);
	c.finish = finish_cost(runner, each / 4);
	c.prune = prune_cost(receiver, runner, each / 4);
	us = clock_mono_us();
	must(queue_count(runner, &counts, &err));
	c.count = since(us, 1);
	queue_close(runner);
	queue_close(receiver);
	return c;
}

static void bench_backlog(const char *url, long long rows)
{
	enum { EACH = 8192 };
	fill(url, rows < EACH ? EACH : rows, SMALL_BYTES);
	struct costs c = bench_costs(url, EACH);
	printf("%11lld  put %6.1f  route %6.1f  claim %6.1f  finish %6.1f  prune %6.1f us an event "
	       " "
	       "count %6.0f us\n",
		rows, c.put, c.route, c.claim, c.finish, c.prune, c.count);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct postgres_server server;
	char folder[100], url[200];
	int n = 0;
	memset(body, 'x', sizeof(body));
	if (!postgres_start(&server, true,
		    "-c shared_buffers=512MB -c min_wal_size=2GB -c max_wal_size=4GB"))
		return 1;
	snprintf(folder, sizeof(folder), "%s/sqlite", server.folder);
	snprintf(url, sizeof(url), "%s?schema=bench%d", server.url, n++);
	bool backlog = argc > 1; /* the long form: nothing else */
	if (!backlog) {
		warm(server.url);
		bench_acks(url, folder, 64);
		bench_acks(url, folder, 256);
		bench_trips(url, 1);
		bench_trips(url, 16);
		bench_trips(url, 256);
		snprintf(url, sizeof(url), "%s?schema=bench%d", server.url, n++);
		bench_claims(url);
	}
	printf("what an event costs before a backlog of so many runs and deliveries:\n");
	static const char *const few[] = {"", "10000", "200000"};
	const char *const *rows = backlog ? (const char *const *)argv : few;
	for (int i = 1; i < (backlog ? argc : (int)ARRAY_N(few)); i++) {
		snprintf(url, sizeof(url), "%s?schema=bench%d", server.url, n++);
		bench_backlog(url, strtoll(rows[i], NULL, 10));
	}
	postgres_stop(&server);
	return 0;
}
