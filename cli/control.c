/* SPDX-License-Identifier: MIT */
/*
 * The command's side of the control socket.
 * From: status.c, reload.c, and the verbs that have something done. To: console/control.c. Waits
 * for an answer as long as a reload may take, or as the order says.
 */
#include "cli/control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/buf.h"
#include "cli/listen.h"
#include "cli/runtime.h"
#include "cli/settings.h"

#define ANSWER_S 60
#define ANSWER_MAX (8u << 20)

/* Reads to the end; NULL where it is no JSON object. */
static json_t *read_answer(int fd)
{
	struct buf b;
	json_t *answer = NULL;
	buf_init(&b, ANSWER_MAX);
	for (;;) {
		char chunk[8192];
		ssize_t n = recv(fd, chunk, sizeof(chunk), 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || buf_put(&b, chunk, (size_t)n) != RC_OK)
			break;
	}
	if (b.n != 0)
		answer = json_loadb(b.p, b.n, 0, NULL);
	buf_done(&b);
	return answer;
}

/* Sends the request and waits for the answer. TAKES request. RC_UNREACHABLE: nobody listens. */
static enum rc exchange(
	const char *path, json_t *request, int patience_s, json_t **ret_answer, struct err *err)
{
	char *text = request != NULL ? json_dumps(request, JSON_COMPACT) : NULL;
	json_t *answer = NULL;
	int fd = -1;
	json_decref(request);
	if (text == NULL)
		return err_set(err, RC_NOMEM, "no memory for the request");
	if (cli_listen_connect(path, &fd, err) != RC_OK) {
		free(text);
		if (err != NULL)
			err->code = RC_UNREACHABLE;
		return RC_UNREACHABLE;
	}
	struct timeval patience = {.tv_sec = patience_s};
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	size_t n = strlen(text);
	text[n] = '\n'; /* in the place of its NUL */
	if (send(fd, text, n + 1, MSG_NOSIGNAL) == (ssize_t)n + 1)
		answer = read_answer(fd);
	free(text);
	close(fd);
	if (answer == NULL)
		return err_set(
			err, RC_TIMEOUT, "the daemon at %.150s did not answer; see its log", path);
	*ret_answer = answer;
	return RC_OK;
}

/* Asks the first that answers of those in list from *at on; *at goes behind it. One that was killed
 * has left its socket behind, at which nobody listens. */
static enum rc exchange_next(const struct runtime_list *list, size_t *at, json_t *request,
	int patience_s, json_t **ret_answer, struct err *err)
{
	enum rc rc = RC_UNREACHABLE;
	while (*at < list->n && rc == RC_UNREACHABLE) {
		const char *path = list->at[(*at)++].path;
		rc = exchange(path, json_incref(request), patience_s, ret_answer, err);
	}
	return rc;
}

static enum rc no_socket(const struct conf *conf, struct err *err)
{
	if (cli_settings_away(conf))
		return err_set(err, RC_UNREACHABLE,
			"no daemon of this machine works with the store that this configuration "
			"names");
	return err_set(err, RC_INVALID,
		"`store` is no folder, so `control` must say where the daemon's control socket is");
}

/* Says on stderr why nobody has answered. */
static enum cli_exit complain(enum rc rc, const struct conf *conf, const struct err *err)
{
	if (rc == RC_NOMEM)
		return args_fail(CLI_FAILED, "%s", err->msg);
	if (rc == RC_INVALID)
		return args_fail(CLI_CONFIG, "%s", err->msg);
	if (rc != RC_UNREACHABLE)
		return args_fail(CLI_DAEMON, "%s", err->msg);
	args_fail(CLI_DAEMON, "the daemon cannot be reached: %s", err->msg);
	fputs(cli_settings_away(conf)
			? "          ask on a machine where `moonhook serve` runs, as its user or "
			  "as "
			  "root\n"
			: "          is `moonhook serve` running with this configuration, and were "
			  "you in its folder?\n",
		stderr);
	return CLI_DAEMON;
}

enum rc control_try(const struct conf *conf, const char *verb, int patience_s, json_t **ret_answer,
	struct err *err)
{
	size_t at = 0;
	struct runtime_list *list = runtime_find(conf);
	json_t *request = json_pack("{s:s}", "verb", verb);
	enum rc rc = RC_NOMEM;
	if (list == NULL || request == NULL)
		rc = err_set(err, RC_NOMEM, "no memory for the request");
	else if (list->n == 0)
		rc = no_socket(conf, err);
	else
		rc = exchange_next(list, &at, request, patience_s, ret_answer, err);
	json_decref(request);
	free(list);
	return rc;
}

enum whom { WHOM_FIRST, WHOM_ALL, WHOM_TAKES };

