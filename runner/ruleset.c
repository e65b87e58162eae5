/* SPDX-License-Identifier: MIT */
/*
 * Rules as data: what a file declared, and which files are live together.
 * From: rules.c. To: route.c, which matches events against them. What a worker says about a file is
 * hostile: every word is checked. Fails with file:line: sentence. Immutable once it is live, but
 * for the counting of overruns.
 */
#include "runner/ruleset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/zone.h"
#include "runner/check/finding.h"
#include "runner/cron.h"
#include "runner/match.h"
#include "runner/predicate.h"
#include "runner/retry.h"

#define RULES_MAX 1000 /* of one file */
#define ON_MAX 64
#define RETRIES_MAX 1000
#define SPAN_MAX_MS (INT64_C(7) * 24 * 3600 * 1000)
#define EVERY_MIN_MS 1000
#define EVERY_MAX_MS (INT64_C(366) * 24 * 3600 * 1000)
#define SETTLE_MAX_MS (INT64_C(5) * 60 * 1000) /* where max_settle does not say */
#define BATCH_MAX 100                          /* where batch.max does not say */
#define BATCH_MOST 1000
#define WRITES_MAX 1000 /* an hour, where max_writes does not say */
#define HOUR_MS (INT64_C(3600) * 1000)

static bool name_fits(const char *name)
{
	size_t n = name != NULL ? strlen(name) : 0;
	if (n == 0 || n > RULESET_NAME_MAX)
		return false;
	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f)
			return false;
	}
	return true;
}

