/* SPDX-License-Identifier: MIT */
/* Health, readiness and metrics over a real socket. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "console/http.h"
#include "tests/harness/http.h"
#include "tests/harness/wire.h"

#define TOKEN "token-of-the-console"

static struct http *http;
static int port;

static struct conf *conf_of(const char *packed, size_t n)
{
	struct conf *conf = NULL;
	struct err err = {.msg = ""};
	cr_assert_eq(conf_import((struct slice){packed, n}, &conf, &err), RC_OK, "%s", err.msg);
	return conf;
}
#define CONF(text) conf_of(text, sizeof(text) - 1)
#define LISTEN                                                                                     \
	"-console.listen\0"                                                                        \
	"127.0.0.1:1\0t\0"
#define PARTS "-only.1\0receiver\0t\0-only.2\0runner\0t\0"

static void start(struct conf *conf, uint32_t address)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
	socklen_t n = sizeof(a);
	struct err err = {.msg = ""};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	cr_assert(fd >= 0 && bind(fd, (struct sockaddr *)&a, n) == 0 && listen(fd, 512) == 0 &&
		  getsockname(fd, (struct sockaddr *)&a, &n) == 0);
	port = ntohs(a.sin_port);
	cr_assert_eq(http_start(fd, conf, &http, &err), RC_OK, "%s", err.msg);
	conf_free(conf);
}

static void teardown(void)
{
	http_stop(http);
}

TestSuite(console_http, .fini = teardown, .timeout = 30);

/* One request; the answer's body and headers are in *a. */
static int ask(const char *method, const char *path, const char *header, struct http_answer *a)
{
	char url[128];
	const char *headers[] = {header, NULL};
	snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", port, path);
	cr_assert(http_request(method, url, headers, NULL, 0, a));
	return a->status;
}

static int status_of(const char *method, const char *path, const char *header)
{
	struct http_answer a;
	int status = ask(method, path, header, &a);
	http_answer_done(&a);
	return status;
}

Test(console_http, ready_means_that_deliveries_are_taken_and_stored)
{
	struct http_answer a;
	start(CONF("mhc1" LISTEN PARTS), INADDR_LOOPBACK);
	cr_expect_eq(status_of("GET", "/healthz", NULL), 200);
	cr_expect_eq(ask("GET", "/readyz", NULL, &a), 503);
	cr_expect_str_eq(a.body, "{\"ready\":false,\"reason\":\"the receiver is not running\"}\n");
	http_answer_done(&a);
	metrics_set(METRIC_READY_RECEIVER, 1);
	metrics_set(METRIC_API_UNREACHABLE, 1);
	cr_expect_eq(status_of("GET", "/readyz", NULL), 200, "whatever Twenty does");
	metrics_set(METRIC_STORE_FAILING, 1);
	cr_expect_eq(ask("GET", "/readyz", NULL, &a), 503);
	cr_expect(strstr(a.body, "the store cannot be written") != NULL);
	http_answer_done(&a);
	cr_expect_eq(status_of("GET", "/healthz", NULL), 200, "alive all the same");
}

Test(console_http, without_a_receiver_ready_means_that_the_runner_is)
{
	start(CONF("mhc1" LISTEN "-only.1\0runner\0t\0"), INADDR_LOOPBACK);
	cr_expect_eq(status_of("GET", "/readyz", NULL), 503);
	metrics_set(METRIC_READY_RUNNER, 1);
	cr_expect_eq(status_of("GET", "/readyz", NULL), 200);
}

Test(console_http, metrics_want_the_token_and_health_does_not)
{
	struct http_answer a;
	start(CONF("mhc1" LISTEN "sconsole.token\0" TOKEN "\0t\0" PARTS), INADDR_LOOPBACK);
	metrics_set(METRIC_READY_RECEIVER, 1);
	static const char *const wrong[] = {NULL, "Authorization: Bearer ", "Authorization: " TOKEN,
		"Authorization: Bearer " TOKEN "x", "Authorization: Bearer token-of-the-consol",
		"Authorization: Basic " TOKEN};
	for (size_t i = 0; i < ARRAY_N(wrong); i++)
		cr_expect_eq(status_of("GET", "/metrics", wrong[i]), 401, "case %zu", i);
	cr_expect_eq(ask("GET", "/metrics", "Authorization: Bearer " TOKEN, &a), 200);
	cr_expect(strstr(a.body, "moonhook_process_ready{process=\"receiver\"} 1\n") != NULL);
	cr_expect(strstr(a.headers, "text/plain; version=0.0.4") != NULL);
	http_answer_done(&a);
	cr_expect_eq(status_of("GET", "/healthz", NULL), 200);
	cr_expect_eq(status_of("GET", "/readyz", NULL), 200);
}

Test(console_http, without_a_token_metrics_stay_on_loopback)
{
	start(CONF("mhc1" LISTEN PARTS), INADDR_ANY);
	cr_expect_eq(status_of("GET", "/metrics", NULL), 403);
	cr_expect_eq(status_of("GET", "/healthz", NULL), 200);
}

