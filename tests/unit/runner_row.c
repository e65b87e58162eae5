/* SPDX-License-Identifier: MIT */
/*
 * What somebody writes into a shared inbox who has the password of a receiver, or of more: whatever
 * it is, the deliveries before and behind it are routed.
 * From: rows that are written past the queue. To: runner/route_row.c and the way there.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "tests/harness/postgres.h"
#include "tests/unit/runner_stage.h"

static struct stage s;

static void open_stage(void)
{
	stage_open(&s);
	stage_share(&s);
	stage_rule(&s, "a.lua",
		"rule \"all\" { on = \"person.*\", run = function() end }\n"
		"rule \"tick\" { on = \"timer\", run = function() end }\n");
}

static void close_stage(void)
{
	stage_close(&s);
	postgres_store_drop(s.store);
}

TestSuite(runner_row, .init = open_stage, .fini = close_stage, .timeout = 180);

enum fate {
	REFUSED, /* by the table */
	ASIDE,   /* kept in quarantine: its row is no delivery */
	WRONG,   /* kept in quarantine: its content is no event */
};

#define ID "'0123456789abcdefghjkmnpq' || to_char(n % 100, 'fm00')" /* of 26 */
#define NOW "(extract(epoch FROM now()) * 1000)::bigint"
#define BODY "'{\"eventName\":\"person.created\",\"record\":{\"id\":\"x\"}}'"

static const struct {
	const char *what;
	enum fate fate;
	const char *id, *source, *received, *quarantine, *key, *headers, *body;
} rows[] = {
	{.what = "an id of one letter", .fate = ASIDE, .id = "'x'"},
	{.what = "no id", .fate = ASIDE, .id = "''"},
	{.what = "an id that breaks out of JSON",
		.fate = ASIDE,
		.id = "'\",\"via\":\"cron\",\"name\":\"x\",\"'"},
	{.what = "an id with controls", .fate = ASIDE, .id = "E'\\x1b[2J\\n' || n"},
	{.what = "an id of many letters",
		.fate = REFUSED,
		.id = "(SELECT string_agg(md5(i::text), '') FROM generate_series(1, 400) AS i)"},
	{.what = "the id of another",
		.fate = REFUSED,
		.id = "(SELECT id FROM delivery WHERE key IS NULL LIMIT 1)"},
	{.what = "the source of what is born here",
		.fate = ASIDE,
		.source = "''",
		.body = "'{\"eventName\":\"timer\",\"rule\":\"tick\",\"at\":\"2026-01-01T00:00:"
			"00Z\"}'"},
	{.what = "a source that breaks out of JSON",
		.fate = ASIDE,
		.source = "'x\",\"via\":\"cron'"},
	{.what = "a source without an end", .fate = ASIDE, .source = "repeat('é', 100000)"},
	{.what = "a time at the end of numbers", .fate = ASIDE, .received = "9223372036854775807"},
	{.what = "a time at the begin of numbers",
		.fate = ASIDE,
		.received = "-9223372036854775808"},
	{.what = "a time in ten years", .fate = ASIDE, .received = NOW " + 315360000000"},
	{.what = "a quarantine without an end",
		.fate = WRONG,
		.quarantine = "'x' || repeat('é', 100000)"},
	{.what = "no headers and no body", .fate = WRONG, .headers = "NULL", .body = "NULL"},
	{.what = "a body of nothing", .fate = WRONG, .body = "''"},
	{.what = "a body with NUL", .fate = WRONG, .body = "E'{\\\\000}'"},
	{.what = "a body that is no UTF-8", .fate = WRONG, .body = "E'{\"\\\\377\":1}'"},
	{.what = "a name that a sentence cuts within a letter",
		.fate = WRONG,
		.body = "convert_to('{\"eventName\":\"a' || repeat('é', 200) ||"
			" '\",\"record\":{\"id\":\"x\"}}', 'UTF8')"},
	{.what = "a body of 65 MB",
		.fate = ASIDE,
		.body = "convert_to(repeat(' ', 68157440), 'UTF8')"},
	{.what = "the key of another", .fate = REFUSED, .key = "'taken'"},
	{.what = "a key of many bytes",
		.fate = REFUSED,
		.key = "decode((SELECT string_agg(md5(i::text), '') FROM generate_series(1, 400) "
		       "AS i),"
		       " 'hex')"},
};

