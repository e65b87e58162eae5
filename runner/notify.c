/* SPDX-License-Identifier: MIT */
/*
 * Decides when somebody is told, and what: counts of issues that happened since the last time, by
 * kind and what they are about. No text of an error, no record: nothing about persons leaves.
 * From: upkeep.c. To: client/notice.c. A message that is not taken is tried again with the same id,
 * less and less often; after a restart, issues that are open are told once more. Holds up nothing.
 */
#include "runner/notify.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "queue/pause.h"
#include "runner/state.h"

#define ISSUES_MAX 100 /* in one message */
#define RETRY_MS 10000
#define RETRY_MAX_MS 3600000

enum rc notify_open(struct runner *r, struct err *err)
{
	struct notice_conf conf = {
		.url = conf_text(r->conf, "notify.url"),
		.secret = conf_text(r->conf, "notify.secret"),
	};
	if (conf.url == NULL || conf.url[0] == '\0')
		return RC_OK;
	r->notify.every_ms = conf_int(r->conf, "notify.every");
	return notice_new(&conf, r->loop, &r->notify.notice, err);
}

void notify_close(struct runner *r)
{
	notice_free(r->notify.notice);
	free(r->notify.body);
	r->notify = (struct notify){0};
}

/* --- a message -------------------------------------------------------------------------------- */

struct news {
	json_t *issues;
	int64_t since_ms, newest_ms;
};

static enum rc add_issue(void *ctx, const struct queue_issue *issue, struct err *err)
{
	struct news *news = ctx;
	char at[CLOCK_TEXT_N];
	if (issue->acknowledged || issue->last_ms <= news->since_ms ||
		json_array_size(news->issues) == ISSUES_MAX)
		return RC_OK;
	clock_format(issue->last_ms, at);
	json_t *one = json_pack("{s:s, s:s, s:I, s:s}", "kind", issue->kind, "about", issue->about,
		"count", (json_int_t)issue->count, "last", at);
	if (one == NULL || json_array_append_new(news->issues, one) != 0)
		return err_set(err, RC_NOMEM, "no memory for a message");
	if (issue->last_ms > news->newest_ms)
		news->newest_ms = issue->last_ms;
	return RC_OK;
}

static char *write_body(const struct news *news)
{
	char at[CLOCK_TEXT_N];
	clock_format(clock_wall_ms(), at);
	json_t *body = json_pack("{s:s, s:s, s:{s:O, s:I, s:I, s:I}}", "type", "moonhook.issues",
		"timestamp", at, "data", "issues", news->issues, "dead_letters",
		(json_int_t)metrics_value(METRIC_DEAD_LETTERS), "quarantined_runs",
		(json_int_t)metrics_value(METRIC_QUARANTINE_RUNS), "quarantined_events",
		(json_int_t)metrics_value(METRIC_QUARANTINE_EVENTS));
	char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
	json_decref(body);
	return text;
}

/* Puts the next message together; nothing where there is no news. */
static enum rc compose(struct runner *r, struct err *err)
{
	struct notify *n = &r->notify;
	struct news news = {.issues = json_array(), .since_ms = n->told_ms};
	enum rc rc = queue_issue_each(r->queue, add_issue, &news, err);
	if (rc == RC_OK && json_array_size(news.issues) != 0)
		rc = id_new(clock_wall_ms(), &n->id, err);
	if (rc == RC_OK && json_array_size(news.issues) != 0) {
		n->body = write_body(&news);
		n->body_ms = news.newest_ms;
		n->tries = 0;
	}
	json_decref(news.issues);
	return rc;
}

/* --- sending ---------------------------------------------------------------------------------- */

static void on_done(void *ctx, bool accepted, const char *problem)
{
	struct runner *r = ctx;
	struct notify *n = &r->notify;
	int64_t wait = RETRY_MS;
	if (accepted) {
		n->told_ms = n->body_ms;
		n->next_ms = clock_mono_ms() + n->every_ms;
		free(n->body);
		n->body = NULL;
		return;
	}
	for (int i = 1; i < n->tries && wait < RETRY_MAX_MS; i++)
		wait *= 2;
	n->next_ms = clock_mono_ms() + (wait < RETRY_MAX_MS ? wait : RETRY_MAX_MS);
	if (n->tries == 1)
		log_warn(NULL,
			"nobody could be told of new issues (notify.url): %s; it is tried "
			"again",
			problem);
}

void notify_look(struct runner *r)
{
	struct notify *n = &r->notify;
	struct err err = {0};
	if (n->notice == NULL || r->drain.on || !r->lead.on || clock_mono_ms() < n->next_ms)
		return;
	n->next_ms = clock_mono_ms() + 1000;
	enum rc rc = n->body == NULL ? compose(r, &err) : RC_OK;
	if (rc == RC_IO) {
		runner_fatal(r, &err);
		return;
	}
	if (rc != RC_OK || n->body == NULL)
		return;
	rc = notice_send(n->notice, n->id.text, n->body, on_done, r, &err);
	if (rc == RC_BUSY)
		return;
	n->tries++;
	if (rc != RC_OK)
		on_done(r, false, err.msg);
}
