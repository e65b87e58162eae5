/* SPDX-License-Identifier: MIT */
/*
 * The supervisor: children that die are started again while the sockets stay, signals drain and
 * reload, descriptors of systemd are taken over, nothing outlives the supervisor.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/harness/daemon.h"
#include "tests/harness/http.h"
#include "tests/harness/wire.h"

static struct daemon d;

static void setup(void)
{
	cr_assert(daemon_open(&d, NULL));
}

static void teardown(void)
{
	daemon_close(&d);
}

TestSuite(serve_children, .init = setup, .fini = teardown, .timeout = 90);

struct expected {
	const char *name;
	pid_t not_pid;
};

static bool child_is_new(void *ctx)
{
	const struct expected *e = ctx;
	pid_t pid = daemon_child(&d, e->name);
	return pid != 0 && pid != e->not_pid && daemon_ready(&d);
}

static bool is_not_ready(void *ctx)
{
	(void)ctx;
	return !daemon_ready(&d);
}

static int post_nothing(void)
{
	struct http_answer answer;
	char url[80];
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/hooks/twenty", d.hook_port);
	int status = http_request("POST", url, NULL, "{}", 2, &answer) ? answer.status : 0;
	http_answer_done(&answer);
	return status;
}

Test(serve_children, a_receiver_that_dies_is_started_again_and_nothing_is_refused_meanwhile)
{
	cr_assert(daemon_start(&d, NULL, NULL));
	pid_t first = daemon_child(&d, "receiver");
	cr_assert(first > 0);
	cr_assert_eq(kill(first, SIGKILL), 0);
	/* The kernel keeps connections in the socket's backlog until the successor takes them. */
	cr_expect_eq(post_nothing(), 401);
	struct expected e = {"receiver", first};
	cr_assert(process_await(child_is_new, &e, 10000));
	char *log = daemon_log(&d);
	cr_expect(
		strstr(log, "the receiver died of signal 9 (Killed); it starts again in 100 ms") !=
			NULL,
		"%s", log);
	free(log);
	json_t *status = daemon_status(&d);
	json_t *p = json_array_get(json_object_get(status, "processes"), 0);
	cr_expect_eq(json_integer_value(json_object_get(p, "restarts")), 1);
	json_decref(status);
	cr_expect_eq(daemon_stop(&d), 0);
}

Test(serve_children, a_runner_and_a_console_that_die_are_started_again)
{
	cr_assert(daemon_start(&d, NULL, NULL));
	static const char *const names[] = {"runner", "console"};
	for (size_t i = 0; i < 2; i++) {
		struct expected e = {names[i], daemon_child(&d, names[i])};
		cr_assert(e.not_pid > 0);
		cr_assert_eq(kill(e.not_pid, SIGKILL), 0);
		cr_assert(process_await(child_is_new, &e, 10000), "%s", names[i]);
	}
	cr_expect_eq(daemon_stop(&d), 0);
}

Test(serve_children, the_rest_between_deaths_doubles)
{
	cr_assert(daemon_start(&d, NULL, NULL));
	for (int i = 0; i < 3; i++) {
		struct expected e = {"receiver", daemon_child(&d, "receiver")};
		int64_t from_ms = clock_mono_ms();
		cr_assert_eq(kill(e.not_pid, SIGKILL), 0);
		cr_expect(i < 2 || process_await(is_not_ready, NULL, 5000), "while it rests");
		cr_assert(process_await(child_is_new, &e, 10000));
		cr_expect_geq(clock_mono_ms() - from_ms, 100 << i, "it is taken, too");
	}
	char *log = daemon_log(&d);
	cr_expect(strstr(log, "it starts again in 100 ms") != NULL);
	cr_expect(strstr(log, "it starts again in 200 ms") != NULL);
	cr_expect(strstr(log, "it starts again in 400 ms") != NULL);
	free(log);
	cr_expect_eq(daemon_stop(&d), 0);
}

Test(serve_children, sigterm_drains_receiver_then_runner_then_console_and_ends_with_0)
{
	cr_assert(daemon_start(&d, NULL, NULL));
	pid_t pids[] = {daemon_child(&d, "receiver"), daemon_child(&d, "runner"),
		daemon_child(&d, "console")};
	cr_assert_eq(daemon_stop(&d), 0);
	for (size_t i = 0; i < 3; i++)
		cr_expect(kill(pids[i], 0) != 0, "child %zu is still there", i);
	char control[256];
	snprintf(control, sizeof(control), "%s/control.sock", d.store);
	cr_expect(access(control, F_OK) != 0, "the control socket is gone");
}

