/* SPDX-License-Identifier: MIT */
/*
 * Loops, from outside.
 * From: walk tests. To: the daemon's status and lists, its store as a reader, the twin's log.
 */
#include "tests/harness/loop.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "queue/pause.h"
#include "queue/queue.h"

#define QUIET_MS 500
#define QUIET_LOOKS 4 /* on a busy machine one look may take longer than that */
#define PATIENCE_MS 60000

static json_int_t count(json_t *status, const char *of, const char *state)
{
	return json_integer_value(json_object_get(json_object_get(status, of), state));
}

bool loop_await_quiet(struct house *h)
{
	int64_t end = clock_mono_ms() + PATIENCE_MS, since = clock_mono_ms();
	json_int_t last = -1;
	int looks = 0;
	while (clock_mono_ms() < end &&
		(looks < QUIET_LOOKS || clock_mono_ms() - since < QUIET_MS)) {
		json_t *s = house_status(h);
		json_t *events = json_object_get(s, "events");
		const char *name;
		json_t *n;
		json_int_t all = 0;
		json_object_foreach(events, name, n) all += json_integer_value(n);
		bool busy = count(s, "runs", "running") + count(s, "runs", "due") > 0;
		looks++;
		if (all != last || busy) {
			since = clock_mono_ms();
			looks = 0;
		}
		last = all;
		json_decref(s);
	}
	return clock_mono_ms() < end;
}

long loop_hops(struct house *h)
{
	json_t *runs = house_runs(h), *run;
	size_t i;
	long n = 0;
	json_array_foreach(runs, i, run)
	{
		const char *state = json_string_value(json_object_get(run, "state"));
		n += strcmp(state, "done") == 0 &&
		     json_integer_value(json_object_get(run, "api_calls")) > 0;
	}
	json_decref(runs);
	return n;
}

long loop_writes(struct house *h)
{
	char url[128];
	struct http_answer answer;
	long n = 0;
	snprintf(url, sizeof(url), "%s/_twin/log", h->twin_url);
	if (!http_request("GET", url, NULL, NULL, 0, &answer))
		return -1;
	char *rest = answer.body;
	for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
		json_t *row = json_loads(line, 0, NULL);
		const char *method = json_string_value(json_object_get(row, "method"));
		const char *path = json_string_value(json_object_get(row, "path"));
		n += path != NULL && strncmp(path, "/rest/", 6) == 0 && method != NULL &&
		     strcmp(method, "GET") != 0;
		json_decref(row);
	}
	http_answer_done(&answer);
	return n;
}

const char *loop_error(struct house *h)
{
	static char text[2048];
	json_t *runs = house_runs(h), *run;
	size_t i;
	text[0] = '\0';
	json_array_foreach(runs, i, run)
	{
		const char *error = json_string_value(json_object_get(run, "error"));
		if (error != NULL && strncmp(error, "loop", 4) == 0)
			snprintf(text, sizeof(text), "%s", error);
	}
	json_decref(runs);
	return text;
}

struct stop {
	int n;
	char chain[8192];
};

static enum rc take_pause(void *ctx, const struct queue_pause *pause, struct err *err)
{
	struct stop *s = ctx;
	(void)err;
	s->n += strncmp(pause->why, "loop", 4) == 0;
	return RC_OK;
}

static enum rc take_issue(void *ctx, const struct queue_issue *issue, struct err *err)
{
	struct stop *s = ctx;
	(void)err;
	if (strcmp(issue->kind, "loop") != 0)
		return RC_OK;
	s->n++;
	snprintf(s->chain, sizeof(s->chain), "%s", issue->text);
	return RC_OK;
}

static bool read_stop(struct house *h, struct stop *ret_stop)
{
	struct queue *q = NULL;
	struct err err = {0};
	*ret_stop = (struct stop){0};
	enum rc rc = queue_open(h->store, QUEUE_READER, &q, &err);
	if (rc == RC_OK)
		rc = queue_pause_each(q, take_pause, ret_stop, &err);
	if (rc == RC_OK)
		rc = queue_issue_each(q, take_issue, ret_stop, &err);
	queue_close(q);
	if (rc != RC_OK)
		fprintf(stderr, "%s\n", err.msg);
	return rc == RC_OK;
}

const char *loop_chain(struct house *h)
{
	static struct stop stop;
	return read_stop(h, &stop) ? stop.chain : "";
}

int loop_stopped_n(struct house *h)
{
	struct stop stop;
	return read_stop(h, &stop) ? stop.n : -1;
}
