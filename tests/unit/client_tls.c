/* SPDX-License-Identifier: MIT */
/*
 * https: whom the key is given to, and what is spoken there. The server is nghttpx before a fake
 * one; the certificates are made by each test.
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/clock.h"
#include "client/transport.h"
#include "tests/harness/certificate.h"
#include "tests/harness/port.h"
#include "tests/unit/client_fake.h"
#include "tests/unit/client_rig.h"

#define ID "11111111-2222-4333-8444-555555555555"
#define DAY_S 86400

struct front {
	char dir[128], url[64], access[160], ca[160];
	int port;
	struct process server;
	struct fake fake;
	struct rig rig;
};

static bool answers(int fd, const char *request, struct fake_shared *shared)
{
	(void)request, (void)shared;
	return fake_answer(fd, 200, "", "{\"data\":{\"person\":{\"id\":\"" ID "\"}}}");
}

static bool listens(void *ctx)
{
	char *text = process_read(((struct process *)ctx)->err);
	bool yes = text != NULL && strstr(text, "Listening on") != NULL;
	free(text);
	return yes;
}

/* Somebody else may take the port between the question and its use. */
static bool serve(struct front *f, const char *protocols)
{
	char at[64], behind[64], key[160], cert[160], npn[64], access[200];
	snprintf(behind, sizeof(behind), "-b127.0.0.1,%d", f->fake.port);
	snprintf(key, sizeof(key), "%s/key.pem", f->dir);
	snprintf(cert, sizeof(cert), "%s/cert.pem", f->dir);
	snprintf(npn, sizeof(npn), "--npn-list=%s", protocols);
	snprintf(f->access, sizeof(f->access), "%s/access", f->dir);
	snprintf(access, sizeof(access), "--accesslog-file=%s", f->access);
	const char *argv[] = {"/usr/sbin/nghttpx", "--conf=/dev/null", "--single-process",
		"--single-thread", "--no-ocsp", at, behind, npn, access,
		"--accesslog-format=$remote_port $alpn $status $request",
		"--errorlog-file=/dev/stderr", key, cert, NULL};
	for (int i = 0; i < 5; i++) {
		f->port = port_free();
		snprintf(at, sizeof(at), "-f127.0.0.1,%d", f->port);
		if (!process_start(&f->server, f->dir, "server", argv, NULL))
			return false;
		if (process_await(listens, &f->server, 4000))
			return true;
		process_stop(&f->server, SIGKILL, 2000);
	}
	return false;
}

/* A server whose certificate is there already. */
static void front_open(struct front *f, const char *protocols)
{
	cr_assert(fake_open(&f->fake, answers, FAKE_CORE));
	cr_assert(serve(f, protocols));
	snprintf(f->url, sizeof(f->url), "https://localhost:%d", f->port);
	snprintf(f->ca, sizeof(f->ca), "%s/ca.pem", f->dir);
}

static void front_close(struct front *f)
{
	rig_close(&f->rig);
	process_stop(&f->server, SIGKILL, 2000);
	fake_close(&f->fake);
	process_folder_remove(f->dir);
}

static bool is_down(void *ctx)
{
	struct client_status s;
	client_status(((struct rig *)ctx)->client, &s);
	return !s.reachable && s.problem[0] != '\0';
}

/* Nobody behind that server sees a request, and a person is told why. */
static void is_refused(struct front *f, const char *ca, const char *says)
{
	struct client_status s;
	front_open(f, "h2,http/1.1");
	cr_assert(rig_open(&f->rig, &(struct rig_conf){.url = f->url, .ca = ca}));
	cr_assert(rig_until(&f->rig, is_down, &f->rig, 10000));
	client_status(f->rig.client, &s);
	cr_expect(strstr(s.problem, says) != NULL, "%s", s.problem);
	cr_expect_eq(atomic_load(&f->fake.shared->connections), 0);
	cr_expect_null(strstr(s.problem, RIG_KEY));
	front_close(f);
}

