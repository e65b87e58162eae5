/* SPDX-License-Identifier: MIT */
/*
 * A timer is cancelled by hand.
 * From: order.c. To: the store, and the audit log. Of a rule that is gone, too. Fails by ending the
 * process where the store fails.
 */
#include <string.h>

#include "queue/timer.h"
#include "runner/order_kinds.h"
#include "runner/state.h"

struct wanted {
	const char *key;
	bool found;
};

static enum rc look(void *ctx, const struct queue_timer *timer, struct err *err)
{
	struct wanted *w = ctx;
	(void)err;
	w->found = w->found || strcmp(timer->key, w->key) == 0;
	return RC_OK;
}

static enum rc drop(
	struct runner *r, struct order *order, const char *rule, const char *key, struct err *err)
{
	bool was = false;
	enum rc rc = queue_timer_drop(r->queue, rule, key, &was, err);
	gate_wrote(&r->gate);
	return rc == RC_OK ? order_audit(r, order, was, "", err) : rc;
}

void order_cancel(struct runner *r, struct order *order)
{
	const char *rule = json_string_value(json_object_get(order->words, "rule"));
	const char *key = json_string_value(json_object_get(order->words, "key"));
	struct wanted w = {.key = key};
	struct err err = {0};
	if (rule == NULL || key == NULL) {
		order_refuse(order, RC_INVALID, "a timer has a rule and a key");
		return;
	}
	enum rc rc = queue_timer_each(r->queue, rule, 0, look, &w, &err);
	if (rc == RC_OK && !w.found) {
		order_refuse(order, RC_NOT_FOUND,
			"no timer \"%.60s\" is armed for \"%.100s\"; `moonhook timers list` has "
			"them",
			key, rule);
		return;
	}
	if (rc == RC_OK && !json_is_true(json_object_get(order->words, "dry_run")))
		rc = drop(r, order, rule, key, &err);
	if (rc != RC_OK)
		runner_fatal(r, &err);
	else
		order_answer(order, json_pack("{s:i}", "n", 1));
}
