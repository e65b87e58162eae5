/* SPDX-License-Identifier: MIT */
/*
 * Health, readiness and metrics over HTTP.
 * From: the listening socket of the supervisor. Reads the page of metrics only, so it answers while
 * the store is stuck. Everything else is 404 or 405. Who is slow or idle makes room for who asks,
 * so that nobody keeps a health check out. Fails to start where MHD does; a request that cannot be
 * answered is closed. It changes nothing, and shows no record.
 */
#include "console/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include <microhttpd.h>

#include "base/connection.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/metrics.h"

#define METRICS_MAX 262144
#define HOSTS_MAX 16
#define HOST_N 256
#define REQUEST_MS 2000 /* to say what one wants, and to take the answer */
#define IDLE_MS 10000
#define CONNECTIONS 64 /* beyond, the slowest makes room */
#define SPARE 64       /* accepted beyond the limit, until the slowest has been closed */
#define MEMORY_BYTES 16384

struct http {
	struct MHD_Daemon *daemon;
	struct connections *connections;
	bool has_token, loopback;
	bool receiver, runner;   /* which parts this Moonhook has */
	uint8_t token[DIGEST_N]; /* hash of it, so that comparing takes the same time for all */
	char hosts[HOSTS_MAX][HOST_N];
	size_t hosts_n;
};

struct visit { /* one connection */
	struct connection connection;
	bool begun; /* the headers of the request at hand have been seen */
};

struct answer {
	unsigned status;
	const char *type;
	struct buf *body;
};

/* --- who may ask
 * ----------------------------------------------------------------------------------- */

/* The host of "host:port" or "[v6]:port", lower case is left to the comparison. */
static bool host_of(const char *text, char out[static HOST_N])
{
	size_t n;
	if (text[0] == '[') {
		text++;
		n = strcspn(text, "]");
	} else {
		const char *colon = strrchr(text, ':');
		n = colon != NULL ? (size_t)(colon - text) : strlen(text);
	}
	if (n >= HOST_N)
		return false;
	memcpy(out, text, n);
	out[n] = '\0';
	return true;
}

bool http_host_allowed(const struct http *http, const char *text)
{
	char host[HOST_N];
	struct in6_addr address;
	if (text == NULL || !host_of(text, host))
		return false;
	if (inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1)
		return true;
	for (size_t i = 0; i < http->hosts_n; i++)
		if (strcasecmp(host, http->hosts[i]) == 0)
			return true;
	return false;
}

static bool token_fits(const struct http *http, const char *header)
{
	uint8_t sum[DIGEST_N];
	static const char scheme[] = "Bearer ";
	if (header == NULL || strncasecmp(header, scheme, sizeof(scheme) - 1) != 0)
		return false;
	struct slice given = slice_of(header + sizeof(scheme) - 1);
	return digest_sha256(&given, 1, sum) == RC_OK && digest_equal(sum, http->token);
}

static bool is_loopback(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} a;
	socklen_t n = sizeof(a);
	if (getsockname(fd, &a.any, &n) != 0)
		return false;
	if (a.any.sa_family == AF_INET)
		return ntohl(a.v4.sin_addr.s_addr) >> 24 == 127;
	if (a.any.sa_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&a.v6.sin6_addr);
	return a.any.sa_family == AF_UNIX;
}

/* --- what is answered
 * -------------------------------------------------------------------------------- */

static enum rc answer_text(struct answer *a, unsigned status, const char *json)
{
	a->status = status;
	a->type = "application/json";
	return buf_printf(a->body, "%s\n", json);
}

/* Why deliveries are not taken; NULL: they are. STATIC. */
static const char *not_ready(const struct http *http)
{
	if (http->receiver && metrics_value(METRIC_READY_RECEIVER) != 1)
		return "the receiver is not running";
	if (!http->receiver && http->runner && metrics_value(METRIC_READY_RUNNER) != 1)
		return "the runner is not running";
	if (metrics_value(METRIC_STORE_FULL_RECEIVER) != 0)
		return "the disk of the store is full";
	if (metrics_value(METRIC_STORE_FAILING) != 0)
		return "the store cannot be written";
	return NULL;
}

static enum rc answer_ready(const struct http *http, struct answer *a)
{
	char text[128];
	const char *why = not_ready(http);
	if (why == NULL)
		return answer_text(a, MHD_HTTP_OK, "{\"ready\":true}");
	snprintf(text, sizeof(text), "{\"ready\":false,\"reason\":\"%s\"}", why);
	return answer_text(a, MHD_HTTP_SERVICE_UNAVAILABLE, text);
}