Test(client_tls, a_certificate_that_has_expired_gets_no_key, .timeout = 60)
{
	static struct front f;
	char ca[160];
	cr_assert(process_folder(f.dir));
	cr_assert(certificate_make(f.dir, "localhost", -3600));
	snprintf(ca, sizeof(ca), "%s/ca.pem", f.dir);
	is_refused(&f, ca, "its certificate has expired");
}

Test(client_tls, a_certificate_of_another_host_gets_no_key, .timeout = 60)
{
	static struct front f;
	char ca[160];
	cr_assert(process_folder(f.dir));
	cr_assert(certificate_make(f.dir, "crm.example.com", DAY_S));
	snprintf(ca, sizeof(ca), "%s/ca.pem", f.dir);
	is_refused(&f, ca, "not valid for this name");
}

Test(client_tls, a_certificate_that_nobody_signed_gets_no_key, .timeout = 60)
{
	static struct front f;
	cr_assert(process_folder(f.dir));
	cr_assert(certificate_make_alone(f.dir, "localhost"));
	is_refused(&f, NULL, "signed by itself");
}

Test(client_tls, a_certificate_of_an_authority_that_nobody_knows_gets_no_key, .timeout = 60)
{
	static struct front f;
	cr_assert(process_folder(f.dir));
	cr_assert(certificate_make(f.dir, "localhost", DAY_S));
	is_refused(&f, NULL, "nobody this machine trusts");
}

Test(client_tls, authorities_that_cannot_be_read_are_said_to_be_the_reason, .timeout = 60)
{
	static struct front f;
	cr_assert(process_folder(f.dir));
	cr_assert(certificate_make(f.dir, "localhost", DAY_S));
	is_refused(&f, "/nowhere/ca.pem", "twenty.ca");
}

Test(client_tls, a_server_that_speaks_no_tls_gets_no_key, .timeout = 60)
{
	struct fake fake;
	struct rig rig;
	struct client_status s;
	char url[64];
	cr_assert(fake_open(&fake, answers, FAKE_CORE));
	snprintf(url, sizeof(url), "https://127.0.0.1:%d", fake.port);
	cr_assert(rig_open(&rig, &(struct rig_conf){.url = url, .timeout = "2s"}));
	cr_assert(rig_until(&rig, is_down, &rig, 10000));
	client_status(rig.client, &s);
	cr_expect(strstr(s.problem, "Twenty cannot be reached") != NULL, "%s", s.problem);
	cr_expect_eq(atomic_load(&fake.shared->probes), 0);
	rig_close(&rig);
	fake_close(&fake);
}

/* ---- HTTP/2 ---- */

struct access {
	int lines, ports;
	bool all;
};

/* What the server's log says: requests, connections, and whether all of them spoke that protocol.
 */
static struct access read_access(struct front *f, const char *protocol)
{
	struct access a = {.all = true};
	int seen[64];
	char *save = NULL, *text = process_read(f->access);
	for (char *line = strtok_r(text, "\n", &save); line != NULL;
		line = strtok_r(NULL, "\n", &save)) {
		int port = 0, k = 0;
		char alpn[16] = "";
		if (sscanf(line, "%d %15s", &port, alpn) != 2)
			continue;
		a.lines++;
		a.all = a.all && strcmp(alpn, protocol) == 0;
		while (k < a.ports && seen[k] != port)
			k++;
		if (k == a.ports && a.ports < (int)ARRAY_N(seen))
			seen[a.ports++] = port;
	}
	free(text);
	return a;
}

/* The server writes a line when the answer is on its way already. */
static bool has_fifty(void *ctx)
{
	return read_access(ctx, "").lines >= 50;
}

