/* SPDX-License-Identifier: MIT */
/*
 * What the client costs beyond the request itself: time, against a bare libcurl multi request to
 * the same loopback server with the same options, one call at a time and WIDE at once, in
 * alternating blocks of one run; and memory, of CALLS_WAITING calls that wait for their budget.
 * From: tests/bench/run. To: a server in a child that answers every get with one record at once.
 * Prints medians of latency, their difference, and bytes per waiting call.
 */
#include <inttypes.h>
#include <malloc.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <curl/curl.h>
#include <netinet/tcp.h>
#include <systemd/sd-event.h>

#include "base/clock.h"
#include "base/log.h"
#include "client/client.h"

#define KEY "bench-key"
#define ID "11111111-2222-4333-8444-555555555555"
#define CALLS 3000 /* of each kind */
#define BLOCKS 10
#define WIDE 64
#define CALLS_WAITING 10000
#define CONNECTIONS 300

/* ---- the server ---- */

#define PERSON                                                                                     \
	"{\"id\":\"" ID                                                                            \
	"\",\"name\":{\"firstName\":\"Ada\",\"lastName\":\"Lovelace\"},\"emails\":{"               \
	"\"primaryEmail\":\"ada@example.com\",\"additionalEmails\":[]},\"jobTitle\":\"Engineer\"," \
	"\"city\":\"London\",\"companyId\":null,\"createdAt\":\"2026-11-23T09:00:00.000Z\","       \
	"\"updatedAt\":\"2026-11-23T09:00:00.000Z\",\"deletedAt\":null}"

static const char *answer_for(const char *request, int *ret_status)
{
	*ret_status = 200;
	if (strncmp(request, "GET /rest/people/", 17) == 0)
		return "{\"data\":{\"person\":" PERSON "}}";
	if (strncmp(request, "GET /rest/people?", 17) == 0)
		return "{\"data\":{\"people\":[" PERSON
		       "]},\"totalCount\":1,\"pageInfo\":{\"hasNextPage\":false}}";
	*ret_status = 404;
	return "{\"statusCode\":404,\"error\":\"NotFoundException\",\"messages\":[\"not here\"]}";
}

/* Requests have no body and come one after another; false: the connection is over. */
static bool serve_one(int fd)
{
	static char in[32768];
	char out[2048];
	size_t n = 0;
	do {
		ssize_t got = read(fd, in + n, sizeof(in) - 1 - n);
		if (got <= 0)
			return false;
		n += (size_t)got;
		in[n] = '\0';
	} while (strstr(in, "\r\n\r\n") == NULL && n < sizeof(in) - 1);
	int status;
	const char *body = answer_for(in, &status);
	int out_n = snprintf(out, sizeof(out),
		"HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
		status, strlen(body), body);
	return write(fd, out, (size_t)out_n) == out_n;
}

static noreturn_ void serve(int listener)
{
	struct pollfd fds[CONNECTIONS] = {{listener, POLLIN, 0}};
	nfds_t n = 1;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		if (poll(fds, n, -1) < 0)
			_exit(1);
		for (nfds_t i = n - 1; i > 0; i--) {
			if (fds[i].revents == 0 || serve_one(fds[i].fd))
				continue;
			close(fds[i].fd);
			fds[i] = fds[--n];
		}
		if (fds[0].revents != 0 && n < CONNECTIONS) {
			int fd = accept(listener, NULL, NULL), one = 1;
			setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
			fds[n++] = (struct pollfd){fd, POLLIN, 0};
		}
	}
}

static pid_t server_start(int *ret_port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, n) != 0 || listen(fd, 4096) != 0 ||
		getsockname(fd, (struct sockaddr *)&at, &n) != 0)
		return -1;
	*ret_port = ntohs(at.sin_port);
	pid_t pid = fork();
	if (pid == 0)
		serve(fd);
	close(fd);
	return pid;
}

/* ---- latencies ---- */

struct series {
	int64_t us[CALLS];
	size_t n;
};

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

static double median_ms(struct series *s)
{
	qsort(s->us, s->n, sizeof(s->us[0]), by_value);
	return s->n > 0 ? (double)s->us[s->n / 2] / 1000 : 0;
}

/* ---- bare libcurl ---- */

struct bare_call {
	CURL *easy;
	struct buf body;
	int64_t began_us;
};

struct bare {
	CURLM *multi;
	struct curl_slist *headers;
	char url[128];
	struct bare_call calls[WIDE];
};

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
	return buf_put(ctx, p, size * n) == RC_OK ? size * n : 0;
}

