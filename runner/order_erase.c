/* SPDX-License-Identifier: MIT */
/*
 * The order that removes a person's data.
 * From: order.c. To: the store, bit by bit: first it is counted, and refused while runs of the
 * record are open; then rows are emptied; then, after the commit, what was freed is overwritten;
 * last it waits for the receiver, which empties the deliveries. Besides the record's id it looks
 * for the e-mail addresses that its last copy and its newest events hold, and for nothing else: a
 * name in somebody else's note is not found.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/uuid.h"
#include "queue/audit.h"
#include "queue/copy.h"
#include "queue/erase.h"
#include "queue/place.h"
#include "runner/order_kinds.h"
#include "runner/state.h"

#define NEEDLES_MAX 32
#define NEEDLE_BYTES 256
#define LOOK_EVENTS 50    /* the newest of the record, for addresses */
#define RECEIVER_MS 30000 /* to empty its deliveries */
#define READERS_MS 5000   /* to let the log be cut */
#define REST_MS 100
#define RECORD_MAX 200

enum stage { STAGE_COUNT, STAGE_ERASE, STAGE_WIPE, STAGE_RECEIVER };

struct erasing {
	enum stage stage;
	bool dry;
	char record[RECORD_MAX + 1];
	char texts[NEEDLES_MAX][NEEDLE_BYTES];
	const char *needles[NEEDLES_MAX];
	struct queue_erase erase;
	int64_t audit, until_ms; /* mono */
	bool log;                /* is not cut */
	bool away;               /* a database writes over it when it likes */
	char ids[LOOK_EVENTS][ID_N + 1];
	size_t ids_n;
	char object[RECORD_MAX + 1]; /* of the newest event */
};

/* --- what to look for ------------------------------------------------------------------------- */

static void add_needle(struct erasing *e, const char *text)
{
	size_t n = strlen(text);
	if (e->erase.needles_n == NEEDLES_MAX || n >= NEEDLE_BYTES || n < 5)
		return;
	for (size_t i = 0; i < e->erase.needles_n; i++)
		if (strcmp(e->needles[i], text) == 0)
			return;
	snprintf(e->texts[e->erase.needles_n], NEEDLE_BYTES, "%s", text);
	e->needles[e->erase.needles_n] = e->texts[e->erase.needles_n];
	e->erase.needles_n++;
}

/* Somebody at some place: what is looked for goes wherever it stands, and who wrote "@acme.com"
 * into a record would have all of Acme go with it. */
static bool is_address(const char *text)
{
	const char *at = strchr(text, '@');
	return at != NULL && at != text && at[1] != '.' && strchr(at + 1, '@') == NULL &&
	       strchr(at + 1, '.') != NULL && strpbrk(text, " \t\n\"\\/") == NULL;
}

/* depth bounds what a body may ask of the stack. */
static void collect(struct erasing *e, const json_t *value, int depth)
{
	const char *key, *text = json_string_value(value);
	size_t i;
	json_t *inner;
	union {
		const json_t *in;
		json_t *out;
	} v = {value};
	if (depth == 0)
		return;
	if (text != NULL && is_address(text))
		add_needle(e, text);
	json_object_foreach(v.out, key, inner) collect(e, inner, depth - 1);
	json_array_foreach(value, i, inner) collect(e, inner, depth - 1);
}

static void collect_text(struct erasing *e, struct slice text, const char *member)
{
	json_t *value = text.n != 0 ? json_loadb(text.p, text.n, 0, NULL) : NULL;
	const json_t *part = member != NULL ? json_object_get(value, member) : value;
	collect(e, part, 8);
	json_decref(value);
}

static enum rc take_id(void *ctx, const struct queue_event_row *row, struct err *err)
{
	struct erasing *e = ctx;
	(void)err;
	if (e->ids_n < LOOK_EVENTS)
		snprintf(e->ids[e->ids_n++], sizeof(e->ids[0]), "%s", row->id);
	snprintf(e->object, sizeof(e->object), "%s", row->object);
	return RC_OK;
}

static enum rc take_body(void *ctx, const struct queue_event_row *row, struct err *err)
{
	(void)err;
	collect_text(ctx, row->body, "record");
	return RC_OK;
}

static enum rc find_needles(struct runner *r, struct erasing *e, struct err *err)
{
	struct queue_filter newest = {.record = e->record, .limit = LOOK_EVENTS};
	struct queue_copy copy;
	struct err ignored;
	add_needle(e, e->record);
	enum rc rc = queue_event_each(r->queue, &newest, take_id, e, err);
	for (size_t i = 0; rc == RC_OK && i < e->ids_n; i++)
		rc = queue_event_get(r->queue, e->ids[i], take_body, e, err);
	if (rc == RC_OK && e->object[0] != '\0' &&
		queue_copy_find(r->queue, e->object, e->record, &copy, &ignored) == RC_OK)
		collect_text(e, copy.text, NULL);
	return rc;
}

/* --- steps ------------------------------------------------------------------------------------ */

static void answer(struct order *order, struct erasing *e, int64_t left)
{
	const struct queue_erased *s = &e->erase.sum;
	order_answer(order,
		json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:b}",
			"events", (json_int_t)s->events, "deliveries", (json_int_t)s->deliveries,
			"runs", (json_int_t)s->runs, "calls", (json_int_t)s->calls, "copies",
			(json_int_t)s->copies, "writes", (json_int_t)s->writes, "told",
			(json_int_t)s->told, "issues", (json_int_t)s->issues, "kept",
			(json_int_t)s->kept, "timers", (json_int_t)s->timers, "addresses",
			(json_int_t)(e->erase.needles_n > 0 ? e->erase.needles_n - 1 : 0), "left",
			(json_int_t)left, "log", e->log, "database", e->away));
}