static struct access ask_fifty(struct front *f, const char *offers, const char *spoken)
{
	static struct rig_answer a[50];
	cr_assert(process_folder(f->dir));
	cr_assert(certificate_make(f->dir, "localhost", DAY_S));
	front_open(f, offers);
	cr_assert(rig_open(&f->rig, &(struct rig_conf){.url = f->url, .ca = f->ca}));
	for (size_t i = 0; i < ARRAY_N(a); i++)
		rig_submit(&f->rig, &a[i], CLIENT_GET, "people", rig_json("{'id':'" ID "'}"), "k");
	cr_assert(rig_await(&f->rig, a, ARRAY_N(a), 20000));
	for (size_t i = 0; i < ARRAY_N(a); i++) {
		cr_expect_eq(a[i].code, RC_OK, "%s", a[i].message);
		rig_answer_done(&a[i]);
	}
	cr_expect(process_await(has_fifty, f, 5000));
	return read_access(f, spoken);
}

Test(client_tls, where_http_2_is_offered_fifty_calls_share_one_connection, .timeout = 60)
{
	static struct front f;
	struct access seen = ask_fifty(&f, "h2,http/1.1", "h2");
	cr_expect(seen.all);
	cr_expect_eq(seen.ports, 1, "%d connections", seen.ports);
	front_close(&f);
}

Test(client_tls, where_it_is_not_http_1_is_spoken, .timeout = 60)
{
	static struct front f;
	struct access seen = ask_fifty(&f, "http/1.1", "http/1.1");
	cr_expect(seen.all);
	front_close(&f);
}

struct together {
	int done, good;
};

static void one_done(void *ctx, const struct transport_answer *answer)
{
	struct together *t = ctx;
	t->done++;
	t->good += answer->status == 200;
}

static void nothing(void *ctx)
{
	(void)ctx;
}

/* The first fifty of a connection that is not there yet: they wait to see what it can do. */
Test(client_tls, fifty_at_once_make_one_connection_of_http_2, .timeout = 60)
{
	static struct front f;
	static struct request requests[50];
	struct together all = {0};
	struct transport *t = NULL;
	struct err err;
	sd_event *loop = NULL;
	cr_assert(process_folder(f.dir));
	cr_assert(certificate_make(f.dir, "localhost", DAY_S));
	front_open(&f, "h2,http/1.1");
	cr_assert_geq(sd_event_new(&loop), 0);
	const struct transport_conf conf = {
		.url = f.url, .key = RIG_KEY, .ca = f.ca, .deadline_ms = 9000, .body_max = 1 << 20};
	cr_assert_eq(transport_new(&conf, loop, nothing, NULL, &t, &err), RC_OK);
	for (size_t i = 0; i < ARRAY_N(requests); i++) {
		request_init(&requests[i]);
		cr_assert_eq(request_start(&requests[i], REQUEST_GET, "/rest/people/" ID), RC_OK);
		cr_assert_eq(transport_send(t, &requests[i], one_done, &all, &err), RC_OK);
	}
	int64_t until_ms = clock_mono_ms() + 15000;
	while (all.done < (int)ARRAY_N(requests) && clock_mono_ms() < until_ms)
		cr_assert_geq(sd_event_run(loop, 20000), 0);
	cr_expect_eq(all.good, (int)ARRAY_N(requests), "%d", all.good);
	cr_expect(process_await(has_fifty, &f, 5000));
	struct access seen = read_access(&f, "h2");
	cr_expect(seen.all);
	cr_expect_eq(seen.ports, 1, "%d connections", seen.ports);
	transport_free(t);
	for (size_t i = 0; i < ARRAY_N(requests); i++)
		request_done(&requests[i]);
	sd_event_unref(loop);
	front_close(&f);
}

/* ---- a connection that is dead without a word ---- */

struct relay {
	pid_t pid;
	int port;
	struct relay_shared {
		atomic_int opened, frozen; /* the first so many say and hear nothing any more */
	} * shared;
};

struct pipe {
	struct relay_shared *shared;
	int here, there, number;
};

static bool pass(int from, int to)
{
	char bytes[16384];
	ssize_t n = recv(from, bytes, sizeof(bytes), 0);
	return n > 0 && fake_write(to, bytes, (size_t)n);
}

