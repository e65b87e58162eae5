/* SPDX-License-Identifier: MIT */
/* The life of the process: ready, reload, drain, failure, and what it leaves to its successor. */
#include "receiver/receiver.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/unit/receiver_rig.h"

static struct room room;

static void stop(void)
{
	room_done(&room);
}

static void start(void)
{
	rig_start(&room, RIG_SOURCE, RIG_CLOCK_RUNS);
}

TestSuite(receiver_receiver, .init = start, .fini = stop, .timeout = 60);
TestSuite(receiver_start, .fini = stop, .timeout = 60);

Test(receiver_receiver, it_says_ready_when_it_listens_and_the_store_is_open)
{
	cr_assert_eq(metrics_value(METRIC_READY_RECEIVER), 1);
	cr_assert_eq(metrics_value(METRIC_STORE_FAILING), 0);
	cr_assert_eq(rig_post(room.port, "{}").status, 202);
}

Test(receiver_receiver, sigterm_drains_and_ends_with_0)
{
	int64_t begin_ms = clock_mono_ms();
	cr_assert_eq(rig_post(room.port, "{}").status, 202);
	kill(room.pid, SIGTERM);
	cr_assert_eq(room_wait(&room), 0);
	cr_assert_lt(clock_mono_ms() - begin_ms, 3000);
	cr_assert_eq(metrics_value(METRIC_READY_RECEIVER), 0);
}

Test(receiver_receiver, drain_and_a_dead_supervisor_end_it_with_0)
{
	struct err err;
	cr_assert_eq(room_send(&room, "drain", &err), RC_OK);
	cr_assert_eq(room_wait(&room), 0);
	room_done(&room);
	start();
	close(room.link_fd);
	room.link_fd = -1;
	cr_assert_eq(room_wait(&room), 0);
}

Test(receiver_receiver, a_terminals_signals_are_left_to_the_supervisor)
{
	kill(room.pid, SIGINT);
	kill(room.pid, SIGHUP);
	cr_assert_eq(rig_post(room.port, "{}").status, 202);
	kill(room.pid, SIGTERM);
	cr_assert_eq(room_wait(&room), 0);
}

