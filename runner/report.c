/* SPDX-License-Identifier: MIT */
/*
 * Rendering errors for rule authors.
 * From: outcome.c (runs), rules.c (files), tests of rules. To: caret.c for the line. What a worker
 * says is hostile: texts are bounded, and what a terminal would obey is shown as ?. Fails for want
 * of memory.
 */
#include "runner/report.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "runner/bundle.h"
#include "runner/caret.h"

#define FRAMES_MAX 16
#define WORD_MAX 200 /* bytes of a name that are shown */

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text != NULL ? text : "";
}

static json_int_t number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

/* Appends at most so many bytes of text, harmless. */
static enum rc put_safe(struct buf *out, const char *text, size_t most)
{
	size_t n = strlen(text);
	enum rc rc = RC_OK;
	for (size_t i = 0; i < n && rc == RC_OK;) {
		size_t step = utf8_length(text + i, n - i);
		if (i + step > most)
			return buf_put_text(out, "..");
		if (step == 0 || utf8_obeyed(text + i, step))
			rc = buf_put_text(out, "?");
		else
			rc = buf_put(out, text + i, step);
		i += step != 0 ? step : 1;
	}
	return rc;
}

/* "route.lua:12: " at the start of a message: its length, 0 where it is not there. */
static size_t place_length(const char *message, const char *file, json_int_t line)
{
	char place[320];
	int n = snprintf(place, sizeof(place), "%.255s:%" JSON_INTEGER_FORMAT ": ", file, line);
	return n > 0 && strncmp(message, place, (size_t)n) == 0 ? (size_t)n : 0;
}

struct place { /* where it came up, which a module may be */
	char file[BUNDLE_NAME_N];
	json_int_t line; /* 0: not known */
};

/* Takes the file from "lib/owners.lua:3: .."; false where another line stands there. */
static bool read_place(const char *message, struct place *place)
{
	char after[32];
	const char *colon = strstr(message, ".lua:");
	size_t n = colon != NULL ? (size_t)(colon + 4 - message) : 0;
	int m = snprintf(after, sizeof(after), ":%" JSON_INTEGER_FORMAT ": ", place->line);
	if (n == 0 || n >= sizeof(place->file) || strncmp(message + n, after, (size_t)m) != 0)
		return false;
	snprintf(place->file, sizeof(place->file), "%.*s", (int)n, message);
	return true;
}

static struct place place_of(const struct report *report)
{
	struct place place = {.line = number_of(report->error, "line")};
	const json_t *frame = json_array_get(json_object_get(report->error, "frames"), 0);
	snprintf(place.file, sizeof(place.file), "%s", report->file);
	if (read_place(text_of(report->error, "message"), &place))
		return place;
	if (frame != NULL && number_of(frame, "line") == place.line)
		snprintf(place.file, sizeof(place.file), "%s", text_of(frame, "file"));
	return place;
}

/* Does it begin with a place of its own, "lib/owners.lua:3: "? */
static bool has_place(const char *message)
{
	const char *colon = strstr(message, ".lua:");
	return colon != NULL && colon - message < 256 && colon[5] >= '0' && colon[5] <= '9';
}

void report_headline(const struct report *report, char ret_text[static REPORT_HEADLINE_N])
{
	struct place place = place_of(report);
	const char *message = text_of(report->error, "message");
	if (*message == '\0')
		message = "the rule failed";
	if (place.line > 0 && !has_place(message))
		snprintf(ret_text, REPORT_HEADLINE_N, "%s:%" JSON_INTEGER_FORMAT ": %s", place.file,
			place.line, message);
	else
		snprintf(ret_text, REPORT_HEADLINE_N, "%s", message);
	utf8_close(ret_text);
}

/* --- the lines below it ---------------------------------------------------------------------- */

static struct slice line_at(struct slice text, json_int_t number)
{
	const char *p = text.p, *end = text.p + text.n;
	for (json_int_t i = 1; i < number && p != NULL; i++) {
		p = memchr(p, '\n', (size_t)(end - p));
		p = p != NULL ? p + 1 : NULL;
	}
	if (p == NULL || p >= end || number < 1)
		return (struct slice){0};
	const char *stop = memchr(p, '\n', (size_t)(end - p));
	return (struct slice){p, (size_t)((stop != NULL ? stop : end) - p)};
}

static enum rc put_source(const struct report *report, struct buf *out)
{
	size_t at = 0, n = 0;
	struct place place = place_of(report);
	const char *message = text_of(report->error, "message"), *call = NULL;
	if (report->text.n == 0)
		return RC_OK;
	struct slice line = line_at(bundle_text(report->text, place.file), place.line);
	if (line.n == 0)
		return RC_OK;
	if (json_is_string(json_object_get(report->error, "call")))
		call = text_of(report->error, "call");
	caret_find(line, message + place_length(message, place.file, place.line), call, &at, &n);
	return caret_put(out, (int)place.line, line, at, n);
}

