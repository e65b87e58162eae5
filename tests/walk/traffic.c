/* SPDX-License-Identifier: MIT */
/*
 * Ordinary traffic: members and rules change the same fields of the same few records to the same
 * values at the same moments, and every event fires exactly the rules that it is to fire.
 * From: members' edits at the twin. The oracle looks at what Twenty sent alone: who is named in the
 * record, and in which of two marks a rule's own hand shows. Negative control: the oracle itself,
 * told that rules see their own writes, finds every echo wrong.
 * MOONHOOK_TRAFFIC=3400 makes 10,000 events of it.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "queue/queue.h"
#include "tests/harness/house.h"

#define EDITS 200
#define PEOPLE 12
#define QUIET_MS 700

static struct house h;
static char people[PEOPLE][64];

static void close_house(void)
{
	house_close(&h);
}

TestSuite(walk_traffic, .fini = close_house, .timeout = 580);

/* Both write a title that members write, too, and each leaves a mark of its own. */
#define HAND(name, mark)                                                                           \
	"rule '" name "' { on = 'person.updated', max_writes = '9999999/s', run = function(e)\n"   \
	"  if e.actor.kind ~= 'person' then return end\n"                                          \
	"  local titles = { 'x', 'y', 'z' }\n"                                                     \
	"  twenty.people:update(e.record.id, { jobTitle = titles[math.floor(random() * 3) + 1],\n" \
	"    " mark " = e.id })\nend }\n"

static const char rules[] = HAND("a", "intro") HAND("b",
	"avatarUrl") "rule 'people' { on = 'person.updated', echo = false, run = function() end }\n"
		     "rule 'all' { on = 'person.updated', echo = true, run = function() end }\n";

enum { RULE_A = 1, RULE_B = 2, RULE_PEOPLE = 4, RULE_ALL = 8 };

static int rule_bit(const char *name)
{
	static const char *const names[] = {"a", "b", "people", "all"};
	for (int i = 0; i < 4; i++)
		if (strcmp(names[i], name) == 0)
			return 1 << i;
	return 0;
}

struct tally {
	json_t *fired; /* event id -> bits */
	struct queue *store;
	long events, wrongly_suppressed, wrongly_fired, echoes, of_people;
	bool own; /* the control: a rule is to see its own writes */
};

static enum rc take_run(void *ctx, const struct queue_run_row *row, struct err *err)
{
	struct tally *t = ctx;
	(void)err;
	if (row->state == QUEUE_ECHO)
		return RC_OK;
	cr_expect_eq(row->state, QUEUE_DONE, "%s: %s", row->rule, row->error);
	json_int_t bits = json_integer_value(json_object_get(t->fired, row->event));
	json_object_set_new(t->fired, row->event, json_integer(bits | rule_bit(row->rule)));
	return RC_OK;
}

static bool changed(const json_t *body, const char *field)
{
	size_t i;
	json_t *name;
	json_array_foreach(json_object_get(body, "updatedFields"), i, name)
	{
		if (strcmp(json_string_value(name), field) == 0)
			return true;
	}
	return false;
}

/* The rules that an event is for. */
static int wanted(struct tally *t, const json_t *body)
{
	const json_t *by = json_object_get(json_object_get(body, "record"), "updatedBy");
	if (strcmp(json_string_value(json_object_get(by, "source")), "MANUAL") == 0) {
		t->of_people++;
		return RULE_A | RULE_B | RULE_PEOPLE | RULE_ALL;
	}
	bool a = changed(body, "intro"), b = changed(body, "avatarUrl");
	cr_expect(a != b, "one hand, one mark");
	if (t->own)
		return RULE_A | RULE_B | RULE_ALL;
	return RULE_ALL | (a ? RULE_B : RULE_A);
}

static enum rc judge(void *ctx, const struct queue_event_row *row, struct err *err)
{
	struct tally *t = ctx;
	json_t *body = json_loadb(row->body.p, row->body.n, 0, NULL);
	(void)err;
	cr_assert(body != NULL);
	int want = wanted(t, body);
	int have = (int)json_integer_value(json_object_get(t->fired, row->id));
	t->events++;
	t->wrongly_suppressed += __builtin_popcount((unsigned)(want & ~have));
	t->wrongly_fired += __builtin_popcount((unsigned)(have & ~want));
	t->echoes += 4 - __builtin_popcount((unsigned)have);
	if (want != have && !t->own)
		fprintf(stderr, "event %s: fired %d, not %d: %.*s\n", row->id, have, want,
			(int)row->body.n, row->body.p);
	json_decref(body);
	return RC_OK;
}

static enum rc take_event(void *ctx, const struct queue_event_row *row, struct err *err)
{
	struct tally *t = ctx;
	cr_expect_neq(row->state, QUEUE_DUPLICATE);
	return strcmp(row->name, "person.updated") == 0
		       ? queue_event_get(t->store, row->id, judge, t, err)
		       : RC_OK;
}

