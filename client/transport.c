/* SPDX-License-Identifier: MIT */
/*
 * Requests on the wire.
 * From: engine.c, a request and whom to call back. To: libcurl, and back with what came of it. A
 * transfer that fails says whether the server can have seen it (LOST) or cannot (UNSENT). Handles
 * are kept and used again, connections live as long as the server allows.
 *
 * Sockets: libcurl says what it waits for, an epoll set of our own waits, and the owner's loop
 * waits for that set: the loop dispatches one source per turn and looks at every ready one again
 * each time, which grows with the square of the answers that come at once. An idle connection stays
 * in the set, because the next request wants the same events and each change costs a system call;
 * when it wakes up after all (the server closed it), it is taken out. libcurl's timer is kept as an
 * absolute deadline; the event source is moved only when the deadline comes closer.
 *
 * Does NOT retry, log, parse, or know what a request means.
 */
#include "client/transport.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <curl/curl.h>
#include <openssl/x509_vfy.h>
#include <systemd/sd-event.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/version.h"
#include "client/header.h"

#define CONNECT_MS 5000
#define EVENTS_N 128 /* sockets per turn of the loop */
#define IDLE_S 50    /* servers close at 60 or 65: be first */
/* A machine that went away without a word: noticed after three unanswered questions, or when what
 * was sent is not acknowledged. */
#define ALIVE_IDLE_S 15
#define ALIVE_EVERY_S 5
#define ALIVE_N 3
#define UNACKED_MS 20000

struct wire_socket {
	uint32_t wants;      /* what the epoll set has; 0: it is not in there */
	uint32_t curl_wants; /* what libcurl waits for now; 0: nothing */
	bool ours;           /* opened for a connection, so told when it is closed */
};

struct transfer {
	struct transport *transport;
	CURL *easy;
	struct transfer *next; /* of the free ones, or of those on the wire */
	struct transfer *prev;
	struct buf body, head;
	size_t headers_bytes;
	int headers_n;
	bool excess, barred;
	struct curl_slist *headers; /* owned; of this request; NULL: those of all */
	enum address_reach reach;
	int64_t deadline_ms;
	struct budget_notice notice;
	int64_t date_ms;
	char *url; /* owned; base and room for a target */
	int64_t started_us;
	transport_done_fn done;
	void *ctx;
};

struct transport {
	sd_event *loop;
	CURLM *multi;
	struct curl_slist *headers; /* with the key; shared by all handles */
	char *url;
	size_t url_n;
	char *ca;         /* NULL: what the machine trusts */
	int64_t heard_us; /* mono: when a server last said anything */
	int64_t clock_ms; /* the server's clock when mono was zero; has_clock */
	bool has_clock;
	int64_t deadline_ms;
	size_t body_max;
	void (*idle)(void *ctx);
	void *idle_ctx;
	struct wire_socket *sockets; /* by descriptor */
	size_t sockets_n;
	int epoll_fd;
	sd_event_source *ready; /* of epoll_fd */
	sd_event_source *timer;
	int64_t curl_at_us;  /* mono: when libcurl wants to be called; -1: not */
	int64_t timer_at_us; /* mono: when the timer is armed for; -1: it is off */
	struct transfer *idle_list, *wire_list;
	int64_t in_flight;
	bool (*may)(void *ctx); /* NULL: always */
	void *may_ctx;
};

static void collect(struct transport *t);

static int64_t loop_us(struct transport *t)
{
	uint64_t now = 0;
	sd_event_now(t->loop, CLOCK_MONOTONIC, &now);
	return (int64_t)now;
}

/* The one place where libcurl sends: nothing it has begun before goes on without permission. */
static void act(struct transport *t, curl_socket_t fd, int events)
{
	int running = 0;
	if (t->may != NULL && !t->may(t->may_ctx))
		return;
	if (fd == CURL_SOCKET_TIMEOUT)
		t->curl_at_us = -1;
	curl_multi_socket_action(t->multi, fd, events, &running);
}

static void arm_timer(struct transport *t)
{
	if (t->curl_at_us < 0 || (t->timer_at_us >= 0 && t->timer_at_us <= t->curl_at_us))
		return;
	if (sd_event_source_set_time(t->timer, (uint64_t)t->curl_at_us) >= 0 &&
		sd_event_source_set_enabled(t->timer, SD_EVENT_ONESHOT) >= 0)
		t->timer_at_us = t->curl_at_us;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *ctx)
{
	(void)source, (void)usec;
	struct transport *t = ctx;
	t->timer_at_us = -1;
	if (t->curl_at_us >= 0 && t->curl_at_us <= loop_us(t)) {
		act(t, CURL_SOCKET_TIMEOUT, 0);
		collect(t);
	}
	arm_timer(t);
	return 0;
}

