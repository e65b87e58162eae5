/* SPDX-License-Identifier: MIT */
/* The receiver as the program that is installed, under connections that never finish a request. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/metrics.h"
#include "queue/queue.h"
#include "receiver/receiver.h"
#include "tests/harness/room.h"
#include "tests/harness/wire.h"

#define SECRET "flood-secret"
enum { FLOOD_MAX = 10000 };

static struct room room;

static void start(void)
{
	const struct conf_table tables[] = {receiver_conf_table, queue_conf_table};
	struct err err = {.code = RC_OK};
	enum rc rc = room_start(
		&(struct room_conf){.program = "build/moonhook",
			.name = "receiver",
			.conf = "store = \"memory:\"\nsource \"twenty\" { secrets = { \"" SECRET
				"\" } }",
			.tables = tables,
			.tables_n = ARRAY_N(tables)},
		&room, &err);
	if (rc == RC_OK)
		rc = room_await(&room, "ready", NULL, &err);
	cr_assert_eq(rc, RC_OK, "%s", err.msg);
}

static void stop(void)
{
	room_done(&room);
}

TestSuite(receiver_flood, .init = start, .fini = stop, .timeout = 120);

static void sign(const char *stamp, const char *body, char hex[DIGEST_HEX_N])
{
	uint8_t mac[DIGEST_N];
	struct digest_key *key = digest_key_new(slice_of(SECRET));
	const struct slice parts[] = {slice_of(stamp), {":", 1}, slice_of(body)};
	cr_assert_not_null(key);
	cr_assert_eq(digest_hmac(key, parts, ARRAY_N(parts), mac), RC_OK);
	digest_format(mac, hex);
	digest_key_free(key);
}

/* Sends one good delivery on a connection of its own; its status and how long that took. */
static int deliver(int n, int64_t *ret_ms)
{
	char stamp[32], body[64], hex[DIGEST_HEX_N], request[512];
	int64_t begin_ms = clock_mono_ms();
	snprintf(stamp, sizeof(stamp), "%" PRId64, clock_wall_ms());
	snprintf(body, sizeof(body), "{\"n\":%d}", n);
	sign(stamp, body, hex);
	snprintf(request, sizeof(request),
		"POST /hooks/twenty HTTP/1.1\r\nHost: x\r\nX-Twenty-Webhook-Timestamp: %s\r\n"
		"X-Twenty-Webhook-Signature: %s\r\nContent-Length: %zu\r\n\r\n%s",
		stamp, hex, strlen(body), body);
	struct wire w;
	wire_open(&w, room.port);
	wire_send_text(&w, request);
	int status = wire_read(&w).status;
	wire_close(&w);
	*ret_ms = clock_mono_ms() - begin_ms;
	return status;
}

static int files_allowed(int wished)
{
	struct rlimit files;
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
	files.rlim_cur = files.rlim_max;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
	return files.rlim_cur > (rlim_t)wished + 100 ? wished : (int)files.rlim_cur - 100;
}

Test(receiver_flood, ten_thousand_slow_connections_do_not_delay_a_good_one)
{
	static struct wire slow[FLOOD_MAX];
	int n = files_allowed(FLOOD_MAX), good = 0;
	int64_t ms, worst_ms = 0;
	for (int i = 0; i < n; i++) {
		char from[32];
		snprintf(from, sizeof(from), "127.0.%d.%d", 1 + i / 250, 1 + i % 250);
		wire_open_from(&slow[i], room.port, from);
		wire_send_text(&slow[i], "POST /hooks/twenty HTTP/1.1\r\nX-Slow:");
		if (i % 100 != 0)
			continue;
		cr_assert_eq(deliver(i, &ms), 202, "after %d slow ones", i);
		worst_ms = ms > worst_ms ? ms : worst_ms;
		good++;
	}
	cr_assert_eq(metrics_value(METRIC_HOOK_STORED), good);
	cr_assert_lt(worst_ms, 2000, "%" PRId64 " ms", worst_ms);
	for (int i = 0; i < n; i++)
		wire_close(&slow[i]);
	cr_assert_eq(deliver(-1, &ms), 202);
}

Test(receiver_flood, the_installed_program_drains_on_sigterm)
{
	int64_t ms;
	cr_assert_eq(deliver(1, &ms), 202);
	kill(room.pid, SIGTERM);
	cr_assert_eq(room_wait(&room), 0);
}
