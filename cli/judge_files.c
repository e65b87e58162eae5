/* SPDX-License-Identifier: MIT */
/*
 * Can others read the secrets?
 * From: doctor.c. To: the configuration file and the files that it takes secrets from. Looks at
 * their modes, not into them.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/judge.h"
#include "cli/settings.h"

static bool open_to_others(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && (st.st_mode & 07) != 0;
}

/* Is a secret written out in the file itself? */
static bool holds_secrets(const struct conf *conf)
{
	for (size_t i = 0; i < conf_n(conf); i++) {
		struct conf_setting s;
		struct conf_reference r;
		char key[192];
		conf_at(conf, i, &s);
		const char *colon = strrchr(s.origin, ':');
		if (!s.secret || s.value[0] == '\0' || colon == NULL)
			continue;
		snprintf(key, sizeof(key), "%s", s.key);
		char *dot = strrchr(key, '.');
		bool referred = conf_reference(conf, key, 0, &r);
		if (!referred && dot != NULL && strspn(dot + 1, "0123456789") == strlen(dot + 1)) {
			*dot = '\0'; /* of a list */
			referred = conf_reference(conf, key, 0, &r);
		}
		if (!referred)
			return true;
	}
	return false;
}

static void judge_references(struct findings *findings, const struct conf *conf, const char *key)
{
	struct conf_reference r;
	for (size_t i = 0; conf_reference(conf, key, i, &r); i++) {
		if (r.kind != CONF_PLACE_FILE || !open_to_others(r.name))
			continue;
		struct finding *row = finding_put(findings, "files", FINDING_WARN,
			"everybody on this machine may read the secret in %s", r.name);
		finding_fix(row, "chmod o= %s", r.name);
	}
}

void judge_files(struct findings *findings, const char *config, const struct conf *conf)
{
	const char *name;
	char key[192];
	if (open_to_others(config) && holds_secrets(conf)) {
		struct finding *row = finding_put(findings, "files", FINDING_WARN,
			"everybody on this machine may read the secrets in %s", config);
		finding_fix(row, "chmod o= %s, or take them from env \"NAME\" or file \"name\"",
			config);
	}
	judge_references(findings, conf, "twenty.key");
	judge_references(findings, conf, "console.token");
	for (size_t i = 0; (name = conf_name(conf, "source", i)) != NULL; i++) {
		snprintf(key, sizeof(key), "source.%s.secrets", name);
		judge_references(findings, conf, key);
	}
}