static const char *either(const char *text, const char *other)
{
	return text != NULL ? text : other;
}

static bool say(const char *sql, char ret_text[static 200])
{
	return postgres_say(s.store, NULL, sql, ret_text);
}

static bool put_row(size_t i, char ret_text[static 200])
{
	char sql[2000];
	snprintf(sql, sizeof(sql),
		"WITH d AS (INSERT INTO delivery (n, id, source, received_ms, quarantine, key, "
		"headers, body) SELECT n, %s, %s, %s, %s, %s, %s, %s"
		" FROM nextval('delivery_n_seq') AS n RETURNING n)"
		" INSERT INTO pending (n) SELECT n FROM d",
		either(rows[i].id, ID), either(rows[i].source, "'twenty'"),
		either(rows[i].received, NOW), either(rows[i].quarantine, "NULL"),
		either(rows[i].key, "NULL"), either(rows[i].headers, "''"),
		either(rows[i].body, BODY));
	return say(sql, ret_text);
}

static int64_t number(const char *sql)
{
	char text[200];
	cr_assert(say(sql, text), "%s: %s", sql, text);
	return strtoll(text, NULL, 10);
}

/* What the log says while so many good ones are routed. */
static void read_log(long good_n, char ret_lines[static 4096])
{
	char path[256];
	snprintf(path, sizeof(path), "%s/log", s.dir);
	int before = dup(STDERR_FILENO), fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	cr_assert(before >= 0 && fd >= 0 && dup2(fd, STDERR_FILENO) == STDERR_FILENO);
	stage_until(&s, stage_ended, good_n);
	cr_assert_eq(dup2(before, STDERR_FILENO), STDERR_FILENO);
	ssize_t n = pread(fd, ret_lines, 4095, 0);
	ret_lines[n > 0 ? n : 0] = '\0';
	close(before);
	close(fd);
}

Test(runner_row, whatever_row_lies_in_the_inbox_the_good_ones_around_it_are_routed)
{
	long good_n = 1, aside_n = 0, wrong_n = 0;
	char text[200], lines[4096];
	struct err err = {.msg = ""};
	stage_start(&s, STAGE_ALONE, NULL);
	stage_someone(&s, "first");
	cr_assert(say("UPDATE delivery SET key = 'taken'", text), "%s", text);
	for (size_t i = 0; i < ARRAY_N(rows); i++) {
		bool written = put_row(i, text);
		cr_expect_eq(written, rows[i].fate != REFUSED, "%s: %s", rows[i].what, text);
		aside_n += rows[i].fate == ASIDE;
		wrong_n += rows[i].fate == WRONG;
		stage_someone(&s, "next");
		good_n++;
	}
	read_log(good_n, lines);
	cr_expect_not_null(
		strstr(lines, "are no deliveries as a receiver writes them"), "%s", lines);
	stage_until(&s, stage_parsed, good_n + aside_n + wrong_n);
	cr_assert_eq(gate_force(&s.runner->gate, &err), RC_OK, "%s", err.msg);
	struct queue_counts counts = stage_counts(&s);
	cr_expect_eq(counts.events[QUEUE_DONE], good_n);
	cr_expect_eq(counts.events[QUEUE_QUARANTINED], aside_n + wrong_n);
	cr_expect_eq(number("SELECT count(*) FROM event WHERE reason LIKE 'its row in the store%'"),
		aside_n);
	cr_expect_eq(number("SELECT count(*) FROM event WHERE length(id) <> 26 OR source NOT IN "
			    "('twenty', '?')"),
		0);
	cr_expect_eq(number("SELECT count(*) FROM pending"), 0, "nothing is looked at again");
}

/* More of them than a batch: they would be all that is ever read. */
Test(runner_row, numbers_without_a_delivery_are_put_aside_and_keep_nothing_back)
{
	char text[200];
	stage_start(&s, STAGE_ALONE, NULL);
	cr_assert(say("INSERT INTO pending SELECT nextval('delivery_n_seq') FROM "
		      "generate_series(1, 150)",
			  text),
		"%s", text);
	struct id good = stage_someone(&s, "x");
	stage_until(&s, stage_ended, 1);
	cr_expect_eq(stage_find(&s, "all", &good)->state, QUEUE_DONE);
	cr_expect_eq(stage_counts(&s).events[QUEUE_QUARANTINED], 150);
}
