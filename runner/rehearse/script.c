/* SPDX-License-Identifier: MIT */
/*
 * A test file and its state in a worker.
 * From: rehearse.c, scene.c, double.c. To: rehearsal.lua over TEST frames. Fixtures are read here
 * when the file asks for them: fixtures/NAME.json beside it, else beside its folder. Fails with the
 * file's own mistake (RC_RULE), or because it cannot be read.
 */
#include "runner/rehearse/script.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "runner/report.h"

#define TEXT_MAX (1u << 20)
#define FIXTURE_MAX (4u << 20)
#define FIXTURES_MAX 200
#define CPU_MS 750 /* a little more than the worker itself allows */

enum rc script_open(struct script *script, struct solo *solo, const char *path, struct err *err)
{
	struct script s = {.solo = solo, .fixtures = json_object()};
	const char *slash = strrchr(path, '/');
	buf_init(&s.text, TEXT_MAX);
	int n = snprintf(s.path, sizeof(s.path), "%s", path);
	if (s.fixtures == NULL || n < 0 || (size_t)n >= sizeof(s.path)) {
		json_decref(s.fixtures);
		return err_set(err, RC_INVALID, "the name of a test file is too long");
	}
	snprintf(s.dir, sizeof(s.dir), "%.*s", slash != NULL ? (int)(slash - path) : 1,
		slash != NULL ? path : ".");
	snprintf(s.name, sizeof(s.name), "%.250s", slash != NULL ? slash + 1 : path);
	enum rc rc = file_read(AT_FDCWD, path, FILE_LINKS_FOLLOWED, &s.text, err);
	if (rc != RC_OK) {
		json_decref(s.fixtures);
		buf_done(&s.text);
		return rc;
	}
	*script = s;
	return RC_OK;
}

void script_close(struct script *script)
{
	buf_done(&script->text);
	json_decref(script->fixtures);
	script->fixtures = NULL;
}

static enum rc read_fixture(
	const struct script *s, const char *name, struct buf *out, struct script_error *ret_error)
{
	static const char *const places[] = {"fixtures", "../fixtures"};
	char path[SCRIPT_PATH_N + 300];
	for (size_t i = 0; i < ARRAY_N(places); i++) {
		struct err err = {0};
		snprintf(path, sizeof(path), "%s/%s/%.200s.json", s->dir, places[i], name);
		buf_clear(out);
		enum rc rc = file_read(AT_FDCWD, path, FILE_LINKS_FOLLOWED, out, &err);
		if (rc == RC_OK)
			return RC_OK;
		if (rc != RC_NOT_FOUND) {
			snprintf(ret_error->text, sizeof(ret_error->text), "%s", err.msg);
			return RC_RULE;
		}
	}
	snprintf(ret_error->text, sizeof(ret_error->text),
		"fixture \"%.100s\" is not there: neither %.200s/fixtures/%.100s.json nor "
		"%.200s/../fixtures/%.100s.json",
		name, s->dir, name, s->dir, name);
	return RC_RULE;
}

static enum rc add_fixture(
	struct script *s, const char *name, struct script_error *ret_error, struct err *err)
{
	struct buf text;
	json_error_t where;
	ret_error->line = 0;
	if (json_object_size(s->fixtures) >= FIXTURES_MAX)
		return err_set(err, RC_TOO_LARGE, "more than %d fixtures", FIXTURES_MAX);
	buf_init(&text, FIXTURE_MAX);
	enum rc rc = read_fixture(s, name, &text, ret_error);
	if (rc == RC_OK) {
		json_t *value =
			json_loadb(text.p != NULL ? text.p : "", text.n, JSON_DECODE_ANY, &where);
		if (value == NULL) {
			snprintf(ret_error->text, sizeof(ret_error->text),
				"fixture \"%.100s\" is no JSON: line %d: %.200s", name, where.line,
				where.text);
			rc = RC_RULE;
		}
		json_decref(value);
	}
	if (rc == RC_OK && json_object_set_new(s->fixtures, name,
				   json_stringn(text.p != NULL ? text.p : "", text.n)) != 0)
		rc = err_set(err, RC_NOMEM, "no memory for a fixture");
	buf_done(&text);
	return rc;
}

/* A message without the "file:line: " in front, which is told beside it. */
static const char *without_place(const struct script *s, const char *message)
{
	size_t n = strlen(s->name);
	if (strncmp(message, s->name, n) != 0 || message[n] != ':')
		return message;
	n += 1 + strspn(message + n + 1, "0123456789");
	return strncmp(message + n, ": ", 2) == 0 ? message + n + 2 : message;
}

