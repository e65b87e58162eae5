/* SPDX-License-Identifier: MIT */
/*
 * Several Lua files as one text, and back.
 * From: folder.c, which makes it; version.c, which sends its parts to workers; report.c, which
 * shows a line of one. Fails by saying that a text is none. Does not understand Lua.
 */
#include "runner/bundle.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char mark[] = "-- moonhook version: ";

static bool is_marked(struct slice text)
{
	return text.n >= sizeof(mark) - 1 && memcmp(text.p, mark, sizeof(mark) - 1) == 0;
}

enum rc bundle_put(const struct bundle *bundle, struct buf *out)
{
	if (bundle->n == 1 && !is_marked(bundle->files[0].text))
		return buf_put(out, bundle->files[0].text.p, bundle->files[0].text.n);
	enum rc rc = buf_printf(out, "%s%zu files\n", mark, bundle->n);
	for (size_t i = 0; i < bundle->n && rc == RC_OK; i++) {
		const struct bundle_file *file = &bundle->files[i];
		if (strchr(file->name, '\n') != NULL)
			return RC_INVALID;
		rc = buf_printf(out, "-- %zu bytes: %s\n", file->text.n, file->name);
		if (rc == RC_OK)
			rc = buf_put(out, file->text.p, file->text.n);
		if (rc == RC_OK)
			rc = buf_put_text(out, "\n");
	}
	return rc;
}

/* Takes `before`, a number and `behind` off the front of rest. */
static bool read_number(
	struct slice *rest, const char *before, const char *behind, size_t *ret_value)
{
	size_t n = strlen(before), value = 0, digits = 0;
	if (rest->n < n || memcmp(rest->p, before, n) != 0)
		return false;
	for (; n < rest->n && rest->p[n] >= '0' && rest->p[n] <= '9' && digits < 9; n++, digits++)
		value = value * 10 + (size_t)(rest->p[n] - '0');
	size_t end = strlen(behind);
	if (digits == 0 || rest->n - n < end || memcmp(rest->p + n, behind, end) != 0)
		return false;
	*rest = (struct slice){rest->p + n + end, rest->n - n - end};
	*ret_value = value;
	return true;
}

static bool read_file(struct slice *rest, struct bundle_file *file)
{
	size_t bytes = 0;
	if (!read_number(rest, "-- ", " bytes: ", &bytes))
		return false;
	const char *end = memchr(rest->p, '\n', rest->n);
	size_t name = end != NULL ? (size_t)(end - rest->p) : 0;
	if (name == 0 || name >= BUNDLE_NAME_N || rest->n - name - 1 < bytes + 1)
		return false;
	snprintf(file->name, sizeof(file->name), "%.*s", (int)name, rest->p);
	file->text = (struct slice){end + 1, bytes};
	*rest = (struct slice){end + 1 + bytes + 1, rest->n - name - bytes - 2};
	return true;
}

enum rc bundle_open(struct slice text, const char *file, struct bundle *ret_bundle)
{
	struct bundle *b = ret_bundle;
	struct slice rest = text;
	size_t n = 0;
	if (!is_marked(text)) {
		b->n = 1;
		snprintf(b->files[0].name, sizeof(b->files[0].name), "%s", file);
		b->files[0].text = text;
		return RC_OK;
	}
	if (!read_number(&rest, mark, " files\n", &n) || n == 0 || n > BUNDLE_FILES_MAX)
		return RC_PARSE;
	for (b->n = 0; b->n < n; b->n++)
		if (!read_file(&rest, &b->files[b->n]))
			return RC_PARSE;
	return RC_OK;
}

struct slice bundle_text(struct slice text, const char *file)
{
	struct slice found = text;
	struct bundle *bundle = malloc(sizeof(*bundle));
	if (bundle != NULL && bundle_open(text, file, bundle) == RC_OK) {
		found = bundle->files[0].text;
		for (size_t i = 0; i < bundle->n; i++)
			if (strcmp(bundle->files[i].name, file) == 0)
				found = bundle->files[i].text;
	}
	free(bundle);
	return found;
}