static int timer_wanted(CURLM *multi, long timeout_ms, void *ctx)
{
	(void)multi;
	struct transport *t = ctx;
	t->curl_at_us = timeout_ms < 0 ? -1 : loop_us(t) + (int64_t)timeout_ms * 1000;
	arm_timer(t);
	return 0;
}

/* Tells the epoll set what a socket is waited for. */
static bool socket_arm(struct transport *t, int fd, struct wire_socket *s, uint32_t wants)
{
	struct epoll_event event = {.events = wants, .data.fd = fd};
	int what = wants == 0 ? EPOLL_CTL_DEL : s->wants == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
	if (wants == s->wants)
		return true;
	s->wants = wants;
	return epoll_ctl(t->epoll_fd, what, fd, &event) == 0;
}

static int on_ready(sd_event_source *source, int epoll_fd, uint32_t revents, void *ctx)
{
	(void)source, (void)revents;
	struct transport *t = ctx;
	struct epoll_event ready[EVENTS_N];
	int n = epoll_wait(epoll_fd, ready, EVENTS_N, 0);
	for (int i = 0; i < n; i++) {
		int fd = ready[i].data.fd;
		uint32_t is = ready[i].events;
		struct wire_socket *s = &t->sockets[fd];
		if (s->curl_wants == 0) { /* an idle one: its end, seen at its next use */
			if (!socket_arm(t, fd, s, 0))
				s->wants = 0;
			continue;
		}
		act(t, fd,
			(is & (EPOLLIN | EPOLLHUP) ? CURL_CSELECT_IN : 0) |
				(is & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
				(is & EPOLLERR ? CURL_CSELECT_ERR : 0));
	}
	collect(t);
	return 0;
}

static struct wire_socket *socket_at(struct transport *t, curl_socket_t fd)
{
	size_t need = (size_t)fd + 1;
	if (need > t->sockets_n) {
		size_t n = need + 64;
		struct wire_socket *grown = realloc(t->sockets, n * sizeof(*grown));
		if (grown == NULL)
			return NULL;
		memset(grown + t->sockets_n, 0, (n - t->sockets_n) * sizeof(*grown));
		t->sockets = grown;
		t->sockets_n = n;
	}
	return &t->sockets[fd];
}

static int socket_wanted(CURL *easy, curl_socket_t fd, int what, void *ctx, void *per_socket)
{
	(void)easy, (void)per_socket;
	struct transport *t = ctx;
	struct wire_socket *s = socket_at(t, fd);
	if (s == NULL)
		return -1;
	uint32_t wants = what == CURL_POLL_IN      ? EPOLLIN
			 : what == CURL_POLL_OUT   ? EPOLLOUT
			 : what == CURL_POLL_INOUT ? EPOLLIN | EPOLLOUT
						   : 0;
	s->curl_wants = wants;
	if (wants == 0 && s->ours)
		return 0; /* stays armed */
	return socket_arm(t, fd, s, wants) ? 0 : -1;
}

/* Best effort: without it a dead connection is noticed at the deadline of a request. */
static void socket_watch(int fd)
{
	static const struct {
		int level, option, value;
	} options[] = {{SOL_SOCKET, SO_KEEPALIVE, 1}, {IPPROTO_TCP, TCP_KEEPIDLE, ALIVE_IDLE_S},
		{IPPROTO_TCP, TCP_KEEPINTVL, ALIVE_EVERY_S}, {IPPROTO_TCP, TCP_KEEPCNT, ALIVE_N},
		{IPPROTO_TCP, TCP_USER_TIMEOUT, UNACKED_MS}};
	for (size_t i = 0; i < ARRAY_N(options); i++)
		(void)setsockopt(fd, options[i].level, options[i].option, &options[i].value,
			sizeof(options[i].value));
}

static curl_socket_t socket_open(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct transfer *f = ctx;
	struct transport *t = f->transport;
	if (purpose != CURLSOCKTYPE_IPCXN)
		return CURL_SOCKET_BAD;
	if (!address_within(f->reach, address_kind_of(&address->addr))) {
		f->barred = true;
		return CURL_SOCKET_BAD;
	}
	int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
	if (fd < 0)
		return CURL_SOCKET_BAD;
	struct wire_socket *s = socket_at(t, fd);
	if (s == NULL) {
		close(fd);
		return CURL_SOCKET_BAD;
	}
	*s = (struct wire_socket){.ours = true};
	socket_watch(fd);
	return fd;
}

static int socket_close(void *ctx, curl_socket_t fd)
{
	struct transport *t = ctx;
	if ((size_t)fd < t->sockets_n)
		t->sockets[fd] =
			(struct wire_socket){.wants = 0}; /* closing takes it out of the set */
	return close(fd);
}

/* Has it no server of its own? */
static bool is_world(const struct transport *t)
{
	return t->url_n == 0;
}

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
	struct transfer *f = ctx;
	f->transport->heard_us = clock_mono_us();
	if (buf_put(&f->body, p, size * n) == RC_OK)
		return size * n;
	f->excess = true;
	return 0;
}

