/* SPDX-License-Identifier: MIT */
/* The HTTP side: what each request is answered with, and what no client may do to the others. */
#include "receiver/listen.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/digest.h"
#include "tests/unit/receiver_rig.h"

static struct room room;

static void stop(void)
{
	room_done(&room);
}

static void start(void)
{
	rig_start(&room, RIG_SOURCE "limits = { body = \"100kB\" }\n", RIG_CLOCK_STANDS);
}

static void start_hasty(void)
{
	rig_start(&room,
		RIG_SOURCE "limits = { headers_time = \"400ms\", body_time = \"400ms\" }\n",
		RIG_CLOCK_RUNS);
}

static void start_narrow(void)
{
	rig_start(&room, RIG_SOURCE "limits = { connections = 24, connections_per_address = 8 }\n",
		RIG_CLOCK_RUNS);
}

static struct wire_answer ask_signed(const char *body)
{
	struct buf request = rig_now(body, RIG_CLOCK_STANDS);
	struct wire_answer a = rig_ask(room.port, buf_slice(&request));
	buf_done(&request);
	return a;
}

static void expect(const char *request, int status, const char *text)
{
	struct wire_answer a = rig_ask_text(room.port, request);
	cr_expect_eq(a.status, status, "%d instead of %d for:\n%s", a.status, status, request);
	if (text != NULL)
		cr_expect_not_null(
			strstr(a.body, text), "\"%s\" does not say \"%s\"", a.body, text);
}

TestSuite(receiver_listen, .init = start, .fini = stop, .timeout = 60);
TestSuite(receiver_deadline, .init = start_hasty, .fini = stop, .timeout = 60);
TestSuite(receiver_crowd, .init = start_narrow, .fini = stop, .timeout = 60);

Test(receiver_listen, a_signed_delivery_is_stored_and_named)
{
	struct wire_answer a = ask_signed("{\"a\":1}");
	char id[27] = "";
	cr_assert_eq(a.status, 202);
	cr_assert_eq(sscanf(a.body, "{\"id\":\"%26[0-9a-z]\"}", id), 1, "%s", a.body);
	cr_assert(id_valid(id));
	cr_assert_not_null(strstr(a.head, "Content-Type: application/json"));
	cr_assert_eq(metrics_value(METRIC_HOOK_STORED), 1);
}

Test(receiver_listen, a_repeat_is_answered_200_with_the_first_id)
{
	struct wire_answer first = ask_signed("{\"a\":1}"), other = ask_signed("{\"a\":2}");
	char later[32];
	snprintf(later, sizeof(later), "%" PRId64, RIG_NOW_MS + 45000);
	struct buf request = rig_request(RIG_OLD, later, slice_of("{\"a\":1}"));
	struct wire_answer again = rig_ask(room.port, buf_slice(&request));
	buf_done(&request);
	cr_assert_eq(first.status, 202);
	cr_assert_eq(other.status, 202);
	cr_assert_str_neq(first.body, other.body);
	cr_assert_eq(again.status, 200);
	cr_assert_str_eq(first.body, again.body);
	cr_assert_eq(metrics_value(METRIC_HOOK_REPEATED), 1);
}

Test(receiver_listen, the_wake_up_descriptor_learns_of_a_commit)
{
	cr_assert_eq(ask_signed("{}").status, 202);
	struct pollfd p = {room.wake_fd, POLLIN, 0};
	cr_assert_eq(poll(&p, 1, 5000), 1);
}

Test(receiver_listen, what_is_not_signed_right_is_401_and_not_stored)
{
	expect("POST /hooks/twenty HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", 401,
		"no signature");
	struct buf request = rig_now("{\"a\":1}", RIG_CLOCK_STANDS);
	request.p[request.n - 2] = '2';
	cr_assert_eq(rig_status(room.port, buf_slice(&request)), 401);
	buf_done(&request);
	cr_assert_eq(metrics_value(METRIC_HOOK_STORED), 0);
	cr_assert_eq(metrics_value(METRIC_HOOK_UNSIGNED), 2);
}

