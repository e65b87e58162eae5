/* SPDX-License-Identifier: MIT */
/*
 * Line coverage of rules.
 * From: rehearse.c, around each test. To: a worker, over TEST frames, by way of the shelf on which
 * it lies between two tests. Which lines there are is asked of a worker, too: it compiles the file.
 */
#include "runner/rehearse/coverage.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "runner/folder.h"

#define CPU_MS 2000

enum rc coverage_open(struct coverage *coverage, const char *exe, struct err *err)
{
	coverage->ran = json_object();
	if (coverage->ran == NULL)
		return err_set(err, RC_NOMEM, "no memory for coverage");
	return solo_open(exe, &coverage->solo, err);
}

void coverage_close(struct coverage *coverage)
{
	solo_close(coverage->solo);
	json_decref(coverage->ran);
	*coverage = (struct coverage){0};
}

/* Asks a worker; GIVES its value. */
static enum rc ask(struct solo *solo, json_t *question, json_t **ret_value, struct err *err)
{
	json_t *told = NULL;
	char *text = question != NULL ? json_dumps(question, JSON_COMPACT) : NULL;
	json_decref(question);
	if (text == NULL)
		return err_set(err, RC_NOMEM, "no memory for coverage");
	const struct solo_question q = {.kind = FRAME_TEST,
		.answer = FRAME_TOLD,
		.payload = slice_of(text),
		.cpu_ms = CPU_MS};
	enum rc rc = solo_ask(solo, &q, &told, err);
	free(text);
	if (rc == RC_OK) {
		*ret_value = json_incref(json_object_get(told, "value"));
		if (*ret_value == NULL)
			rc = err_set(err, RC_PARSE, "a worker does not say which lines there are");
	}
	json_decref(told);
	return rc;
}

enum rc coverage_begin(struct coverage *coverage, struct spawn_shelf *shelf, struct err *err)
{
	json_t *nothing = NULL;
	if (shelf->pid != 0)
		return RC_OK; /* it notes them already */
	enum rc rc = ask(coverage->solo, json_pack("{s:s}", "do", "cover"), &nothing, err);
	json_decref(nothing);
	if (rc == RC_OK)
		solo_give(coverage->solo, shelf);
	return rc;
}

/* {line: true} of a file; NULL: no memory. BORROWS. */
static json_t *lines_of(struct coverage *c, const char *dir, const char *file)
{
	char path[1024];
	snprintf(path, sizeof(path), "%s/%s", dir, file);
	json_t *lines = json_object_get(c->ran, path);
	if (lines == NULL) {
		lines = json_object();
		if (json_object_set_new(c->ran, path, lines) != 0)
			return NULL;
	}
	return lines;
}

static void add_lines(json_t *lines, const json_t *ran)
{
	size_t i;
	json_t *line;
	json_array_foreach((json_t *)(uintptr_t)ran, i, line)
	{
		char key[24];
		snprintf(key, sizeof(key), "%lld", (long long)json_integer_value(line));
		(void)json_object_set_new(lines, key, json_true());
	}
}

/* "lib/owners.lua" of scripts/rules is scripts/lib/owners.lua. */
static const char *folder_of(const char *dir, const char *name, char *out, size_t n)
{
	const char *slash = strrchr(dir, '/');
	if (strncmp(name, "lib/", 4) != 0)
		snprintf(out, n, "%s", dir);
	else if (slash == NULL || strcmp(slash, "/..") == 0 || strcmp(dir, ".") == 0)
		snprintf(out, n, "%s/..", dir);
	else
		snprintf(out, n, "%.*s", (int)(slash - dir), dir);
	return out;
}

enum rc coverage_end(struct coverage *coverage, struct spawn_shelf *shelf, const char *dir,
	const char *const *files, struct err *err)
{
	json_t *value = NULL, *ran;
	const char *name;
	char folder[900];
	for (size_t i = 0; files[i] != NULL; i++)
		if (lines_of(coverage, dir, files[i]) == NULL)
			return err_set(err, RC_NOMEM, "no memory for coverage");
	if (shelf->pid == 0)
		return RC_OK; /* what ran is lost with its worker */
	solo_take(coverage->solo, shelf);
	enum rc rc = ask(coverage->solo, json_pack("{s:s}", "do", "covered"), &value, err);
	solo_give(coverage->solo, shelf);
	json_object_foreach(value, name, ran)
	{
		json_t *lines =
			lines_of(coverage, folder_of(dir, name, folder, sizeof(folder)), name);
		if (lines != NULL)
			add_lines(lines, ran);
	}
	json_decref(value);
	return rc;
}

/* The lines of a file that have code. GIVES. */
static enum rc all_lines(struct coverage *c, const char *path, json_t **ret_lines, struct err *err)
{
	struct buf text;
	buf_init(&text, FOLDER_FILE_BYTES);
	enum rc rc = file_read(AT_FDCWD, path, FILE_LINKS_FOLLOWED, &text, err);
	if (rc == RC_OK) {
		folder_normalise(&text);
		rc = ask(c->solo,
			json_pack("{s:s, s:s, s:o}", "do", "lines", "file", "rule", "source",
				json_stringn(text.p != NULL ? text.p : "", text.n)),
			ret_lines, err);
	}
	buf_done(&text);
	return rc;
}

static enum rc sum_file(
	struct coverage *c, const char *path, const json_t *ran, json_t *rows, struct err *err)
{
	json_t *all = NULL, *missed = json_array(), *line;
	size_t i;
	enum rc rc = all_lines(c, path, &all, err);
	json_array_foreach(all, i, line)
	{
		char key[24];
		snprintf(key, sizeof(key), "%lld", (long long)json_integer_value(line));
		if (json_object_get(ran, key) == NULL)
			(void)json_array_append(missed, line);
	}
	json_int_t n = (json_int_t)json_array_size(all);
	if (rc == RC_OK &&
		json_array_append_new(rows,
			json_pack("{s:s, s:I, s:I, s:O}", "file", path, "lines", n, "ran",
				n - (json_int_t)json_array_size(missed), "missed", missed)) != 0)
		rc = err_set(err, RC_NOMEM, "no memory for coverage");
	json_decref(missed);
	json_decref(all);
	return rc == RC_RULE || rc == RC_NOT_FOUND || rc == RC_PARSE ? RC_OK : rc;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

enum rc coverage_sum(struct coverage *coverage, json_t **ret_rows, struct err *err)
{
	size_t n = json_object_size(coverage->ran), k = 0;
	const char **paths = calloc(n + 1, sizeof(*paths)), *path;
	json_t *rows = json_array(), *lines;
	enum rc rc = paths != NULL && rows != NULL
			     ? RC_OK
			     : err_set(err, RC_NOMEM, "no memory for coverage");
	json_object_foreach(coverage->ran, path, lines) if (rc == RC_OK) paths[k++] = path;
	if (k > 1)
		qsort(paths, k, sizeof(*paths), by_path);
	for (size_t i = 0; i < k && rc == RC_OK; i++)
		rc = sum_file(
			coverage, paths[i], json_object_get(coverage->ran, paths[i]), rows, err);
	free(paths);
	if (rc == RC_OK)
		*ret_rows = rows;
	else
		json_decref(rows);
	return rc;
}
