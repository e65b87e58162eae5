/* SPDX-License-Identifier: MIT */
/*
 * Straight to the store, or by the spool.
 *
 * From: commit.c's writer. To: queue_inbox_put where the store answers, else queue/spool.h; from
 * there the carrier, a thread of its own, takes everything to the store in order. The carrier alone
 * makes connections, so that no sender ever waits for one; one that works it leaves in `offered`,
 * and the writer takes it once nothing waits in the spool any more.
 *
 * Invariants: the writer puts into the spool as long as a single delivery waits there. The carrier
 * moves on only when the store has confirmed. What it has carried the writer drops, later: until
 * then a repeat is found in the spool, from then on in the store. It says once that the store is
 * away, and once that it is back. Nothing that lies in the spool is acknowledged while the store
 * holds a promise that nothing does (queue/sign.h): straight, a promise is given again every
 * second; the carrier's first word to the store is how far back the spool goes, and only the
 * writer, who has it empty and the way straight, promises again.
 */
#include "receiver/detour.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "queue/patience.h"
#include "queue/sign.h"
#include "queue/spool.h"
#include "queue/spool_store.h"

#define CARRY_MAX 512       /* deliveries in one step */
#define REST_FIRST_MS 100   /* between two attempts to reach the store, doubled each time, */
#define REST_MAX_MS 5000    /* up to this */
#define HAND_OVER_MS 300    /* the writer waits for the last ones, or a busy spool never empties */
#define TELL_EVERY_MS 10000 /* of a store that comes and goes */
#define REFUSED_EVERY_MS 60000
#define LATE_EVERY_MS 60000
#define SPARE_MS 200 /* clocks do not run alike */
#define END_MS 4000  /* for the carrier to notice that it is over */

struct detour {
	struct detour_conf conf;
	char *folder; /* of the spool */
	struct spool *spool;
	pthread_t carrier;
	bool has_carrier;

	struct queue *store; /* the writer's: the way is straight; else NULL */
	struct id *ids;      /* the writer's: of the batch at hand */
	size_t ids_n;
	int64_t dropped;           /* the writer's: gone from the spool */
	bool told;                 /* the writer's: that the store is away */
	int64_t told_ms, since_ms; /* the writer's, mono */
	int64_t kept_n;            /* the writer's: into the spool since then */
	int64_t sign_ms;           /* the writer's, mono: the next sign */
	bool tells;                /* there may be something in the spool */

	struct queue *own;            /* the carrier's */
	struct queue_delivery *batch; /* the carrier's, CARRY_MAX of them */
	int rests;                    /* the carrier's: attempts in vain so far */
	bool signed_in;               /* the carrier's: what it has works, and knows of the spool */
	int64_t late_ms;              /* mono: when it was last said that others went ahead */
	int64_t refused_ms; /* the carrier's, mono: when it was last said that a person is wanted */

	pthread_mutex_t lock;   /* guards what follows */
	pthread_cond_t changed; /* any of it */
	struct queue *offered;  /* works, and nothing is left to carry; the writer may take it */
	bool straight;          /* the writer has one; the carrier rests */
	bool reached;           /* the carrier has one that works */
	bool stopping, ended;
	bool known;        /* the store does not hold a promise, but knows of the spool */
	int64_t silent_ms; /* mono: until then nothing of it is acknowledged, unless known */
	int64_t spooled;   /* place of the last one in the spool */
	int64_t carried;   /* .. that the store has confirmed */
};

static struct timespec in_ms(int64_t ms)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec += ms / 1000;
	ts.tv_nsec += ms % 1000 * 1000000;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_sec++;
		ts.tv_nsec -= 1000000000;
	}
	return ts;
}

static void show(const struct detour *d)
{
	struct spool_sum sum = spool_sum(d->spool);
	metrics_set(METRIC_SPOOL_DELIVERIES, sum.n);
	metrics_set(METRIC_SPOOL_BYTES, sum.bytes);
}

/* --- signs ------------------------------------------------------------------------------------ */

