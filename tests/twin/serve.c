/* SPDX-License-Identifier: MIT */
/*
 * libmicrohttpd, driven by our own loop: its epoll descriptor, a signalfd and a heap of answers
 * that wait for their time. One thread owns all of it, so the world needs no locks. From: main.c.
 * To: app.c (what to answer). Fails with RC_IO at the start; later a request that finds no memory
 * gets its connection closed.
 */
#include "tests/twin/serve.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <microhttpd.h>
#include <openssl/evp.h>

#include "base/clock.h"
#include "tests/twin/base64.h"
#include "tests/twin/call.h"

#define BODY_MAX (16u << 20)
#define CONNECTIONS_MAX 8192
#define HANG_US (600 * 1000000ll)

struct server;

/* One request; lives from its first byte until its answer is gone. */
struct request {
	struct server *server;
	struct MHD_Connection *connection;
	const char *raw_query; /* BORROWED from url */
	char *url;             /* owned; path, NUL, query */
	struct buf body;
	struct MHD_Response *response; /* owned until it is queued; NULL: close the connection */
	int status;
	int64_t due_us; /* suspended until then; 0: not suspended */
	size_t heap_at; /* its place in the heap */
	bool ready;     /* answered, only to be queued */
	bool too_large;
};

struct server {
	struct world *world;
	const struct serve_conf *conf;
	struct MHD_Daemon *daemon;
	EVP_MD_CTX *sha1;
	const EVP_MD *sha1_type;
	struct request **heap; /* by due_us, the earliest first */
	size_t heap_n, heap_cap;
};

static void heap_set(struct server *s, size_t i, struct request *r)
{
	s->heap[i] = r;
	r->heap_at = i;
}

static void heap_up(struct server *s, size_t i, struct request *r)
{
	while (i > 0 && s->heap[(i - 1) / 2]->due_us > r->due_us) {
		heap_set(s, i, s->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	heap_set(s, i, r);
}

static void heap_down(struct server *s, size_t i, struct request *r)
{
	for (size_t k = 2 * i + 1; k < s->heap_n; k = 2 * i + 1) {
		if (k + 1 < s->heap_n && s->heap[k + 1]->due_us < s->heap[k]->due_us)
			k++;
		if (s->heap[k]->due_us >= r->due_us)
			break;
		heap_set(s, i, s->heap[k]);
		i = k;
	}
	heap_set(s, i, r);
}

static bool heap_put(struct server *s, struct request *r)
{
	if (s->heap_n == s->heap_cap) {
		size_t cap = s->heap_cap != 0 ? s->heap_cap * 2 : 256;
		struct request **heap = realloc(s->heap, cap * sizeof(*heap));
		if (heap == NULL)
			return false;
		s->heap = heap;
		s->heap_cap = cap;
	}
	heap_up(s, s->heap_n++, r);
	return true;
}

static struct request *heap_pop(struct server *s)
{
	struct request *first = s->heap[0], *last = s->heap[--s->heap_n];
	if (s->heap_n != 0)
		heap_down(s, 0, last);
	return first;
}

/* Express' weak ETag: length in hex, dash, 27 characters of base64(SHA-1). */
static bool etag_make(struct server *s, const struct buf *body, char text[static 64])
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	if (EVP_DigestInit_ex(s->sha1, s->sha1_type, NULL) != 1 ||
		EVP_DigestUpdate(s->sha1, body->p, body->n) != 1 ||
		EVP_DigestFinal_ex(s->sha1, digest, &n) != 1)
		return false;
	char *sum = base64_encode(digest, n);
	if (sum == NULL)
		return false;
	snprintf(text, 64, "W/\"%zx-%.27s\"", body->n, sum);
	free(sum);
	return true;
}

static void response_headers(struct request *r, struct call *c)
{
	char etag[64];
	MHD_add_response_header(r->response, "Access-Control-Allow-Origin", "*");
	MHD_add_response_header(r->response, "X-Powered-By", "Express");
	char date[64];
	time_t now = (time_t)(c->world->now_ms / 1000);
	struct tm tm;
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &tm));
	MHD_add_response_header(r->response, "Date", date);
	if (c->content_type != NULL)
		MHD_add_response_header(r->response, "Content-Type", c->content_type);
	for (size_t i = 0; i < c->extra_n; i++)
		MHD_add_response_header(r->response, c->extra[i][0], c->extra[i][1]);
	if (c->out.n == 0 || c->no_etag || !etag_make(r->server, &c->out, etag))
		return;
	MHD_add_response_header(r->response, "ETag", etag);
}

