/* SPDX-License-Identifier: MIT */
/*
 * The console process: HTTP in a thread of its own, the control socket and the link in this loop.
 * From: cli/room.c. Ends with 0 on "drain", on SIGTERM, and when the supervisor is gone; 78 where
 * its configuration cannot be served. It holds the admin token and no other secret.
 */
#include "console/console.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/link.h"
#include "base/log.h"
#include "base/metrics.h"
#include "console/control.h"
#include "console/http.h"

#define STATUS_CONFIG 78
#define TICK_MS 1000 /* deadlines of clients are looked at this often */

static const struct conf_option options[] = {
	{"console.listen", CONF_TEXT, "127.0.0.1:8701", 0, 0, NULL,
		"address of /healthz, /readyz and /metrics"},
	{"console.token", CONF_SECRET, NULL, 0, 0, NULL,
		"what /metrics wants as `Authorization: Bearer`; required beyond loopback"},
	{"console.hosts", CONF_LIST, NULL, 0, 0, NULL,
		"names by which the console may be called, besides localhost and addresses"},
	{"control", CONF_TEXT, NULL, 0, 0, NULL,
		"path of the control socket; default: control.sock in the store"},
};
const struct conf_table console_conf_table = {"console", options, ARRAY_N(options)};

struct console {
	struct conf *conf;
	struct http *http;
	struct control *control;
	struct buf in; /* one message of the link */
	int signals;
};

static enum log_level level_of(const char *name)
{
	static const char *const names[] = {"debug", "info", "warn", "error"};
	for (size_t i = 0; name != NULL && i < ARRAY_N(names); i++)
		if (strcmp(names[i], name) == 0)
			return (enum log_level)i;
	return LOG_INFO;
}

static void start_log(const struct conf *conf)
{
	const char *format = conf_text(conf, "log.format");
	enum log_format f = LOG_AUTO;
	if (format != NULL && strcmp(format, "text") == 0)
		f = LOG_TEXT;
	else if (format != NULL && strcmp(format, "json") == 0)
		f = LOG_JSON;
	log_start("console", f, level_of(conf_text(conf, "log.level")));
}

static enum rc receive_conf(struct console *c, struct err *err)
{
	struct link_msg msg;
	enum rc rc = link_receive(LINK_FD, &c->in, &msg, err);
	if (rc != RC_OK)
		return rc;
	if (strcmp(msg.kind, "conf") != 0)
		return err_set(err, RC_PARSE, "the first message is no configuration");
	rc = conf_import(msg.text, &c->conf, err);
	explicit_bzero(c->in.p, c->in.cap);
	return rc;
}

/* SIGTERM as something to poll for, blocked before there is a second thread. */
static enum rc watch_signals(struct console *c, struct err *err)
{
	sigset_t mask;
	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &mask, NULL) != 0)
		return err_set(err, RC_IO, "cannot block SIGTERM");
	c->signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	return c->signals >= 0 ? RC_OK : err_set(err, RC_IO, "cannot watch for SIGTERM");
}

static enum rc start(struct console *c, struct err *err)
{
	enum rc rc = receive_conf(c, err);
	if (rc != RC_OK)
		return rc;
	struct queue_place place;
	queue_place_of(c->conf, &place);
	start_log(c->conf);
	rc = metrics_open(LINK_METRICS, err);
	if (rc == RC_OK)
		rc = watch_signals(c, err);
	if (rc == RC_OK)
		rc = http_start(LINK_LISTEN, c->conf, &c->http, err);
	if (rc == RC_OK)
		rc = control_new(fcntl(LINK_CONTROL, F_GETFD) >= 0 ? LINK_CONTROL : -1, &place,
			LINK_FD, &c->control, err);
	return rc == RC_OK ? link_send(LINK_FD, "ready", slice_of(""), err) : rc;
}

/* False where it is time to go. */
static bool take_message(struct console *c)
{
	struct link_msg msg;
	struct err err;
	enum rc rc = link_receive(LINK_FD, &c->in, &msg, &err);
	if (rc == RC_CLOSED) {
		log_warn(NULL, "the supervisor is gone");
		return false;
	}
	if (rc != RC_OK)
		return rc == RC_BUSY;
	if (strcmp(msg.kind, "answer") == 0)
		control_answer(c->control, msg.text);
	else if (strcmp(msg.kind, "ordered") == 0)
		control_ordered(c->control, msg.text);
	return strcmp(msg.kind, "drain") != 0;
}

static void serve(struct console *c)
{
	struct pollfd fds[CONTROL_CLIENTS + 3];
	for (;;) {
		fds[0] = (struct pollfd){.fd = LINK_FD, .events = POLLIN};
		fds[1] = (struct pollfd){.fd = c->signals, .events = POLLIN};
		size_t n = control_poll(c->control, fds + 2);
		int ready = poll(fds, n + 2, TICK_MS);
		http_tick(c->http);
		if (ready < 0)
			continue;
		if ((fds[0].revents != 0 && !take_message(c)) || fds[1].revents != 0)
			return;
		control_work(c->control, fds + 2, n);
	}
}

int console_main(void)
{
	struct console c = {.signals = -1};
	struct err err = {.msg = ""};
	buf_init(&c.in, LINK_MAX + 1);
	enum rc rc = start(&c, &err);
	if (rc == RC_OK)
		serve(&c);
	else
		log_error(NULL, "%s", err.msg);
	http_stop(c.http);
	control_free(c.control);
	conf_free(c.conf);
	buf_done(&c.in);
	if (c.signals >= 0)
		close(c.signals);
	if (rc == RC_OK)
		return 0;
	return rc == RC_INVALID ? STATUS_CONFIG : 1;
}
