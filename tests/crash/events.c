/* SPDX-License-Identifier: MIT */
/*
 * Writes the events and counts their effects.
 * From: stream.c (bodies), stage.c (counting). Effects are counted twice over: by the records that
 * the twin holds at the end, and by the requests that it answered with success, where an effect
 * that hides behind another one would still show.
 */
#include "tests/crash/events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/clock.h"

#define FIRST_MS INT64_C(1760000000000)

const char events_rules[] = "rule \"note\" {\n"
			    "  on = \"person.created\", max_writes = \"9999999/s\",\n"
			    "  run = function(event)\n"
			    "    local k = event.record.jobTitle\n"
			    "    local note = twenty.notes:create { title = \"a\" .. k }\n"
			    "    twenty.notes:update(note.id, { title = \"b\" .. k })\n"
			    "  end,\n"
			    "}\n"
			    "rule \"pair\" {\n"
			    "  on = \"company.created\", max_writes = \"9999999/s\",\n"
			    "  run = function(event)\n"
			    "    local k = event.record.name\n"
			    "    parallel(\n"
			    "      function() twenty.tasks:create { title = \"c\" .. k } end,\n"
			    "      function() twenty.tasks:create { title = \"d\" .. k } end)\n"
			    "  end,\n"
			    "}\n"
			    "rule \"chain\" {\n"
			    "  on = \"opportunity.created\", max_writes = \"9999999/s\",\n"
			    "  run = function(event)\n"
			    "    local k = event.record.name\n"
			    "    local people = twenty.people:list { limit = 1 }\n"
			    "    local task = twenty.tasks:create { title = \"e\" .. k }\n"
			    "    need(twenty.tasks:get(task.id), \"task\")\n"
			    "    twenty.tasks:create { title = \"f\" .. k }\n"
			    "  end,\n"
			    "}\n"
			    "rule \"turn\" {\n"
			    "  on = \"person.updated\", max_writes = \"9999999/s\",\n"
			    "  run = function(event)\n"
			    "    twenty.notes:create { title = \"g\" .. event.record.jobTitle }\n"
			    "  end,\n"
			    "}\n";

enum { LETTERS = 7 /* a .. g */, SAID_MAX = 20 };

struct effect {
	enum event_kind kind;
	bool stays; /* its title is there at the end; else another one has replaced it */
	bool update;
};

static const struct effect effects[LETTERS] = {{EVENT_NOTE, false, false}, {EVENT_NOTE, true, true},
	{EVENT_PAIR, true, false}, {EVENT_PAIR, true, false}, {EVENT_CHAIN, true, false},
	{EVENT_CHAIN, true, false}, {EVENT_TURN, true, false}};

enum rc events_body(struct buf *out, size_t k, size_t turn)
{
	static const char *const names[EVENT_KINDS][2] = {{"person", "created"},
		{"company", "created"}, {"opportunity", "created"}, {"person", "updated"}};
	enum event_kind kind = (enum event_kind)(k % EVENT_KINDS);
	char now[CLOCK_TEXT_N], id[48];
	clock_format(FIRST_MS + (int64_t)k, now);
	snprintf(id, sizeof(id), "%s-0000-4000-8000-%012zu",
		kind == EVENT_TURN ? "7e000000" : "0e000000", kind == EVENT_TURN ? turn : k);
	bool person = kind == EVENT_NOTE || kind == EVENT_TURN;
	return buf_printf(out,
		"{\"targetUrl\":\"http://127.0.0.1/hooks/twenty\",\"eventName\":\"%s.%s\","
		"\"objectMetadata\":{\"id\":\"ade8e493-3da5-4736-ac35-20cbfdffd037\","
		"\"nameSingular\":\"%s\"},\"workspaceId\":\"20202020-1c25-4d02-bf25-6aeccf7ea419\","
		"\"webhookId\":\"46818bbf-5efe-465f-bdaa-4ba8aedf5e5d\",\"eventDate\":\"%s\","
		"\"record\":{\"id\":\"%s\",\"createdAt\":\"2026-11-23T18:20:54.408Z\","
		"\"updatedAt\":\"%s\",\"deletedAt\":null,\"%s\":\"%zu\","
		"\"updatedBy\":{\"source\":\"MANUAL\",\"workspaceMemberId\":"
		"\"20202020-0687-4c41-b707-ed1bfca972a7\",\"name\":\"Tim Apple\",\"context\":{}},"
		"\"searchVector\":\"%032zu\"}%s}",
		names[kind][0], names[kind][1], names[kind][0], now, id, now,
		person ? "jobTitle" : "name", k, k,
		kind == EVENT_TURN ? ",\"updatedFields\":[\"jobTitle\"]" : "");
}

/* --- counting --------------------------------------------------------------------------------- */

