/* SPDX-License-Identifier: MIT */
/*
 * Five runners, one API budget: real processes on one database, against a Twenty that enforces its
 * limit and says when each request came. MOONHOOK_BUDGET: seconds of the long form, at 100 a
 * minute, which measures how many records leave together, too.
 */
#include <criterion/criterion.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tests/harness/house.h"
#include "tests/harness/postgres.h"
#include "tests/harness/sender.h"

/* No two are alike: each call is a request of its own. */
#define LOOK                                                                                       \
	"rule \"look\" { on = \"person.created\", run = function(event)\n"                         \
	"  twenty.people:list { where = { jobTitle = event.record.id }, limit = 1 }\nend }"
#define NOTE                                                                                       \
	"rule \"note\" { on = \"person.created\", max_writes = \"9999/h\",\n"                      \
	"  run = function(event)\n"                                                                \
	"  twenty.notes:create { title = \"n \" .. event.record.id }\nend }"

enum { RUNNERS = 5, REQUESTS_MAX = 20000, MINUTE_MS = 60000, SHARE_LEAST = 80 };

static struct house h;

static void teardown(void)
{
	house_close(&h);
}

TestSuite(walk_purse, .fini = teardown, .timeout = 600);

static enum rc write_body(void *ctx, size_t i, struct buf *out)
{
	char id[37];
	(void)ctx;
	snprintf(id, sizeof(id), "20202020-0000-4000-8000-%012zu", i);
	return sender_person(out, "person.created", id, i, "ann@example.com");
}

static void deliver(size_t n)
{
	struct err err = {.msg = ""};
	struct sender_result result;
	struct sender_conf conf = {.port = h.hook_port,
		.source = "twenty",
		.secret = HOUSE_SECRET,
		.n = n,
		.connections = 4,
		.deadline_ms = 60000,
		.body = write_body};
	cr_assert_eq(sender_run(&conf, &result, &err), RC_OK, "%s", err.msg);
	cr_assert_eq(result.stored, n);
}

struct seen {
	int64_t at_ms[REQUESTS_MAX];
	size_t n, refused, worst; /* in any minute */
	size_t lists, creates;
};

static struct seen seen;

static void count_entry(const json_t *entry)
{
	const char *at = json_string_value(json_object_get(entry, "at"));
	const char *path = json_string_value(json_object_get(entry, "path"));
	const char *method = json_string_value(json_object_get(entry, "method"));
	cr_assert(at != NULL && path != NULL && method != NULL && seen.n < REQUESTS_MAX);
	seen.at_ms[seen.n++] = clock_parse(at);
	seen.refused += json_integer_value(json_object_get(entry, "status")) == 429;
	seen.lists += strcmp(path, "/rest/people") == 0;
	seen.creates += strcmp(method, "POST") == 0 && strstr(path, "notes") != NULL;
}

/* What the twin says of each request: when it came, and whether it was refused. */
static void look(void)
{
	char url[120], *save = NULL;
	struct http_answer got = {0};
	seen = (struct seen){0};
	snprintf(url, sizeof(url), "%s/_twin/log", h.twin_url);
	cr_assert(http_request("GET", url, NULL, NULL, 0, &got));
	for (char *line = strtok_r(got.body, "\n", &save); line != NULL;
		line = strtok_r(NULL, "\n", &save)) {
		json_t *entry = json_loads(line, 0, NULL);
		count_entry(entry);
		json_decref(entry);
	}
	http_answer_done(&got);
	for (size_t i = 0, from = 0; i < seen.n; i++) {
		while (seen.at_ms[from] <= seen.at_ms[i] - MINUTE_MS)
			from++;
		seen.worst = i - from + 1 > seen.worst ? i - from + 1 : seen.worst;
	}
}

static bool has_looked(void *ctx)
{
	look();
	return seen.lists >= *(size_t *)ctx;
}

static bool has_written(void *ctx)
{
	json_t *stats = house_api(&h, "GET", "/_twin/stats", NULL, NULL);
	json_int_t n = 0;
	(void)json_unpack(stats, "{s:{s:{s:I}}}", "objects", "notes", "rows", &n);
	json_decref(stats);
	return (size_t)n >= *(size_t *)ctx;
}

static bool has_lasted(void *ctx)
{
	return clock_mono_ms() >= *(int64_t *)ctx;
}

static void open_house(int runners, const char *budget, const char *rule)
{
	char twin[40];
	snprintf(twin, sizeof(twin), "--budget %s", budget);
	struct house_conf conf = {.twin_args = twin,
		.budget = budget,
		.runners = runners,
		.no_webhooks = true,
		.lease = "2s"};
	h = (struct house){0};
	cr_assert(house_folder(&h));
	cr_assert(house_rule(&h, "rule.lua", rule));
	cr_assert(house_open(&h, &conf));
}

