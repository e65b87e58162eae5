/* SPDX-License-Identifier: MIT */
/*
 * A receiver and a runner, as numbers.
 * From: crew.c, in a process of its own. To: queue.h.
 *
 * The events go out in windows: within one, receivers send side by side, each the records that are
 * its own; with the next window records change hands, after all of the one before was acknowledged.
 * So for each key there is an order that its sender knows, though never two receivers wait for each
 * other within a window.
 */
#include "tests/harness/crew_hand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/clock.h"
#include "queue/cluster.h"
#include "queue/queue.h"

#define BATCH 64
#define WINDOW 512 /* events */
#define OWNERS 100 /* second keys; records of one owner are sent by one receiver */
#define HOT 20     /* records that get a fifth of the events */
#define AHEAD 4096 /* events that may be sent and not have started */
#define BEAT_MS 300

static uint64_t mix(uint64_t z)
{
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* --- what they share -------------------------------------------------------------------------- */

static size_t pick_record(const struct crew_conf *conf, uint64_t random)
{
	size_t hot = conf->records < HOT ? conf->records : HOT;
	return random % 5 == 0 ? random / 8 % hot : random / 8 % conf->records;
}

struct crew_share *crew_share_new(const struct crew_conf *conf)
{
	struct crew_share *s =
		mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s == MAP_FAILED)
		return NULL;
	s->conf = conf;
	s->keys = calloc(conf->events, sizeof(*s->keys));
	for (size_t k = 0; s->keys != NULL && k < conf->events; k++) {
		uint64_t random = mix(conf->seed + k * UINT64_C(0x9e3779b97f4a7c15));
		s->keys[k][0] = pick_record(conf, random);
		bool also = (random >> 40) % 10 == 0;
		s->keys[k][1] = also ? conf->records + s->keys[k][0] % OWNERS : CREW_NONE;
	}
	if (s->keys != NULL)
		s->model = crew_model_new(
			conf->events, conf->records + OWNERS, (const size_t(*)[2])s->keys);
	if (s->model == NULL) {
		crew_share_free(s);
		return NULL;
	}
	return s;
}

void crew_share_free(struct crew_share *s)
{
	if (s == NULL)
		return;
	crew_model_free(s->model);
	free(s->keys);
	munmap(s, sizeof(*s));
}

static int fail(const char *who, const struct err *err)
{
	fprintf(stderr, "crew: a %s ends: %s\n", who, err->msg);
	return 2;
}

/* --- a receiver ------------------------------------------------------------------------------- */

static bool is_mine(const struct crew_share *s, size_t k, size_t window, size_t receiver)
{
	return (s->keys[k][0] % OWNERS + window) % s->conf->receivers == receiver;
}

static enum rc put(struct queue *q, const size_t *events, size_t n, struct err *err)
{
	struct queue_delivery batch[BATCH];
	char bodies[BATCH][32];
	enum rc rc = RC_OK;
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		int size = snprintf(bodies[i], sizeof(bodies[i]), "%zu", events[i]);
		batch[i] = (struct queue_delivery){
			.source = "s",
			.dedupe = {bodies[i], (size_t)size},
			.body = {bodies[i], (size_t)size},
			.received_ms = clock_wall_ms(),
		};
		rc = id_new(batch[i].received_ms, &batch[i].id, err);
	}
	return rc == RC_OK && n > 0 ? queue_inbox_put(q, batch, n, err) : rc;
}

static enum rc put_window(struct queue *q, const struct crew_share *s, size_t window,
	size_t receiver, struct err *err)
{
	size_t events[BATCH], n = 0, end = (window + 1) * WINDOW;
	enum rc rc = RC_OK;
	if (end > s->conf->events)
		end = s->conf->events;
	for (size_t k = window * WINDOW; rc == RC_OK && k < end; k++) {
		if (!is_mine(s, k, window, receiver))
			continue;
		events[n++] = k;
		if (n < BATCH)
			continue;
		rc = put(q, events, n, err);
		n = 0;
	}
	return rc == RC_OK ? put(q, events, n, err) : rc;
}

/* All have sent the window before, and what was sent has been taken up. */
static bool may_begin(struct crew_share *s, size_t window)
{
	for (size_t i = 0; i < s->conf->receivers; i++)
		if (atomic_load(&s->windows[i]) < window)
			return false;
	size_t never = crew_model_tally(s->model).never;
	return window * WINDOW < s->conf->events - never + AHEAD;
}