/* 304 where the client has this body already. */
static void response_revalidate(struct request *r, struct call *c)
{
	char etag[64];
	bool get = strcmp(c->method, "GET") == 0 || strcmp(c->method, "HEAD") == 0;
	if (!get || c->status != 200 || c->if_none_match == NULL || c->out.n == 0)
		return;
	if (!etag_make(r->server, &c->out, etag) || strcmp(etag, c->if_none_match) != 0)
		return;
	c->status = 304;
	c->content_type = NULL;
	c->no_etag = true;
	call_header(c, "ETag", "%s", etag);
	buf_clear(&c->out);
}

static void fault_status(struct call *c, const struct fault_hit *hit)
{
	struct fail fail = {0};
	if (hit->status == 429)
		fail_with(&fail, 429, "HttpException", NULL,
			"Limit reached (%lld tokens per 60000 ms)",
			(long long)c->world->budget.per_minute);
	else
		fail_with(&fail, hit->status, "InternalServerError", NULL, "fault on purpose");
	answer_fail(c, &fail);
	if (c->world->faults.retry_after_s >= 0)
		call_header(c, "Retry-After", "%lld", (long long)c->world->faults.retry_after_s);
	if (c->world->dialect == DIALECT_DOCS)
		docs_rate_headers(c);
}

/* Answers, except where a fault says otherwise. Returns how long the answer waits. */
static int64_t request_answer(struct request *r, struct call *c, struct fault_hit *hit)
{
	struct world *w = r->server->world;
	bool control = strncmp(c->path, "/_twin", 6) == 0;
	w->now_ms = clock_wall_ms() + w->ahead_ms;
	if (!control) {
		char target[280];
		snprintf(target, sizeof(target), "%.200s%s%.60s", c->path,
			*c->raw_query != '\0' ? "?" : "", c->raw_query);
		*hit = faults_draw(&w->faults, c->method, target);
		w->requests++;
	}
	if (hit->reset || hit->hang)
		c->status = 0;
	else if (hit->status != 0)
		fault_status(c, hit);
	else if (r->too_large)
		answer_text(c, 413, "application/json; charset=utf-8",
			"{\"statusCode\":413,\"message\":\"request entity too large\"}");
	else
		app_answer(c);
	if (control)
		return 0;
	if (hit->cut)
		c->out.n /= 2;
	w->answers_by_class[c->status / 100 % 6]++;
	journal_put(&w->journal, w->now_ms, c->method, c->path, c->raw_query, c->body, c->status);
	return (r->server->conf->latency_ms + hit->delay_ms) * 1000;
}