static enum rc answer_metrics(
	const struct http *http, struct MHD_Connection *connection, struct answer *a)
{
	if (!http->has_token && !http->loopback)
		return answer_text(a, MHD_HTTP_FORBIDDEN,
			"{\"error\":\"metrics beyond loopback want a token: set console.token\"}");
	if (http->has_token &&
		!token_fits(http, MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
					  MHD_HTTP_HEADER_AUTHORIZATION)))
		return answer_text(a, MHD_HTTP_UNAUTHORIZED,
			"{\"error\":\"send Authorization: Bearer <console.token>\"}");
	a->status = MHD_HTTP_OK;
	a->type = "text/plain; version=0.0.4; charset=utf-8";
	return metrics_format(a->body);
}

static enum rc answer_for(const struct http *http, struct MHD_Connection *connection,
	const char *path, const char *method, struct answer *a)
{
	const char *host =
		MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);
	bool known = strcmp(path, "/healthz") == 0 || strcmp(path, "/readyz") == 0 ||
		     strcmp(path, "/metrics") == 0;
	if (!http_host_allowed(http, host))
		return answer_text(a, MHD_HTTP_MISDIRECTED_REQUEST,
			"{\"error\":\"this Host is not known here; add it to console.hosts\"}");
	if (!known)
		return answer_text(a, MHD_HTTP_NOT_FOUND, "{\"error\":\"there is no such page\"}");
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return answer_text(
			a, MHD_HTTP_METHOD_NOT_ALLOWED, "{\"error\":\"GET and HEAD only\"}");
	if (strcmp(path, "/healthz") == 0)
		return answer_text(a, MHD_HTTP_OK, "{\"status\":\"ok\"}");
	if (strcmp(path, "/readyz") == 0)
		return answer_ready(http, a);
	return answer_metrics(http, connection, a);
}

/* True where all headers could be added. */
static bool add_headers(struct MHD_Response *response, const struct answer *a)
{
	static const char *const headers[][2] = {
		{"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
		{"X-Content-Type-Options", "nosniff"},
		{"X-Frame-Options", "DENY"},
		{"Referrer-Policy", "no-referrer"},
		{"Cross-Origin-Resource-Policy", "same-origin"},
		{"Cache-Control", "no-store"},
	};
	bool ok = MHD_add_response_header(response, "Content-Type", a->type) == MHD_YES;
	for (size_t i = 0; i < ARRAY_N(headers); i++)
		ok = ok &&
		     MHD_add_response_header(response, headers[i][0], headers[i][1]) == MHD_YES;
	if (a->status == MHD_HTTP_UNAUTHORIZED)
		ok = ok &&
		     MHD_add_response_header(response, "WWW-Authenticate", "Bearer") == MHD_YES;
	if (a->status == MHD_HTTP_METHOD_NOT_ALLOWED)
		ok = ok && MHD_add_response_header(response, "Allow", "GET, HEAD") == MHD_YES;
	return ok;
}

static enum MHD_Result answer_request(
	struct http *http, struct MHD_Connection *connection, const char *path, const char *method)
{
	struct buf body;
	struct answer a = {.status = MHD_HTTP_INTERNAL_SERVER_ERROR, .body = &body};
	enum MHD_Result result = MHD_NO;
	buf_init(&body, METRICS_MAX);
	if (answer_for(http, connection, path, method, &a) == RC_OK) {
		struct MHD_Response *response =
			MHD_create_response_from_buffer(body.n, body.p, MHD_RESPMEM_MUST_COPY);
		if (response != NULL && add_headers(response, &a))
			result = MHD_queue_response(connection, a.status, response);
		if (response != NULL)
			MHD_destroy_response(response);
	}
	buf_done(&body);
	return result;
}

/* --- what libmicrohttpd calls, all in its one thread ------------------------------------------ */

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *upload, size_t *upload_n,
	void **request)
{
	struct http *http = ctx;
	struct visit *visit = *request;
	(void)version;
	(void)upload;
	if (visit == NULL)
		return MHD_NO; /* there was no memory for the connection */
	if (!visit->begun) {   /* headers only; a body is read and forgotten */
		visit->begun = true;
		connection_move(http->connections, &visit->connection, PHASE_BODY);
		return MHD_YES;
	}
	if (*upload_n != 0) {
		*upload_n = 0;
		return MHD_YES;
	}
	connection_move(http->connections, &visit->connection, PHASE_ANSWER);
	return answer_request(http, connection, url, method);
}

/* The request line is there. What it answers becomes *request of on_request. */
static void *on_request_line(void *ctx, const char *uri, struct MHD_Connection *connection)
{
	struct http *http = ctx;
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct visit *visit = info != NULL ? info->socket_context : NULL;
	(void)uri;
	if (visit == NULL)
		return NULL;
	visit->begun = false;
	connection_move(http->connections, &visit->connection, PHASE_HEAD);
	return visit;
}