static void *run_pipe(void *ctx)
{
	struct pipe *p = ctx;
	struct pollfd fds[2] = {{p->here, POLLIN, 0}, {p->there, POLLIN, 0}};
	bool open = true;
	while (open) {
		if (p->number <= atomic_load(&p->shared->frozen)) {
			poll(NULL, 0, 100);
			continue;
		}
		if (poll(fds, 2, 20) <= 0 || p->number <= atomic_load(&p->shared->frozen))
			continue;
		open = (fds[0].revents == 0 || pass(p->here, p->there)) &&
		       (fds[1].revents == 0 || pass(p->there, p->here));
	}
	close(p->here);
	close(p->there);
	free(p);
	return NULL;
}

static noreturn_ void relay_all(int fd, int to, struct relay_shared *shared)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)to),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	for (;;) {
		pthread_t thread;
		struct pipe *p = calloc(1, sizeof(*p));
		if (p == NULL)
			_exit(1);
		p->shared = shared;
		p->here = accept(fd, NULL, NULL);
		p->number = atomic_fetch_add(&shared->opened, 1) + 1;
		p->there = socket(AF_INET, SOCK_STREAM, 0);
		if (p->here < 0 || connect(p->there, (void *)&at, sizeof(at)) != 0 ||
			pthread_create(&thread, NULL, run_pipe, p) != 0)
			_exit(1);
		pthread_detach(thread);
	}
}

static bool relay_open(struct relay *r, int to)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	r->shared = mmap(NULL, sizeof(*r->shared), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (r->shared == MAP_FAILED || fd < 0 || bind(fd, (void *)&at, sizeof(at)) != 0 ||
		listen(fd, 16) != 0 || getsockname(fd, (void *)&at, &n) != 0)
		return false;
	r->port = ntohs(at.sin_port);
	r->pid = fork();
	if (r->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		relay_all(fd, to, r->shared);
	}
	close(fd);
	return r->pid > 0;
}

static void relay_close(struct relay *r)
{
	kill(r->pid, SIGKILL);
	waitpid(r->pid, NULL, 0);
	munmap(r->shared, sizeof(*r->shared));
}

/* The probe, the schema and a first call: from then on nothing is on the wire. */
static bool has_three(void *ctx)
{
	return read_access(ctx, "").lines >= 3;
}

/* The next request takes another connection, and everything after it. */
static void survives_half_open(const char *offers)
{
	static struct front f;
	static struct relay relay;
	cr_assert(process_folder(f.dir));
	cr_assert(certificate_make(f.dir, "localhost", DAY_S));
	front_open(&f, offers);
	cr_assert(relay_open(&relay, f.port));
	snprintf(f.url, sizeof(f.url), "https://localhost:%d", relay.port);
	cr_assert(
		rig_open(&f.rig, &(struct rig_conf){.url = f.url, .ca = f.ca, .timeout = "900ms"}));
	struct rig_answer a;
	for (int i = 0; i < 2; i++) {
		a = rig_call(&f.rig, CLIENT_GET, "people", rig_json("{'id':'" ID "'}"), "k");
		cr_assert_eq(a.code, RC_OK, "%s", a.message);
		rig_answer_done(&a);
		cr_assert(rig_until(&f.rig, has_three, &f, 5000));
	}
	atomic_store(&relay.shared->frozen, atomic_load(&relay.shared->opened));
	int64_t from_ms = clock_mono_ms();
	a = rig_call(&f.rig, CLIENT_GET, "people", rig_json("{'id':'" ID "'}"), "k");
	int64_t took_ms = clock_mono_ms() - from_ms;
	cr_expect_eq(a.code, RC_OK, "%s", a.message);
	cr_expect_eq(a.requests, 2);
	cr_expect(took_ms >= 900 && took_ms < 3000, "%ld ms", (long)took_ms);
	rig_answer_done(&a);
	relay_close(&relay);
	front_close(&f);
}

Test(client_tls, a_half_open_connection_of_http_2_costs_one_request, .timeout = 60)
{
	survives_half_open("h2");
}

Test(client_tls, a_half_open_connection_of_http_1_costs_one_request, .timeout = 60)
{
	survives_half_open("http/1.1");
}
