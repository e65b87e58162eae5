/* SPDX-License-Identifier: MIT */
/* Why a request is refused: what the error answer will say, before it is known in which dialect. */
#ifndef MOONHOOK_TESTS_TWIN_FAIL_H
#define MOONHOOK_TESTS_TWIN_FAIL_H

#include <jansson.h>
#include <stdbool.h>

#include "base/attr.h"

struct fail {
	int status;        /* HTTP */
	const char *error; /* STATIC: "BadRequestException" */
	const char *code;  /* STATIC or NULL: "PERMISSION_DENIED" */
	char field[64];    /* which input field, where one is to blame, else "" */
	char msg[1024];
};

/* Fills fail and returns false, so that `return fail_bad(..)` works. Status 400. */
bool fail_bad(struct fail *fail, const char *fmt, ...) printf_like(2, 3);
bool fail_with(struct fail *fail, int status, const char *error, const char *code, const char *fmt,
	...) printf_like(5, 6);
bool fail_not_found(struct fail *fail);
bool fail_nomem(struct fail *fail);
/* Node's util.inspect, roughly: 'text' in single quotes, anything else as JSON. */
void fail_inspect(const json_t *value, char *text, size_t text_n);

#endif
