/* SPDX-License-Identifier: MIT */
/*
 * Sends events and keeps the ledger of what was acknowledged.
 * From: stage.c. To: a receiver on loopback, in a process of its own that nothing but the end of
 * the test ends. An acknowledgement counts once its line in the ledger is synced.
 */
#include "tests/crash/stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "tests/crash/events.h"
#include "tests/harness/process.h"

#define PATIENCE_MS 5000 /* of Twenty, for an answer */
#define RETRY_MS 10      /* after a refusal of any kind */
#define REPEAT_EVERY 64  /* of the acknowledged, one is sent again */
#define REMEMBERED 128   /* acknowledged ones that may be sent again */

struct ack {
	size_t k, turn;
	char id[28];
};

struct connection {
	int fd;    /* -1: closed */
	size_t to; /* which receiver */
	bool busy; /* has an event */
	bool repeat, refused;
	struct ack event; /* id: only of a repeat */
	char out[2048], in[1024];
	size_t out_n, sent, in_n;
	bool started; /* the request is made and may have been sent in part */
	int64_t deadline_ms, retry_ms;
};

struct sender {
	struct stream_counts *counts;
	struct digest_key *key;
	int ports[STREAM_PORTS], ledger;
	size_t ports_n;
	bool repeats, careless;
	size_t next; /* event */
	double allowance;
	int64_t allowed_ms; /* when the allowance was reckoned */
	struct ack old[REMEMBERED];
	size_t old_n;
	unsigned turn; /* counts acknowledged ones, to choose what is repeated */
	struct buf body, lines;
	int64_t lines_acks;
	struct connection connections[STREAM_CONNECTIONS];
};

/* --- the ledger ------------------------------------------------------------------------------- */

static noreturn_ void give_up(const char *why)
{
	fprintf(stderr, "crash: the sender gives up: %s\n", why);
	_exit(3);
}

static void ledger_put(struct sender *s, const char *line)
{
	if (buf_put_text(&s->lines, line) != RC_OK)
		give_up("no memory for the ledger");
}

static void ledger_flush(struct sender *s)
{
	if (s->lines.n == 0)
		return;
	if (write(s->ledger, s->lines.p, s->lines.n) != (ssize_t)s->lines.n)
		give_up("the ledger cannot be written");
	if (s->lines_acks > 0 && fdatasync(s->ledger) != 0)
		give_up("the ledger cannot be synced");
	atomic_fetch_add(&s->counts->acked, s->lines_acks);
	atomic_fetch_sub(&s->counts->waiting, s->lines_acks);
	s->lines_acks = 0;
	buf_clear(&s->lines);
}

/* --- one request ------------------------------------------------------------------------------ */

static void make_request(struct sender *s, struct connection *c)
{
	char ts[32], hex[DIGEST_HEX_N];
	uint8_t mac[DIGEST_N];
	buf_clear(&s->body);
	snprintf(ts, sizeof(ts), "%" PRId64, clock_wall_ms());
	if (events_body(&s->body, c->event.k, c->event.turn) != RC_OK)
		give_up("no memory for an event");
	struct slice parts[] = {slice_of(ts), slice_of(":"), buf_slice(&s->body)};
	if (digest_hmac(s->key, parts, ARRAY_N(parts), mac) != RC_OK)
		give_up("an event cannot be signed");
	digest_format(mac, hex);
	int n = snprintf(c->out, sizeof(c->out),
		"POST /hooks/twenty HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
		"Content-Type: application/json\r\nX-Twenty-Webhook-Timestamp: %s\r\n"
		"X-Twenty-Webhook-Signature: %s\r\nContent-Length: %zu\r\n\r\n%.*s",
		s->ports[c->to], ts, hex, s->body.n, (int)s->body.n, s->body.p);
	if (n < 0 || n >= (int)sizeof(c->out))
		give_up("an event is too long");
	c->out_n = (size_t)n;
}

static void hang_up(struct connection *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->in_n = c->sent = 0;
	c->started = false;
	c->retry_ms = clock_mono_ms() + RETRY_MS;
}