/* How often the lead has moved on. */
static long epoch(void)
{
	char query[200];
	const char *schema = strstr(h.store, "schema=");
	cr_assert_not_null(schema);
	schema += strlen("schema=");
	snprintf(query, sizeof(query), "SELECT epoch FROM \"%.*s\".leader",
		(int)strcspn(schema, "&"), schema);
	PGconn *conn = PQconnectdb(postgres_shared());
	PGresult *result = PQexec(conn, query);
	cr_assert_eq(PQntuples(result), 1, "%s", PQerrorMessage(conn));
	long n = strtol(PQgetvalue(result, 0, 0), NULL, 10);
	PQclear(result);
	PQfinish(conn);
	return n;
}

/* Half of a minute's worth goes at once, the rest is paced. Without a common budget each of the
 * five would send a half of its own, and the Twenty refuse what is more than one minute's worth.
 * The daemon began first and leads. */
Test(walk_purse, runners_share_one_budget_also_when_the_one_that_leads_dies)
{
	size_t some = 60, paced = 155;
	open_house(RUNNERS, "300/m", LOOK);
	deliver(500);
	cr_assert(process_await(has_looked, &some, 60000));
	process_stop(&h.daemon, SIGKILL, 15000);
	/* What it had claimed waits for its lease; the long form sees that the work goes on. */
	(void)process_await(has_looked, &paced, 4000);
	size_t elapsed_ms = (size_t)(seen.at_ms[seen.n - 1] - seen.at_ms[0]);
	cr_expect_eq(seen.refused, 0);
	cr_expect_leq(seen.n, 150 + elapsed_ms * 300 / MINUTE_MS + 3, "%zu requests in %zu ms",
		seen.n, elapsed_ms);
}

/* --- the long form ---------------------------------------------------------------------------- */

static int64_t long_ms(void)
{
	const char *seconds = getenv("MOONHOOK_BUDGET");
	return seconds != NULL ? 1000 * strtoll(seconds, NULL, 10) : 0;
}

Test(walk_purse, five_runners_stay_below_the_limit_in_any_minute)
{
	if (long_ms() <= 0)
		cr_skip("make budget");
	open_house(RUNNERS, "100/m", LOOK);
	deliver(50 + (size_t)(long_ms() / 500));
	int64_t from_ms = clock_mono_ms(), half_ms = from_ms + long_ms() / 2;
	int64_t until_ms = from_ms + long_ms();
	long before = epoch();
	cr_assert(process_await(has_lasted, &half_ms, long_ms()));
	process_stop(&h.daemon, SIGKILL, 15000);
	cr_assert(house_start(&h));
	cr_assert(process_await(has_lasted, &until_ms, long_ms()));
	look();
	printf("five runners at 100 a minute, %lld s, the lead moved on %ld times: %zu requests, "
	       "worst minute %zu, %zu refused\n",
		(long long)(long_ms() / 1000), epoch() - before, seen.n, seen.worst, seen.refused);
	cr_expect_gt(epoch(), before);
	cr_expect_eq(seen.refused, 0);
	cr_expect_leq(seen.worst, 101);
	cr_expect_geq(seen.n, (size_t)(long_ms() * 75 / MINUTE_MS), "and it is used");
}

/* Records per request. */
static double factor_of(int runners, size_t n)
{
	open_house(runners, "100/m", NOTE);
	int64_t from_ms = clock_mono_ms();
	deliver(n);
	cr_assert(process_await(has_written, &n, 240000));
	look();
	double factor = (double)n / (double)seen.creates;
	printf("%d runner(s): %zu records, %zu requests to create them, %.1f records per request, "
	       "%.1f s, worst minute %zu, %zu refused\n",
		runners, n, seen.creates, factor, (double)(clock_mono_ms() - from_ms) / 1000,
		seen.worst, seen.refused);
	fflush(stdout);
	cr_expect_eq(seen.refused, 0);
	house_close(&h);
	return factor;
}

Test(walk_purse, five_runners_send_alike_calls_together_as_one_runner_does)
{
	if (long_ms() <= 0)
		cr_skip("make budget");
	for (size_t n = 1000; n <= 2500; n += 1500) {
		double one = factor_of(1, n), five = factor_of(RUNNERS, n);
		printf("%zu records: five runners have %.0f %% of one runner's factor\n", n,
			100 * five / one);
		fflush(stdout);
		cr_expect_geq(100 * five / one, SHARE_LEAST);
	}
}
