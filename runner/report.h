/* SPDX-License-Identifier: MIT */
/*
 * What went wrong, for whoever wrote the rule: one text for the log, `runs show` and tests.
 *
 *   route.lua:12: attempt to index a nil value (field 'company')
 *      12 |   local name = deal.company.name
 *         |                     ^^^^^^^
 *   route.lua:12: in owner_of
 *   route.lua:30: in the function of line 28
 *   call 2: twenty.companies:get, status 500 (upstream)
 *   event opportunity.updated of 3f5e.., 01kavq..
 *
 * The first line is the headline; the others are the report. It shows the author's own code, no
 * value of a record: only the headline has Twenty's words in it. Columns are looked for, since Lua
 * tells lines only: where the word is not sure the caret is under the statement (caret.h).
 */
#ifndef MOONHOOK_RUNNER_REPORT_H
#define MOONHOOK_RUNNER_REPORT_H

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

#define REPORT_BYTES 4096     /* at most */
#define REPORT_HEADLINE_N 512 /* at most, with its NUL */

struct report {               /* BORROWS */
	const char *file;     /* of the rule */
	struct slice text;    /* its version, with its modules; n 0: not at hand */
	const json_t *error;  /* of an END or a HEAD: {"message","line","frames", ..}; hostile */
	const char *event;    /* "person.created"; NULL: no event led there */
	const char *record;   /* its id; NULL or "": none */
	const char *event_id; /* NULL or "": none */
};

/* "file:line: what is wrong". */
void report_headline(const struct report *report, char ret_text[static REPORT_HEADLINE_N]);
/* Appends the lines below it, without a line feed at the end; nothing where nothing is known. What
 * does not fit into REPORT_BYTES is left out, whole lines of it. RC_NOMEM. */
enum rc report_put(const struct report *report, struct buf *out) must_check;
/* Appends the frames of an error alone, a line each. RC_NOMEM, RC_TOO_LARGE. */
enum rc report_put_frames(const json_t *error, struct buf *out) must_check;

#endif
