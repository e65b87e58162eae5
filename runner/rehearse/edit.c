/* SPDX-License-Identifier: MIT */
/*
 * A test's rules with other settings than those that stand in their files.
 * From: rules.c, when the files of a scene have been read. To: the same files with other texts. A
 * piece of text is put in the place of another one, which must be there, once, and have as many
 * lines: so errors and coverage tell the lines of the file. Fails by keeping the sentence in the
 * scene. Does not understand Lua.
 */
#include <stdlib.h>
#include <string.h>

#include "runner/bundle.h"
#include "runner/rehearse/scene.h"

#define WHOLE_MAX (4u << 20)

static size_t lines_of(struct slice text)
{
	size_t n = 0;
	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == '\n';
	return n;
}

/* Where a piece stands in a text; NULL: nowhere. */
static const char *find(struct slice text, struct slice piece)
{
	return text.n >= piece.n ? memmem(text.p, text.n, piece.p, piece.n) : NULL;
}

/* Counts where `from` stands in the texts of a version; the last of them is ret_at's file. */
static size_t count(
	const struct bundle *bundle, struct slice from, size_t *ret_file, const char **ret_at)
{
	size_t n = 0;
	for (size_t i = 0; i < bundle->n; i++) {
		struct slice rest = bundle->files[i].text;
		for (const char *at; (at = find(rest, from)) != NULL; n++) {
			*ret_file = i;
			*ret_at = at;
			rest.n -= (size_t)(at + from.n - rest.p);
			rest.p = at + from.n;
		}
	}
	return n;
}

/* The version with `to` at a place of one of its files. */
static enum rc put_other(struct bundle *bundle, size_t i, const char *at, struct slice from,
	struct slice to, struct buf *out)
{
	struct slice text = bundle->files[i].text;
	struct buf other;
	buf_init(&other, WHOLE_MAX);
	enum rc rc = buf_put(&other, text.p, (size_t)(at - text.p));
	if (rc == RC_OK)
		rc = buf_put(&other, to.p, to.n);
	if (rc == RC_OK)
		rc = buf_put(&other, at + from.n, text.n - (size_t)(at - text.p) - from.n);
	bundle->files[i].text = buf_slice(&other);
	if (rc == RC_OK)
		rc = bundle_put(bundle, out);
	buf_done(&other);
	return rc;
}

static enum rc edit_file(
	struct folder_file *f, struct slice from, struct slice to, size_t *ret_n, struct err *err)
{
	struct buf whole;
	const char *at = NULL;
	size_t file = 0, n = 0;
	struct bundle *bundle = malloc(sizeof(*bundle));
	if (bundle == NULL)
		return RC_NOMEM;
	buf_init(&whole, WHOLE_MAX);
	enum rc rc = bundle_open(buf_slice(&f->text), f->name, bundle);
	if (rc == RC_OK)
		n = count(bundle, from, &file, &at);
	if (n == 1)
		rc = put_other(bundle, file, at, from, to, &whole);
	free(bundle);
	*ret_n = n;
	if (n != 1 || rc != RC_OK) {
		buf_done(&whole);
		return rc;
	}
	buf_done(&f->text);
	f->text = whole;
	return folder_hash(f, err);
}

/* One piece, in all files of the test. */
static enum rc edit_all(struct scene *s, struct folder *folder, const char *key, const char *text)
{
	struct slice from = slice_of(key), to = slice_of(text);
	size_t found = 0;
	if (from.n == 0 || lines_of(from) != lines_of(to))
		return scene_refuse(s,
			"edit: \"%.100s\" has %zu line feeds and what stands for it has %zu; they "
			"must have as many, so that the lines of errors are those of the file",
			key, lines_of(from), lines_of(to));
	for (size_t i = 0; i < folder->n; i++) {
		struct err err = {.msg = ""};
		size_t n = 0;
		if (folder->files[i].error != NULL)
			return RC_OK; /* it is told, and is reason enough */
		enum rc rc = edit_file(&folder->files[i], from, to, &n, &err);
		if (rc != RC_OK)
			return scene_refuse(s, "edit: %s: %s", folder->files[i].name, rc_text(rc));
		if (n > 1)
			return scene_refuse(s,
				"edit: \"%.100s\" stands %zu times in %s or its modules; write "
				"more "
				"of the line",
				key, n, folder->files[i].name);
		found += n;
	}
	return found > 0 ? RC_OK
			 : scene_refuse(s,
				   "edit: \"%.100s\" does not stand in %s, nor in its modules", key,
				   s->files[0]);
}

void scene_edit(void *scene, struct folder *folder)
{
	struct scene *s = scene;
	const char *from;
	json_t *to;
	enum rc rc = RC_OK;
	json_object_foreach(json_object_get(s->plan, "edit"), from, to)
	{
		if (rc == RC_OK)
			rc = edit_all(s, folder, from, json_string_value(to));
	}
}
