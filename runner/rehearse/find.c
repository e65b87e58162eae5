/* SPDX-License-Identifier: MIT */
/*
 * What was named on the command line -> test files.
 * From: rehearse.c. Fails where a name is of nothing that is there.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "runner/rehearse/rehearse.h"

#define FILES_MAX 10000

static const char ending[] = "_test.lua";
#define ENDING_N (sizeof(ending) - 1)

static bool ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);
	return n > m && strcmp(name + n - m, end) == 0;
}

static enum rc add(struct rehearse_files *files, const char *path, struct err *err)
{
	if (files->n == FILES_MAX)
		return err_set(err, RC_TOO_LARGE, "more than %d test files", FILES_MAX);
	char **p = realloc(files->paths, (files->n + 1) * sizeof(*p));
	if (p != NULL)
		files->paths = p;
	char *copy = strdup(path);
	if (p == NULL || copy == NULL) {
		free(copy);
		return err_set(err, RC_NOMEM, "no memory for the names of tests");
	}
	files->paths[files->n++] = copy;
	return RC_OK;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static enum rc add_folder(struct rehearse_files *files, const char *path, struct err *err)
{
	char whole[1024];
	size_t from = files->n, n = strlen(path);
	const struct dirent *entry;
	DIR *dir = opendir(path);
	enum rc rc = RC_OK;
	if (dir == NULL)
		return err_set_errno(err, RC_DENIED, errno, "cannot open the folder %s", path);
	while (rc == RC_OK && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.' || !ends_with(entry->d_name, ending))
			continue;
		snprintf(whole, sizeof(whole), "%s%s%s", path, path[n - 1] == '/' ? "" : "/",
			entry->d_name);
		rc = add(files, whole, err);
	}
	closedir(dir);
	if (files->n > from)
		qsort(files->paths + from, files->n - from, sizeof(*files->paths), by_name);
	return rc;
}

static enum rc add_path(struct rehearse_files *files, const char *path, struct err *err)
{
	struct stat st;
	char test[1024];
	if (stat(path, &st) != 0)
		return err_set(err, RC_NOT_FOUND, "%s is not there", path);
	if (S_ISDIR(st.st_mode))
		return add_folder(files, path, err);
	if (ends_with(path, ending))
		return add(files, path, err);
	if (!ends_with(path, ".lua"))
		return err_set(
			err, RC_INVALID, "%s is no test file: those end with %s", path, ending);
	snprintf(test, sizeof(test), "%.*s%s", (int)(strlen(path) - 4), path, ending);
	if (stat(test, &st) != 0)
		return err_set(err, RC_NOT_FOUND, "%s has no tests: %s is not there", path, test);
	return add(files, test, err);
}

enum rc rehearse_find(const char *const *paths, struct rehearse_files *ret_files, struct err *err)
{
	struct rehearse_files files = {0};
	enum rc rc = RC_OK;
	for (size_t i = 0; paths[i] != NULL && rc == RC_OK; i++)
		rc = paths[i][0] != '\0' ? add_path(&files, paths[i], err)
					 : err_set(err, RC_INVALID, "an empty name of a file");
	if (rc == RC_OK && files.n == 0)
		rc = err_set(err, RC_NOT_FOUND, "there is no test: no *%s in %s", ending, paths[0]);
	if (rc == RC_OK)
		*ret_files = files;
	else
		rehearse_files_done(&files);
	return rc;
}

void rehearse_files_done(struct rehearse_files *files)
{
	for (size_t i = 0; i < files->n; i++)
		free(files->paths[i]);
	free(files->paths);
	*files = (struct rehearse_files){0};
}