/* Counted: is there a reason not to? */
static enum rc counted(struct runner *r, struct order *order, struct erasing *e, struct err *err)
{
	if (e->erase.sum.open > 0)
		return err_set(err, RC_BUSY,
			"runs of it have not ended (%lld): moonhook runs list record:%.60s; erase "
			"it when they have",
			(long long)e->erase.sum.open, e->record);
	if (e->dry) {
		answer(order, e, 0);
		return RC_OK;
	}
	e->stage = STAGE_ERASE;
	e->erase.dry = false;
	e->erase.phase = 0;
	e->erase.at = 0;
	e->erase.sum = (struct queue_erased){0};
	return order_audit_begin(r, order, &e->audit, err);
}

static enum rc erased(struct runner *r, struct erasing *e, struct err *err)
{
	const struct queue_erased *s = &e->erase.sum;
	char result[200];
	snprintf(result, sizeof(result), "%lld events, %lld runs, %lld calls, %lld copies",
		(long long)s->events, (long long)s->runs, (long long)s->calls,
		(long long)s->copies);
	log_info(NULL, "erased by hand: %s", result);
	e->stage = STAGE_WIPE;
	e->until_ms = clock_mono_ms() + READERS_MS;
	return queue_audit_end(
		r->queue, e->audit, s->events + s->runs + s->calls + s->copies, result, err);
}

static enum rc wipe(struct runner *r, struct order *order, struct erasing *e, struct err *err)
{
	bool done = false;
	enum rc rc = gate_force(&r->gate, err);
	if (rc == RC_OK)
		rc = queue_erase_wipe(r->queue, &done, err);
	if (rc != RC_OK)
		return rc;
	if (!done && clock_mono_ms() < e->until_ms) {
		order->rest_until_ms = clock_mono_ms() + 1;
		return RC_OK;
	}
	e->log = !done;
	e->stage = STAGE_RECEIVER;
	e->until_ms = clock_mono_ms() + RECEIVER_MS;
	return RC_OK;
}

static enum rc wait_for_receiver(
	struct runner *r, struct order *order, struct erasing *e, struct err *err)
{
	int64_t left = 0;
	(void)inbox_scrub(r); /* of a shared store: there it is ours to do */
	enum rc rc = queue_erase_left(r->queue, &left, err);
	gate_wrote(&r->gate);
	if (rc != RC_OK)
		return rc;
	if (left == 0 || clock_mono_ms() >= e->until_ms)
		answer(order, e, left);
	else
		order->rest_until_ms = clock_mono_ms() + REST_MS;
	return RC_OK;
}

static enum rc go_on(struct runner *r, struct order *order, struct erasing *e, struct err *err)
{
	enum rc rc;
	switch (e->stage) {
	case STAGE_COUNT:
		rc = queue_erase_step(r->queue, &e->erase, err);
		return rc == RC_OK && !e->erase.more ? counted(r, order, e, err) : rc;
	case STAGE_ERASE:
		rc = queue_erase_step(r->queue, &e->erase, err);
		gate_wrote(&r->gate);
		return rc == RC_OK && !e->erase.more ? erased(r, e, err) : rc;
	case STAGE_WIPE:
		return wipe(r, order, e, err);
	case STAGE_RECEIVER:
		return wait_for_receiver(r, order, e, err);
	}
	return RC_OK;
}

static void step(struct runner *r, struct order *order)
{
	struct err err = {0};
	enum rc rc = go_on(r, order, order->state, &err);
	if (rc == RC_IO)
		runner_fatal(r, &err);
	else if (rc != RC_OK)
		order_refuse_err(order, &err);
}

void order_erase(struct runner *r, struct order *order)
{
	const char *record = json_string_value(json_object_get(order->words, "record"));
	struct erasing *e = calloc(1, sizeof(*e));
	struct err err = {0};
	if (!lead_takes(r, order)) {
		free(e);
		return;
	}
	if (e == NULL) {
		order_refuse(order, RC_NOMEM, "out of memory for an order");
		return;
	}
	struct queue_place place;
	queue_place_of(r->conf, &place);
	e->away = queue_place_away(&place);
	order->state = e;
	order->forget = free;
	if (record == NULL || strlen(record) < 8 || strlen(record) > RECORD_MAX) {
		order_refuse(order, RC_INVALID, "to erase needs the whole id of a record");
		return;
	}
	snprintf(e->record, sizeof(e->record), "%s", record);
	e->dry = json_is_true(json_object_get(order->words, "dry_run"));
	e->erase = (struct queue_erase){.record = e->record, .needles = e->needles, .dry = true};
	enum rc rc = find_needles(r, e, &err);
	if (rc == RC_OK && !uuid_valid(e->record) && e->ids_n == 0)
		rc = err_set(&err, RC_INVALID,
			"to erase needs the whole id of a record; %.60s is no UUID, and no event "
			"has it",
			e->record);
	if (rc == RC_IO)
		runner_fatal(r, &err);
	else if (rc != RC_OK)
		order_refuse_err(order, &err);
	else
		order->step = step;
}
