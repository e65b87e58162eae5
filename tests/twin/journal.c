/* SPDX-License-Identifier: MIT */
/*
 * The log of requests. From: app.c. To: GET /_twin/log. Never fails its caller.
 */
#include "tests/twin/journal.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tests/twin/print.h"

static enum rc journal_line(struct buf *out, int64_t at_ms, const char *method, const char *path,
	const char *query, struct slice body, int status)
{
	char at[CLOCK_TEXT_N];
	clock_format(at_ms, at);
	enum rc rc = buf_printf(out, "{\"at\":\"%s\",\"method\":\"%s\",\"path\":", at, method);
	if (rc == RC_OK)
		rc = print_string(out, path, strlen(path));
	if (rc == RC_OK)
		rc = buf_put_text(out, ",\"query\":");
	if (rc == RC_OK)
		rc = print_string(out, query, strlen(query));
	if (rc == RC_OK)
		rc = buf_put_text(out, ",\"body\":");
	if (rc == RC_OK && body.n == 0)
		rc = buf_put_text(out, "null");
	else if (rc == RC_OK)
		rc = print_string(
			out, body.p, body.n < JOURNAL_BODY_MAX ? body.n : JOURNAL_BODY_MAX);
	return rc == RC_OK ? buf_printf(out, ",\"status\":%d}\n", status) : rc;
}

void journal_put(struct journal *j, int64_t at_ms, const char *method, const char *path,
	const char *query, struct slice body, int status)
{
	if (j->off)
		return;
	if (j->lines == NULL)
		j->lines = calloc(JOURNAL_MAX, sizeof(*j->lines));
	if (j->lines == NULL)
		return;
	struct buf line;
	buf_init(&line, 1u << 20);
	if (journal_line(&line, at_ms, method, path, query, body, status) != RC_OK) {
		buf_done(&line);
		return;
	}
	size_t at = (j->first + j->n) % JOURNAL_MAX;
	if (j->n == JOURNAL_MAX) {
		free(j->lines[at]);
		j->first = (j->first + 1) % JOURNAL_MAX;
	} else {
		j->n++;
	}
	j->lines[at] = line.p;
}

void journal_clear(struct journal *j)
{
	for (size_t i = 0; i < j->n; i++) {
		size_t at = (j->first + i) % JOURNAL_MAX;
		free(j->lines[at]);
		j->lines[at] = NULL;
	}
	j->n = j->first = 0;
}

void journal_done(struct journal *j)
{
	journal_clear(j);
	free(j->lines);
	j->lines = NULL;
}

enum rc journal_print(const struct journal *j, size_t last, struct buf *out)
{
	enum rc rc = RC_OK;
	for (size_t i = last < j->n ? j->n - last : 0; i < j->n && rc == RC_OK; i++)
		rc = buf_put_text(out, j->lines[(j->first + i) % JOURNAL_MAX]);
	return rc;
}
