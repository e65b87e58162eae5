/* SPDX-License-Identifier: MIT */
/* Which events a rule's head means. */
#ifndef MOONHOOK_RUNNER_MATCH_H
#define MOONHOOK_RUNNER_MATCH_H

#include <stdbool.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"

/* Is this something `on` may say? "person.created" "person.*" "*.deleted" "hook:stripe" "timer".
 * RC_INVALID with a sentence that names what is wrong. */
enum rc match_check(const char *pattern, struct err *err) must_check;
/* "*.deleted" means records only: neither hooks nor metadata. */
bool match_name(const char *pattern, const char *name);
/* The value at "a.b.c" of record, NULL where there is none. BORROWS. */
json_t *match_find(const json_t *record, const char *path);
/* The text of the field at "a.b.c" of record: strings as they are, numbers and booleans as JSON
 * writes them. ret_found false where the field is absent, null, or no scalar. */
enum rc match_field(
	const json_t *record, const char *path, struct buf *out, bool *ret_found) must_check;
/* Why a field has no text. A relation that is null may be there under its own name only. */
enum match_lack {
	MATCH_LACK_VALUE,  /* it is empty now */
	MATCH_LACK_SINGLE, /* it has several values */
	MATCH_LACK_FIELD,  /* there is no such field */
};
enum match_lack match_lack(const json_t *record, const char *path);

#endif
