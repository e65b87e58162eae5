/* SPDX-License-Identifier: MIT */
/*
 * Setting up a simulation and letting its time pass.
 * From: tests/sim/, tests/bench/. To: the client (client.h), the twin (server.h), the wire between
 * them. Deliveries of webhooks wait here until they arrive.
 */
#include "tests/sim/rig/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "tests/sim/rig/time.h"

#define TURNS_MAX 100000000 /* of the loop in one wait: then it goes round in circles */

struct sim_event {
	struct sim_event *next;
	int64_t due_us;
	json_t *body;
};

static const char *event_name(const json_t *body)
{
	const char *core = json_string_value(json_object_get(body, "eventName"));
	const char *docs = json_string_value(json_object_get(body, "event"));
	return core != NULL ? core : docs != NULL ? docs : "";
}

/* The delay is the same for all, so they arrive in order. */
static int on_delivery(sd_event_source *source, uint64_t usec, void *ctx)
{
	(void)source, (void)usec;
	struct sim *sim = ctx;
	while (sim->events != NULL && sim->events->due_us <= time_us()) {
		struct sim_event *e = sim->events;
		sim->events = e->next;
		if (sim->events == NULL)
			sim->events_last = &sim->events;
		sim->how->event(sim->how->ctx, event_name(e->body), e->body);
		json_decref(e->body);
		free(e);
	}
	if (sim->events != NULL) {
		sd_event_source_set_time(sim->delivery, (uint64_t)sim->events->due_us);
		sd_event_source_set_enabled(sim->delivery, SD_EVENT_ONESHOT);
	}
	return 0;
}

static void on_event(void *ctx, struct slice body)
{
	struct sim *sim = ctx;
	struct sim_event *e = calloc(1, sizeof(*e));
	if (e == NULL || (e->body = json_loadb(body.p, body.n, 0, NULL)) == NULL)
		abort();
	e->due_us = time_us() + (sim->how->event_ms != 0 ? sim->how->event_ms : 100) * 1000;
	if (sim->events == NULL) {
		sd_event_source_set_time(sim->delivery, (uint64_t)e->due_us);
		sd_event_source_set_enabled(sim->delivery, SD_EVENT_ONESHOT);
	}
	*sim->events_last = e;
	sim->events_last = &e->next;
}

static enum rc conf_make(struct sim *sim, struct err *err)
{
	const struct sim_conf *how = sim->how;
	char path[64];
	int fd = memfd_create("simulation", MFD_CLOEXEC);
	if (fd < 0)
		return err_set(err, RC_IO, "no memory file");
	dprintf(fd,
		"twenty = { url = \"http://127.0.0.1:3000\", key = \"" SIM_KEY
		"\", budget = \"%s\" }\n%s\n",
		how->budget != NULL ? how->budget : "100/m",
		how->settings != NULL ? how->settings : "");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	enum rc rc = conf_load(path, &client_conf_table, 1, NULL, 0, &sim->conf, err);
	close(fd);
	return rc;
}

static enum rc server_make(struct sim *sim, struct err *err)
{
	const struct sim_conf *how = sim->how;
	struct server_conf conf = {.dialect = how->dialect != NULL ? how->dialect : "core",
		.budget = how->allowance != NULL ? how->allowance : "100/m",
		.key = SIM_KEY,
		.people = how->people,
		.seed = how->seed,
		.on_event = how->event != NULL ? on_event : NULL,
		.ctx = sim};
	sim->server = server_open(&conf);
	if (sim->server == NULL)
		return err_set(err, RC_INVALID, "the twin cannot be made");
	sim->wire = (struct wire_conf){.server = sim->server,
		.latency_ms = how->latency_ms < 0    ? 0
			      : how->latency_ms == 0 ? 50
						     : how->latency_ms,
		.jitter_ms = how->jitter_ms,
		.before = how->before,
		.after = how->after,
		.ctx = how->ctx};
	wire_open(&sim->wire);
	return RC_OK;
}

bool sim_open(struct sim *sim, const struct sim_conf *conf)
{
	struct err err = {.msg = "no memory"};
	*sim = (struct sim){.how = conf};
	sim->events_last = &sim->events;
	time_begin(conf->seed);
	sim->begun_us = time_us();
	log_start("simulation", LOG_TEXT, LOG_ERROR);
	bool ok = sd_event_new(&sim->loop) >= 0 &&
		  sd_event_add_time(sim->loop, &sim->delivery, CLOCK_MONOTONIC, UINT64_MAX, 1,
			  on_delivery, sim) >= 0;
	ok = ok && conf_make(sim, &err) == RC_OK && server_make(sim, &err) == RC_OK &&
	     client_new(sim->conf, sim->loop, &sim->client, &err) == RC_OK;
	if (!ok)
		fprintf(stderr, "simulation: %s\n", err.msg);
	return ok;
}

struct sim_asked {
	struct sim *sim;
	struct sim_answer *answer;
	struct sim_asked *next, **at; /* in the list of those that are not answered */
};

