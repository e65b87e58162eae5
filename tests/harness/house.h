/* SPDX-License-Identifier: MIT */
/*
 * A whole house for one test: a twin, a Moonhook beside it with its own store and rules, on free
 * ports of loopback, in a folder of its own. Everything ends and goes with house_close.
 */
#ifndef MOONHOOK_TESTS_HARNESS_HOUSE_H
#define MOONHOOK_TESTS_HARNESS_HOUSE_H

#include <jansson.h>

#include "tests/harness/http.h"
#include "tests/harness/process.h"

#define HOUSE_SECRET "house-webhook-secret"
#define HOUSE_KEY "house-api-key"
#define HOUSE_MEMBER_KEY "house-member-key"

enum { HOUSE_MORE = 4 };

struct house_conf {            /* BORROWS; zero is a fine start */
	const char *dialect;   /* of the twin; NULL: core */
	const char *twin_args; /* more arguments of the twin, one blank between */
	const char *rules;     /* folder of rules; NULL: an own empty one, see house_rule */
	const char *budget;    /* twenty.budget; NULL: the default */
	const char *settings;  /* more lines of the configuration */
	const char *secrets; /* of the source, as the configuration writes them; NULL: HOUSE_SECRET
			      */
	bool no_webhooks;    /* the twin keeps its changes to itself */
	bool no_daemon;      /* house_start is the test's own business */
	int runners; /* daemons with a runner, all on one PostgreSQL; 0: one, its store is a folder
		      */
	const char *lease;          /* of each of them; NULL: the default */
	const struct house *beside; /* whose twin it shares; NULL: it has its own */
	/* "NAME=value" texts for the daemon, NULL-terminated; NULL: none */
	const char *const *env;
};

struct house {
	char dir[128];    /* of this test */
	char rules[256];  /* rule folder */
	char config[256]; /* configuration file */
	char twin_url[64];
	char store[200];
	int hook_port, console_port;
	struct process twin, daemon;
	struct process more[HOUSE_MORE]; /* runners beside the daemon, which has the receiver */
	struct house_conf conf;
};

/* Starts both and waits until Moonhook is ready. On failure prints why; house_close is still due.
 */
bool house_open(struct house *h, const struct house_conf *conf);
void house_close(struct house *h);
/* The daemon alone: SIGTERM and its exit status; start again on the same store and ports. */
int house_stop(struct house *h);
bool house_start(struct house *h);
bool house_launch(struct house *h); /* the same without waiting */
bool house_ready(void *house);      /* for process_await */

/* Writes a rule file into the house's own folder; before house_open needs conf.rules NULL and dir
 * made by house_folder. */
bool house_folder(struct house *h);
bool house_rule(struct house *h, const char *file, const char *text);

/* A request to the twin's REST API with the key; body may be NULL. GIVES (json_decref), NULL
 * without JSON. */
json_t *house_api(
	struct house *h, const char *method, const char *path, const char *body, int *ret_status);
/* The same as a member of the workspace, not as a program. */
json_t *house_member(
	struct house *h, const char *method, const char *path, const char *body, int *ret_status);
/* What the twin holds of an object, soft-deleted records included: an array. GIVES. */
json_t *house_records(struct house *h, const char *plural);
/* Runs build/moonhook with these arguments and --config; answers its standard output (GIVES, free)
 * and status. */
char *house_command(struct house *h, const char *const *args, int *ret_status);
/* `moonhook status -o json`. GIVES. */
json_t *house_status(struct house *h);
/* `moonhook runs list -o jsonl` as an array. GIVES. */
json_t *house_runs(struct house *h);
/* How many runs have this state; NULL: have ended. Asks the daemon's status. */
long house_runs_n(struct house *h, const char *state);
bool house_await_runs(struct house *h, const char *state, long n, int64_t wait_ms);

/* Posts one signed delivery. Answers the status, 0 where none came. */
int house_deliver(struct house *h, const char *body);

#endif
