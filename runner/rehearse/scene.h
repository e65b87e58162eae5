/* SPDX-License-Identifier: MIT */
/*
 * One test, played: the runner as it is, with its steps, its workers and its store, but the store
 * in memory, the clock set by hand, and a client that sends nothing. So settling, batches, timers,
 * keys, retries and outcomes are the daemon's own, and what is added to the runner is in tests at
 * once. Between two moments at which something is due, no time passes.
 */
#ifndef MOONHOOK_RUNNER_REHEARSE_SCENE_H
#define MOONHOOK_RUNNER_REHEARSE_SCENE_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>
#include <systemd/sd-event.h>

#include "base/conf.h"
#include "base/err.h"
#include "queue/queue.h"
#include "runner/rehearse/double.h"
#include "runner/rules.h"

#define SCENE_FILES_MAX 32

struct runner;

struct scene {
	struct script *script;     /* BORROWED */
	const char *exe;           /* STATIC */
	struct spawn_shelf *shelf; /* BORROWED; a worker that goes from test to test */
	json_t *plan;              /* owned; what the test says, as data */
	char rules[SCRIPT_PATH_N]; /* the folder */
	char names[SCENE_FILES_MAX][256];
	const char *files[SCENE_FILES_MAX + 1];      /* of it, into names */
	const char *rule_names[SCENE_FILES_MAX + 1]; /* into plan; of them these alone, if any */
	struct rules_choice choice;
	int64_t start_ms;   /* wall, virtual */
	int64_t end_ms;     /* the same; INT64_MAX: when nothing is left to do */
	size_t told_n;      /* events that have been delivered */
	int64_t skipped_ms; /* of the monotonic clock, given back at the end */
	struct world world;
	struct understudy understudy;
	struct conf *conf;
	struct queue *inbox, *work;
	sd_event *loop;
	sd_event_source *kick; /* a turn that does not wait */
	struct client *client;
	struct runner *runner;
	struct script_error error; /* why it cannot be played */
};

/*
 * Plays a test whose file is open in script: what it says (`scene`), the events, until nothing is
 * left to be done; then what there was to see: {effects, runs, records, why} as rehearsal.lua
 * judges it. GIVES the observations. RC_RULE: scene->error says what is wrong with the test or the
 * rules; RC_DENIED: it is to be skipped, error says why; anything else is err's.
 */
enum rc scene_play(struct scene *scene, json_t **ret_observed, struct err *err) must_check;
/* Ends the runner; its worker goes back to the shelf. What the test said stays until scene_close.
 */
void scene_end(struct scene *scene);
/* Ends it and gives the real clock back. Accepts a zeroed one, and one that failed. */
void scene_close(struct scene *scene);

/* --- for the files of this noun ----------------------------------------------------------------
 */

/* Delivers events and lets time pass until all is done. As scene_play. */
enum rc scene_run(struct scene *scene, struct err *err) must_check;
/* rules_choice: what the test says under `edit` is done to the texts of its rules. */
void scene_edit(void *scene, struct folder *folder);
/* Reads what came of it from the store. GIVES. */
enum rc scene_observe(struct scene *scene, json_t **ret_observed, struct err *err) must_check;
/* The test cannot be played: keeps the sentence. Answers RC_RULE. */
enum rc scene_refuse(struct scene *scene, const char *fmt, ...) printf_like(2, 3);

#endif