static size_t on_header(char *p, size_t size, size_t n, void *ctx)
{
	struct transfer *f = ctx;
	struct slice line = {p, size * n};
	f->transport->heard_us = clock_mono_us();
	f->headers_bytes += line.n;
	f->headers_n++;
	if (f->headers_bytes > TRANSPORT_HEADERS_MAX || f->headers_n > TRANSPORT_HEADER_N) {
		f->excess = true;
		return 0;
	}
	if (is_world(f->transport)) {
		if (line.n >= 5 && memcmp(line.p, "HTTP/", 5) == 0)
			buf_clear(&f->head);
		return buf_put(&f->head, line.p, line.n) == RC_OK ? line.n : 0;
	}
	header_parse(line, clock_wall_ms(), &f->notice);
	int64_t date_ms = header_date(line);
	if (date_ms >= 0) {
		f->transport->clock_ms = date_ms - clock_mono_ms();
		f->transport->has_clock = true;
		f->date_ms = date_ms;
	}
	return line.n;
}

/* Whether the server can have seen a request that failed. */
static enum transport_end end_of(const struct transfer *f)
{
	if (f->excess)
		return TRANSPORT_EXCESS;
	curl_off_t sent = 0; /* until it is set, the connection was not even ready */
	curl_easy_getinfo(f->easy, CURLINFO_PRETRANSFER_TIME_T, &sent);
	return sent == 0 ? TRANSPORT_UNSENT : TRANSPORT_LOST;
}

static const char *problem_of_certificate(CURL *easy, bool world)
{
	long why = X509_V_OK; /* or libcurl's "not looked at": the name was wrong before that */
	curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &why);
	switch (why) {
	case X509_V_OK:
	case X509_V_ERR_UNSPECIFIED:
	case X509_V_ERR_HOSTNAME_MISMATCH:
		return "its certificate is not valid for this name";
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return "its certificate has expired";
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return "its certificate is not valid yet: is the clock right?";
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		return world ? "its certificate is signed by itself"
			     : "its certificate is signed by itself: give it to twenty.ca";
	default:
		return world ? "its certificate is signed by nobody this machine trusts"
			     : "its certificate is signed by nobody this machine trusts: give the "
			       "authority's to twenty.ca";
	}
}

static const char *problem_of(const struct transfer *f, CURLcode code, enum transport_end end)
{
	if (f->barred)
		return "its address is none that it may lead to";
	switch ((int)code) {
	case CURLE_COULDNT_RESOLVE_HOST:
		return "its name cannot be resolved";
	case CURLE_COULDNT_CONNECT:
		return "it refuses connections";
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_ISSUER_ERROR:
		return problem_of_certificate(f->easy, is_world(f->transport));
	case CURLE_SSL_CACERT_BADFILE:
		return "the file that twenty.ca names holds no certificate that can be read";
	case CURLE_SSL_CONNECT_ERROR:
		return "no TLS connection can be made";
	case CURLE_OPERATION_TIMEDOUT:
		return end == TRANSPORT_UNSENT ? "no connection in time" : "no answer in time";
	case CURLE_GOT_NOTHING:
		return "the connection was closed without an answer";
	case CURLE_PARTIAL_FILE:
		return "the answer was cut off";
	case CURLE_BAD_CONTENT_ENCODING:
		return "the answer was compressed wrongly";
	default:
		return end == TRANSPORT_EXCESS ? "the answer was larger than allowed"
		       : end == TRANSPORT_LOST ? "the connection broke"
					       : "no connection can be made";
	}
}