struct tally {
	size_t n;
	unsigned char *sent[LETTERS], *there[LETTERS];
	const unsigned char *turns;
	bool says;
	size_t *last; /* of the EVENT_TURN effects: the newest of each record, + 1 */
	size_t swaps, others;
};

/* "b17" -> 1, 17 */
static bool title_parse(const struct tally *t, const char *title, size_t *ret_letter, size_t *ret_k)
{
	char *end;
	if (title == NULL || title[0] < 'a' || title[0] >= 'a' + LETTERS)
		return false;
	size_t letter = (size_t)(title[0] - 'a'), k = strtoul(title + 1, &end, 10);
	if (end == title + 1 || k >= t->n ||
		(enum event_kind)(k % EVENT_KINDS) != effects[letter].kind)
		return false;
	*ret_letter = letter;
	*ret_k = k;
	return *end == '\0' || *end == '"';
}

static void count(unsigned char *one)
{
	if (*one < 255)
		(*one)++;
}

static void take_turn(struct tally *t, size_t k)
{
	size_t *last = &t->last[t->turns[k]];
	if (*last > k + 1) {
		if (t->says)
			fprintf(stderr, "crash: event %zu of record %u took effect after %zu\n", k,
				t->turns[k], *last - 1);
		t->swaps++;
	}
	*last = k + 1;
}

/* Titles of one body: one for a record, several where calls went together. */
static void take_body(struct tally *t, const char *body)
{
	static const char mark[] = "\"title\":\"";
	size_t letter, k;
	for (const char *at = body; at != NULL && (at = strstr(at, mark)) != NULL;) {
		at += sizeof(mark) - 1;
		if (!title_parse(t, at, &letter, &k)) {
			t->others++;
			continue;
		}
		count(&t->sent[letter][k]);
		if (effects[letter].kind == EVENT_TURN)
			take_turn(t, k);
	}
}

static void take_line(struct tally *t, const char *line, size_t n)
{
	if (strncmp(line, "{\"at\"", 5) != 0)
		return;
	json_t *o = json_loadb(line, n, 0, NULL);
	const char *method = json_string_value(json_object_get(o, "method"));
	json_int_t status = json_integer_value(json_object_get(o, "status"));
	if (method != NULL && method[0] == 'P' && status >= 200 && status < 300)
		take_body(t, json_string_value(json_object_get(o, "body")));
	json_decref(o);
}

static void take_records(struct tally *t, const json_t *records)
{
	size_t i, letter, k;
	json_t *record;
	json_array_foreach(records, i, record)
	{
		const char *title = json_string_value(json_object_get(record, "title"));
		if (title_parse(t, title, &letter, &k))
			count(&t->there[letter][k]);
	}
}

static void say(const char *what, size_t letter, size_t k, size_t times, size_t *said)
{
	if ((*said)++ < SAID_MAX)
		fprintf(stderr, "crash: event %zu: effect %c %s (%zu)\n", k, 'a' + (int)letter,
			what, times);
}

static struct events_count sum_up(
	const struct tally *t, const unsigned char *wanted, const unsigned char *sent, size_t said)
{
	struct events_count c = {.swaps = t->swaps, .others = t->others};
	for (size_t i = 0; i < LETTERS * t->n; i++) {
		size_t letter = i % LETTERS, k = i / LETTERS;
		if ((enum event_kind)(k % EVENT_KINDS) != effects[letter].kind)
			continue;
		size_t s = t->sent[letter][k], there = t->there[letter][k];
		if (wanted[k] && (s == 0 || (effects[letter].stays && there == 0))) {
			say("is missing", letter, k, s, &said);
			c.lost++;
		}
		if (s > 1 && there == 1 && effects[letter].update) {
			c.updated_again++;
		} else if (s > 1 || there > 1) {
			say("happened twice", letter, k, s > there ? s : there, &said);
			c.twice++;
		}
		if (!sent[k] && s + there > 0)
			c.others++;
	}
	return c;
}

struct events_count events_check(const unsigned char *wanted, const unsigned char *sent,
	const unsigned char *turns, size_t n, const char *log, const json_t *notes,
	const json_t *tasks, bool says)
{
	struct tally t = {
		.n = n, .turns = turns, .says = says, .last = calloc(256, sizeof(size_t))};
	unsigned char *all = calloc(2 * LETTERS + 1, n + 1);
	if (t.last == NULL || all == NULL)
		abort();
	for (size_t i = 0; i < LETTERS; i++) {
		t.sent[i] = all + 2 * i * (n + 1);
		t.there[i] = all + (2 * i + 1) * (n + 1);
	}
	for (const char *line = log, *end; *line != '\0'; line = end + (*end != '\0')) {
		end = strchrnul(line, '\n');
		take_line(&t, line, (size_t)(end - line));
	}
	take_records(&t, notes);
	take_records(&t, tasks);
	struct events_count c = sum_up(&t, wanted, sent, says ? 0 : SAID_MAX);
	free(t.last);
	free(all);
	return c;
}
