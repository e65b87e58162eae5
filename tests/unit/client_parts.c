/* SPDX-License-Identifier: MIT */
/* The small parts of the client, one by one: budget, line, header lines, telephone numbers, shapes.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/log.h"
#include "base/phone.h"
#include "client/budget.h"
#include "client/client.h"
#include "client/dialect.h"
#include "client/fields.h"
#include "client/header.h"
#include "client/line.h"
#include "client/scan.h"
#include "client/url.h"
#include "tests/unit/client_rig.h"

static const struct budget_notice silent = {-1, -1, -1, -1};

/* The server's own bucket, as measured: refill by whole requests since the last accepted one. */
struct server {
	double tokens;
	int64_t last_ms;
};

static bool server_accepts(struct server *s, int64_t now)
{
	double refill = (double)((now - s->last_ms) * 100 / 60000);
	s->tokens = s->tokens + refill > 100 ? 100 : s->tokens + refill;
	if (s->tokens < 1)
		return false;
	s->tokens -= 1;
	s->last_ms = now;
	return true;
}

Test(client_parts, the_budget_goes_at_the_servers_own_pace_for_an_hour)
{
	struct budget b;
	struct server s = {100, 0};
	int64_t now = 0, sent = 0;
	budget_init(&b, 6000, now);
	while (now < 3600000) {
		int64_t wait = budget_wait_ms(&b, now, 0);
		if (wait > 0) {
			now += wait;
			continue;
		}
		budget_take(&b, now);
		cr_assert(server_accepts(&s, now), "refused after %ld requests", (long)sent);
		budget_accepted(&b, now, 0, &silent);
		sent++;
	}
	cr_assert_geq(sent, 6000, "%ld", (long)sent);
	printf("%ld requests in an hour at 100/m\n", (long)sent);
}

Test(client_parts, a_burst_that_is_refused_together_counts_once)
{
	struct budget b;
	budget_init(&b, 6000, 0);
	for (int i = 0; i < 50; i++)
		budget_refused(&b, 10, &silent, 100, 60000);
	cr_assert_leq(budget_wait_ms(&b, 10, 0), 700);
	cr_assert_gt(budget_wait_ms(&b, 10, 0), 500);
	cr_assert_eq(budget_wait_ms(&b, 2000, 0), 0);
	cr_assert_gt(budget_wait_ms(&b, 2000, 1), 0, "one at a time until one is accepted");
}

Test(client_parts, no_server_makes_us_wait_longer_than_a_minute)
{
	struct budget b;
	struct budget_notice hour = {3600000, -1, -1, -1};
	budget_init(&b, 0, 0);
	budget_refused(&b, 0, &hour, 0, 0);
	cr_assert_eq(budget_wait_ms(&b, 0, 0), 60000);
	cr_assert_eq(budget_tokens(&b, 0), -1);
}

Test(client_parts, header_lines_are_read_where_they_make_sense)
{
	static const struct {
		const char *line;
		int64_t retry, limit, remaining, reset;
	} cases[] = {
		{"Retry-After: 2\r\n", 2000, -1, -1, -1},
		{"retry-after:120", 120000, -1, -1, -1},
		{"Retry-After: -1\r\n", -1, -1, -1, -1},
		{"Retry-After: 1e9\r\n", -1, -1, -1, -1},
		{"Retry-After: 99999999999999999999\r\n", -1, -1, -1, -1},
		{"Retry-After: Tue, 24 Nov 2026 00:00:10 GMT\r\n", 10000, -1, -1, -1},
		{"X-RateLimit-Limit: 100\r\n", -1, 100, -1, -1},
		{"X-RateLimit-Remaining: 0\r\n", -1, -1, 0, -1},
		{"X-RateLimit-Reset: 1795478430\r\n", -1, -1, -1, 30000},
		{"X-RateLimit-Reset: 30\r\n", -1, -1, -1, 30000},
		{"X-RateLimit-Nothing: 1\r\n", -1, -1, -1, -1},
		{"R\r\n", -1, -1, -1, -1},
		{"", -1, -1, -1, -1},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct budget_notice n = silent;
		header_parse(slice_of(cases[i].line), 1795478400000, &n);
		cr_expect(n.retry_after_ms == cases[i].retry && n.limit == cases[i].limit &&
				  n.remaining == cases[i].remaining &&
				  n.reset_in_ms == cases[i].reset,
			"%s: %ld %ld %ld %ld", cases[i].line, (long)n.retry_after_ms, (long)n.limit,
			(long)n.remaining, (long)n.reset_in_ms);
	}
}

