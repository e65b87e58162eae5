/* SPDX-License-Identifier: MIT */
/*
 * Requests of rules to other servers than Twenty.
 * From: client.c, calls with op http. To: web_request.c, which refuses or makes a request at once;
 * transport.c; web_answer.c; the caller's call back. A call that may not go yet waits in order; one
 * to a busy host lets those to others pass. Repeats nothing.
 */
#include "client/web.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <systemd/sd-event.h>

#include "base/clock.h"
#include "base/log.h"
#include "client/transport.h"
#include "client/web_answer.h"
#include "client/web_request.h"

struct job {                    /* one call */
	struct job *next, **at; /* of the waiting or of those on the wire */
	struct web *web;
	uint64_t ticket;
	client_done_fn done; /* NULL: nobody waits any more */
	void *ctx;
	struct web_request what;
	struct web_secrets *secrets; /* one reference: those it was made of */
	int64_t started_us;          /* mono; 0: it waits */
};

struct web {
	sd_event *loop;
	sd_event_source *wake;
	struct transport *transport;
	struct web_allow *allow;
	struct web_secrets *secrets;
	struct job *waiting, **waiting_end;
	struct job *wire;
	int64_t waiting_n, wire_n;
	bool closing;
};

/* --- lists -------------------------------------------------------------------------------------
 */

static void wait_put(struct web *web, struct job *job)
{
	job->next = NULL;
	job->at = web->waiting_end;
	*web->waiting_end = job;
	web->waiting_end = &job->next;
	web->waiting_n++;
}

static void wait_drop(struct web *web, struct job *job)
{
	*job->at = job->next;
	if (job->next != NULL)
		job->next->at = job->at;
	else
		web->waiting_end = job->at;
	web->waiting_n--;
}

static void wire_put(struct web *web, struct job *job)
{
	job->next = web->wire;
	job->at = &web->wire;
	if (job->next != NULL)
		job->next->at = &job->next;
	web->wire = job;
	web->wire_n++;
}

static void wire_drop(struct web *web, struct job *job)
{
	*job->at = job->next;
	if (job->next != NULL)
		job->next->at = job->at;
	web->wire_n--;
}

static struct job *find(const struct web *web, uint64_t ticket)
{
	struct job *const lists[] = {web->waiting, web->wire};
	for (size_t i = 0; i < 2; i++)
		for (struct job *job = lists[i]; job != NULL; job = job->next)
			if (job->ticket == ticket && job->done != NULL)
				return job;
	return NULL;
}

static void job_free(struct job *job)
{
	web_request_done(&job->what);
	web_secrets_unref(job->secrets);
	free(job);
}

/* --- going out ---------------------------------------------------------------------------------
 */

/* The job is in no list. */
static void finish(struct job *job, struct client_answer *answer)
{
	answer->started_us = job->started_us;
	answer->requests = job->started_us != 0;
	if (job->done != NULL)
		job->done(job->ctx, answer);
	json_decref(answer->value);
	job_free(job);
}

static void fail(struct job *job, enum rc code, const char *message)
{
	struct client_answer answer = {.code = code,
		.name = rc_name(code),
		.message = message,
		.retryable = rc_fate(code) != RC_FATE_DEAD,
		.unknown = job->what.request.effect && job->started_us != 0};
	finish(job, &answer);
}

static void came(void *ctx, const struct transport_answer *a)
{
	struct job *job = ctx;
	char text[512];
	struct client_answer answer = {.code = RC_OK};
	wire_drop(job->web, job);
	web_answer_read(job->secrets, &job->what, a, &answer, text, sizeof(text));
	finish(job, &answer);
}

static bool is_busy(const struct web *web, const struct job *job)
{
	int n = 0;
	for (const struct job *other = web->wire; other != NULL; other = other->next)
		n += strcmp(other->what.place, job->what.place) == 0;
	return n >= WEB_PER_HOST;
}

static void send_job(struct web *web, struct job *job)
{
	struct err err = {.msg = ""};
	wait_drop(web, job);
	enum rc rc = transport_send(web->transport, &job->what.request, came, job, &err);
	if (rc != RC_OK) {
		fail(job, rc, err.msg);
		return;
	}
	job->started_us = clock_mono_us();
	wire_put(web, job);
}

static void pump(struct web *web)
{
	struct job *job = web->waiting;
	while (job != NULL && !web->closing && web->wire_n < WEB_PARALLEL) {
		if (is_busy(web, job)) {
			job = job->next;
			continue;
		}
		send_job(web, job);
		job = web->waiting; /* whoever was told may have cancelled any of them */
	}
	if (!web->closing)
		transport_kick(web->transport);
}