static void forget(struct sim_asked *asked)
{
	*asked->at = asked->next;
	if (asked->next != NULL)
		asked->next->at = asked->at;
	free(asked);
}

void sim_close(struct sim *sim)
{
	client_free(sim->client);
	sim->client = NULL;
	conf_free(sim->conf);
	server_close(sim->server);
	while (sim->events != NULL) {
		struct sim_event *e = sim->events;
		sim->events = e->next;
		json_decref(e->body);
		free(e);
	}
	while (sim->asked != NULL) /* cancelled, and so never answered */
		forget(sim->asked);
	sd_event_source_disable_unref(sim->delivery);
	sd_event_unref(sim->loop);
	wire_close();
}

static void take(void *ctx, const struct client_answer *answer)
{
	struct sim_asked *asked = ctx;
	struct sim_answer *a = asked->answer;
	if (a->times++ == 0) {
		a->done = true;
		a->code = answer->code;
		a->value = json_incref(answer->value);
		a->status = answer->status;
		a->retryable = answer->retryable;
		a->unknown = answer->unknown;
		a->requests = answer->requests;
		a->at_ms = sim_now_ms(asked->sim);
		snprintf(a->name, sizeof(a->name), "%s", answer->name);
		snprintf(a->message, sizeof(a->message), "%s", answer->message);
	}
	forget(asked);
}

void sim_submit(struct sim *sim, struct sim_answer *answer, const struct client_call *call)
{
	struct err err = {.msg = ""};
	struct client_call c = *call;
	struct sim_asked *asked = malloc(sizeof(*asked));
	if (asked == NULL)
		abort();
	*asked = (struct sim_asked){sim, answer, sim->asked, &sim->asked};
	if (sim->asked != NULL)
		sim->asked->at = &asked->next;
	sim->asked = asked;
	*answer = (struct sim_answer){.done = false};
	c.done = take;
	c.ctx = asked;
	enum rc rc = client_submit(sim->client, &c, &answer->ticket, &err);
	json_decref(c.args);
	if (rc == RC_OK)
		return;
	forget(asked);
	answer->done = true;
	answer->code = rc;
	answer->at_ms = sim_now_ms(sim);
	snprintf(answer->name, sizeof(answer->name), "%s", rc_name(rc));
	snprintf(answer->message, sizeof(answer->message), "%s", err.msg);
}

void sim_ask(struct sim *sim, struct sim_answer *answer, enum client_op op, const char *object,
	json_t *args, const char *name)
{
	struct client_call call = {
		.op = op, .object = object, .args = args, .name = name, .lane = CLIENT_LIVE};
	sim_submit(sim, answer, &call);
}

void sim_answer_done(struct sim_answer *answer)
{
	json_decref(answer->value);
	answer->value = NULL;
}

bool sim_until(struct sim *sim, bool (*question)(void *ctx), void *ctx, int64_t wait_ms)
{
	int64_t end_us = time_us() + wait_ms * 1000;
	for (int turns = 0; !question(ctx); turns++) {
		if (time_us() >= end_us || turns >= TURNS_MAX)
			return false;
		if (sd_event_run(sim->loop, (uint64_t)(end_us - time_us())) < 0)
			return false;
	}
	return true;
}

struct awaited {
	struct sim_answer *answers;
	size_t n, done; /* the first `done` of them are */
};

static bool all_done(void *ctx)
{
	struct awaited *w = ctx;
	while (w->done < w->n && w->answers[w->done].done)
		w->done++;
	return w->done == w->n;
}

bool sim_await(struct sim *sim, struct sim_answer *answers, size_t n, int64_t wait_ms)
{
	struct awaited w = {.answers = answers, .n = n};
	return sim_until(sim, all_done, &w, wait_ms);
}

static bool never(void *ctx)
{
	(void)ctx;
	return false;
}

void sim_sleep(struct sim *sim, int64_t ms)
{
	(void)sim_until(sim, never, NULL, ms);
}

int64_t sim_now_ms(const struct sim *sim)
{
	return (time_us() - sim->begun_us) / 1000;
}

int sim_count(const char *method, const char *target, int status)
{
	int n = 0;
	for (size_t i = 0; i < wire_request_n(); i++) {
		const struct wire_request *r = wire_request(i);
		n += (method == NULL || strcmp(r->method, method) == 0) &&
		     strstr(r->target, target) != NULL && (status == 0 || r->status == status);
	}
	return n;
}

json_t *sim_json(const char *text)
{
	char copy[4096];
	snprintf(copy, sizeof(copy), "%s", text);
	for (char *p = copy; *p != '\0'; p++)
		if (*p == '\'')
			*p = '"';
	json_error_t why;
	json_t *value = json_loads(copy, JSON_DECODE_ANY, &why);
	if (value == NULL)
		fprintf(stderr, "sim_json: %s in %s\n", why.text, copy);
	return value;
}
