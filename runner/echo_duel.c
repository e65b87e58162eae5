/* SPDX-License-Identifier: MIT */
/*
 * Changes by other programs, held against the rule's own last write to the record.
 * From: route_match.c, a rule that is to run for an event that none of our writes is in. To:
 * duel.c, with Twenty's times alone. A change by a member is no matter of this: it begins anew.
 * Fails as the store does.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "runner/duel.h"
#include "runner/echo.h"
#include "runner/state.h"

struct last { /* the rule's last write before an event */
	const char *rule;
	int64_t before_ms, at_ms;
};

static enum rc look(void *ctx, const struct queue_write *write, struct err *err)
{
	struct last *l = ctx;
	(void)err;
	bool own = strcmp(write->rule, l->rule) == 0 && write->at_ms < l->before_ms;
	if (own && write->at_ms > l->at_ms)
		l->at_ms = write->at_ms;
	return RC_OK;
}

static uint64_t hash_names(const json_t *fields)
{
	uint64_t sum = 1;
	size_t i;
	json_t *each;
	json_array_foreach(fields, i, each)
	{
		uint64_t h = UINT64_C(14695981039346656037);
		const char *p = json_string_value(each);
		for (; p != NULL && *p != '\0'; p++)
			h = (h ^ (unsigned char)*p) * UINT64_C(1099511628211);
		sum += h; /* in whatever order */
	}
	return sum;
}

static enum rc tell(
	const struct echo_event *e, const char *rule, int64_t gap_ms, struct echo_tale *tale)
{
	struct buf names;
	char name[2 * EVENT_NAME_N];
	const json_t *by = json_object_get(e->record, "updatedBy");
	buf_init(&names, 256);
	snprintf(name, sizeof(name), "%s.%s", e->object, e->action);
	enum rc rc = echo_names(e, &names);
	struct tale_duel duel = {
		.event = {name, e->object, e->record_id, names.n != 0 ? names.p : ""},
		.rule = rule,
		.program = json_string_value(json_object_get(by, "name")),
		.gap_ms = gap_ms,
	};
	if (rc == RC_OK)
		rc = echo_tale_duel(tale, &duel);
	buf_done(&names);
	return rc;
}

enum rc echo_duel(struct runner *r, const struct echo_event *event, const char *rule,
	struct echo_tale *tale, enum duel_verdict *ret_verdict, struct err *err)
{
	int64_t at_ms = event_updated_ms(event->record);
	*ret_verdict = DUEL_FIRE;
	if (strcmp(event->action, "updated") != 0 || strcmp(event->via, "hook") != 0 ||
		at_ms == 0 || !echo_by_program(event->record))
		return RC_OK;
	struct last last = {rule, at_ms, 0};
	struct queue_span span = {at_ms - DUEL_WINDOW_MS, at_ms};
	enum rc rc = echo_writes(r, event->record_id, &span, look, &last, err);
	if (rc != RC_OK)
		return rc;
	struct duel_event e = {
		rule, event->record_id, hash_names(event->fields), at_ms, last.at_ms};
	*ret_verdict = duel_judge(&r->duels, &e);
	if (*ret_verdict == DUEL_LOOP && tell(event, rule, at_ms - last.at_ms, tale) != RC_OK)
		return err_set(err, RC_NOMEM, "no memory for a chain");
	return RC_OK;
}

bool echo_held(struct runner *r, struct run *run)
{
	if (clock_mono_us() < run->hold_us)
		return true;
	run->hold_us = 0;
	duel_go_on(&r->duels, run->q.rule, run->event->record_id);
	return false;
}

void echo_hold(struct runner *r, struct run *run)
{
	run->hold_us = clock_mono_us() + DUEL_HOLD_MS * INT64_C(1000);
	upkeep_expect(r, clock_wall_ms() + DUEL_HOLD_MS + 1);
}