/* The other receiver, where there is one, as who balances the load would choose. */
static void turn_to_next(const struct sender *s, struct connection *c)
{
	if (s->ports_n == 1)
		return;
	hang_up(c);
	c->to = (c->to + 1) % s->ports_n;
}

static void note_ack(struct sender *s, struct connection *c, const char *id)
{
	char line[80];
	snprintf(c->event.id, sizeof(c->event.id), "%s", id);
	snprintf(line, sizeof(line), "a %zu %zu %s\n", c->event.k, c->event.turn, id);
	ledger_put(s, line);
	s->lines_acks++;
	c->busy = false;
}

static void broken(struct sender *s, struct connection *c)
{
	if (c->started) {
		atomic_fetch_add(&s->counts->broken, 1);
		atomic_fetch_add(&s->counts->again, 1);
		if (s->careless && !c->repeat)
			note_ack(s, c, "-");
	}
	hang_up(c);
	turn_to_next(s, c);
}

static void connection_open(struct sender *s, struct connection *c)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)s->ports[c->to]),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct timeval patience = {.tv_sec = 5};
	int one = 1;
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		give_up("there is no socket");
	(void)setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(c->fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
		if (errno == ECONNREFUSED)
			atomic_fetch_add(&s->counts->refused, 1);
		else
			atomic_fetch_add(&s->counts->late, 1);
		hang_up(c);
		turn_to_next(s, c);
		return;
	}
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	(void)fcntl(c->fd, F_SETFL, O_NONBLOCK);
}

static void connection_write(struct sender *s, struct connection *c)
{
	while (c->sent < c->out_n) {
		ssize_t n = send(c->fd, c->out + c->sent, c->out_n - c->sent, MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			broken(s, c);
			return;
		}
		c->sent += (size_t)n;
	}
}

/* --- answers ---------------------------------------------------------------------------------- */

static void remember(struct sender *s, const struct ack *a)
{
	if (!s->repeats || s->turn++ % REPEAT_EVERY != 0)
		return;
	s->old[s->old_n++ % REMEMBERED] = *a;
}

static void acked(struct sender *s, struct connection *c, int status, const char *id)
{
	if (c->repeat) {
		bool known = status == 200 && strcmp(id, c->event.id) == 0;
		if (!known)
			fprintf(stderr,
				"crash: event %zu was acknowledged as %s, and again as %s "
				"(%d)\n",
				c->event.k, c->event.id, id, status);
		atomic_fetch_add(known ? &s->counts->repeats : &s->counts->forgotten, 1);
		c->busy = false;
		return;
	}
	note_ack(s, c, id);
	remember(s, &c->event);
}

static void refused(struct sender *s, struct connection *c, int status, const char *body)
{
	if (s->careless && !c->repeat) {
		note_ack(s, c, "-");
		return;
	}
	if (status == 503) {
		atomic_fetch_add(&s->counts->busy, 1);
	} else {
		fprintf(stderr, "crash: event %zu was answered with %d: %.100s\n", c->event.k,
			status, body);
		atomic_fetch_add(&s->counts->wrong, 1);
	}
	atomic_fetch_add(&s->counts->again, 1);
	c->refused = true;
}

static void connection_parse(struct sender *s, struct connection *c)
{
	int status = 0;
	char id[28] = "";
	c->in[c->in_n] = '\0';
	const char *end = strstr(c->in, "\r\n\r\n"), *at = strcasestr(c->in, "\r\ncontent-length:");
	if (end == NULL)
		return;
	size_t length = at != NULL && at < end ? strtoul(at + 17, NULL, 10) : 0;
	if (c->in_n < (size_t)(end - c->in) + 4 + length)
		return;
	(void)sscanf(c->in, "HTTP/1.1 %d", &status);
	c->started = false;
	if (status / 100 == 2 && sscanf(end + 4, "{\"id\":\"%26[^\"]", id) == 1)
		acked(s, c, status, id);
	else
		refused(s, c, status, end + 4);
	const char *closing = strcasestr(c->in, "\r\nconnection: close");
	c->in_n = c->sent = 0;
	if (closing != NULL && closing < end) {
		close(c->fd);
		c->fd = -1;
	}
	if (!c->refused)
		return;
	turn_to_next(s, c);
	c->refused = false;
	c->retry_ms = clock_mono_ms() + 5 * RETRY_MS;
}