#define HALF "POST /hooks/twenty HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345"

/* The receiver has half a delivery when the end is asked for. */
Test(serve_children, a_delivery_on_its_way_is_answered_before_the_others_are_told_to_end)
{
	cr_assert(daemon_start(&d, NULL, NULL));
	pid_t runner = daemon_child(&d, "runner"), console = daemon_child(&d, "console");
	struct wire w;
	wire_open(&w, d.hook_port);
	cr_assert(wire_send_text(&w, HALF));
	cr_assert_eq(post_nothing(), 401, "the half is there: it was sent before this one");
	cr_assert_eq(kill(d.process.pid, SIGTERM), 0);
	cr_assert(daemon_logged(&d, "stopping: asked to", 10000));
	cr_expect(wire_silent(&w), "neither answered nor closed");
	cr_expect_eq(kill(runner, 0), 0);
	cr_expect_eq(kill(console, 0), 0);
	cr_assert(wire_send_text(&w, "67890"));
	cr_expect_eq(wire_read(&w).status, 401, "it was not signed, but answered");
	wire_close(&w);
	cr_expect_eq(process_stop(&d.process, SIGTERM, 20000), 0);
	char *log = daemon_log(&d);
	const char *first = strstr(log, "\"msg\":\"drained"), *then = strstr(log, "draining:");
	cr_expect(first != NULL && then != NULL && first < then, "%s", log);
	free(log);
}

Test(serve_children, a_child_that_does_not_finish_is_killed_when_somebody_is_impatient)
{
	cr_assert(daemon_start(&d, NULL, NULL));
	pid_t receiver = daemon_child(&d, "receiver");
	cr_assert(receiver > 0 && kill(receiver, SIGSTOP) == 0);
	cr_assert_eq(kill(d.process.pid, SIGINT), 0);
	cr_assert(daemon_logged(&d, "stopping: interrupted", 10000));
	cr_expect_eq(process_stop(&d.process, SIGINT, 10000), 0);
	cr_expect(kill(receiver, 0) != 0);
}

static bool is_gone(void *pid)
{
	return kill(*(pid_t *)pid, 0) != 0;
}

/* As a terminal, a shell or systemd may: everybody is told at once. */
Test(serve_children, children_that_end_by_themselves_while_all_stops_are_neither_an_error_nor_new)
{
	cr_assert(daemon_start(&d, NULL, NULL));
	pid_t runner = daemon_child(&d, "runner"), console = daemon_child(&d, "console");
	pid_t receiver = daemon_child(&d, "receiver");
	cr_assert(runner > 0 && console > 0 && receiver > 0);
	cr_assert_eq(kill(runner, SIGSTOP), 0, "it takes its time");
	cr_assert_eq(kill(d.process.pid, SIGTERM), 0);
	cr_assert_eq(kill(console, SIGTERM), 0);
	cr_assert_eq(kill(runner, SIGTERM), 0);
	(void)kill(receiver, SIGTERM); /* it may have been quicker */
	cr_assert(process_await(is_gone, &console, 10000));
	cr_assert(process_await(is_gone, &receiver, 10000));
	cr_expect_not(daemon_logged(&d, "starts again", 300), "nobody takes their place");
	cr_assert_eq(kill(runner, SIGCONT), 0);
	cr_expect_eq(process_wait(&d.process, 20000), 0);
	char *log = daemon_log(&d);
	cr_expect_null(strstr(log, "starts again"), "%s", log);
	cr_expect_null(strstr(log, "\"level\":\"error\""), "%s", log);
	free(log);
}

Test(serve_children, a_child_that_somebody_told_to_end_starts_again_without_an_error)
{
	cr_assert(daemon_start(&d, NULL, NULL));
	struct expected e = {"console", daemon_child(&d, "console")};
	cr_assert(e.not_pid > 0 && kill(e.not_pid, SIGTERM) == 0);
	cr_assert(process_await(child_is_new, &e, 10000));
	char *log = daemon_log(&d);
	cr_expect(strstr(log, "the console was told to end; it starts again in 100 ms") != NULL,
		"%s", log);
	cr_expect_null(strstr(log, "\"level\":\"error\""), "%s", log);
	free(log);
	cr_expect_eq(daemon_stop(&d), 0);
}

