/* SPDX-License-Identifier: MIT */
/*
 * Erasing what rules want erased.
 * From: call.c, the answer to an erase; upkeep.c, now and then. To: the order `erase`, as if a
 * person had given it (order_erase.c), one at a time. It is refused while runs of the record are
 * open, the rule's own among them, and then given again.
 */
#include "runner/erasure.h"

#include "base/clock.h"
#include "base/log.h"
#include "queue/erase.h"
#include "runner/state.h"

#define AGAIN_MS 1000 /* runs of it were open */
#define FAILED_MS 60000

bool erasure_want(struct runner *r, const char *record)
{
	struct err err = {0};
	enum rc rc = queue_erasure_put(r->queue, record, &err);
	gate_wrote(&r->gate);
	r->erasures.none = false;
	if (rc != RC_OK)
		runner_fatal(r, &err);
	return rc == RC_OK;
}

void erasure_drop(struct runner *r)
{
	for (struct order *o = r->orders.first; o != NULL; o = o->next)
		if (o->own)
			order_refuse(o, RC_BUSY, "another runner leads the store now");
}

void erasure_look(struct runner *r)
{
	struct err err = {0};
	char record[QUEUE_ERASURE_N];
	bool any = false;
	struct erasures *e = &r->erasures;
	/* On a store that is shared another may have put one there. */
	if ((e->none && !r->lead.shared) || !r->lead.on || e->ordered || r->drain.on ||
		clock_mono_ms() < e->next_ms)
		return;
	if (queue_erasure_first(r->queue, record, &any, &err) != RC_OK) {
		runner_fatal(r, &err);
		return;
	}
	e->none = !any;
	e->next_ms = clock_mono_ms() + AGAIN_MS;
	if (!any)
		return;
	json_t *words =
		json_pack("{s:s, s:s, s:s}", "do", "erase", "record", record, "by", "a rule");
	e->ordered = order_own(r, words);
}

void erasure_told(struct runner *r, const struct order *order)
{
	struct err err = {0};
	struct erasures *e = &r->erasures;
	const char *record = json_string_value(json_object_get(order->words, "record"));
	const char *code = json_string_value(json_object_get(order->answer, "code"));
	e->ordered = false;
	if (json_is_true(json_object_get(order->answer, "ok"))) {
		if (queue_erasure_drop(r->queue, record, &err) != RC_OK)
			runner_fatal(r, &err);
		gate_wrote(&r->gate);
		e->next_ms = 0;
		return;
	}
	bool busy = code != NULL && strcmp(code, rc_name(RC_BUSY)) == 0;
	e->next_ms = clock_mono_ms() + (busy ? AGAIN_MS : FAILED_MS);
	if (!busy)
		log_warn(NULL, "what a rule erased is still here: %s",
			json_string_value(json_object_get(order->answer, "error")));
}
