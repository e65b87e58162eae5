/* SPDX-License-Identifier: MIT */
/* The helpers of the queue's conformance suite; see queue_suite.h. */
#include "tests/conformance/queue_suite.h"

#include <dirent.h>
#include <libpq-fe.h>
#include <unistd.h>

#include "queue/cluster.h"
#include "tests/harness/postgres.h"

void suite_folder(char folder[static 64])
{
	snprintf(folder, 64, "/tmp/moonhook-queue-XXXXXX");
	cr_assert(mkdtemp(folder) != NULL);
}

void suite_remove(const char *folder)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		char path[512];
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		unlink(path);
	}
	if (dir != NULL)
		closedir(dir);
	rmdir(folder);
}

/* What conf/postgres.sql grants to daemons that cannot change tables, and no more. */
static const char grants[] =
	"DO $$ BEGIN CREATE ROLE moonhook_rows LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT;"
	" EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;"
	"CREATE SCHEMA %.*s; GRANT USAGE ON SCHEMA %.*s TO moonhook_rows;"
	"ALTER DEFAULT PRIVILEGES IN SCHEMA %.*s"
	" GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO moonhook_rows;"
	"ALTER DEFAULT PRIVILEGES IN SCHEMA %.*s GRANT EXECUTE ON FUNCTIONS TO moonhook_rows;"
	"ALTER DEFAULT PRIVILEGES IN SCHEMA %.*s GRANT USAGE ON SEQUENCES TO moonhook_rows";

static void grant(const char *store)
{
	char url[160], sql[900];
	const char *schema = strstr(store, "schema=") + 7;
	int n = (int)strcspn(schema, "&");
	snprintf(url, sizeof(url), "%.*s", (int)strcspn(store, "?"), store);
	snprintf(sql, sizeof(sql), grants, n, schema, n, schema, n, schema, n, schema, n, schema);
	PGconn *conn = PQconnectdb(url);
	PGresult *result = PQexec(conn, sql);
	cr_assert_eq(PQresultStatus(result), PGRES_COMMAND_OK, "%s", PQerrorMessage(conn));
	PQclear(result);
	PQfinish(conn);
}

/* Its owner makes the tables; from there on all is done by somebody who may only use them. */
static void start_postgres(struct suite *s)
{
	struct queue *owner = NULL;
	char fresh[140];
	cr_assert(postgres_store(fresh, sizeof(fresh)));
	/* No case is about time: no lease ends on a machine that is busy. */
	snprintf(s->owner, sizeof(s->owner), "%s&lease=120s", fresh);
	const char *at = strchr(s->owner, '@');
	cr_assert_not_null(at);
	snprintf(s->postgres, sizeof(s->postgres), "postgres://moonhook_rows%s", at);
	grant(s->owner);
	suite_ok(s, queue_open(s->owner, QUEUE_RECEIVER, &owner, &s->err));
	queue_close(owner);
	s->store = s->postgres;
}

void suite_start(struct suite *s, const char *store)
{
	memset(s, 0, sizeof(*s));
	s->store = store;
	if (store != NULL && strncmp(store, "postgres:", 9) == 0)
		start_postgres(s);
	if (store != NULL && strcmp(store, "postgres:owner") == 0)
		s->store = s->owner;
	if (store == NULL) {
		suite_folder(s->folder);
		s->store = s->folder;
	}
	suite_ok(s, queue_open(s->store, QUEUE_RECEIVER, &s->receiver, &s->err));
	suite_ok(s, queue_open(s->store, QUEUE_RUNNER, &s->runner, &s->err));
}

bool suite_shared(const struct suite *s)
{
	return queue_shared(s->runner);
}

void suite_forget_runs(struct suite *s)
{
	while (s->runs_n > 0)
		queue_run_done(&s->runs[--s->runs_n]);
}

void suite_end(struct suite *s)
{
	suite_forget_runs(s);
	queue_close(s->runner);
	queue_close(s->receiver);
	if (s->folder[0] != '\0')
		suite_remove(s->folder);
	if (s->postgres[0] != '\0')
		postgres_store_drop(s->owner);
}

struct id suite_put(struct suite *s, const char *key, const char *body)
{
	struct queue_delivery d = {
		.source = "twenty",
		.dedupe = slice_of(key),
		.headers = slice_of("x-test: 1\n"),
		.body = slice_of(body),
		.received_ms = SUITE_NOW_MS,
	};
	suite_ok(s, id_new(SUITE_NOW_MS, &d.id, &s->err));
	suite_ok(s, queue_inbox_put(s->receiver, &d, 1, &s->err));
	return d.id;
}

static size_t route(struct suite *s, size_t n, const struct queue_run_new *run, size_t claim_max)
{
	struct queue_raw raw[SUITE_MAX];
	struct queue_routing routings[SUITE_MAX];
	size_t got = 0, claimed = 0;
	suite_ok(s, queue_inbox_next(s->runner, n, raw, &got, &s->err));
	cr_assert_eq(got, n);
	for (size_t i = 0; i < n; i++)
		routings[i] = (struct queue_routing){
			.event = {.seq = raw[i].seq,
				.id = raw[i].id,
				.source = raw[i].source,
				.name = "person.created",
				.object = "person",
				.record = run->key,
				.via = "hook",
				.received_ms = raw[i].received_ms},
			.runs = run,
			.runs_n = 1,
		};
	suite_ok(s, queue_route(s->runner, routings, n, claim_max, &s->runs[s->runs_n], &claimed,
			    &s->err));
	s->runs_n += claimed;
	return claimed;
}

