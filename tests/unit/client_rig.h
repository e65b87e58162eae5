/* SPDX-License-Identifier: MIT */
/* A client for tests: on an event loop of its own, towards a twin, a fake server or nobody. */
#ifndef MOONHOOK_TESTS_UNIT_CLIENT_RIG_H
#define MOONHOOK_TESTS_UNIT_CLIENT_RIG_H

#include <jansson.h>
#include <systemd/sd-event.h>

#include "client/client.h"
#include "tests/harness/http.h"
#include "tests/harness/process.h"

#define RIG_KEY "rig-canary-key-4711"

struct rig_conf {              /* BORROWS; zero is a fine start */
	const char *twin;      /* dialect of the twin; NULL: no twin, see url */
	const char *twin_args; /* one blank between */
	const char *url;       /* where there is no twin */
	const char *dialect;   /* twenty.dialect; NULL: auto */
	const char *budget;    /* twenty.budget; NULL: none */
	const char *key;       /* twenty.key; NULL: RIG_KEY */
	const char *timeout;   /* twenty.timeout; NULL: 30s */
	const char *settings;  /* more of the configuration; NULL: none */
	const char *ca;        /* twenty.ca; NULL: not set */
};

struct rig {
	char dir[128];
	char url[128];
	struct process twin;
	sd_event *loop;
	struct conf *conf;
	struct client *client;
	struct err err;   /* of client_new */
	int64_t since_ms; /* of the calls to come: client_call's; 0: they are new */
};

struct rig_answer { /* rig_answer_done */
	bool done;
	enum rc code;
	json_t *value;
	int status;
	char name[32];
	char message[256];
	bool retryable, unknown;
	int requests;
	uint64_t ticket;
	enum rc submitted;
};

/* Prints why on failure; rig_close is due in any case. */
bool rig_open(struct rig *rig, const struct rig_conf *conf);
void rig_close(struct rig *rig);
bool rig_start_twin(struct rig *rig, const char *dialect, const char *listen, const char *args);

/* args is STOLEN. The answer must stay where it is until it is done. */
void rig_submit(struct rig *rig, struct rig_answer *answer, enum client_op op, const char *object,
	json_t *args, const char *name);
/* Turns the loop until every one of n answers is done; false after wait_ms. */
bool rig_await(struct rig *rig, struct rig_answer *answers, size_t n, int64_t wait_ms);
/* Turns it until question says yes. */
bool rig_until(struct rig *rig, bool (*question)(void *ctx), void *ctx, int64_t wait_ms);
/* Submits and waits (30 s). */
struct rig_answer rig_call(
	struct rig *rig, enum client_op op, const char *object, json_t *args, const char *name);
void rig_answer_done(struct rig_answer *answer);

/* JSON from text with ' for ". */
json_t *rig_json(const char *text);
/* The text at a path of a JSON value, "" where there is none: "records.0.name.firstName". */
const char *rig_text(const json_t *value, const char *path);

/* Talks to the twin beside the client. */
bool rig_fault(struct rig *rig, const char *spec);
/* How many lines of the twin's log hold both texts. */
int rig_logged(struct rig *rig, const char *method, const char *part);
/* A request to the twin with its key. GIVES. */
json_t *rig_api(struct rig *rig, const char *method, const char *path, const char *body);

#endif
