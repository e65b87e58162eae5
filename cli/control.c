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

/* The same, and what fails is said. TAKES request. */
static enum cli_exit ask_at(const char *path, json_t *request, int patience_s, json_t **ret_answer)
{
	struct err err = {.msg = ""};
	enum rc rc = exchange(path, request, patience_s, ret_answer, &err);
	if (rc == RC_OK)
		return CLI_OK;
	if (rc == RC_NOMEM)
		return args_fail(CLI_FAILED, "%s", err.msg);
	if (rc != RC_UNREACHABLE)
		return args_fail(CLI_DAEMON, "%s", err.msg);
	args_fail(CLI_DAEMON, "the daemon cannot be reached: %s", err.msg);
	fputs("          is `moonhook serve` running with this configuration, and were you "
	      "in its folder?\n",
		stderr);
	return CLI_DAEMON;
}

enum rc control_try(const struct conf *conf, const char *verb, int patience_s, json_t **ret_answer,
	struct err *err)
{
	char path[4096];
	if (!cli_settings_control(conf, path, sizeof(path)))
		return err_set(err, RC_INVALID,
			"`store` is no folder, so `control` must say where the daemon's control "
			"socket is");
	return exchange(path, json_pack("{s:s}", "verb", verb), patience_s, ret_answer, err);
}

/* TAKES request. */
static enum cli_exit ask(
	const struct args *args, json_t *request, int patience_s, json_t **ret_answer)
{
	char path[4096];
	struct conf *conf = NULL;
	enum cli_exit status = cli_settings_load(args, CLI_SETTINGS_PARTIAL, &conf);
	if (status == CLI_OK && cli_settings_control(conf, path, sizeof(path))) {
		status = ask_at(path, json_incref(request), patience_s, ret_answer);
	} else if (status == CLI_OK) {
		status = args_fail(CLI_CONFIG,
			"`store` is no folder, so `control` must say where the daemon's control "
			"socket is");
	}
	json_decref(request);
	conf_free(conf);
	return status;
}

enum cli_exit control_ask(const struct args *args, const char *verb, json_t **ret_answer)
{
	return ask(args, json_pack("{s:s}", "verb", verb), ANSWER_S, ret_answer);
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
	enum cli_exit status = ask(args, request, patience_s + 5, &answer);
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
