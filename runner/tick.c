/* SPDX-License-Identifier: MIT */
/*
 * From schedules to events.
 * From: runner.c, every turn; the live rules. To: route.c, as births for one rule; the store, where
 * the last tick is noted in the transaction that writes its event. Nothing is looked at before its
 * time: upkeep.c wakes the loop. Fails by ending the process where the store or memory fails.
 */
#include "runner/tick.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/zone.h"
#include "queue/pause.h"
#include "queue/timer.h"
#include "runner/cron_next.h"
#include "runner/dump.h"
#include "runner/event.h"
#include "runner/state.h"

#define BODY_MAX 4096
#define AHEAD_MS (INT64_C(24) * 3600 * 1000)

struct tick {
	const struct rule *rule; /* BORROWED from ticks.rules */
	char schedule[CRON_TEXT_MAX + 80];
	struct zone *zone; /* of a cron line */
	struct cron cron;
	int64_t last_ms, next_ms; /* wall; next INT64_MAX: there is none */
	int64_t born_ms;          /* of the one whose event is to be routed; 0: there is none */
	int64_t number;           /* of this one, by which its event finds it again */
	char event[ID_N + 1];     /* of the last */
	bool behind;              /* it is due, and the run of the last has not ended */
	bool stored;              /* the store knows of it */
};

static void drop(struct tick *t)
{
	zone_free(t->zone);
	t->zone = NULL;
}

static void drop_all(struct tick *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		drop(&p[i]);
	free(p);
}

void ticks_close(struct ticks *ticks)
{
	drop_all(ticks->p, ticks->n);
	ruleset_unref(ticks->rules);
	*ticks = (struct ticks){0};
}

/* --- schedules -------------------------------------------------------------------------------- */

static bool is_every(const struct tick *t)
{
	return t->rule->every_ms > 0;
}

static bool by_clock(const struct rule *rule)
{
	return rule->every_ms > 0 || rule->cron != NULL;
}

static const char *zone_name(const struct rule *rule)
{
	return rule->tz != NULL ? rule->tz : "UTC";
}

static void write_schedule(const struct rule *rule, char *text, size_t size)
{
	if (rule->every_ms > 0)
		snprintf(text, size, "every %" PRId64, rule->every_ms);
	else
		snprintf(text, size, "cron %s %s", rule->cron, zone_name(rule));
}

static void find_next(struct tick *t)
{
	int64_t next = INT64_MAX;
	if (is_every(t))
		next = t->last_ms + t->rule->every_ms;
	else if (!cron_next(&t->cron, t->zone, t->last_ms, &next))
		next = INT64_MAX;
	t->next_ms = next;
}

/* The last of those that have come by now; the next has. */
static int64_t newest(struct tick *t, int64_t now_ms)
{
	int64_t at = t->next_ms;
	if (is_every(t))
		at = t->last_ms + (now_ms - t->last_ms) / t->rule->every_ms * t->rule->every_ms;
	else if (!cron_last(&t->cron, t->zone, t->last_ms, now_ms, &at))
		at = t->next_ms;
	return at;
}

static enum rc put(
	struct runner *r, const struct tick *t, int64_t last_ms, const char *event, struct err *err)
{
	struct queue_tick tick = {
		.rule = t->rule->name,
		.schedule = t->schedule,
		.last_ms = last_ms,
		.relative = is_every(t),
		.event = event,
	};
	gate_wrote(&r->gate);
	return queue_tick_put(r->queue, &tick, err);
}

/* --- what is known of them -------------------------------------------------------------------- */

static struct tick *find(struct tick *p, size_t n, const char *rule)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(p[i].rule->name, rule) == 0)
			return &p[i];
	return NULL;
}

static enum rc read_row(void *ctx, const struct queue_tick *row, struct err *err)
{
	struct ticks *ticks = ctx;
	struct tick *t = find(ticks->p, ticks->n, row->rule);
	(void)err;
	if (t == NULL)
		return RC_OK;
	snprintf(t->event, sizeof(t->event), "%s", row->event);
	t->stored = strcmp(t->schedule, row->schedule) == 0;
	if (t->stored)
		t->last_ms = row->last_ms;
	return RC_OK;
}

/* One of a rule, as it was where its schedule is the same. */
static enum rc open_one(
	struct ticks *ticks, const struct rule *rule, struct tick *ret_tick, struct err *err)
{
	struct tick t = {.rule = rule};
	enum rc rc = RC_OK;
	write_schedule(rule, t.schedule, sizeof(t.schedule));
	if (rule->cron != NULL) {
		rc = cron_parse(rule->cron, &t.cron, err);
		if (rc == RC_OK)
			rc = zone_open(zone_name(rule), &t.zone, err);
	}
	if (rc != RC_OK) /* ruleset.c has looked at both */
		return rc;
	const struct tick *was = find(ticks->p, ticks->n, rule->name);
	bool same = was != NULL && strcmp(was->schedule, t.schedule) == 0;
	t.number = same ? was->number : ++ticks->last_number;
	t.born_ms = same ? was->born_ms : 0;
	*ret_tick = t;
	return RC_OK;
}

/* Takes up the rules that are live now. */
static enum rc take_rules(struct runner *r, struct err *err)
{
	struct ticks *ticks = &r->ticks;
	struct ruleset *live = r->rules.live;
	struct tick *p = calloc(live->n + 1, sizeof(*p));
	size_t n = 0;
	enum rc rc = RC_OK;
	if (p == NULL)
		return err_set(err, RC_NOMEM, "no memory for the clocks of rules");
	for (size_t i = 0; i < live->n && rc == RC_OK; i++) {
		if (!by_clock(live->rules[i]))
			continue;
		rc = open_one(ticks, live->rules[i], &p[n], err);
		n += rc == RC_OK;
	}
	if (rc != RC_OK) {
		drop_all(p, n);
		return rc;
	}
	drop_all(ticks->p, ticks->n);
	ruleset_unref(ticks->rules);
	ticks->rules = ruleset_ref(live);
	ticks->p = p;
	ticks->n = n;
	return RC_OK;
}

