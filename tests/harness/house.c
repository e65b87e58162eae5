/* SPDX-License-Identifier: MIT */
/*
 * Builds the house of a test and takes it down.
 * From: tests/walk, tests/hostile. To: build/moonhook and build/moonhook-twin as processes.
 */
#include "tests/harness/house.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/digest.h"
#include "tests/harness/port.h"
#include "tests/harness/postgres.h"

#define ARGS_MAX 48

static bool twin_listens(void *ctx)
{
	struct house *h = ctx;
	char *text = process_read(h->twin.out);
	const char *at = text != NULL ? strstr(text, "listening on ") : NULL;
	bool ok = at != NULL && strchr(at, '\n') != NULL &&
		  sscanf(at, "listening on %63s", h->twin_url) == 1;
	free(text);
	return ok;
}

static bool start_twin(struct house *h)
{
	static char words[1024], hook[128];
	const char *argv[ARGS_MAX] = {process_path("moonhook-twin"), "--listen", "127.0.0.1:0",
		"--dialect", h->conf.dialect != NULL ? h->conf.dialect : "core", "--key", HOUSE_KEY,
		"--member-key", HOUSE_MEMBER_KEY};
	size_t n = 9;
	snprintf(hook, sizeof(hook), "http://127.0.0.1:%d/hooks/twenty", h->hook_port);
	if (!h->conf.no_webhooks) {
		argv[n++] = "--webhook";
		argv[n++] = hook;
		argv[n++] = "--secret";
		argv[n++] = HOUSE_SECRET;
	}
	snprintf(words, sizeof(words), "%s", h->conf.twin_args != NULL ? h->conf.twin_args : "");
	char *save = NULL;
	for (char *w = strtok_r(words, " ", &save); w != NULL && n < ARGS_MAX - 1;
		w = strtok_r(NULL, " ", &save))
		argv[n++] = w;
	return process_start(&h->twin, h->dir, "twin", argv, NULL) &&
	       process_await(twin_listens, h, 60000);
}

/* Hears of the changes of a twin that is there already. */
static bool join_twin(struct house *h)
{
	char body[300];
	int status = 0;
	snprintf(h->twin_url, sizeof(h->twin_url), "%s", h->conf.beside->twin_url);
	snprintf(body, sizeof(body),
		"{\"targetUrl\":\"http://127.0.0.1:%d/hooks/twenty\",\"operations\":[\"*.*\"],"
		"\"secret\":\"" HOUSE_SECRET "\"}",
		h->hook_port);
	json_decref(house_api(h, "POST", "/rest/webhooks", body, &status));
	return status == 201;
}

static bool write_config(struct house *h, const char *file, int hook_port, int console_port)
{
	char text[4096], control[300] = "";
	if (h->conf.runners > 0)
		snprintf(control, sizeof(control), "control = \"%s/%s.sock\"\n", h->dir, file);
	snprintf(text, sizeof(text),
		"listen = \"127.0.0.1:%d\"\nconsole = { listen = \"127.0.0.1:%d\" }\n%s"
		"store = \"%s\"\nspool = { folder = \"%s/spool\" }\nrules = \"%s\"\n"
		"twenty = { url = \"%s\", key = \"" HOUSE_KEY "\", budget = \"%s\" }\n"
		"source \"twenty\" { scheme = \"twenty\", secrets = { %s } }\n%s\n",
		hook_port, console_port, control, h->store, h->dir, h->rules, h->twin_url,
		h->conf.budget != NULL ? h->conf.budget : "100/m",
		h->conf.secrets != NULL ? h->conf.secrets : "\"" HOUSE_SECRET "\"",
		h->conf.settings != NULL ? h->conf.settings : "");
	return process_write(h->dir, file, text);
}

/* The runners beside the daemon, as on machines of their own. */
static bool start_more(struct house *h)
{
	for (int i = 0; i + 1 < h->conf.runners && i < HOUSE_MORE; i++) {
		char name[24], file[32], path[200];
		snprintf(name, sizeof(name), "runner-%d", i + 2);
		snprintf(file, sizeof(file), "%s.lua", name);
		snprintf(path, sizeof(path), "%s/%s", h->dir, file);
		const char *argv[] = {process_path("moonhook"), "serve", "--config", path, "--only",
			"runner", NULL};
		if (!write_config(h, file, h->hook_port, port_free()) ||
			!process_start(&h->more[i], h->dir, name, argv, h->conf.env))
			return false;
	}
	return true;
}