/* Many requests share one connection of HTTP/2, and one that is late does not end it. Where nothing
 * at all has come for half of its time, nothing will come to the next ones either: out with it, and
 * with those that were kept for later, which lead to the same silence. */
static void drop_silent(const struct transfer *f)
{
	const struct transport *t = f->transport;
	curl_socket_t fd = CURL_SOCKET_BAD;
	int64_t silent_us = clock_mono_us() - t->heard_us;
	if (silent_us / 500 <= f->deadline_ms)
		return;
	if (curl_easy_getinfo(f->easy, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK &&
		fd != CURL_SOCKET_BAD)
		(void)shutdown(fd, SHUT_RDWR);
	for (size_t i = 0; i < t->sockets_n; i++)
		if (t->sockets[i].ours && t->sockets[i].curl_wants == 0)
			(void)shutdown((int)i, SHUT_RDWR);
}

/* What only its last request needed. */
static void transfer_rest(struct transfer *f)
{
	if (f->body.cap > 262144)
		buf_done(&f->body);
	if (f->headers == NULL)
		return;
	(void)curl_easy_setopt(f->easy, CURLOPT_HTTPHEADER, NULL);
	for (struct curl_slist *line = f->headers; line != NULL; line = line->next)
		explicit_bzero(line->data, strlen(line->data));
	curl_slist_free_all(f->headers);
	f->headers = NULL;
}

static void transfer_end(struct transfer *f, CURLcode code)
{
	struct transport *t = f->transport;
	struct transport_answer answer = {.end = TRANSPORT_ANSWERED, .problem = ""};
	answer.wire_us = clock_mono_us() - f->started_us;
	answer.notice = f->notice;
	answer.date_ms = f->date_ms;
	if (code == CURLE_OK) {
		long status = 0;
		curl_easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE, &status);
		answer.status = (int)status;
		answer.body = buf_slice(&f->body);
		answer.head = buf_slice(&f->head);
	} else {
		answer.end = end_of(f);
		answer.problem = problem_of(f, code, answer.end);
		answer.late = code == CURLE_OPERATION_TIMEDOUT;
		answer.barred = f->barred && answer.end == TRANSPORT_UNSENT;
		if (answer.late)
			drop_silent(f);
	}
	curl_multi_remove_handle(t->multi, f->easy);
	if (f->prev != NULL)
		f->prev->next = f->next;
	else
		t->wire_list = f->next;
	if (f->next != NULL)
		f->next->prev = f->prev;
	t->in_flight--;
	f->done(f->ctx, &answer);
	transfer_rest(f);
	f->next = t->idle_list;
	t->idle_list = f;
}

static void collect(struct transport *t)
{
	int left = 0;
	bool any = false;
	for (CURLMsg *m; (m = curl_multi_info_read(t->multi, &left)) != NULL;) {
		if (m->msg != CURLMSG_DONE)
			continue;
		struct transfer *f = NULL;
		CURLcode code = m->data.result;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&f);
		transfer_end(f, code);
		any = true;
	}
	if (any)
		t->idle(t->idle_ctx);
}

static void transfer_free(struct transfer *f)
{
	if (f == NULL)
		return;
	if (f->easy != NULL) {
		transfer_rest(f);
		curl_easy_cleanup(f->easy);
	}
	buf_done(&f->body);
	buf_done(&f->head);
	free(f->url);
	free(f);
}

/* What holds for every request of this handle. */
static bool easy_prepare(struct transfer *f)
{
	struct transport *t = f->transport;
	CURL *e = f->easy;
	CURLcode bad = CURLE_OK;
#define SET(option, value) bad = bad != CURLE_OK ? bad : curl_easy_setopt(e, option, value)
	SET(CURLOPT_PRIVATE, f);
	char name[64];
	snprintf(name, sizeof(name), "moonhook/%s", version_text());
	SET(CURLOPT_USERAGENT, name); /* a request may have another in its lines */
	if (!is_world(t))
		SET(CURLOPT_HTTPHEADER, t->headers);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, f);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, f);
	SET(CURLOPT_OPENSOCKETFUNCTION, socket_open);
	SET(CURLOPT_OPENSOCKETDATA, f);
	SET(CURLOPT_CLOSESOCKETFUNCTION, socket_close);
	SET(CURLOPT_CLOSESOCKETDATA, t);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	if (t->ca != NULL)
		SET(CURLOPT_CAINFO, t->ca);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	SET(CURLOPT_ACCEPT_ENCODING, "gzip, deflate");
	SET(CURLOPT_MAXAGE_CONN, (long)IDLE_S);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_PIPEWAIT, strncmp(t->url, "https:", 6) == 0 ? 1L : 0L);
	SET(CURLOPT_PATH_AS_IS, 1L);