Test(console_http, everything_else_is_404_or_405)
{
	start(CONF("mhc1" LISTEN PARTS), INADDR_LOOPBACK);
	cr_expect_eq(status_of("GET", "/", NULL), 404);
	cr_expect_eq(status_of("GET", "/metrics/x", NULL), 404);
	cr_expect_eq(status_of("GET", "/healthz?x=1", NULL), 200);
	cr_expect_eq(status_of("POST", "/healthz", NULL), 405);
	cr_expect_eq(status_of("DELETE", "/metrics", NULL), 405);
	cr_expect_eq(status_of("POST", "/", NULL), 404);
}

Test(console_http, a_name_that_somebody_elses_dns_can_point_here_is_refused)
{
	struct http_answer a;
	start(CONF("mhc1-console.hosts.1\0hook.example.com\0t\0" LISTEN PARTS), INADDR_LOOPBACK);
	cr_expect_eq(status_of("GET", "/healthz", "Host: evil.example"), 421);
	cr_expect_eq(status_of("GET", "/metrics", "Host: localhost.evil.example:8701"), 421);
	cr_expect_eq(status_of("GET", "/healthz", "Host: localhost:8701"), 200);
	cr_expect_eq(status_of("GET", "/healthz", "Host: [::1]:8701"), 200);
	cr_expect_eq(status_of("GET", "/healthz", "Host: 10.1.2.3"), 200, "an address is no name");
	cr_expect_eq(status_of("GET", "/healthz", "Host: HOOK.example.com"), 200);
	cr_expect_eq(ask("GET", "/healthz", "Host: 127.0.0.1", &a), 200);
	cr_expect(strcasestr(a.headers, "Content-Security-Policy: default-src 'none'") != NULL);
	cr_expect(strcasestr(a.headers, "X-Content-Type-Options: nosniff") != NULL);
	cr_expect(strcasestr(a.headers, "X-Frame-Options: DENY") != NULL);
	http_answer_done(&a);
	cr_expect_not(http_host_allowed(http, NULL));
	cr_expect_not(http_host_allowed(http, ""));
}

Test(console_http, an_empty_token_is_refused)
{
	struct conf *conf = CONF("mhc1sconsole.token\0\0t\0");
	struct err err;
	struct http *none = NULL;
	cr_expect_eq(http_start(-1, conf, &none, &err), RC_INVALID);
	cr_expect_null(none);
	conf_free(conf);
	http = NULL;
}

/* --- who does not ask, keeps nobody out ------------------------------------------------------- */

#define CROWD_MAX 200
static struct wire crowd[CROWD_MAX];

/* n connections that say this and then nothing. */
static void gather(size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++) {
		wire_open(&crowd[i], port);
		cr_assert_geq(crowd[i].fd, 0);
		cr_assert(wire_send_text(&crowd[i], text));
	}
}

static void disperse(size_t n)
{
	for (size_t i = 0; i < n; i++)
		wire_close(&crowd[i]);
}

static void is_healthy(const char *beside)
{
	int64_t from_ms = clock_mono_ms();
	cr_expect_eq(status_of("GET", "/healthz", NULL), 200);
	int64_t took_ms = clock_mono_ms() - from_ms;
	cr_expect_lt(took_ms, 1000, "%d ms beside %s", (int)took_ms, beside);
}

Test(console_http, idle_connections_keep_no_health_check_out)
{
	start(CONF("mhc1" LISTEN PARTS), INADDR_LOOPBACK);
	gather(64, "");
	is_healthy("64 that say nothing");
	disperse(64);
	gather(CROWD_MAX, "");
	is_healthy("200 that say nothing");
	disperse(CROWD_MAX);
	gather(CROWD_MAX, "GET /healthz HTTP/1.1\r\nHost: local");
	is_healthy("200 that stop in mid-header");
	disperse(CROWD_MAX);
	gather(CROWD_MAX, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
	is_healthy("200 that stay when they have been answered");
	disperse(CROWD_MAX);
	gather(CROWD_MAX, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n");
	is_healthy("200 that stop in mid-body");
	disperse(CROWD_MAX);
}

Test(console_http, headers_and_idleness_have_deadlines_that_no_trickle_moves)
{
	struct wire slow, idle;
	start(CONF("mhc1" LISTEN PARTS), INADDR_LOOPBACK);
	wire_open(&slow, port);
	wire_open(&idle, port);
	cr_assert(wire_send_text(&idle, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"));
	cr_expect_eq(wire_read(&idle).status, 200);
	cr_assert(wire_send_text(&slow, "GET /healthz HTTP/1.1\r\n"));
	is_healthy("both, and behind them: now they are known");
	clock_skip_mono_ms(1500);
	cr_assert(wire_send_text(&slow, "Host: "));
	http_tick(http);
	cr_expect(wire_silent(&slow));
	clock_skip_mono_ms(1000);
	http_tick(http);
	cr_expect(wire_closed(&slow));
	cr_expect(wire_silent(&idle), "it has said what it wanted");
	clock_skip_mono_ms(8000);
	http_tick(http);
	cr_expect(wire_closed(&idle));
	wire_close(&slow);
	wire_close(&idle);
}
