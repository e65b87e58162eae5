/* SPDX-License-Identifier: MIT */
/*
 * Serves the control socket without blocking: a handful of clients, each with a deadline.
 * From: console.c's loop. To: the supervisor by link, status.c for the counts. A client that is
 * slow, says too much or is not ours is closed. It never acts by itself.
 */
#include "console/control.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
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

#define READ_MS 5000          /* to say what one wants */
#define ANSWER_MS 60000       /* a reload may wait behind another */
#define PATIENCE_MAX 86400000 /* ms that an order may take, at most */
#define ANSWER_MAX (4u << 20)
#define READ_BYTES 4096

enum client_state {
	CLIENT_NONE,    /* a free place */
	CLIENT_READING, /* its line is not complete */
	CLIENT_QUEUED,  /* wants to ask the supervisor, which is busy with another ask */
	CLIENT_ASKING,  /* the supervisor is asked for it */
	CLIENT_ORDERED, /* its order is under way; token says which */
	CLIENT_WRITING, /* its answer is under way */
};

enum verb { VERB_PING, VERB_STATUS, VERB_RELOAD, VERB_ORDER };

struct client {
	enum client_state state;
	enum verb verb;
	int fd;
	uid_t uid;
	uint64_t token;
	int64_t deadline_ms, since_ms; /* mono */
	struct buf in, out;
	size_t sent;
};

struct control {
	int fd, link_fd;
	struct queue_place place;
	struct client clients[CONTROL_CLIENTS];
	bool asking;         /* an ask is up the link, even if its client has left */
	uint64_t last_token; /* of orders */
};

enum rc control_new(int fd, const struct queue_place *place, int link_fd,
	struct control **ret_control, struct err *err)
{
	struct control *c = calloc(1, sizeof(*c));
	if (c == NULL)
		return err_set(err, RC_NOMEM, "no memory for the control socket");
	c->fd = fd;
	c->link_fd = link_fd;
	c->place = *place;
	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		buf_init(&c->clients[i].in, CONTROL_REQUEST_MAX);
		buf_init(&c->clients[i].out, ANSWER_MAX);
	}
	*ret_control = c;
	return RC_OK;
}

static void leave(struct client *k)
{
	close(k->fd);
	buf_done(&k->in);
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

static void answer_refusal(struct client *k, const char *code, const char *sentence)
{
	answer_json(k, json_pack("{s:b, s:s, s:s}", "ok", 0, "error", sentence, "code", code));
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
			answer_json(k, status_describe(&c->place, daemon));
			json_decref(daemon);
		} else {
			answer_bytes(k, text);
		}
	}
	ask_next(c);
}

/* --- orders
 * ------------------------------------------------------------------------------------------ */

static void put_order(struct control *c, struct client *k, const json_t *request)
{
	struct buf text;
	json_t *order = json_object_get(request, "order");
	json_int_t patience_ms = json_integer_value(json_object_get(request, "patience_ms"));
	char *words = json_is_object(order) ? json_dumps(order, JSON_COMPACT) : NULL;
	if (words == NULL) {
		answer_refusal(k, "invalid", "an order is an object: {\"do\":\"..\"}");
		return;
	}
	if (patience_ms > 0)
		k->deadline_ms =
			k->since_ms + (patience_ms < PATIENCE_MAX ? patience_ms : PATIENCE_MAX);
	k->token = ++c->last_token;
	k->state = CLIENT_ORDERED;
	buf_init(&text, LINK_MAX);
	if (buf_printf(&text, "%" PRIu64 " %u %s", k->token, (unsigned)k->uid, words) != RC_OK ||
		link_send(c->link_fd, "order", buf_slice(&text), NULL) != RC_OK)
		answer_refusal(k, "busy", "the supervisor does not listen; try again");
	buf_done(&text);
	free(words);
}

void control_ordered(struct control *c, struct slice text)
{
	char *end = NULL;
	uint64_t token = text.n != 0 ? strtoull(text.p, &end, 10) : 0;
	if (end == NULL || *end != ' ')
		return;
	struct slice answer = {end + 1, text.n - (size_t)(end + 1 - text.p)};
	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		struct client *k = &c->clients[i];
		if (k->state == CLIENT_ORDERED && k->token == token)
			answer_bytes(k, answer);
	}
}

/* --- requests
 * ---------------------------------------------------------------------------------------- */

static void take_request(struct control *c, struct client *k)
{
	json_t *request = json_loadb(k->in.p, k->in.n, 0, NULL);
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
	} else if (strcmp(verb, "order") == 0) {
		k->verb = VERB_ORDER;
		put_order(c, k, request);
	} else {
		answer_error(k, "there is no such verb");
	}
	json_decref(request);
}

static void read_more(struct control *c, struct client *k)
{
	char part[READ_BYTES];
	ssize_t n = recv(k->fd, part, sizeof(part), MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		leave(k);
		return;
	}
	const char *end = memchr(part, '\n', (size_t)n);
	size_t more = end != NULL ? (size_t)(end - part) : (size_t)n;
	if (buf_put(&k->in, part, more) != RC_OK)
		answer_error(k, "the request is too long");
	else if (end != NULL)
		take_request(c, k);
}

/* Is the peer our own user, or root? */
static bool is_ours(int fd, uid_t *ret_uid)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) != 0)
		return false;
	*ret_uid = peer.uid;
	return peer.uid == 0 || peer.uid == geteuid();
}

static void take_client(struct control *c)
{
	int fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	uid_t uid = 0;
	for (size_t i = 0; i < CONTROL_CLIENTS && is_ours(fd, &uid); i++) {
		struct client *k = &c->clients[i];
		if (k->state != CLIENT_NONE)
			continue;
		k->state = CLIENT_READING;
		k->fd = fd;
		k->uid = uid;
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
		if (now > k->deadline_ms && k->state == CLIENT_ORDERED)
			answer_refusal(k, "timeout", "no answer so far; the order goes on");
		else if (now > k->deadline_ms || ((fds[i].revents & (POLLHUP | POLLERR)) != 0 &&
							 k->state != CLIENT_READING))
			leave(k);
		else if (k->state == CLIENT_READING && fds[i].revents != 0)
			read_more(c, k);
		else if (k->state == CLIENT_WRITING && fds[i].revents != 0)
			send_more(k);
	}
	if (n != 0 && (fds[0].revents & POLLIN) != 0)
		take_client(c);
}
