/* SPDX-License-Identifier: MIT */
/*
 * Serves the control socket without blocking: a handful of clients, each with a deadline.
 * From: console.c's loop. To: the supervisor by link, status.c for the counts. A client that is
 * slow, says too much or is not ours is closed. It never acts by itself.
 */
#include "console/control.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/link.h"
#include "base/log.h"
#include "console/status.h"

#define REQUEST_MAX 1024 /* bytes */
#define READ_MS 5000     /* to say what one wants */
#define ANSWER_MS 60000  /* a reload may wait behind another */
#define ANSWER_MAX (4u << 20)

enum client_state {
	CLIENT_NONE,    /* a free place */
	CLIENT_READING, /* its line is not complete */
	CLIENT_QUEUED,  /* wants to ask the supervisor, which is busy with another ask */
	CLIENT_ASKING,  /* the supervisor is asked for it */
	CLIENT_WRITING, /* its answer is under way */
};

enum verb { VERB_PING, VERB_STATUS, VERB_RELOAD };

struct client {
	enum client_state state;
	enum verb verb;
	int fd;
	int64_t deadline_ms, since_ms; /* mono */
	char in[REQUEST_MAX];
	size_t in_n;
	struct buf out;
	size_t sent;
};

struct control {
	int fd, link_fd;
	const char *store;
	struct client clients[CONTROL_CLIENTS];
	bool asking; /* an ask is up the link, even if its client has left */
};

enum rc control_new(
	int fd, const char *store, int link_fd, struct control **ret_control, struct err *err)
{
	struct control *c = calloc(1, sizeof(*c));
	if (c == NULL)
		return err_set(err, RC_NOMEM, "no memory for the control socket");
	c->fd = fd;
	c->link_fd = link_fd;
	c->store = store;
	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		buf_init(&c->clients[i].out, ANSWER_MAX);
	*ret_control = c;
	return RC_OK;
}

static void leave(struct client *k)
{
	close(k->fd);
	buf_done(&k->out);
	k->state = CLIENT_NONE;
}

void control_free(struct control *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		if (c->clients[i].state != CLIENT_NONE)
			leave(&c->clients[i]);
	free(c);
}

/* --- answers
 * ----------------------------------------------------------------------------------------- */

static void send_more(struct client *k)
{
	ssize_t n =
		send(k->fd, k->out.p + k->sent, k->out.n - k->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		k->sent += (size_t)n;
	if (n <= 0 || k->sent == k->out.n)
		leave(k);
}

static void answer_bytes(struct client *k, struct slice text)
{
	k->sent = 0;
	k->state = CLIENT_WRITING;
	k->deadline_ms = clock_mono_ms() + READ_MS;
	if (buf_put(&k->out, text.p, text.n) != RC_OK || buf_put_text(&k->out, "\n") != RC_OK)
		leave(k);
	else
		send_more(k);
}

/* TAKES value. */
static void answer_json(struct client *k, json_t *value)
{
	char *text = value != NULL ? json_dumps(value, JSON_COMPACT) : NULL;
	answer_bytes(
		k, slice_of(text != NULL ? text : "{\"ok\":false,\"error\":\"out of memory\"}"));
	free(text);
	json_decref(value);
}

static void answer_error(struct client *k, const char *sentence)
{
	answer_json(k, json_pack("{s:b, s:s}", "ok", 0, "error", sentence));
}

/* --- asking the supervisor
 * --------------------------------------------------------------------------- */

/* Puts the ask of the longest waiting client up the link, one at a time. */
static void ask_next(struct control *c)
{
	struct client *first = NULL;
	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		struct client *k = &c->clients[i];
		if (k->state == CLIENT_QUEUED && (first == NULL || k->since_ms < first->since_ms))
			first = k;
	}
	if (c->asking || first == NULL)
		return;
	struct slice what = slice_of(first->verb == VERB_RELOAD ? "reload" : "status");
	if (link_send(c->link_fd, "ask", what, NULL) != RC_OK) {
		answer_error(first, "the supervisor does not listen");
		return;
	}
	c->asking = true;
	first->state = CLIENT_ASKING;
}

