/* SPDX-License-Identifier: MIT */
/* The webhook of our own, with a small sink on loopback that answers as it is told. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/clock.h"
#include "base/digest.h"
#include "client/notice.h"
#include "queue/pause.h"
#include "tests/unit/runner_stage.h"

#define SECRET "a secret that is shared"
#define SEEN_MAX 8

static struct sink {
	int fd, port;
	pthread_t thread;
	atomic_size_t n;     /* requests seen */
	const char *answers; /* statuses, one per request, three digits each; then 204 */
	char seen[SEEN_MAX][8192];
} sink;

static void *serve(void *ctx)
{
	(void)ctx;
	for (;;) {
		char answer[160], status[4] = "204";
		int fd = accept4(sink.fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			return NULL;
		size_t i = atomic_load(&sink.n), n = 0;
		char *text = sink.seen[i % SEEN_MAX];
		for (;;) {
			ssize_t got = recv(fd, text + n, sizeof(sink.seen[0]) - 1 - n, 0);
			if (got <= 0)
				break;
			n += (size_t)got;
			text[n] = '\0';
			const char *body = strstr(text, "\r\n\r\n");
			const char *length = strcasestr(text, "content-length:");
			if (body != NULL && length != NULL &&
				strlen(body + 4) >= strtoul(length + 15, NULL, 10))
				break;
		}
		if (strlen(sink.answers) >= 3 * (i + 1))
			memcpy(status, sink.answers + 3 * i, 3);
		snprintf(answer, sizeof(answer),
			"HTTP/1.1 %s x\r\nLocation: http://127.0.0.1:%d/other\r\nContent-Length: "
			"0\r\nConnection: close\r\n\r\n",
			status, sink.port);
		atomic_store(&sink.n, i + 1);
		if (send(fd, answer, strlen(answer), MSG_NOSIGNAL) < 0)
			cr_log_warn("the sink's client is gone");
		close(fd);
	}
}

static void sink_open(const char *answers)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(at);
	sink.answers = answers;
	sink.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(sink.fd, (struct sockaddr *)&at, n), 0);
	cr_assert_eq(listen(sink.fd, 8), 0);
	cr_assert_eq(getsockname(sink.fd, (struct sockaddr *)&at, &n), 0);
	sink.port = ntohs(at.sin_port);
	cr_assert_eq(pthread_create(&sink.thread, NULL, serve, NULL), 0);
}

static void sink_close(void)
{
	shutdown(sink.fd, SHUT_RDWR);
	pthread_join(sink.thread, NULL);
	close(sink.fd);
}

/* The value of a header line of a request. */
static void header(const char *request, const char *name, char *out, size_t n)
{
	const char *at = strcasestr(request, name);
	cr_assert_not_null(at, "no %s in %s", name, request);
	at += strlen(name);
	at += strspn(at, ": ");
	snprintf(out, n, "%.*s", (int)strcspn(at, "\r\n"), at);
}

static void check_signature(const char *request)
{
	char id[64], stamp[32], signature[128], wanted[128] = "v1,";
	uint8_t mac[DIGEST_N];
	const char *body = strstr(request, "\r\n\r\n") + 4;
	header(request, "webhook-id", id, sizeof(id));
	header(request, "webhook-timestamp", stamp, sizeof(stamp));
	header(request, "webhook-signature", signature, sizeof(signature));
	struct digest_key *key = digest_key_new(slice_of(SECRET));
	const struct slice parts[] = {
		slice_of(id), slice_of("."), slice_of(stamp), slice_of("."), slice_of(body)};
	cr_assert_eq(digest_hmac(key, parts, ARRAY_N(parts), mac), RC_OK);
	digest_key_free(key);
	EVP_EncodeBlock((unsigned char *)wanted + 3, mac, DIGEST_N);
	cr_assert_str_eq(signature, wanted);
	cr_assert_leq(llabs(atoll(stamp) - clock_wall_ms() / 1000), 60);
}

static struct stage s;