static void bare_open(struct bare *b, int port)
{
	*b = (struct bare){.multi = curl_multi_init()};
	snprintf(b->url, sizeof(b->url), "http://127.0.0.1:%d/rest/people/" ID "?depth=0", port);
	b->headers = curl_slist_append(NULL, "Authorization: Bearer " KEY);
	b->headers = curl_slist_append(b->headers, "Accept: application/json");
	b->headers = curl_slist_append(b->headers, "Content-Type: application/json");
	for (int i = 0; i < WIDE; i++) {
		CURL *e = b->calls[i].easy = curl_easy_init();
		buf_init(&b->calls[i].body, 1 << 20);
		curl_easy_setopt(e, CURLOPT_URL, b->url);
		curl_easy_setopt(e, CURLOPT_PRIVATE, &b->calls[i]);
		curl_easy_setopt(e, CURLOPT_HTTPHEADER, b->headers);
		curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
		curl_easy_setopt(e, CURLOPT_WRITEDATA, &b->calls[i].body);
		curl_easy_setopt(e, CURLOPT_PROXY, "");
		curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "gzip, deflate");
		curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, 30000L);
		curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	}
}

static void bare_close(struct bare *b)
{
	for (int i = 0; i < WIDE; i++) {
		curl_easy_cleanup(b->calls[i].easy);
		buf_done(&b->calls[i].body);
	}
	curl_multi_cleanup(b->multi);
	curl_slist_free_all(b->headers);
}

static void bare_begin(struct bare *b, struct bare_call *c)
{
	buf_clear(&c->body);
	c->began_us = clock_mono_us();
	curl_multi_add_handle(b->multi, c->easy);
}

/* n requests, so many at once. */
static bool bare_block(struct bare *b, int n, int wide, struct series *series)
{
	int begun = 0, done = 0, running, left;
	while (begun < wide)
		bare_begin(b, &b->calls[begun++]);
	while (done < n) {
		curl_multi_perform(b->multi, &running);
		for (CURLMsg *m; (m = curl_multi_info_read(b->multi, &left)) != NULL;) {
			struct bare_call *c = NULL;
			CURLcode code = m->data.result;
			curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&c);
			curl_multi_remove_handle(b->multi, c->easy);
			if (code != CURLE_OK || c->body.n == 0)
				return false;
			series->us[series->n++] = clock_mono_us() - c->began_us;
			done++;
			if (begun < n) {
				bare_begin(b, c);
				begun++;
			}
		}
		if (done < n && running > 0)
			curl_multi_poll(b->multi, NULL, 0, 1000, NULL);
	}
	return true;
}

/* ---- the client ---- */

struct ours {
	sd_event *loop;
	struct conf *conf;
	struct client *client;
	struct series *series;
	int begun, done, wanted, failed;
};

struct our_call {
	struct ours *ours;
	int64_t began_us;
};

static bool ours_open(struct ours *o, int port, const char *budget)
{
	char path[64];
	struct err err = {.msg = "no memory"};
	*o = (struct ours){.failed = 0};
	int fd = memfd_create("bench", MFD_CLOEXEC);
	dprintf(fd,
		"twenty = { url = \"http://127.0.0.1:%d\", key = \"" KEY
		"\", budget = \"%s\", dialect = \"core\" }\n",
		port, budget);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	bool ok = sd_event_new(&o->loop) >= 0 &&
		  conf_load(path, &client_conf_table, 1, NULL, 0, &o->conf, &err) == RC_OK &&
		  client_new(o->conf, o->loop, &o->client, &err) == RC_OK;
	close(fd);
	struct client_status status = {.dialect = "unknown"};
	while (ok && strcmp(budget, "none") != 0 && status.requests == 0) {
		ok = sd_event_run(o->loop, UINT64_MAX) >= 0;
		client_status(o->client, &status);
	}
	while (ok && sd_event_run(o->loop, 100000) > 0)
		continue; /* until the probe is over */
	if (!ok)
		fprintf(stderr, "bench: %s\n", err.msg);
	return ok;
}

static void ours_close(struct ours *o)
{
	client_free(o->client);
	conf_free(o->conf);
	sd_event_unref(o->loop);
}

static void ours_begin(struct our_call *c);

static void ours_answered(void *ctx, const struct client_answer *answer)
{
	struct our_call *c = ctx;
	struct ours *o = c->ours;
	o->failed += answer->code != RC_OK || !json_is_object(answer->value);
	if (o->series->n < CALLS)
		o->series->us[o->series->n++] = clock_mono_us() - c->began_us;
	o->done++;
	if (o->begun < o->wanted)
		ours_begin(c);
}