static void connection_read(struct sender *s, struct connection *c)
{
	ssize_t n = recv(c->fd, c->in + c->in_n, sizeof(c->in) - 1 - c->in_n, 0);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		broken(s, c);
		return;
	}
	c->in_n += (size_t)n;
	connection_parse(s, c);
}

/* --- the loop --------------------------------------------------------------------------------- */

static void take_new(struct sender *s, struct connection *c, size_t index)
{
	char line[48];
	c->event = (struct ack){.k = s->next++, .turn = index};
	c->busy = true;
	c->repeat = false;
	snprintf(line, sizeof(line), "s %zu %zu\n", c->event.k, index);
	ledger_put(s, line);
	atomic_fetch_add(&s->counts->sent, 1);
	atomic_fetch_add(&s->counts->waiting, 1);
	s->allowance -= 1;
}

static void take_event(struct sender *s, struct connection *c, size_t index)
{
	if (s->old_n > 0 && s->counts->rate > 0) {
		s->old_n = s->old_n > REMEMBERED ? REMEMBERED : s->old_n;
		c->event = s->old[--s->old_n];
		c->busy = c->repeat = true;
	} else if (s->allowance >= 1 && s->next < STREAM_MAX) {
		take_new(s, c, index);
	}
}

static void allow(struct sender *s)
{
	int64_t now = clock_mono_ms();
	int rate = atomic_load(&s->counts->rate);
	s->allowance += (double)(now - s->allowed_ms) * rate / 1000;
	if (s->allowance > STREAM_CONNECTIONS)
		s->allowance = STREAM_CONNECTIONS; /* what could not be sent in time is not owed */
	if (rate == 0)
		s->allowance = 0;
	s->allowed_ms = now;
}

static void advance(struct sender *s, struct connection *c, int64_t now_ms)
{
	if (c->started && now_ms >= c->deadline_ms) {
		atomic_fetch_add(&s->counts->late, 1);
		atomic_fetch_add(&s->counts->again, 1);
		hang_up(c);
		turn_to_next(s, c);
	}
	if (!c->busy || c->started || now_ms < c->retry_ms)
		return;
	if (c->fd < 0)
		connection_open(s, c);
	if (c->fd < 0)
		return;
	make_request(s, c);
	c->started = true;
	c->sent = c->in_n = 0;
	c->deadline_ms = now_ms + PATIENCE_MS;
	connection_write(s, c);
}