Test(client_parts, a_date_line_tells_what_time_it_is_there)
{
	cr_expect_eq(header_date(slice_of("Date: Tue, 24 Nov 2026 00:00:10 GMT\r\n")),
		INT64_C(1795478410000));
	cr_expect_eq(header_date(slice_of("date:Tue, 24 Nov 2026 00:00:10 GMT")),
		INT64_C(1795478410000));
	static const char *const rubbish[] = {"Date: now\r\n", "Date:", "Dat", "", "Age: 10\r\n",
		"Date: -1\r\n", "X-Date: Tue, 24 Nov 2026 00:00:10 GMT\r\n",
		"Date: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"};
	for (size_t i = 0; i < ARRAY_N(rubbish); i++)
		cr_expect_eq(header_date(slice_of(rubbish[i])), -1, "%s", rubbish[i]);
}

Test(client_parts, the_line_goes_down_for_good_reasons_and_comes_back)
{
	struct line l;
	log_start("test", LOG_TEXT, LOG_ERROR);
	line_init(&l, 0, 7);
	line_proved(&l, 1);
	for (int i = 0; i < 4; i++)
		line_failed(&l, 10 + i, LINE_LOST, "the connection broke");
	cr_assert_eq(l.state, LINE_UP, "four are bad luck");
	line_worked(&l, 20);
	for (int i = 0; i < 5; i++)
		line_failed(&l, 30 + i, LINE_LOST, "the connection broke");
	cr_assert_eq(l.state, LINE_DOWN);
	cr_assert_str_eq(l.problem, "Twenty cannot be reached: the connection broke");
	int64_t last = 0;
	for (int i = 0; i < 12; i++) {
		int64_t wait = l.probe_at_ms - (last != 0 ? last : 34);
		cr_assert(wait > 0 && wait <= 30000);
		last = l.probe_at_ms;
		line_failed(&l, last, LINE_UNSENT, "it refuses connections");
	}
	cr_assert_gt(l.probe_at_ms - last, 10000, "ever less often");
	line_proved(&l, l.probe_at_ms);
	cr_assert_eq(l.state, LINE_UP);
	cr_assert_str_eq(l.problem, "");
	line_doubt(&l, 500000);
	cr_assert_eq(l.state, LINE_DOUBT);
	line_refused(&l, 500001);
	cr_assert_eq(l.state, LINE_REFUSED);
	cr_assert_eq(l.probe_at_ms, 560001);
}

/* The key goes out in the clear to this machine only, whatever a name looks like. */
Test(client_parts, plain_http_goes_to_this_machine_only_unless_somebody_says_otherwise)
{
	static const struct {
		const char *url;
		bool here;
	} cases[] = {
		{"http://127.0.0.1:3000", true},
		{"http://127.9.9.9", true},
		{"http://LocalHost", true},
		{"http://[::1]", true},
		{"http://127.1", true},
		{"http://2130706433", true},
		{"http://0x7f.1", true},
		{"http://127.0.0.1.example.com", false},
		{"http://localhost.example.com", false},
		{"http://0", false},
		{"http://0.0.0.0", false},
		{"http://10.0.0.5", false},
		{"http://[::ffff:10.0.0.5]", false},
		{"http://[fe80::1]", false},
		{"http://crm", false},
		{"http://crm.example.com", false},
	};
	for (size_t i = 0; i < ARRAY_N(cases); i++) {
		char *url = NULL;
		struct err err = {.msg = ""};
		enum rc rc = url_check(cases[i].url, URL_TLS, &url, &err);
		cr_expect_eq(rc == RC_OK, cases[i].here, "%s: %s", cases[i].url, err.msg);
		if (rc == RC_OK)
			free(url);
		cr_expect_eq(url_check(cases[i].url, URL_ANY, &url, &err), RC_OK, "%s: %s",
			cases[i].url, err.msg);
		free(url);
	}
}

Test(client_parts, numbers_come_apart_as_twenty_keeps_them)
{
	static const struct {
		const char *text, *number, *calling, *country;
	} cases[] = {{"+33612345678", "612345678", "+33", "FR"},
		{"+1-555-0100", "5550100", "+1", "US"},
		{"+44 (20) 7946 0958", "2079460958", "+44", "GB"},
		{"+4915112345678", "15112345678", "+49", "DE"},
		{"+355671234567", "671234567", "+355", "AL"}, {"0612345678", NULL, NULL, NULL},
		{"+", NULL, NULL, NULL}, {"+33", NULL, NULL, NULL}, {"+999123", NULL, NULL, NULL},
		{"+33x", NULL, NULL, NULL}, {"+1234567890123456", NULL, NULL, NULL}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct phone p;
		bool ok = phone_parse(cases[i].text, &p);
		cr_expect_eq(ok, cases[i].number != NULL, "%s", cases[i].text);
		if (ok && cases[i].number != NULL) {
			cr_expect_str_eq(p.number, cases[i].number);
			cr_expect_str_eq(p.calling, cases[i].calling);
			cr_expect_str_eq(p.country, cases[i].country);
		}
	}
}