int crew_receive(struct crew_share *s, size_t receiver)
{
	struct queue *q = NULL;
	struct err err = {.msg = ""};
	size_t windows = (s->conf->events + WINDOW - 1) / WINDOW;
	enum rc rc = queue_open(s->conf->store, QUEUE_RECEIVER, &q, &err);
	for (size_t w = atomic_load(&s->windows[receiver]); rc == RC_OK && w < windows; w++) {
		while (!may_begin(s, w))
			usleep(1000);
		rc = put_window(q, s, w, receiver, &err);
		if (rc == RC_OK)
			atomic_fetch_add(&s->windows[receiver], 1);
	}
	queue_close(q);
	return rc == RC_OK ? 0 : fail("receiver", &err);
}

/* --- a runner --------------------------------------------------------------------------------- */

struct live {
	struct queue_run run;
	size_t event;
	int64_t until_ms;
};

struct hand {
	struct crew_share *share;
	size_t runner;
	unsigned life;
	struct queue *q;
	struct live *live;
	size_t live_n;
	bool leads;
	int64_t beat_ms;
	uint64_t random;
	struct err err;
};

static size_t below(struct hand *h, size_t n)
{
	h->random = mix(h->random + UINT64_C(0x9e3779b97f4a7c15));
	return (size_t)(h->random % n);
}

static bool is_over(const struct hand *h)
{
	return crew_model_life(h->share->model, h->runner) != h->life;
}

static enum rc beat(struct hand *h)
{
	struct queue_beat b = {.leads = false};
	if (clock_mono_ms() < h->beat_ms)
		return RC_OK;
	h->beat_ms = clock_mono_ms() + BEAT_MS;
	enum rc rc = queue_beat(h->q, &b, &h->err);
	h->leads = rc == RC_OK && b.leads;
	crew_model_rescued(h->share->model, b.rescued_n);
	return rc;
}

static void take(struct hand *h, struct queue_run *run, size_t event)
{
	/* Effects of a run begin when its claim is committed: see begin(). */
	int64_t ms = below(h, 50) == 0 ? 40 : (int64_t)below(h, 4);
	h->live[h->live_n++] = (struct live){*run, event, clock_mono_ms() + ms};
}

static enum rc route(struct hand *h)
{
	struct queue_raw raw[BATCH];
	struct queue_routing routings[BATCH];
	struct queue_run_new news[BATCH];
	struct queue_run runs[BATCH];
	size_t n = 0, claimed_n = 0, event[BATCH];
	char names[BATCH][2][32];
	const struct crew_share *s = h->share;
	enum rc rc = queue_inbox_next(h->q, BATCH, raw, &n, &h->err);
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		event[i] = strtoul(raw[i].body.p, NULL, 10);
		const size_t *key = s->keys[event[i]];
		snprintf(names[i][0], sizeof(names[i][0]), "record/%zu", key[0]);
		snprintf(names[i][1], sizeof(names[i][1]), "owner/%zu", key[1]);
		bool also = key[1] != CREW_NONE && !s->conf->keyless;
		news[i] = (struct queue_run_new){
			.rule = "rule",
			.source_hash = "00",
			.key = s->conf->keyless ? "" : names[i][0],
			.also = also ? names[i][1] : NULL,
			.attempts_max = 8,
		};
		routings[i] = (struct queue_routing){
			.event = {.seq = raw[i].seq,
				.id = raw[i].id,
				.source = "s",
				.name = "n",
				.object = "o",
				.record = names[i][0],
				.via = "hook",
				.reason = "",
				.state = QUEUE_DUE,
				.received_ms = raw[i].received_ms},
			.runs = &news[i],
			.runs_n = 1,
		};
	}
	size_t room = s->conf->runs - h->live_n;
	if (rc == RC_OK && n != 0)
		rc = queue_route(
			h->q, routings, n, room < BATCH ? room : BATCH, runs, &claimed_n, &h->err);
	for (size_t i = 0; rc == RC_OK && i < claimed_n; i++)
		take(h, &runs[i], event[runs[i].routing]);
	return rc;
}

static enum rc claim(struct hand *h)
{
	struct queue_run runs[BATCH];
	size_t n = 0, room = h->share->conf->runs - h->live_n;
	enum rc rc = RC_OK;
	room = room < BATCH ? room : BATCH;
	if (room > 0)
		rc = queue_claim(h->q, clock_wall_ms(), room, runs, &n, &h->err);
	for (size_t i = 0; rc == RC_OK && i < n; i++)
		take(h, &runs[i], strtoul(runs[i].body, NULL, 10));
	return rc;
}

/* What was taken since `from` is at work now. */
static enum rc begin(struct hand *h, size_t from)
{
	enum rc rc = queue_commit(h->q, &h->err);
	for (size_t i = from; rc == RC_OK && i < h->live_n; i++)
		if (!crew_model_start(h->share->model, h->live[i].event, h->runner, h->life))
			break;
	return rc;
}

