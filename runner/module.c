/* SPDX-License-Identifier: MIT */
/*
 * From `use "name"` to the text of the module, and on to the modules that it uses.
 * From: folder.c, commands that load rule files. To: uses.c, the folder lib, bundle.c. Each module
 * is read once for as long as the folder is open, so that all rule files of one reading get the
 * same. Fails with a sentence that begins with the place. Does not compile anything.
 */
#include "runner/module.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "base/file.h"
#include "runner/bundle.h"
#include "runner/folder.h"
#include "runner/uses.h"

#define NAMES_MAX 1000 /* that are looked through for the one that was meant */

struct module {
	struct module *next;
	char name[MODULE_NAME_MAX + 1];
	char file[BUNDLE_NAME_N]; /* "lib/owners.lua" */
	struct buf text;
};

struct modules {
	DIR *dir; /* NULL: there is no folder */
	struct module *first;
};

struct gathering { /* of one rule file */
	struct modules *modules;
	struct bundle *bundle;
	const char *chain[BUNDLE_FILES_MAX]; /* who uses whom: file names */
	size_t chain_n;
	size_t bytes;
};

enum rc modules_open(const char *rules, struct modules **ret_modules, struct err *err)
{
	char path[4200];
	size_t n = strlen(rules);
	while (n > 1 && rules[n - 1] == '/')
		n--;
	while (n > 0 && rules[n - 1] != '/')
		n--;
	snprintf(path, sizeof(path), "%.*slib", (int)n, rules);
	struct modules *modules = calloc(1, sizeof(*modules));
	if (modules == NULL)
		return err_set(err, RC_NOMEM, "no memory for modules");
	modules->dir = opendir(path);
	if (modules->dir == NULL && errno != ENOENT && errno != ENOTDIR) {
		free(modules);
		return err_set_errno(
			err, RC_DENIED, errno, "cannot open the folder of modules %s", path);
	}
	*ret_modules = modules;
	return RC_OK;
}

void modules_close(struct modules *modules)
{
	while (modules != NULL && modules->first != NULL) {
		struct module *m = modules->first;
		modules->first = m->next;
		buf_done(&m->text);
		free(m);
	}
	if (modules != NULL && modules->dir != NULL)
		closedir(modules->dir);
	free(modules);
}

/* --- names ----------------------------------------------------------------------------------- */

static bool is_plain(struct slice name)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] == '\0' || strchr(letters, name.p[i]) == NULL)
			return false;
	return name.n > 0 && name.n <= MODULE_NAME_MAX;
}

/* The names of all modules, NULL behind them. GIVES each and all; NULL: no memory. */
static char **list_names(const struct modules *modules)
{
	char **names = calloc(NAMES_MAX + 1, sizeof(*names));
	const struct dirent *entry;
	size_t n = 0;
	if (modules->dir != NULL)
		rewinddir(modules->dir);
	while (names != NULL && modules->dir != NULL && n < NAMES_MAX &&
		(entry = readdir(modules->dir)) != NULL) {
		size_t length = strlen(entry->d_name);
		struct slice name = {entry->d_name, length > 4 ? length - 4 : 0};
		if (is_plain(name) && strcmp(entry->d_name + name.n, ".lua") == 0 &&
			(names[n] = strndup(name.p, name.n)) != NULL)
			n++;
	}
	return names;
}

static enum rc not_there(const struct modules *modules, const char *name, const char *user,
	int line, struct err *err)
{
	char **names = list_names(modules);
	const char *near = names != NULL ? conf_nearest(name, (const char *const *)names) : NULL;
	if (modules->dir == NULL)
		err_set(err, RC_NOT_FOUND,
			"%s:%d: there is no module \"%s\": its file would be lib/%s.lua beside the "
			"folder of rules",
			user, line, name, name);
	else if (near != NULL)
		err_set(err, RC_NOT_FOUND,
			"%s:%d: there is no module \"%s\" in lib, did you mean \"%s\"?", user, line,
			name, near);
	else
		err_set(err, RC_NOT_FOUND,
			"%s:%d: there is no module \"%s\" in lib: its file would be lib/%s.lua",
			user, line, name, name);
	for (size_t i = 0; names != NULL && names[i] != NULL; i++)
		free(names[i]);
	free(names);
	return RC_NOT_FOUND;
}

/* --- reading --------------------------------------------------------------------------------- */

