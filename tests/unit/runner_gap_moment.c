/* SPDX-License-Identifier: MIT */
/*
 * A server that keeps moments finer than it shows them: its cursor, made from what it shows, stands
 * in front of all that it shows alike. Where those fill a page, the page comes again and again.
 */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "tests/unit/client_fake.h"
#include "tests/unit/runner_stage.h"

#define RECORDS 500 /* of one moment */
#define PAGE 200

enum mode { EMPTY, FINE, STUCK, LARGE, SHORT, ROUND };

static struct stage s;
static struct fake fake;

/* --- the server ------------------------------------------------------------------------------- */

static void decode(const char *from, char *to, size_t n)
{
	size_t k = 0;
	for (; *from != '\0' && *from != '\r' && k + 1 < n; from++) {
		unsigned code = 0;
		if (*from == '%' && sscanf(from + 1, "%2x", &code) == 1)
			from += 2;
		to[k++] = (char)(code != 0 ? (int)code : *from);
	}
	to[k] = '\0';
}

static enum rc put_page(struct buf *out, int from, int n, const char *moment)
{
	enum rc rc = buf_put_text(out, "{\"data\":{\"people\":[");
	for (int i = from; i < from + n && rc == RC_OK; i++)
		rc = buf_printf(out,
			"%s{\"id\":\"%08d-0000-4000-8000-000000000000\",\"createdAt\":\"%s\","
			"\"updatedAt\":\"%s\",\"deletedAt\":null,\"jobTitle\":\"x\"}",
			i == from ? "" : ",", i, moment, moment);
	if (rc == RC_OK)
		rc = buf_printf(out,
			"]},\"totalCount\":%d,\"pageInfo\":{\"startCursor\":\"%d\",\"endCursor\":"
			"\"%d\","
			"\"hasNextPage\":%s,\"hasPreviousPage\":false}}",
			RECORDS, from, from + n, n == PAGE ? "true" : "false");
	return rc;
}

/* Of a time with a quote behind it. */
static int64_t since(const char *text)
{
	char time[CLOCK_TEXT_N];
	snprintf(time, sizeof(time), "%s", text);
	return clock_parse(time);
}

/* More than the client takes. */
static bool answer_too_much(int fd)
{
	size_t n = (size_t)33 << 20;
	char *body = malloc(n + 1);
	if (body == NULL)
		return false;
	memset(body, ' ', n);
	body[n] = '\0';
	(void)fake_answer(fd, 200, "", body);
	free(body);
	return false;
}

/* The list is empty, but who asks for ids finds them, of long notes, as far as a page goes. */
static bool answer_short(int fd, const char *line, const char *moment)
{
	const char *ids = strstr(line, "id[in]:["), *limit = strstr(line, "limit=");
	long most = limit != NULL ? strtol(limit + 6, NULL, 10) : 60;
	struct buf out;
	if (ids == NULL)
		return fake_answer(fd, 200, "", FAKE_PEOPLE);
	if (most > 50)
		return answer_too_much(fd);
	long from = strtol(ids + 9, NULL, 10), n = 0;
	for (const char *at = ids; at != NULL && n < most; at = strstr(at + 1, "-4000-8000-"))
		n++;
	buf_init(&out, 1 << 20);
	bool ok = put_page(&out, (int)from, (int)n, moment) == RC_OK &&
		  fake_answer(fd, 200, "", out.p);
	buf_done(&out);
	return ok;
}

/* Two pages, each with a cursor to the other one. */
static bool answer_round(int fd, const char *after, int64_t moment_ms)
{
	char moment[CLOCK_TEXT_N];
	int from = after != NULL ? (int)strtol(after + strlen("starting_after="), NULL, 10) : 0;
	from %= 2 * PAGE;
	struct buf out;
	buf_init(&out, 1 << 20);
	clock_format(moment_ms + from, moment);
	bool ok = put_page(&out, from, PAGE, moment) == RC_OK && fake_answer(fd, 200, "", out.p);
	buf_done(&out);
	return ok;
}

static bool serve(int fd, const char *request, struct fake_shared *shared)
{
	char line[16384];
	struct buf out;
	int mode = atomic_load(&shared->mode), from = 0, n = 0;
	decode(request, line, sizeof(line));
	const char *gte = strstr(line, "[gte]:\""), *after = strstr(line, "starting_after=");
	bool by_id = strstr(line, "order_by=id") != NULL;
	int64_t moment_ms = clock_parse(shared->reply);
	if (mode == ROUND)
		return answer_round(fd, after, moment_ms);
	if (mode == SHORT)
		return answer_short(fd, line, shared->reply);
	if (mode != EMPTY && (gte == NULL || since(gte + 7) <= moment_ms))
		n = RECORDS;
	if (after != NULL && by_id && mode == FINE)
		from = (int)strtol(after + strlen("starting_after="), NULL, 10);
	n = n - from < PAGE ? n - from : PAGE;
	if (mode == LARGE && strstr(line, "limit=12&") == NULL)
		return answer_too_much(fd);
	n = mode == LARGE ? 2 : n;
	buf_init(&out, 1 << 20);
	bool ok =
		put_page(&out, from, n, shared->reply) == RC_OK && fake_answer(fd, 200, "", out.p);
	buf_done(&out);
	return ok;
}

