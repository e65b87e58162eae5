/* SPDX-License-Identifier: MIT */
/*
 * Gathers deliveries into one durable step, then answers each.
 * From: listen.c, which suspends a connection and leaves its delivery. To: queue_inbox_put, then
 * back through `answer`; the runner is woken by the eventfd.
 *
 * Invariants: no item is answered RC_OK before queue_inbox_put has returned; each item taken is
 * answered exactly once. A store that fails (RC_IO) ends it all: every item is answered with the
 * failure, nothing more is taken, and the process exits, because only a new one can know what the
 * disk really holds.
 *
 * It does not verify, does not parse and does not know HTTP.
 */
#include "receiver/commit.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "queue/erase.h"
#include "queue/mark.h"
#include "receiver/detour.h"
#include "receiver/leftover.h"

#define BATCH_MAX 512       /* deliveries in one step: bounds what one fsync can delay */
#define SCRUB_EVERY_MS 1000 /* looks for what was erased */
#define SCRUB_MORE_MS 20
#define PRUNE_BITE 200 /* rows removed at once, so that a delivery waits for few */
#define CHECKPOINT_EVERY_MS 100
#define TELL_EVERY_MS 10000
#define PREDECESSOR_MS 3000 /* until a killed one has let go of the store */

struct commit {
	struct commit_conf conf;
	struct queue *queue;   /* the writer's; the checkpointer calls queue_checkpoint only */
	struct detour *detour; /* instead of it, to a store that may be away; as above */
	pthread_t writer, checkpointer;
	bool has_writer, has_checkpointer;
	struct queue_delivery *batch;     /* the writer's, BATCH_MAX of them */
	int64_t prune_at_ms, scrub_at_ms; /* the writer's, mono */
	size_t refused;                   /* the writer's: since the store last took something */
	bool told;                        /* the writer's: that these were refused */
	int64_t told_ms;                  /* the writer's, mono: when that was last said */
	bool told_long;                   /* the checkpointer's: that the log cannot be shortened */

	pthread_mutex_t lock;   /* guards what follows, and conf.keep */
	pthread_cond_t filled;  /* the list has items, or stopping */
	pthread_cond_t written; /* there is something to checkpoint, or stopping */
	struct commit_item *first, **last;
	bool stopping, failed, dirty;
};

static struct timespec deadline_at(int64_t in_ms)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec += in_ms / 1000;
	ts.tv_nsec += in_ms % 1000 * 1000000;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_sec++;
		ts.tv_nsec -= 1000000000;
	}
	return ts;
}

