/* SPDX-License-Identifier: MIT */
/* The control socket, driven by hand: this test is the loop, the supervisor and the command. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/link.h"
#include "cli/listen.h"
#include "console/control.h"
#include "tests/harness/process.h"

static char dir[128], path[160];
static int listener, link_pair[2];
static struct control *control;

static void setup(void)
{
	struct err err = {.msg = ""};
	cr_assert(process_folder(dir));
	snprintf(path, sizeof(path), "%s/control.sock", dir);
	cr_assert_eq(cli_listen_unix(path, &listener, &err), RC_OK, "%s", err.msg);
	cr_assert_eq(link_open(link_pair, &err), RC_OK);
	fcntl(link_pair[0], F_SETFL, O_NONBLOCK);
	cr_assert_eq(control_new(listener, &(struct queue_place){.store = dir}, link_pair[1],
			     &control, &err),
		RC_OK);
}

static void teardown(void)
{
	control_free(control);
	process_folder_remove(dir);
}

TestSuite(console_control, .init = setup, .fini = teardown, .timeout = 30);

/* Turns the loop until nothing is left to do. */
static void turn(void)
{
	struct pollfd fds[CONTROL_CLIENTS + 1];
	for (;;) {
		size_t n = control_poll(control, fds);
		if (poll(fds, n, 0) <= 0) {
			control_work(control, fds, n);
			return;
		}
		control_work(control, fds, n);
	}
}

static int client(const char *request)
{
	struct err err = {.msg = ""};
	int fd = -1;
	cr_assert_eq(cli_listen_connect(path, &fd, &err), RC_OK, "%s", err.msg);
	if (request != NULL)
		cr_assert_eq(write(fd, request, strlen(request)), (ssize_t)strlen(request));
	return fd;
}

/* What it was answered so far; "" for nothing yet, "(closed)" for an end without an answer. STATIC.
 */
static const char *answer(int fd)
{
	static char text[65536];
	ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return "(closed)";
	text[n > 0 ? n : 0] = '\0';
	return text;
}

/* The next thing that went up the link; "" for none. STATIC. */
static const char *asked(void)
{
	static struct buf in = {.max = LINK_MAX + 1};
	static char text[LINK_MAX];
	struct link_msg msg;
	struct err err;
	if (link_receive(link_pair[0], &in, &msg, &err) != RC_OK)
		return "";
	snprintf(text, sizeof(text), "%s %.*s", msg.kind, (int)msg.text.n, msg.text.p);
	return text;
}

Test(console_control, ping_is_answered_at_once)
{
	int fd = client("{\"verb\":\"ping\"}\n");
	turn();
	cr_expect_str_eq(answer(fd), "{\"ok\":true}\n");
	cr_expect_str_eq(answer(fd), "(closed)", "one request per connection");
	close(fd);
}

Test(console_control, reload_goes_up_the_link_and_its_answer_comes_back)
{
	int fd = client("{\"verb\":\"reload\"}\n");
	turn();
	cr_expect_str_eq(asked(), "ask reload");
	cr_expect_str_eq(answer(fd), "");
	control_answer(control, slice_of("{\"ok\":false,\"error\":\"m.lua:3: no\"}"));
	turn();
	cr_expect_str_eq(answer(fd), "{\"ok\":false,\"error\":\"m.lua:3: no\"}\n");
	close(fd);
}

Test(console_control, asks_go_one_at_a_time_and_each_gets_its_own_answer)
{
	int one = client("{\"verb\":\"reload\"}\n");
	turn();
	clock_skip_mono_ms(1);
	int two = client("{\"verb\":\"status\"}\n");
	turn();
	cr_expect_str_eq(asked(), "ask reload");
	cr_expect_str_eq(asked(), "");
	close(one); /* it leaves; its answer must not go to the other */
	turn();
	control_answer(control, slice_of("{\"ok\":true,\"text\":\"for one\"}"));
	cr_expect_str_eq(asked(), "ask status");
	cr_expect_str_eq(answer(two), "");
	control_answer(control, slice_of("{\"ok\":true,\"uptime_ms\":42,\"processes\":[]}"));
	turn();
	const char *got = answer(two);
	cr_expect(strstr(got, "\"uptime_ms\":42") != NULL, "%s", got);
	cr_expect(strstr(got, "\"api\":{\"calls\":0") != NULL, "%s", got);
	cr_expect(strstr(got, "store_problem") != NULL, "there is no store here: %s", got);
	close(two);
}

Test(console_control, rubbish_gets_a_sentence)
{
	static const char *const requests[] = {
		"\n", "hello\n", "{}\n", "{\"verb\":7}\n", "{\"verb\":\"shutdown\"}\n", "[[[[[[\n"};
	for (size_t i = 0; i < ARRAY_N(requests); i++) {
		int fd = client(requests[i]);
		turn();
		cr_expect_eq(strncmp(answer(fd), "{\"ok\":false,\"error\":\"", 21), 0, "%zu", i);
		close(fd);
	}
	static char longer[CONTROL_REQUEST_MAX + 2];
	memset(longer, 'x', sizeof(longer) - 1);
	int fd = client(longer);
	for (int i = 0; i < 100; i++)
		turn();
	cr_expect(strstr(answer(fd), "too long") != NULL);
	close(fd);
	cr_expect_str_eq(asked(), "");
}

