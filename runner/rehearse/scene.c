/* SPDX-License-Identifier: MIT */
/*
 * The stage of a test is set and cleared away.
 * From: rehearse.c, test by test. To: play.c, then observe.c. Every test has a runner, a store and
 * a worker of its own, so none sees what another left. Fails with a sentence where the test says
 * what cannot be, or its rules cannot be loaded.
 */
#include "runner/rehearse/scene.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "runner/life.h"
#include "runner/runner.h"
#include "runner/state.h"

#define START "2026-01-05T09:00:00.000Z" /* a Monday; where a test does not say */
#define LASTS_MAX_MS (INT64_C(400) * 86400 * 1000)

enum rc scene_refuse(struct scene *scene, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(scene->error.text, sizeof(scene->error.text), fmt, ap);
	va_end(ap);
	return RC_RULE;
}

/* --- what the test says ------------------------------------------------------------------------
 */

static enum rc add_file(struct scene *s, const char *name)
{
	size_t n = 0;
	const char *slash = strrchr(name, '/');
	while (s->files[n] != NULL)
		n++;
	if (n == SCENE_FILES_MAX)
		return scene_refuse(s, "rules: at most %d files", SCENE_FILES_MAX);
	if (slash != NULL) /* all of them are of one folder */
		snprintf(s->rules, sizeof(s->rules), "%.200s/%.*s", s->script->dir,
			(int)(slash - name < 200 ? slash - name : 200), name);
	snprintf(s->names[n], sizeof(s->names[n]), "%.250s", slash != NULL ? slash + 1 : name);
	s->files[n] = s->names[n];
	return RC_OK;
}

/* rule = "name" or a list: the others of the files are not there. */
static enum rc read_rule_names(struct scene *s)
{
	const json_t *names = json_object_get(s->plan, "rule");
	for (size_t i = 0; i < json_array_size(names); i++) {
		const char *name = json_string_value(json_array_get(names, i));
		if (name == NULL || i == SCENE_FILES_MAX)
			return scene_refuse(s,
				"rule is the name of a rule, or a list of at most %d",
				SCENE_FILES_MAX);
		s->rule_names[i] = name;
	}
	return RC_OK;
}

/* foo_test.lua is about foo.lua, unless it says rules = { .. }. */
static enum rc read_files(struct scene *s)
{
	static const char ending[] = "_test.lua";
	const json_t *rules = json_object_get(s->plan, "rules");
	char name[300];
	enum rc rc = RC_OK;
	snprintf(s->rules, sizeof(s->rules), "%s", s->script->dir);
	for (size_t i = 0; i < json_array_size(rules) && rc == RC_OK; i++) {
		const char *one = json_string_value(json_array_get(rules, i));
		rc = one != NULL ? add_file(s, one)
				 : scene_refuse(s, "rules = { \"a.lua\" }: names of files");
	}
	if (rc != RC_OK || json_array_size(rules) != 0)
		return rc;
	size_t n = strlen(s->script->name);
	if (n <= sizeof(ending) - 1 ||
		strcmp(s->script->name + n - (sizeof(ending) - 1), ending) != 0)
		return scene_refuse(s,
			"no rule file belongs to %s: name it x_test.lua beside "
			"x.lua, or write rules = { \"x.lua\" }",
			s->script->name);
	snprintf(name, sizeof(name), "%.*s.lua", (int)(n - (sizeof(ending) - 1)), s->script->name);
	return add_file(s, name);
}

static enum rc read_times(struct scene *s)
{
	const json_t *now = json_object_get(s->plan, "now");
	const json_t *lasts = json_object_get(s->plan, "lasts_ms");
	const char *text = now != NULL ? json_string_value(now) : START;
	s->start_ms = text != NULL ? clock_parse(text) : -1;
	if (s->start_ms <= 0)
		return scene_refuse(s, "now is a time such as \"2026-01-05T09:00:00Z\"");
	s->end_ms = INT64_MAX;
	if (json_number_value(lasts) > (double)LASTS_MAX_MS)
		return scene_refuse(s, "lasts: a test has 400 days at most");
	if (lasts != NULL)
		s->end_ms = s->start_ms + (int64_t)json_number_value(lasts);
	return RC_OK;
}

static enum rc read_plan(struct scene *s, struct err *err)
{
	const char *skip = json_string_value(json_object_get(s->plan, "skip"));
	if (skip != NULL) {
		(void)scene_refuse(s, "%s", skip);
		return RC_DENIED;
	}
	const char *refused = json_string_value(json_object_get(s->plan, "refused"));
	if (refused != NULL)
		return scene_refuse(s, "%s", refused);
	enum rc rc = read_files(s);
	if (rc == RC_OK)
		rc = read_rule_names(s);
	if (rc == RC_OK)
		rc = read_times(s);
	if (rc != RC_OK)
		return rc;
	s->choice = (struct rules_choice){
		.files = s->files,
		.names = s->rule_names[0] != NULL ? s->rule_names : NULL,
		.clock = s->end_ms != INT64_MAX,
		.edit = scene_edit,
		.ctx = s,
	};
	clock_set_wall_ms(s->start_ms); /* until scene_close */
	rc = world_open(&s->world, json_object_get(s->plan, "records"), err);
	return rc == RC_INVALID ? scene_refuse(s, "%s", err->msg) : rc;
}

