/* SPDX-License-Identifier: MIT */
/*
 * A runner to try things on.
 * From: tests/unit/runner_*.c. To: the real queue, client and workers. The workers are this program
 * again: what is started as `room worker` never reaches the tests. Every wait is bounded.
 */
#include "tests/unit/runner_stage.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/link.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/uuid.h"
#include "runner/call.h"
#include "runner/drain.h"
#include "runner/runner.h"
#include "runner/worker/worker.h"
#include "tests/harness/http.h"
#include "tests/harness/postgres.h"

#define WAIT_MS 80000

__attribute__((constructor)) static void be_a_worker(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "room") == 0 && strcmp(argv[2], "worker") == 0)
		_exit(worker_main());
}

void stage_open(struct stage *s)
{
	memset(s, 0, sizeof(*s));
	s->link[0] = s->link[1] = -1;
	s->runs = calloc(STAGE_RUNS_MAX, sizeof(*s->runs));
	cr_assert_not_null(s->runs);
	cr_assert(process_folder(s->dir));
	snprintf(s->rules, sizeof(s->rules), "%s/rules", s->dir);
	cr_assert_eq(mkdir(s->rules, 0700), 0);
	log_start("runner", LOG_JSON, LOG_ERROR);
}

void stage_rule(struct stage *s, const char *file, const char *text)
{
	cr_assert(process_write(s->rules, file, text));
}

static bool twin_listens(void *ctx)
{
	struct stage *s = ctx;
	char *text = process_read(s->twin.out);
	const char *at = text != NULL ? strstr(text, "listening on ") : NULL;
	bool found = at != NULL && sscanf(at, "listening on %63s", s->twin_url) == 1;
	free(text);
	return found;
}

static void start_twin(struct stage *s, const char *latency_ms)
{
	const char *argv[] = {process_path("moonhook-twin"), "--listen", "127.0.0.1:0", "--dialect",
		"core", "--key", STAGE_KEY, "--budget", "none", "--latency", latency_ms, NULL};
	cr_assert(process_start(&s->twin, s->dir, "twin", argv, NULL));
	cr_assert(process_await(twin_listens, s, 60000), "the twin did not start");
}

static void write_conf(struct stage *s, const char *settings)
{
	const struct conf_table tables[] = {runner_conf_table, queue_conf_table, client_conf_table};
	char text[2048], path[256], store[200];
	struct err err = {0};
	snprintf(store, sizeof(store), "%s/var", s->dir);
	snprintf(text, sizeof(text),
		"store = \"%s\"\nrules = \"%s\"\ntwenty = { url = \"%s\", key = \"" STAGE_KEY
		"\", budget = \"none\" }\n%s\n%s\n",
		s->store[0] != '\0' ? s->store : store, s->rules,
		s->twin_url[0] != '\0' ? s->twin_url : "http://127.0.0.1:9",
		settings != NULL && strstr(settings, "gap =") != NULL
			? ""
			: "gap = { every = \"0s\" }", /* nothing is asked for unless it is wanted */
		settings != NULL ? settings : "");
	cr_assert(process_write(s->dir, "m.lua", text));
	snprintf(path, sizeof(path), "%s/m.lua", s->dir);
	cr_assert_eq(conf_load(path, tables, ARRAY_N(tables), NULL, 0, &s->conf, &err), RC_OK, "%s",
		err.msg);
}

static bool is_ready(struct stage *s, long n)
{
	(void)n;
	return s->runner->ready;
}

void stage_up(struct stage *s)
{
	struct err err = {0};
	const char *store = conf_text(s->conf, "store");
	if (s->inbox == NULL)
		cr_assert_eq(
			queue_open(store, QUEUE_RECEIVER, &s->inbox, &err), RC_OK, "%s", err.msg);
	cr_assert_eq(queue_open(store, QUEUE_RUNNER, &s->work, &err), RC_OK, "%s", err.msg);
	s->parts =
		(struct runner_parts){.conf = s->conf, .queue = s->work, .exe = "/proc/self/exe"};
	cr_assert_geq(sd_event_new(&s->parts.loop), 0);
	cr_assert_eq(
		client_new(s->conf, s->parts.loop, &s->parts.client, &err), RC_OK, "%s", err.msg);
	s->parts.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	cr_assert_eq(link_open(s->link, &err), RC_OK);
	s->parts.link_fd = s->link[1];
	cr_assert_eq(runner_new(&s->parts, &s->runner, &err), RC_OK, "%s", err.msg);
}

void stage_again(struct stage *s)
{
	stage_up(s);
	stage_until(s, is_ready, 0);
}