static bool all_gone(void *ctx)
{
	const pid_t *pids = ctx;
	return kill(pids[0], 0) != 0 && kill(pids[1], 0) != 0 && kill(pids[2], 0) != 0;
}

Test(serve_children, a_killed_supervisor_takes_its_children_along_and_can_be_followed_at_once)
{
	/* Orphans come to us, so that what is left of them can be waited for. */
	cr_assert_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	cr_assert(daemon_start(&d, NULL, NULL));
	pid_t pids[] = {daemon_child(&d, "receiver"), daemon_child(&d, "runner"),
		daemon_child(&d, "console")};
	cr_expect_eq(process_stop(&d.process, SIGKILL, 5000), 128 + SIGKILL);
	int64_t from = clock_mono_ms();
	cr_assert(
		daemon_start(&d, NULL, NULL), "the store, the ports, the control socket are free");
	cr_expect(clock_mono_ms() - from < 8000);
	for (size_t i = 0; i < 3; i++)
		(void)waitpid(pids[i], NULL, WNOHANG);
	cr_expect(process_await(all_gone, pids, 5000));
	cr_expect_eq(daemon_stop(&d), 0);
}

/* --- reload
 * ----------------------------------------------------------------------------------------- */

static bool rule_is_live(void *name)
{
	json_t *status = daemon_status(&d);
	json_t *rule = json_array_get(json_object_get(status, "rules"), 0);
	const char *got = json_string_value(json_object_get(rule, "name"));
	bool live = got != NULL && strcmp(got, name) == 0;
	json_decref(status);
	return live;
}

Test(serve_children, sighup_reads_configuration_and_rules_again)
{
	char name[] = "late";
	cr_assert(daemon_start(&d, NULL, NULL));
	cr_assert(process_write(d.rules, "a.lua",
		"rule \"late\" { on = \"note.created\", run = function() end }\n"));
	cr_assert_eq(kill(d.process.pid, SIGHUP), 0);
	cr_assert(daemon_logged(&d, "\"msg\":\"reloaded", 10000));
	cr_expect(process_await(rule_is_live, name, 10000));
	cr_expect_eq(daemon_stop(&d), 0);
}

Test(serve_children, a_reload_that_fails_leaves_the_old_configuration_and_says_why)
{
	static const char *const reload[] = {"reload", NULL};
	char *err = NULL, *out = NULL;
	cr_assert(daemon_start(&d, NULL, NULL));
	cr_assert(daemon_configure(&d, "lisen = \"x\""));
	cr_assert_eq(kill(d.process.pid, SIGHUP), 0);
	cr_assert(daemon_logged(&d, "reload failed, what was live before stays", 10000));
	cr_expect(daemon_ready(&d));
	/* The command cannot read that file either, and says the same. */
	cr_expect_eq(daemon_command(&d, reload, NULL, NULL, &err), 78);
	cr_expect(strstr(err, "m.lua:8: unknown setting `lisen`") != NULL, "%s", err);
	free(err);
	cr_assert(daemon_configure(&d, NULL));
	cr_expect_eq(daemon_command(&d, reload, NULL, &out, &err), 0, "%s", err);
	cr_expect(strstr(out, "reloaded") == out, "%s", out);
	free(out);
	free(err);
	cr_expect_eq(daemon_stop(&d), 0);
}

Test(serve_children, a_setting_that_wants_a_restart_is_said)
{
	static const char *const reload[] = {"reload", NULL};
	char *out = NULL;
	cr_assert(daemon_start(&d, NULL, NULL));
	cr_assert(daemon_configure(&d, "listen = \"127.0.0.1:9\""));
	for (int i = 0; i < 2; i++) { /* as long as it is true */
		cr_expect_eq(daemon_command(&d, reload, NULL, &out, NULL), 0);
		cr_expect(strstr(out, "`listen` changed: takes effect at the next restart") != NULL,
			"%s", out);
		free(out);
	}
	cr_assert(daemon_configure(&d, NULL));
	cr_expect_eq(daemon_command(&d, reload, NULL, &out, NULL), 0);
	cr_expect(strstr(out, "restart") == NULL, "%s", out);
	free(out);
	cr_expect_eq(daemon_stop(&d), 0);
}