Test(receiver_listen, a_delivery_outside_the_window_is_401_kept_and_blocks_no_later_one)
{
	char late[32];
	snprintf(late, sizeof(late), "%" PRId64, RIG_NOW_MS - 3600000);
	struct buf skewed = rig_request(RIG_SECRET, late, slice_of("{\"a\":1}"));
	struct wire_answer a = rig_ask(room.port, buf_slice(&skewed));
	cr_assert_eq(a.status, 401);
	cr_assert_not_null(strstr(a.body, "time window"), "%s", a.body);
	cr_assert_eq(metrics_value(METRIC_HOOK_SKEWED), 1);
	cr_assert_eq(ask_signed("{\"a\":1}").status, 202, "the kept copy made it a repeat");
	cr_assert_eq(rig_status(room.port, buf_slice(&skewed)), 401);
	cr_assert_eq(ask_signed("{\"a\":1}").status, 200);
	buf_done(&skewed);
}

Test(receiver_listen, other_paths_and_methods_are_told_so)
{
	expect("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 404, "/hooks/<source>");
	expect("POST /hooks/nobody HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", 404,
		"error");
	expect("POST /hooks/twenty/ HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", 404, NULL);
	expect("POST /hooks/ HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", 404, NULL);
	expect("GET /hooks/nobody HTTP/1.1\r\nHost: x\r\n\r\n", 404, NULL);
	struct wire_answer a =
		rig_ask_text(room.port, "GET /hooks/twenty HTTP/1.1\r\nHost: x\r\n\r\n");
	cr_assert_eq(a.status, 405);
	cr_assert_not_null(strstr(a.head, "Allow: POST"));
	expect("PUT /hooks/twenty HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", 405, "POST");
}

Test(receiver_listen, doubtful_framing_is_400)
{
#define POST_TO "POST /hooks/twenty HTTP/1.1\r\nHost: x\r\n"
	expect(POST_TO "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", 400, "Content-Length");
	expect(POST_TO "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400, "Content-Length");
	expect(POST_TO
		"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		400, "both");
	expect(POST_TO "Transfer-Encoding: xchunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 400, "chunked");
	expect(POST_TO "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		400, "more than one");
	expect(POST_TO "Content-Length: -2\r\n\r\n{}", 400, NULL);
	expect(POST_TO "Content-Length: 2x\r\n\r\n{}", 400, NULL);
	cr_assert_eq(metrics_value(METRIC_HOOK_STORED), 0);
}

/* A right request with a line more in front of its last header. */
static struct buf with_line(const char *body, const char *line)
{
	struct buf plain = rig_now(body, RIG_CLOCK_STANDS), b;
	const char *at = strstr(plain.p, "Content-Length:");
	buf_init(&b, 1 << 20);
	cr_assert_eq(buf_put(&b, plain.p, (size_t)(at - plain.p)), RC_OK);
	cr_assert_eq(buf_put_text(&b, line), RC_OK);
	cr_assert_eq(buf_put(&b, at, plain.n - (size_t)(at - plain.p)), RC_OK);
	buf_done(&plain);
	return b;
}

Test(receiver_listen, a_second_signature_header_is_400)
{
	const char *const lines[] = {"X-Twenty-Webhook-Timestamp: 1795458757000\r\n",
		"x-twenty-webhook-signature: 00\r\n"};
	for (size_t i = 0; i < 2; i++) {
		struct buf request = with_line("{}", lines[i]);
		cr_assert_eq(rig_status(room.port, buf_slice(&request)), 400);
		buf_done(&request);
	}
	struct buf request = with_line("{}", "X-Twenty-Webhook-Nonce: 00\r\n");
	cr_assert_eq(rig_status(room.port, buf_slice(&request)), 202);
	buf_done(&request);
}

/* The bytes of a request with every CRLF of its head as a bare LF. */
static struct buf with_bare_lf(const struct buf *from)
{
	struct buf b;
	size_t head = (size_t)(strstr(from->p, "\r\n\r\n") - from->p) + 4;
	buf_init(&b, 1 << 20);
	for (size_t i = 0; i < from->n; i++)
		if (i >= head || from->p[i] != '\r')
			cr_assert_eq(buf_put(&b, from->p + i, 1), RC_OK);
	return b;
}

Test(receiver_listen, bare_lf_changes_no_verdict)
{
	struct buf good = rig_now("{\"lf\":1}", RIG_CLOCK_STANDS),
		   bad = rig_now("{}", RIG_CLOCK_STANDS);
	bad.p[bad.n - 1] = ']';
	struct buf good_lf = with_bare_lf(&good), bad_lf = with_bare_lf(&bad);
	int taken = rig_status(room.port, buf_slice(&good_lf));
	cr_assert(taken == 202 || taken == 400 || taken == 0, "%d", taken);
	cr_assert_neq(rig_status(room.port, buf_slice(&bad_lf)) / 100, 2);
	/* A second length or signature does not hide behind a bare LF. */
	struct buf hidden = with_line("{}", "A: b\nX-Twenty-Webhook-Signature: 00\r\n");
	cr_assert_eq(rig_status(room.port, buf_slice(&hidden)), 400);
	buf_done(&hidden);
	hidden = with_line("{}", "A: b\nContent-Length: 0\r\n");
	cr_assert_eq(rig_status(room.port, buf_slice(&hidden)), 400);
	buf_done(&hidden);
	buf_done(&good);
	buf_done(&bad);
	buf_done(&good_lf);
	buf_done(&bad_lf);
}

Test(receiver_listen, a_nul_in_a_header_changes_no_verdict)
{
	struct buf request = rig_now("{\"nul\":1}", RIG_CLOCK_STANDS);
	char *at = strstr(request.p, "X-Twenty-Webhook-Signature: ") + 28;
	at[63] = '\0'; /* one digit short */
	cr_assert_neq(rig_status(room.port, buf_slice(&request)) / 100, 2);
	buf_done(&request);
	request = rig_now("{\"nul\":1}", RIG_CLOCK_STANDS);
	at = strstr(request.p, "X-Twenty-Webhook-Timestamp: ") + 28;
	at[5] = '\0';
	cr_assert_neq(rig_status(room.port, buf_slice(&request)) / 100, 2);
	buf_done(&request);
	/* Behind the whole signature: what is signed is all there, so either verdict is sound. */
	request = with_line("{\"nul\":1}", "A: bXc\r\n");
	*strstr(request.p, "bXc") = '\0';
	int status = rig_status(room.port, buf_slice(&request));
	cr_assert(status == 202 || status == 400 || status == 0, "%d", status);
	buf_done(&request);
	cr_assert_leq(metrics_value(METRIC_HOOK_STORED), 1);
}

Test(receiver_listen, a_folded_header_changes_no_verdict)
{
	struct buf request = with_line("{}", "X-Other: a\r\n X-Twenty-Webhook-Signature: 00\r\n");
	int status = rig_status(room.port, buf_slice(&request));
	cr_assert(status == 202 || status == 400 || status == 0, "%d", status);
	buf_done(&request);
}

/* A signed request whose body comes in chunks of `piece` bytes. */
static struct buf chunked(struct slice body, size_t piece)
{
	char stamp[32];
	struct buf b;
	snprintf(stamp, sizeof(stamp), "%" PRId64, RIG_NOW_MS);
	struct buf plain = rig_request(RIG_SECRET, stamp, body);
	buf_init(&b, 64 << 20);
	size_t head = (size_t)(strstr(plain.p, "Content-Length:") - plain.p);
	cr_assert_eq(buf_put(&b, plain.p, head), RC_OK);
	cr_assert_eq(buf_put_text(&b, "Transfer-Encoding: chunked\r\n\r\n"), RC_OK);
	for (size_t at = 0; at < body.n; at += piece) {
		size_t n = body.n - at < piece ? body.n - at : piece;
		cr_assert_eq(buf_printf(&b, "%zx\r\n", n), RC_OK);
		cr_assert_eq(buf_put(&b, body.p + at, n), RC_OK);
		cr_assert_eq(buf_put_text(&b, "\r\n"), RC_OK);
	}
	cr_assert_eq(buf_put_text(&b, "0\r\n\r\n"), RC_OK);
	buf_done(&plain);
	return b;
}

static struct buf filled(size_t n)
{
	struct buf b;
	buf_init(&b, n);
	char *p = buf_reserve(&b, n);
	cr_assert_not_null(p);
	memset(p, 'x', n);
	b.n = n;
	return b;
}

Test(receiver_listen, a_chunked_body_counts_as_its_bytes)
{
	struct buf request = chunked(slice_of("{\"chunk\":1}"), 3);
	cr_assert_eq(rig_status(room.port, buf_slice(&request)), 202);
	buf_done(&request);
	cr_assert_eq(ask_signed("{\"chunk\":1}").status, 200);
}

Test(receiver_listen, the_largest_body_is_taken_and_a_byte_more_is_413)
{
	struct buf body = filled(100 * 1024);
	char stamp[32];
	snprintf(stamp, sizeof(stamp), "%" PRId64, RIG_NOW_MS);
	struct buf request = rig_request(RIG_SECRET, stamp, buf_slice(&body));
	cr_assert_eq(rig_status(room.port, buf_slice(&request)), 202);
	buf_done(&request);
	request = chunked(buf_slice(&body), 1000);
	cr_assert_eq(rig_status(room.port, buf_slice(&request)), 200);
	buf_done(&request);
	buf_done(&body);

	body = filled(100 * 1024 + 1);
	request = rig_request(RIG_SECRET, stamp, buf_slice(&body));
	struct wire_answer a = rig_ask(room.port, buf_slice(&request));
	cr_assert_eq(a.status, 413);
	cr_assert_not_null(strstr(a.body, "limits.body"));
	buf_done(&request);
	request = chunked(buf_slice(&body), 1000);
	a = rig_ask(room.port, buf_slice(&request));
	cr_assert_eq(a.status, 413);
	cr_assert_not_null(strstr(a.body, "limits.body"));
	buf_done(&request);
	buf_done(&body);
	cr_assert_eq(metrics_value(METRIC_HOOK_TOO_LARGE), 2);
}

Test(receiver_listen, a_chunked_body_without_end_is_cut_off)
{
	struct wire w;
	struct buf piece = filled(4096);
	wire_open(&w, room.port);
	wire_send_text(&w, POST_TO "Transfer-Encoding: chunked\r\n\r\n");
	size_t sent = 0;
	while (sent < 64 << 20 && wire_send_text(&w, "1000\r\n") &&
		wire_send(&w, buf_slice(&piece)) && wire_send_text(&w, "\r\n"))
		sent += 4096;
	cr_assert_lt(sent, 64 << 20, "it reads on for ever");
	wire_close(&w);
	buf_done(&piece);
	cr_assert_eq(ask_signed("{}").status, 202);
}

Test(receiver_listen, a_length_too_large_is_413_before_the_body)
{
	expect(POST_TO "Content-Length: 102401\r\n\r\n", 413, "limits.body");
	expect(POST_TO "Expect: 100-continue\r\nContent-Length: 999999999999999999\r\n\r\n", 413,
		NULL);
}

Test(receiver_listen, a_reset_in_mid_body_stores_nothing)
{
	struct buf request = rig_now("{\"reset\":1}", RIG_CLOCK_STANDS);
	for (int i = 0; i < 20; i++) {
		struct wire w;
		struct slice part = buf_slice(&request);
		part.n -= 1 + (size_t)i % 10;
		wire_open(&w, room.port);
		wire_send(&w, part);
		wire_reset(&w);
	}
	cr_assert_eq(metrics_value(METRIC_HOOK_STORED), 0);
	cr_assert_eq(rig_status(room.port, buf_slice(&request)), 202);
	cr_assert_eq(metrics_value(METRIC_HOOK_STORED), 1);
	buf_done(&request);
}

Test(receiver_listen, a_thousand_pipelined_requests_are_answered_in_order)
{
	struct wire w;
	enum { MANY = 1000 };
	wire_open(&w, room.port);
	struct buf all;
	buf_init(&all, 4 << 20);
	for (int i = 0; i < MANY; i++) {
		char body[64];
		snprintf(body, sizeof(body), "{\"pipelined\":%d}", i / 2);
		struct buf one = rig_now(body, RIG_CLOCK_STANDS);
		cr_assert_eq(buf_put(&all, one.p, one.n), RC_OK);
		buf_done(&one);
	}
	cr_assert(wire_send(&w, buf_slice(&all)));
	char last[2048] = "";
	for (int i = 0; i < MANY; i++) {
		struct wire_answer a = wire_read(&w);
		cr_assert_eq(a.status, i % 2 == 0 ? 202 : 200, "%d: %d", i, a.status);
		if (i % 2 == 1)
			cr_assert_str_eq(a.body, last);
		snprintf(last, sizeof(last), "%s", a.body);
	}
	wire_close(&w);
	buf_done(&all);
}

Test(receiver_listen, a_request_byte_by_byte_is_a_request)
{
	struct buf request = rig_now("{\"slow\":1}", RIG_CLOCK_STANDS);
	struct wire w;
	wire_open(&w, room.port);
	for (size_t i = 0; i < request.n; i++)
		wire_send(&w, (struct slice){request.p + i, 1});
	cr_assert_eq(wire_read(&w).status, 202);
	wire_close(&w);
	buf_done(&request);
}

Test(receiver_listen, what_is_not_http_1_is_closed_or_400_and_harms_nobody)
{
	static const char tls[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n";
	const struct slice hellos[] = {{tls, sizeof(tls) - 1},
		slice_of("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), slice_of("GET /hooks/twenty\r\n\r\n"),
		slice_of("\r\n\r\n\r\n\r\nx\r\n\r\n"),
		slice_of("POST /hooks/twenty HTTP/9.9\r\nHost: x\r\nContent-Length: 0\r\n\r\n")};
	for (size_t i = 0; i < sizeof(hellos) / sizeof(hellos[0]); i++) {
		struct wire_answer a = {0};
		struct wire w;
		wire_open(&w, room.port);
		wire_send(&w, hellos[i]);
		shutdown(w.fd, SHUT_WR);
		a = wire_read(&w);
		cr_expect(a.status == 0 || a.status == 400 || a.status == 404 || a.status == 405 ||
				  a.status == 505,
			"%zu: %d", i, a.status);
		wire_close(&w);
	}
	cr_assert_eq(ask_signed("{}").status, 202);
	cr_assert_eq(metrics_value(METRIC_HOOK_STORED), 1);
}

Test(receiver_listen, endless_headers_are_refused)
{
	struct wire w;
	wire_open(&w, room.port);
	wire_send_text(&w, POST_TO);
	size_t sent = 0;
	while (sent < 1 << 20 && wire_send_text(&w, "X-Padding: 0123456789012345678901234567\r\n"))
		sent += 40;
	int status = wire_read(&w).status;
	cr_assert(status == 431 || status == 400 || status == 413 || status == 0, "%d", status);
	wire_close(&w);
	cr_assert_eq(ask_signed("{}").status, 202);
}

Test(receiver_listen, a_refused_request_leaves_the_connection_usable)
{
	struct wire w;
	struct buf good = rig_now("{\"after\":1}", RIG_CLOCK_STANDS);
	wire_open(&w, room.port);
	wire_send_text(&w, POST_TO "Content-Length: 2\r\n\r\n{}");
	cr_assert_eq(wire_read(&w).status, 401);
	wire_send(&w, buf_slice(&good));
	cr_assert_eq(wire_read(&w).status, 202);
	wire_close(&w);
	buf_done(&good);
}

Test(receiver_listen, bodies_are_bounded_in_sum_too)
{
	struct wire w;
	struct buf body = filled(3 << 20);
	char stamp[32];
	stop();
	rig_start(&room, RIG_SOURCE "limits = { bodies = \"1MB\" }\n", RIG_CLOCK_STANDS);
	snprintf(stamp, sizeof(stamp), "%" PRId64, RIG_NOW_MS);
	struct buf request = rig_request(RIG_SECRET, stamp, buf_slice(&body));
	wire_open(&w, room.port);
	wire_send(&w, buf_slice(&request));
	struct wire_answer a = wire_read(&w);
	cr_assert_eq(a.status, 503);
	cr_assert_not_null(strstr(a.head, "Retry-After"));
	wire_close(&w);
	buf_done(&request);
	buf_done(&body);
	cr_assert_eq(ask_signed("{}").status, 202, "the memory of the refused one still counts");
}

/* --- deadlines -------------------------------------------------------------------------------- */

/* A byte every 50 ms of a text without end; true when it is closed in less than limit_ms. */
static bool trickle(struct wire *w, const char *text, int64_t limit_ms)
{
	int64_t begin_ms = clock_mono_ms();
	for (size_t i = 0; clock_mono_ms() - begin_ms < limit_ms; i++) {
		struct pollfd p = {w->fd, POLLIN, 0};
		if (!wire_send(w, (struct slice){text + i % strlen(text), 1}) ||
			poll(&p, 1, 50) == 1)
			return wire_closed(w);
	}
	return false;
}

Test(receiver_deadline, slow_headers_are_closed_while_others_are_served)
{
	struct wire w;
	wire_open(&w, room.port);
	wire_send_text(&w, POST_TO "X-Slow: ");
	cr_assert_eq(rig_post(room.port, "{\"quick\":1}").status, 202);
	cr_assert(trickle(&w, "y", 5000));
	wire_close(&w);
	cr_assert(rig_reaches(METRIC_HOOK_DEADLINE, 1));
}

Test(receiver_deadline, a_slow_request_line_is_closed)
{
	struct wire w;
	wire_open(&w, room.port);
	cr_assert(trickle(&w, "P", 5000));
	wire_close(&w);
}

Test(receiver_deadline, a_slow_body_is_closed_and_not_stored)
{
	struct wire w;
	wire_open(&w, room.port);
	wire_send_text(&w, POST_TO "Content-Length: 1000\r\n\r\n");
	cr_assert_eq(rig_post(room.port, "{\"quick\":2}").status, 202);
	cr_assert(trickle(&w, "z", 5000));
	wire_close(&w);
	cr_assert_eq(metrics_value(METRIC_HOOK_STORED), 1);
	cr_assert(rig_reaches(METRIC_HOOK_DEADLINE, 1));
}

Test(receiver_deadline, an_idle_connection_is_closed)
{
	struct wire w;
	struct buf request = rig_now("{\"idle\":1}", RIG_CLOCK_RUNS);
	wire_open(&w, room.port);
	wire_send(&w, buf_slice(&request));
	cr_assert_eq(wire_read(&w).status, 202);
	cr_assert(wire_silent(&w), "it was closed at once");
	cr_assert(wire_closed(&w));
	wire_close(&w);
	buf_done(&request);
}

Test(receiver_deadline, steady_requests_keep_a_connection_past_the_deadlines)
{
	struct wire w;
	int64_t begin_ms = clock_mono_ms();
	wire_open(&w, room.port);
	for (int i = 0; clock_mono_ms() - begin_ms < 1500; i++) {
		char body[32];
		snprintf(body, sizeof(body), "{\"n\":%d}", i);
		struct buf request = rig_now(body, RIG_CLOCK_RUNS);
		cr_assert(wire_send(&w, buf_slice(&request)));
		cr_assert_eq(wire_read(&w).status, 202);
		buf_done(&request);
		poll(NULL, 0, 100);
	}
	wire_close(&w);
}

/* --- crowds ----------------------------------------------------------------------------------- */

Test(receiver_crowd, a_flood_of_silent_connections_keeps_nobody_out)
{
	enum { FLOOD = 200 };
	static struct wire slow[FLOOD];
	for (int i = 0; i < FLOOD; i++) {
		char from[32];
		snprintf(from, sizeof(from), "127.0.1.%d", 1 + i);
		wire_open_from(&slow[i], room.port, from);
		wire_send_text(&slow[i], "POST /hooks/twenty HTTP/1.1\r\nHost:");
	}
	for (int i = 0; i < 10; i++) {
		char body[32];
		snprintf(body, sizeof(body), "{\"crowd\":%d}", i);
		cr_assert_eq(rig_post(room.port, body).status, 202);
	}
	cr_assert(rig_reaches(METRIC_HOOK_DEADLINE, FLOOD - 24));
	cr_assert(wire_closed(&slow[0]), "the oldest was not the first to go");
	cr_assert(wire_silent(&slow[FLOOD - 1]), "the newest was closed");
	for (int i = 0; i < FLOOD; i++)
		wire_close(&slow[i]);
}

Test(receiver_crowd, one_address_has_its_own_limit)
{
	enum { MINE = 9 };
	struct wire other, mine[MINE];
	wire_open_from(&other, room.port, "127.0.0.2");
	wire_send_text(&other, "POST");
	for (int i = 0; i < MINE; i++) {
		wire_open_from(&mine[i], room.port, "127.0.0.3");
		wire_send_text(&mine[i], "POST");
	}
	cr_assert(wire_closed(&mine[0]));
	cr_assert(wire_silent(&mine[1]));
	cr_assert(wire_silent(&other), "another address paid for it");
	wire_close(&other);
	for (int i = 0; i < MINE; i++)
		wire_close(&mine[i]);
}
