/* SPDX-License-Identifier: MIT */
/*
 * The order "reconcile": {objects: [names]?, since_ms?, dry_run?, ids?}, answered when the walk is
 * over: {objects: {person: {listed, known, created, .., problem?}}, dry_run, ms}.
 * From: order.c. To: gap.c, which begins it as soon as its walk is free. Refused where the object
 * is none that a rule listens to, and while another one waits.
 */
#include <stdio.h>

#include "base/clock.h"
#include "runner/gap.h"
#include "runner/order.h"
#include "runner/state.h"

/* The order is gone (the runner ends): nobody is to be told. */
static void forget(void *state)
{
	struct gap *gap = state;
	struct gap_wish *const all[] = {&gap->look.wish, &gap->sweep.wish, &gap->wish};
	for (size_t i = 0; i < ARRAY_N(all); i++)
		all[i]->order = NULL;
}

/* The names of the order's objects, singular. False: it is refused. */
static bool read_objects(struct runner *r, struct order *order, json_t **ret_names)
{
	const json_t *asked = json_object_get(order->words, "objects");
	json_t *names = json_array_size(asked) != 0 ? json_array() : NULL, *each;
	size_t i;
	json_array_foreach(asked, i, each)
	{
		const char *name = json_string_value(each);
		const struct gap_object *o =
			name != NULL ? gap_object_find(&r->gap.objects, name) : NULL;
		if (o == NULL || !o->wanted) {
			order_refuse(order, RC_NOT_FOUND,
				"no rule that is live listens to \"%.60s\": there is nothing to "
				"reconcile",
				name != NULL ? name : "");
			json_decref(names);
			return false;
		}
		(void)json_array_append_new(names, json_string(o->name));
	}
	*ret_names = names;
	return true;
}

void gap_order(struct runner *r, struct order *order)
{
	struct gap *gap = &r->gap;
	const json_t *words = order->words;
	struct err err = {0};
	struct gap_wish wish = {
		.hand = true,
		.dry_run = json_is_true(json_object_get(words, "dry_run")),
		.since_ms = (int64_t)json_integer_value(json_object_get(words, "since_ms")),
		.order = order,
	};
	if (!lead_takes(r, order))
		return;
	if (!gap->open || !r->rules.loaded) {
		order_refuse(order, RC_BUSY, "the rules are not loaded yet: try again");
		return;
	}
	if (gap->wish.hand || gap->look.wish.order != NULL || gap->sweep.wish.order != NULL) {
		order_refuse(order, RC_BUSY, "another reconcile is under way: try again");
		return;
	}
	if (gap_objects_refresh(r, &gap->objects, &err) != RC_OK) {
		runner_fatal(r, &err);
		return;
	}
	if (wish.since_ms < 0 || !read_objects(r, order, &wish.objects)) {
		order_refuse(order, RC_INVALID, "since_ms is a length of time");
		return;
	}
	order->state = gap;
	order->forget = forget;
	gap->wish = wish;
	gap->wish_sweeps = json_is_true(json_object_get(words, "ids"));
}

void gap_order_done(struct gap_walk *w)
{
	struct order *order = w->wish.order;
	if (order == NULL)
		return;
	w->wish.order = NULL;
	order->forget = NULL;
	order_answer(
		order, json_pack("{s:O, s:b, s:I}", "objects", w->tally, "dry_run", w->wish.dry_run,
			       "ms", (json_int_t)(clock_mono_ms() - w->begun_ms)));
}
