/* SPDX-License-Identifier: MIT */
/* What tests came to, said for people, as TAP, as JUnit's XML, or as JSON. */
#ifndef MOONHOOK_CLI_VERDICT_H
#define MOONHOOK_CLI_VERDICT_H

#include <stdio.h>

#include "base/err.h"
#include "cli/args.h"
#include "runner/rehearse/rehearse.h"

struct verdict {
	enum args_output form;
	FILE *out;
	size_t n;       /* cases so far */
	char file[512]; /* of the last one */
	struct rehearse_totals totals;
	json_t *rows; /* owned; of JSON and JUnit, which come at the end */
};

/* out is BORROWED. */
void verdict_open(struct verdict *verdict, enum args_output form, FILE *out);
/* One case: for rehearse_listener. */
void verdict_one(void *verdict, const struct rehearse_case *one);
/* Says what is left to be said; totals: NULL where the tests broke off. */
void verdict_close(struct verdict *verdict, const struct rehearse_totals *totals);

/* How much of each rule file ran, and the lines that did not. */
void verdict_cover(FILE *out, const json_t *coverage);

#endif
