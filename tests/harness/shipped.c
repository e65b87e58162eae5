/* SPDX-License-Identifier: MIT */
/*
 * Copies of the shipped rules.
 * From: tests/walk. To: files below a house's folder. Says why on the standard error.
 */
#include "tests/harness/shipped.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool copy_folder(const struct house *h, const char *name)
{
	char from[64], to[200], path[400];
	const struct dirent *entry;
	snprintf(from, sizeof(from), "scripts/%s", name);
	snprintf(to, sizeof(to), "%s/%s", h->dir, name);
	(void)mkdir(to, 0700);
	DIR *dir = opendir(from);
	bool ok = dir != NULL;
	while (ok && (entry = readdir(dir)) != NULL) {
		if (strstr(entry->d_name, ".lua") == NULL)
			continue;
		snprintf(path, sizeof(path), "%s/%s", from, entry->d_name);
		char *text = process_read(path);
		ok = text != NULL && process_write(to, entry->d_name, text);
		free(text);
	}
	if (!ok)
		fprintf(stderr, "%s cannot be copied into %s\n", from, to);
	if (dir != NULL)
		closedir(dir);
	return ok;
}

bool shipped_copy(struct house *h)
{
	return house_folder(h) && copy_folder(h, "rules") && copy_folder(h, "lib");
}

bool shipped_edit(struct house *h, const char *file, const char *from, const char *to)
{
	char path[300], *whole = NULL;
	size_t n = 0;
	snprintf(path, sizeof(path), "%s/%s", h->dir, file);
	char *text = process_read(path);
	char *at = text != NULL ? strstr(text, from) : NULL;
	FILE *out = at != NULL ? open_memstream(&whole, &n) : NULL;
	if (out != NULL) {
		fprintf(out, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
		fclose(out);
	} else {
		fprintf(stderr, "%s has no text %s\n", path, from);
	}
	bool ok = whole != NULL && process_write(h->dir, file, whole);
	free(whole);
	free(text);
	return ok;
}
