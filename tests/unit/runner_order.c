/* SPDX-License-Identifier: MIT */
/* Orders on a real runner; this test is the supervisor's end of its link. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/link.h"
#include "tests/unit/runner_stage.h"

static struct stage s;

static void setup(void)
{
	stage_open(&s);
	stage_start(&s, STAGE_ALONE, "workers = 1");
}

static void teardown(void)
{
	stage_close(&s);
}

TestSuite(runner_order, .init = setup, .fini = teardown, .timeout = 60);

static void order(const char *text)
{
	struct err err;
	cr_assert_eq(link_send(s.link[0], "order", slice_of(text), &err), RC_OK);
}

/* What it is answered; turns the runner until then. STATIC. */
static const char *ordered(void)
{
	static struct buf in = {.max = LINK_MAX + 1};
	struct link_msg msg = {{0}, {0}};
	struct err err;
	int64_t end = clock_mono_ms() + 10000;
	fcntl(s.link[0], F_SETFL, O_NONBLOCK);
	while (strcmp(msg.kind, "ordered") != 0) {
		cr_assert_lt(clock_mono_ms(), end, "no answer to an order");
		runner_turn(s.runner);
		enum rc rc = link_receive(s.link[0], &in, &msg, &err);
		cr_assert(rc == RC_OK || rc == RC_BUSY, "%s", err.msg);
	}
	return msg.text.p;
}

Test(runner_order, an_order_is_answered_with_its_number)
{
	order("17 0 {\"do\":\"ping\"}");
	cr_expect_str_eq(ordered(), "17 {\"ready\":true,\"ok\":true}");
}

Test(runner_order, what_is_no_order_is_refused_with_a_sentence)
{
	order("1 0 {\"do\":\"dance\"}");
	const char *got = ordered();
	cr_expect(strstr(got, "1 {\"ok\":false,\"error\":\"this daemon knows no order") == got,
		"%s", got);
	cr_expect(strstr(got, "\"code\":\"unsupported\"") != NULL, "%s", got);
	static const char *const wrong[] = {
		"2 0 {}", "2 0 []", "2 0 {\"do\":7}", "2 0 rubbish", "2 0 "};
	for (size_t i = 0; i < ARRAY_N(wrong); i++) {
		order(wrong[i]);
		got = ordered();
		cr_expect(strstr(got, "\"code\":\"invalid\"") != NULL, "%s: %s", wrong[i], got);
	}
	order("no number"); /* dropped; the next is answered */
	order("3 0 {\"do\":\"ping\"}");
	cr_expect(strstr(ordered(), "3 {") != NULL);
}
