/* SPDX-License-Identifier: MIT */
/*
 * The sources other than Twenty: can each verify what it gets, does a rule listen, and is there a
 * source behind each rule that waits for one?
 * From: doctor.c, with the configuration and the rules of the store. Secrets are counted, not
 * shown.
 */
#include <stdio.h>
#include <string.h>

#include "cli/judge.h"
#include "receiver/source.h"

static const char *scheme_of(const struct conf *conf, const char *name)
{
	char key[192];
	snprintf(key, sizeof(key), "source.%.100s.scheme", name);
	const char *scheme = conf_text(conf, key);
	return scheme != NULL ? scheme : "twenty";
}

static bool is_there(const struct conf *conf, const char *name)
{
	const char *each;
	for (size_t i = 0; (each = conf_name(conf, "source", i)) != NULL; i++)
		if (strcmp(each, name) == 0)
			return true;
	return false;
}

static bool is_heard(const struct source_facts *facts, const char *name)
{
	char event[128];
	const char *on;
	snprintf(event, sizeof(event), "hook:%.100s", name);
	for (size_t i = 0; i < facts->patterns_n; i++) {
		on = facts->patterns[i].on;
		if (strcmp(on, event) == 0 || strcmp(on, "hook:*") == 0)
			return true;
	}
	return false;
}

static void judge_one(struct findings *f, const struct source_facts *facts, const char *name)
{
	struct source_set *set = NULL;
	struct err err = {.msg = ""};
	struct finding *row;
	char age[24] = "";
	const char *scheme = scheme_of(facts->conf, name);
	if (source_set_one(facts->conf, name, &set, &err) != RC_OK) {
		row = finding_put(f, "source", FINDING_FAIL, "%s", err.msg);
		finding_fix(row, "what is not set in this shell may be where the daemon runs");
		return;
	}
	size_t secrets_n = source_find(set, name)->keys_n;
	source_set_free(set);
	if (!is_heard(facts, name)) {
		row = finding_put(f, "source", FINDING_WARN,
			"source \"%s\" (%s) is there, but no rule is on hook:%s", name, scheme,
			name);
		finding_fix(row, "write one: rule \"..\" { on = \"hook:%s\", run = .. }", name);
		return;
	}
	int64_t last_ms = facts->last(facts->last_ctx, name);
	if (last_ms != 0)
		judge_age(facts->now_ms - last_ms, age);
	finding_put(f, "source", FINDING_OK, "source \"%s\" (%s, %zu secret%s)%s%s%s", name, scheme,
		secrets_n, secrets_n == 1 ? "" : "s",
		last_ms != 0 ? ": the last delivery came " : ": no delivery has come yet", age,
		last_ms != 0 ? " ago" : "");
}

void judge_sources(struct findings *findings, const struct source_facts *facts)
{
	const char *name;
	for (size_t i = 0; (name = conf_name(facts->conf, "source", i)) != NULL; i++)
		if (strcmp(scheme_of(facts->conf, name), "twenty") != 0)
			judge_one(findings, facts, name);
	for (size_t i = 0; i < facts->patterns_n; i++) {
		const char *on = facts->patterns[i].on;
		if (strncmp(on, "hook:", 5) != 0 || strchr(on, '*') != NULL ||
			is_there(facts->conf, on + 5))
			continue;
		struct finding *row = finding_put(findings, "source", FINDING_FAIL,
			"rule \"%.100s\" is on %.100s, but the configuration has no such source",
			facts->patterns[i].rule, on);
		finding_fix(row, "add source \"%.64s\" { scheme = .., secrets = { .. } }", on + 5);
	}
}
