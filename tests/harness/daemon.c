/* SPDX-License-Identifier: MIT */
/*
 * Starts and asks one Moonhook.
 * From: tests of the supervisor and of the command. To: build/moonhook as processes.
 */
#include "tests/harness/daemon.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/harness/http.h"
#include "tests/harness/port.h"

#define ARGS_MAX 24

bool daemon_configure(struct daemon *d, const char *lines)
{
	char text[4096];
	int n = snprintf(text, sizeof(text),
		"listen = \"127.0.0.1:%d\"\nconsole = { listen = \"127.0.0.1:%d\" }\n"
		"store = \"%s\"; spool = { folder = \"%s/spool\" }\nrules = \"%s\"\nworkers = 1\n"
		"twenty = { url = \"http://127.0.0.1:1\", key = \"k\", dialect = \"core\" }\n"
		"source \"twenty\" { scheme = \"twenty\", secrets = { \"%s\" } }\n%s\n",
		d->hook_port, d->console_port, d->store, d->dir, d->rules, DAEMON_SECRET,
		lines != NULL ? lines : "");
	return n > 0 && n < (int)sizeof(text) && process_write(d->dir, "m.lua", text);
}

bool daemon_open(struct daemon *d, const char *lines)
{
	*d = (struct daemon){.hook_port = port_free()};
	do
		d->console_port = port_free();
	while (d->console_port == d->hook_port);
	if (!process_folder(d->dir))
		return false;
	snprintf(d->config, sizeof(d->config), "%s/m.lua", d->dir);
	snprintf(d->store, sizeof(d->store), "%s/store", d->dir);
	snprintf(d->rules, sizeof(d->rules), "%s/rules", d->dir);
	return mkdir(d->rules, 0700) == 0 && daemon_configure(d, lines);
}

void daemon_close(struct daemon *d)
{
	if (d->process.pid != 0)
		(void)process_stop(&d->process, SIGTERM, 25000);
	if (d->dir[0] != '\0')
		process_folder_remove(d->dir);
}

bool daemon_launch(struct daemon *d, const char *const *args, const char *const *env)
{
	const char *argv[ARGS_MAX] = {
		process_path("moonhook"), "serve", "--config", d->config, "--log.format", "json"};
	size_t n = 6;
	for (size_t i = 0; args != NULL && args[i] != NULL && n < ARGS_MAX - 1; i++)
		argv[n++] = args[i];
	argv[n] = NULL;
	return process_start(&d->process, d->dir, "serve", argv, env);
}

bool daemon_ready(void *daemon)
{
	const struct daemon *d = daemon;
	struct http_answer answer;
	char url[64];
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/readyz", d->console_port);
	bool ok = http_request("GET", url, NULL, NULL, 0, &answer) && answer.status == 200;
	http_answer_done(&answer);
	return ok;
}

bool daemon_start(struct daemon *d, const char *const *args, const char *const *env)
{
	if (daemon_launch(d, args, env) && process_await(daemon_ready, d, 15000))
		return true;
	char *log = daemon_log(d);
	fprintf(stderr, "not ready; its log:\n%s\n", log != NULL ? log : "(none)");
	free(log);
	return false;
}

int daemon_stop(struct daemon *d)
{
	return process_stop(&d->process, SIGTERM, 25000);
}

int daemon_command(struct daemon *d, const char *const *args, const char *const *env,
	char **ret_out, char **ret_err)
{
	const char *argv[ARGS_MAX] = {process_path("moonhook")};
	struct process p = {.pid = 0};
	size_t n = 1;
	for (size_t i = 0; args[i] != NULL && n < ARGS_MAX - 3; i++)
		argv[n++] = args[i];
	argv[n++] = "--config";
	argv[n++] = d->config;
	argv[n] = NULL;
	snprintf(p.err, sizeof(p.err), "%s/command.err", d->dir);
	(void)remove(p.err);
	int status = process_run(&p, d->dir, "command", argv, env, 30000);
	if (ret_out != NULL)
		*ret_out = process_read(p.out);
	if (ret_err != NULL)
		*ret_err = process_read(p.err);
	return status;
}

char *daemon_log(const struct daemon *d)
{
	return process_read(d->process.err);
}

struct wanted {
	const struct daemon *daemon;
	const char *text;
};

static bool has_text(void *ctx)
{
	const struct wanted *w = ctx;
	char *log = daemon_log(w->daemon);
	bool found = log != NULL && strstr(log, w->text) != NULL;
	free(log);
	return found;
}

bool daemon_logged(const struct daemon *d, const char *text, int64_t wait_ms)
{
	struct wanted w = {d, text};
	return process_await(has_text, &w, wait_ms);
}

json_t *daemon_status(struct daemon *d)
{
	static const char *const args[] = {"status", "-o", "json", NULL};
	char *out = NULL;
	int status = daemon_command(d, args, NULL, &out, NULL);
	json_t *answer = status == 0 && out != NULL ? json_loads(out, 0, NULL) : NULL;
	free(out);
	return answer;
}

pid_t daemon_child(struct daemon *d, const char *name)
{
	json_t *status = daemon_status(d), *p;
	pid_t pid = 0;
	size_t i;
	json_array_foreach(json_object_get(status, "processes"), i, p)
	{
		if (strcmp(json_string_value(json_object_get(p, "name")), name) == 0)
			pid = (pid_t)json_integer_value(json_object_get(p, "pid"));
	}
	json_decref(status);
	return pid;
}
