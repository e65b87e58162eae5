/* SPDX-License-Identifier: MIT */
/*
 * How far a look counts: the watermark never passes what has not been told of, or may not be
 * visible yet.
 * From: a twin that sends no webhooks. To: a whole runner, whose walks are looked into.
 */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "runner/gap_judge.h"
#include "tests/unit/runner_stage.h"

#define HOUR_MS 3600000

static struct stage s;

static void setup(void)
{
	stage_open(&s);
	stage_rule(&s, "see.lua", "rule \"see\" { on = \"person.*\", run = function() end }\n");
	stage_start(&s, STAGE_TWIN, "workers = 1\ngap = { every = \"0s\", grace = \"1h\" }");
}

static void teardown(void)
{
	stage_close(&s);
}

TestSuite(runner_gap_mark, .init = setup, .fini = teardown, .timeout = 60);

static void people(int n)
{
	json_t *list = json_array();
	for (int i = 0; i < n; i++)
		json_array_append_new(list, json_pack("{s:s}", "jobTitle", "x"));
	char *body = json_dumps(list, 0);
	json_decref(stage_record(&s, "POST", "/rest/batch/people", body));
	free(body);
	json_decref(list);
}

/* A look by hand: how many new people it tells of. */
static int look(const char *words)
{
	char text[200];
	snprintf(text, sizeof(text), "1 0 {\"do\":\"reconcile\"%s}", words);
	stage_order(&s, text);
	json_t *answer = json_loads(stage_ordered(&s) + 2, 0, NULL);
	json_t *of = json_object_get(json_object_get(answer, "objects"), "person");
	cr_assert(json_is_object(of));
	cr_assert_null(json_object_get(of, "problem"));
	int n = (int)json_integer_value(json_object_get(of, "created"));
	json_decref(answer);
	return n;
}

static int64_t *mark(void)
{
	return &gap_object_find(&s.runner->gap.objects, "person")->from_ms;
}

Test(runner_gap_mark, it_stays_behind_what_may_become_visible_or_was_left_to_its_webhook)
{
	cr_expect_eq(look(""), 0);
	*mark() = 1;
	people(1);
	cr_expect_eq(look(""), 1);
	int64_t most_ms = clock_wall_ms() - HOUR_MS - GAP_LATE_MS;
	cr_expect_leq(*mark(), most_ms);
	cr_expect_gt(*mark(), most_ms - 30000);
}

static bool asks_for_second_page(struct stage *st, long n)
{
	const struct gap_walk *w = &st->runner->gap.look;
	(void)n;
	return w->state == GAP_ASKING && w->step == GAP_LOOK && w->cursor != NULL;
}

Test(runner_gap_mark, between_two_pages_it_is_at_the_last_that_was_told_of)
{
	struct gap_walk *w = &s.runner->gap.look;
	cr_expect_eq(look(""), 0);
	people(200);
	people(50);
	s.runner->settings.gap_grace_ms = -HOUR_MS; /* as if all had been visible for long */
	stage_order(&s, "1 0 {\"do\":\"reconcile\"}");
	stage_until(&s, asks_for_second_page, 0);
	cr_assert_eq(json_array_size(w->page), 200u);
	cr_expect_eq(*mark(), event_updated_ms(json_array_get(w->page, 199)));
	(void)stage_ordered(&s);
	cr_expect_gt(*mark(), clock_wall_ms(), "behind the last page it is as far as may be");
	stage_until(&s, stage_ended, 250);
}

Test(runner_gap_mark, a_look_at_a_shorter_time_leaves_it_where_it_was)
{
	cr_expect_eq(look(""), 0);
	*mark() = 1;
	people(1);
	cr_expect_eq(look(",\"since_ms\":60000"), 1);
	cr_expect_eq(*mark(), 1);
}

Test(runner_gap_mark, ahead_of_twentys_clock_it_is_taken_back)
{
	cr_expect_eq(look(""), 0);
	*mark() = clock_wall_ms() + HOUR_MS;
	people(1);
	cr_expect_eq(look(""), 1);
	cr_expect_leq(*mark(), clock_wall_ms() - GAP_LATE_MS + 2000);
}

static bool is_found(struct stage *st, long n)
{
	(void)st;
	return metrics_value(METRIC_EVENT_GAP) >= n;
}

/* However long webhooks are waited for otherwise. */
Test(runner_gap_mark, what_happened_before_the_start_is_left_to_no_webhook)
{
	cr_expect_eq(look(""), 0);
	stage_stop(&s);
	people(3);
	stage_up(&s);
	s.runner->settings.gap_every_ms = HOUR_MS;
	stage_until(&s, is_found, 3);
	stage_until(&s, stage_ended, 3);
}