static void wake(struct web *web)
{
	if (!web->closing && sd_event_source_set_enabled(web->wake, SD_EVENT_ONESHOT) < 0)
		log_error(NULL, "the client's event loop is broken");
}

static int on_wake(sd_event_source *source, void *ctx)
{
	(void)source;
	pump(ctx);
	return 0;
}

static void on_idle(void *ctx)
{
	wake(ctx);
}

/* --- the door ----------------------------------------------------------------------------------
 */

enum rc web_renew(struct web *web, const struct conf *conf, struct err *err)
{
	struct web_allow *allow = NULL;
	struct web_secrets *secrets = NULL;
	enum rc rc = web_allow_new(conf, &allow, err);
	if (rc == RC_OK)
		rc = web_secrets_new(conf, &secrets, err);
	if (rc != RC_OK) {
		web_allow_free(allow);
		return rc;
	}
	web_allow_free(web->allow);
	web_secrets_unref(web->secrets);
	web->allow = allow;
	web->secrets = secrets;
	return RC_OK;
}

enum rc web_new(const struct conf *conf, sd_event *loop, struct web **ret_web, struct err *err)
{
	struct web *web = calloc(1, sizeof(*web));
	if (web == NULL)
		return err_set(err, RC_NOMEM, "no memory for the client");
	web->loop = sd_event_ref(loop);
	web->waiting_end = &web->waiting;
	struct transport_conf settings = {
		.url = "", .deadline_ms = WEB_DEADLINE_MS, .body_max = WEB_BODY_MAX};
	enum rc rc = web_renew(web, conf, err);
	if (rc == RC_OK)
		rc = transport_new(&settings, loop, on_idle, web, &web->transport, err);
	if (rc == RC_OK && (sd_event_add_defer(loop, &web->wake, on_wake, web) < 0 ||
				   sd_event_source_set_enabled(web->wake, SD_EVENT_OFF) < 0))
		rc = err_set(err, RC_NOMEM, "no memory for the client");
	if (rc != RC_OK) {
		web_free(web);
		return rc;
	}
	*ret_web = web;
	return RC_OK;
}

void web_permit(struct web *web, bool (*may)(void *ctx), void *ctx)
{
	transport_permit(web->transport, may, ctx);
}

void web_free(struct web *web)
{
	if (web == NULL)
		return;
	web->closing = true;
	transport_free(web->transport);
	while (web->wire != NULL) {
		struct job *job = web->wire;
		wire_drop(web, job);
		fail(job, RC_CLOSED, "the client was closed");
	}
	while (web->waiting != NULL) {
		struct job *job = web->waiting;
		wait_drop(web, job);
		fail(job, RC_CLOSED, "the client was closed");
	}
	web_allow_free(web->allow);
	web_secrets_unref(web->secrets);
	sd_event_source_disable_unref(web->wake);
	sd_event_unref(web->loop);
	free(web);
}

enum rc web_submit(
	struct web *web, const struct client_call *call, uint64_t ticket, struct err *err)
{
	struct web_request what;
	if (!json_is_object(call->args))
		return err_set(err, RC_INVALID, "http: named arguments are expected");
	enum rc rc = web_request_make(web->allow, web->secrets, call->args,
		call->name != NULL ? call->name : "", &what, err);
	if (rc != RC_OK)
		return rc;
	struct job *job = calloc(1, sizeof(*job));
	if (job == NULL) {
		web_request_done(&what);
		return err_set(err, RC_NOMEM, "no memory for a call");
	}
	job->web = web;
	job->ticket = ticket;
	job->done = call->done;
	job->ctx = call->ctx;
	job->what = what;
	job->secrets = web_secrets_ref(web->secrets);
	job->what.request.headers = (const char *const *)job->what.lines;
	wait_put(web, job);
	wake(web);
	return RC_OK;
}

bool web_cancel(struct web *web, uint64_t ticket)
{
	struct job *job = find(web, ticket);
	if (job == NULL)
		return false;
	job->done = NULL;
	if (job->started_us == 0) {
		wait_drop(web, job);
		job_free(job);
	}
	return true;
}

bool web_acted(const struct web *web, uint64_t ticket)
{
	const struct job *job = find(web, ticket);
	return job != NULL && job->what.request.effect && job->started_us != 0;
}

int64_t web_waiting(const struct web *web)
{
	return web->waiting_n;
}

int64_t web_in_flight(const struct web *web)
{
	return web->wire_n;
}
