/* SPDX-License-Identifier: MIT */
/*
 * A twin in the docs dialect, and the examples of the published documentation run against it by the
 * system's own interpreters. Nothing but what a reader must replace is replaced; nothing leaves
 * loopback.
 */
#ifndef MOONHOOK_TESTS_CONFORMANCE_DOCS_RUN_H
#define MOONHOOK_TESTS_CONFORMANCE_DOCS_RUN_H

#include <jansson.h>

#include "tests/conformance/docs_page.h"
#include "tests/harness/http.h"
#include "tests/harness/process.h"

#define DOCS_TWIN_KEY "docs-key"
#define DOCS_TWIN_READ_KEY "docs-read-key"
#define DOCS_RECORDS_FILE "tests/data/twenty/docs/workspace.json"

struct docs_twin { /* docs_twin_close */
	struct process process;
	char dir[128];
	char host[64]; /* http://127.0.0.1:PORT */
	int dead_fd;   /* holds a port that nobody listens at .. */
	char dead[64]; /* .. and its address */
};

/* Starts it with the records of DOCS_RECORDS_FILE and this budget; ends the test on failure. */
struct docs_twin *docs_twin_open(const char *budget);
void docs_twin_close(struct docs_twin *twin);
/* A request below /rest with this key, NULL for none. Ends the test where no answer comes. */
struct http_answer docs_twin_ask(struct docs_twin *twin, const char *key, const char *method,
	const char *path, const char *body);
/* The answer's JSON to a request with the key. GIVES (json_decref). */
json_t *docs_twin_json(struct docs_twin *twin, const char *method, const char *path,
	const char *body, int *ret_status);
/* All records of an object, deleted ones too, as the twin keeps them: an array. GIVES. */
json_t *docs_twin_records(struct docs_twin *twin, const char *plural);
/* The next requests suffer this (moonhook-twin --fault). */
void docs_twin_fault(struct docs_twin *twin, const char *spec);

#define DOCS_SWAP_MAX 4

struct docs_swap {
	const char *from, *to;
};

struct docs_recipe {                /* what a reader does with an example before it runs; BORROWS */
	const char *before, *after; /* lines put around it; NULL: none */
	struct docs_swap swaps[DOCS_SWAP_MAX];
	const char *emails[DOCS_SWAP_MAX]; /* for each "[email protected]" in its order */
};

struct docs_result { /* docs_result_done */
	int exit;    /* of the interpreter */
	char *out;   /* its standard output */
	char *err;
	int status; /* of curl: of the last answer; 0: the example is no curl, or had none */
};

/* Writes the example into a file and runs it with /bin/bash, /usr/bin/node or /usr/bin/python3. A
 * swap that finds nothing, and a placeholder that is left, is said in why (and nothing runs). */
bool docs_run(struct docs_twin *twin, const struct docs_block *example,
	const struct docs_recipe *recipe, struct docs_result *ret_result, char why[static 200]);
void docs_result_done(struct docs_result *result);

#endif
