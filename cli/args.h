/* SPDX-License-Identifier: MIT */
/* The words of the command line behind the verb, sorted into flags, settings and operands. */
#ifndef MOONHOOK_CLI_ARGS_H
#define MOONHOOK_CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "cli/verb.h"

#define ARGS_MAX 128

/* The last two only of a verb that reports. */
enum args_output { ARGS_TABLE, ARGS_JSON, ARGS_JSONL, ARGS_TAP, ARGS_JUNIT };

struct args {
	const struct verb *verb;
	const char *config; /* the file to read; never NULL */
	enum args_output output;
	bool has_output; /* -o was given */
	bool help;
	const char *operands[ARGS_MAX]; /* BORROWS from argv */
	size_t operands_n;
	struct {
		const char *name, *value; /* value "" where the flag has none */
	} flags[ARGS_MAX];
	size_t flags_n;
	char *overrides[ARGS_MAX]; /* "key=value": settings given as flags; owned */
	size_t overrides_n;
};

/* Sorts argv[0..argc), which is behind the verb. Wrong usage is said on stderr and answered with
 * CLI_USAGE. */
enum cli_exit args_parse(
	struct args *args, const struct verb *verb, int argc, char *const *argv) must_check;
void args_done(struct args *args);

/* The value of the last flag of this name; NULL where it was not given. */
const char *args_flag(const struct args *args, const char *name);
/* The i-th (from 0) value of a flag that may be repeated; NULL behind the last. */
const char *args_flag_at(const struct args *args, const char *name, size_t i);

/* Says "moonhook: <sentence>" on stderr, safe for terminals, and answers status. */
int args_fail(enum cli_exit status, const char *fmt, ...) printf_like(2, 3);

#endif
