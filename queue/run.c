/* SPDX-License-Identifier: MIT */
/*
 * The memory of what the queue gives away: claimed runs and loaded calls.
 * From: both backends. To: the runner. All texts of a run lie in one piece of memory behind
 * run->rule, all bytes of a call in one behind call->path. Fails with RC_NOMEM only.
 */
#include <stdlib.h>
#include <string.h>

#include "queue/backend.h"

/* Copies text and its NUL to *at, moves *at behind it, returns where it went. */
static char *place(char **at, struct slice text)
{
	char *p = *at;
	if (text.n > 0)
		memcpy(p, text.p, text.n);
	p[text.n] = '\0';
	*at += text.n + 1;
	return p;
}

static char *place_text(char **at, const char *text)
{
	return place(at, slice_of(text));
}

enum rc queue_run_fill(struct queue_run *run, const struct queue_run_parts *parts)
{
	const struct slice none = {0};
	struct slice body = parts->has_body ? parts->body : none;
	struct slice headers = parts->has_body ? parts->headers : none;
	struct slice past = parts->has_body ? parts->past : none;
	size_t n = strlen(parts->rule) + strlen(parts->source_hash) + strlen(parts->key) +
		   strlen(parts->event_source) + strlen(parts->event_via) + body.n + headers.n +
		   past.n + (parts->born != NULL ? strlen(parts->born) : 0) + 9;
	char *at = malloc(n);
	if (at == NULL)
		return RC_NOMEM;
	run->rule = place_text(&at, parts->rule);
	run->born = parts->born != NULL ? place_text(&at, parts->born) : NULL;
	run->source_hash = place_text(&at, parts->source_hash);
	run->key = place_text(&at, parts->key);
	run->event_source = place_text(&at, parts->event_source);
	run->event_via = place_text(&at, parts->event_via);
	run->headers = NULL;
	run->body = NULL;
	run->body_n = body.n;
	run->past = past.n > 0 ? place(&at, past) : NULL;
	run->past_n = past.n;
	if (parts->has_body) {
		run->headers = place(&at, headers);
		run->body = place(&at, body);
	}
	return RC_OK;
}

enum rc queue_run_rename(struct queue_run *run, const char *to)
{
	struct queue_run renamed = *run;
	struct queue_run_parts parts = {
		.rule = to,
		.born = run->born != NULL ? run->born : run->rule,
		.source_hash = run->source_hash,
		.key = run->key,
		.event_source = run->event_source,
		.event_via = run->event_via,
		.body = {run->body, run->body_n},
		.past = {run->past, run->past_n},
		.has_body = run->body != NULL,
	};
	if (run->headers != NULL)
		parts.headers = slice_of(run->headers);
	enum rc rc = queue_run_fill(&renamed, &parts);
	if (rc != RC_OK)
		return rc;
	free(run->rule);
	*run = renamed;
	return RC_OK;
}

void queue_run_done(struct queue_run *run)
{
	free(run->rule);
	*run = (struct queue_run){0};
}

static enum rc call_copy(struct queue_call *call, const struct queue_call *from)
{
	const char *object = from->object != NULL ? from->object : "";
	char *at = malloc(strlen(from->path) + strlen(from->method) + strlen(object) +
			  from->request.n + from->answer.n + 5);
	if (at == NULL)
		return RC_NOMEM;
	*call = *from;
	call->path = place_text(&at, from->path);
	call->method = place_text(&at, from->method);
	call->object = place_text(&at, object);
	call->request.p = place(&at, from->request);
	call->answer.p = place(&at, from->answer);
	return RC_OK;
}

static void call_done(struct queue_call *call)
{
	union {
		const char *given;
		char *owned;
	} memory = {.given = call->path};
	free(memory.owned);
}

/* The answer is in the later row; what it leaves out is in the intent. */
static enum rc complete(struct queue_call *call, const struct queue_call *later)
{
	struct queue_call both = *later, copy;
	if (both.request.n == 0)
		both.request = call->request;
	if (both.started_ms == 0)
		both.started_ms = call->started_ms;
	enum rc rc = call_copy(&copy, &both);
	if (rc != RC_OK)
		return rc;
	call_done(call);
	*call = copy;
	return RC_OK;
}

enum rc queue_calls_put(struct queue_calls *calls, const struct queue_call *call)
{
	/* From the end: an answer follows its intent closely. */
	for (size_t i = calls->n; i > 0; i--)
		if (strcmp(calls->p[i - 1].path, call->path) == 0)
			return complete(&calls->p[i - 1], call);
	if (calls->n == calls->cap) {
		size_t cap = calls->cap > 0 ? calls->cap * 2 : 8;
		struct queue_call *p = realloc(calls->p, cap * sizeof(*p));
		if (p == NULL)
			return RC_NOMEM;
		calls->p = p;
		calls->cap = cap;
	}
	enum rc rc = call_copy(&calls->p[calls->n], call);
	calls->n += rc == RC_OK;
	return rc;
}

void queue_calls_free(struct queue_call *calls, size_t n)
{
	for (size_t i = 0; calls != NULL && i < n; i++)
		call_done(&calls[i]);
	free(calls);
}