#undef SET
	return bad == CURLE_OK;
}

static struct transfer *transfer_take(struct transport *t)
{
	struct transfer *f = t->idle_list;
	if (f != NULL) {
		t->idle_list = f->next;
		return f;
	}
	f = calloc(1, sizeof(*f));
	if (f == NULL)
		return NULL;
	f->transport = t;
	buf_init(&f->body, t->body_max);
	buf_init(&f->head, TRANSPORT_HEADERS_MAX);
	f->easy = curl_easy_init();
	f->url = malloc(t->url_n + REQUEST_TARGET_MAX + 1);
	if (f->easy == NULL || f->url == NULL || !easy_prepare(f)) {
		transfer_free(f);
		return NULL;
	}
	memcpy(f->url, t->url, t->url_n);
	return f;
}

static bool put_header(struct curl_slist **list, const char *line)
{
	struct curl_slist *grown = curl_slist_append(*list, line);
	if (grown != NULL)
		*list = grown;
	return grown != NULL;
}

/* The lines of a request that has lines of its own. */
static bool easy_head(struct transfer *f, const struct request *r)
{
	bool ok = true;
	if (!is_world(f->transport))
		return true;
	for (struct curl_slist *line = f->transport->headers; ok && line != NULL; line = line->next)
		ok = put_header(&f->headers, line->data);
	for (const char *const *line = r->headers; ok && line != NULL && *line != NULL; line++)
		ok = put_header(&f->headers, *line);
	return ok && curl_easy_setopt(f->easy, CURLOPT_HTTPHEADER, f->headers) == CURLE_OK;
}

static bool easy_aim(struct transfer *f, const struct request *r)
{
	CURL *e = f->easy;
	int64_t in_ms = r->deadline_ms > 0 ? r->deadline_ms : f->transport->deadline_ms;
	f->reach = r->reach;
	f->deadline_ms = in_ms;
	memcpy(f->url + f->transport->url_n, r->target.p, r->target.n + 1);
	CURLcode bad = curl_easy_setopt(e, CURLOPT_URL, f->url);
	const char *method = r->method == REQUEST_GET ? NULL : request_method_name(r->method);
	if (r->body != NULL) {
		bad |= curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_n);
		bad |= curl_easy_setopt(e, CURLOPT_POSTFIELDS, r->body);
	} else
		bad |= curl_easy_setopt(e, CURLOPT_HTTPGET, 1L);
	bad |= curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, method);
	bad |= curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, r->once ? 1L : 0L);
	bad |= curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)in_ms);
	bad |= curl_easy_setopt(
		e, CURLOPT_CONNECTTIMEOUT_MS, (long)(in_ms < CONNECT_MS ? in_ms : CONNECT_MS));
	return bad == CURLE_OK && easy_head(f, r);
}

enum rc transport_send(struct transport *t, const struct request *request, transport_done_fn done,
	void *ctx, struct err *err)
{
	if (t->in_flight >= TRANSPORT_PARALLEL)
		return err_set(err, RC_BUSY, "too many requests are on their way");
	struct transfer *f = transfer_take(t);
	if (f == NULL)
		return err_set(err, RC_NOMEM, "no memory for a request");
	buf_clear(&f->body);
	buf_clear(&f->head);
	f->barred = false;
	f->headers_bytes = 0;
	f->headers_n = 0;
	f->excess = false;
	f->notice = (struct budget_notice){-1, -1, -1, -1};
	f->date_ms = 0;
	f->done = done;
	f->ctx = ctx;
	f->started_us = clock_mono_us();
	if (!easy_aim(f, request) || curl_multi_add_handle(t->multi, f->easy) != CURLM_OK) {
		transfer_rest(f);
		f->next = t->idle_list;
		t->idle_list = f;
		return err_set(err, RC_NOMEM, "a request cannot be started");
	}
	f->prev = NULL;
	f->next = t->wire_list;
	if (f->next != NULL)
		f->next->prev = f;
	t->wire_list = f;
	t->in_flight++;
	return RC_OK;
}