/* The error object of a worker as the text that rules get: what is wrong, where, and how it came to
 * it. */
static enum rc take_error(
	const struct script *s, const json_t *error, struct script_error *ret_error)
{
	const struct report report = {.file = s->name, .text = buf_slice(&s->text), .error = error};
	char headline[REPORT_HEADLINE_N];
	struct buf more;
	buf_init(&more, REPORT_BYTES + 1);
	report_headline(&report, headline);
	ret_error->line = (int)json_integer_value(json_object_get(error, "line"));
	bool below = report_put(&report, &more) == RC_OK && more.n != 0;
	snprintf(ret_error->text, sizeof(ret_error->text), "%s%s%s", without_place(s, headline),
		below ? "\n" : "", below ? more.p : "");
	buf_done(&more);
	return RC_RULE;
}

/* Sends one TEST. */
static enum rc send(struct script *s, json_t *question, json_t **ret_value,
	struct script_error *ret_error, struct err *err)
{
	json_t *told = NULL;
	char *text = question != NULL ? json_dumps(question, JSON_COMPACT) : NULL;
	json_decref(question);
	if (text == NULL)
		return err_set(err, RC_NOMEM, "no memory to ask a test");
	struct solo_question q = {.kind = FRAME_TEST,
		.answer = FRAME_TOLD,
		.payload = slice_of(text),
		.cpu_ms = CPU_MS};
	enum rc rc = solo_ask(s->solo, &q, &told, err);
	free(text);
	if (rc == RC_CPU || rc == RC_CLOSED || rc == RC_TIMEOUT) {
		snprintf(ret_error->text, sizeof(ret_error->text),
			"the test file ended its worker: %s", err->msg);
		ret_error->line = 0;
		return RC_RULE;
	}
	if (rc != RC_OK)
		return rc;
	json_t *value = json_object_get(told, "value"), *error = json_object_get(told, "error");
	if (error != NULL)
		rc = take_error(s, error, ret_error);
	else if (value == NULL)
		rc = err_set(err, RC_PARSE, "a test's worker said nothing");
	else
		*ret_value = json_incref(value);
	json_decref(told);
	return rc;
}

enum rc script_tests(
	struct script *script, json_t **ret_tests, struct script_error *ret_error, struct err *err)
{
	for (;;) {
		json_t *value = NULL;
		json_t *open = json_pack("{s:s, s:s, s:o, s:O}", "do", "open", "file", script->name,
			"source",
			json_stringn(script->text.p != NULL ? script->text.p : "", script->text.n),
			"fixtures", script->fixtures);
		if (open == NULL)
			return err_set(err, RC_PARSE, "%s is not UTF-8 text", script->path);
		enum rc rc = send(script, open, &value, ret_error, err);
		if (rc != RC_OK)
			return rc;
		const char *needs = json_string_value(json_object_get(value, "needs"));
		const char *error = json_string_value(json_object_get(value, "error"));
		if (needs != NULL)
			rc = add_fixture(script, needs, ret_error, err);
		if (error != NULL) {
			snprintf(ret_error->text, sizeof(ret_error->text), "%s", error);
			ret_error->line = 1;
			rc = RC_RULE;
		}
		if (rc == RC_OK && needs == NULL)
			*ret_tests = json_incref(json_object_get(value, "tests"));
		json_decref(value);
		if (rc != RC_OK || needs == NULL)
			return rc;
	}
}

enum rc script_ask(struct script *script, const char *what, json_t *arg, json_t **ret_value,
	struct script_error *ret_error, struct err *err)
{
	return send(
		script, json_pack("{s:s, s:O}", "do", what, "arg", arg), ret_value, ret_error, err);
}

static json_t *mark_object(const json_t *value)
{
	const char *key;
	json_t *each, *out = json_object();
	json_object_foreach((json_t *)(uintptr_t)value, key, each)
	{
		if (json_object_set_new(out, key, script_mark(each)) != 0) {
			json_decref(out);
			return NULL;
		}
	}
	return out;
}

json_t *script_mark(const json_t *value)
{
	size_t i;
	json_t *each, *out;
	if (json_is_null(value))
		return json_stringn("\0null", 5);
	if (json_is_object(value))
		return mark_object(value);
	if (!json_is_array(value))
		return json_deep_copy(value);
	out = json_array();
	json_array_foreach(value, i, each)
	{
		if (json_array_append_new(out, script_mark(each)) != 0) {
			json_decref(out);
			return NULL;
		}
	}
	return out;
}