bool house_folder(struct house *h)
{
	if (h->dir[0] != '\0')
		return true;
	if (!process_folder(h->dir))
		return false;
	snprintf(h->rules, sizeof(h->rules), "%s/rules", h->dir);
	snprintf(h->config, sizeof(h->config), "%s/moonhook.lua", h->dir);
	return mkdir(h->rules, 0700) == 0;
}

bool house_rule(struct house *h, const char *file, const char *text)
{
	return house_folder(h) && process_write(h->rules, file, text);
}

bool house_ready(void *house)
{
	struct house *h = house;
	char url[128];
	struct http_answer answer;
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/readyz", h->console_port);
	bool ok = http_request("GET", url, NULL, NULL, 0, &answer) && answer.status == 200;
	http_answer_done(&answer);
	return ok;
}

bool house_launch(struct house *h)
{
	const char *argv[] = {process_path("moonhook"), "serve", "--config", h->config, NULL};
	return process_start(&h->daemon, h->dir, "moonhook", argv, h->conf.env);
}

/* It is ready, or it has ended and never will be. */
static bool is_settled(void *house)
{
	struct house *h = house;
	siginfo_t info = {0};
	waitid(P_PID, (id_t)h->daemon.pid, &info, WEXITED | WNOHANG | WNOWAIT);
	return info.si_pid != 0 || house_ready(h);
}

bool house_start(struct house *h)
{
	if (house_launch(h) && process_await(is_settled, h, 60000) && house_ready(h))
		return true;
	char *why = process_read(h->daemon.err);
	fprintf(stderr, "moonhook did not become ready:\n%s\n", why != NULL ? why : "");
	free(why);
	return false;
}

int house_stop(struct house *h)
{
	return process_stop(&h->daemon, SIGTERM, 30000);
}

bool house_open(struct house *h, const struct house_conf *conf)
{
	h->conf = *conf;
	if (!house_folder(h))
		return false;
	if (conf->rules != NULL)
		snprintf(h->rules, sizeof(h->rules), "%s", conf->rules);
	snprintf(h->store, sizeof(h->store), "%s/store", h->dir);
	if (conf->runners > 0 && !postgres_store(h->store, sizeof(h->store)))
		return false;
	if (conf->runners > 0 && conf->lease != NULL) {
		size_t n = strlen(h->store);
		snprintf(h->store + n, sizeof(h->store) - n, "&lease=%s", conf->lease);
	}
	h->hook_port = port_free();
	h->console_port = port_free();
	if (conf->beside != NULL ? !join_twin(h) : !start_twin(h)) {
		char *why = process_read(h->twin.err);
		fprintf(stderr, "the twin did not start:\n%s\n", why != NULL ? why : "");
		free(why);
		return false;
	}
	return write_config(h, "moonhook.lua", h->hook_port, h->console_port) &&
	       (conf->no_daemon || (house_start(h) && start_more(h)));
}

void house_close(struct house *h)
{
	for (int i = 0; i < HOUSE_MORE; i++)
		process_stop(&h->more[i], SIGTERM, 15000);
	process_stop(&h->daemon, SIGTERM, 15000);
	if (h->conf.runners > 0)
		postgres_store_drop(h->store);
	process_stop(&h->twin, SIGTERM, 5000);
	if (h->dir[0] != '\0' && getenv("MOONHOOK_KEEP") == NULL)
		process_folder_remove(h->dir);
	h->dir[0] = '\0';
}

static json_t *request(struct house *h, const char *authorization, const char *method,
	const char *path, const char *body, int *ret_status)
{
	const char *headers[] = {authorization, "Content-Type: application/json", NULL};
	char url[12288];
	struct http_answer answer;
	snprintf(url, sizeof(url), "%s%s", h->twin_url, path);
	json_t *json = NULL;
	int status = 0;
	if (http_request(method, url, headers, body, body != NULL ? strlen(body) : 0, &answer)) {
		status = answer.status;
		json = json_loadb(answer.body, answer.body_n, JSON_DECODE_ANY, NULL);
	}
	http_answer_done(&answer);
	if (ret_status != NULL)
		*ret_status = status;
	return json;
}

json_t *house_api(
	struct house *h, const char *method, const char *path, const char *body, int *ret_status)
{
	return request(h, "Authorization: Bearer " HOUSE_KEY, method, path, body, ret_status);
}

json_t *house_member(
	struct house *h, const char *method, const char *path, const char *body, int *ret_status)
{
	return request(
		h, "Authorization: Bearer " HOUSE_MEMBER_KEY, method, path, body, ret_status);
}

