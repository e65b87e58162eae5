/* SPDX-License-Identifier: MIT */
/* What a run asks for: one CALL or SIDE frame, checked for its form. */
#ifndef MOONHOOK_RUNNER_ASKED_H
#define MOONHOOK_RUNNER_ASKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"

#define ASKED_TEXT_MAX (15u << 20) /* of arguments and answers; a frame takes a little more */
#define ASKED_PATH "0123456789."   /* what a path is made of */

struct asked { /* a CALL frame; BORROWS from the tree */
	const char *path, *method, *object;
	json_t *args;
	bool side;          /* of a branch: the worker goes on with others */
	struct buf request; /* the canonical args, given to the call that is made of it */
	uint8_t digest[DIGEST_N];
};

/* tree BORROWED for as long as ret_asked is used. RC_PARSE, RC_TOO_LARGE, RC_NOMEM. */
enum rc asked_read(json_t *tree, struct asked *ret_asked, struct err *err) must_check;
void asked_done(struct asked *asked);
/* At least so many of these characters, and no others. */
bool asked_word(const char *text, const char *chars, size_t least);

#endif