/* One whose last tick was in a future that is none begins anew, as one that is new does. */
static enum rc settle(struct runner *r, struct tick *t, int64_t now_ms, struct err *err)
{
	int64_t ahead = is_every(t) ? 0 : AHEAD_MS;
	enum rc rc = RC_OK;
	if (!t->stored || t->last_ms > now_ms + ahead) {
		t->last_ms = now_ms;
		t->stored = true;
		rc = put(r, t, now_ms, t->event, err);
	}
	t->behind = false;
	find_next(t);
	return rc;
}

static enum rc take_up(struct runner *r, struct err *err)
{
	struct ticks *ticks = &r->ticks;
	enum rc rc = ticks->rules != r->rules.live ? take_rules(r, err) : RC_OK;
	if (rc == RC_OK && ticks->n != 0)
		rc = queue_tick_each(r->queue, read_row, ticks, err);
	for (size_t i = 0; i < ticks->n && rc == RC_OK; i++)
		rc = settle(r, &ticks->p[i], jump_now_ms(r), err);
	ticks->known = rc == RC_OK;
	return rc;
}

/* --- firing ----------------------------------------------------------------------------------- */

static enum rc take(void *ctx, const struct birth *birth, bool *ret_was, struct err *err)
{
	struct runner *r = ctx;
	struct tick *t = NULL;
	for (size_t i = 0; i < r->ticks.n && t == NULL; i++)
		if (r->ticks.p[i].number == birth->number)
			t = &r->ticks.p[i];
	*ret_was = t != NULL;
	if (t == NULL) /* its schedule was changed, or it is gone */
		return RC_OK;
	enum rc rc = put(r, t, t->born_ms, birth->id.text, err);
	t->last_ms = t->born_ms;
	t->born_ms = 0;
	snprintf(t->event, sizeof(t->event), "%s", birth->id.text);
	find_next(t);
	return rc;
}

static enum rc put_body(struct buf *body, const struct tick *t)
{
	char at[CLOCK_TEXT_N];
	clock_format(t->born_ms, at);
	enum rc rc =
		buf_printf(body, "{\"eventName\":\"" EVENT_CRON "\",\"at\":\"%s\",\"rule\":", at);
	if (rc == RC_OK)
		rc = dump_text(body, t->rule->name, strlen(t->rule->name));
	return rc == RC_OK ? buf_put_text(body, "}") : rc;
}

static enum rc bear(struct runner *r, struct tick *t, int64_t at_ms, struct err *err)
{
	struct buf body;
	buf_init(&body, BODY_MAX);
	t->born_ms = at_ms;
	enum rc rc = put_body(&body, t);
	struct birth_new birth = {
		.via = EVENT_CRON,
		.body = buf_slice(&body),
		.received_ms = clock_wall_ms(),
		.take = take,
		.ctx = r,
		.number = t->number,
	};
	rc = rc == RC_OK ? route_offer(r, &birth, err)
			 : err_set(err, rc, "the event of a tick is %s", rc_text(rc));
	buf_done(&body);
	return rc;
}

/* The run of the last one has not ended: this one waits for it, or is the one that waits. */
static enum rc stay_behind(struct runner *r, struct tick *t, int64_t now_ms, struct err *err)
{
	t->behind = true;
	if (!queue_paused(r->queue, t->rule->name))
		return RC_OK;
	t->behind = false;
	t->last_ms = newest(t, now_ms);
	find_next(t);
	return put(r, t, t->last_ms, t->event, err);
}

/* ret_born: there is an event to be routed. */
static enum rc fire(struct runner *r, struct tick *t, bool *ret_born, struct err *err)
{
	int64_t now_ms = jump_now_ms(r);
	bool over = true;
	enum rc rc = RC_OK;
	if (t->born_ms != 0 || (t->behind && !r->ticks.look))
		return RC_OK;
	if (t->next_ms > now_ms) {
		if (t->next_ms != INT64_MAX)
			upkeep_expect(r, t->next_ms);
		return RC_OK;
	}
	if (t->event[0] != '\0')
		rc = queue_event_over(r->queue, t->event, &over, err);
	if (rc == RC_OK && !over)
		return stay_behind(r, t, now_ms, err);
	t->behind = false;
	if (rc == RC_OK)
		rc = bear(r, t, newest(t, now_ms), err);
	*ret_born = *ret_born || rc == RC_OK;
	return rc;
}

bool tick_step(struct runner *r)
{
	struct ticks *ticks = &r->ticks;
	struct err err = {0};
	enum rc rc = RC_OK;
	bool born = false;
	if (!r->rules.loaded || r->drain.on || !r->lead.on || r->fatal != RC_OK)
		return false;
	if (!ticks->known || ticks->rules != r->rules.live)
		rc = take_up(r, &err);
	for (size_t i = 0; i < ticks->n && rc == RC_OK; i++)
		rc = fire(r, &ticks->p[i], &born, &err);
	ticks->look = false;
	if (rc != RC_OK)
		runner_fatal(r, &err);
	return rc == RC_OK && born;
}

void tick_again(struct runner *r, int64_t by_ms)
{
	r->ticks.known = false;
	for (size_t i = 0; i < r->ticks.n; i++)
		if (is_every(&r->ticks.p[i]) && r->ticks.p[i].born_ms != 0)
			r->ticks.p[i].born_ms += by_ms;
}
