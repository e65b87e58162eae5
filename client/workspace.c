/* SPDX-License-Identifier: MIT */
/*
 * Asks a workspace a few things, one after another.
 * From: `moonhook doctor` and `moonhook webhook`. To: exchange.c. Fails with a sentence that says
 * what to do. Repeats nothing: a webhook whose making nobody answered is looked for instead.
 */
#include "client/workspace.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/client.h"
#include "client/dialect.h"
#include "client/exchange.h"
#include "client/jot.h"
#include "client/probe.h"
#include "client/schema.h"
#include "client/url.h"

#define BODY_MAX (8U << 20)

struct workspace {
	struct exchange *exchange;
	const struct conf *conf;
	bool timed; /* an answer told its time */
	int64_t least_ms, most_ms;
};

enum rc workspace_open(const struct conf *conf, int64_t deadline_ms,
	struct workspace **ret_workspace, struct err *err)
{
	char *base = NULL;
	enum rc rc = client_conf_check(conf, err);
	if (rc == RC_OK)
		rc = url_check(conf_text(conf, "twenty.url"), URL_ANY, &base, err);
	if (rc != RC_OK)
		return rc;
	struct transport_conf settings = {.url = base,
		.key = conf_text(conf, "twenty.key"),
		.ca = conf_text(conf, "twenty.ca"),
		.deadline_ms = deadline_ms,
		.body_max = BODY_MAX};
	struct workspace *w = calloc(1, sizeof(*w));
	rc = w == NULL ? err_set(err, RC_NOMEM, "no memory for the client")
		       : exchange_open(&settings, &w->exchange, err);
	free(base);
	if (rc != RC_OK) {
		free(w);
		return rc;
	}
	w->conf = conf;
	*ret_workspace = w;
	return RC_OK;
}

void workspace_close(struct workspace *w)
{
	if (w == NULL)
		return;
	exchange_close(w->exchange);
	free(w);
}

/* ---- asking ---- */

/* Its clock is ahead by date - (the moment it wrote it), which lies between sending and coming; the
 * date itself leaves out what has passed of its second. Each answer narrows it down. */
static void note_time(struct workspace *w, const struct exchange_answer *a)
{
	if (a->date_ms == 0)
		return;
	int64_t least = a->date_ms - a->came_ms, most = a->date_ms + 999 - a->sent_ms;
	bool fits = w->timed && least <= w->most_ms && most >= w->least_ms;
	w->least_ms = fits && w->least_ms > least ? w->least_ms : least;
	w->most_ms = fits && w->most_ms < most ? w->most_ms : most;
	w->timed = true;
}

bool workspace_skew(const struct workspace *w, int64_t *ret_least_ms, int64_t *ret_most_ms)
{
	*ret_least_ms = w->least_ms;
	*ret_most_ms = w->most_ms;
	return w->timed;
}

/* TAKES the request: it is done afterwards. */
static enum rc ask(struct workspace *w, struct request *r, enum rc built,
	struct exchange_answer *ret_answer, struct err *err)
{
	enum rc rc = built != RC_OK ? err_set(err, built, "no memory for a request")
				    : exchange_run(w->exchange, r, ret_answer, err);
	request_done(r);
	if (rc == RC_OK)
		note_time(w, ret_answer);
	return rc;
}

/* What an answer that is no success means. */
static enum rc judge(const struct exchange_answer *a, struct err *err)
{
	struct fault fault;
	if (a->end == TRANSPORT_UNSENT)
		return err_set(err, RC_UNREACHABLE, "Twenty cannot be reached: %s", a->problem);
	if (a->end != TRANSPORT_ANSWERED)
		return err_set(err, a->late ? RC_TIMEOUT : RC_UPSTREAM,
			"Twenty gave no whole answer: %s", a->problem);
	if (a->status / 100 == 2)
		return RC_OK;
	dialect_core.read_fault(a->status, a->body, &fault);
	if (fault.code == RC_AUTH || fault.key)
		return err_set(err, RC_AUTH,
			"Twenty refused the key: put a valid one into twenty.key (Settings, API & "
			"Webhooks)");
	if (fault.code == RC_DENIED)
		return err_set(err, RC_DENIED,
			"this key may not: its role in Twenty needs the permission \"API keys & "
			"webhooks\" (Settings, Roles)");
	if (fault.code == RC_LIMITED)
		return err_set(err, RC_LIMITED,
			"the budget of requests is used up; try again in "
			"a minute");
	return err_set(err, fault.code == RC_REJECTED ? RC_REJECTED : RC_UPSTREAM,
		"Twenty answered with %d: %s", a->status, fault.message);
}