Test(console_control, who_says_nothing_is_closed_and_others_are_served)
{
	int silent[CONTROL_CLIENTS];
	for (size_t i = 0; i < ARRAY_N(silent); i++) {
		silent[i] = client(NULL);
		turn();
	}
	int late = client("{\"verb\":\"ping\"}\n");
	turn();
	cr_expect_str_eq(answer(late), "(closed)", "every place is taken");
	close(late);
	clock_skip_mono_ms(5001);
	turn();
	cr_expect_str_eq(answer(silent[0]), "(closed)");
	late = client("{\"verb\":\"ping\"}\n");
	turn();
	cr_expect_str_eq(answer(late), "{\"ok\":true}\n");
	close(late);
}

/* --- orders ----------------------------------------------------------------------------------- */

Test(console_control, orders_go_side_by_side_and_answers_find_who_asked)
{
	char uid[32], one_up[128], two_up[128];
	int one = client("{\"verb\":\"order\",\"order\":{\"do\":\"first\"}}\n");
	turn();
	int two = client("{\"verb\":\"order\",\"order\":{\"do\":\"second\"}}\n");
	turn();
	snprintf(uid, sizeof(uid), "%u", (unsigned)geteuid());
	snprintf(one_up, sizeof(one_up), "order 1 %s {\"do\":\"first\"}", uid);
	snprintf(two_up, sizeof(two_up), "order 2 %s {\"do\":\"second\"}", uid);
	cr_expect_str_eq(asked(), one_up);
	cr_expect_str_eq(asked(), two_up);
	control_ordered(control, slice_of("2 {\"ok\":true,\"n\":2}"));
	cr_expect_str_eq(answer(two), "{\"ok\":true,\"n\":2}\n");
	cr_expect_str_eq(answer(one), "");
	control_ordered(control, slice_of("1 {\"ok\":false}"));
	cr_expect_str_eq(answer(one), "{\"ok\":false}\n");
	close(one);
	close(two);
}

Test(console_control, an_answer_to_nobody_is_dropped_and_reaches_no_later_order)
{
	int one = client("{\"verb\":\"order\",\"order\":{\"do\":\"first\"}}\n");
	turn();
	close(one);
	turn();
	int two = client("{\"verb\":\"order\",\"order\":{\"do\":\"second\"}}\n");
	turn();
	static const char *const answers[] = {
		"1 {\"ok\":true}", "", "x", "7", "9 {}", "{\"ok\":true}"};
	for (size_t i = 0; i < ARRAY_N(answers); i++)
		control_ordered(control, slice_of(answers[i]));
	cr_expect_str_eq(answer(two), "");
	control_ordered(control, slice_of("2 {}"));
	cr_expect_str_eq(answer(two), "{}\n");
	close(two);
}

Test(console_control, an_order_may_take_as_long_as_it_says_and_is_told_when_that_is_over)
{
	int brief = client("{\"verb\":\"order\",\"order\":{\"do\":\"x\"}}\n");
	int patient = client("{\"verb\":\"order\",\"order\":{\"do\":\"x\"},"
			     "\"patience_ms\":600000}\n");
	turn();
	turn();
	clock_skip_mono_ms(60001);
	turn();
	cr_expect(strstr(answer(brief), "\"code\":\"timeout\"") != NULL);
	cr_expect_str_eq(answer(patient), "");
	clock_skip_mono_ms(540000);
	turn();
	cr_expect(strstr(answer(patient), "the order goes on") != NULL);
	close(brief);
	close(patient);
}

Test(console_control, a_long_order_goes_through_whole)
{
	static char order[60000];
	int n = snprintf(order, sizeof(order), "{\"verb\":\"order\",\"order\":{\"do\":\"");
	memset(order + n, 'y', 50000);
	snprintf(order + n + 50000, 64, "\"}}\n");
	int fd = client(order);
	for (int i = 0; i < 20; i++)
		turn();
	cr_expect_eq(strlen(asked()), strlen("order 1  {\"do\":\"\"}") + 50000 +
					      (size_t)snprintf(NULL, 0, "%u", (unsigned)geteuid()));
	control_ordered(control, slice_of("1 {}"));
	cr_expect_str_eq(answer(fd), "{}\n");
	close(fd);
}

Test(console_control, an_order_that_is_no_object_is_refused)
{
	static const char *const orders[] = {"7", "\"pause\"", "[]", "null"};
	for (size_t i = 0; i < ARRAY_N(orders); i++) {
		char text[64];
		snprintf(text, sizeof(text), "{\"verb\":\"order\",\"order\":%s}\n", orders[i]);
		int fd = client(text);
		turn();
		cr_expect(strstr(answer(fd), "\"code\":\"invalid\"") != NULL, "%s", orders[i]);
		close(fd);
	}
	cr_expect_str_eq(asked(), "");
}