Test(serve_children, a_broken_rule_is_said_by_reload_with_file_and_line)
{
	static const char *const reload[] = {"reload", NULL};
	char *out = NULL, *err = NULL;
	cr_assert(daemon_start(&d, NULL, NULL));
	cr_assert(process_write(d.rules, "a.lua", "rule \"x\" {\n  on = = 1\n}\n"));
	int status = daemon_command(&d, reload, NULL, &out, &err);
	cr_expect_eq(status, 78, "%d: %s%s", status, out, err);
	cr_expect(strstr(err, "a.lua:2") != NULL, "%s%s", out, err);
	free(out);
	free(err);
	cr_expect_eq(daemon_stop(&d), 0);
}

static size_t times(const char *text, const char *what)
{
	size_t n = 0;
	for (const char *p = text; (p = strstr(p, what)) != NULL; p++)
		n++;
	return n;
}

static void change_secret(void)
{
	char *text = process_read(d.config), *secret = strstr(text, DAEMON_SECRET);
	cr_assert_not_null(secret);
	secret[0] = 'x';
	cr_assert(process_write(d.dir, "m.lua", text));
	free(text);
}

Test(serve_children, a_reload_says_of_each_room_what_it_took_and_logs_an_error_once)
{
	static const char *const reload[] = {"reload", NULL};
	static const char *const as_json[] = {"reload", "-o", "json", NULL};
	char *out = NULL, *err = NULL;
	cr_assert(daemon_start(&d, NULL, NULL));
	cr_assert(daemon_logged(&d, "\"msg\":\"ready\"", 10000), "the runner, too");
	change_secret();
	cr_assert(process_write(d.rules, "a.lua", "rule \"x\" {\n  on = = 1\n}\n"));
	cr_expect_eq(daemon_command(&d, reload, NULL, &out, &err), 78);
	cr_expect(strstr(err, "applied in part: receiver: applied, 1 source; runner: not all "
			      "applied, 0 rules live, 1 file broken: a.lua:2:8: ") != NULL,
		"%s", err);
	cr_expect_null(strstr(err, "stays"), "the new secret counts: %s", err);
	free(out);
	free(err);
	char *log = daemon_log(&d);
	cr_expect_eq(times(log, "a.lua:2:8: "), 1, "%s", log);
	cr_expect(strstr(log, "reload applied in part: ") != NULL, "%s", log);
	free(log);
	cr_expect_eq(daemon_command(&d, as_json, NULL, &out, NULL), 78);
	json_t *o = json_loads(out, 0, NULL), *rooms = json_object_get(o, "rooms");
	json_t *receiver = json_array_get(rooms, 0), *runner = json_array_get(rooms, 1);
	cr_expect_str_eq(json_string_value(json_object_get(receiver, "name")), "receiver");
	cr_expect(json_is_true(json_object_get(receiver, "ok")), "%s", out);
	cr_expect_str_eq(json_string_value(json_object_get(runner, "name")), "runner");
	cr_expect(json_is_false(json_object_get(runner, "ok")), "%s", out);
	json_decref(o);
	free(out);
	cr_expect_eq(daemon_stop(&d), 0);
}

/* The rules that status lists: "live one" or "broken one". */
static void expect_rule(const char *state, const char *name, int turn)
{
	json_t *status = daemon_status(&d);
	json_t *rule = json_array_get(json_object_get(status, "rules"), 0);
	const char *got = json_string_value(json_object_get(rule, "state"));
	const char *got_name = json_string_value(json_object_get(rule, "name"));
	cr_expect(got != NULL && strcmp(got, state) == 0 && got_name != NULL &&
			  strcmp(got_name, name) == 0,
		"reload %d: status says %s %s, wanted %s %s", turn, got != NULL ? got : "nothing",
		got_name != NULL ? got_name : "", state, name);
	json_decref(status);
}

