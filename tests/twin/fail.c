/* SPDX-License-Identifier: MIT */
/*
 * Fills the reason of a refusal.
 * From: everything that checks a request. To: core.c and docs.c, which turn it into an answer.
 * Cannot fail; long texts are cut.
 */
#include "tests/twin/fail.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/twin/print.h"

static bool printf_like(5, 0) fail_fill(struct fail *fail, int status, const char *error,
	const char *code, const char *fmt, va_list ap)
{
	fail->status = status;
	fail->error = error;
	fail->code = code;
	vsnprintf(fail->msg, sizeof(fail->msg), fmt, ap);
	return false;
}

bool fail_bad(struct fail *fail, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	fail_fill(fail, 400, "BadRequestException", NULL, fmt, ap);
	va_end(ap);
	return false;
}

bool fail_with(
	struct fail *fail, int status, const char *error, const char *code, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	fail_fill(fail, status, error, code, fmt, ap);
	va_end(ap);
	return false;
}

bool fail_not_found(struct fail *fail)
{
	return fail_with(fail, 404, "NotFoundException", NULL, "Record not found");
}

bool fail_nomem(struct fail *fail)
{
	return fail_with(fail, 500, "InternalServerError", NULL, "out of memory");
}

void fail_inspect(const json_t *value, char *text, size_t text_n)
{
	if (json_is_string(value)) {
		snprintf(text, text_n, "'%s'", json_string_value(value));
		return;
	}
	struct buf out;
	buf_init(&out, 4096);
	if (print_json(&out, value) == RC_OK)
		snprintf(text, text_n, "%s", out.p);
	else
		snprintf(text, text_n, "[Object]");
	buf_done(&out);
}