/* Routing had not waited for us any more: order is not what it was. */
static void say_late(struct detour *d)
{
	int64_t n = spool_sum(d->spool).n, now_ms = clock_mono_ms();
	if (n == 0)
		return;
	metrics_add(METRIC_SPOOLED_LATE, (uint64_t)n);
	if (d->late_ms != 0 && now_ms - d->late_ms < LATE_EVERY_MS)
		return;
	d->late_ms = now_ms;
	log_warn(NULL,
		"the store had not heard of this receiver for so long that later deliveries were "
		"not held back any more: %" PRId64
		" in the spool may come behind later ones of their records; where that matters, "
		"let rules read the record again",
		n);
}

static int64_t sign_every_ms(const struct detour *d)
{
	return d->conf.promise_ms * 2 / 5;
}

/* from_ms 0: a promise. Whoever has the connection gives it. */
static enum rc give_sign(struct detour *d, struct queue *q, int64_t from_ms, struct err *err)
{
	bool late = false;
	struct queue_sign sign = {.who = spool_who(d->spool),
		.at_mono_ms = clock_mono_ms(),
		.from_ms = from_ms,
		.promise_ms = d->conf.promise_ms};
	if (!d->tells)
		return RC_OK;
	if (from_ms == 0) {
		pthread_mutex_lock(&d->lock);
		d->known = false;
		d->silent_ms = sign.at_mono_ms + sign.promise_ms + SPARE_MS;
		pthread_mutex_unlock(&d->lock);
	}
	enum rc rc = queue_sign(q, &sign, &late, err);
	if (rc == RC_OK && from_ms != 0) {
		pthread_mutex_lock(&d->lock);
		d->known = true;
		pthread_cond_broadcast(&d->changed);
		pthread_mutex_unlock(&d->lock);
	}
	if (rc == RC_OK && late)
		say_late(d);
	return rc;
}

/* The spool is durable; the sender hears of it when nothing can be routed past it any more. */
static void await_silence(struct detour *d)
{
	pthread_mutex_lock(&d->lock);
	int64_t left_ms = d->tells && !d->known ? d->silent_ms - clock_mono_ms() : 0;
	struct timespec until = in_ms(left_ms > 0 ? left_ms : 0);
	while (left_ms > 0 && !d->known && !d->stopping &&
		pthread_cond_timedwait(&d->changed, &d->lock, &until) != ETIMEDOUT)
		continue;
	pthread_mutex_unlock(&d->lock);
}

/* --- the carrier ------------------------------------------------------------------------------ */

/* Half of it, or up to one and a half: receivers that have lost a store together do not come back
 * together. */
static int64_t rest_ms(int n)
{
	int64_t ms = REST_FIRST_MS;
	uint16_t dice = 0;
	while (--n > 0 && ms < REST_MAX_MS)
		ms *= 2;
	ms = ms < REST_MAX_MS ? ms : REST_MAX_MS;
	(void)!getrandom(&dice, sizeof(dice), GRND_NONBLOCK);
	return ms / 2 + ms * dice / UINT16_MAX;
}

/* That it is away was said; that it will not come back by itself is news. */
static void say_refused(struct detour *d, const struct err *err)
{
	int64_t now_ms = clock_mono_ms();
	if (err->code == RC_IO || (d->refused_ms != 0 && now_ms - d->refused_ms < REFUSED_EVERY_MS))
		return;
	d->refused_ms = now_ms;
	log_error(&(struct log_fields){.cause = rc_name(err->code)},
		"the store will not take deliveries by itself: %s", err->msg);
}

static void tell_why(const struct detour *d, const char *why)
{
	if (d->conf.said != NULL)
		d->conf.said(d->conf.ctx, why);
}

/* Waits before the next attempt. */
static void rest(struct detour *d, const struct err *err)
{
	struct timespec until = in_ms(rest_ms(++d->rests));
	say_refused(d, err);
	tell_why(d, err->msg);
	pthread_mutex_lock(&d->lock);
	d->reached = false;
	while (!d->stopping && pthread_cond_timedwait(&d->changed, &d->lock, &until) != ETIMEDOUT)
		continue;
	pthread_mutex_unlock(&d->lock);
}