static struct queue_outcome pick_outcome(struct hand *h)
{
	size_t dice = below(h, 100);
	int64_t now_ms = clock_wall_ms();
	struct queue_outcome out = {.state = QUEUE_DONE, .started_ms = now_ms, .ended_ms = now_ms};
	if (dice < 5)
		out.state = QUEUE_SKIPPED;
	else if (dice < 7)
		out.state = QUEUE_DEAD;
	else if (dice < 11) {
		out.state = QUEUE_WAITING;
		out.due_ms = now_ms + 1 + (int64_t)below(h, 60);
		out.attempt_used = true;
	} else if (dice < 13)
		out.state = QUEUE_DUE;
	else if (dice < 15) {
		out.state = QUEUE_DUE;
		out.died = true;
	}
	return out;
}

struct end { /* of one that was live */
	struct live live;
	struct queue_outcome out;
};

/* What has run long enough, or late: all of it; no longer live. The model hears of each before a
 * word is written: who is stopped half way may still have what it wrote committed, rightly where
 * its lease was asked before, and of what the model does not know nothing may be written. */
static size_t pick_ends(struct hand *h, bool late, struct end *ends)
{
	size_t n = 0;
	int64_t now_ms = clock_mono_ms();
	for (size_t i = 0; i < h->live_n && n < BATCH;) {
		struct live *l = &h->live[i];
		if (!late && l->until_ms > now_ms) {
			i++;
			continue;
		}
		struct queue_outcome out = pick_outcome(h);
		bool ended = queue_state_ended(out.state);
		if (!crew_model_stop(h->share->model, l->event, ended, h->runner, h->life) && !late)
			break;
		ends[n++] = (struct end){*l, out};
		*l = h->live[--h->live_n];
	}
	return n;
}

/* late: the life is over, and what is written must be refused. */
static enum rc finish(struct hand *h, bool late, size_t *ret_n)
{
	struct end ends[BATCH];
	size_t n = pick_ends(h, late, ends);
	enum rc rc = RC_OK;
	for (size_t i = 0; i < n; i++) {
		const struct queue_run *run = &ends[i].live.run;
		if (rc == RC_OK)
			rc = queue_finish(h->q, run->seq, run->epoch, &ends[i].out, &h->err);
		queue_run_done(&ends[i].live.run);
	}
	*ret_n = n;
	if (rc == RC_OK && n > 0)
		rc = queue_commit(h->q, &h->err);
	for (size_t i = 0; rc == RC_OK && !late && i < n; i++)
		if (queue_state_ended(ends[i].out.state))
			crew_model_ended(h->share->model, ends[i].live.event);
	return rc;
}

static enum rc turn(struct hand *h)
{
	size_t from = h->live_n, n = 0;
	enum rc rc = beat(h);
	if (rc == RC_OK && h->leads)
		rc = route(h);
	if (rc == RC_OK)
		rc = claim(h);
	if (rc == RC_OK)
		rc = begin(h, from);
	/* From here to the end of finish() nothing is late: it was begun in time. */
	if (rc == RC_OK && !is_over(h))
		rc = finish(h, false, &n);
	if (rc == RC_OK && n == 0 && h->live_n == from)
		usleep(1000);
	return rc;
}

/* Others have taken up what was ours: what we still write about it must be refused. */
static void write_late(struct hand *h)
{
	while (h->live_n > 0) {
		size_t n = 0;
		enum rc rc = finish(h, true, &n);
		crew_model_late(h->share->model, rc != RC_OK, rc != RC_OK ? n + h->live_n : n);
		if (rc != RC_OK)
			break;
	}
}

int crew_work(struct crew_share *s, size_t runner)
{
	struct hand h = {.share = s, .runner = runner, .life = s->lives[runner]};
	size_t n = 0;
	h.random = s->conf->seed + (uint64_t)getpid();
	h.live = calloc(s->conf->runs + BATCH, sizeof(*h.live));
	enum rc rc = h.live != NULL ? queue_open(s->conf->store, QUEUE_RUNNER, &h.q, &h.err)
				    : err_set(&h.err, RC_NOMEM, "no memory");
	if (rc == RC_OK)
		rc = queue_adopt(h.q, &n, &h.err);
	crew_model_rescued(s->model, n);
	while (rc == RC_OK && !is_over(&h))
		rc = turn(&h);
	if (is_over(&h))
		write_late(&h);
	else
		(void)fail("runner", &h.err);
	while (h.live_n > 0)
		queue_run_done(&h.live[--h.live_n].run);
	queue_close(h.q);
	free(h.live);
	return 1;
}
