/* SPDX-License-Identifier: MIT */
/*
 * The table of orders, and their way in and out.
 * From: the supervisor's link. To: whoever carries an order out; back over the link once what was
 * written is committed. An order that the runner dies over is answered by the supervisor. Fails by
 * refusing an order with a sentence; decides nothing about events or runs.
 */
#include "runner/order.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/link.h"
#include "base/log.h"
#include "queue/audit.h"
#include "runner/order_kinds.h"
#include "runner/state.h"

#define ANSWER_MAX 98304 /* bytes; it has to fit into a message of the link */

/* Answers at once: the runner is there and takes orders. */
static void ping(struct runner *r, struct order *order)
{
	order_answer(order, json_pack("{s:b}", "ready", r->rules.loaded));
}

static const struct order_kind {
	const char *name;
	order_fn begin;
} kinds[] = {
	{"ping", ping},
	{"pause", order_pause},
	{"resume", order_resume},
	{"retry", order_retry},
	{"purge", order_purge},
	{"acknowledge", order_acknowledge},
	{"erase", order_erase},
	{"cancel", order_cancel},
	{"reconcile", gap_order},
};

static const struct order_kind *find_kind(const char *name)
{
	for (size_t i = 0; name != NULL && i < ARRAY_N(kinds); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

/* --- answers ---------------------------------------------------------------------------------- */

void order_answer(struct order *order, json_t *answer)
{
	if (order->answer != NULL || answer == NULL ||
		json_object_set_new(answer, "ok", json_true()) != 0) {
		json_decref(answer);
		if (order->answer == NULL)
			order_refuse(order, RC_NOMEM, "out of memory for the answer");
		return;
	}
	order->answer = answer;
	order->step = NULL;
}

void order_refuse(struct order *order, enum rc code, const char *fmt, ...)
{
	char text[400];
	va_list ap;
	if (order->answer != NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	order->step = NULL;
	json_t *sentence = json_string(text);
	order->answer = json_pack("{s:b, s:o, s:s}", "ok", 0, "error",
		sentence != NULL ? sentence : json_string("it failed"), "code", rc_name(code));
	if (order->answer == NULL)
		order->answer = json_null();
}

void order_refuse_err(struct order *order, const struct err *err)
{
	order_refuse(order, err->code, "%s", err->msg);
}

static void tell(struct runner *r, const struct order *order)
{
	struct buf text;
	char *words = json_dumps(order->answer, JSON_COMPACT | JSON_ENCODE_ANY);
	const char *answer = words;
	if (answer == NULL || !json_is_object(order->answer))
		answer = "{\"ok\":false,\"error\":\"out of memory\",\"code\":\"nomem\"}";
	else if (strlen(answer) > ANSWER_MAX)
		answer = "{\"ok\":false,\"error\":\"the answer is too long; what was ordered is "
			 "done\",\"code\":\"too_large\"}";
	buf_init(&text, LINK_MAX);
	if (buf_printf(&text, "%" PRIu64 " %s", order->token, answer) == RC_OK)
		runner_tell(r, "ordered", text.p);
	buf_done(&text);
	free(words);
}

/* --- the log ---------------------------------------------------------------------------------- */

static enum rc audit(struct runner *r, const struct order *order, int64_t n, const char *result,
	int64_t *ret_seq, struct err *err)
{
	char *what = json_dumps(order->words, JSON_COMPACT | JSON_SORT_KEYS);
	struct queue_audit row = {.at_ms = clock_wall_ms(),
		.uid = order->uid,
		.what = what != NULL ? what : "{}",
		.n = n,
		.result = result};
	enum rc rc = queue_audit_put(r->queue, &row, ret_seq, err);
	gate_wrote(&r->gate);
	free(what);
	return rc;
}

enum rc order_audit(
	struct runner *r, const struct order *order, int64_t n, const char *result, struct err *err)
{
	int64_t seq;
	return audit(r, order, n, result, &seq, err);
}

enum rc order_audit_begin(
	struct runner *r, const struct order *order, int64_t *ret_seq, struct err *err)
{
	return audit(r, order, -1, "", ret_seq, err);
}

/* --- life ------------------------------------------------------------------------------------- */

static void order_free(struct order *order)
{
	if (order->forget != NULL)
		order->forget(order->state);
	json_decref(order->words);
	json_decref(order->answer);
	free(order);
}

void orders_clear(struct orders *orders)
{
	orders_again_clear(orders);
	while (orders->first != NULL) {
		struct order *next = orders->first->next;
		order_free(orders->first);
		orders->first = next;
	}
}

static void begin(struct runner *r, struct order *order)
{
	const char *what = json_string_value(json_object_get(order->words, "do"));
	const struct order_kind *kind = find_kind(what);
	order->begun = true;
	if (what == NULL)
		order_refuse(order, RC_INVALID, "an order is an object: {\"do\":\"..\"}");
	else if (kind == NULL)
		order_refuse(order, RC_UNSUPPORTED,
			"this daemon knows no order \"%.40s\"; is it older than this command?",
			what);
	else if (r->drain.on)
		order_refuse(order, RC_BUSY, "the daemon is stopping");
	else
		kind->begin(r, order);
}

static void append(struct runner *r, struct order *order)
{
	struct order **end = &r->orders.first;
	while (*end != NULL)
		end = &(*end)->next;
	*end = order;
}

void order_take(struct runner *r, struct slice text)
{
	char *rest = NULL;
	uint64_t token = text.n != 0 ? strtoull(text.p, &rest, 10) : 0;
	unsigned long uid = rest != NULL ? strtoul(rest, &rest, 10) : 0;
	struct order *order = calloc(1, sizeof(*order));
	if (rest == NULL || *rest != ' ' || order == NULL) {
		log_warn(NULL, "an order cannot be taken: %s",
			order != NULL ? "it is no order" : "out of memory");
		free(order);
		return;
	}
	order->token = token;
	order->uid = (uint32_t)uid;
	order->words = json_loads(rest, 0, NULL);
	append(r, order);
}

bool order_own(struct runner *r, json_t *words)
{
	struct order *order = words != NULL ? calloc(1, sizeof(*order)) : NULL;
	if (order == NULL) {
		json_decref(words);
		return false;
	}
	order->own = true;
	order->uid = (uint32_t)getuid();
	order->words = words;
	append(r, order);
	return true;
}

void order_step(struct runner *r)
{
	order_pausing_step(r);
	for (struct order *o = r->orders.first; o != NULL && r->fatal == RC_OK; o = o->next) {
		if (!o->begun && (r->rules.loaded || r->drain.on))
			begin(r, o);
		else if (o->step != NULL && o->rest_until_ms <= clock_mono_ms())
			o->step(r, o);
	}
}

bool order_busy(const struct runner *r)
{
	if (r->orders.pausing && !r->drain.on)
		return true;
	for (const struct order *o = r->orders.first; o != NULL; o = o->next)
		if ((o->step != NULL && o->rest_until_ms <= clock_mono_ms()) || o->answer != NULL)
			return true;
	return false;
}

bool order_answered(const struct runner *r)
{
	for (const struct order *o = r->orders.first; o != NULL; o = o->next)
		if (o->answer != NULL)
			return true;
	return false;
}

void order_tell(struct runner *r)
{
	for (struct order **at = &r->orders.first; *at != NULL;) {
		struct order *o = *at;
		if (o->answer == NULL) {
			at = &o->next;
			continue;
		}
		*at = o->next;
		if (o->own)
			erasure_told(r, o);
		else
			tell(r, o);
		order_free(o);
	}
}