static void set_own(struct detour *d, struct queue *q)
{
	pthread_mutex_lock(&d->lock);
	struct queue *old = d->own;
	d->own = q; /* under the lock: detour_stop abandons it */
	d->signed_in = false;
	d->reached = q != NULL;
	pthread_mutex_unlock(&d->lock);
	queue_close(old);
}

/* The store has taken us: a later start, while it refuses us, knows that it is the right one. */
static void note_store(const struct detour *d)
{
	struct err err;
	if (spool_store_note(d->folder, &d->conf.place, &err) != RC_OK)
		log_warn(&(struct log_fields){.cause = rc_name(err.code)}, "%s", err.msg);
}

static void reach(struct detour *d)
{
	struct err err = {.msg = ""};
	struct queue *q = NULL;
	if (queue_place_open(&d->conf.place, QUEUE_RECEIVER, 0, &q, &err) != RC_OK) {
		rest(d, &err);
		return;
	}
	queue_patience(q, QUEUE_LONG_MS);
	note_store(d);
	set_own(d, q);
}

/* Nothing waits: leaves the store to the writer, until it has taken it or spooled more. */
static void offer(struct detour *d)
{
	struct timespec until = in_ms(sign_every_ms(d));
	queue_patience(d->own, QUEUE_BRIEF_MS);
	pthread_mutex_lock(&d->lock);
	d->offered = d->own;
	pthread_cond_broadcast(&d->changed);
	while (!d->stopping && d->offered != NULL && d->spooled == d->carried &&
		pthread_cond_timedwait(&d->changed, &d->lock, &until) != ETIMEDOUT)
		continue;
	if (d->offered == NULL) {
		d->own = NULL;
		d->reached = false;
	}
	d->offered = NULL;
	pthread_mutex_unlock(&d->lock);
	if (d->own != NULL)
		queue_patience(d->own, QUEUE_LONG_MS);
	d->signed_in = false; /* it has come on since: what is told is news */
	d->rests = 0;
}

static void note_carried(struct detour *d, int64_t last)
{
	pthread_mutex_lock(&d->lock);
	d->carried = last;
	if (d->spooled < last) /* a damaged spool was counted anew */
		d->spooled = last;
	pthread_cond_broadcast(&d->changed);
	pthread_mutex_unlock(&d->lock);
	d->conf.stored(d->conf.ctx);
}

/* One step. */
static void carry(struct detour *d)
{
	struct err err = {.msg = ""};
	size_t n = 0;
	int64_t last = 0, now_ms = clock_wall_ms();
	enum rc rc = spool_next(d->spool, d->carried, CARRY_MAX, d->batch, &n, &last, &err);
	if (rc == RC_OK && !d->signed_in)
		rc = give_sign(d, d->own, n > 0 ? d->batch[0].received_ms : now_ms, &err);
	d->signed_in = rc == RC_OK;
	if (rc == RC_OK && n == 0) {
		if (last > d->carried) /* what the spool has lost */
			note_carried(d, last);
		offer(d);
		return;
	}
	if (rc == RC_OK)
		rc = queue_inbox_put(d->own, d->batch, n, &err);
	if (rc == RC_OK) {
		d->rests = 0;
		note_carried(d, last);
		/* What waits behind it was stored later than it was received. */
		rc = give_sign(d, d->own, d->batch[n - 1].received_ms, &err);
		if (rc == RC_OK)
			return;
	}
	set_own(d, NULL);
	rest(d, &err);
}

/* False when it is over. */
static bool await_work(struct detour *d)
{
	pthread_mutex_lock(&d->lock);
	while (!d->stopping && d->straight)
		pthread_cond_wait(&d->changed, &d->lock);
	bool go = !d->stopping;
	pthread_mutex_unlock(&d->lock);
	return go;
}

static void *carry_all(void *arg)
{
	struct detour *d = arg;
	pthread_setname_np(pthread_self(), "carrier");
	while (await_work(d)) {
		if (d->own == NULL)
			reach(d);
		else
			carry(d);
	}
	set_own(d, NULL);
	pthread_mutex_lock(&d->lock);
	d->ended = true;
	pthread_cond_broadcast(&d->changed);
	pthread_mutex_unlock(&d->lock);
	return NULL;
}