void control_answer(struct control *c, struct slice text)
{
	c->asking = false;
	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		struct client *k = &c->clients[i];
		if (k->state != CLIENT_ASKING)
			continue;
		if (k->verb == VERB_STATUS) {
			json_t *daemon = json_loadb(text.p, text.n, 0, NULL);
			answer_json(k, status_describe(c->store, daemon));
			json_decref(daemon);
		} else {
			answer_bytes(k, text);
		}
	}
	ask_next(c);
}

/* --- requests
 * ---------------------------------------------------------------------------------------- */

static void take_request(struct control *c, struct client *k)
{
	json_t *request = json_loadb(k->in, k->in_n, 0, NULL);
	const char *verb = json_string_value(json_object_get(request, "verb"));
	k->since_ms = clock_mono_ms();
	k->deadline_ms = k->since_ms + ANSWER_MS;
	if (verb == NULL) {
		answer_error(k, "a request is one line such as {\"verb\":\"status\"}");
	} else if (strcmp(verb, "ping") == 0) {
		answer_json(k, json_pack("{s:b}", "ok", 1));
	} else if (strcmp(verb, "status") == 0 || strcmp(verb, "reload") == 0) {
		k->verb = verb[0] == 's' ? VERB_STATUS : VERB_RELOAD;
		k->state = CLIENT_QUEUED;
		ask_next(c);
	} else {
		answer_error(k, "there is no such verb");
	}
	json_decref(request);
}

static void read_more(struct control *c, struct client *k)
{
	ssize_t n = recv(k->fd, k->in + k->in_n, sizeof(k->in) - k->in_n, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		leave(k);
		return;
	}
	k->in_n += (size_t)n;
	const char *end = memchr(k->in, '\n', k->in_n);
	if (end != NULL) {
		k->in_n = (size_t)(end - k->in);
		take_request(c, k);
	} else if (k->in_n == sizeof(k->in)) {
		answer_error(k, "the request is too long");
	}
}

/* Is the peer our own user, or root? */
static bool is_ours(int fd)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0 &&
	       (peer.uid == 0 || peer.uid == geteuid());
}

static void take_client(struct control *c)
{
	int fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	for (size_t i = 0; i < CONTROL_CLIENTS && is_ours(fd); i++) {
		struct client *k = &c->clients[i];
		if (k->state != CLIENT_NONE)
			continue;
		k->state = CLIENT_READING;
		k->fd = fd;
		k->in_n = 0;
		k->deadline_ms = clock_mono_ms() + READ_MS;
		return;
	}
	close(fd);
}

size_t control_poll(struct control *c, struct pollfd *ret_fds)
{
	size_t n = 0;
	ret_fds[n++] = (struct pollfd){.fd = c->fd, .events = POLLIN};
	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		const struct client *k = &c->clients[i];
		short events = k->state == CLIENT_READING   ? POLLIN
			       : k->state == CLIENT_WRITING ? POLLOUT
							    : 0;
		ret_fds[n++] = (struct pollfd){
			.fd = k->state != CLIENT_NONE ? k->fd : -1, .events = events};
	}
	return n;
}

void control_work(struct control *c, const struct pollfd *fds, size_t n)
{
	int64_t now = clock_mono_ms();
	for (size_t i = 1; i < n; i++) {
		struct client *k = &c->clients[i - 1];
		if (k->state == CLIENT_NONE)
			continue;
		if (now > k->deadline_ms ||
			((fds[i].revents & (POLLHUP | POLLERR)) != 0 && k->state != CLIENT_READING))
			leave(k);
		else if (k->state == CLIENT_READING && fds[i].revents != 0)
			read_more(c, k);
		else if (k->state == CLIENT_WRITING && fds[i].revents != 0)
			send_more(k);
	}
	if (n != 0 && (fds[0].revents & POLLIN) != 0)
		take_client(c);
}