static struct tally tally(bool own)
{
	struct tally t = {.fired = json_object(), .own = own};
	struct queue_filter all = {0};
	struct err err = {0};
	cr_assert_eq(queue_open(h.store, QUEUE_READER, &t.store, &err), RC_OK, "%s", err.msg);
	cr_assert_eq(queue_run_each(t.store, &all, take_run, &t, &err), RC_OK, "%s", err.msg);
	cr_assert_eq(queue_event_each(t.store, &all, take_event, &t, &err), RC_OK, "%s", err.msg);
	queue_close(t.store);
	json_decref(t.fired);
	return t;
}

static void make_people(void)
{
	for (int i = 0; i < PEOPLE; i++) {
		int status = 0;
		json_t *made =
			house_member(&h, "POST", "/rest/people", "{\"jobTitle\":\"x\"}", &status);
		cr_assert_eq(status, 201);
		const json_t *person =
			json_object_iter_value(json_object_iter(json_object_get(made, "data")));
		snprintf(people[i], sizeof(people[i]), "%s",
			json_string_value(json_object_get(person, "id")));
		json_decref(made);
	}
}

static void edit(int i, unsigned r)
{
	static const char *const bodies[] = {"{\"jobTitle\":\"%c\"}",
		"{\"name\":{\"lastName\":\"%c\"}}", "{\"jobTitle\":\"%c\",\"linkedinLink\":null}",
		"{\"jobTitle\":\"%c\",\"name\":{\"firstName\":\"%c\"}}"};
	char path[100], body[100];
	int status = 0;
	char c = (char)('x' + r / 64 % 3), d = (char)('a' + r / 256 % 5);
	/* Not the same one three times in a millisecond: what is changed back and forth within one
	 * is one change, told twice. */
	snprintf(path, sizeof(path), "/rest/people/%s", people[i % PEOPLE]);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(body, sizeof(body), bodies[r / 16 % 3 + (r / 1024 % 4 == 0)], c, d);
#pragma GCC diagnostic pop
	json_decref(house_member(&h, "PATCH", path, body, &status));
	cr_assert_eq(status, 200);
}

static void await_quiet(void)
{
	int64_t end = clock_mono_ms() + 200000, since = clock_mono_ms();
	json_int_t last = -1;
	while (clock_mono_ms() < end && clock_mono_ms() - since < QUIET_MS) {
		json_t *s = house_status(&h);
		json_t *runs = json_object_get(s, "runs");
		json_int_t done = json_integer_value(json_object_get(runs, "done"));
		json_int_t open = json_integer_value(json_object_get(runs, "due")) +
				  json_integer_value(json_object_get(runs, "running")) +
				  json_integer_value(json_object_get(runs, "waiting"));
		if (done != last || open > 0)
			since = clock_mono_ms();
		last = done;
		json_decref(s);
	}
	cr_assert_lt(clock_mono_ms(), end, "it does not come to rest");
}

static void expect_ordinary_traffic(int runners)
{
	struct house_conf conf = {
		.twin_args = "--budget none --senders 1", .budget = "none", .runners = runners};
	const char *wish = getenv("MOONHOOK_TRAFFIC");
	int n = wish != NULL ? (int)strtol(wish, NULL, 10) : EDITS;
	uint64_t seed = 4711;
	cr_assert(house_rule(&h, "a.lua", rules));
	cr_assert(house_open(&h, &conf));
	make_people();
	for (int i = 0; i < n; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		edit(i, (unsigned)(seed >> 33));
	}
	await_quiet();
	struct tally t = tally(false), control = tally(true);
	fprintf(stderr,
		"%ld events, %ld of them of members: %ld times no rule was to be fired; wrongly "
		"suppressed %ld, wrongly fired %ld\n",
		t.events, t.of_people, t.echoes, t.wrongly_suppressed, t.wrongly_fired);
	cr_expect_gt(t.of_people, n / 3);
	cr_expect_gt(t.events, 2 * t.of_people);
	cr_expect_eq(t.wrongly_suppressed, 0);
	cr_expect_eq(t.wrongly_fired, 0);
	cr_expect_geq(control.wrongly_suppressed, t.events - t.of_people);
}

Test(walk_traffic, every_event_fires_the_rules_that_it_is_for_and_no_other)
{
	expect_ordinary_traffic(0);
}

/* Of the long form. */
Test(walk_traffic, among_three_runners_every_event_fires_the_rules_that_it_is_for_and_no_other)
{
	if (getenv("MOONHOOK_TRAFFIC") == NULL)
		cr_skip_test();
	expect_ordinary_traffic(3);
}