/* --- the writer ------------------------------------------------------------------------------- */

/* From here on by the spool. */
static void go_round(struct detour *d, const struct err *err)
{
	int64_t now_ms = clock_mono_ms();
	struct queue *old = d->store;
	d->store = NULL;
	queue_close(old);
	d->since_ms = now_ms;
	d->kept_n = 0;
	d->told = d->told_ms == 0 || now_ms - d->told_ms >= TELL_EVERY_MS;
	if (d->told) {
		d->told_ms = now_ms;
		log_warn(&(struct log_fields){.cause = rc_name(err->code)},
			"the store takes no deliveries: %s; they are kept in the spool, and "
			"acknowledged, until it does",
			err->msg);
	}
	tell_why(d, err->msg);
	metrics_add(METRIC_STORE_OUTAGES, 1);
	metrics_set(METRIC_STORE_AWAY, 1);
	pthread_mutex_lock(&d->lock);
	d->straight = false;
	pthread_cond_broadcast(&d->changed);
	pthread_mutex_unlock(&d->lock);
}

static void go_straight(struct detour *d, struct queue *store)
{
	d->store = store;
	tell_why(d, "");
	metrics_set(METRIC_STORE_AWAY, 0);
	if (d->told)
		log_info(NULL,
			"the store takes deliveries again, after %.1f s; %" PRId64
			" went by the spool, in order",
			(double)(clock_mono_ms() - d->since_ms) / 1000, d->kept_n);
	d->told = false;
}

/* The last ones are on their way: to wait for them is shorter than to go behind them again. */
static void await_last(struct detour *d)
{
	struct timespec until = in_ms(HAND_OVER_MS);
	while (d->reached && !d->stopping && d->offered == NULL &&
		d->spooled - d->carried <= CARRY_MAX &&
		pthread_cond_timedwait(&d->changed, &d->lock, &until) != ETIMEDOUT)
		continue;
}

static void keep_promise(struct detour *d)
{
	struct err err;
	d->sign_ms = clock_mono_ms() + sign_every_ms(d);
	if (give_sign(d, d->store, 0, &err) == RC_IO)
		go_round(d, &err);
}

/* busy: there is a batch to be put. */
static enum rc settle(struct detour *d, bool busy, struct err *err)
{
	if (d->store != NULL)
		return RC_OK;
	pthread_mutex_lock(&d->lock);
	if (busy)
		await_last(d);
	struct queue *store = NULL;
	if (d->offered != NULL && d->spooled == d->carried) {
		store = d->offered;
		d->offered = NULL;
		d->straight = true;
		pthread_cond_broadcast(&d->changed);
	}
	int64_t carried = d->carried;
	pthread_mutex_unlock(&d->lock);
	enum rc rc = RC_OK;
	if (carried > d->dropped) {
		rc = spool_drop(d->spool, carried, err);
		if (rc == RC_OK)
			d->dropped = carried;
		show(d);
	}
	if (store != NULL)
		go_straight(d, store);
	if (store != NULL)
		keep_promise(d);
	return rc == RC_IO ? rc : RC_OK; /* no room to drop in: later */
}

/* What has failed has changed some of them: a repeat carries the id of the first. */
static void restore(struct detour *d, struct queue_delivery *deliveries, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		deliveries[i].id = d->ids[i];
		deliveries[i].ret_repeated = false;
	}
}

static enum rc remember(
	struct detour *d, const struct queue_delivery *deliveries, size_t n, struct err *err)
{
	if (n > d->ids_n) {
		struct id *more = realloc(d->ids, n * sizeof(*more));
		if (more == NULL)
			return err_set(err, RC_NOMEM, "no memory for a batch");
		d->ids = more;
		d->ids_n = n;
	}
	for (size_t i = 0; i < n; i++)
		d->ids[i] = deliveries[i].id;
	return RC_OK;
}