static bool sink_has(struct stage *st, long n)
{
	(void)st;
	return atomic_load(&sink.n) >= (size_t)n;
}

static void start(const char *answers)
{
	char settings[300];
	sink_open(answers);
	stage_open(&s);
	stage_rule(&s, "bad.lua",
		"rule \"bad\" { on = \"person.updated\", run = function(event)\n"
		"  error(\"no place for ann@acme.example\")\nend }\n");
	snprintf(settings, sizeof(settings),
		"workers = 1\nnotify = { url = \"http://127.0.0.1:%d/told?by=moonhook\", secret = "
		"\"" SECRET "\", every = \"1s\" }",
		sink.port);
	stage_start(&s, STAGE_ALONE, settings);
}

static void stop(void)
{
	stage_close(&s);
	sink_close();
}

TestSuite(runner_notify, .timeout = 60);

Test(runner_notify, new_dead_letters_are_told_of_once_signed_and_without_personal_data)
{
	start("");
	stage_turn(&s, 6);
	cr_assert_eq(atomic_load(&sink.n), 0u, "there is nothing to tell");
	stage_someone(&s, "x");
	stage_someone(&s, "y");
	stage_until(&s, stage_ended, 2);
	stage_until(&s, sink_has, 1);
	const char *request = sink.seen[0];
	cr_expect(strncmp(request, "POST /told?by=moonhook HTTP/", 28) == 0, "%s", request);
	cr_expect(strstr(request, "\"type\":\"moonhook.issues\"") != NULL, "%s", request);
	cr_expect(strstr(request, "\"kind\":\"dead\",\"about\":\"bad: rule\"") != NULL, "%s",
		request);
	cr_expect(strstr(request, "ann@") == NULL, "%s", request);
	check_signature(request);
	clock_skip_mono_ms(1500);
	stage_turn(&s, 8);
	size_t told = atomic_load(&sink.n);
	cr_expect_leq(told, 2u, "the second may have come after the first message");
	clock_skip_mono_ms(5000);
	stage_turn(&s, 8);
	cr_expect_eq(atomic_load(&sink.n), told, "what was told is not told again");
	stop();
}

Test(runner_notify, what_is_not_taken_is_tried_again_with_the_same_id_and_no_redirect_is_followed)
{
	char first[64], later[64];
	start("500302503");
	stage_someone(&s, "x");
	stage_until(&s, stage_ended, 1);
	stage_until(&s, sink_has, 1);
	stage_turn(&s, 8);
	cr_expect_eq(atomic_load(&sink.n), 1u, "not at once");
	for (long i = 2; i <= 4; i++) {
		clock_skip_mono_ms(90000);
		stage_until(&s, sink_has, i);
		stage_turn(&s, 6);
		header(sink.seen[0], "webhook-id", first, sizeof(first));
		header(sink.seen[i - 1], "webhook-id", later, sizeof(later));
		cr_expect_str_eq(first, later);
		cr_expect(strstr(sink.seen[i - 1], "/other") == NULL);
		check_signature(sink.seen[i - 1]);
	}
	clock_skip_mono_ms(90000);
	stage_turn(&s, 8);
	cr_expect_eq(atomic_load(&sink.n), 4u, "it was taken");
	stop();
}

Test(runner_notify, only_addresses_that_keep_it_secret_are_told)
{
	struct err err;
	static const char *const good[] = {"https://ops.example.com/hook", "http://127.0.0.1:9/x",
		"http://localhost:9", "https://10.0.0.5/x"};
	static const char *const bad[] = {"http://ops.example.com/hook", "ftp://x/y", "nonsense",
		"", "https://", "file:///etc/passwd"};
	for (size_t i = 0; i < ARRAY_N(good); i++)
		cr_expect_eq(notice_check(good[i], &err), RC_OK, "%s: %s", good[i], err.msg);
	for (size_t i = 0; i < ARRAY_N(bad); i++)
		cr_expect_eq(notice_check(bad[i], &err), RC_INVALID, "%s", bad[i]);
}
