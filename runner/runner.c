/* SPDX-License-Identifier: MIT */
/*
 * The runner process: wiring, the loop, the link.
 * From: the supervisor (conf, reload, drain) and the receiver's wake. To: every step of this room,
 * once per turn of the loop: what has come is handled, due runs are claimed, deliveries routed,
 * runs given to workers, and then, at the end, what was written is committed and effects leave.
 * Fails by ending: 1 when the store failed (the successor recovers what was committed), 75 for a
 * store that is in use, 78 for what the configuration says wrong. Makes no decision about events or
 * runs.
 */
#include "runner/runner.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/link.h"
#include "base/log.h"
#include "base/metrics.h"
#include "runner/assign.h"
#include "runner/call.h"
#include "runner/life.h"
#include "runner/opening.h"
#include "runner/state.h"
#include "runner/watch.h"

#define HEAP_SLACK (32 << 20)
#define TURN_EVENTS 64 /* handled before the commit, where that many are waiting */
#define YOUNG_MS 30000

enum { EXIT_FAILED = 1, EXIT_BUSY = 75, EXIT_CONF = 78 };

void runner_fatal(struct runner *r, const struct err *err)
{
	if (r->fatal != RC_OK)
		return;
	r->fatal = err->code != RC_OK ? err->code : RC_IO;
	r->stopped = true;
	log_error(NULL, "the runner ends: %s", err->msg);
}

void runner_tell(struct runner *r, const char *kind, const char *text)
{
	struct err err;
	if (r->link_fd < 0 || link_send(r->link_fd, kind, slice_of(text), &err) == RC_OK)
		return;
	if (err.code != RC_CLOSED)
		log_warn(NULL, "%s", err.msg);
}

