/* SPDX-License-Identifier: MIT */
/*
 * One line per thing that happened.
 * From: the edge of every process. To: stderr. A line is written with one write, so lines of
 * several processes do not mix. Fails silently: a log that cannot be written must not stop the
 * work.
 */
#include "base/log.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/utf8.h"

#define LINE_MAX_BYTES 8192
#define VALUES_MAX_BYTES (LINE_MAX_BYTES - 512) /* the rest is for keys and closing quotes */
#define REPEAT_MS 10000

static const char *const level_names[] = {"debug", "info", "warn", "error"};

static struct {
	const char *room;
	enum log_level least;
	bool json;
} settings = {"moonhook", LOG_INFO, true};

static pthread_mutex_t last_lock = PTHREAD_MUTEX_INITIALIZER; /* guards last_ */
static char last_body[LINE_MAX_BYTES];
static enum log_level last_level;
static uint64_t last_n; /* repeats not said yet */
static int64_t last_ms;

void log_start(const char *room, enum log_format format, enum log_level least)
{
	settings.room = room;
	settings.least = least;
	settings.json = format == LOG_JSON || (format == LOG_AUTO && isatty(STDERR_FILENO) == 0);
}

enum log_level log_least(void)
{
	return settings.least;
}

/* A line that is too long is cut; the remaining room is all that put can fail for. */
static void put(struct buf *b, const char *text)
{
	if (buf_put_text(b, text) != RC_OK)
		return;
}

/* What stands for a character that cannot be shown as it is; NULL where it can. piece: room. */
static const char *escape(const char *p, size_t len, char piece[static 16])
{
	unsigned char c = (unsigned char)*p;
	if (len == 0)
		return "\\ufffd";
	if (settings.json && (c == '"' || c == '\\'))
		snprintf(piece, 16, "\\%c", c);
	else if (c < 0x80 && utf8_obeyed(p, len))
		snprintf(piece, 16, "\\u%04x", c);
	else if (utf8_obeyed(p, len))
		snprintf(piece, 16, "\\ufffd");
	else
		return NULL;
	return piece;
}

/* Appends text, harmless stretches in one piece. */
static void put_escaped(struct buf *b, const char *text)
{
	size_t n = strlen(text), from = 0, at = 0;
	size_t room = b->n < VALUES_MAX_BYTES ? VALUES_MAX_BYTES - b->n : 0;
	n = n < room ? n : room;
	while (at < n) {
		char piece[16];
		size_t len = utf8_length(text + at, n - at);
		const char *instead = escape(text + at, len, piece);
		if (instead != NULL) {
			if (buf_put(b, text + from, at - from) != RC_OK || b->n > VALUES_MAX_BYTES)
				return;
			put(b, instead);
			from = at + (len != 0 ? len : 1);
		}
		at += len != 0 ? len : 1;
	}
	if (buf_put(b, text + from, n - from) != RC_OK)
		return;
}

static void put_text_field(struct buf *b, const char *key, const char *value)
{
	if (value == NULL || value[0] == '\0')
		return;
	put(b, settings.json ? ",\"" : "  ");
	put(b, key);
	put(b, settings.json ? "\":\"" : "=");
	put_escaped(b, value);
	if (settings.json)
		put(b, "\"");
}

static void put_int_field(struct buf *b, const char *key, int64_t value)
{
	char text[64];
	if (value <= 0)
		return;
	snprintf(text, sizeof(text), settings.json ? ",\"%s\":%" PRId64 : "  %s=%" PRId64, key,
		value);
	put(b, text);
}

/* JSON has it in one text, line feeds escaped; a terminal has its lines below. */
static void put_report(struct buf *b, const char *report)
{
	if (report == NULL || settings.json) {
		put_text_field(b, "report", report);
		return;
	}
	for (const char *line = report; line != NULL;) {
		char one[512];
		const char *end = strchr(line, '\n');
		size_t n = end != NULL ? (size_t)(end - line) : strlen(line);
		snprintf(one, sizeof(one), "%.*s", (int)(n < sizeof(one) ? n : sizeof(one) - 1),
			line);
		put(b, "\n              ");
		put_escaped(b, one);
		line = end != NULL ? end + 1 : NULL;
	}
}

static void put_fields(struct buf *b, const struct log_fields *f)
{
	put_text_field(b, "source", f->source);
	put_text_field(b, "event", f->event);
	put_text_field(b, "run", f->run);
	put_text_field(b, "rule", f->rule);
	put_text_field(b, "object", f->object);
	put_text_field(b, "record", f->record);
	put_int_field(b, "attempt", f->attempt);
	put_text_field(b, "outcome", f->outcome);
	put_int_field(b, "dur_ms", f->dur_ms);
	put_int_field(b, "api_calls", f->api_calls);
	put_text_field(b, "cause", f->cause);
	put_report(b, f->report);
}

static void write_line(enum log_level level, const char *body, uint64_t repeated)
{
	char line[LINE_MAX_BYTES + 256], ts[CLOCK_TEXT_N];
	clock_format(clock_wall_ms(), ts);
	int n;
	if (settings.json)
		n = snprintf(line, sizeof(line),
			"{\"ts\":\"%s\",\"level\":\"%s\",\"room\":\"%s\",%s", ts,
			level_names[level], settings.room, body);
	else
		n = snprintf(line, sizeof(line), "%.12s  %-5s  %-10s  %s", ts + 11,
			level_names[level], settings.room, body);
	size_t at = n < 0 ? 0 : (size_t)n < sizeof(line) - 64 ? (size_t)n : sizeof(line) - 64;
	if (repeated != 0)
		at += (size_t)snprintf(line + at, sizeof(line) - at,
			settings.json ? ",\"repeated\":%" PRIu64 : "  repeated=%" PRIu64, repeated);
	at += (size_t)snprintf(line + at, sizeof(line) - at, settings.json ? "}\n" : "\n");
	if (write(STDERR_FILENO, line, at) < 0)
		return;
}

/* Writes a line, or only counts it where it repeats the one before. What was counted is said before
 * the next other line, or with the first repeat after a while. */
static void write_or_count(enum log_level level, const char *body)
{
	int64_t now = clock_mono_ms();
	pthread_mutex_lock(&last_lock);
	bool same = level == last_level && strcmp(body, last_body) == 0;
	if (same && now - last_ms < REPEAT_MS) {
		last_n++;
	} else {
		if (!same && last_n != 0)
			write_line(last_level, last_body, last_n);
		write_line(level, body, same ? last_n : 0);
		if (!same)
			snprintf(last_body, sizeof(last_body), "%s", body);
		last_level = level;
		last_ms = now;
		last_n = 0;
	}
	pthread_mutex_unlock(&last_lock);
}

void log_line(enum log_level level, const struct log_fields *fields, const char *fmt, ...)
{
	if (level < settings.least)
		return;
	char msg[2048];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);

	struct buf b;
	buf_init(&b, LINE_MAX_BYTES - 1);
	if (settings.json)
		put(&b, "\"msg\":\"");
	put_escaped(&b, msg);
	if (settings.json)
		put(&b, "\"");
	if (fields != NULL)
		put_fields(&b, fields);
	if (b.p != NULL)
		write_or_count(level, b.p);
	buf_done(&b);
}
