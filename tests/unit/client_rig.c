/* SPDX-License-Identifier: MIT */
/*
 * Setting up a client for one test.
 * From: tests/unit/client_*.c, tests/conformance/client_*.c. To: a real client on a real event
 * loop. Every wait is bounded.
 */
#include "tests/unit/client_rig.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

static bool twin_listens(void *ctx)
{
	struct rig *rig = ctx;
	char *text = process_read(rig->twin.out);
	const char *at = text != NULL ? strstr(text, "listening on ") : NULL;
	bool ok = at != NULL && strchr(at, '\n') != NULL &&
		  sscanf(at, "listening on %100s", rig->url) == 1;
	free(text);
	return ok;
}

bool rig_start_twin(struct rig *rig, const char *dialect, const char *listen, const char *args)
{
	char words[512];
	const char *argv[32] = {process_path("moonhook-twin"), "--listen", listen, "--dialect",
		dialect, "--key", RIG_KEY};
	size_t n = 7;
	snprintf(words, sizeof(words), "%s", args != NULL ? args : "");
	char *save = NULL;
	for (char *w = strtok_r(words, " ", &save); w != NULL && n < 31;
		w = strtok_r(NULL, " ", &save))
		argv[n++] = w;
	return process_start(&rig->twin, rig->dir, "twin", argv, NULL) &&
	       process_await(twin_listens, rig, 60000);
}

bool rig_open(struct rig *rig, const struct rig_conf *conf)
{
	char text[1024], file[160];
	memset(rig, 0, sizeof(*rig));
	log_start("test", LOG_TEXT, LOG_ERROR);
	if (!process_folder(rig->dir) || sd_event_new(&rig->loop) < 0)
		return false;
	snprintf(rig->url, sizeof(rig->url), "%s", conf->url != NULL ? conf->url : "");
	if (conf->twin != NULL &&
		!rig_start_twin(rig, conf->twin, "127.0.0.1:0",
			conf->twin_args != NULL ? conf->twin_args : "--budget none")) {
		fprintf(stderr, "the twin did not start\n");
		return false;
	}
	snprintf(text, sizeof(text),
		"twenty = { url = \"%s\", key = \"%s\", dialect = \"%s\", budget = \"%s\", "
		"timeout = \"%s\"%s%s%s }\n%s\n",
		rig->url, conf->key != NULL ? conf->key : RIG_KEY,
		conf->dialect != NULL ? conf->dialect : "auto",
		conf->budget != NULL ? conf->budget : "none",
		conf->timeout != NULL ? conf->timeout : "30s", conf->ca != NULL ? ", ca = \"" : "",
		conf->ca != NULL ? conf->ca : "", conf->ca != NULL ? "\"" : "",
		conf->settings != NULL ? conf->settings : "");
	snprintf(file, sizeof(file), "%s/rig.lua", rig->dir);
	if (!process_write(rig->dir, "rig.lua", text))
		return false;
	enum rc rc = conf_load(file, &client_conf_table, 1, NULL, 0, &rig->conf, &rig->err);
	if (rc == RC_OK)
		rc = client_new(rig->conf, rig->loop, &rig->client, &rig->err);
	if (rc != RC_OK)
		fprintf(stderr, "rig: %s\n", rig->err.msg);
	return rc == RC_OK;
}

void rig_close(struct rig *rig)
{
	client_free(rig->client);
	rig->client = NULL;
	process_stop(&rig->twin, SIGTERM, 5000);
	conf_free(rig->conf);
	sd_event_unref(rig->loop);
	if (rig->dir[0] != '\0')
		process_folder_remove(rig->dir);
}

static void take(void *ctx, const struct client_answer *answer)
{
	struct rig_answer *a = ctx;
	a->done = true;
	a->code = answer->code;
	a->value = json_incref(answer->value);
	a->status = answer->status;
	a->retryable = answer->retryable;
	a->unknown = answer->unknown;
	a->requests = answer->requests;
	snprintf(a->name, sizeof(a->name), "%s", answer->name);
	snprintf(a->message, sizeof(a->message), "%s", answer->message);
}

void rig_submit(struct rig *rig, struct rig_answer *answer, enum client_op op, const char *object,
	json_t *args, const char *name)
{
	struct err err = {.msg = ""};
	memset(answer, 0, sizeof(*answer));
	struct client_call call = {.op = op,
		.object = object,
		.args = args,
		.name = name,
		.since_ms = rig->since_ms,
		.done = take,
		.ctx = answer};
	answer->submitted = client_submit(rig->client, &call, &answer->ticket, &err);
	json_decref(args);
	if (answer->submitted == RC_OK)
		return;
	answer->done = true;
	answer->code = answer->submitted;
	snprintf(answer->name, sizeof(answer->name), "%s", rc_name(answer->code));
	snprintf(answer->message, sizeof(answer->message), "%s", err.msg);
}

