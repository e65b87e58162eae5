/* SPDX-License-Identifier: MIT */
/*
 * Reads what a worker asks for.
 * From: call.c, a frame of a hostile worker, parsed. To: call.c, as words and arguments with their
 * digest, by which a retry is held against what was done before. Fails with half a sentence that
 * says what is wrong. Does not know which calls there are.
 */
#include "runner/asked.h"

#include <string.h>

#include "base/attr.h"
#include "runner/dump.h"
#include "runner/journal.h"

#define WORD "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_."

bool asked_word(const char *text, const char *chars, size_t least)
{
	size_t n = text != NULL ? strlen(text) : SIZE_MAX;
	return n >= least && n < JOURNAL_WORD_N && strspn(text, chars) == n;
}

enum rc asked_read(json_t *tree, struct asked *ret_asked, struct err *err)
{
	json_t *object = json_object_get(tree, "object");
	struct asked a = {
		.path = json_string_value(json_object_get(tree, "path")),
		.method = json_string_value(json_object_get(tree, "method")),
		.object = json_is_string(object) ? json_string_value(object) : "",
		.args = json_object_get(tree, "args"),
	};
	if (!asked_word(a.path, ASKED_PATH, 1) || !asked_word(a.method, WORD, 1) ||
		!asked_word(a.object, WORD, 0))
		return err_set(err, RC_PARSE, "it names no path, method or object");
	buf_init(&a.request, ASKED_TEXT_MAX);
	enum rc rc = dump_value(&a.request, a.args);
	struct slice parts[] = {{a.method, strlen(a.method) + 1}, {a.object, strlen(a.object) + 1},
		buf_slice(&a.request)};
	if (rc == RC_OK)
		rc = digest_sha256(parts, ARRAY_N(parts), a.digest);
	if (rc != RC_OK) {
		buf_done(&a.request);
		return err_set(err, rc, "its arguments are %s", rc_text(rc));
	}
	*ret_asked = a;
	return RC_OK;
}

void asked_done(struct asked *asked)
{
	buf_done(&asked->request);
}