json_t *house_records(struct house *h, const char *plural)
{
	char path[128];
	snprintf(path, sizeof(path), "/_twin/records/%s", plural);
	json_t *all = house_api(h, "GET", path, NULL, NULL);
	json_t *list = json_is_object(all) ? json_object_get(all, plural) : NULL;
	if (list == NULL)
		return all;
	json_incref(list);
	json_decref(all);
	return list;
}

char *house_command(struct house *h, const char *const *args, int *ret_status)
{
	static unsigned count;
	const char *argv[ARGS_MAX] = {process_path("moonhook")};
	size_t n = 1;
	for (; args[n - 1] != NULL && n < ARGS_MAX - 3; n++)
		argv[n] = args[n - 1];
	argv[n++] = "--config";
	argv[n] = h->config;
	char name[32];
	snprintf(name, sizeof(name), "command-%u", count++ % 8);
	struct process p = {0};
	int status = process_run(&p, h->dir, name, argv, NULL, 30000);
	if (ret_status != NULL)
		*ret_status = status;
	/* Lists can be long: read it all. */
	FILE *f = fopen(p.out, "r");
	char *text = NULL;
	size_t size = 0;
	FILE *all = open_memstream(&text, &size);
	char chunk[65536];
	for (size_t got; f != NULL && all != NULL && (got = fread(chunk, 1, sizeof(chunk), f)) > 0;)
		fwrite(chunk, 1, got, all);
	if (f != NULL)
		fclose(f);
	if (all != NULL)
		fclose(all);
	return text;
}

json_t *house_status(struct house *h)
{
	static const char *const args[] = {"status", "-o", "json", NULL};
	char *text = house_command(h, args, NULL);
	json_t *json = text != NULL ? json_loads(text, 0, NULL) : NULL;
	free(text);
	return json;
}

json_t *house_runs(struct house *h)
{
	static const char *const args[] = {"runs", "list", "-o", "jsonl", NULL};
	char *text = house_command(h, args, NULL), *save = NULL;
	json_t *list = json_array();
	for (char *line = text != NULL ? strtok_r(text, "\n", &save) : NULL; line != NULL;
		line = strtok_r(NULL, "\n", &save)) {
		json_t *row = json_loads(line, 0, NULL);
		if (row != NULL)
			json_array_append_new(list, row);
	}
	free(text);
	return list;
}

long house_runs_n(struct house *h, const char *state)
{
	static const char *const ended[] = {"done", "skipped", "dead", "quarantined"};
	json_t *status = house_status(h);
	json_t *runs = json_object_get(status, "runs");
	long n = 0;
	if (state != NULL)
		n = (long)json_integer_value(json_object_get(runs, state));
	for (size_t i = 0; state == NULL && i < ARRAY_N(ended); i++)
		n += (long)json_integer_value(json_object_get(runs, ended[i]));
	json_decref(status);
	return n;
}

struct awaited {
	struct house *house;
	const char *state;
	long n;
};

static bool has_runs(void *ctx)
{
	struct awaited *a = ctx;
	return house_runs_n(a->house, a->state) >= a->n;
}

bool house_await_runs(struct house *h, const char *state, long n, int64_t wait_ms)
{
	struct awaited a = {h, state, n};
	return process_await(has_runs, &a, wait_ms);
}

int house_deliver(struct house *h, const char *body)
{
	char ts[32], hex[DIGEST_HEX_N], url[128], ts_line[96], mac_line[128];
	uint8_t mac[DIGEST_N];
	snprintf(ts, sizeof(ts), "%" PRId64, clock_wall_ms());
	struct digest_key *key = digest_key_new(slice_of(HOUSE_SECRET));
	struct slice parts[] = {slice_of(ts), slice_of(":"), slice_of(body)};
	if (key == NULL || digest_hmac(key, parts, ARRAY_N(parts), mac) != RC_OK)
		return 0;
	digest_key_free(key);
	digest_format(mac, hex);
	snprintf(ts_line, sizeof(ts_line), "X-Twenty-Webhook-Timestamp: %s", ts);
	snprintf(mac_line, sizeof(mac_line), "X-Twenty-Webhook-Signature: %s", hex);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/hooks/twenty", h->hook_port);
	const char *headers[] = {"Content-Type: application/json", ts_line, mac_line, NULL};
	struct http_answer answer;
	int status =
		http_request("POST", url, headers, body, strlen(body), &answer) ? answer.status : 0;
	http_answer_done(&answer);
	return status;
}