/* It has done nothing, but another may: some orders are for the runner that leads. */
static bool passes_on(const json_t *answer)
{
	const char *code = json_string_value(json_object_get(answer, "code"));
	return !json_is_true(json_object_get(answer, "ok")) && code != NULL &&
	       (strcmp(code, "busy") == 0 || strcmp(code, "no_runner") == 0);
}

/* Puts the answers of the daemons of this machine into answers: of all, of the first, or of all up
 * to the one that takes the order. */
static enum rc gather(const struct conf *conf, json_t *request, int patience_s, enum whom whom,
	json_t *answers, struct err *err)
{
	struct runtime_list *list = runtime_find(conf);
	if (list == NULL || request == NULL || answers == NULL) {
		free(list);
		return err_set(err, RC_NOMEM, "no memory for the request");
	}
	enum rc rc = list->n == 0 ? no_socket(conf, err) : RC_OK;
	bool goes_on = true;
	for (size_t at = 0; at < list->n && goes_on;) {
		json_t *answer = NULL;
		rc = exchange_next(list, &at, request, patience_s, &answer, err);
		goes_on = whom == WHOM_ALL ||
			  (whom == WHOM_TAKES && rc == RC_OK && passes_on(answer));
		if (rc == RC_OK && json_array_append_new(answers, answer) != 0)
			rc = err_set(err, RC_NOMEM, "no memory for the answer");
	}
	free(list);
	/* One that is about to end, or hangs, keeps nobody from what the others say. */
	return json_array_size(answers) != 0 ? RC_OK : rc;
}

/* TAKES request. GIVES an array, of one answer at least. */
static enum cli_exit ask(const struct args *args, json_t *request, int patience_s, enum whom whom,
	json_t **ret_answers)
{
	struct conf *conf = NULL;
	struct err err = {.msg = ""};
	json_t *answers = json_array();
	enum cli_exit status = cli_settings_load(args, CLI_SETTINGS_PARTIAL, &conf);
	if (status == CLI_OK) {
		enum rc rc = gather(conf, request, patience_s, whom, answers, &err);
		status = rc == RC_OK ? CLI_OK : complain(rc, conf, &err);
	}
	json_decref(request);
	conf_free(conf);
	if (status == CLI_OK)
		*ret_answers = answers;
	else
		json_decref(answers);
	return status;
}

/* The answer of the one that takes it; where none does, of the first. TAKES request. */
static enum cli_exit ask_one(const struct args *args, json_t *request, int patience_s,
	enum whom whom, json_t **ret_answer)
{
	json_t *answers = NULL;
	enum cli_exit status = ask(args, request, patience_s, whom, &answers);
	if (status != CLI_OK)
		return status;
	const json_t *last = json_array_get(answers, json_array_size(answers) - 1);
	*ret_answer = json_incref(
		passes_on(last) ? json_array_get(answers, 0) : (json_t *)(uintptr_t)last);
	json_decref(answers);
	return CLI_OK;
}

enum cli_exit control_ask_all(const struct args *args, const char *verb, json_t **ret_answers)
{
	return ask(args, json_pack("{s:s}", "verb", verb), ANSWER_S, WHOM_ALL, ret_answers);
}

enum cli_exit control_ask(const struct args *args, const char *verb, json_t **ret_answer)
{
	return ask_one(args, json_pack("{s:s}", "verb", verb), ANSWER_S, WHOM_FIRST, ret_answer);
}

/* What a refusal comes to for a script. */
static enum cli_exit refusal(const char *code)
{
	static const struct {
		const char *code;
		enum cli_exit exit;
	} exits[] = {{"invalid", CLI_USAGE}, {"busy", CLI_BUSY}, {"timeout", CLI_BUSY},
		{"auth", CLI_KEY}, {"unreachable", CLI_TWENTY}, {"lost", CLI_DAEMON},
		{"no_runner", CLI_DAEMON}};
	for (size_t i = 0; code != NULL && i < ARRAY_N(exits); i++)
		if (strcmp(exits[i].code, code) == 0)
			return exits[i].exit;
	return CLI_FAILED;
}

enum cli_exit control_order(
	const struct args *args, json_t *order, int patience_s, json_t **ret_answer)
{
	json_t *answer = NULL;
	json_t *request = json_pack("{s:s, s:o, s:i}", "verb", "order", "order", order,
		"patience_ms", patience_s * 1000);
	enum cli_exit status = ask_one(args, request, patience_s + 5, WHOM_TAKES, &answer);
	if (status != CLI_OK)
		return status;
	if (json_is_true(json_object_get(answer, "ok"))) {
		*ret_answer = answer;
		return CLI_OK;
	}
	const char *why = json_string_value(json_object_get(answer, "error"));
	const char *code = json_string_value(json_object_get(answer, "code"));
	status = (enum cli_exit)args_fail(
		refusal(code), "%s", why != NULL ? why : "the daemon refused without a reason");
	json_decref(answer);
	return status;
}