Test(client_parts, a_record_of_a_webhook_gets_the_shape_that_rules_see)
{
	json_t *flat =
		rig_json("{'id':'1','firstName':'Ann','email':'a@b.c','phone':'+33612345678',"
			 "'company':{'id':'7','name':'Acme'},'jobTitle':'CTO'}");
	json_t *seen = client_record("person", flat);
	cr_expect_str_eq(rig_text(seen, "name.firstName"), "Ann");
	cr_expect_str_eq(rig_text(seen, "emails.primaryEmail"), "a@b.c");
	cr_expect_str_eq(rig_text(seen, "phones.primaryPhoneCallingCode"), "+33");
	cr_expect_str_eq(rig_text(seen, "companyId"), "7");
	cr_expect_str_eq(rig_text(seen, "jobTitle"), "CTO");
	cr_expect_null(json_object_get(seen, "email"));
	json_decref(seen);
	json_decref(flat);
	json_t *core = rig_json("{'id':'1','name':{'firstName':'Ann'},'companyId':null,"
				"'emails':{'primaryEmail':'a@b.c'}}");
	seen = client_record("person", core);
	cr_expect_eq(seen, core, "nothing is copied where nothing changes");
	json_decref(seen);
	json_decref(core);
	json_t *deal = rig_json("{'id':'1','amount':1500.5}");
	seen = client_record("opportunity", deal);
	cr_expect_str_eq(rig_text(seen, "amount.amountMicros"), "1500500000");
	json_decref(seen);
	json_decref(deal);
}

Test(client_parts, what_goes_to_the_documented_shape_comes_back_the_same)
{
	static const char *const people[] = {
		"{'name':{'firstName':'A','lastName':'B'},'emails':{'primaryEmail':'a@b.c'}}",
		("{'phones':{'primaryPhoneNumber':'612345678','primaryPhoneCallingCode':'+33',"
		 "'primaryPhoneCountryCode':'FR'}}"),
		"{'companyId':'11111111-2222-4333-8444-555555555555','jobTitle':'x'}"};
	for (size_t i = 0; i < sizeof(people) / sizeof(people[0]); i++) {
		json_t *data = rig_json(people[i]), *flat = NULL;
		struct err err;
		cr_assert_eq(fields_to_docs("people", data, &flat, &err), RC_OK);
		json_t *relation = json_object_get(flat, "company");
		if (relation != NULL) /* as a server shows it */
			json_object_set_new(flat, "company",
				json_pack("{s:O}", "id", json_object_get(relation, "connect")));
		json_t *back = fields_from_docs("people", flat);
		json_object_del(back, "company");
		cr_expect(json_equal(back, data), "%s", people[i]);
		json_decref(back);
		json_decref(flat);
		json_decref(data);
	}
	json_t *out = NULL, *euros = rig_json("{'amount':{'amountMicros':5,'currencyCode':'EUR'}}");
	struct err err;
	cr_assert_eq(fields_to_docs("opportunities", euros, &out, &err), RC_UNSUPPORTED,
		"a currency would be lost");
	json_decref(euros);
}

Test(client_parts, messages_lose_paths_and_addresses)
{
	static const struct {
		const char *text, *shown;
	} cases[] = {
		{"Query path '/rest/restore/people/x' invalid", "Query path '..' invalid"},
		{"see https://h/x?key=1 for more", "see .. for more"},
		{"Object person doesn't have any \"nope\" field.",
			"Object person doesn't have any \"nope\" field."},
		{"a\nb\x1b[31m", "a b [31m"},
		{"either/or", "either/or"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fault f = {.code = RC_REJECTED};
		fault_message(&f, cases[i].text);
		cr_expect_str_eq(f.message, cases[i].shown);
	}
	char large[2000];
	memset(large, 'x', sizeof(large) - 1);
	large[sizeof(large) - 1] = '\0';
	struct fault f = {.code = RC_REJECTED};
	fault_message(&f, large);
	cr_expect_leq(strlen(f.message), sizeof(f.message) - 1);
}

Test(client_parts, json_that_would_grow_too_large_is_told_before_it_is_parsed)
{
	cr_expect(scan_json(slice_of("{\"a\":[1,2,\"}}}]]]\\\"\"]}"), 2, 10));
	cr_expect_not(scan_json(slice_of("[[[[]]]]"), 3, 100));
	cr_expect_not(scan_json(slice_of("[{},{},{},{}]"), 10, 6));
}

Test(client_parts, operations_have_names)
{
	for (int i = 0; i < CLIENT_OP_N; i++)
		cr_expect_eq(client_op_find(client_op_name((enum client_op)i)), (enum client_op)i);
	cr_expect_eq(client_op_find("nope"), CLIENT_OP_N);
	cr_expect(client_op_effect(CLIENT_MERGE));
	cr_expect_not(client_op_effect(CLIENT_DUPLICATES));
}