uint64_t runner_chance(struct runner *r)
{
	uint64_t bits = 0;
	if (r->seed == 0) {
		if (getrandom(&bits, sizeof(bits), 0) != (ssize_t)sizeof(bits))
			bits = (uint64_t)clock_mono_us();
		return bits;
	}
	/* splitmix64 */
	bits = r->seed += UINT64_C(0x9e3779b97f4a7c15);
	bits = (bits ^ bits >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	bits = (bits ^ bits >> 27) * UINT64_C(0x94d049bb133111eb);
	return bits ^ bits >> 31;
}

/* --- what the pool tells ---------------------------------------------------------------------- */

static void on_frame(void *ctx, struct worker *worker, const struct frame *frame)
{
	struct runner *r = ctx;
	if (r->fatal != RC_OK)
		return;
	if (frame->kind == FRAME_HEAD_OF_FILE)
		rules_head(r, worker, frame);
	else if (frame->kind == FRAME_WHEN && frame->run < ROUTE_SLOT)
		assign_when(r, worker, frame);
	else if (frame->kind == FRAME_WHEN)
		route_when(r, worker, frame);
	else
		assign_frame(r, worker, frame);
}

static void on_gone(void *ctx, struct worker *worker, const struct err *why)
{
	watch_gone(ctx, worker, why);
}

static void on_ready(void *ctx, struct worker *worker)
{
	(void)worker;
	rules_push(ctx);
}

/* --- what the loop tells ---------------------------------------------------------------------- */

static int on_wake(sd_event_source *source, int fd, uint32_t events, void *ctx)
{
	struct runner *r = ctx;
	uint64_t n;
	(void)source;
	(void)events;
	if (read(fd, &n, sizeof(n)) == (ssize_t)sizeof(n))
		r->route.wanted = true;
	return 0;
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *ctx)
{
	(void)source;
	(void)info;
	drain_start(ctx);
	return 0;
}

static void take_reload(struct runner *r, struct slice text)
{
	struct conf *conf = NULL;
	struct settings settings;
	struct err err = {0};
	enum rc rc = conf_import(text, &conf, &err);
	if (rc == RC_OK)
		rc = settings_read(conf, &settings, &err);
	if (rc == RC_OK)
		rc = client_renew(r->client, conf, &err);
	if (rc != RC_OK) {
		conf_free(conf);
		log_error(NULL, "%s; what was live before stays", err.msg);
		runner_tell(r, "failed", err.msg);
		return;
	}
	conf_free(r->own_conf);
	r->own_conf = conf;
	r->conf = conf;
	r->settings = settings;
	runs_resize(&r->runs, settings.runs_max);
	r->route.backlog = true; /* there may be room for more */
	pool_resize(&r->pool, settings.workers);
	r->rules.answer = true;
	rules_reload(r);
}

static int on_link(sd_event_source *source, int fd, uint32_t events, void *ctx)
{
	struct runner *r = ctx;
	struct link_msg msg;
	struct err err = {0};
	(void)events;
	enum rc rc = link_receive(fd, &r->link_in, &msg, &err);
	if (rc == RC_BUSY)
		return 0;
	if (rc != RC_OK) {
		(void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
		log_warn(NULL, "the supervisor is gone: %s", err.msg);
		drain_start(r);
	} else if (strcmp(msg.kind, "drain") == 0) {
		drain_start(r);
	} else if (strcmp(msg.kind, "reload") == 0) {
		take_reload(r, msg.text);
	} else if (strcmp(msg.kind, "order") == 0) {
		order_take(r, msg.text);
	}
	return 0;
}

/* --- one turn --------------------------------------------------------------------------------- */

static void say_ready(struct runner *r)
{
	if (r->ready || !r->rules.loaded)
		return;
	r->ready = true;
	runner_tell(r, "ready", "");
}

/* Handles what is waiting, sleeping first where nothing is. */
static void handle(struct runner *r)
{
	uint64_t wait = order_busy(r) ? 0 : gate_wait_us(&r->gate);
	bool drains = r->drain.on && wait > 20000;
	int n = sd_event_run(r->loop, drains ? 20000 : wait);
	lead_step(r);
	for (int i = 1; i < TURN_EVENTS && n > 0 && r->fatal == RC_OK; i++) {
		n = sd_event_run(r->loop, 0);
		lead_step(r);
	}
	if (n < 0 && n != -EINTR) {
		struct err err;
		err_set_errno(&err, RC_IO, -n, "the event loop failed");
		runner_fatal(r, &err);
	}
}

static void commit(struct runner *r)
{
	struct err err = {0};
	uint64_t before = r->gate.commits;
	/* Somebody waits for what was written. Of a young runner each turn stays: should a run end
	 * it, as one whose data the store refuses does, then its birth is not undone with its end,
	 * and the death counts (queue/postgres/db.c). */
	bool young = r->lead.shared && clock_mono_ms() - r->gap.started_ms < YOUNG_MS;
	bool now = young || r->rules.said_kind != NULL || order_answered(r);
	enum rc rc = r->fatal != RC_OK ? RC_OK
		     : now             ? gate_force(&r->gate, &err)
				       : gate_flush(&r->gate, &err);
	if (rc != RC_OK)
		runner_fatal(r, &err);
	if (r->fatal == RC_OK) {
		rules_answer(r);
		order_tell(r);
	}
	if (r->gate.commits != before)
		upkeep_wrote(r);
}

void runner_turn(struct runner *r)
{
	handle(r);
	jump_step(r);
	hearsay_step(r);
	rules_push(r);
	assign_claim(r);
	lead_step(r);
	route_step(r);
	while (gap_step(r) || timer_step(r) || tick_step(r))
		route_step(r);
	lead_step(r);
	order_step(r);
	lead_step(r);
	assign_place(r);
	drain_step(r);
	pool_flush(&r->pool);
	commit(r);
	pool_flush(&r->pool);
	upkeep_watch(r);
	say_ready(r);
}

/* --- life ------------------------------------------------------------------------------------- */

static enum rc adopt(struct runner *r, struct err *err)
{
	struct queue_counts counts;
	size_t n = 0;
	enum rc rc = queue_adopt(r->queue, &n, err);
	if (rc == RC_OK && n != 0)
		log_info(NULL, "%zu run%s of %s %s taken up again", n, n == 1 ? "" : "s",
			r->lead.shared ? "runners that are gone" : "the runner before",
			n == 1 ? "is" : "are");
	if (rc == RC_OK && r->lead.shared)
		metrics_add(METRIC_RUNS_RESCUED, n);
	if (rc == RC_OK)
		rc = jump_start(r, err);
	if (rc == RC_OK)
		rc = queue_count(r->queue, &counts, err);
	if (rc != RC_OK)
		return rc;
	gate_wrote(&r->gate);
	r->route.behind_n = counts.runs[QUEUE_DUE] + counts.runs[QUEUE_WAITING];
	r->route.due_n = counts.runs[QUEUE_DUE];
	r->route.backlog = r->route.wanted = true;
	r->orders.pausing = true; /* perhaps */
	return RC_OK;
}

static enum rc watch_files(struct runner *r, struct err *err)
{
	int n = 0;
	if (r->wake_fd >= 0)
		n = sd_event_add_io(r->loop, &r->wake_io, r->wake_fd, EPOLLIN, on_wake, r);
	if (n >= 0 && r->link_fd >= 0)
		n = sd_event_add_io(r->loop, &r->link_io, r->link_fd, EPOLLIN, on_link, r);
	if (n >= 0 && r->link_fd >= 0)
		n = sd_event_add_signal(r->loop, &r->term, SIGTERM, on_signal, r);
	return n >= 0 ? RC_OK : err_set_errno(err, RC_NOMEM, -n, "cannot watch the link");
}

enum rc runner_new(const struct runner_parts *parts, struct runner **ret_runner, struct err *err)
{
	struct pool_owner owner = {NULL, on_frame, on_gone, on_ready, parts->shelf};
	struct runner *r = calloc(1, sizeof(*r));
	if (r == NULL)
		return err_set(err, RC_NOMEM, "no memory for the runner");
	owner.ctx = r;
	r->loop = sd_event_ref(parts->loop);
	r->conf = parts->conf;
	r->choice = parts->choice;
	r->seed = parts->seed;
	r->queue = parts->queue;
	r->client = parts->client;
	r->link_fd = parts->link_fd;
	r->wake_fd = parts->wake_fd;
	buf_init(&r->link_in, LINK_MAX);
	gate_init(&r->gate, r->queue);
	enum rc rc = settings_read(r->conf, &r->settings, err);
	if (rc == RC_OK)
		rc = runs_open(&r->runs, r->settings.runs_max, err);
	if (rc == RC_OK)
		rc = lead_start(r, err);
	if (rc == RC_OK)
		rc = purse_open(r, err);
	if (rc == RC_OK)
		rc = adopt(r, err);
	if (rc == RC_OK)
		rc = watch_files(r, err);
	pool_open(&r->pool, r->loop, parts->exe, rc == RC_OK ? r->settings.workers : 0, &owner);
	if (rc == RC_OK)
		rc = upkeep_start(r, err);
	if (rc == RC_OK)
		rc = notify_open(r, err);
	if (rc != RC_OK) {
		runner_free(r);
		return rc;
	}
	rules_reload(r);
	*ret_runner = r;
	return RC_OK;
}

static void forget_source(void *ctx, const struct version *source)
{
	(void)ctx;
	(void)source;
}

void runner_free(struct runner *r)
{
	if (r == NULL)
		return;
	upkeep_stop(r);
	inbox_close(&r->inbox);
	lead_stop(r);
	hearsay_stop(r);
	purse_close(r);
	gap_close(r);
	ticks_close(&r->ticks);
	orders_clear(&r->orders);
	notify_close(r);
	pool_close(&r->pool);
	for (size_t i = 0; i < r->runs.slots_n; i++) {
		if (r->runs.slots[i].state != RUN_FREE)
			call_forget(r, &r->runs.slots[i]);
	}
	route_close(r);
	duels_done(&r->duels);
	abroad_done(&r->abroad);
	spends_done(&r->spends);
	rules_close(r);
	runs_close(&r->runs);
	version_sweep(&r->versions, forget_source, NULL);
	sd_event_source_disable_unref(r->wake_io);
	sd_event_source_disable_unref(r->link_io);
	sd_event_source_disable_unref(r->term);
	buf_done(&r->link_in);
	conf_free(r->own_conf);
	sd_event_unref(r->loop);
	free(r);
}

enum rc runner_run(struct runner *r)
{
	struct err err = {0};
	while (!r->stopped)
		runner_turn(r);
	if (r->fatal == RC_OK && gate_force(&r->gate, &err) != RC_OK)
		runner_fatal(r, &err);
	return r->fatal;
}

/* --- the process ------------------------------------------------------------------------------ */

static void start_log(const struct conf *conf)
{
	static const char *const levels[] = {"debug", "info", "warn", "error"};
	const char *format = conf_text(conf, "log.format"), *level = conf_text(conf, "log.level");
	enum log_level least = LOG_INFO;
	for (size_t i = 0; level != NULL && i < ARRAY_N(levels); i++) {
		if (strcmp(level, levels[i]) == 0)
			least = (enum log_level)i;
	}
	enum log_format form = LOG_AUTO;
	if (format != NULL && strcmp(format, "json") == 0)
		form = LOG_JSON;
	else if (format != NULL && strcmp(format, "text") == 0)
		form = LOG_TEXT;
	log_start("runner", form, least);
}

static enum rc receive_conf(struct conf **ret_conf, struct err *err)
{
	struct link_msg msg;
	struct buf in;
	buf_init(&in, LINK_MAX);
	enum rc rc = link_receive(LINK_FD, &in, &msg, err);
	if (rc == RC_OK && strcmp(msg.kind, "conf") != 0)
		rc = err_set(err, RC_PARSE, "the first message must be the configuration");
	if (rc == RC_OK)
		rc = conf_import(msg.text, ret_conf, err);
	buf_done(&in);
	return rc;
}

static void prepare_process(void)
{
	sigset_t term;
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	(void)sigprocmask(SIG_BLOCK, &term, NULL);
	for (int fd = LINK_FD; fd < LINK_FD_END; fd++)
		(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	(void)fcntl(LINK_WAKE, F_SETFL, O_NONBLOCK);
	/* Memory goes back when nothing is to be done (upkeep.c), not between two bursts. */
	(void)mallopt(M_TRIM_THRESHOLD, HEAP_SLACK);
	(void)mallopt(M_MMAP_THRESHOLD, HEAP_SLACK);
	(void)mallopt(M_ARENA_MAX, 2);
}

/* Opens what the process works with and runs it. RC_CLOSED: told to end before there was a store.
 */
static enum rc work(struct conf **conf, struct err *err)
{
	struct runner_parts parts = {
		.exe = "/proc/self/exe", .link_fd = LINK_FD, .wake_fd = LINK_WAKE};
	struct runner *r = NULL;
	enum rc rc = metrics_open(LINK_METRICS, err);
	if (rc == RC_OK && sd_event_new(&parts.loop) < 0)
		rc = err_set(err, RC_NOMEM, "cannot make an event loop");
	if (rc == RC_OK)
		rc = opening_store(conf, &parts.queue, err);
	parts.conf = *conf;
	if (rc == RC_OK)
		rc = client_new(parts.conf, parts.loop, &parts.client, err);
	if (rc == RC_OK)
		rc = runner_new(&parts, &r, err);
	if (rc == RC_OK && runner_run(r) != RC_OK)
		rc = RC_IO;
	runner_free(r);
	client_free(parts.client);
	queue_close(parts.queue);
	sd_event_unref(parts.loop);
	return rc;
}

/* What a person has to change is told from what may be over by itself. */
static int exit_status(enum rc rc)
{
	switch (rc) {
	case RC_OK:
	case RC_CLOSED:
		return 0;
	case RC_BUSY:
		return EXIT_BUSY;
	case RC_INVALID:
	case RC_UNSUPPORTED:
	case RC_DENIED:
		return EXIT_CONF;
	default:
		return EXIT_FAILED;
	}
}

int runner_main(void)
{
	struct err err = {0};
	struct conf *conf = NULL;
	prepare_process();
	enum rc rc = receive_conf(&conf, &err);
	if (rc == RC_CLOSED)
		return 0;
	if (rc == RC_OK) {
		start_log(conf);
		rc = work(&conf, &err);
	}
	conf_free(conf);
	if (exit_status(rc) != 0 && err.msg[0] != '\0') {
		struct err lost;
		log_error(NULL, "%s", err.msg);
		if (link_send(LINK_FD, "failed", slice_of(err.msg), &lost) != RC_OK)
			return EXIT_FAILED;
	}
	return exit_status(rc);
}
