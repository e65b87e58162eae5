/* SPDX-License-Identifier: MIT */
/*
 * The patterns of `on` and the field paths of `key`.
 * From: route.c for every event and rule, rules.c when a file is loaded. Pure. Does not ask
 * functions of the rule: those travel to a worker (route.c).
 */
#include "runner/match.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define WORD "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

static const char *const actions[] = {"created", "updated", "deleted", "restored", "destroyed"};

static bool is_action(const char *word)
{
	for (size_t i = 0; i < ARRAY_N(actions); i++) {
		if (strcmp(actions[i], word) == 0)
			return true;
	}
	return strcmp(word, "*") == 0;
}

enum rc match_check(const char *pattern, struct err *err)
{
	if (strcmp(pattern, "timer") == 0)
		return RC_OK;
	if (strncmp(pattern, "hook:", 5) == 0 && pattern[5] != '\0' &&
		pattern[5 + strspn(pattern + 5, WORD)] == '\0')
		return RC_OK;
	const char *dot = strrchr(pattern, '.');
	if (dot == NULL || dot == pattern || dot[1] == '\0')
		return err_set(err, RC_INVALID,
			"on = \"%.64s\" is none of \"person.created\", \"person.*\", "
			"\"*.deleted\", \"hook:name\", \"timer\"",
			pattern);
	size_t head = (size_t)(dot - pattern);
	bool any = head == 1 && pattern[0] == '*';
	if (!any && strspn(pattern, WORD ".") < head)
		return err_set(err, RC_INVALID, "on = \"%.64s\" names no object", pattern);
	if (!is_action(dot + 1))
		return err_set(err, RC_INVALID,
			"on = \"%.64s\": the action is one of created, updated, deleted, restored, "
			"destroyed, *",
			pattern);
	return RC_OK;
}

bool match_name(const char *pattern, const char *name)
{
	if (strcmp(pattern, name) == 0)
		return true;
	size_t n = strlen(pattern);
	if (n >= 2 && strcmp(pattern + n - 2, ".*") == 0 && pattern[0] != '*')
		return strncmp(pattern, name, n - 1) == 0;
	if (strncmp(pattern, "*.", 2) != 0)
		return false;
	const char *dot = strchr(name, '.');
	if (dot == NULL || strchr(name, ':') != NULL || strncmp(name, "metadata.", 9) == 0)
		return false;
	return strcmp(pattern, "*.*") == 0 || strcmp(pattern + 1, dot) == 0;
}

json_t *match_find(const json_t *record, const char *path)
{
	char word[128];
	union {
		const json_t *in;
		json_t *out;
	} whole = {record};
	json_t *at = whole.out;
	while (at != NULL && path[0] != '\0') {
		size_t n = strcspn(path, ".");
		if (n == 0 || n >= sizeof(word))
			return NULL;
		memcpy(word, path, n);
		word[n] = '\0';
		at = json_object_get(at, word);
		path += n + (path[n] == '.');
	}
	return at;
}

enum rc match_field(const json_t *record, const char *path, struct buf *out, bool *ret_found)
{
	const json_t *at = match_find(record, path);
	enum rc rc = RC_OK;
	bool found = true;

	switch (at != NULL ? json_typeof(at) : JSON_NULL) {
	case JSON_STRING:
		rc = buf_put(out, json_string_value(at), json_string_length(at));
		found = json_string_length(at) != 0;
		break;
	case JSON_INTEGER:
		rc = buf_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(at));
		break;
	case JSON_REAL:
		rc = buf_printf(out, "%.17g", json_real_value(at));
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		rc = buf_put_text(out, json_is_true(at) ? "true" : "false");
		break;
	case JSON_OBJECT:
	case JSON_ARRAY:
	case JSON_NULL:
		found = false;
	}
	if (rc == RC_OK)
		*ret_found = found;
	return rc;
}

/* companyId of {company: null} */
static bool is_relation(const json_t *record, const char *path)
{
	char name[128];
	size_t n = strlen(path);
	if (n < 3 || n >= sizeof(name) || strcmp(path + n - 2, "Id") != 0)
		return false;
	snprintf(name, sizeof(name), "%.*s", (int)n - 2, path);
	return json_object_get(record, name) != NULL;
}

enum match_lack match_lack(const json_t *record, const char *path)
{
	char top[128];
	const json_t *at = match_find(record, path);
	if (json_is_object(at) || json_is_array(at))
		return MATCH_LACK_SINGLE;
	snprintf(top, sizeof(top), "%.*s", (int)strcspn(path, "."), path);
	bool null = json_is_null(json_object_get(record, top)); /* and with it what is in it */
	return at != NULL || null || is_relation(record, path) ? MATCH_LACK_VALUE
							       : MATCH_LACK_FIELD;
}
