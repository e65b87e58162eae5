/* SPDX-License-Identifier: MIT */
/*
 * The verb `why`: what an event or a run came of, and what came of it.
 * From: main.c. To: the store, read only: back along the causes to where it began, then forward
 * through what was routed since, once, with the runs that belong to it in hand. What retention has
 * removed is not drawn. Bounded: EVENTS_MAX are looked at, NODES_MAX are drawn.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/id.h"
#include "cli/because.h"
#include "cli/detail.h"
#include "cli/events.h"
#include "cli/reading.h"
#include "cli/runs.h"
#include "cli/terminal.h"

#define EVENTS_MAX 200000
#define NODES_MAX 500 /* events */
#define DEPTH_MAX 64
#define RECORD_CHARS 8

struct why {
	struct queue *queue;
	json_t *runs; /* {id: the run's object}, of those that are drawn */
	json_t *root; /* the event that it began with */
	int64_t seq;  /* its */
	size_t looked_n, nodes_n;
	bool cut;
};

/* --- what is asked for ------------------------------------------------------------------------ */

struct asked {
	char id[ID_N + 1], event[ID_N + 1], cause[ID_N + 1];
};

static enum rc take_event(void *ctx, const struct queue_event_row *e, struct err *err)
{
	struct asked *a = ctx;
	(void)err;
	snprintf(a->id, sizeof(a->id), "%s", e->id);
	snprintf(a->event, sizeof(a->event), "%s", e->id);
	snprintf(a->cause, sizeof(a->cause), "%s", e->cause);
	return RC_OK;
}

static enum rc take_run(void *ctx, const struct queue_run_row *r, struct err *err)
{
	struct asked *a = ctx;
	(void)err;
	snprintf(a->id, sizeof(a->id), "%s", r->id);
	snprintf(a->event, sizeof(a->event), "%s", r->event);
	snprintf(a->cause, sizeof(a->cause), "%s", r->cause);
	return RC_OK;
}

/* One event, or one run, and not one of each. */
static enum rc find(struct queue *queue, const char *id, struct asked *ret_asked, struct err *err)
{
	struct asked run = {.id = ""};
	struct err none = {.msg = ""};
	enum rc rc = queue_event_get(queue, id, take_event, ret_asked, err);
	enum rc other = queue_run_get(queue, id, take_run, &run, &none);
	if (rc == RC_OK && other != RC_NOT_FOUND)
		return err_set(err, RC_INVALID,
			"\"%.40s\" is the beginning of an event and of a run: give more of it", id);
	if (rc != RC_NOT_FOUND)
		return rc;
	if (other == RC_OK)
		*ret_asked = run;
	else if (other == RC_NOT_FOUND)
		return err_set(err, RC_NOT_FOUND,
			"there is no event and no run \"%.40s\": moonhook events list", id);
	else
		*err = none;
	return other;
}

/* --- the tree --------------------------------------------------------------------------------- */

/* What a run did outside: [{method, object, code}, ..]. */
static enum rc add_writes(struct why *w, int64_t seq, json_t *node, struct err *err)
{
	struct queue_call *calls = NULL;
	size_t n = 0;
	json_t *list = json_array();
	enum rc rc = queue_calls_load(w->queue, seq, &calls, &n, err);
	for (size_t i = 0; i < n; i++)
		if (calls[i].effect)
			(void)json_array_append_new(list,
				json_pack("{s:o, s:o, s:s}", "method", rows_text(calls[i].method),
					"object", rows_text(calls[i].object), "code",
					calls[i].answer.n != 0 ? rc_name(calls[i].code)
							       : "unknown"));
	queue_calls_free(calls, n);
	if (json_object_set_new(node, "writes", list) != 0 && rc == RC_OK)
		rc = err_set(err, RC_NOMEM, "no memory for a run's writes");
	return rc;
}

struct into {
	struct why *w;
	json_t *runs; /* of the event */
};

static enum rc add_run(void *ctx, const struct queue_run_row *r, struct err *err)
{
	struct into *to = ctx;
	json_t *node = runs_row(r);
	if (node == NULL || json_array_append_new(to->runs, node) != 0 ||
		json_object_set(to->w->runs, r->id, node) != 0 ||
		json_object_set_new(node, "events", json_array()) != 0)
		return err_set(err, RC_NOMEM, "no memory for a run");
	return add_writes(to->w, r->seq, node, err);
}

/* An event with its runs. GIVES. */
static enum rc make_node(
	struct why *w, const struct queue_event_row *e, json_t **ret_node, struct err *err)
{
	struct queue_filter filter = {.event = e->id};
	struct into to = {w, json_array()};
	json_t *node = events_row(e);
	if (json_object_set_new(node, "runs", to.runs) != 0) {
		json_decref(node);
		return err_set(err, RC_NOMEM, "no memory for an event");
	}
	enum rc rc = queue_run_each(w->queue, &filter, add_run, &to, err);
	if (rc != RC_OK) {
		json_decref(node);
		return rc;
	}
	*ret_node = node;
	return RC_OK;
}

static enum rc take_root(void *ctx, const struct queue_event_row *e, struct err *err)
{
	struct why *w = ctx;
	w->seq = e->seq;
	return make_node(w, e, &w->root, err);
}