static enum rc read_text(const struct modules *modules, struct module *m, struct err *err)
{
	struct err why = {.msg = ""};
	char file[MODULE_NAME_MAX + 8];
	snprintf(file, sizeof(file), "%s.lua", m->name);
	buf_init(&m->text, MODULE_FILE_BYTES);
	enum rc rc = file_read(dirfd(modules->dir), file, FILE_LINKS_REFUSED, &m->text, &why);
	if (rc == RC_NOT_FOUND)
		return rc;
	if (rc != RC_OK)
		return err_set(err, rc, "lib/%s", why.msg);
	folder_normalise(&m->text);
	if (m->text.n != 0 && memchr(m->text.p, '\0', m->text.n) != NULL)
		return err_set(err, RC_PARSE, "%s:1: a NUL byte has no place in a module", m->file);
	return RC_OK;
}

/* The module of this name, read where it has not been. user, line: who wants it. */
static enum rc find(struct modules *modules, const char *name, const char *user, int line,
	struct module **ret_module, struct err *err)
{
	for (struct module *m = modules->first; m != NULL; m = m->next) {
		if (strcmp(m->name, name) == 0) {
			*ret_module = m;
			return RC_OK;
		}
	}
	if (modules->dir == NULL)
		return not_there(modules, name, user, line, err);
	struct module *m = calloc(1, sizeof(*m));
	if (m == NULL)
		return err_set(err, RC_NOMEM, "no memory for a module");
	snprintf(m->name, sizeof(m->name), "%s", name);
	snprintf(m->file, sizeof(m->file), "lib/%s.lua", name);
	enum rc rc = read_text(modules, m, err);
	if (rc == RC_NOT_FOUND)
		rc = not_there(modules, name, user, line, err);
	if (rc != RC_OK) {
		buf_done(&m->text);
		free(m);
		return rc;
	}
	m->next = modules->first;
	modules->first = m;
	*ret_module = m;
	return RC_OK;
}

/* --- gathering ------------------------------------------------------------------------------- */

/* "lib/a.lua -> lib/b.lua -> lib/a.lua" */
static enum rc circle(const struct gathering *g, size_t from, int line, struct err *err)
{
	char text[180] = "";
	size_t n = 0;
	for (size_t i = from; i < g->chain_n && n < sizeof(text); i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s -> ", g->chain[i]);
	return err_set(err, RC_INVALID, "%s:%d: modules use each other in a circle: %s%s",
		g->chain[g->chain_n - 1], line, text, g->chain[from]);
}

static enum rc gather(struct gathering *g, const char *file, struct slice text, struct err *err);

static enum rc take_use(void *ctx, struct slice name, int line, struct err *err)
{
	struct gathering *g = ctx;
	struct module *m = NULL;
	char word[MODULE_NAME_MAX + 1];
	const char *user = g->chain[g->chain_n - 1];
	if (!is_plain(name))
		return err_set(err, RC_INVALID,
			"%s:%d: a module's name is a plain word, as in use \"owners\": its file is "
			"lib/owners.lua",
			user, line);
	snprintf(word, sizeof(word), "%.*s", (int)name.n, name.p);
	enum rc rc = find(g->modules, word, user, line, &m, err);
	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < g->chain_n; i++)
		if (strcmp(g->chain[i], m->file) == 0)
			return circle(g, i, line, err);
	for (size_t i = 1; i < g->bundle->n; i++)
		if (strcmp(g->bundle->files[i].name, m->file) == 0)
			return RC_OK;
	return gather(g, m->file, buf_slice(&m->text), err);
}

/* Adds a file and, behind it, what it uses. */
static enum rc gather(struct gathering *g, const char *file, struct slice text, struct err *err)
{
	g->bytes += text.n;
	if (g->bundle->n == BUNDLE_FILES_MAX)
		return err_set(err, RC_TOO_LARGE, "%s: it uses more than %d modules", g->chain[0],
			BUNDLE_FILES_MAX - 1);
	if (g->bundle->n != 0 && g->bytes > MODULE_VERSION_BYTES)
		return err_set(err, RC_TOO_LARGE,
			"%s: it and its modules have more than %u bytes together", g->chain[0],
			MODULE_VERSION_BYTES);
	struct bundle_file *to = &g->bundle->files[g->bundle->n++];
	snprintf(to->name, sizeof(to->name), "%s", file);
	to->text = text;
	g->chain[g->chain_n++] = file;
	enum rc rc = uses_each(file, text, take_use, g, err);
	g->chain_n--;
	return rc;
}

enum rc modules_bundle(struct modules *modules, const char *file, struct slice text,
	struct buf *out, struct err *err)
{
	struct gathering g = {.modules = modules, .bundle = calloc(1, sizeof(*g.bundle))};
	if (g.bundle == NULL)
		return err_set(err, RC_NOMEM, "no memory for %s", file);
	enum rc rc = gather(&g, file, text, err);
	if (rc == RC_OK) {
		rc = bundle_put(g.bundle, out);
		if (rc != RC_OK)
			err_set(err, rc, "%s: %s", file, rc_text(rc));
	}
	free(g.bundle);
	return rc;
}