static enum rc check_on(const json_t *on, struct err *err)
{
	size_t i;
	json_t *one;
	if (!json_is_array(on) || json_array_size(on) > ON_MAX)
		return err_set(err, RC_INVALID, "`on` names no event");
	json_array_foreach(on, i, one)
	{
		const char *pattern = json_string_value(one);
		if (pattern == NULL)
			return err_set(err, RC_INVALID, "`on` holds something that is no text");
		enum rc rc = match_check(pattern, err);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

static int64_t bounded(const json_t *value, int64_t most)
{
	int64_t n = json_integer_value(value);
	return n < 0 ? 0 : n < most ? n : most;
}

static enum rc read_when(json_t *when, struct rule *rule, struct err *err)
{
	rule->when = json_is_true(when);
	if (when == NULL || json_is_boolean(when) || json_is_null(when))
		return RC_OK;
	rule->asks = json_incref(when);
	return predicate_new(when, &rule->predicate, err);
}

static enum rc read_key(const json_t *key, struct rule *rule, struct err *err)
{
	if (json_is_true(key)) {
		rule->key = RULE_KEY_FUNCTION;
		return RC_OK;
	}
	const char *field = json_string_value(key);
	if (field == NULL)
		return RC_OK;
	rule->key = RULE_KEY_FIELD;
	rule->key_field = strdup(field);
	return rule->key_field != NULL ? RC_OK : err_set(err, RC_NOMEM, "no memory for a rule");
}

/* retry_max counts repeats; the first attempt comes on top. Absent or 0: the default. */
static int attempts_of(const json_t *retry_max)
{
	int64_t n = bounded(retry_max, RETRIES_MAX);
	return (int)(n > 0 ? n : RETRY_MAX) + 1;
}

static enum rc read_text(const json_t *from, char **ret_text, struct err *err)
{
	const char *text = json_string_value(from);
	if (text == NULL)
		return RC_OK;
	*ret_text = strdup(text);
	return *ret_text != NULL ? RC_OK : err_set(err, RC_NOMEM, "no memory for a rule");
}

/* Events that are one run. */
static void read_gathering(const json_t *from, struct rule *rule)
{
	const json_t *batch = json_object_get(from, "batch");
	rule->settle_ms = bounded(json_object_get(from, "settle_ms"), SPAN_MAX_MS);
	rule->settle_max_ms = bounded(json_object_get(from, "max_settle_ms"), SPAN_MAX_MS);
	if (rule->settle_ms > 0 && rule->settle_max_ms == 0)
		rule->settle_max_ms = SETTLE_MAX_MS;
	if (rule->settle_max_ms < rule->settle_ms)
		rule->settle_max_ms = rule->settle_ms;
	rule->batch_ms = bounded(json_object_get(batch, "every_ms"), SPAN_MAX_MS);
	rule->batch_max = (int)bounded(json_object_get(batch, "max"), BATCH_MOST);
	if (rule->batch_ms > 0 && rule->batch_max == 0)
		rule->batch_max = BATCH_MAX;
}

/* How a run of it is carried out. */
static void read_manner(const json_t *from, struct rule *rule)
{
	const json_t *fresh = json_object_get(from, "fresh");
	const json_t *writes = json_object_get(from, "max_writes");
	const char *lane = json_string_value(json_object_get(from, "lane"));
	rule->concurrency = (int)bounded(json_object_get(from, "concurrency"), 100000);
	rule->fresh = json_is_object(fresh);
	rule->fresh_depth = (int)bounded(json_object_get(fresh, "depth"), 1);
	rule->shadow = json_is_true(json_object_get(from, "shadow"));
	rule->background = lane != NULL ? strcmp(lane, "background") == 0
					: rule->every_ms > 0 || rule->cron != NULL;
	rule->writes_max = (int)bounded(json_object_get(writes, "n"), 1000000000);
	rule->writes_per_ms = bounded(json_object_get(writes, "per_ms"), EVERY_MAX_MS);
	if (rule->writes_max == 0 || rule->writes_per_ms == 0) {
		rule->writes_max = WRITES_MAX;
		rule->writes_per_ms = HOUR_MS;
	}
}

/* Is the cron line one, and is there such a time zone? The worker cannot know of zones. */
static enum rc check_clock(const struct rule *rule, struct err *err)
{
	struct cron cron;
	struct zone *zone = NULL;
	enum rc rc = RC_OK;
	if (rule->every_ms > 0 && rule->every_ms < EVERY_MIN_MS)
		return err_set(err, RC_INVALID, "every is less than a second");
	if (rule->cron != NULL)
		rc = cron_parse(rule->cron, &cron, err);
	if (rc != RC_OK)
		return err_wrap(err, "cron");
	if (rule->tz != NULL)
		rc = zone_open(rule->tz, &zone, err);
	zone_free(zone);
	if (rc == RC_INVALID)
		(void)err_wrap(err, "tz");
	return rc;
}

/* When it runs without an event of Twenty's. */
static enum rc read_clock(const json_t *from, struct rule *rule, struct err *err)
{
	size_t i;
	json_t *one;
	rule->every_ms = bounded(json_object_get(from, "every_ms"), EVERY_MAX_MS);
	json_array_foreach(rule->on, i, one) rule->timer |=
		strcmp(json_string_value(one), "timer") == 0;
	enum rc rc = read_text(json_object_get(from, "cron"), &rule->cron, err);
	if (rc == RC_OK)
		rc = read_text(json_object_get(from, "tz"), &rule->tz, err);
	if (rc == RC_OK)
		rc = check_clock(rule, err);
	return rc == RC_OK ? read_text(json_object_get(from, "was"), &rule->was, err) : rc;
}

static enum rc read_rule(
	const json_t *from, struct version *source, struct rule *rule, struct err *err)
{
	const char *name = json_string_value(json_object_get(from, "name"));
	rule->line = (int)bounded(json_object_get(from, "line"), 10000000);
	if (!name_fits(name))
		return err_set(err, RC_INVALID,
			"the name of a rule has 1 to %d characters, none of them a control "
			"character",
			RULESET_NAME_MAX);
	rule->name = strdup(name);
	if (rule->name == NULL)
		return err_set(err, RC_NOMEM, "no memory for a rule");
	rule->source = source;
	rule->timeout_ms = bounded(json_object_get(from, "timeout_ms"), SPAN_MAX_MS);
	rule->cpu_ms = bounded(json_object_get(from, "cpu_ms"), SPAN_MAX_MS);
	json_t *echo = json_object_get(from, "echo");
	rule->echo = json_is_true(echo)    ? RULE_ECHO_ALL
		     : json_is_false(echo) ? RULE_ECHO_PEOPLE
					   : RULE_ECHO_OTHERS;
	rule->attempts_max = attempts_of(json_object_get(from, "retry_max"));
	json_t *on = json_object_get(from, "on");
	enum rc rc = check_on(on, err);
	if (rc == RC_OK)
		rule->on = json_incref(on);
	if (rc == RC_OK)
		rc = read_when(json_object_get(from, "when"), rule, err);
	if (rc == RC_OK)
		rc = read_key(json_object_get(from, "key"), rule, err);
	if (rc == RC_OK)
		rc = read_clock(from, rule, err);
	if (rc == RC_OK && json_array_size(on) == 0 && rule->every_ms == 0 && rule->cron == NULL)
		rc = err_set(err, RC_INVALID, "`on` names no event");
	read_gathering(from, rule);
	read_manner(from, rule);
	return rc;
}

static enum rc read_rules(const json_t *rules, struct rulefile *f, struct err *err)
{
	struct err why = {0};
	size_t n = json_array_size(rules);
	if (n > RULES_MAX)
		return err_set(
			err, RC_INVALID, "%s declares more than %d rules", f->name, RULES_MAX);
	f->rules = calloc(n + 1, sizeof(*f->rules));
	if (f->rules == NULL)
		return err_set(err, RC_NOMEM, "no memory for %s", f->name);
	for (f->n = 0; f->n < n; f->n++) {
		struct rule *rule = &f->rules[f->n];
		enum rc rc = read_rule(json_array_get(rules, f->n), f->source, rule, &why);
		if (rc != RC_OK) {
			err_set(err, rc, "%s:%d: %s", f->name, rule->line, why.msg);
			f->n++;
			return rc;
		}
	}
	return RC_OK;
}

enum rc rulefile_new(const char *name, struct version *source, const json_t *head,
	struct rulefile **ret_file, struct err *err)
{
	struct rulefile *f = calloc(1, sizeof(*f));
	if (f == NULL) {
		version_unref(source);
		return err_set(err, RC_NOMEM, "no memory for %s", name);
	}
	f->refs = 1;
	f->source = source;
	snprintf(f->name, sizeof(f->name), "%s", name);
	snprintf(f->hash, sizeof(f->hash), "%s", source->hash);
	const char *error = json_string_value(json_object_get(head, "error"));
	json_int_t line = json_integer_value(json_object_get(head, "line"));
	const json_t *rules = json_object_get(head, "rules");
	enum rc rc = RC_OK;
	if (error != NULL && strncmp(error, "lib/", 4) == 0)
		rc = err_set(err, RC_INVALID, "%.200s (used by %.40s)", error, name);
	else if (error != NULL && line > 0 && strncmp(error, name, strlen(name)) != 0)
		rc = err_set(err, RC_INVALID, "%s:%d: %s", name, (int)line, error);
	else if (error != NULL && strncmp(error, name, strlen(name)) != 0)
		rc = err_set(err, RC_INVALID, "%s: %s", name, error);
	else if (error != NULL)
		rc = err_set(err, RC_INVALID, "%s", error);
	else if (!json_is_array(rules))
		rc = err_set(err, RC_INVALID, "%s: the worker did not say what it declares", name);
	else
		rc = read_rules(rules, f, err);
	if (rc != RC_OK) {
		rulefile_unref(f);
		return rc;
	}
	*ret_file = f;
	return RC_OK;
}

struct rulefile *rulefile_ref(struct rulefile *file)
{
	file->refs++;
	return file;
}

void rulefile_unref(struct rulefile *file)
{
	if (file == NULL || --file->refs != 0)
		return;
	for (size_t i = 0; i < file->n; i++) {
		free(file->rules[i].name);
		free(file->rules[i].key_field);
		free(file->rules[i].cron);
		free(file->rules[i].tz);
		free(file->rules[i].was);
		json_decref(file->rules[i].on);
		predicate_free(file->rules[i].predicate);
		json_decref(file->rules[i].asks);
	}
	if (file->lacks != NULL)
		check_findings_done(file->lacks);
	free(file->lacks);
	free(file->rules);
	version_unref(file->source);
	free(file);
}

struct ruleset *ruleset_new(size_t files_max)
{
	struct ruleset *set = calloc(1, sizeof(*set));
	if (set == NULL)
		return NULL;
	set->refs = 1;
	set->files = calloc(files_max + 1, sizeof(struct rulefile *));
	if (set->files == NULL) {
		free(set);
		return NULL;
	}
	return set;
}

struct ruleset *ruleset_ref(struct ruleset *set)
{
	set->refs++;
	return set;
}

void ruleset_unref(struct ruleset *set)
{
	if (set == NULL || --set->refs != 0)
		return;
	for (size_t i = 0; i < set->files_n; i++)
		rulefile_unref(set->files[i]);
	free(set->files);
	free(set->rules);
	free(set);
}

static enum rc check_twice(
	const struct ruleset *set, const struct rulefile *file, size_t i, struct err *err)
{
	const struct rule *rule = &file->rules[i];
	const struct rule *other = ruleset_find(set, rule->name);
	for (size_t k = 0; k < i && other == NULL; k++) {
		if (strcmp(file->rules[k].name, rule->name) == 0)
			other = &file->rules[k];
	}
	if (other == NULL)
		return RC_OK;
	return err_set(err, RC_DUPLICATE, "%s:%d: a rule named \"%s\" is in %s:%d already",
		file->name, rule->line, rule->name, other->source->file, other->line);
}

enum rc ruleset_add(struct ruleset *set, struct rulefile *file, struct err *err)
{
	for (size_t i = 0; i < file->n; i++) {
		enum rc rc = check_twice(set, file, i, err);
		if (rc != RC_OK)
			return rc;
	}
	struct rule **rules = realloc(set->rules, (set->n + file->n + 1) * sizeof(struct rule *));
	if (rules == NULL)
		return err_set(err, RC_NOMEM, "no memory for the rules of %s", file->name);
	set->rules = rules;
	for (size_t i = 0; i < file->n; i++)
		set->rules[set->n++] = &file->rules[i];
	set->files[set->files_n++] = rulefile_ref(file);
	return RC_OK;
}

struct rulefile *ruleset_find_file(const struct ruleset *set, const char *name)
{
	for (size_t i = 0; i < set->files_n; i++) {
		if (strcmp(set->files[i]->name, name) == 0)
			return set->files[i];
	}
	return NULL;
}

struct rule *ruleset_find(const struct ruleset *set, const char *name)
{
	for (size_t i = 0; i < set->n; i++) {
		if (strcmp(set->rules[i]->name, name) == 0)
			return set->rules[i];
	}
	return NULL;
}