/* An event that came later: of a run that is drawn? */
static enum rc take_later(void *ctx, const struct queue_event_row *e, struct err *err)
{
	struct why *w = ctx;
	json_t *run = e->cause[0] != '\0' ? json_object_get(w->runs, e->cause) : NULL, *node = NULL;
	w->cut = ++w->looked_n > EVENTS_MAX || (run != NULL && w->nodes_n >= NODES_MAX);
	if (w->cut)
		return RC_BUSY; /* ends the walk */
	if (run == NULL)
		return RC_OK;
	w->nodes_n++;
	enum rc rc = make_node(w, e, &node, err);
	if (rc == RC_OK && json_array_append_new(json_object_get(run, "events"), node) != 0)
		rc = err_set(err, RC_NOMEM, "no memory for an event");
	return rc;
}

static enum rc grow(struct why *w, const struct asked *a, struct err *err)
{
	json_t *because = because_read(w->queue, a->cause);
	const json_t *first = json_array_get(because, json_array_size(because) - 1);
	const char *root = first != NULL ? detail_text(first, "event") : NULL;
	enum rc rc = queue_event_get(w->queue, root != NULL ? root : a->event, take_root, w, err);
	json_decref(because);
	if (rc != RC_OK)
		return rc;
	struct queue_filter later = {.after_seq = w->seq};
	rc = queue_event_each(w->queue, &later, take_later, w, err);
	return rc == RC_BUSY && w->cut ? RC_OK : rc;
}

static enum rc read_one(struct queue *queue, const char *id, json_t **ret, struct err *err)
{
	struct asked asked = {.id = ""};
	struct why w = {.queue = queue, .runs = json_object()};
	enum rc rc = find(queue, id, &asked, err);
	if (rc == RC_OK)
		rc = grow(&w, &asked, err);
	json_decref(w.runs);
	if (rc != RC_OK) {
		json_decref(w.root);
		return rc;
	}
	*ret = json_pack("{s:s, s:b, s:o}", "asked", asked.id, "cut", w.cut, "began", w.root);
	return *ret != NULL ? RC_OK : err_set(err, RC_NOMEM, "no memory");
}

/* --- for people ------------------------------------------------------------------------------- */

static void put(const char *text)
{
	terminal_put(stdout, text != NULL ? text : "");
}

static void put_mark(const json_t *node, const char *asked)
{
	const char *id = detail_text(node, "id");
	fputs("  ", stdout);
	terminal_tone(TERMINAL_DIM);
	put(id);
	terminal_tone(TERMINAL_PLAIN);
	puts(id != NULL && strcmp(id, asked) == 0 ? "  <-- asked for" : "");
}

static void put_event(const json_t *event, int depth, const char *asked)
{
	const char *record = detail_text(event, "record"), *via = detail_text(event, "via");
	char brief[RECORD_CHARS + 1] = "";
	snprintf(brief, sizeof(brief), "%s", record != NULL ? record : "");
	printf("%*s", 4 * depth, "");
	put(detail_text(event, "name"));
	fputs(brief[0] != '\0' ? " " : "", stdout);
	put(brief);
	if (via != NULL && strcmp(via, "hook") != 0) {
		fputs(", via ", stdout);
		put(via);
	}
	if (json_array_size(json_object_get(event, "runs")) == 0) {
		fputs(", ", stdout);
		put(detail_text(event, "state"));
	}
	put_mark(event, asked);
}

static void put_run(const json_t *run, int depth, const char *asked)
{
	const json_t *writes = json_object_get(run, "writes");
	const char *error = detail_text(run, "error");
	printf("%*s\"", 4 * depth + 2, "");
	put(detail_text(run, "rule"));
	fputs("\" ", stdout);
	put(detail_text(run, "state"));
	for (size_t i = 0; i < json_array_size(writes); i++) {
		const json_t *write = json_array_get(writes, i);
		const char *code = detail_text(write, "code");
		fputs(i == 0 ? ": " : ", ", stdout);
		const char *object = detail_text(write, "object");
		put(detail_text(write, "method"));
		fputs(object != NULL ? " " : "", stdout);
		put(object);
		if (code != NULL && strcmp(code, "ok") != 0)
			printf(" (%s)", code);
	}
	put_mark(run, asked);
	if (error != NULL) {
		printf("%*s", 4 * depth + 4, "");
		put(error);
		putchar('\n');
	}
}

static void show_event(const json_t *event, int depth, const char *asked)
{
	size_t i, k;
	json_t *run, *next;
	if (depth > DEPTH_MAX)
		return;
	put_event(event, depth, asked);
	json_array_foreach(json_object_get(event, "runs"), i, run)
	{
		put_run(run, depth, asked);
		json_array_foreach(json_object_get(run, "events"), k, next)
			show_event(next, depth + 1, asked);
	}
}

static void show_one(const json_t *why)
{
	show_event(json_object_get(why, "began"), 0, detail_text(why, "asked"));
	if (json_is_true(json_object_get(why, "cut")))
		fputs("\nthere is more than this: ask for one of the last\n", stderr);
}

static int run_why(const struct args *args)
{
	static const struct reading_one one = {
		"name one event or run: moonhook why ID", read_one, show_one};
	return reading_one(args, &one);
}

const struct verb verb_why = {
	.name = "why",
	.operands = "ID",
	.summary = "what an event or run came of, and what came of it",
	.text = "From the event that it began with: the rules that ran for it, what they wrote, "
		"and the\n"
		"events of those writes, down to the last. The start of an id is enough where it "
		"fits one\n"
		"only. What is not kept any more is not drawn.",
	.examples = {"moonhook why 01kavq", "moonhook why 01kavq -o json | jq .began.name",
		"moonhook events show 01kavq"},
	.exits = {CLI_FAILED, CLI_USAGE, CLI_CONFIG},
	.run = run_why,
};
