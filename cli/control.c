/* SPDX-License-Identifier: MIT */
/*
 * The command's side of the control socket.
 * From: status.c, reload.c. To: console/control.c. Waits for an answer as long as a reload may
 * take.
 */
#include "cli/control.h"

#include <errno.h>
#include <stdio.h>
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

static enum cli_exit ask_at(const char *path, const char *verb, json_t **ret_answer)
{
	struct err err = {.msg = ""};
	char request[64];
	int fd = -1;
	if (cli_listen_connect(path, &fd, &err) != RC_OK) {
		args_fail(CLI_DAEMON, "the daemon cannot be reached: %s", err.msg);
		fputs("          is `moonhook serve` running with this configuration, and were you "
		      "in its folder?\n",
			stderr);
		return CLI_DAEMON;
	}
	struct timeval patience = {.tv_sec = ANSWER_S};
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	int n = snprintf(request, sizeof(request), "{\"verb\":\"%s\"}\n", verb);
	json_t *answer = NULL;
	if (send(fd, request, (size_t)n, MSG_NOSIGNAL) == n)
		answer = read_answer(fd);
	close(fd);
	if (answer == NULL)
		return args_fail(CLI_DAEMON, "the daemon at %s did not answer; see its log", path);
	*ret_answer = answer;
	return CLI_OK;
}

enum cli_exit control_ask(const struct args *args, const char *verb, json_t **ret_answer)
{
	char path[4096];
	struct conf *conf = NULL;
	enum cli_exit status = cli_settings_load(args, CLI_SETTINGS_PARTIAL, &conf);
	if (status != CLI_OK)
		return status;
	if (cli_settings_control(conf, path, sizeof(path)))
		status = ask_at(path, verb, ret_answer);
	else
		status = args_fail(CLI_CONFIG,
			"`store` is no folder, so `control` must say where the daemon's control "
			"socket is");
	conf_free(conf);
	return status;
}