static enum rc put_frame(const json_t *frame, struct buf *out)
{
	json_int_t from = number_of(frame, "from");
	const char *name = text_of(frame, "name");
	enum rc rc = put_safe(out, text_of(frame, "file"), WORD_MAX);
	if (rc == RC_OK)
		rc = buf_printf(out, ":%" JSON_INTEGER_FORMAT ": in ", number_of(frame, "line"));
	if (rc == RC_OK && from == 0)
		return buf_put_text(out, "the file itself");
	if (rc == RC_OK && *name == '\0')
		return buf_printf(out, "the function of line %" JSON_INTEGER_FORMAT, from);
	return rc == RC_OK ? put_safe(out, name, WORD_MAX) : rc;
}

enum rc report_put_frames(const json_t *error, struct buf *out)
{
	const json_t *frames = json_object_get(error, "frames");
	enum rc rc = RC_OK;
	for (size_t i = 0; i < json_array_size(frames) && i < FRAMES_MAX && rc == RC_OK; i++) {
		if (i != 0)
			rc = buf_put_text(out, "\n");
		if (rc == RC_OK)
			rc = put_frame(json_array_get(frames, i), out);
	}
	return rc;
}

static enum rc put_frames(const struct report *report, struct buf *out)
{
	return report_put_frames(report->error, out);
}

/* "2.1 people:get" -> "call 2.1: twenty.people:get" */
static enum rc put_call_name(const char *call, struct buf *out)
{
	const char *space = strchr(call, ' ');
	const char *name = space != NULL ? space + 1 : call;
	bool crm = strchr(name, ':') != NULL && strncmp(name, "http", 4) != 0 &&
		   strncmp(name, "kv", 2) != 0;
	char path[64] = "";
	if (space != NULL)
		snprintf(path, sizeof(path), "%.*s", (int)(space - call), call);
	enum rc rc = buf_put_text(out, "call ");
	if (rc == RC_OK)
		rc = put_safe(out, path, sizeof(path));
	if (rc == RC_OK)
		rc = buf_put_text(out, crm ? ": twenty." : ": ");
	size_t colon = crm ? 0 : strcspn(name, ":"); /* http.get, but people:get */
	char written[WORD_MAX];
	snprintf(written, sizeof(written), "%s", name);
	if (!crm && colon < strlen(written))
		written[colon] = '.';
	return rc == RC_OK ? put_safe(out, written, WORD_MAX) : rc;
}

static enum rc put_call(const struct report *report, struct buf *out)
{
	const json_t *error = report->error;
	const char *call = text_of(error, "call");
	json_int_t status = number_of(error, "status");
	if (*call == '\0')
		return RC_OK;
	enum rc rc = put_call_name(call, out);
	if (rc == RC_OK && status > 0)
		rc = buf_printf(out, ", status %" JSON_INTEGER_FORMAT, status);
	if (rc == RC_OK)
		rc = buf_put_text(out, " (");
	if (rc == RC_OK)
		rc = put_safe(out, text_of(error, "code"), WORD_MAX);
	return rc == RC_OK ? buf_put_text(out, ")") : rc;
}

static enum rc put_event(const struct report *report, struct buf *out)
{
	if (report->event == NULL)
		return RC_OK;
	enum rc rc = buf_put_text(out, "event ");
	if (rc == RC_OK)
		rc = put_safe(out, report->event, WORD_MAX);
	if (rc == RC_OK && report->record != NULL && *report->record != '\0')
		rc = buf_put_text(out, " of ");
	if (rc == RC_OK && report->record != NULL)
		rc = put_safe(out, report->record, WORD_MAX);
	if (rc == RC_OK && report->event_id != NULL && *report->event_id != '\0')
		rc = buf_put_text(out, ", ");
	return rc == RC_OK && report->event_id != NULL ? put_safe(out, report->event_id, WORD_MAX)
						       : rc;
}

enum rc report_put(const struct report *report, struct buf *out)
{
	enum rc (*const parts[])(const struct report *, struct buf *) = {
		put_source, put_frames, put_call, put_event};
	size_t start = out->n;
	struct buf part;
	enum rc rc = RC_OK;
	for (size_t i = 0; i < ARRAY_N(parts) && rc == RC_OK; i++) {
		buf_init(&part, REPORT_BYTES);
		rc = parts[i](report, &part);
		bool fits = rc == RC_OK && out->n - start + part.n + 1 <= REPORT_BYTES;
		if (fits && part.n != 0 && out->n != start)
			rc = buf_put_text(out, "\n");
		if (fits && part.n != 0 && rc == RC_OK)
			rc = buf_put(out, part.p, part.n);
		buf_done(&part);
		if (rc == RC_TOO_LARGE)
			rc = RC_OK;
	}
	return rc;
}