static enum rc greeted(struct probe *probe, const struct exchange_answer *a,
	const char **ret_dialect, struct err *err)
{
	char problem[200] = "";
	if (a->end != TRANSPORT_ANSWERED)
		return judge(a, err);
	switch (probe_understand(probe, a->status, a->body, problem, sizeof(problem))) {
	case PROBE_KNOWN:
		*ret_dialect = probe->dialect->name;
		return RC_OK;
	case PROBE_REFUSED:
	case PROBE_LIMITED:
	case PROBE_FAILING:
		return judge(a, err);
	case PROBE_STRANGE:
		break;
	}
	return err_set(err, RC_UPSTREAM, "%s", problem);
}

enum rc workspace_greet(struct workspace *w, const char **ret_dialect, struct err *err)
{
	struct probe probe;
	struct exchange_answer answer;
	probe_init(&probe, conf_text(w->conf, "twenty.dialect"));
	enum rc rc = probe_ask(&probe, err);
	if (rc == RC_OK)
		rc = ask(w, &probe.request, RC_OK, &answer, err);
	if (rc == RC_OK) {
		rc = greeted(&probe, &answer, ret_dialect, err);
		exchange_answer_done(&answer);
	}
	probe_done(&probe);
	return rc;
}

void workspace_key(struct workspace *w, struct workspace_key *ret_key)
{
	struct jot jot;
	struct request r;
	struct exchange_answer answer;
	struct err err;
	*ret_key = (struct workspace_key){.expires_ms = 0};
	if (!jot_read(conf_text(w->conf, "twenty.key"), &jot))
		return;
	ret_key->expires_ms = jot.expires_ms;
	if (jot.id[0] == '\0')
		return;
	request_init(&r);
	enum rc rc = request_start(&r, REQUEST_GET, "/rest/metadata/apiKeys/%s", jot.id);
	if (ask(w, &r, rc, &answer, &err) != RC_OK)
		return;
	const char *id = json_string_value(json_object_get(answer.body, "id"));
	const char *name = json_string_value(json_object_get(answer.body, "name"));
	if (answer.status == 200 && id != NULL && strcmp(id, jot.id) == 0 && name != NULL)
		snprintf(ret_key->name, sizeof(ret_key->name), "%s", name);
	exchange_answer_done(&answer);
}

enum rc workspace_schema(struct workspace *w, json_t **ret_body, struct err *err)
{
	struct request r;
	struct exchange_answer answer;
	request_init(&r);
	enum rc rc = schema_ask(&r, err);
	rc = ask(w, &r, rc, &answer, err);
	if (rc != RC_OK)
		return rc;
	if (answer.status == 404)
		rc = err_set(err, RC_UNSUPPORTED,
			"this Twenty does not say which objects and fields it has "
			"(/rest/metadata/objects is not there)");
	else
		rc = judge(&answer, err);
	if (rc == RC_OK && !json_is_object(answer.body))
		rc = err_set(
			err, RC_UPSTREAM, "what answers at twenty.url is not Twenty's REST API");
	if (rc == RC_OK)
		*ret_body = json_incref(answer.body);
	exchange_answer_done(&answer);
	return rc;
}

/* ---- webhooks ---- */

enum rc workspace_webhooks(struct workspace *w, struct webhooks *ret_webhooks, struct err *err)
{
	struct request r;
	struct exchange_answer answer;
	request_init(&r);
	enum rc rc = request_start(&r, REQUEST_GET, "/rest/webhooks");
	rc = ask(w, &r, rc, &answer, err);
	if (rc != RC_OK)
		return rc;
	rc = judge(&answer, err);
	if (rc == RC_OK)
		rc = webhooks_read(answer.body, ret_webhooks, err);
	exchange_answer_done(&answer);
	return rc;
}

