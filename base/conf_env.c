/* SPDX-License-Identifier: MIT */
/*
 * The environment as a place of secrets: what env "NAME" has read is remembered here and can then
 * be wiped from the block that /proc/PID/environ shows.
 * From: conf_lua.c, conf.c. To: the supervisor, which scrubs once its children have their parts.
 * One thread. The list is the one state of conf: the block it wipes exists once per process, too.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/conf_set.h"

struct kept {
	struct kept *next;
	char *name, *value;
	bool scrubbed; /* the block no longer has it */
};

static struct kept *kept_list;

static void wipe(char *text)
{
	if (text != NULL)
		explicit_bzero(text, strlen(text));
	free(text);
}

static struct kept *kept_find(const char *name)
{
	struct kept *k = kept_list;
	while (k != NULL && strcmp(k->name, name) != 0)
		k = k->next;
	return k;
}

static struct kept *kept_new(const char *name)
{
	struct kept *k = calloc(1, sizeof(*k));
	if (k == NULL)
		return NULL;
	k->name = strdup(name);
	if (k->name == NULL) {
		free(k);
		return NULL;
	}
	k->next = kept_list;
	kept_list = k;
	return k;
}

const char *conf_env_read(const char *name)
{
	struct kept *k = kept_find(name);
	const char *now = getenv(name);
	if (k != NULL && k->scrubbed && (now == NULL || now[0] == '\0'))
		return k->value;
	if (now == NULL)
		return NULL;
	if (k == NULL)
		k = kept_new(name);
	if (k == NULL)
		return now;
	char *copy = strdup(now);
	if (copy == NULL)
		return now;
	wipe(k->value);
	k->value = copy;
	k->scrubbed = false;
	return copy;
}

void conf_scrub(void)
{
	for (struct kept *k = kept_list; k != NULL; k = k->next) {
		size_t n = strlen(k->name);
		for (char **e = environ; e != NULL && *e != NULL; e++)
			if (strncmp(*e, k->name, n) == 0 && (*e)[n] == '=')
				explicit_bzero(*e + n + 1, strlen(*e + n + 1));
		k->scrubbed = k->value != NULL;
	}
}

void conf_forget(void)
{
	while (kept_list != NULL) {
		struct kept *k = kept_list;
		kept_list = k->next;
		free(k->name);
		wipe(k->value);
		free(k);
	}
}