/* --- the stage ---------------------------------------------------------------------------------
 */

static enum rc put_conf(const struct scene *s, struct buf *text)
{
	/* %q of Lua and JSON's quotes agree on what a path has. */
	json_t *rules = json_string(s->rules);
	char *quoted = rules != NULL ? json_dumps(rules, JSON_ENCODE_ANY) : NULL;
	json_decref(rules);
	enum rc rc = quoted == NULL ? RC_NOMEM
				    : buf_printf(text,
					      "rules = %s\nworkers = 1\nstore = \"memory:\"\n"
					      "twenty = { url = \"http://127.0.0.1:9\", key = "
					      "\"none\" }\n"
					      "gap = { every = \"0s\" }\n"
					      "retain = { events = \"0s\", runs = \"0s\" }\n",
					      quoted);
	free(quoted);
	return rc;
}

/* The runner wants a configuration; a file that only memory holds is one. */
static enum rc open_conf(struct scene *s, struct err *err)
{
	const struct conf_table tables[] = {runner_conf_table, queue_conf_table, client_conf_table};
	struct buf text;
	char path[40];
	buf_init(&text, 8192);
	enum rc rc = put_conf(s, &text);
	int fd = memfd_create("rehearsal", MFD_CLOEXEC);
	if (rc == RC_OK && (fd < 0 || write(fd, text.p, text.n) != (ssize_t)text.n))
		rc = RC_IO;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (rc == RC_OK)
		rc = conf_load(path, tables, ARRAY_N(tables), NULL, 0, &s->conf, err);
	else
		err_set(err, rc, "no memory for the settings of a test");
	if (fd >= 0)
		close(fd);
	buf_done(&text);
	return rc;
}

static int on_kick(sd_event_source *source, void *ctx)
{
	(void)source;
	(void)ctx;
	return 0;
}

static enum rc open_loop(struct scene *s, struct err *err)
{
	int n = sd_event_new(&s->loop);
	if (n >= 0)
		n = sd_event_add_defer(s->loop, &s->kick, on_kick, NULL);
	return n >= 0 ? RC_OK : err_set_errno(err, RC_NOMEM, -n, "cannot make an event loop");
}

static enum rc open_runner(struct scene *s, struct err *err)
{
	s->understudy = (struct understudy){.script = s->script,
		.world = &s->world,
		.stubs = json_object_get(s->plan, "stubs")};
	enum rc rc = queue_open("memory:rehearsal", QUEUE_RECEIVER, &s->inbox, err);
	if (rc == RC_OK)
		rc = queue_open("memory:rehearsal", QUEUE_RUNNER, &s->work, err);
	if (rc == RC_OK)
		rc = open_loop(s, err);
	if (rc == RC_OK)
		rc = understudy_open(&s->understudy, s->loop, &s->client, err);
	if (rc != RC_OK)
		return rc;
	const struct runner_parts parts = {
		.conf = s->conf,
		.loop = s->loop,
		.queue = s->work,
		.client = s->client,
		.seed = 1,
		.exe = s->exe,
		.shelf = s->shelf,
		.link_fd = -1,
		.wake_fd = -1,
		.choice = &s->choice,
	};
	rc = runner_new(&parts, &s->runner, err);
	if (rc == RC_OK)
		s->runner->jump.still = true;
	return rc;
}

enum rc scene_play(struct scene *scene, json_t **ret_observed, struct err *err)
{
	enum rc rc = read_plan(scene, err);
	if (rc == RC_OK)
		rc = open_conf(scene, err);
	if (rc != RC_OK)
		return rc;
	rc = open_runner(scene, err);
	if (rc == RC_OK)
		rc = scene_run(scene, err);
	if (rc == RC_OK)
		rc = scene_observe(scene, ret_observed, err);
	return rc;
}

void scene_end(struct scene *scene)
{
	runner_free(scene->runner);
	scene->runner = NULL;
}

void scene_close(struct scene *scene)
{
	scene_end(scene);
	client_free(scene->client);
	understudy_close(&scene->understudy);
	sd_event_source_disable_unref(scene->kick);
	sd_event_unref(scene->loop);
	queue_close(scene->work);
	queue_close(scene->inbox);
	conf_free(scene->conf);
	world_close(&scene->world);
	json_decref(scene->plan);
	clock_set_wall_ms(0);
	clock_skip_mono_ms(-scene->skipped_ms);
	*scene = (struct scene){0};
}