enum rc workspace_webhook_remove(struct workspace *w, const char *id, struct err *err)
{
	struct request r;
	struct exchange_answer answer;
	if (!uuid_valid(id))
		return err_set(err, RC_INVALID, "an id of a webhook is a UUID");
	request_init(&r);
	enum rc rc = request_start(&r, REQUEST_DELETE, "/rest/webhooks/%s", id);
	r.effect = true;
	rc = ask(w, &r, rc, &answer, err);
	if (rc != RC_OK)
		return rc;
	const char *code = json_string_value(json_object_get(answer.body, "code"));
	if (answer.status == 404 || (code != NULL && strcmp(code, "WEBHOOK_NOT_FOUND") == 0))
		rc = err_set(err, RC_NOT_FOUND, "Twenty has no webhook %s", id);
	else
		rc = judge(&answer, err);
	exchange_answer_done(&answer);
	return rc;
}

static bool has_text(const json_t *row, const char *key, const char *text)
{
	const char *have = json_string_value(json_object_get(row, key));
	return have != NULL && strcmp(have, text) == 0;
}

/* Holds what was made against what was asked for: a server that keeps another secret would sign
 * with that. */
static enum rc check_made(
	const json_t *row, const struct webhook_new *webhook, struct uuid *ret_id, struct err *err)
{
	const char *id = json_string_value(json_object_get(row, "id"));
	const char *secret = json_string_value(json_object_get(row, "secret"));
	if (id == NULL || !uuid_valid(id))
		return err_set(err, RC_UPSTREAM, "Twenty's answer is no webhook");
	snprintf(ret_id->text, sizeof(ret_id->text), "%s", id);
	if (secret != NULL && !webhook_masked(secret) && strcmp(secret, webhook->secret) != 0)
		return err_set(err, RC_UNSUPPORTED,
			"Twenty made the webhook with another secret than it was given");
	if (!has_text(row, "targetUrl", webhook->target))
		return err_set(err, RC_UNSUPPORTED,
			"Twenty made the webhook with another target than it was given");
	return RC_OK;
}

/* Nobody answered: is it there? */
static enum rc look_for(struct workspace *w, const struct webhook_new *webhook, struct uuid *ret_id,
	struct err *err)
{
	struct webhooks list;
	struct err ignored;
	bool found = false;
	if (workspace_webhooks(w, &list, &ignored) == RC_OK) {
		for (size_t i = 0; i < list.n && !found; i++) {
			const struct webhook *each = &list.p[i];
			found = each->secret != NULL &&
				strcmp(each->secret, webhook->secret) == 0 &&
				strcmp(each->target, webhook->target) == 0;
			if (found)
				snprintf(ret_id->text, sizeof(ret_id->text), "%s", each->id);
		}
		webhooks_done(&list);
	}
	if (found)
		return RC_OK;
	return err_set(err, RC_UNKNOWN,
		"Twenty gave no answer, and nobody knows whether the webhook is there now; look "
		"with: moonhook webhook list");
}

enum rc workspace_webhook_add(struct workspace *w, const struct webhook_new *webhook,
	struct uuid *ret_id, struct err *err)
{
	struct request r;
	struct exchange_answer answer;
	struct err ignored;
	request_init(&r);
	json_t *body = json_pack("{s:s, s:O, s:s, s:s}", "targetUrl", webhook->target, "operations",
		webhook->operations, "description", webhook->description, "secret",
		webhook->secret);
	enum rc rc = body != NULL ? request_start(&r, REQUEST_POST, "/rest/webhooks") : RC_NOMEM;
	if (rc == RC_OK)
		rc = request_json(&r, body);
	json_decref(body);
	r.effect = r.once = true;
	rc = ask(w, &r, rc, &answer, err);
	if (rc != RC_OK)
		return rc;
	rc = judge(&answer, err);
	bool lost = answer.end == TRANSPORT_LOST || answer.end == TRANSPORT_EXCESS ||
		    answer.status >= 500;
	if (rc == RC_OK) {
		rc = check_made(answer.body, webhook, ret_id, err);
		lost = rc == RC_UPSTREAM; /* a success that says nothing */
	}
	exchange_answer_done(&answer);
	if (lost)
		return look_for(w, webhook, ret_id, err);
	if (rc == RC_UNSUPPORTED && workspace_webhook_remove(w, ret_id->text, &ignored) != RC_OK)
		return err_set(err, RC_UNKNOWN,
			"Twenty made the webhook %s otherwise than asked; remove it: moonhook "
			"webhook remove %s",
			ret_id->text, ret_id->text);
	return rc;
}