void transport_permit(struct transport *t, bool (*may)(void *ctx), void *ctx)
{
	t->may = may;
	t->may_ctx = ctx;
}

void transport_kick(struct transport *t)
{
	if (t->curl_at_us >= 0 && t->curl_at_us <= loop_us(t)) {
		act(t, CURL_SOCKET_TIMEOUT, 0);
		collect(t);
	}
}

int64_t transport_in_flight(const struct transport *t)
{
	return t->in_flight;
}

int64_t transport_clock_ms(const struct transport *t)
{
	return t->has_clock ? t->clock_ms + clock_mono_ms() : -1;
}

static bool headers_make(struct transport *t, const char *key, const char *const *more)
{
	struct buf b;
	buf_init(&b, 16384);
	bool ok = key == NULL || (buf_printf(&b, "Authorization: Bearer %s", key) == RC_OK &&
					 put_header(&t->headers, b.p));
	if (b.p != NULL)
		explicit_bzero(b.p, b.n);
	buf_done(&b);
	for (; ok && more != NULL && *more != NULL; more++)
		ok = put_header(&t->headers, *more);
	if (ok && !is_world(t))
		ok = put_header(&t->headers, "Accept: application/json") &&
		     put_header(&t->headers, "Content-Type: application/json");
	return ok && put_header(&t->headers, "Expect:");
}

enum rc transport_new(const struct transport_conf *conf, sd_event *loop, void (*idle)(void *ctx),
	void *idle_ctx, struct transport **ret_transport, struct err *err)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(err, RC_IO, "libcurl cannot be started");
	struct transport *t = calloc(1, sizeof(*t));
	if (t == NULL)
		return err_set(err, RC_NOMEM, "no memory for the client");
	t->loop = sd_event_ref(loop);
	t->deadline_ms = conf->deadline_ms;
	t->body_max = conf->body_max;
	t->idle = idle;
	t->idle_ctx = idle_ctx;
	t->curl_at_us = t->timer_at_us = -1;
	t->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	t->url = strdup(conf->url);
	t->url_n = strlen(conf->url);
	t->ca = conf->ca != NULL ? strdup(conf->ca) : NULL;
	t->multi = curl_multi_init();
	bool ok = t->url != NULL && (t->ca != NULL || conf->ca == NULL) && t->multi != NULL &&
		  headers_make(t, conf->key, conf->headers) && t->epoll_fd >= 0 &&
		  sd_event_add_io(loop, &t->ready, t->epoll_fd, EPOLLIN, on_ready, t) >= 0 &&
		  sd_event_add_time(loop, &t->timer, CLOCK_MONOTONIC, UINT64_MAX, 1, on_timer, t) >=
			  0 &&
		  sd_event_source_set_enabled(t->timer, SD_EVENT_OFF) >= 0 &&
		  curl_multi_setopt(t->multi, CURLMOPT_SOCKETFUNCTION, socket_wanted) == CURLM_OK &&
		  curl_multi_setopt(t->multi, CURLMOPT_SOCKETDATA, t) == CURLM_OK &&
		  curl_multi_setopt(t->multi, CURLMOPT_TIMERFUNCTION, timer_wanted) == CURLM_OK &&
		  curl_multi_setopt(t->multi, CURLMOPT_TIMERDATA, t) == CURLM_OK &&
		  curl_multi_setopt(t->multi, CURLMOPT_MAXCONNECTS, (long)TRANSPORT_PARALLEL) ==
			  CURLM_OK;
	if (!ok) {
		transport_free(t);
		return err_set(err, RC_NOMEM, "the client's transport cannot be set up");
	}
	*ret_transport = t;
	return RC_OK;
}

void transport_free(struct transport *t)
{
	if (t == NULL)
		return;
	for (struct transfer *f = t->wire_list, *next; f != NULL; f = next) {
		next = f->next;
		curl_multi_remove_handle(t->multi, f->easy);
		transfer_free(f);
	}
	for (struct transfer *f = t->idle_list, *next; f != NULL; f = next) {
		next = f->next;
		transfer_free(f);
	}
	if (t->multi != NULL)
		curl_multi_cleanup(t->multi);
	free(t->sockets);
	sd_event_source_disable_unref(t->ready);
	sd_event_source_disable_unref(t->timer);
	if (t->epoll_fd >= 0)
		close(t->epoll_fd);
	curl_slist_free_all(t->headers);
	free(t->ca);
	free(t->url);
	sd_event_unref(t->loop);
	free(t);
	curl_global_cleanup();
}
