/* SPDX-License-Identifier: MIT */
/*
 * The rule language as data: every name that a rule can say, the methods of twenty.<objects> with
 * their options, the options of a rule's head, the members of an event. The one table of it for the
 * check; a test holds it against what a worker really offers.
 */
#ifndef MOONHOOK_RUNNER_CHECK_INTERFACE_H
#define MOONHOOK_RUNNER_CHECK_INTERFACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

#define INTERFACE_OPTIONS_MAX 10

enum interface_type { /* what stands under a name */
	INTERFACE_FUNCTION,
	INTERFACE_TABLE, /* of further names: "string" */
	INTERFACE_VALUE,
	INTERFACE_OBJECTS, /* twenty: any object of the workspace, and some functions */
};

struct interface_name {   /* STATIC, as all here */
	const char *path; /* "string.byte" */
	enum interface_type type;
};

/* "string", "string.byte"; NULL: there is none. */
const struct interface_name *interface_find(struct slice path);
/* All of them; n: how many. */
const struct interface_name *interface_names(size_t *ret_n);
/* The names of a table ("" : all globals), at most max, as words for a suggestion. */
size_t interface_members(const char *table, const char **ret_words, size_t max);

/* What a *_test.lua can say besides, NULL-terminated. */
const char *const *interface_test_names(void);

/* What a rule does not have and people look for: "os.time" -> a sentence that says what to use. */
const char *interface_absent(struct slice path);
/* What such are called, at most max. */
size_t interface_absents(const char **ret_words, size_t max);

/* --- twenty.<objects>:method --------------------------------------------------------------------
 */

enum interface_result {
	INTERFACE_RECORD,  /* a record */
	INTERFACE_MAYBE,   /* a record, or nil where there is none */
	INTERFACE_RECORDS, /* a list of records */
	INTERFACE_OTHER,
};

struct interface_method {
	const char *name;
	int arguments_min, arguments_max;
	int data;    /* which argument is data of a record; 0: none */
	int where;   /* which is a condition */
	int options; /* which is a table of options */
	int id;      /* which is the id of a record */
	bool effect; /* it changes something */
	enum interface_result result;
	const char *known[INTERFACE_OPTIONS_MAX]; /* options, NULL at the end */
	const char *example;
};

const struct interface_method *interface_method(struct slice name);
/* Their names, NULL-terminated. */
const char *const *interface_methods(void);

/* --- a rule's head ---------------------------------------------------------------------------- */

enum interface_value {
	VALUE_PATTERNS, /* on */
	VALUE_DURATION,
	VALUE_CRON,
	VALUE_TEXT,
	VALUE_WHEN,
	VALUE_KEY,
	VALUE_ECHO,
	VALUE_BATCH,
	VALUE_WHOLE,
	VALUE_RETRY,
	VALUE_FRESH,
	VALUE_WORD,
	VALUE_RATE,
	VALUE_FUNCTION,
};

struct interface_option {
	const char *name;
	enum interface_value value;
	int64_t min, max;     /* of a duration in ms, of a number */
	const char *words[3]; /* of VALUE_WORD */
	const char *example;
};

const struct interface_option *interface_option(struct slice name);
/* The i-th; NULL behind the last. */
const struct interface_option *interface_option_at(size_t i);

/* --- an event --------------------------------------------------------------------------------- */

/* The members of an event, NULL-terminated. */
const char *const *interface_event(void);

#endif
