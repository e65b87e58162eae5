/* SPDX-License-Identifier: MIT */
/*
 * A simulation: the client as it is, the twin, the way between them and the time of all three, in
 * one process. Hours pass in milliseconds and a run can be repeated to the microsecond. One at a
 * time; without memory it aborts.
 */
#ifndef MOONHOOK_TESTS_SIM_SIM_H
#define MOONHOOK_TESTS_SIM_SIM_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/attr.h"
#include "client/client.h"
#include "tests/sim/rig/wire.h"
#include "tests/sim/server/server.h"

#define SIM_KEY "sim-canary-key-4711"
#define SIM_HOUR_MS INT64_C(3600000)

struct sim_conf {              /* BORROWS until sim_close; zero is a fine start */
	const char *dialect;   /* of the twin; NULL: core. The client finds out */
	const char *budget;    /* twenty.budget; NULL: 100/m */
	const char *allowance; /* what the twin really grants, "50/m" or "none"; NULL: 100/m */
	const char *settings;  /* further lines of the client's configuration; NULL: none */
	unsigned people;       /* seeded; with people / 4 companies */
	int64_t latency_ms;    /* of a request there and back; 0: 50; < 0: none */
	int64_t jitter_ms;     /* each way takes up to that much longer */
	int64_t event_ms;      /* how long a webhook takes to arrive; 0: 100 */
	uint64_t seed;         /* of everything random */
	/* See wire.h. NULL: none. */
	struct wire_verdict (*before)(void *ctx, const struct wire_request *request);
	void (*after)(void *ctx, const struct wire_request *request);
	/* A delivery of the twin arrives; name: "person.updated", body: as it came, both BORROWED
	 * during the call. NULL: no webhooks. */
	void (*event)(void *ctx, const char *name, const json_t *body);
	void *ctx;
};

struct sim_event;
struct sim_asked;

struct sim {
	sd_event *loop;
	struct client *client;
	struct server *server; /* to look and act beneath the API: server.h */
	struct conf *conf;
	struct wire_conf wire;
	const struct sim_conf *how;
	sd_event_source *delivery;
	struct sim_event *events, **events_last;
	struct sim_asked *asked; /* not answered yet */
	int64_t begun_us;
};

struct sim_answer { /* sim_answer_done; zeroed before the first use */
	bool done;
	int times; /* done was called */
	enum rc code;
	json_t *value;
	int status;
	char name[32];
	char message[256];
	bool retryable, unknown;
	int requests;
	int64_t at_ms; /* since sim_open */
	uint64_t ticket;
};

/* Prints why it cannot. */
bool sim_open(struct sim *sim, const struct sim_conf *conf) must_check;
/* The client is closed first: answers that are out are given. Accepts a half-open one. */
void sim_close(struct sim *sim);

/* args is STOLEN. The answer must stay where it is until it is done. What is refused at once is
 * done at once. */
void sim_submit(struct sim *sim, struct sim_answer *answer, const struct client_call *call);
/* The same for what most tests need: in the live lane. */
void sim_ask(struct sim *sim, struct sim_answer *answer, enum client_op op, const char *object,
	json_t *args, const char *name);
void sim_answer_done(struct sim_answer *answer);

/* Time passes until question says yes; false after wait_ms of it. */
bool sim_until(struct sim *sim, bool (*question)(void *ctx), void *ctx, int64_t wait_ms);
/* .. until each of n answers is done. */
bool sim_await(struct sim *sim, struct sim_answer *answers, size_t n, int64_t wait_ms);
void sim_sleep(struct sim *sim, int64_t ms);
int64_t sim_now_ms(const struct sim *sim); /* since sim_open */

/* Requests that were sent: with that method (NULL: any), that text in their target ("": any), that
 * status (0: any). */
int sim_count(const char *method, const char *target, int status);
/* JSON from text with ' for ". */
json_t *sim_json(const char *text);

#endif