void stage_share(struct stage *s)
{
	cr_assert(postgres_store(s->store, sizeof(s->store)));
}

void stage_join(struct stage *s, const struct stage *other, const char *settings)
{
	snprintf(s->store, sizeof(s->store), "%s", other->store);
	snprintf(s->twin_url, sizeof(s->twin_url), "%s", other->twin_url);
	write_conf(s, settings);
	stage_again(s);
}

void stage_start(struct stage *s, enum stage_twin twin, const char *settings)
{
	sigset_t term;
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (twin != STAGE_ALONE)
		start_twin(s, twin == STAGE_TWIN ? "0" : "50");
	write_conf(s, settings);
	stage_again(s);
}

void stage_configure(struct stage *s, const char *settings)
{
	if (s->conf_before == NULL)
		s->conf_before = s->conf;
	else
		conf_free(s->conf);
	write_conf(s, settings);
}

static void free_parts(struct stage *s)
{
	runner_free(s->runner);
	client_free(s->parts.client);
	queue_close(s->work);
	sd_event_unref(s->parts.loop);
	close(s->parts.wake_fd);
	close(s->link[0]);
	close(s->link[1]);
	s->runner = NULL;
	s->work = NULL;
	s->link[0] = s->link[1] = -1;
}

void stage_stop(struct stage *s)
{
	drain_start(s->runner);
	cr_assert_eq(runner_run(s->runner), RC_OK);
	free_parts(s);
}

/* What is not committed is dropped: a child that shares nothing but the files takes the place of
 * the process that died. The handle is left without a commit, which is what a death leaves. */
void stage_crash(struct stage *s)
{
	for (size_t i = 0; i < s->runner->runs.slots_n; i++) {
		if (s->runner->runs.slots[i].state != RUN_FREE)
			call_forget(s->runner, &s->runner->runs.slots[i]);
	}
	free_parts(s);
}

void stage_close(struct stage *s)
{
	if (s->runner != NULL)
		stage_stop(s);
	queue_close(s->inbox);
	conf_free(s->conf);
	conf_free(s->conf_before);
	if (s->twin.pid != 0)
		process_stop(&s->twin, SIGTERM, 5000);
	process_folder_remove(s->dir);
	free(s->runs);
	s->runs = NULL;
}

struct id stage_deliver(struct stage *s, const char *source, struct slice body)
{
	struct err err = {0};
	struct queue_delivery d = {.source = source, .body = body, .received_ms = clock_wall_ms()};
	uint64_t one = 1;
	cr_assert_eq(id_new(d.received_ms, &d.id, &err), RC_OK);
	cr_assert_eq(queue_inbox_put(s->inbox, &d, 1, &err), RC_OK, "%s", err.msg);
	if (s->runner != NULL)
		cr_assert_eq(write(s->parts.wake_fd, &one, sizeof(one)), (ssize_t)sizeof(one));
	return d.id;
}

struct id stage_person(struct stage *s, const char *action, const char *id, const char *title)
{
	char body[2048];
	int n = snprintf(body, sizeof(body),
		"{\"eventName\":\"person.%s\",\"record\":{\"id\":\"%s\",\"jobTitle\":\"%s\","
		"\"name\":{\"firstName\":\"Ann\",\"lastName\":\"Lee\"},\"companyId\":\"c-7\"},"
		"\"updatedFields\":[\"jobTitle\"]}",
		action, id, title);
	return stage_deliver(s, "twenty", (struct slice){body, (size_t)n});
}

struct id stage_someone(struct stage *s, const char *title)
{
	struct uuid u;
	struct err err;
	cr_assert_eq(uuid_new(&u, &err), RC_OK);
	return stage_person(s, "updated", u.text, title);
}

void stage_turn(struct stage *s, int n)
{
	while (n-- > 0 && !s->runner->stopped)
		runner_turn(s->runner);
}

