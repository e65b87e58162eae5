/* SPDX-License-Identifier: MIT */
/*
 * Reading the folder of rules.
 * From: rules.c. Every file is read whole, bounded, without following symlinks and without waiting
 * for what is not a file. Fails per file, with the sentence people see; only a folder that cannot
 * be listed fails as a whole. Does not understand Lua.
 */
#include "runner/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "runner/module.h"
#include "runner/version.h"

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);
	return n > m && strcmp(text + n - m, end) == 0;
}

static bool is_rule(const char *name)
{
	return name[0] != '.' && ends_with(name, ".lua") && !ends_with(name, "_test.lua");
}

static int by_name(const void *a, const void *b)
{
	const struct folder_file *x = a, *y = b;
	return strcmp(x->name, y->name);
}

void folder_normalise(struct buf *text)
{
	size_t to = 0, from = 0;
	if (text->n >= 3 && memcmp(text->p, "\xef\xbb\xbf", 3) == 0)
		from = 3;
	for (; from < text->n; from++) {
		if (text->p[from] == '\r' && from + 1 < text->n && text->p[from + 1] == '\n')
			continue;
		text->p[to++] = text->p[from];
	}
	text->n = to;
	if (text->p != NULL)
		text->p[to] = '\0';
}

static size_t line_of(const char *text, size_t at)
{
	size_t line = 1;
	for (size_t i = 0; i < at; i++)
		line += text[i] == '\n';
	return line;
}

/* The text becomes the version: with the modules that it uses. */
static enum rc add_modules(struct modules *modules, struct folder_file *f, struct err *err)
{
	struct buf whole;
	buf_init(&whole, MODULE_VERSION_BYTES + FOLDER_FILE_BYTES);
	enum rc rc = modules_bundle(modules, f->name, buf_slice(&f->text), &whole, err);
	if (rc != RC_OK) {
		buf_done(&whole);
		return rc;
	}
	buf_done(&f->text);
	f->text = whole;
	return RC_OK;
}

enum rc folder_hash(struct folder_file *f, struct err *err)
{
	return version_hash(f->name, buf_slice(&f->text), f->hash, err);
}

static enum rc read_one(int dir, struct modules *modules, struct folder_file *f, struct err *err)
{
	buf_init(&f->text, FOLDER_FILE_BYTES);
	enum rc rc = file_read(dir, f->name, FILE_LINKS_REFUSED, &f->text, err);
	if (rc == RC_DENIED && err != NULL && strstr(err->msg, strerror(ELOOP)) != NULL)
		rc = err_set(
			err, RC_DENIED, "%s is a symlink, which rule files must not be", f->name);
	if (rc != RC_OK)
		return rc;
	folder_normalise(&f->text);
	const char *nul = f->text.n != 0 ? memchr(f->text.p, '\0', f->text.n) : NULL;
	if (nul != NULL)
		return err_set(err, RC_PARSE, "%s:%zu: a NUL byte has no place in a rule", f->name,
			line_of(f->text.p, (size_t)(nul - f->text.p)));
	rc = add_modules(modules, f, err);
	return rc == RC_OK ? folder_hash(f, err) : rc;
}

static enum rc read_file(int dir, struct modules *modules, struct folder_file *f)
{
	struct err err = {0};
	if (read_one(dir, modules, f, &err) == RC_OK)
		return RC_OK;
	buf_done(&f->text);
	f->hash[0] = '\0';
	f->error = strdup(err.msg);
	return f->error != NULL ? RC_OK : RC_NOMEM;
}

static enum rc add_name(struct folder *folder, const char *name, size_t *cap)
{
	if (folder->n == *cap) {
		*cap = *cap != 0 ? *cap * 2 : 16;
		struct folder_file *p = realloc(folder->files, *cap * sizeof(*p));
		if (p == NULL)
			return RC_NOMEM;
		folder->files = p;
	}
	struct folder_file *f = &folder->files[folder->n++];
	*f = (struct folder_file){0};
	snprintf(f->name, sizeof(f->name), "%s", name);
	return RC_OK;
}

static enum rc list(DIR *dir, const char *path, struct folder *folder, struct err *err)
{
	size_t cap = 0;
	const struct dirent *entry;
	errno = 0;
	while ((entry = readdir(dir)) != NULL) {
		if (!is_rule(entry->d_name))
			continue;
		if (folder->n == FOLDER_FILES_MAX)
			return err_set(err, RC_TOO_LARGE, "%s holds more than %d rule files", path,
				FOLDER_FILES_MAX);
		if (add_name(folder, entry->d_name, &cap) != RC_OK)
			return err_set(err, RC_NOMEM, "no memory for the files of %s", path);
		errno = 0;
	}
	if (errno != 0)
		return err_set_errno(err, RC_IO, errno, "cannot list the rules folder %s", path);
	if (folder->n != 0)
		qsort(folder->files, folder->n, sizeof(*folder->files), by_name);
	return RC_OK;
}

static enum rc open_folder(const char *path, DIR **ret_dir, struct err *err)
{
	DIR *dir = opendir(path);
	if (dir == NULL && errno == ENOENT)
		return err_set(err, RC_NOT_FOUND,
			"the rules folder %s does not exist: make it, or set rules in the "
			"configuration",
			path);
	if (dir == NULL)
		return err_set_errno(
			err, RC_DENIED, errno, "cannot open the rules folder %s", path);
	*ret_dir = dir;
	return RC_OK;
}

enum rc folder_read(const char *path, struct folder *ret_folder, struct err *err)
{
	struct folder folder = {0};
	struct modules *modules = NULL;
	DIR *dir = NULL;
	enum rc rc = open_folder(path, &dir, err);
	if (rc == RC_OK)
		rc = modules_open(path, &modules, err);
	if (rc != RC_OK) {
		if (dir != NULL)
			closedir(dir);
		return rc;
	}
	rc = list(dir, path, &folder, err);
	for (size_t i = 0; i < folder.n && rc == RC_OK; i++) {
		rc = read_file(dirfd(dir), modules, &folder.files[i]);
		if (rc != RC_OK)
			err_set(err, rc, "no memory for the files of %s", path);
	}
	modules_close(modules);
	closedir(dir);
	if (rc != RC_OK) {
		folder_done(&folder);
		return rc;
	}
	*ret_folder = folder;
	return RC_OK;
}

static void forget_file(struct folder_file *f)
{
	buf_done(&f->text);
	free(f->error);
}

void folder_keep(struct folder *folder, const char *const *names)
{
	size_t n = 0;
	for (size_t i = 0; i < folder->n; i++) {
		const char *const *at = names;
		while (*at != NULL && strcmp(*at, folder->files[i].name) != 0)
			at++;
		if (*at != NULL)
			folder->files[n++] = folder->files[i];
		else
			forget_file(&folder->files[i]);
	}
	folder->n = n;
}

void folder_done(struct folder *folder)
{
	for (size_t i = 0; i < folder->n; i++)
		forget_file(&folder->files[i]);
	free(folder->files);
	*folder = (struct folder){0};
}