/* Makes the response; returns microseconds to wait before it may be queued. */
static int64_t request_run(struct request *r, const char *method)
{
	struct call c = {.world = r->server->world,
		.method = method,
		.path = r->url,
		.raw_query = r->raw_query,
		.authorization = MHD_lookup_connection_value(
			r->connection, MHD_HEADER_KIND, "Authorization"),
		.if_none_match = MHD_lookup_connection_value(
			r->connection, MHD_HEADER_KIND, "If-None-Match"),
		.body = buf_slice(&r->body)};
	struct fault_hit hit = {0};
	int64_t wait_us = 0;
	buf_init(&c.out, ANSWER_MAX);
	if (query_parse(&c.query, r->raw_query))
		wait_us = request_answer(r, &c, &hit);
	response_revalidate(r, &c);
	if (c.status != 0) {
		r->response = MHD_create_response_from_buffer(c.out.n, c.out.p,
			c.out.p != NULL ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
		r->status = c.status;
		if (r->response != NULL)
			response_headers(r, &c);
	} else {
		buf_done(&c.out);
	}
	query_done(&c.query);
	json_decref(c.input);
	r->ready = true;
	return hit.hang ? HANG_US : wait_us;
}

static struct request *request_new(
	struct server *s, struct MHD_Connection *connection, const char *url)
{
	struct request *r = calloc(1, sizeof(*r));
	if (r == NULL)
		return NULL;
	r->server = s;
	r->connection = connection;
	r->url = strdup(url);
	buf_init(&r->body, BODY_MAX);
	if (r->url == NULL) {
		free(r);
		return NULL;
	}
	char *mark = strchr(r->url, '?');
	if (mark != NULL)
		*mark = '\0';
	r->raw_query = mark != NULL ? mark + 1 : "";
	return r;
}

static enum MHD_Result request_queue(struct request *r)
{
	if (r->response == NULL)
		return MHD_NO;
	enum MHD_Result rc = MHD_queue_response(r->connection, (unsigned)r->status, r->response);
	MHD_destroy_response(r->response);
	r->response = NULL;
	return rc;
}

/* The URL with its query, before libmicrohttpd takes it apart. */
static void *on_uri(void *arg, const char *uri, struct MHD_Connection *connection)
{
	return request_new(arg, connection, uri);
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *upload, size_t *upload_n,
	void **context)
{
	(void)url;
	(void)version;
	(void)connection;
	struct server *s = arg;
	struct request *r = *context;
	if (r == NULL)
		return MHD_NO;
	if (r->ready)
		return request_queue(r);
	if (r->due_us == 0) { /* the first call: headers only */
		r->due_us = -1;
		return MHD_YES;
	}
	if (*upload_n != 0) {
		if (buf_put(&r->body, upload, *upload_n) != RC_OK)
			r->too_large = true;
		*upload_n = 0;
		return MHD_YES;
	}
	int64_t wait_us = request_run(r, method);
	if (wait_us == 0)
		return request_queue(r);
	/* answers of the same millisecond are resumed together: each round of the daemon looks at
	 * every suspended connection */
	r->due_us = (clock_mono_us() + wait_us + 999) / 1000 * 1000;
	if (!heap_put(s, r))
		return MHD_NO;
	MHD_suspend_connection(r->connection);
	return MHD_YES;
}

static void on_done(void *arg, struct MHD_Connection *connection, void **context,
	enum MHD_RequestTerminationCode code)
{
	(void)arg;
	(void)connection;
	(void)code;
	struct request *r = *context;
	if (r == NULL)
		return;
	if (r->response != NULL)
		MHD_destroy_response(r->response);
	buf_done(&r->body);
	free(r->url);
	free(r);
	*context = NULL;
}

static int listen_open(const char *text, struct err *err)
{
	char host[256];
	const char *colon = strrchr(text, ':');
	if (colon == NULL || (size_t)(colon - text) >= sizeof(host)) {
		err_set(err, RC_INVALID, "%s is no address; write 127.0.0.1:3000", text);
		return -1;
	}
	snprintf(host, sizeof(host), "%.*s", (int)(colon - text), text);
	struct addrinfo hints = {.ai_family = AF_INET,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	struct addrinfo *found = NULL;
	if (getaddrinfo(host[0] != '\0' ? host : "127.0.0.1", colon + 1, &hints, &found) != 0) {
		err_set(err, RC_INVALID, "%s is no address; write 127.0.0.1:3000", text);
		return -1;
	}
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int one = 1;
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, found->ai_addr, found->ai_addrlen) != 0 || listen(fd, 4096) != 0) {
		err_set_errno(err, RC_IO, errno, "cannot listen on %s", text);
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	freeaddrinfo(found);
	return fd;
}

static int signals_open(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void heap_fire(struct server *s)
{
	int64_t now_us = clock_mono_us();
	while (s->heap_n != 0 && s->heap[0]->due_us <= now_us)
		MHD_resume_connection(heap_pop(s)->connection);
}

/* How long to sleep; NULL: until something happens. */
static const struct timespec *sleep_time(struct server *s, struct timespec *ts)
{
	MHD_UNSIGNED_LONG_LONG ms = 0;
	int64_t us = -1;
	if (MHD_get_timeout(s->daemon, &ms) == MHD_YES)
		us = (int64_t)(ms > 60000 ? 60000 : ms) * 1000;
	if (s->heap_n != 0) {
		int64_t left = s->heap[0]->due_us - clock_mono_us();
		left = left > 0 ? left : 0;
		us = us < 0 || left < us ? left : us;
	}
	if (us < 0)
		return NULL;
	*ts = (struct timespec){us / 1000000, us % 1000000 * 1000};
	return ts;
}

static void serve_loop(struct server *s, int epoll_fd, int signal_fd)
{
	struct pollfd fds[] = {{epoll_fd, POLLIN, 0}, {signal_fd, POLLIN, 0}};
	for (;;) {
		struct timespec ts;
		int n = ppoll(fds, 2, sleep_time(s, &ts), NULL);
		if (n > 0 && fds[1].revents != 0)
			return;
		heap_fire(s);
		MHD_run(s->daemon);
	}
}

/* Every suspended connection has to be resumed before the daemon may end. */
static void serve_stop(struct server *s)
{
	while (s->heap_n != 0) {
		struct request *r = heap_pop(s);
		MHD_resume_connection(r->connection);
	}
	MHD_run(s->daemon);
	MHD_stop_daemon(s->daemon);
	free(s->heap);
	EVP_MD_CTX_free(s->sha1);
}

static void announce(int fd)
{
	struct sockaddr_in addr = {0};
	socklen_t n = sizeof(addr);
	char host[64];
	getsockname(fd, (struct sockaddr *)&addr, &n);
	getnameinfo((struct sockaddr *)&addr, n, host, sizeof(host), NULL, 0, NI_NUMERICHOST);
	printf("listening on http://%s:%u\n", host, ntohs(addr.sin_port));
	fflush(stdout);
}

enum rc serve_run(struct world *w, const struct serve_conf *conf, struct err *err)
{
	struct server s = {.world = w, .conf = conf};
	enum rc rc = RC_IO;
	int signal_fd = -1, fd = listen_open(conf->listen, err);
	if (fd < 0)
		return err != NULL ? err->code : RC_IO;
	signal_fd = signals_open();
	s.sha1 = EVP_MD_CTX_new();
	s.sha1_type = EVP_sha1();
	if (signal_fd >= 0 && s.sha1 != NULL)
		s.daemon = MHD_start_daemon(
			MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_SUPPRESS_DATE_NO_CLOCK,
			0, NULL, NULL, on_request, &s, MHD_OPTION_LISTEN_SOCKET, fd,
			MHD_OPTION_URI_LOG_CALLBACK, on_uri, &s, MHD_OPTION_NOTIFY_COMPLETED,
			on_done, &s, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
			MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)32768, MHD_OPTION_END);
	if (s.daemon == NULL) {
		rc = err_set(err, RC_IO, "cannot start the HTTP server");
		EVP_MD_CTX_free(s.sha1);
		close(fd);
		if (signal_fd >= 0)
			close(signal_fd);
		return rc;
	}
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(s.daemon, MHD_DAEMON_INFO_EPOLL_FD);
	announce(fd);
	serve_loop(&s, info->epoll_fd, signal_fd);
	serve_stop(&s);
	close(signal_fd);
	return RC_OK;
}
