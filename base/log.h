/* SPDX-License-Identifier: MIT */
/*
 * The log: one line per event of the program, on stderr. On a terminal aligned text, else JSON
 * lines with the keys ts level room msg source event run rule object record attempt outcome dur_ms
 * api_calls cause report; a key without a value is left out. The lines of a report stand
 * below the line on a terminal. No names, e-mail addresses or secrets go in.
 * Equal lines in a row are counted and said once ("repeated": n).
 */
#ifndef MOONHOOK_BASE_LOG_H
#define MOONHOOK_BASE_LOG_H

#include <stdint.h>

#include "base/attr.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_NONE }; /* NONE: as the least */
enum log_format { LOG_AUTO, LOG_TEXT, LOG_JSON };

struct log_fields { /* BORROWS until the call returns; NULL and negative mean absent */
	const char *source;
	const char *event;
	const char *run;
	const char *rule;
	const char *object;
	const char *record;
	const char *outcome;
	const char *cause;
	const char *report; /* several lines */
	int attempt;        /* absent when 0 */
	int64_t dur_ms;     /* absent when 0 */
	int64_t api_calls;  /* absent when 0 */
};

/* Names the process in every line ("receiver") and chooses the form. room: STATIC. */
void log_start(const char *room, enum log_format format, enum log_level least);
enum log_level log_least(void);
/* fields may be NULL. Control characters in any value are escaped. Any thread. */
void log_line(enum log_level level, const struct log_fields *fields, const char *fmt, ...)
	printf_like(3, 4);

#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_warn(...) log_line(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)

#endif