static void on_completed(void *ctx, struct MHD_Connection *connection, void **request,
	enum MHD_RequestTerminationCode code)
{
	struct http *http = ctx;
	struct visit *visit = *request;
	(void)connection;
	(void)code;
	if (visit != NULL)
		connection_move(http->connections, &visit->connection, PHASE_IDLE);
}

static void on_connection(void *ctx, struct MHD_Connection *connection, void **socket_context,
	enum MHD_ConnectionNotificationCode code)
{
	struct http *http = ctx;
	struct visit *visit = *socket_context;
	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (visit != NULL)
			connection_remove(http->connections, &visit->connection);
		free(visit);
		*socket_context = NULL;
		return;
	}
	const union MHD_ConnectionInfo *fd =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	visit = fd != NULL ? calloc(1, sizeof(*visit)) : NULL;
	*socket_context = visit;
	if (visit != NULL)
		connection_add(http->connections, &visit->connection, fd->connect_fd, NULL);
}

/* --- life
 * ------------------------------------------------------------------------------------------- */

static void add_host(struct http *http, const char *host)
{
	if (http->hosts_n < HOSTS_MAX && host[0] != '\0')
		snprintf(http->hosts[http->hosts_n++], HOST_N, "%s", host);
}

static void read_hosts(struct http *http, const struct conf *conf)
{
	const char *listen = conf_text(conf, "console.listen"), *host;
	char own[HOST_N];
	add_host(http, "localhost");
	if (listen != NULL && host_of(listen, own))
		add_host(http, own);
	for (size_t i = 1; (host = conf_item(conf, "console.hosts", i)) != NULL; i++)
		add_host(http, host);
}

static void read_parts(struct http *http, const struct conf *conf)
{
	const char *part;
	for (size_t i = 1; (part = conf_item(conf, "only", i)) != NULL; i++) {
		http->receiver = http->receiver || strcmp(part, "receiver") == 0;
		http->runner = http->runner || strcmp(part, "runner") == 0;
	}
}

static enum rc read_token(struct http *http, const struct conf *conf, struct err *err)
{
	const char *token = conf_text(conf, "console.token");
	if (token == NULL)
		return RC_OK;
	struct slice given = slice_of(token);
	if (given.n == 0)
		return err_set(
			err, RC_INVALID, "`console.token` is empty; leave it out or fill it");
	http->has_token = true;
	return digest_sha256(&given, 1, http->token);
}

static void printf_like(2, 0) on_mhd_log(void *ctx, const char *fmt, va_list ap)
{
	char text[256];
	(void)ctx;
	vsnprintf(text, sizeof(text), fmt, ap);
	text[strcspn(text, "\r\n")] = '\0';
	log_debug(NULL, "http: %s", text);
}

static struct MHD_Daemon *start_daemon(struct http *http, int fd)
{
	return MHD_start_daemon(MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_USE_ERROR_LOG, 0,
		NULL, NULL, on_request, http, MHD_OPTION_EXTERNAL_LOGGER, on_mhd_log, NULL,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)(CONNECTIONS + SPARE), MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)MEMORY_BYTES, MHD_OPTION_URI_LOG_CALLBACK, on_request_line, http,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, http, MHD_OPTION_NOTIFY_CONNECTION,
		on_connection, http, MHD_OPTION_END);
}

static void http_free(struct http *http)
{
	connections_free(http->connections);
	explicit_bzero(http->token, sizeof(http->token));
	free(http);
}

enum rc http_start(int fd, const struct conf *conf, struct http **ret_http, struct err *err)
{
	struct http *http = calloc(1, sizeof(*http));
	if (http == NULL)
		return err_set(err, RC_NOMEM, "no memory for the console");
	read_hosts(http, conf);
	read_parts(http, conf);
	http->loopback = is_loopback(fd);
	enum rc rc = read_token(http, conf, err);
	if (rc == RC_OK) {
		/* One proxy or scraper may be all who ask: there is no limit for one address. */
		http->connections = connections_new(&(struct connections_conf){.max = CONNECTIONS,
			.per_address = CONNECTIONS,
			.headers_ms = REQUEST_MS,
			.idle_ms = IDLE_MS,
			.body_ms = REQUEST_MS});
		if (http->connections == NULL)
			rc = err_set(err, RC_NOMEM, "no memory for the console");
	}
	if (rc == RC_OK) {
		http->daemon = start_daemon(http, fd);
		if (http->daemon == NULL)
			rc = err_set(err, RC_IO, "the console's HTTP server does not start");
	}
	if (rc != RC_OK) {
		http_free(http);
		return rc;
	}
	*ret_http = http;
	return RC_OK;
}

void http_tick(struct http *http)
{
	connections_tick(http->connections);
}

void http_stop(struct http *http)
{
	if (http == NULL)
		return;
	MHD_stop_daemon(http->daemon);
	http_free(http);
}
