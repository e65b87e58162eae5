/* SPDX-License-Identifier: MIT */
/*
 * From the rules in the store to the operations of a webhook.
 * From: webhook_add.c, doctor.c. To: the store, as a reader. Asks Twenty nothing.
 */
#include "cli/pattern.h"

#include <stdio.h>
#include <string.h>

#include "runner/match.h"

#define PATTERN_N 160

/* Can Twenty send such an event? "hook:stripe" and "timer" are ours. */
static bool is_of_twenty(const char *pattern)
{
	return strchr(pattern, ':') == NULL && strchr(pattern, '.') != NULL;
}

/* The next of "person.created, task.*" at *at; false behind the last. */
static bool next_word(const char **at, char ret_word[static PATTERN_N])
{
	const char *p = *at + strspn(*at, ", \t");
	size_t n = strcspn(p, ", \t");
	snprintf(ret_word, PATTERN_N, "%.*s", n < PATTERN_N ? (int)n : PATTERN_N - 1, p);
	*at = p + n;
	return n != 0;
}

static enum rc add_rule(void *ctx, const struct queue_rule *rule, struct err *err)
{
	char word[PATTERN_N];
	const char *at = rule->on;
	while (next_word(&at, word)) {
		if (!is_of_twenty(word))
			continue;
		json_t *row = json_pack("{s:s, s:s}", "rule", rule->name, "on", word);
		if (row == NULL || json_array_append_new(ctx, row) != 0)
			return err_set(err, RC_NOMEM, "no memory for the rules");
	}
	return RC_OK;
}

enum rc patterns_read(struct queue *queue, json_t **ret_patterns, struct err *err)
{
	json_t *patterns = json_array();
	if (patterns == NULL)
		return err_set(err, RC_NOMEM, "no memory for the rules");
	enum rc rc = queue_rule_each(queue, add_rule, patterns, err);
	if (rc != RC_OK) {
		json_decref(patterns);
		return rc;
	}
	*ret_patterns = patterns;
	return RC_OK;
}

static bool holds(const json_t *list, const char *text)
{
	size_t i;
	json_t *each;
	json_array_foreach((json_t *)(uintptr_t)list, i, each)
	{
		if (strcmp(json_string_value(each), text) == 0)
			return true;
	}
	return false;
}

json_t *patterns_operations(const json_t *patterns)
{
	json_t *operations = json_array(), *row;
	size_t i;
	json_array_foreach((json_t *)(uintptr_t)patterns, i, row)
	{
		char wide[PATTERN_N];
		const char *on = json_string_value(json_object_get(row, "on"));
		const char *dot = on != NULL ? strrchr(on, '.') : NULL;
		if (dot == NULL)
			continue;
		snprintf(wide, sizeof(wide), "%.*s.*", (int)(dot - on), on);
		if (!holds(operations, wide))
			json_array_append_new(operations, json_string(wide));
	}
	if (json_array_size(operations) == 0 || holds(operations, "*.*")) {
		json_array_clear(operations);
		json_array_append_new(operations, json_string("*.*"));
	}
	return operations;
}

enum rc patterns_parse(const char *text, json_t **ret_operations, struct err *err)
{
	char word[PATTERN_N];
	enum rc rc = RC_OK;
	json_t *operations = json_array();
	while (rc == RC_OK && next_word(&text, word)) {
		struct err why;
		if (!is_of_twenty(word) || match_check(word, &why) != RC_OK)
			rc = err_set(err, RC_INVALID,
				"\"%.60s\" is no operation such as person.created, person.*, "
				"*.deleted or *.*",
				word);
		else if (!holds(operations, word) &&
			 json_array_append_new(operations, json_string(word)) != 0)
			rc = err_set(err, RC_NOMEM, "no memory for the operations");
	}
	if (rc == RC_OK && json_array_size(operations) == 0)
		rc = err_set(err, RC_INVALID, "--operations wants some, such as person.*,task.*");
	if (rc != RC_OK) {
		json_decref(operations);
		return rc;
	}
	*ret_operations = operations;
	return RC_OK;
}

void patterns_format(const json_t *operations, char *out, size_t out_n)
{
	size_t i;
	json_t *each;
	out[0] = '\0';
	json_array_foreach((json_t *)(uintptr_t)operations, i, each)
	{
		size_t at = strlen(out);
		snprintf(out + at, out_n - at, "%s%s", i != 0 ? ", " : "", json_string_value(each));
	}
}