/* --- the runner ------------------------------------------------------------------------------- */

static void setup(void)
{
	stage_open(&s);
	cr_assert(fake_open(&fake, serve, FAKE_CORE));
	snprintf(s.twin_url, sizeof(s.twin_url), "%s", fake.url);
	stage_rule(&s, "see.lua", "rule \"see\" { on = \"person.*\", run = function() end }\n");
	stage_start(&s, STAGE_ALONE, "workers = 1");
}

static void teardown(void)
{
	stage_close(&s);
	fake_close(&fake);
}

TestSuite(runner_gap_moment, .init = setup, .fini = teardown, .timeout = 60);

/* What people are found, after how many requests; problem is cut at 100 bytes. */
static int ordered(
	const char *words, const char *kind, int *ret_requests, char ret_problem[static 100])
{
	char text[100];
	snprintf(text, sizeof(text), "1 0 {\"do\":\"reconcile\"%s}", words);
	stage_order(&s, text);
	json_t *answer = json_loads(stage_ordered(&s) + 2, 0, NULL);
	json_t *of = json_object_get(json_object_get(answer, "objects"), "person");
	const char *problem = json_string_value(json_object_get(of, "problem"));
	int n = (int)json_integer_value(json_object_get(of, kind));
	*ret_requests = (int)json_integer_value(json_object_get(of, "requests"));
	snprintf(ret_problem, 100, "%s", problem != NULL ? problem : "");
	json_decref(answer);
	return n;
}

static int reconcile(int *ret_requests, char ret_problem[static 100])
{
	return ordered("", "created", ret_requests, ret_problem);
}

static void many_come(enum mode mode)
{
	int requests;
	char problem[100];
	cr_expect_eq(reconcile(&requests, problem), 0);
	cr_expect_str_eq(problem, "");
	clock_format(clock_wall_ms(), fake.shared->reply);
	atomic_store(&fake.shared->mode, mode);
}

Test(runner_gap_moment, what_fills_pages_is_listed_in_another_order)
{
	int requests;
	char problem[100];
	many_come(FINE);
	cr_expect_eq(reconcile(&requests, problem), RECORDS);
	cr_expect_str_eq(problem, "");
	cr_expect_eq(requests, 1 + 1 + 3 + 1, "a page, itself again, three by id, what is behind");
	stage_until(&s, stage_ended, RECORDS);
	cr_expect_eq(metrics_value(METRIC_EVENT_GAP), RECORDS);
	cr_expect_eq(reconcile(&requests, problem), 0);
}

Test(runner_gap_moment, a_server_that_goes_round_in_circles_is_said)
{
	int requests;
	char problem[100];
	many_come(STUCK);
	cr_expect_eq(reconcile(&requests, problem), PAGE);
	cr_expect(strstr(problem, "cursor") != NULL, "%s", problem);
	cr_expect_lt(requests, 10);
}

Test(runner_gap_moment, two_pages_that_lead_to_each_other_are_said)
{
	int requests;
	char problem[100];
	many_come(ROUND);
	cr_expect_eq(reconcile(&requests, problem), 2 * PAGE);
	cr_expect(strstr(problem, "cursor") != NULL, "%s", problem);
	cr_expect_eq(requests, 3);
}

Test(runner_gap_moment, records_that_are_too_large_together_come_in_smaller_pages)
{
	int requests;
	char problem[100];
	many_come(LARGE);
	cr_expect_eq(reconcile(&requests, problem), 2);
	cr_expect_str_eq(problem, "");
	cr_expect_eq(requests, 3, "200, 50, 12");
}

/* What is not in the answer is gone: so all that is asked for has to fit into it. */
Test(runner_gap_moment, nothing_alive_is_gone_because_a_page_holds_less_than_was_asked_for)
{
	int requests;
	char problem[100];
	many_come(FINE);
	cr_expect_eq(reconcile(&requests, problem), RECORDS);
	stage_until(&s, stage_ended, RECORDS);
	atomic_store(&fake.shared->mode, SHORT);
	cr_expect_eq(ordered(",\"ids\":true", "destroyed", &requests, problem), 0);
	cr_expect_str_eq(problem, "");
	cr_expect_eq(requests, 1 + 1 + 10, "a list, too much, fifty by fifty");
}