static void tell(int fd)
{
	uint64_t one = 1;
	if (fd >= 0 && write(fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		log_warn(NULL, "cannot wake another process: error %d", errno);
}

/* Any of our threads. */
static void fail(struct commit *c, const struct err *err)
{
	pthread_mutex_lock(&c->lock);
	bool first = !c->failed;
	c->failed = true;
	pthread_mutex_unlock(&c->lock);
	metrics_set(METRIC_STORE_FAILING, 1);
	if (!first)
		return;
	log_error(&(struct log_fields){.cause = rc_name(err->code)},
		"nothing is acknowledged any more, because %s", err->msg);
	tell(c->conf.fail_fd);
}

/* --- the writer ------------------------------------------------------------------------------ */

/* What tending to the store has met. One that may be away may come back. */
static void note_trouble(struct commit *c, const char *what, const struct err *err)
{
	if (err->code == RC_IO && c->detour == NULL)
		fail(c, err);
	else if (err->code != RC_IO)
		log_warn(&(struct log_fields){.cause = rc_name(err->code)}, "%s: %s", what,
			err->msg);
}

static void prune(struct commit *c, struct queue *q)
{
	struct err err;
	size_t n = 0;
	int64_t now_ms = clock_mono_ms();
	if (now_ms < c->prune_at_ms)
		return;
	pthread_mutex_lock(&c->lock);
	struct queue_retention keep = c->conf.keep;
	pthread_mutex_unlock(&c->lock);
	enum rc rc = queue_prune(q, &keep, clock_wall_ms(), PRUNE_BITE, &n, &err);
	if (rc != RC_OK)
		note_trouble(c, "old deliveries could not be removed", &err);
	if (rc != RC_OK || n < PRUNE_BITE)
		c->prune_at_ms = now_ms + c->conf.prune_every_ms;
}

/* Empties deliveries that somebody has erased. */
static void scrub(struct commit *c, struct queue *q)
{
	struct err err;
	bool more = false;
	int64_t now_ms = clock_mono_ms();
	if (now_ms < c->scrub_at_ms)
		return;
	if (queue_scrub(q, &more, &err) != RC_OK)
		note_trouble(c, "what was erased is still in the inbox", &err);
	c->scrub_at_ms = now_ms + (more ? SCRUB_MORE_MS : SCRUB_EVERY_MS);
}

/* A store that many share is looked after by its runners (runner/inbox.c); here only: is it still
 * there, and ours? */
static void look(struct commit *c, struct queue *q)
{
	struct queue_mark mark;
	struct err err;
	int64_t now_ms = clock_mono_ms();
	c->prune_at_ms = now_ms + c->conf.prune_every_ms;
	if (now_ms < c->scrub_at_ms)
		return;
	if (queue_mark_read(q, &mark, &err) != RC_OK)
		note_trouble(c, "the store could not be looked at", &err);
	c->scrub_at_ms = now_ms + SCRUB_EVERY_MS;
}

/* When the writer has something to do by itself, mono. */
static int64_t tend_at_ms(const struct commit *c)
{
	return c->prune_at_ms < c->scrub_at_ms ? c->prune_at_ms : c->scrub_at_ms;
}

static void tend(struct commit *c)
{
	struct err err;
	if (c->detour != NULL && detour_tend(c->detour, &err) != RC_OK)
		fail(c, &err);
	struct queue *q = c->detour != NULL ? detour_straight(c->detour) : c->queue;
	if (q != NULL && c->detour != NULL) {
		look(c, q);
	} else if (q != NULL) {
		prune(c, q);
		scrub(c, q);
	} else {
		c->prune_at_ms = clock_mono_ms() + c->conf.prune_every_ms;
		c->scrub_at_ms = clock_mono_ms() + SCRUB_EVERY_MS;
	}
}

/* Waits for items and takes all of them; NULL when stopping and nothing is left. */
static struct commit_item *take(struct commit *c)
{
	struct commit_item *list = NULL;
	pthread_mutex_lock(&c->lock);
	while (c->first == NULL && !c->stopping) {
		int64_t wait_ms = tend_at_ms(c) - clock_mono_ms();
		struct timespec until = deadline_at(wait_ms > 0 ? wait_ms : 0);
		if (wait_ms > 0 && pthread_cond_timedwait(&c->filled, &c->lock, &until) == 0)
			continue;
		if (c->failed) {
			c->prune_at_ms = clock_mono_ms() + c->conf.prune_every_ms;
			c->scrub_at_ms = c->prune_at_ms;
			continue;
		}
		pthread_mutex_unlock(&c->lock);
		tend(c);
		pthread_mutex_lock(&c->lock);
	}
	list = c->first;
	c->first = NULL;
	c->last = &c->first;
	bool failed = c->failed;
	pthread_mutex_unlock(&c->lock);
	/* Where there is never a pause, a bite between two batches. */
	if (list != NULL && !failed && clock_mono_ms() >= tend_at_ms(c))
		tend(c);
	return list;
}

static enum rc put(struct commit *c, size_t n, struct err *err)
{
	if (commit_failed(c))
		return err_set(err, RC_IO, "the store has failed");
	for (size_t i = 0; i < n; i++) {
		struct queue_delivery *d = &c->batch[i];
		enum rc rc = id_new(d->received_ms, &d->id, err);
		if (rc != RC_OK)
			return rc;
	}
	if (c->detour != NULL)
		return detour_put(c->detour, c->batch, n, err);
	return queue_inbox_put(c->queue, c->batch, n, err);
}

static void note_written(struct commit *c)
{
	tell(c->conf.wake_fd);
	pthread_mutex_lock(&c->lock);
	bool news = !c->dirty;
	c->dirty = true;
	pthread_mutex_unlock(&c->lock);
	if (news)
		pthread_cond_signal(&c->written);
}

/* The store takes deliveries again. */
static void relieve(struct commit *c)
{
	if (c->refused == 0)
		return;
	metrics_set(METRIC_STORE_FAILING, 0);
	if (c->told)
		log_info(NULL, "deliveries are stored again; %zu %s refused meanwhile", c->refused,
			c->refused == 1 ? "was" : "were");
	c->refused = 0;
}

/* Said once until it is over, and seldom where it comes and goes. */
static void refuse(struct commit *c, size_t n, const struct err *err)
{
	int64_t now_ms = clock_mono_ms();
	if (c->refused == 0)
		c->told = c->told_ms == 0 || now_ms - c->told_ms >= TELL_EVERY_MS;
	if (c->refused == 0 && c->told) {
		c->told_ms = now_ms;
		log_error(&(struct log_fields){.cause = rc_name(err->code)},
			"deliveries are refused because the store does not take them: %s",
			err->msg);
	}
	c->refused += n;
	metrics_set(METRIC_STORE_FAILING, 1);
}

static void settle(struct commit *c, size_t n, enum rc rc, const struct err *err)
{
	if (rc == RC_OK) {
		relieve(c);
		note_written(c);
	} else if (rc == RC_IO) {
		fail(c, err);
	} else {
		refuse(c, n, err);
	}
}

/* Can one delivery have kept the others of its batch out? */
static bool perhaps_one(enum rc rc)
{
	return rc != RC_OK && rc != RC_IO && rc != RC_FULL && rc != RC_BUSY;
}

/* Stores the first n items of the list and answers them; returns the rest. */
static struct commit_item *store(struct commit *c, struct commit_item *list, size_t n)
{
	struct err err = {.code = RC_OK};
	struct commit_item *item = list;
	for (size_t i = 0; i < n; i++, item = item->next)
		c->batch[i] = item->delivery;
	enum rc rc = put(c, n, &err);
	if (perhaps_one(rc) && n > 1) {
		while (n-- > 0)
			list = store(c, list, 1);
		return list;
	}
	settle(c, n, rc, &err);
	for (size_t i = 0; i < n; i++) {
		item = list->next; /* an answered item is no longer ours */
		list->rc = rc;
		list->delivery = c->batch[i];
		c->conf.answer(list);
		list = item;
	}
	return list;
}

static void *write_all(void *arg)
{
	struct commit *c = arg;
	struct commit_item *list;
	pthread_setname_np(pthread_self(), "writer");
	while ((list = take(c)) != NULL) {
		while (list != NULL) {
			size_t n = 0;
			for (struct commit_item *i = list; i != NULL && n < BATCH_MAX; i = i->next)
				n++;
			list = store(c, list, n);
		}
	}
	return NULL;
}

/* --- the checkpointer ------------------------------------------------------------------------ */

/* True when something was written and the time has come; false when stopping. */
static bool wait_written(struct commit *c)
{
	pthread_mutex_lock(&c->lock);
	while (!c->dirty && !c->stopping)
		pthread_cond_wait(&c->written, &c->lock);
	struct timespec until = deadline_at(CHECKPOINT_EVERY_MS);
	while (!c->stopping && pthread_cond_timedwait(&c->written, &c->lock, &until) == 0)
		continue;
	bool go = !c->stopping;
	c->dirty = false;
	pthread_mutex_unlock(&c->lock);
	return go;
}

static void *checkpoint_all(void *arg)
{
	struct commit *c = arg;
	pthread_setname_np(pthread_self(), "checkpointer");
	while (wait_written(c)) {
		struct err err;
		enum rc rc = c->detour != NULL ? detour_checkpoint(c->detour, &err)
					       : queue_checkpoint(c->queue, &err);
		if (rc == RC_IO)
			fail(c, &err);
		else if (rc != RC_OK && rc != RC_BUSY && !c->told_long)
			log_warn(&(struct log_fields){.cause = rc_name(rc)},
				"the log of the store could not be shortened: %s", err.msg);
		c->told_long = rc != RC_OK && rc != RC_BUSY;
	}
	return NULL;
}

/* --- start and stop -------------------------------------------------------------------------- */

static enum rc init_sync(struct commit *c)
{
	pthread_condattr_t attr;
	if (pthread_condattr_init(&attr) != 0)
		return RC_NOMEM;
	bool ok = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 &&
		  pthread_mutex_init(&c->lock, NULL) == 0 &&
		  pthread_cond_init(&c->filled, &attr) == 0 &&
		  pthread_cond_init(&c->written, &attr) == 0;
	pthread_condattr_destroy(&attr);
	return ok ? RC_OK : RC_NOMEM;
}

/* The carrier's thread. */
static void wake(void *ctx)
{
	const struct commit *c = ctx;
	tell(c->conf.wake_fd);
}

static void pass_on(void *ctx, const char *why)
{
	const struct commit *c = ctx;
	if (c->conf.said != NULL)
		c->conf.said(why);
}

static enum rc open_store(struct commit *c, struct err *err)
{
	const struct commit_conf *conf = &c->conf;
	if (!queue_place_away(&conf->place)) {
		enum rc rc = queue_place_open(
			&conf->place, QUEUE_RECEIVER, PREDECESSOR_MS, &c->queue, err);
		return rc == RC_OK ? leftover_carry(conf->spool, PREDECESSOR_MS, c->queue, err)
				   : rc;
	}
	struct detour_conf way = {.place = conf->place,
		.spool = conf->spool,
		.spool_max_bytes = conf->spool_max_bytes,
		.wait_ms = PREDECESSOR_MS,
		.said = pass_on,
		.stored = wake,
		.ctx = c};
	return detour_start(&way, &c->detour, err);
}

enum rc commit_start(const struct commit_conf *conf, struct commit **ret_commit, struct err *err)
{
	enum rc rc = RC_NOMEM;
	struct commit *c = calloc(1, sizeof(*c));
	if (c == NULL)
		return err_set(err, RC_NOMEM, "no memory for the writer");
	c->conf = *conf;
	c->last = &c->first;
	c->prune_at_ms = clock_mono_ms() + conf->prune_every_ms;
	c->batch = calloc(BATCH_MAX, sizeof(*c->batch));
	if (c->batch == NULL || init_sync(c) != RC_OK) {
		/* Nothing of it can be used yet, so nothing of it is stopped. */
		free(c->batch);
		free(c);
		return err_set(err, RC_NOMEM, "no memory for the writer");
	}
	rc = open_store(c, err);
	if (rc != RC_OK)
		goto out;
	c->has_writer = pthread_create(&c->writer, NULL, write_all, c) == 0;
	c->has_checkpointer = pthread_create(&c->checkpointer, NULL, checkpoint_all, c) == 0;
	if (!c->has_writer || !c->has_checkpointer) {
		rc = err_set(err, RC_NOMEM, "cannot start the threads of the writer");
		goto out;
	}
	*ret_commit = c;
	return RC_OK;
out:
	commit_stop(c);
	return rc;
}

void commit_keep(struct commit *c, const struct queue_retention *keep)
{
	pthread_mutex_lock(&c->lock);
	c->conf.keep = *keep;
	pthread_mutex_unlock(&c->lock);
}

bool commit_put(struct commit *c, struct commit_item *item)
{
	item->next = NULL;
	pthread_mutex_lock(&c->lock);
	bool taken = !c->stopping && !c->failed;
	bool first = taken && c->first == NULL;
	if (taken) {
		*c->last = item;
		c->last = &item->next;
	}
	pthread_mutex_unlock(&c->lock);
	if (first)
		pthread_cond_signal(&c->filled);
	return taken;
}

void commit_drain(struct commit *c)
{
	pthread_mutex_lock(&c->lock);
	c->stopping = true;
	pthread_mutex_unlock(&c->lock);
	pthread_cond_signal(&c->filled);
	pthread_cond_signal(&c->written);
	if (c->has_writer)
		pthread_join(c->writer, NULL);
	if (c->has_checkpointer)
		pthread_join(c->checkpointer, NULL);
	c->has_writer = c->has_checkpointer = false;
}

void commit_stop(struct commit *c)
{
	if (c == NULL)
		return;
	commit_drain(c);
	detour_stop(c->detour);
	queue_close(c->queue);
	pthread_cond_destroy(&c->written);
	pthread_cond_destroy(&c->filled);
	pthread_mutex_destroy(&c->lock);
	free(c->batch);
	free(c);
}

bool commit_failed(struct commit *c)
{
	pthread_mutex_lock(&c->lock);
	bool failed = c->failed;
	pthread_mutex_unlock(&c->lock);
	return failed;
}
