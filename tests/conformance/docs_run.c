/* SPDX-License-Identifier: MIT */
/*
 * Runs printed examples as they are printed.
 * From: the tests of the published documentation. To: /bin/bash, /usr/bin/node, /usr/bin/python3
 * (whatever a PATH may hide them with), as children, with curl, jq, axios and requests of Debian's
 * packages. A proxy setting that leads nowhere keeps them from anything but the twin, and an
 * example that still names the real host is not run.
 * Invariant: curl takes [ and ] in an address for a range unless told otherwise, so that it refuses
 * the page's filters as they are printed; the .curlrc here says globoff, as a reader has to. It
 * also has curl say the status of each answer, on standard error.
 */
#include "tests/conformance/docs_run.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/attr.h"
#include "tests/harness/port.h"

#define HOST "https://api.twenty.com"
#define EMAIL "[email\302\240protected]"
#define TEXT_MAX_N 16384
#define RUN_MS 20000

static const char curlrc[] = "globoff\n"
			     "silent\n"
			     "show-error\n"
			     "max-time = 10\n"
			     "write-out = \"%{stderr}status %{http_code}\\n\"\n";

static bool is_up(void *ctx)
{
	struct docs_twin *t = ctx;
	struct http_answer answer = {0};
	char url[128];
	snprintf(url, sizeof(url), "%s/healthz", t->host);
	bool ok = http_request("GET", url, NULL, NULL, 0, &answer) && answer.status == 200;
	http_answer_done(&answer);
	return ok;
}

/* A port that is bound without anybody listening refuses, and nobody else can have it meanwhile. */
static void dead_open(struct docs_twin *t)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(at);
	t->dead_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert(t->dead_fd >= 0 && bind(t->dead_fd, (void *)&at, sizeof(at)) == 0 &&
		  getsockname(t->dead_fd, (void *)&at, &n) == 0);
	snprintf(t->dead, sizeof(t->dead), "http://127.0.0.1:%d", ntohs(at.sin_port));
}

struct docs_twin *docs_twin_open(const char *budget)
{
	struct docs_twin *t = calloc(1, sizeof(*t));
	cr_assert_not_null(t);
	char listen[32];
	int port = port_free();
	snprintf(listen, sizeof(listen), "127.0.0.1:%d", port);
	snprintf(t->host, sizeof(t->host), "http://127.0.0.1:%d", port);
	dead_open(t);
	const char *argv[] = {process_path("moonhook-twin"), "--listen", listen, "--dialect",
		"docs", "--key", DOCS_TWIN_KEY, "--read-key", DOCS_TWIN_READ_KEY, "--budget",
		budget, "--load", DOCS_RECORDS_FILE, NULL};
	cr_assert(process_folder(t->dir));
	cr_assert(process_write(t->dir, ".curlrc", curlrc));
	cr_assert(process_start(&t->process, t->dir, "twin", argv, NULL));
	cr_assert(process_await(is_up, t, 10000), "the twin does not answer");
	return t;
}

void docs_twin_close(struct docs_twin *t)
{
	int status = process_stop(&t->process, SIGTERM, 5000);
	char *said = process_read(t->process.err);
	cr_expect_eq(status, 0, "the twin ended with %d: %s", status, said);
	free(said);
	process_folder_remove(t->dir);
	close(t->dead_fd);
	free(t);
}

struct http_answer docs_twin_ask(struct docs_twin *t, const char *key, const char *method,
	const char *path, const char *body)
{
	char url[1024], authorization[128];
	struct http_answer answer = {0};
	snprintf(url, sizeof(url), "%s/rest%s", t->host, path);
	snprintf(authorization, sizeof(authorization), "Authorization: Bearer %s", key);
	const char *headers[] = {
		"Content-Type: application/json", key != NULL ? authorization : NULL, NULL};
	cr_assert(
		http_request(method, url, headers, body, body != NULL ? strlen(body) : 0, &answer),
		"%s %s: no answer", method, path);
	return answer;
}

json_t *docs_twin_json(struct docs_twin *t, const char *method, const char *path, const char *body,
	int *ret_status)
{
	struct http_answer answer = docs_twin_ask(t, DOCS_TWIN_KEY, method, path, body);
	json_t *json = json_loads(answer.body, 0, NULL);
	if (ret_status != NULL)
		*ret_status = answer.status;
	http_answer_done(&answer);
	return json;
}

static struct http_answer own_ask(
	struct docs_twin *t, const char *method, const char *path, const char *body)
{
	char url[256];
	struct http_answer answer = {0};
	snprintf(url, sizeof(url), "%s/_twin/%s", t->host, path);
	cr_assert(http_request(method, url, NULL, body, strlen(body), &answer));
	return answer;
}

json_t *docs_twin_records(struct docs_twin *t, const char *plural)
{
	char path[64];
	snprintf(path, sizeof(path), "records/%s", plural);
	struct http_answer answer = own_ask(t, "GET", path, "");
	json_t *records = json_loads(answer.body, 0, NULL);
	cr_assert(json_is_array(records), "%s: %s", plural, answer.body);
	http_answer_done(&answer);
	return records;
}

void docs_twin_fault(struct docs_twin *t, const char *spec)
{
	struct http_answer answer = own_ask(t, "POST", "fault", spec);
	cr_assert_eq(answer.status, 204, "%s", answer.body);
	http_answer_done(&answer);
}