static void ours_begin(struct our_call *c)
{
	struct err err;
	uint64_t ticket;
	c->began_us = clock_mono_us();
	json_t *args = json_pack("{s:s}", "id", ID);
	struct client_call call = {.op = CLIENT_GET,
		.object = "people",
		.args = args,
		.name = "event/rule/1",
		.done = ours_answered,
		.ctx = c};
	c->ours->begun++;
	if (client_submit(c->ours->client, &call, &ticket, &err) != RC_OK) {
		fprintf(stderr, "bench: %s\n", err.msg);
		exit(1);
	}
	json_decref(args);
}

static bool ours_block(struct ours *o, int n, int wide, struct series *series)
{
	struct our_call calls[WIDE];
	o->series = series;
	o->begun = o->done = 0;
	o->wanted = n;
	for (int i = 0; i < wide; i++) {
		calls[i] = (struct our_call){.ours = o};
		ours_begin(&calls[i]);
	}
	while (o->done < n)
		if (sd_event_run(o->loop, UINT64_MAX) < 0)
			return false;
	return o->failed == 0;
}

static bool compare(int port, int wide)
{
	static struct series bare_us, ours_us;
	struct bare bare;
	struct ours ours;
	bare_us.n = ours_us.n = 0;
	bool ok = ours_open(&ours, port, "none");
	bare_open(&bare, port);
	for (int i = 0; ok && i < BLOCKS; i++)
		ok = bare_block(&bare, CALLS / BLOCKS, wide, &bare_us) &&
		     ours_block(&ours, CALLS / BLOCKS, wide, &ours_us);
	bare_close(&bare);
	ours_close(&ours);
	double b = median_ms(&bare_us), c = median_ms(&ours_us);
	if (ok)
		printf("%2d at once: bare libcurl %.3f ms, client %.3f ms: %+.3f ms\n", wide, b, c,
			c - b);
	return ok;
}

/* ---- memory ---- */

static int64_t resident_bytes(void)
{
	long long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");
	if (f == NULL || fscanf(f, "%*s %lld", &pages) != 1)
		pages = 0;
	if (f != NULL)
		fclose(f);
	return pages * sysconf(_SC_PAGESIZE);
}

static void never_answered(void *ctx, const struct client_answer *answer)
{
	(void)answer;
	++*(int *)ctx;
}

static json_t *waiting_args(enum client_op op, int i)
{
	char id[40];
	snprintf(id, sizeof(id), "11111111-2222-4333-8444-%012d", i);
	if (op == CLIENT_GET)
		return json_pack("{s:s}", "id", id);
	return json_pack("{s:s,s:{s:o}}", "id", id, "data", "jobTitle", json_sprintf("n %d", i));
}

/* CALLS_WAITING calls of one kind for which there is no budget. */
static bool weigh(int port, enum client_op op, const char *object)
{
	struct ours o;
	struct client_status status;
	int answered = 0;
	bool ok = ours_open(&o, port, "1/h");
	int64_t rss = resident_bytes();
	size_t used = mallinfo2().uordblks;
	for (int i = 0; ok && i < CALLS_WAITING; i++) {
		struct err err;
		uint64_t ticket;
		char name[64];
		json_t *args = waiting_args(op, i);
		snprintf(name, sizeof(name), "01m84ywmqb5k3j6q0h8t9s2zrv/rule/%d", i);
		struct client_call call = {.op = op,
			.object = object,
			.args = args,
			.name = name,
			.done = never_answered,
			.ctx = &answered};
		ok = client_submit(o.client, &call, &ticket, &err) == RC_OK;
		json_decref(args);
	}
	while (ok && sd_event_run(o.loop, 100000) > 0)
		continue;
	client_status(o.client, &status);
	printf("%" PRId64 " waiting %ss: %.1f kB each, %.1f kB of resident memory\n",
		status.waiting, client_op_name(op),
		(double)(mallinfo2().uordblks - used) / CALLS_WAITING / 1000,
		(double)(resident_bytes() - rss) / CALLS_WAITING / 1000);
	ok = ok && answered == 0 && status.waiting == CALLS_WAITING;
	ours_close(&o);
	return ok;
}

/* In a process of its own, so that no memory lies there already. */
static bool weigh_apart(int port, enum client_op op, const char *object)
{
	int status = 1;
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		bool ok = weigh(port, op, object);
		fflush(stdout);
		_exit(ok ? 0 : 1);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

int main(void)
{
	int port = 0;
	log_start("bench", LOG_TEXT, LOG_ERROR);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	signal(SIGPIPE, SIG_IGN);
	pid_t server = server_start(&port);
	if (server < 0) {
		perror("bench: no server");
		return 1;
	}
	bool ok = weigh_apart(port, CLIENT_UPDATE, "people") &&
		  weigh_apart(port, CLIENT_GET, "companies") && compare(port, 1) &&
		  compare(port, WIDE);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	curl_global_cleanup();
	if (!ok)
		fprintf(stderr, "bench: calls failed\n");
	return ok ? 0 : 1;
}
