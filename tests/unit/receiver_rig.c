/* SPDX-License-Identifier: MIT */
/*
 * Starts receivers and makes requests for the tests of the receiver.
 * From: tests/unit/receiver_*.c. To: tests/harness/room.c and wire.c. Fails the test that calls it.
 */
#include "tests/unit/receiver_rig.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "queue/queue.h"
#include "receiver/receiver.h"

static const struct conf_option log_options[] = {
	{"log.level", CONF_TEXT, "error", 0, 0, NULL, "least level"},
	{"log.format", CONF_TEXT, "json", 0, 0, NULL, "form"},
};

enum rc rig_try(
	struct room *room, const char *conf, int listen_fd, enum rig_clock clock, struct err *err)
{
	const struct conf_table tables[] = {
		receiver_conf_table, queue_conf_table, {"log", log_options, ARRAY_N(log_options)}};
	char text[2048];
	snprintf(text, sizeof(text), "%s%s",
		strstr(conf, "store =") == NULL ? "store = \"memory:\"\n" : "", conf);
	return room_start(&(struct room_conf){.main = receiver_main,
				  .conf = text,
				  .tables = tables,
				  .tables_n = ARRAY_N(tables),
				  .listen_fd = listen_fd,
				  .wall_ms = clock == RIG_CLOCK_STANDS ? RIG_NOW_MS : 0},
		room, err);
}

void rig_start(struct room *room, const char *conf, enum rig_clock clock)
{
	struct err err = {.code = RC_OK};
	cr_assert_eq(rig_try(room, conf, 0, clock, &err), RC_OK, "%s", err.msg);
	enum rc rc = room_await(room, "ready", NULL, &err);
	if (rc != RC_OK)
		room_done(room);
	cr_assert_eq(rc, RC_OK, "%s", err.msg);
}

struct buf rig_request(const char *secret, const char *stamp, struct slice body)
{
	struct buf b;
	char hex[DIGEST_HEX_N];
	uint8_t mac[DIGEST_N];
	struct digest_key *key = digest_key_new(slice_of(secret));
	const struct slice parts[] = {slice_of(stamp), {":", 1}, body};
	cr_assert_not_null(key);
	cr_assert_eq(digest_hmac(key, parts, 3, mac), RC_OK);
	digest_key_free(key);
	digest_format(mac, hex);
	buf_init(&b, 64 << 20);
	cr_assert_eq(buf_printf(&b,
			     "POST /hooks/twenty HTTP/1.1\r\nHost: x\r\n"
			     "X-Twenty-Webhook-Timestamp: %s\r\nX-Twenty-Webhook-Signature: %s\r\n"
			     "Content-Length: %zu\r\n\r\n",
			     stamp, hex, body.n),
		RC_OK);
	cr_assert_eq(buf_put(&b, body.p, body.n), RC_OK);
	return b;
}

struct buf rig_now(const char *body, enum rig_clock clock)
{
	char stamp[32];
	snprintf(stamp, sizeof(stamp), "%" PRId64,
		clock == RIG_CLOCK_STANDS ? RIG_NOW_MS : clock_wall_ms());
	return rig_request(RIG_SECRET, stamp, slice_of(body));
}

struct wire_answer rig_ask(int port, struct slice request)
{
	struct wire w;
	wire_open(&w, port);
	cr_assert_geq(w.fd, 0, "the receiver refuses connections");
	wire_send(&w, request);
	struct wire_answer a = wire_read(&w);
	wire_close(&w);
	return a;
}

struct wire_answer rig_ask_text(int port, const char *request)
{
	return rig_ask(port, slice_of(request));
}

int rig_status(int port, struct slice request)
{
	return rig_ask(port, request).status;
}

struct wire_answer rig_post(int port, const char *body)
{
	struct buf request = rig_now(body, RIG_CLOCK_RUNS);
	struct wire_answer a = rig_ask(port, buf_slice(&request));
	buf_done(&request);
	return a;
}

bool rig_reaches(enum metric m, int64_t value)
{
	int64_t until_ms = clock_mono_ms() + 60000;
	while (metrics_value(m) < value) {
		if (clock_mono_ms() > until_ms)
			return false;
		poll(NULL, 0, 2);
	}
	return true;
}
