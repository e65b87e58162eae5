/* SPDX-License-Identifier: MIT */
/* One error: its code and the sentence, written by the layer that knows the object. */
#ifndef MOONHOOK_BASE_ERR_H
#define MOONHOOK_BASE_ERR_H

#include "base/attr.h"
#include "base/rc.h"

struct err {
	enum rc code;
	char msg[256]; /* one sentence, UTF-8, no final full stop, cut when longer */
};

/* Fills err (which may be NULL) and returns code, so that `return err_set(err, RC_X, ..)` works. */
enum rc err_set(struct err *err, enum rc code, const char *fmt, ...) printf_like(3, 4);
/* As err_set, with ": <strerror(errno_value)>" behind the sentence. */
enum rc err_set_errno(struct err *err, enum rc code, int errno_value, const char *fmt, ...)
	printf_like(4, 5);
/* Puts "<text>: " in front of the sentence that is there; returns err's code. */
enum rc err_wrap(struct err *err, const char *fmt, ...) printf_like(2, 3);

#endif