bool rig_until(struct rig *rig, bool (*question)(void *ctx), void *ctx, int64_t wait_ms)
{
	int64_t end = clock_mono_ms() + wait_ms;
	while (!question(ctx)) {
		if (clock_mono_ms() >= end || sd_event_run(rig->loop, 20000) < 0)
			return false;
	}
	return true;
}

struct waiting {
	struct rig_answer *answers;
	size_t n;
};

static bool all_done(void *ctx)
{
	struct waiting *w = ctx;
	for (size_t i = 0; i < w->n; i++)
		if (!w->answers[i].done)
			return false;
	return true;
}

bool rig_await(struct rig *rig, struct rig_answer *answers, size_t n, int64_t wait_ms)
{
	struct waiting w = {answers, n};
	return rig_until(rig, all_done, &w, wait_ms);
}

struct rig_answer rig_call(
	struct rig *rig, enum client_op op, const char *object, json_t *args, const char *name)
{
	struct rig_answer answer;
	rig_submit(rig, &answer, op, object, args, name);
	if (!rig_await(rig, &answer, 1, 30000)) {
		client_cancel(rig->client, answer.ticket);
		answer.code = RC_N;
		snprintf(answer.message, sizeof(answer.message), "no answer in 30 s");
	}
	return answer;
}

void rig_answer_done(struct rig_answer *answer)
{
	json_decref(answer->value);
	answer->value = NULL;
}

json_t *rig_json(const char *text)
{
	char copy[4096];
	snprintf(copy, sizeof(copy), "%s", text);
	for (char *p = copy; *p != '\0'; p++)
		if (*p == '\'')
			*p = '"';
	json_error_t why;
	json_t *value = json_loads(copy, JSON_DECODE_ANY, &why);
	if (value == NULL)
		fprintf(stderr, "rig_json: %s in %s\n", why.text, copy);
	return value;
}

const char *rig_text(const json_t *value, const char *path)
{
	static char number[32];
	char copy[128];
	snprintf(copy, sizeof(copy), "%s", path);
	char *save = NULL;
	for (char *part = strtok_r(copy, ".", &save); part != NULL && value != NULL;
		part = strtok_r(NULL, ".", &save))
		value = json_is_array(value) ? json_array_get(value, strtoul(part, NULL, 10))
					     : json_object_get(value, part);
	if (json_is_string(value))
		return json_string_value(value);
	if (!json_is_number(value))
		return json_is_true(value) ? "true" : json_is_false(value) ? "false" : "";
	snprintf(number, sizeof(number), "%.17g", json_number_value(value));
	return number;
}

json_t *rig_api(struct rig *rig, const char *method, const char *path, const char *body)
{
	const char *headers[] = {
		"Authorization: Bearer " RIG_KEY, "Content-Type: application/json", NULL};
	char url[512];
	struct http_answer answer;
	snprintf(url, sizeof(url), "%s%s", rig->url, path);
	if (!http_request(method, url, headers, body, body != NULL ? strlen(body) : 0, &answer))
		return NULL;
	json_t *value = json_loads(answer.body, JSON_DECODE_ANY, NULL);
	if (value == NULL)
		value = json_string(answer.body);
	http_answer_done(&answer);
	return value;
}

bool rig_fault(struct rig *rig, const char *spec)
{
	json_t *answer = rig_api(rig, "POST", "/_twin/fault", spec);
	bool ok = answer != NULL;
	json_decref(answer);
	return ok;
}

int rig_logged(struct rig *rig, const char *method, const char *part)
{
	char url[160], want[32];
	struct http_answer answer;
	int n = 0;
	snprintf(url, sizeof(url), "%s/_twin/log", rig->url);
	snprintf(want, sizeof(want), "\"%s\"", method);
	if (!http_request("GET", url, NULL, NULL, 0, &answer))
		return -1;
	char *save = NULL;
	for (char *line = strtok_r(answer.body, "\n", &save); line != NULL;
		line = strtok_r(NULL, "\n", &save))
		n += strstr(line, want) != NULL && strstr(line, part) != NULL;
	http_answer_done(&answer);
	return n;
}