/* What a test that waited in vain leaves to its reader. */
static void tell(struct stage *s)
{
	const struct runner *r = s->runner;
	for (size_t i = 0; i < r->pool.n; i++) {
		const struct worker *w = &r->pool.workers[i];
		fprintf(stderr, "worker %zu: state %d, %zu runs, %zu tasks%s\n", i, (int)w->state,
			w->runs_n, w->tasks_n, w->reserved ? ", reserved" : "");
	}
	for (size_t i = 0; i < r->runs.max; i++) {
		const struct run *run = &r->runs.slots[i];
		if (run->state != RUN_FREE)
			fprintf(stderr, "run %zu: state %d, worker %zd\n", i, (int)run->state,
				run->worker != NULL ? (ssize_t)run->worker->index : -1);
	}
	const struct route *route = &r->route;
	fprintf(stderr, "backlog %d, wanted %d, batch open %d, asking %zu, behind %" PRId64 "\n",
		route->backlog, route->wanted, route->open, route->asking_n, route->behind_n);
	stage_look(s);
	for (size_t i = 0; i < s->runs_n; i++)
		fprintf(stderr, "%s of %s: %s, attempt %d, due in %" PRId64 " ms, %s %s\n",
			s->runs[i].rule, s->runs[i].event, queue_state_name(s->runs[i].state),
			s->runs[i].attempt,
			s->runs[i].due_ms != 0 ? s->runs[i].due_ms - clock_wall_ms() : 0,
			s->runs[i].code, s->runs[i].error);
}

void stage_until(struct stage *s, bool (*question)(struct stage *s, long n), long n)
{
	int64_t end = clock_mono_ms() + WAIT_MS;
	while (!question(s, n)) {
		if (clock_mono_ms() >= end) {
			tell(s);
			cr_assert_fail("it did not happen in time");
		}
		cr_assert_eq(s->runner->fatal, RC_OK);
		runner_turn(s->runner);
	}
}

bool stage_all_ready(struct stage *s, long n)
{
	(void)n;
	for (size_t i = 0; i < s->runner->pool.base_n; i++) {
		if (s->runner->pool.workers[i].state != WORKER_READY)
			return false;
	}
	return true;
}

struct queue_counts stage_counts(struct stage *s)
{
	struct queue_counts counts;
	struct err err = {0};
	cr_assert_eq(queue_count(s->work, &counts, &err), RC_OK, "%s", err.msg);
	return counts;
}

bool stage_ended(struct stage *s, long n)
{
	struct queue_counts c = stage_counts(s);
	int64_t ended = 0;
	for (int i = 0; i < QUEUE_STATE_N; i++)
		ended += queue_state_ended((enum queue_state)i) ? c.runs[i] : 0;
	return ended >= n;
}

bool stage_parsed(struct stage *s, long n)
{
	(void)s;
	return metrics_value(METRIC_EVENT_HOOK) >= n;
}

bool stage_waiting(struct stage *s, long n)
{
	return stage_counts(s).runs[QUEUE_WAITING] >= n;
}

static void copy(char *out, size_t n, const char *text)
{
	snprintf(out, n, "%s", text != NULL ? text : "");
}

static enum rc add_run(void *ctx, const struct queue_run_row *row, struct err *err)
{
	struct stage *s = ctx;
	(void)err;
	if (s->runs_n == STAGE_RUNS_MAX)
		return RC_TOO_LARGE;
	struct stage_run *to = &s->runs[s->runs_n++];
	copy(to->id, sizeof(to->id), row->id);
	copy(to->event, sizeof(to->event), row->event);
	copy(to->rule, sizeof(to->rule), row->rule);
	copy(to->error, sizeof(to->error), row->error);
	copy(to->code, sizeof(to->code), row->error_code);
	copy(to->key, sizeof(to->key), row->key);
	copy(to->log, sizeof(to->log), row->log);
	copy(to->source_hash, sizeof(to->source_hash), row->source_hash);
	to->state = row->state;
	to->attempt = row->attempt;
	to->api_calls = row->api_calls;
	to->deaths = row->deaths;
	to->started_ms = row->started_ms;
	to->ended_ms = row->ended_ms;
	to->due_ms = row->due_ms;
	return RC_OK;
}

static enum rc add_whole(void *ctx, const struct queue_run_row *row, struct err *err)
{
	struct stage_run *to = ctx;
	(void)err;
	copy(to->log, sizeof(to->log), row->log);
	copy(to->detail, sizeof(to->detail), row->detail);
	return RC_OK;
}

void stage_look(struct stage *s)
{
	struct err err = {0};
	struct queue *reader = NULL;
	if (s->runner != NULL)
		cr_assert_eq(gate_force(&s->runner->gate, &err), RC_OK);
	cr_assert_eq(queue_open(conf_text(s->conf, "store"), QUEUE_READER, &reader, &err), RC_OK,
		"%s", err.msg);
	s->runs_n = 0;
	struct queue_filter all = {0};
	cr_assert_eq(queue_run_each(reader, &all, add_run, s, &err), RC_OK, "%s", err.msg);
	for (size_t i = 0; i < s->runs_n; i++)
		cr_assert_eq(queue_run_get(reader, s->runs[i].id, add_whole, &s->runs[i], &err),
			RC_OK, "%s", err.msg);
	queue_close(reader);
}