static void turn(struct sender *s)
{
	struct pollfd polls[STREAM_CONNECTIONS];
	int64_t now_ms = clock_mono_ms();
	allow(s);
	for (size_t i = 0; i < STREAM_CONNECTIONS; i++)
		if (!s->connections[i].busy)
			take_event(s, &s->connections[i], i);
	ledger_flush(s); /* what is about to be sent is in the ledger */
	for (size_t i = 0; i < STREAM_CONNECTIONS; i++) {
		struct connection *c = &s->connections[i];
		advance(s, c, now_ms);
		bool writes = c->started && c->sent < c->out_n;
		polls[i] = (struct pollfd){
			.fd = c->fd, .events = (short)(POLLIN | (writes ? POLLOUT : 0))};
	}
	poll(polls, STREAM_CONNECTIONS, 1);
	for (size_t i = 0; i < STREAM_CONNECTIONS; i++) {
		struct connection *c = &s->connections[i];
		if (c->fd >= 0 && (polls[i].revents & POLLOUT) != 0 && c->started)
			connection_write(s, c);
		if (c->fd >= 0 && (polls[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0)
			connection_read(s, c);
	}
	ledger_flush(s);
}

static noreturn_ void run(struct sender *s, const char *secret, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	s->key = digest_key_new(slice_of(secret));
	buf_init(&s->body, 1 << 16);
	buf_init(&s->lines, 1 << 20);
	s->allowed_ms = clock_mono_ms();
	for (size_t i = 0; i < STREAM_CONNECTIONS; i++) {
		s->connections[i].fd = -1;
		s->connections[i].to = i % s->ports_n;
	}
	while (s->key != NULL && getppid() == parent && atomic_load(&s->counts->stop) == 0)
		turn(s);
	_exit(0);
}

bool stream_start(
	struct stream *s, const char *dir, const struct stream_conf *conf, const char *secret)
{
	struct sender *sender = calloc(1, sizeof(*sender));
	pid_t parent = getpid();
	*s = (struct stream){.pid = 0};
	void *p = mmap(NULL, sizeof(*s->counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		-1, 0);
	if (p == MAP_FAILED || sender == NULL)
		return false;
	s->counts = p;
	snprintf(s->ledger, sizeof(s->ledger), "%s/ledger", dir);
	sender->counts = s->counts;
	memcpy(sender->ports, conf->ports, sizeof(sender->ports));
	sender->ports_n = conf->ports[1] != 0 ? 2 : 1;
	sender->repeats = conf->repeats;
	sender->careless = conf->careless;
	sender->ledger = open(s->ledger, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	s->pid = sender->ledger >= 0 ? fork() : -1;
	if (s->pid == 0)
		run(sender, secret, parent);
	if (sender->ledger >= 0)
		close(sender->ledger);
	free(sender);
	return s->pid > 0;
}

static bool is_settled(void *ctx)
{
	const struct stream *s = ctx;
	return atomic_load(&s->counts->waiting) == 0;
}

bool stream_settle(struct stream *s, int64_t wait_ms)
{
	struct timespec turn_over = {0, 5 * 1000000};
	atomic_store(&s->counts->rate, 0);
	nanosleep(&turn_over, NULL); /* a turn that had seen the old rate */
	return process_await(is_settled, s, wait_ms);
}

void stream_stop(struct stream *s)
{
	if (s->pid > 0) {
		kill(s->pid, SIGKILL);
		(void)waitpid(s->pid, NULL, 0);
	}
	s->pid = 0;
	if (s->counts != NULL)
		munmap(s->counts, sizeof(*s->counts));
	s->counts = NULL;
}

/* --- reading it back -------------------------------------------------------------------------- */

static void ledger_take(struct ledger *l, const char *line)
{
	size_t k, by;
	char what, id[28] = "";
	if (sscanf(line, "%c %zu %zu %26s", &what, &k, &by, id) < 3 || k >= STREAM_MAX)
		return;
	l->sent[k] = 1;
	l->turns[k] = (unsigned char)by;
	l->n = k >= l->n ? k + 1 : l->n;
	if (what != 'a' || l->acked[k])
		return;
	l->acked[k] = 1;
	l->acked_n++;
	memcpy(l->ids[k], id, sizeof(id));
}

bool ledger_read(const char *file, struct ledger *ret_ledger)
{
	char line[128];
	struct ledger l = {.sent = calloc(STREAM_MAX, 1),
		.acked = calloc(STREAM_MAX, 1),
		.turns = calloc(STREAM_MAX, 1),
		.ids = calloc(STREAM_MAX, sizeof(*l.ids))};
	FILE *f = fopen(file, "r");
	bool ok =
		f != NULL && l.sent != NULL && l.acked != NULL && l.turns != NULL && l.ids != NULL;
	while (ok && fgets(line, sizeof(line), f) != NULL)
		ledger_take(&l, line);
	if (f != NULL)
		fclose(f);
	if (ok)
		*ret_ledger = l;
	else
		ledger_done(&l);
	return ok;
}

void ledger_done(struct ledger *l)
{
	free(l->sent);
	free(l->acked);
	free(l->turns);
	free(l->ids);
	*l = (struct ledger){.n = 0};
}
