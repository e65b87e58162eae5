/* SPDX-License-Identifier: MIT */
/*
 * Finding and reading Lua files.
 * From: check.c. To: the disk. What cannot be read is told with the file, what is not there ends
 * the command. Does not understand Lua.
 */
#include "cli/script.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"

#define PATH_BYTES 4000
#define FILE_BYTES (1u << 20) /* as of a rule file */
#define FILES_MAX 4000

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);
	return n > m && strcmp(text + n - m, end) == 0;
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash != NULL ? slash + 1 : path;
}

/* Is the folder of this file called lib? */
static bool is_in_lib(const char *path)
{
	char copy[PATH_BYTES];
	snprintf(copy, sizeof(copy), "%s", path);
	char *slash = strrchr(copy, '/');
	if (slash == NULL)
		return false;
	*slash = '\0';
	return strcmp(last_part(copy), "lib") == 0;
}

static enum check_role role_of(const char *path)
{
	return ends_with(path, "_test.lua") ? CHECK_TEST_FILE
	       : is_in_lib(path)            ? CHECK_MODULE_FILE
					    : CHECK_RULE_FILE;
}

void scripts_done(struct scripts *scripts)
{
	for (size_t i = 0; i < scripts->n; i++) {
		buf_done(&scripts->p[i].text);
		free(scripts->p[i].path);
		free(scripts->p[i].name);
		free(scripts->p[i].error);
	}
	free(scripts->p);
	*scripts = (struct scripts){.n = 0};
}

static bool is_there(const struct scripts *scripts, const char *path)
{
	for (size_t i = 0; i < scripts->n; i++)
		if (strcmp(scripts->p[i].path, path) == 0)
			return true;
	return false;
}

static enum rc add(struct scripts *scripts, const char *path, bool asked, struct err *err)
{
	struct err why = {.msg = ""};
	if (is_there(scripts, path))
		return RC_OK;
	if (scripts->n == FILES_MAX)
		return err_set(err, RC_TOO_LARGE, "more than %d files", FILES_MAX);
	if (scripts->n == scripts->cap) {
		size_t cap = scripts->cap > 0 ? scripts->cap * 2 : 16;
		struct script *p = realloc(scripts->p, cap * sizeof(*p));
		if (p == NULL)
			return err_set(err, RC_NOMEM, "no memory for %s", path);
		scripts->p = p;
		scripts->cap = cap;
	}
	struct script *s = &scripts->p[scripts->n++];
	*s = (struct script){.role = role_of(path), .asked = asked};
	buf_init(&s->text, FILE_BYTES);
	s->path = strdup(path);
	s->name = strdup(last_part(path));
	if (s->path == NULL || s->name == NULL)
		return err_set(err, RC_NOMEM, "no memory for %s", path);
	if (file_read(AT_FDCWD, path, FILE_LINKS_FOLLOWED, &s->text, &why) == RC_OK)
		return RC_OK;
	s->error = strdup(why.msg);
	return s->error != NULL ? RC_OK : err_set(err, RC_NOMEM, "no memory for %s", path);
}

static int keep(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && ends_with(entry->d_name, ".lua");
}

static enum rc add_folder(struct scripts *scripts, const char *folder, bool asked, struct err *err)
{
	char path[PATH_BYTES];
	struct dirent **names = NULL;
	int n = scandir(folder, &names, keep, alphasort);
	enum rc rc = RC_OK;
	if (n < 0)
		return err_set_errno(err, RC_NOT_FOUND, errno, "%s cannot be read", folder);
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name);
		if (rc == RC_OK)
			rc = add(scripts, path, asked, err);
		free(names[i]);
	}
	free(names);
	return rc;
}

static enum rc add_named(struct scripts *scripts, const char *path, struct err *err)
{
	struct stat st;
	char folder[PATH_BYTES];
	if (stat(path, &st) != 0)
		return err_set_errno(err, RC_NOT_FOUND, errno, "%s", path);
	if (!S_ISDIR(st.st_mode))
		return add(scripts, path, true, err);
	snprintf(folder, sizeof(folder), "%s", path);
	for (size_t n = strlen(folder); n > 1 && folder[n - 1] == '/'; n--)
		folder[n - 1] = '\0';
	return add_folder(scripts, folder, true, err);
}

/* The folder of modules that belongs to a folder of rules: `lib` beside it. */
static void lib_of(const char *rules, char *out, size_t n)
{
	const char *slash = strrchr(rules, '/');
	int before = slash != NULL ? (int)(slash - rules) + 1 : 0;
	snprintf(out, n, "%.*slib", before, rules);
}

static enum rc add_rules(struct scripts *scripts, const char *rules, bool asked, struct err *err)
{
	char lib[PATH_BYTES];
	struct stat st;
	lib_of(rules, lib, sizeof(lib));
	if (!asked && stat(rules, &st) != 0)
		return RC_OK;
	enum rc rc = add_folder(scripts, rules, asked, err);
	if (rc == RC_OK && stat(lib, &st) == 0)
		rc = add_folder(scripts, lib, asked, err);
	return rc;
}

/* What a named file may name itself: the rules beside it and their lib. */
static enum rc add_around(struct scripts *scripts, const char *path, struct err *err)
{
	char folder[PATH_BYTES];
	const char *slash = strrchr(path, '/');
	struct stat st;
	int n = slash != NULL ? (int)(slash - path) : 1;
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		snprintf(folder, sizeof(folder), "%s", path);
	else
		snprintf(folder, sizeof(folder), "%.*s", n, slash != NULL ? path : ".");
	for (size_t k = strlen(folder); k > 1 && folder[k - 1] == '/'; k--)
		folder[k - 1] = '\0';
	return add_rules(scripts, folder, false, err);
}

enum rc scripts_find(const struct args *args, const struct conf *conf, struct scripts *ret_scripts,
	struct err *err)
{
	struct scripts scripts = {.n = 0};
	enum rc rc = RC_OK;
	const char *rules = conf != NULL ? conf_text(conf, "rules") : NULL;
	for (size_t i = 0; i < args->operands_n && rc == RC_OK; i++)
		rc = add_named(&scripts, args->operands[i], err);
	for (size_t i = 0; i < args->operands_n && rc == RC_OK; i++)
		rc = add_around(&scripts, args->operands[i], err);
	if (rc == RC_OK && rules != NULL)
		rc = add_rules(&scripts, rules, args->operands_n == 0, err);
	if (rc != RC_OK)
		scripts_done(&scripts);
	else
		*ret_scripts = scripts;
	return rc;
}
