/* SPDX-License-Identifier: MIT */
/*
 * One test file: its text here, its Lua in a worker of its own (solo.h). What it says is data; its
 * stubs and expectations are asked. Of a file that hangs or dies, an error with its sentence comes
 * back, and the next test begins anew.
 */
#ifndef MOONHOOK_RUNNER_REHEARSE_SCRIPT_H
#define MOONHOOK_RUNNER_REHEARSE_SCRIPT_H

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "runner/solo.h"

#define SCRIPT_PATH_N 512

struct script {
	struct solo *solo;        /* BORROWED */
	char path[SCRIPT_PATH_N]; /* as it was named: scripts/rules/a_test.lua */
	char dir[SCRIPT_PATH_N];  /* "scripts/rules" */
	char name[256];           /* "a_test.lua" */
	struct buf text;
	json_t *fixtures; /* {name: text}, those that it asked for so far */
};

struct script_error { /* what went wrong in the test file */
	char text[5120];
	int line; /* 0: of no line */
};

/* Reads the file. RC_NOT_FOUND, RC_DENIED, RC_TOO_LARGE with a sentence. */
enum rc script_open(
	struct script *script, struct solo *solo, const char *path, struct err *err) must_check;
void script_close(struct script *script);

/* Runs the file in a fresh state, fixtures and all: [{name, line}, ..]. RC_RULE: ret_error says
 * what is wrong with it; anything else is err's. GIVES. */
enum rc script_tests(struct script *script, json_t **ret_tests, struct script_error *ret_error,
	struct err *err) must_check;
/* Asks the state that is open; what: "scene", "stub" or "judge". arg is BORROWED. As script_tests.
 * GIVES. */
enum rc script_ask(struct script *script, const char *what, json_t *arg, json_t **ret_value,
	struct script_error *ret_error, struct err *err) must_check;

/* A copy in which null, which JSON says and Lua does not, is a text that no rule writes: "\0null".
 * GIVES; NULL: no memory. */
json_t *script_mark(const json_t *value);

#endif
