/* SPDX-License-Identifier: MIT */
/*
 * Where the configuration file says that a value comes from: the `env "NAME"` and `file "path"` of
 * its keys, in order.
 * From: conf_scan.c, which has seen them. To: commands that have to write a secret where it will be
 * read, or to say where it would be. Reads neither a variable nor a file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf_set.h"

void conf_mentions_done(struct conf *conf)
{
	for (size_t i = 0; i < conf->mentions_n; i++) {
		free(conf->mentions[i].key);
		free(conf->mentions[i].name);
	}
	free(conf->mentions);
	conf->mentions = NULL;
	conf->mentions_n = 0;
}

char *conf_path_beside(const char *path, const char *name)
{
	const char *slash = strrchr(path, '/');
	char *text = NULL;
	if (name[0] == '/' || slash == NULL)
		return strdup(name);
	if (asprintf(&text, "%.*s%s", (int)(slash + 1 - path), path, name) < 0)
		return NULL;
	return text;
}

enum rc conf_mentions_take(struct conf *conf, const struct conf_file *file, struct err *err)
{
	conf->mentions = calloc(file->places_n + 1, sizeof(*conf->mentions));
	bool ok = conf->mentions != NULL;
	for (size_t i = 0; ok && i < file->places_n; i++) {
		const struct conf_place *p = &file->places[i];
		bool env = p->variable[0] != '\0';
		if (!env && p->file[0] == '\0')
			continue;
		struct conf_mention *m = &conf->mentions[conf->mentions_n++];
		m->key = strdup(p->key);
		m->name = env ? strdup(p->variable) : conf_path_beside(file->path, p->file);
		m->kind = env ? CONF_PLACE_ENV : CONF_PLACE_FILE;
		m->line = p->line;
		ok = m->key != NULL && m->name != NULL;
	}
	return ok ? RC_OK : err_set(err, RC_NOMEM, "no memory for the configuration");
}

bool conf_reference(
	const struct conf *conf, const char *key, size_t i, struct conf_reference *ret_reference)
{
	for (size_t k = 0; k < conf->mentions_n; k++) {
		const struct conf_mention *m = &conf->mentions[k];
		if (strcmp(m->key, key) != 0 || i-- != 0)
			continue;
		*ret_reference =
			(struct conf_reference){.kind = m->kind, .name = m->name, .line = m->line};
		return true;
	}
	return false;
}