Test(serve_children, status_right_after_a_reload_shows_what_it_brought)
{
	static const char *const reload[] = {"reload", NULL};
	cr_assert(daemon_start(&d, NULL, NULL));
	char name[16] = "";
	for (int i = 0; i < 20; i++) {
		bool broken = i % 4 == 3; /* the one before goes on */
		char rule[128];
		if (!broken)
			snprintf(name, sizeof(name), "rule%d", i);
		snprintf(rule, sizeof(rule),
			"rule \"%s\" { on = \"note.created\", run = function() end %s\n", name,
			broken ? "" : "}");
		cr_assert(process_write(d.rules, "a.lua", rule));
		cr_expect_eq(daemon_command(&d, reload, NULL, NULL, NULL), broken ? 78 : 0);
		expect_rule(broken ? "broken" : "live", name, i);
	}
	cr_expect_eq(daemon_stop(&d), 0);
}

/* --- systemd
 * ----------------------------------------------------------------------------------------- */

static int bound_socket(int *ret_port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert(fd >= 0 && bind(fd, (struct sockaddr *)&a, n) == 0 && listen(fd, 8) == 0 &&
		  getsockname(fd, (struct sockaddr *)&a, &n) == 0);
	*ret_port = ntohs(a.sin_port);
	return fd;
}

/* Starts serve as systemd does: fd as descriptor 3, the names, where to be told. */
static pid_t start_as_systemd(int fd, const char *notify)
{
	pid_t pid = fork();
	if (pid != 0)
		return pid;
	char text[32];
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(fd, 3);
	snprintf(text, sizeof(text), "%d", (int)getpid());
	setenv("LISTEN_PID", text, 1);
	setenv("LISTEN_FDS", "1", 1);
	setenv("LISTEN_FDNAMES", "hooks", 1);
	setenv("NOTIFY_SOCKET", notify, 1);
	int out = open("/dev/null", O_WRONLY);
	dup2(out, 2);
	closefrom(4);
	execl(process_path("moonhook"), "moonhook", "serve", "--config", d.config, (char *)NULL);
	_exit(127);
}

/* Waits for one message of sd_notify that contains text. */
static bool told(int fd, const char *text)
{
	struct timeval patience = {.tv_sec = 15};
	char message[512];
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	for (;;) {
		ssize_t n = recv(fd, message, sizeof(message) - 1, 0);
		if (n <= 0)
			return false;
		message[n] = '\0';
		if (strstr(message, text) != NULL)
			return true;
	}
}

Test(serve_children, sockets_of_systemd_are_taken_over_and_systemd_is_told)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int port = 0, status = 0, fd = bound_socket(&port);
	snprintf(a.sun_path, sizeof(a.sun_path), "%.90s/notify", d.dir);
	int notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	cr_assert(notify >= 0 && bind(notify, (struct sockaddr *)&a, sizeof(a)) == 0);
	pid_t pid = start_as_systemd(fd, a.sun_path);
	cr_assert(told(notify, "READY=1"));
	d.hook_port = port; /* not the one of the configuration */
	cr_expect_eq(post_nothing(), 401);
	cr_assert_eq(kill(pid, SIGHUP), 0);
	cr_expect(told(notify, "RELOADING=1"));
	cr_expect(told(notify, "READY=1"));
	cr_assert_eq(kill(pid, SIGTERM), 0);
	cr_expect(told(notify, "STOPPING=1"));
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	/* The socket is systemd's: it lives on, and the next one is served from its backlog. */
	pid = start_as_systemd(fd, a.sun_path);
	cr_expect_eq(post_nothing(), 401);
	kill(pid, SIGTERM);
	waitpid(pid, &status, 0);
	close(fd);
	close(notify);
}

Test(serve_children, a_runner_that_dies_after_a_reload_keeps_the_store_that_the_receiver_writes)
{
	char other[224], lines[512];
	cr_assert(daemon_start(&d, NULL, NULL));
	pid_t first = daemon_child(&d, "runner");
	snprintf(other, sizeof(other), "%s.other", d.store);
	snprintf(lines, sizeof(lines), "control = \"%s/control.sock\"\nstore = \"%s\"\n", d.store,
		other);
	cr_assert(daemon_configure(&d, lines));
	cr_assert_eq(kill(d.process.pid, SIGHUP), 0);
	cr_assert(daemon_logged(&d, "changed: take", 10000));
	cr_assert_eq(kill(first, SIGKILL), 0);
	struct expected e = {"runner", first};
	cr_assert(process_await(child_is_new, &e, 10000));
	cr_expect_neq(access(other, F_OK), 0, "the runner made the store of a restart to come");
}
