/* SPDX-License-Identifier: MIT */
/*
 * The members of a JSON object's text, one after the other, without making a tree of it: a record
 * is compared with its copy in a tenth of the time that parsing the copy takes.
 */
#ifndef MOONHOOK_RUNNER_MEMBER_H
#define MOONHOOK_RUNNER_MEMBER_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/slice.h"

struct member {                   /* BORROWS from the text */
	struct slice name, value; /* name: between its quotes */
};

struct member_walk {
	const char *p, *end;
	struct slice before; /* the name in front */
	bool bad;            /* it is not a text as dump.h writes it, with plain names in order */
};

/* The text has no blanks and its names are sorted, as dump.h writes it; a name with an escape
 * counts as bad. */
void member_begin(struct member_walk *walk, struct slice object);
/* False at the end, or where the text is bad: look at walk->bad then. */
bool member_next(struct member_walk *walk, struct member *ret_member);
/* The order of names. */
int member_order(struct slice a, struct slice b);
/* The value of a member; n 0: none, or the text is bad in front of it. */
struct slice member_find(struct slice object, const char *name);
/* Appends the object without the member of this name. RC_PARSE: bad; RC_TOO_LARGE, RC_NOMEM. */
enum rc member_put_without(struct buf *out, struct slice object, const char *name) must_check;

#endif