static enum rc put_round(
	struct detour *d, struct queue_delivery *deliveries, size_t n, struct err *err)
{
	enum rc rc = spool_put(d->spool, deliveries, n, err);
	if (rc != RC_OK)
		return rc;
	d->kept_n += (int64_t)n;
	metrics_add(METRIC_SPOOLED, n);
	show(d);
	pthread_mutex_lock(&d->lock);
	d->spooled = spool_sum(d->spool).last;
	pthread_cond_broadcast(&d->changed);
	pthread_mutex_unlock(&d->lock);
	await_silence(d);
	return RC_OK;
}

enum rc detour_put(struct detour *d, struct queue_delivery *deliveries, size_t n, struct err *err)
{
	enum rc rc = settle(d, true, err);
	if (rc == RC_OK)
		rc = remember(d, deliveries, n, err);
	if (rc != RC_OK)
		return rc;
	if (d->store != NULL) {
		rc = queue_inbox_put(d->store, deliveries, n, err);
		if (rc != RC_IO)
			return rc;
		go_round(d, err);
		restore(d, deliveries, n);
	}
	return put_round(d, deliveries, n, err);
}

struct queue *detour_straight(struct detour *d)
{
	return d->store;
}

enum rc detour_tend(struct detour *d, struct err *err)
{
	struct err why;
	/* Something else than a put may have found that it is gone. */
	if (d->store != NULL && queue_failed(d->store, &why))
		go_round(d, &why);
	if (d->store != NULL && clock_mono_ms() >= d->sign_ms)
		keep_promise(d);
	return settle(d, false, err);
}

enum rc detour_checkpoint(struct detour *d, struct err *err)
{
	return spool_checkpoint(d->spool, err);
}

/* --- start and stop --------------------------------------------------------------------------- */

static enum rc init_sync(struct detour *d)
{
	pthread_condattr_t attr;
	if (pthread_condattr_init(&attr) != 0)
		return RC_NOMEM;
	bool ok = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 &&
		  pthread_mutex_init(&d->lock, NULL) == 0 &&
		  pthread_cond_init(&d->changed, &attr) == 0;
	pthread_condattr_destroy(&attr);
	return ok ? RC_OK : RC_NOMEM;
}

static enum rc open_spool(struct detour *d, const char *folder, struct err *err)
{
	struct timespec pause = {0, 20000000};
	for (int64_t end = clock_mono_ms() + d->conf.wait_ms;;) {
		enum rc rc = spool_open(folder, d->conf.spool_max_bytes, &d->spool, err);
		if (rc == RC_OK)
			return rc;
		if (rc != RC_BUSY || clock_mono_ms() >= end)
			return err_wrap(err, "`spool.folder`");
		(void)nanosleep(&pause, NULL);
	}
}

/* Refused by a store that has taken us before: this machine has come back during an outage, and
 * what is sent meanwhile is sent once. The carrier says each minute that a person is wanted. */
static bool goes_on(const struct detour *d, enum rc rc)
{
	return (rc == RC_DENIED || rc == RC_NOT_FOUND) && d->conf.spool_max_bytes > 0 &&
	       spool_store_known(d->folder, &d->conf.place);
}

/* Straight from the first delivery on, where nothing waits. */
static enum rc begin(struct detour *d, struct err *err)
{
	struct spool_sum sum = spool_sum(d->spool);
	d->tells = sum.n > 0 || d->conf.spool_max_bytes > 0;
	/* One before us may have given a promise. */
	d->silent_ms = clock_mono_ms() + d->conf.promise_ms + SPARE_MS;
	enum rc rc = queue_place_open(&d->conf.place, QUEUE_RECEIVER, 0, &d->store, err);
	if (rc == RC_OK && sum.n == 0)
		rc = give_sign(d, d->store, 0, err);
	if (rc != RC_OK && rc != RC_IO && !goes_on(d, rc))
		return rc;
	d->spooled = sum.last;
	show(d);
	metrics_set(METRIC_STORE_AWAY, 0);
	if (rc == RC_OK)
		note_store(d);
	if (rc != RC_OK) {
		go_round(d, err);
	} else if (sum.n > 0) {
		queue_patience(d->store, QUEUE_LONG_MS);
		d->own = d->store;
		d->store = NULL;
		d->reached = true;
	} else {
		d->straight = true;
	}
	if (sum.n > 0)
		log_info(NULL,
			"%" PRId64 " deliveries of an earlier outage wait in the spool; they "
			"go to the store first",
			sum.n);
	return RC_OK;
}

