/* SPDX-License-Identifier: MIT */
/* The rules that are live: what their files declared, as data. */
#ifndef MOONHOOK_RUNNER_RULESET_H
#define MOONHOOK_RUNNER_RULESET_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/err.h"
#include "queue/queue.h"
#include "runner/version.h"

struct predicate;

#define RULESET_NAME_MAX 128

enum rule_key {
	RULE_KEY_RECORD, /* by default: its record */
	RULE_KEY_FIELD,
	RULE_KEY_FUNCTION, /* a worker is asked */
};

enum rule_echo {          /* which changes a rule is for */
	RULE_ECHO_OTHERS, /* those of people and of other rules */
	RULE_ECHO_ALL,    /* its own, too */
	RULE_ECHO_PEOPLE, /* those of no rule at all */
};

struct rule {
	char *name;
	struct version *source;
	int line;
	json_t *on;                  /* array of strings, patterns */
	bool when;                   /* a function: a worker is asked */
	struct predicate *predicate; /* of `when`, decided here (predicate.h); NULL: none */
	json_t *asks;                /* what it was read from */
	enum rule_key key;
	char *key_field;
	enum rule_echo echo;
	int64_t timeout_ms, cpu_ms; /* 0: the default */
	int attempts_max;
	int64_t settle_ms,
		settle_max_ms; /* one run per session of edits; 0: each edit has its own */
	int64_t batch_ms;      /* one run for the events of so long; 0: none */
	int batch_max;         /* events of such a run at most */
	int concurrency;       /* runs of it at once; 0: any number */
	bool fresh;            /* the record is read again when a run starts */
	int fresh_depth;       /* of that reading: 0 or 1 */
	bool background;       /* its calls give way to those of others */
	bool shadow;           /* its effects are recorded, not done */
	int writes_max;        /* effects within writes_per_ms; then it is paused */
	int64_t writes_per_ms;
	bool timer;        /* it is the target of after() */
	int64_t every_ms;  /* it runs by the clock; 0: not so */
	char *cron, *tz;   /* likewise, "0 9 * * 1-5" in "Europe/Paris"; NULL: not so */
	char *was;         /* its name before; NULL: it had no other */
	int overruns;      /* how often `when` or `key` ran over its time */
	bool key_missed;   /* a record without key_field was told of */
	bool field_missed; /* one without a field of the predicate was */
	bool set_aside;    /* it did that too often: not asked until the next reload */
};

struct check_findings;

struct rulefile { /* one version of one file */
	unsigned refs;
	char name[256];
	char hash[DIGEST_HEX_N];
	struct version *source;
	struct rule *rules;
	size_t n;
	int64_t live_ms;              /* wall: since when it is live; 0: it never was */
	struct check_findings *lacks; /* what the workspace does not have of it; NULL: not asked */
};

struct ruleset { /* refcounted, so that a batch keeps the rules it was matched against */
	unsigned refs;
	struct rulefile **files; /* in order of their names */
	size_t files_n;
	struct rule **rules; /* in order of file and place */
	size_t n;
	int64_t loaded_ms; /* wall */
};

/* What a file declares -> data; head is what a worker answered, hostile. RC_INVALID with
 * "file:line: sentence", RC_NOMEM. TAKES the reference of source, also on failure. GIVES one
 * reference. */
enum rc rulefile_new(const char *name, struct version *source, const json_t *head,
	struct rulefile **ret_file, struct err *err) must_check;
struct rulefile *rulefile_ref(struct rulefile *file);
void rulefile_unref(struct rulefile *file);

/* GIVES one reference (ruleset_unref). */
struct ruleset *ruleset_new(size_t files_max);
struct ruleset *ruleset_ref(struct ruleset *set);
void ruleset_unref(struct ruleset *set);
/* Adds a file behind the others; takes a reference. RC_DUPLICATE with "file:line: sentence": one of
 * its names is there already. RC_NOMEM. */
enum rc ruleset_add(struct ruleset *set, struct rulefile *file, struct err *err) must_check;
struct rulefile *ruleset_find_file(const struct ruleset *set, const char *name);
struct rule *ruleset_find(const struct ruleset *set, const char *name);

#endif
