/* SPDX-License-Identifier: MIT */
/* Who is cut off, when, over socket pairs. */
#include <criterion/criterion.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/connection.h"

static struct connections *cs;
static struct {
	struct connection c;
	int peer;
} all[4];
static size_t told[3];

static void tell(enum connection_cut why, size_t n)
{
	told[why] += n;
}

static void setup(void)
{
	cs = connections_new(&(struct connections_conf){.max = 2,
		.per_address = 2,
		.headers_ms = 2000,
		.idle_ms = 10000,
		.body_ms = 3000,
		.tell = tell});
	cr_assert_not_null(cs);
	for (size_t i = 0; i < 4; i++)
		all[i].peer = -1;
}

static void teardown(void)
{
	for (size_t i = 0; i < 4; i++) {
		if (all[i].peer < 0)
			continue;
		connection_remove(cs, &all[i].c);
		close(all[i].peer);
		close(all[i].c.fd);
	}
	connections_free(cs);
}

TestSuite(base_connection, .init = setup, .fini = teardown, .timeout = 10);

static void add(size_t i)
{
	int pair[2];
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	all[i].peer = pair[0];
	connection_add(cs, &all[i].c, pair[1], NULL);
	clock_skip_mono_ms(1);
}

static void answer(size_t i)
{
	connection_move(cs, &all[i].c, PHASE_HEAD);
	connection_move(cs, &all[i].c, PHASE_BODY);
	connection_move(cs, &all[i].c, PHASE_ANSWER);
}

static bool is_cut(size_t i)
{
	struct pollfd p = {all[i].peer, POLLIN, 0};
	return poll(&p, 1, 0) == 1;
}

Test(base_connection, the_slowest_sender_makes_room)
{
	add(0);
	add(1);
	answer(0);
	add(2);
	cr_expect(!is_cut(0), "it is being answered");
	cr_expect(is_cut(1));
	cr_expect(!is_cut(2));
	cr_expect_eq(told[CONNECTION_CROWDED], 1u);
}

Test(base_connection, who_does_not_take_his_answer_makes_room_too)
{
	add(0);
	add(1);
	answer(0);
	answer(1);
	clock_skip_mono_ms(600);
	add(2);
	cr_expect(is_cut(0));
	cr_expect(!is_cut(1) && !is_cut(2));
}

Test(base_connection, who_waits_for_the_store_is_never_cut_off)
{
	add(0);
	connection_move(cs, &all[0].c, PHASE_HEAD);
	connection_move(cs, &all[0].c, PHASE_BODY);
	connection_move(cs, &all[0].c, PHASE_COMMIT);
	clock_skip_mono_ms(100000);
	connections_tick(cs);
	add(1);
	add(2);
	cr_expect(!is_cut(0));
	cr_expect(is_cut(1) && !is_cut(2));
}

Test(base_connection, each_phase_has_its_deadline)
{
	add(0);
	add(1);
	answer(1);
	connection_move(cs, &all[1].c, PHASE_IDLE);
	clock_skip_mono_ms(2000);
	connections_tick(cs);
	cr_expect(is_cut(0), "2 s for the headers");
	cr_expect(!is_cut(1), "10 s of idleness");
	cr_expect_eq(told[CONNECTION_SLOW_HEADERS], 1u);
	answer(1);
	clock_skip_mono_ms(3000);
	connections_tick(cs);
	cr_expect(is_cut(1), "3 s for the answer");
	cr_expect_eq(connections_n(cs), 2u, "closing them is the server's");
}
