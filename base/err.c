/* SPDX-License-Identifier: MIT */
/*
 * Filling in one error.
 * From: every layer that fails. To: the edge of the process, which logs it. Never logs itself.
 */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

/* Writes the sentence, and behind it ": <tail>" unless that is NULL. */
printf_like(3, 0) static enum rc
	fill(struct err *err, enum rc code, const char *fmt, va_list ap, const char *tail)
{
	if (err == NULL)
		return code;
	err->code = code;
	vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	size_t n = strlen(err->msg);
	if (tail != NULL)
		snprintf(err->msg + n, sizeof(err->msg) - n, ": %s", tail);
	utf8_close(err->msg);
	return code;
}

enum rc err_set(struct err *err, enum rc code, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	fill(err, code, fmt, ap, NULL);
	va_end(ap);
	return code;
}

enum rc err_set_errno(struct err *err, enum rc code, int errno_value, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	fill(err, code, fmt, ap, strerror(errno_value));
	va_end(ap);
	return code;
}

enum rc err_wrap(struct err *err, const char *fmt, ...)
{
	if (err == NULL)
		return RC_INVALID;
	struct err old = *err;
	va_list ap;
	va_start(ap, fmt);
	fill(err, old.code, fmt, ap, old.msg);
	va_end(ap);
	return old.code;
}