/* Replaces the first, or every, `from` in a text of TEXT_MAX_N bytes. Answers how many. */
enum often { ONCE, EACH };
static int replace(char *text, const char *from, const char *to, enum often often)
{
	int n = 0;
	for (char *at = text; (at = strstr(at, from)) != NULL; at += strlen(to)) {
		size_t rest = strlen(at + strlen(from)) + 1;
		if ((size_t)(at - text) + strlen(to) + rest > TEXT_MAX_N)
			break;
		memmove(at + strlen(to), at + strlen(from), rest);
		memcpy(at, to, strlen(to));
		n++;
		if (often == ONCE)
			break;
	}
	return n;
}

/* The example as a reader has it in the end; false with why. */
static bool cook(const struct docs_twin *t, const struct docs_block *b, const struct docs_recipe *r,
	char text[static TEXT_MAX_N], char why[static 200])
{
	int n = snprintf(text, TEXT_MAX_N, "%s%s%s", r->before != NULL ? r->before : "", b->text,
		r->after != NULL ? r->after : "");
	if (n < 0 || n >= TEXT_MAX_N) {
		snprintf(why, 200, "it is too long");
		return false;
	}
	replace(text, HOST, t->host, EACH);
	replace(text, "YOUR_API_KEY", DOCS_TWIN_KEY, EACH);
	replace(text, "your-api-key", DOCS_TWIN_KEY, EACH);
	for (size_t i = 0; i < DOCS_SWAP_MAX && r->swaps[i].from != NULL; i++) {
		if (replace(text, r->swaps[i].from, r->swaps[i].to, EACH) == 0) {
			snprintf(why, 200, "\"%s\" is not in it", r->swaps[i].from);
			return false;
		}
	}
	for (size_t i = 0; i < DOCS_SWAP_MAX && r->emails[i] != NULL; i++) {
		if (replace(text, EMAIL, r->emails[i], ONCE) == 0) {
			snprintf(why, 200, "there is no place for %s", r->emails[i]);
			return false;
		}
	}
	static const char *const left[] = {"twenty.com", "YOUR_", "your-", EMAIL, "[email ",
		"record-id", "company-id", "person-id", "cursor-"};
	for (size_t i = 0; i < ARRAY_N(left); i++) {
		if (strstr(text, left[i]) != NULL) {
			snprintf(why, 200, "\"%s\" is still in it", left[i]);
			return false;
		}
	}
	return true;
}

static int status_in(const char *err)
{
	int status = 0;
	for (const char *at = err; (at = strstr(at, "status ")) != NULL; at += 7)
		status = (int)strtol(at + 7, NULL, 10);
	return status;
}

static bool run(struct docs_twin *t, const char *const *argv, struct docs_result *ret)
{
	char home[160], curl_home[160], dead[96], http[96], https[96], all[96], dead_proxy[96];
	snprintf(home, sizeof(home), "HOME=%s", t->dir);
	snprintf(curl_home, sizeof(curl_home), "CURL_HOME=%s", t->dir);
	snprintf(dead, sizeof(dead), "DEAD=%s", t->dead);
	snprintf(http, sizeof(http), "http_proxy=%s", t->dead);
	snprintf(https, sizeof(https), "https_proxy=%s", t->dead);
	snprintf(dead_proxy, sizeof(dead_proxy), "HTTPS_PROXY=%s", t->dead);
	snprintf(all, sizeof(all), "ALL_PROXY=%s", t->dead);
	const char *env[] = {"PATH=/usr/bin:/bin", "NODE_PATH=/usr/share/nodejs",
		"NODE_OPTIONS=", "TWENTY_API_KEY=" DOCS_TWIN_KEY, home, curl_home, dead, http,
		https, dead_proxy, all, "no_proxy=127.0.0.1", "NO_PROXY=127.0.0.1", NULL};
	struct process p = {0};
	ret->exit = process_run(&p, t->dir, "example", argv, env, RUN_MS);
	ret->out = process_read(p.out);
	ret->err = process_read(p.err);
	remove(p.err); /* or the next one would add to it */
	ret->status = ret->err != NULL ? status_in(ret->err) : 0;
	return ret->out != NULL && ret->err != NULL;
}

bool docs_run(struct docs_twin *t, const struct docs_block *example,
	const struct docs_recipe *recipe, struct docs_result *ret_result, char why[static 200])
{
	static char text[TEXT_MAX_N];
	char file[200];
	const char *shell[] = {"/bin/bash", file, NULL};
	const char *node[] = {"/usr/bin/node", file, NULL};
	const char *python[] = {"/usr/bin/python3", "-I", file, NULL};
	const char *const *argv = example->kind == DOCS_JAVASCRIPT ? node
				  : example->kind == DOCS_PYTHON   ? python
								   : shell;
	*ret_result = (struct docs_result){0};
	snprintf(file, sizeof(file), "%s/example%s", t->dir,
		example->kind == DOCS_JAVASCRIPT ? ".js" : "");
	if (!cook(t, example, recipe, text, why))
		return false;
	if (!process_write(t->dir, strrchr(file, '/') + 1, text) || !run(t, argv, ret_result)) {
		snprintf(why, 200, "it cannot be written or read");
		return false;
	}
	return true;
}

void docs_result_done(struct docs_result *result)
{
	free(result->out);
	free(result->err);
	*result = (struct docs_result){0};
}