static enum rc make(const struct detour_conf *conf, struct detour **ret_detour, struct err *err)
{
	struct detour *d = calloc(1, sizeof(*d));
	struct queue_delivery *batch = calloc(CARRY_MAX, sizeof(*batch));
	char *folder = strdup(conf->spool);
	if (d == NULL || batch == NULL || folder == NULL || init_sync(d) != RC_OK) {
		free(folder);
		free(batch);
		free(d);
		return err_set(err, RC_NOMEM, "no memory for the way to the store");
	}
	d->conf = *conf;
	d->conf.spool = NULL;
	d->conf.promise_ms = conf->promise_ms > 0 ? conf->promise_ms : QUEUE_PROMISE_MS;
	d->batch = batch;
	d->folder = folder;
	*ret_detour = d;
	return RC_OK;
}

enum rc detour_start(const struct detour_conf *conf, struct detour **ret_detour, struct err *err)
{
	struct detour *d = NULL;
	enum rc rc = make(conf, &d, err);
	if (rc != RC_OK)
		return rc;
	rc = open_spool(d, conf->spool, err);
	if (rc == RC_OK)
		rc = begin(d, err);
	if (rc == RC_OK) {
		d->has_carrier = pthread_create(&d->carrier, NULL, carry_all, d) == 0;
		if (!d->has_carrier)
			rc = err_set(err, RC_NOMEM, "cannot start the thread of the carrier");
	}
	if (rc != RC_OK) {
		detour_stop(d);
		return rc;
	}
	*ret_detour = d;
	return RC_OK;
}

/* False where it hangs in a connection attempt, which nothing can cut short. */
static bool end_carrier(struct detour *d)
{
	struct timespec until = in_ms(END_MS);
	pthread_mutex_lock(&d->lock);
	d->stopping = true;
	if (d->own != NULL)
		queue_abandon(d->own);
	pthread_cond_broadcast(&d->changed);
	while (!d->ended && pthread_cond_timedwait(&d->changed, &d->lock, &until) != ETIMEDOUT)
		continue;
	bool ended = d->ended;
	pthread_mutex_unlock(&d->lock);
	if (ended)
		(void)pthread_join(d->carrier, NULL);
	else
		(void)pthread_detach(d->carrier);
	return ended;
}

/* Nobody has to wait for one that has left nothing behind. */
static void sign_off(struct detour *d)
{
	struct err ignored;
	bool late;
	struct queue_sign sign = {.who = spool_who(d->spool),
		.at_mono_ms = clock_mono_ms(),
		.promise_ms = d->conf.promise_ms,
		.leaves = true};
	if (d->tells && d->store != NULL)
		(void)!queue_sign(d->store, &sign, &late, &ignored);
}

static void say_left(const struct detour *d)
{
	int64_t n = d->spool != NULL ? spool_sum(d->spool).n : 0;
	if (n > 0)
		log_warn(NULL,
			"%" PRId64
			" deliveries are still in the spool; the next start takes them to "
			"the store",
			n);
}

void detour_stop(struct detour *d)
{
	struct err ignored;
	if (d == NULL)
		return;
	/* The process ends next; what a hanging thread still holds goes with it. */
	if (d->has_carrier && !end_carrier(d))
		return;
	if (d->spool != NULL)
		(void)!settle(d, false, &ignored);
	if (d->spool != NULL)
		sign_off(d);
	say_left(d);
	queue_close(d->store);
	queue_close(d->own);
	spool_close(d->spool);
	pthread_cond_destroy(&d->changed);
	pthread_mutex_destroy(&d->lock);
	free(d->ids);
	free(d->batch);
	free(d->folder);
	free(d);
}
