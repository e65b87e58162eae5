/* SPDX-License-Identifier: MIT */
/* What `moonhook doctor` has found, row by row. */
#ifndef MOONHOOK_CLI_FINDING_H
#define MOONHOOK_CLI_FINDING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "cli/args.h"

enum finding_level { FINDING_OK, FINDING_WARN, FINDING_FAIL };

#define FINDING_TEXT_N 600

struct finding {
	const char *name; /* of the check: "clock", "webhook" ..; STATIC */
	enum finding_level level;
	bool brief; /* on a terminal, goes with the next one in a line where all is well */
	char text[FINDING_TEXT_N];
	char fix[FINDING_TEXT_N]; /* a command, or what to do; "" where nothing is to be done */
};

#define FINDINGS_MAX 200

struct findings {          /* zero: none; owned by its user, no memory of its own */
	struct finding *p; /* FINDINGS_MAX of them */
	size_t n;
};

/* A row; the newest past FINDINGS_MAX are dropped. GIVES its place for finding_fix. */
struct finding *finding_put(struct findings *findings, const char *name, enum finding_level level,
	const char *fmt, ...) printf_like(4, 5);
/* What to do about it; a command begins with "moonhook ". */
void finding_fix(struct finding *finding, const char *fmt, ...) printf_like(2, 3);
/* How many have this level. */
size_t findings_count(const struct findings *findings, enum finding_level level);
/* To standard output, in the form that is asked for: as a JSON array of {name, level, text, fix},
 * or for people. False: no memory. */
bool findings_show(const struct findings *findings, enum args_output output);

#endif
