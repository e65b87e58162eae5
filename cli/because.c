/* SPDX-License-Identifier: MIT */
/*
 * Chains of cause, for people.
 * From: events.c and runs.c. To: queue_step_get, step by step. Bounded: a chain that is as long as
 * this has been stopped.
 */
#include "cli/because.h"

#include "cli/detail.h"

#define STEPS_MAX 32

static enum rc take_seq(void *ctx, const struct queue_run_row *row, struct err *err)
{
	(void)err;
	*(int64_t *)ctx = row->seq;
	return RC_OK;
}

static json_t *step_row(const struct queue_step *s)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "run", rows_text(s->run_id), "rule",
		rows_text(s->rule), "event", rows_text(s->event_id), "name", rows_text(s->name),
		"record", rows_text(s->record), "fields", rows_text(s->fields));
}

json_t *because_read(struct queue *queue, const char *cause)
{
	json_t *steps = json_array();
	int64_t run = 0;
	struct err err = {.msg = ""};
	if (cause[0] != '\0' && queue_run_get(queue, cause, take_seq, &run, &err) != RC_OK)
		run = 0;
	for (int i = 0; run != 0 && i < STEPS_MAX; i++) {
		struct queue_step s;
		if (queue_step_get(queue, run, &s, &err) != RC_OK)
			break;
		(void)json_array_append_new(steps, step_row(&s));
		run = s.cause;
	}
	return steps;
}

void because_show(const json_t *because)
{
	static const struct rows_column columns[] = {{"run", "RUN"}, {"rule", "RULE"},
		{"event", "EVENT"}, {"name", "NAME"}, {"record", "RECORD"}, {"fields", "FIELDS"}};
	detail_table("because of", columns, ARRAY_N(columns), json_deep_copy(because));
}