Test(receiver_receiver, a_request_on_its_way_is_stored_and_answered_while_it_drains)
{
	struct buf request = rig_now("{\"draining\":1}", RIG_CLOCK_RUNS);
	struct slice first = buf_slice(&request), rest = first;
	struct wire body, head;
	first.n -= 5;
	rest.p += first.n;
	rest.n = 5;
	wire_open(&body, room.port);
	wire_send(&body, first);
	wire_open(&head, room.port);
	wire_send_text(&head, "POST /hooks/");
	cr_assert_eq(rig_post(room.port, "{\"before\":1}").status, 202);

	kill(room.pid, SIGTERM);
	cr_assert(rig_reaches(METRIC_READY_RECEIVER, 0));
	while (metrics_value(METRIC_READY_RECEIVER) != 0)
		continue;
	wire_send(&body, rest);
	struct wire_answer a = wire_read(&body);
	cr_assert_eq(a.status, 202);
	cr_assert_not_null(strstr(a.head, "Connection: close"), "%s", a.head);
	wire_send_text(&head, "nobody HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
	cr_assert_eq(wire_read(&head).status, 404);
	wire_close(&body);
	wire_close(&head);
	cr_assert_eq(room_wait(&room), 0);
	buf_done(&request);
}

Test(receiver_receiver, a_drain_is_over_in_bounded_time_whatever_clients_do)
{
	struct wire body, silent;
	wire_open(&silent, room.port);
	wire_open(&body, room.port);
	wire_send_text(
		&body, "POST /hooks/twenty HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc");
	cr_assert_eq(rig_post(room.port, "{}").status, 202);
	int64_t begin_ms = clock_mono_ms();
	kill(room.pid, SIGTERM);
	cr_assert_eq(room_wait(&room), 0);
	cr_assert_lt(clock_mono_ms() - begin_ms, 6000);
	wire_close(&body);
	wire_close(&silent);
}

Test(receiver_receiver, the_socket_serves_a_successor_after_a_stop)
{
	struct room next;
	struct err err;
	for (int round = 0; round < 3; round++) {
		char body[32];
		snprintf(body, sizeof(body), "{\"round\":%d}", round);
		cr_assert_eq(rig_post(room.port, body).status, 202);
		kill(room.pid, SIGTERM);
		cr_assert_eq(room_wait(&room), 0);

		/* Nobody accepts now: the backlog keeps it for the successor. */
		struct wire w;
		struct buf request = rig_now("{\"between\":1}", RIG_CLOCK_RUNS);
		wire_open(&w, room.port);
		cr_assert_geq(w.fd, 0, "a connection was refused between the two");
		cr_assert(wire_send(&w, buf_slice(&request)));
		cr_assert_eq(
			rig_try(&next, RIG_SOURCE, room.listen_fd, RIG_CLOCK_RUNS, &err), RC_OK);
		cr_assert_eq(room_await(&next, "ready", NULL, &err), RC_OK, "%s", err.msg);
		cr_assert_eq(wire_read(&w).status, 202);
		wire_close(&w);
		buf_done(&request);
		room_done(&room);
		room = next;
	}
}

Test(receiver_receiver, a_reload_changes_the_secrets_and_a_bad_one_changes_nothing)
{
	struct err err;
	char text[256];
	const struct conf_table tables[] = {receiver_conf_table};
	struct room_conf conf = {.tables = tables, .tables_n = 1};
	struct buf request = rig_now("{\"reload\":1}", RIG_CLOCK_RUNS);

	conf.conf = "source \"twenty\" { secrets = { \"\" } }";
	cr_assert_eq(room_reload(&room, &conf, &err), RC_OK);
	cr_assert_eq(room_await(&room, "failed", text, &err), RC_OK, "%s", err.msg);
	cr_assert_not_null(strstr(text, "secret"), "%s", text);
	cr_assert_eq(rig_status(room.port, buf_slice(&request)), 202);

	conf.conf = "source \"twenty\" { secrets = { \"another\" } }";
	cr_assert_eq(room_reload(&room, &conf, &err), RC_OK);
	cr_assert_eq(room_await(&room, "reloaded", text, &err), RC_OK, "%s", err.msg);
	cr_expect_str_eq(text, "1 source");
	cr_assert_eq(rig_status(room.port, buf_slice(&request)), 401);
	buf_done(&request);
}

struct client {
	pthread_t thread;
	int number, answered, refused;
};

static void *send_many(void *arg)
{
	struct client *c = arg;
	struct wire w = {.fd = -1};
	for (int i = 0;; i++) {
		char body[64];
		snprintf(body, sizeof(body), "{\"client\":%d,\"n\":%d}", c->number, i);
		struct buf request = rig_now(body, RIG_CLOCK_RUNS);
		if (w.fd < 0)
			wire_open(&w, room.port);
		bool sent = wire_send(&w, buf_slice(&request));
		buf_done(&request);
		struct wire_answer a = sent ? wire_read(&w) : (struct wire_answer){0};
		if (a.status != 202)
			break;
		c->answered++;
	}
	wire_close(&w);
	return NULL;
}

Test(receiver_receiver, a_drain_under_load_answers_what_it_stored)
{
	enum { CLIENTS = 8 };
	struct client clients[CLIENTS] = {0};
	for (int i = 0; i < CLIENTS; i++) {
		clients[i].number = i;
		cr_assert_eq(pthread_create(&clients[i].thread, NULL, send_many, &clients[i]), 0);
	}
	cr_assert(rig_reaches(METRIC_HOOK_STORED, 200));
	kill(room.pid, SIGTERM);
	cr_assert_eq(room_wait(&room), 0);
	shutdown(room.listen_fd, SHUT_RDWR); /* whoever waits in the backlog is let go */
	int answered = 0;
	for (int i = 0; i < CLIENTS; i++) {
		pthread_join(clients[i].thread, NULL);
		answered += clients[i].answered;
	}
	cr_assert_eq(answered, metrics_value(METRIC_HOOK_STORED));
}

static void expect_failed(const char *conf, int status, const char *sentence)
{
	struct err err;
	char text[256];
	cr_assert_eq(rig_try(&room, conf, 0, RIG_CLOCK_RUNS, &err), RC_OK, "%s", err.msg);
	cr_assert_eq(room_await(&room, "failed", text, &err), RC_OK, "%s", err.msg);
	cr_assert_not_null(strstr(text, sentence), "%s", text);
	cr_assert_eq(room_wait(&room), status);
}

Test(receiver_start, a_source_without_secret_ends_it_with_78_and_a_sentence)
{
	expect_failed(
		"source \"twenty\" { secrets = { \"\" } }", 78, "set the same secret in Twenty");
}

Test(receiver_start, a_store_that_cannot_be_opened_ends_it_with_a_sentence)
{
	expect_failed("store = \"nosuch://store\"\n" RIG_SOURCE, 78, "nosuch");
}

Test(receiver_start, a_supervisor_that_dies_before_the_configuration_ends_it)
{
	struct err err;
	cr_assert_eq(rig_try(&room, RIG_SOURCE, 0, RIG_CLOCK_RUNS, &err), RC_OK, "%s", err.msg);
	close(room.link_fd);
	room.link_fd = -1;
	int status = room_wait(&room);
	cr_assert(status == 0 || status == 1, "%d", status);
}