const struct stage_run *stage_find(struct stage *s, const char *rule, const struct id *event)
{
	stage_look(s);
	for (size_t i = 0; i < s->runs_n; i++) {
		const struct stage_run *run = &s->runs[i];
		if (strcmp(run->rule, rule) == 0 &&
			(event == NULL || strcmp(run->event, event->text) == 0))
			return run;
	}
	cr_assert_fail("there is no such run of %s", rule);
	return NULL;
}

void stage_reload(struct stage *s, char ret_text[static 512])
{
	struct err err = {0};
	struct buf conf, in;
	struct link_msg msg = {{0}, {0}};
	static const char *const prefixes[] = {
		"store", "rules", "workers", "twenty", "limits", "retain", "coalesce", "gap"};
	buf_init(&conf, LINK_MAX);
	buf_init(&in, LINK_MAX);
	cr_assert_eq(conf_export(s->conf, prefixes, ARRAY_N(prefixes), &conf, &err), RC_OK);
	cr_assert_eq(link_send(s->link[0], "reload", buf_slice(&conf), &err), RC_OK);
	fcntl(s->link[0], F_SETFL, O_NONBLOCK);
	int64_t end = clock_mono_ms() + WAIT_MS;
	while (strcmp(msg.kind, "reloaded") != 0 && strcmp(msg.kind, "failed") != 0) {
		cr_assert_lt(clock_mono_ms(), end, "no answer to a reload");
		runner_turn(s->runner);
		enum rc rc = link_receive(s->link[0], &in, &msg, &err);
		cr_assert(rc == RC_OK || rc == RC_BUSY, "%s", err.msg);
	}
	snprintf(ret_text, 512, "%s %.*s", msg.kind, (int)msg.text.n, msg.text.p);
	buf_done(&conf);
	buf_done(&in);
}

void stage_order(struct stage *s, const char *text)
{
	struct err err;
	cr_assert_eq(link_send(s->link[0], "order", slice_of(text), &err), RC_OK);
}

const char *stage_ordered(struct stage *s)
{
	static struct buf in = {.max = LINK_MAX + 1};
	struct link_msg msg = {{0}, {0}};
	struct err err;
	fcntl(s->link[0], F_SETFL, O_NONBLOCK);
	int64_t end = clock_mono_ms() + WAIT_MS;
	while (strcmp(msg.kind, "ordered") != 0) {
		cr_assert_lt(clock_mono_ms(), end, "no answer to an order");
		runner_turn(s->runner);
		enum rc rc = link_receive(s->link[0], &in, &msg, &err);
		cr_assert(rc == RC_OK || rc == RC_BUSY, "%s", err.msg);
	}
	return msg.text.p;
}

/* --- the twin --------------------------------------------------------------------------------- */

char *stage_ask(struct stage *s, const char *method, const char *path, const char *body)
{
	static const char *const headers[] = {
		"Authorization: Bearer " STAGE_KEY, "Content-Type: application/json", NULL};
	char url[256];
	struct http_answer answer;
	snprintf(url, sizeof(url), "%s%s", s->twin_url, path);
	cr_assert(
		http_request(method, url, headers, body, body != NULL ? strlen(body) : 0, &answer));
	char *text = strdup(answer.body);
	http_answer_done(&answer);
	return text;
}

json_t *stage_record(struct stage *s, const char *method, const char *path, const char *body)
{
	char *text = stage_ask(s, method, path, body);
	json_t *tree = json_loads(text, 0, NULL);
	json_t *record = json_object_iter_value(json_object_iter(json_object_get(tree, "data")));
	if (json_is_array(record))
		record = json_array_get(record, 0);
	cr_assert(json_is_object(record), "%s %s: %s", method, path, text);
	json_incref(record);
	json_decref(tree);
	free(text);
	return record;
}

long stage_requests(struct stage *s, const char *method, const char *path)
{
	char url[128];
	struct http_answer answer;
	long n = 0;
	snprintf(url, sizeof(url), "%s/_twin/log", s->twin_url);
	cr_assert(http_request("GET", url, NULL, NULL, 0, &answer));
	char *rest = answer.body;
	for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
		json_t *row = json_loads(line, 0, NULL);
		const char *m = json_string_value(json_object_get(row, "method"));
		const char *p = json_string_value(json_object_get(row, "path"));
		n += m != NULL && p != NULL && strcmp(m, method) == 0 &&
		     strncmp(p, path, strlen(path)) == 0;
		json_decref(row);
	}
	http_answer_done(&answer);
	return n;
}
