/* SPDX-License-Identifier: MIT */
/*
 * File by file, test by test.
 * From: the verb `moonhook test`. To: scene.c, then the judge in the test file's own state; what
 * comes of each goes to a listener. A file that cannot be used is one broken case, and the others
 * go on. Fails only where nothing can be played at all.
 */
#include "runner/rehearse/rehearse.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "runner/rehearse/coverage.h"
#include "runner/rehearse/scene.h"
#include "runner/spawn.h"

struct rehearsing {
	const struct rehearse_options *options;
	const struct rehearse_listener *listener;
	struct rehearse_totals totals;
	struct solo *solo;
	struct spawn_shelf shelf;
	struct coverage coverage;
	bool stopped; /* fail_fast */
};

static json_t *one_failure(const struct script_error *error)
{
	json_t *text = json_string(error->text);
	if (text == NULL)
		text = json_string("what it said is no UTF-8 text");
	return json_pack("[{s:i, s:o}]", "line", error->line, "text", text);
}

static void tell(struct rehearsing *r, const struct rehearse_case *one)
{
	switch (one->result) {
	case REHEARSE_PASSED:
		r->totals.passed++;
		break;
	case REHEARSE_FAILED:
		r->totals.failed++;
		break;
	case REHEARSE_SKIPPED:
		r->totals.skipped++;
		break;
	case REHEARSE_BROKEN:
		r->totals.broken++;
		break;
	}
	r->stopped = r->options->fail_fast &&
		     (one->result == REHEARSE_FAILED || one->result == REHEARSE_BROKEN);
	r->listener->one(r->listener->ctx, one);
}

/* Has the judge look at what was observed. TAKES observed. */
static enum rc judge(struct script *script, int index, json_t *observed, json_t **ret_failures,
	struct script_error *ret_error, struct err *err)
{
	json_t *verdict = NULL;
	json_t *arg = json_pack("{s:i, s:o}", "index", index, "observed", observed);
	enum rc rc = script_ask(script, "judge", arg, &verdict, ret_error, err);
	json_decref(arg);
	if (rc == RC_OK) {
		json_t *failures = json_object_get(verdict, "failures");
		*ret_failures = json_is_array(failures) ? json_incref(failures) : json_array();
	}
	json_decref(verdict);
	return rc;
}

/* Plays the test that is open in script; GIVES its failures. */
static enum rc play(struct rehearsing *r, struct script *script, int index, json_t **ret_failures,
	struct script_error *ret_error, struct err *err)
{
	struct scene scene = {.script = script, .exe = r->options->exe, .shelf = &r->shelf};
	json_t *observed = NULL;
	json_t *arg = json_pack("{s:i}", "index", index);
	enum rc rc = script_ask(script, "scene", arg, &scene.plan, ret_error, err);
	json_decref(arg);
	if (rc == RC_OK && r->options->coverage)
		rc = coverage_begin(&r->coverage, &r->shelf, err);
	if (rc == RC_OK) {
		rc = scene_play(&scene, &observed, err);
		*ret_error = scene.error;
	}
	if (rc == RC_OK)
		rc = judge(script, index, observed, ret_failures, ret_error, err);
	scene_end(&scene);
	if (r->options->coverage && scene.files[0] != NULL) {
		enum rc noted =
			coverage_end(&r->coverage, &r->shelf, scene.rules, scene.files, err);
		rc = rc == RC_OK ? noted : rc;
	}
	scene_close(&scene);
	return rc;
}

/* Each test begins with the file anew, so that none sees what another has changed. */
static enum rc play_one(
	struct rehearsing *r, struct script *script, int index, const json_t *test, struct err *err)
{
	struct script_error error = {.text = ""};
	json_t *tests = NULL, *failures = NULL;
	int64_t from_us = clock_mono_us();
	enum rc rc = script_tests(script, &tests, &error, err);
	json_decref(tests);
	if (rc == RC_OK)
		rc = play(r, script, index, &failures, &error, err);
	struct rehearse_case one = {.file = script->path,
		.name = json_string_value(json_object_get(test, "name")),
		.line = (int)json_integer_value(json_object_get(test, "line")),
		.why = ""};
	if (rc == RC_OK) {
		one.result = json_array_size(failures) == 0 ? REHEARSE_PASSED : REHEARSE_FAILED;
	} else if (rc == RC_DENIED) {
		one.result = REHEARSE_SKIPPED;
		one.why = error.text;
	} else if (rc == RC_RULE) {
		one.result = REHEARSE_FAILED;
		failures = one_failure(&error);
	} else {
		return rc;
	}
	one.failures = failures;
	one.took_us = clock_mono_us() - from_us;
	tell(r, &one);
	json_decref(failures);
	return RC_OK;
}

static void tell_broken(struct rehearsing *r, const char *path, const struct script_error *error)
{
	json_t *failures = one_failure(error);
	const struct rehearse_case one = {.file = path,
		.name = "",
		.line = error->line,
		.result = REHEARSE_BROKEN,
		.failures = failures,
		.why = ""};
	tell(r, &one);
	json_decref(failures);
}

static bool is_wanted(const struct rehearse_options *options, const json_t *test)
{
	const char *name = json_string_value(json_object_get(test, "name"));
	return name != NULL && (options->filter == NULL || strstr(name, options->filter) != NULL);
}

static enum rc play_file(struct rehearsing *r, const char *path, struct err *err)
{
	struct script script;
	struct script_error error = {.text = ""};
	json_t *tests = NULL;
	enum rc rc = script_open(&script, r->solo, path, err);
	if (rc != RC_OK) {
		snprintf(error.text, sizeof(error.text), "%s", err->msg);
		tell_broken(r, path, &error);
		return RC_OK;
	}
	rc = script_tests(&script, &tests, &error, err);
	if (rc == RC_RULE) {
		tell_broken(r, path, &error);
		rc = RC_OK;
	}
	for (size_t i = 0; i < json_array_size(tests) && rc == RC_OK && !r->stopped; i++)
		if (is_wanted(r->options, json_array_get(tests, i)))
			rc = play_one(r, &script, (int)i + 1, json_array_get(tests, i), err);
	json_decref(tests);
	script_close(&script);
	return rc;
}

enum rc rehearse_run(const struct rehearse_options *options,
	const struct rehearse_listener *listener, struct rehearse_totals *ret_totals,
	struct err *err)
{
	struct rehearsing r = {.options = options, .listener = listener};
	struct rehearse_files files = {0};
	int64_t from_us = clock_mono_us();
	enum rc rc = rehearse_find(options->paths, &files, err);
	if (rc == RC_OK)
		rc = solo_open(options->exe, &r.solo, err);
	if (rc == RC_OK && options->coverage)
		rc = coverage_open(&r.coverage, options->exe, err);
	for (size_t i = 0; i < files.n && rc == RC_OK && !r.stopped; i++)
		rc = play_file(&r, files.paths[i], err);
	if (rc == RC_OK && options->coverage)
		rc = coverage_sum(&r.coverage, &r.totals.coverage, err);
	coverage_close(&r.coverage);
	solo_close(r.solo);
	spawn_clear(&r.shelf);
	rehearse_files_done(&files);
	r.totals.took_us = clock_mono_us() - from_us;
	if (rc == RC_OK)
		*ret_totals = r.totals;
	return rc;
}