size_t suite_route(struct suite *s, size_t n, const char *rule, const char *key, size_t claim_max)
{
	struct queue_run_new run = {
		.rule = rule, .source_hash = "hash", .key = key, .attempts_max = 8};
	return route(s, n, &run, claim_max);
}

size_t suite_event_also(
	struct suite *s, const char *rule, const char *key, const char *also, size_t claim_max)
{
	struct queue_run_new run = {
		.rule = rule, .source_hash = "hash", .key = key, .also = also, .attempts_max = 8};
	suite_put(s, NULL, "{}");
	return route(s, 1, &run, claim_max);
}

size_t suite_event(struct suite *s, const char *rule, const char *key, size_t claim_max)
{
	suite_put(s, NULL, "{}");
	return suite_route(s, 1, rule, key, claim_max);
}

size_t suite_claim(struct suite *s, int64_t now_ms, size_t max)
{
	suite_forget_runs(s);
	suite_ok(s, queue_claim(s->runner, now_ms, max, s->runs, &s->runs_n, &s->err));
	return s->runs_n;
}

void suite_finish(struct suite *s, const struct queue_run *run, enum queue_state state)
{
	struct queue_outcome o = {
		.state = state,
		.code = state == QUEUE_DEAD ? RC_REJECTED : RC_OK,
		.error = state == QUEUE_DEAD ? "no such thing" : NULL,
		.api_calls = 1,
		.started_ms = SUITE_NOW_MS,
		.ended_ms = SUITE_NOW_MS + 10,
	};
	suite_ok(s, queue_finish(s->runner, run->seq, run->epoch, &o, &s->err));
}

void suite_release(struct suite *s, const struct queue_run *run, int64_t due_ms, bool attempt_used)
{
	struct queue_outcome o = {
		.state = QUEUE_WAITING,
		.code = RC_UPSTREAM,
		.error = "busy there",
		.due_ms = due_ms,
		.attempt_used = attempt_used,
		.started_ms = SUITE_NOW_MS,
	};
	suite_ok(s, queue_finish(s->runner, run->seq, run->epoch, &o, &s->err));
}

void suite_commit(struct suite *s)
{
	suite_ok(s, queue_commit(s->runner, &s->err));
}

static enum rc take_state(void *ctx, const struct queue_run_row *row, struct err *err)
{
	(void)err;
	*(enum queue_state *)ctx = row->state;
	return RC_OK;
}

enum queue_state suite_run_state(struct suite *s, const char *id)
{
	enum queue_state state = QUEUE_STATE_N;
	suite_ok(s, queue_run_get(s->runner, id, take_state, &state, &s->err));
	return state;
}

struct nth {
	size_t left;
	enum queue_state state;
};

static enum rc take_nth(void *ctx, const struct queue_event_row *row, struct err *err)
{
	struct nth *nth = ctx;
	(void)err;
	if (nth->left-- == 0)
		nth->state = row->state;
	return RC_OK;
}

enum queue_state suite_event_state(struct suite *s, size_t index)
{
	struct nth nth = {index, QUEUE_STATE_N};
	suite_ok(s, queue_event_each(s->runner, NULL, take_nth, &nth, &s->err));
	return nth.state;
}

static enum rc count_event(void *ctx, const struct queue_event_row *row, struct err *err)
{
	struct queue_counts *counts = ctx;
	(void)err;
	counts->events[row->state]++;
	return RC_OK;
}

static enum rc count_run(void *ctx, const struct queue_run_row *row, struct err *err)
{
	struct queue_counts *counts = ctx;
	(void)err;
	counts->runs[row->state]++;
	return RC_OK;
}

static size_t sum(const int64_t n[static QUEUE_STATE_N])
{
	int64_t all = 0;
	for (int i = 0; i < QUEUE_STATE_N; i++)
		all += n[i];
	return (size_t)all;
}

size_t suite_events_n(struct suite *s, const struct queue_filter *filter)
{
	struct queue_counts counts = {0};
	suite_ok(s, queue_event_each(s->runner, filter, count_event, &counts, &s->err));
	return sum(counts.events);
}

size_t suite_runs_n(struct suite *s, const struct queue_filter *filter)
{
	struct queue_counts counts = {0};
	suite_ok(s, queue_run_each(s->runner, filter, count_run, &counts, &s->err));
	return sum(counts.runs);
}

void suite_check_counts(struct suite *s)
{
	struct queue_counts rows = {0}, counts;
	suite_ok(s, queue_event_each(s->runner, NULL, count_event, &rows, &s->err));
	suite_ok(s, queue_run_each(s->runner, NULL, count_run, &rows, &s->err));
	suite_ok(s, queue_count(s->runner, &counts, &s->err));
	for (int i = 0; i < QUEUE_STATE_N; i++) {
		cr_assert_eq(counts.events[i], rows.events[i], "events that are %s: %lld, not %lld",
			queue_state_name((enum queue_state)i), (long long)counts.events[i],
			(long long)rows.events[i]);
		cr_assert_eq(counts.runs[i], rows.runs[i], "runs that are %s: %lld, not %lld",
			queue_state_name((enum queue_state)i), (long long)counts.runs[i],
			(long long)rows.runs[i]);
	}
}
