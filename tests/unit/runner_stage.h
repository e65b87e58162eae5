/* SPDX-License-Identifier: MIT */
/*
 * A whole runner in this process, on a store of its own, with real workers (this program again)
 * and, where a test asks for it, a twin to call.
 */
#ifndef MOONHOOK_TESTS_UNIT_RUNNER_STAGE_H
#define MOONHOOK_TESTS_UNIT_RUNNER_STAGE_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "queue/queue.h"
#include "runner/life.h"
#include "runner/state.h"
#include "tests/harness/process.h"

#define STAGE_KEY "stage-key" /* of the twin's API */

enum stage_twin {
	STAGE_ALONE,
	STAGE_TWIN,
	STAGE_SLOW_TWIN, /* 50 ms for each answer */
};

struct stage_run { /* one row of the store */
	char id[ID_N + 1], event[ID_N + 1];
	char rule[160], error[300], detail[1024], code[32], key[128], log[4096],
		source_hash[DIGEST_HEX_N];
	enum queue_state state;
	int attempt, api_calls, deaths;
	int64_t started_ms, ended_ms, due_ms;
};

#define STAGE_RUNS_MAX 1024

struct stage {
	char dir[128], rules[200];
	char store[200]; /* "": of files, in dir */
	char twin_url[64];
	struct process twin;
	struct conf *conf;
	struct conf *conf_before; /* what the runner was started with, after stage_configure */
	struct queue *inbox, *work;
	struct runner_parts parts;
	struct runner *runner;
	int link[2];            /* [0]: the supervisor's end */
	struct stage_run *runs; /* STAGE_RUNS_MAX, of the last stage_look: large, and not static,
				   for whoever looks for leaks reads all that is */
	size_t runs_n;
};

/* A folder and its rules; the runner comes with stage_start. */
void stage_open(struct stage *s);
void stage_rule(struct stage *s, const char *file, const char *text);
/* On PostgreSQL, before stage_start. */
void stage_share(struct stage *s);
/* A second runner on the store of another stage, which has been started; with its twin. */
void stage_join(struct stage *s, const struct stage *other, const char *settings);
/* settings: more lines of configuration. Turns until the runner is ready. */
void stage_start(struct stage *s, enum stage_twin twin, const char *settings);
/* Other lines of configuration, for the next stage_reload. */
void stage_configure(struct stage *s, const char *settings);
/* Drains and frees the runner, not the store. */
void stage_stop(struct stage *s);
/* The runner dies as by SIGKILL: nothing is committed any more. */
void stage_crash(struct stage *s);
/* The same store and configuration again. */
void stage_again(struct stage *s);
void stage_up(struct stage *s); /* without waiting until the runner is ready */
void stage_close(struct stage *s);

/* Puts a delivery into the inbox, wakes the runner; its id. */
struct id stage_deliver(struct stage *s, const char *source, struct slice body);
/* A person.<action> whose record has this id and jobTitle. */
struct id stage_person(struct stage *s, const char *action, const char *id, const char *title);
/* The same with the next made-up id. */
struct id stage_someone(struct stage *s, const char *title);

/* Turns until question says yes, 20 s at most; fails the test otherwise. */
void stage_until(struct stage *s, bool (*question)(struct stage *s, long n), long n);
bool stage_all_ready(struct stage *s, long n); /* all workers are */
bool stage_ended(struct stage *s, long n);     /* that many runs have ended */
bool stage_parsed(struct stage *s, long n);    /* that many events are routed */
bool stage_waiting(struct stage *s, long n);   /* that many runs wait for their time */
/* Turns n times without asking. */
void stage_turn(struct stage *s, int n);
/* Reads all runs of the store, as committed. */
void stage_look(struct stage *s);
/* The one run of this rule for this event; event NULL: any. Fails the test where there is none. */
const struct stage_run *stage_find(struct stage *s, const char *rule, const struct id *event);
struct queue_counts stage_counts(struct stage *s);
/* Asks the runner to reload and answers what it says. */
void stage_reload(struct stage *s, char ret_text[static 512]);
/* Sends an order: "1 0 {..}", its number, who gives it, what. */
void stage_order(struct stage *s, const char *text);
/* What it is answered, "1 {..}"; turns until then. STATIC. */
const char *stage_ordered(struct stage *s);
/* A request to the twin with its key; the text of the answer, whatever its status. GIVES. */
char *stage_ask(struct stage *s, const char *method, const char *path, const char *body);
/* The same of the core API; the one record, or the first, of an answer that has one. GIVES. */
json_t *stage_record(struct stage *s, const char *method, const char *path, const char *body);
/* How many requests of this method and path the twin answered, path as a prefix. */
long stage_requests(struct stage *s, const char *method, const char *path);

#endif
