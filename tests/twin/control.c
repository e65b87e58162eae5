/* SPDX-License-Identifier: MIT */
/*
 * The twin's own paths, /_twin/..: what happened, what there is, what shall go wrong. No key, no
 * budget, no faults, no latency; the log does not list them.
 * From: app.c. Fails with 404 or 400 and a sentence.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tests/twin/call.h"

static void control_log(struct call *c)
{
	if (strcmp(c->method, "DELETE") == 0) {
		journal_clear(&c->world->journal);
		answer_text(c, 204, NULL, "");
		return;
	}
	const char *last = query_find(&c->query, "last");
	size_t n = last != NULL ? (size_t)strtoul(last, NULL, 10) : JOURNAL_MAX;
	answer_text(c, 200, "application/x-ndjson", "");
	c->out.max =
		1u << 30; /* a full log with long bodies is larger than any answer of the API */
	if (journal_print(&c->world->journal, n, &c->out) != RC_OK)
		c->status = 500;
	c->no_etag = true;
}

static void control_stats(struct call *c)
{
	const struct world *w = c->world;
	struct hook_stats hooks = hooks_stats(w->hooks);
	json_t *rows = json_object();
	for (size_t i = 0; i < w->schema.object_n; i++) {
		const struct object *o = w->schema.objects[i];
		if (o->table->row_n != 0)
			json_object_set_new(rows, o->plural,
				json_pack("{s:I,s:I}", "rows", (json_int_t)o->table->row_n,
					"deleted", (json_int_t)o->table->deleted_n));
	}
	const uint64_t *by = w->answers_by_class;
	answer_json(c, 200,
		json_pack("{s:I,s:{s:I,s:I,s:I,s:I},s:{s:I,s:I,s:I,s:I},s:I,s:I,s:o}", "requests",
			(json_int_t)w->requests, "answers", "2xx", (json_int_t)by[2], "4xx",
			(json_int_t)by[4], "5xx", (json_int_t)by[5], "none", (json_int_t)by[0],
			"webhooks", "queued", (json_int_t)hooks.queued, "sent",
			(json_int_t)hooks.sent, "failed", (json_int_t)hooks.failed, "pending",
			(json_int_t)(hooks.queued - hooks.sent - hooks.failed), "faults",
			(json_int_t)w->faults.hits, "tokens",
			w->budget.per_minute != 0
				? (json_int_t)budget_tokens(&w->budget, clock_mono_ms())
				: (json_int_t)-1,
			"objects", rows));
}

static void control_fault(struct call *c)
{
	struct err err;
	char spec[1024];
	snprintf(spec, sizeof(spec), "%.*s", (int)(c->body.n < 1023 ? c->body.n : 1023),
		c->body.n != 0 ? c->body.p : "");
	if (faults_parse(&c->world->faults, spec, &err) == RC_OK)
		answer_text(c, 204, NULL, "");
	else
		answer_json(c, 400, json_pack("{s:s}", "error", err.msg));
}

/* Sets the clock of this server ahead by so many milliseconds more. */
static void control_clock(struct call *c)
{
	char text[32];
	snprintf(text, sizeof(text), "%.*s", (int)(c->body.n < 31 ? c->body.n : 31),
		c->body.n != 0 ? c->body.p : "");
	c->world->ahead_ms += strtoll(text, NULL, 10);
	answer_json(c, 200, json_pack("{s:I}", "ahead_ms", (json_int_t)c->world->ahead_ms));
}

static void control_records(struct call *c, const char *plural)
{
	struct object *o = schema_find_plural(&c->world->schema, plural);
	if (o == NULL) {
		answer_json(c, 404, json_pack("{s:s}", "error", "no such object"));
		return;
	}
	json_t *list = json_array();
	size_t n;
	struct row **rows = table_rows(o->table, &n);
	for (size_t i = 0; i < n; i++)
		json_array_append(list, rows[i]->rec);
	answer_json(c, 200, list);
}

void control_answer(struct call *c, const char *path)
{
	if (strcmp(path, "log") == 0)
		control_log(c);
	else if (strcmp(path, "stats") == 0)
		control_stats(c);
	else if (strcmp(path, "fault") == 0 && strcmp(c->method, "POST") == 0)
		control_fault(c);
	else if (strcmp(path, "clock") == 0 && strcmp(c->method, "POST") == 0)
		control_clock(c);
	else if (strncmp(path, "records/", 8) == 0)
		control_records(c, path + 8);
	else
		answer_json(c, 404,
			json_pack("{s:s}", "error",
				"known: log, stats, fault (POST), clock (POST), records/<plural>"));
}
