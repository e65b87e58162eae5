/* SPDX-License-Identifier: MIT */
/*
 * A peer at the other end of the wire that is slow, lies, floods, leads elsewhere, or closes after
 * the effect. A call ends right and in time; nothing is done twice; the key goes nowhere else.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/log.h"
#include "tests/harness/port.h"
#include "tests/unit/client_fake.h"
#include "tests/unit/client_rig.h"

#define ID "11111111-2222-4333-8444-555555555555"
#define OTHER "99999999-2222-4333-8444-555555555555"
#define PERSON "{\"data\":{\"person\":{\"id\":\"" ID "\"}}}"
#define OK(a) cr_assert_eq((a).code, RC_OK, "%s: %s", (a).name, (a).message)

static struct fake fake, elsewhere;
static struct rig rig;

static void close_all(void)
{
	rig_close(&rig);
	fake_close(&fake);
	fake_close(&elsewhere);
}

TestSuite(client_wire, .fini = close_all, .timeout = 60);

static void open_towards(fake_handler handler, enum fake_probe probe, const struct rig_conf *conf)
{
	struct rig_conf whole = *conf;
	cr_assert(fake_open(&fake, handler, probe));
	whole.url = fake.url;
	cr_assert(rig_open(&rig, &whole));
}

static struct rig_answer get(void)
{
	return rig_call(&rig, CLIENT_GET, "people", rig_json("{'id':'" ID "'}"), "k");
}

static struct client_status status(void)
{
	struct client_status s;
	client_status(rig.client, &s);
	return s;
}

/* Something for the engine to look up for, after the clock was moved. */
static void poke(void)
{
	struct rig_answer a;
	rig_submit(&rig, &a, CLIENT_GET, "people", rig_json("{'id':'" ID "'}"), "poke");
	client_cancel(rig.client, a.ticket);
}

/* ---- slow ---- */

static void drip(int fd, const char *bytes)
{
	for (; *bytes != '\0' && fake_write(fd, bytes, 1); bytes++)
		usleep(40000);
}

static bool drips_body(int fd, const char *request, struct fake_shared *shared)
{
	(void)request;
	if (atomic_load(&shared->hits) > 1)
		return fake_answer(fd, 200, "", PERSON);
	const char *head = "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n";
	if (fake_write(fd, head, strlen(head)))
		drip(fd, PERSON PERSON PERSON PERSON);
	return false;
}

static bool drips_headers(int fd, const char *request, struct fake_shared *shared)
{
	(void)request;
	if (atomic_load(&shared->hits) > 1)
		return fake_answer(fd, 200, "", PERSON);
	drip(fd, "HTTP/1.1 200 OK\r\nX-Slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n");
	return false;
}

/* Bytes keep coming: a time limit between two of them would never strike. */
static void is_cut_at_the_deadline(fake_handler handler)
{
	open_towards(handler, FAKE_CORE, &(struct rig_conf){.timeout = "600ms"});
	int64_t from_ms = clock_mono_ms();
	struct rig_answer a = get();
	int64_t took_ms = clock_mono_ms() - from_ms;
	OK(a);
	cr_expect_eq(a.requests, 2);
	cr_expect(took_ms >= 600 && took_ms < 1600, "%ld ms", (long)took_ms);
	rig_answer_done(&a);
}

Test(client_wire, a_body_that_comes_byte_by_byte_is_cut_at_the_deadline)
{
	is_cut_at_the_deadline(drips_body);
}

Test(client_wire, headers_that_come_byte_by_byte_are_cut_at_the_deadline)
{
	is_cut_at_the_deadline(drips_headers);
}

/* ---- floods ---- */

struct bits {
	int fd;
	unsigned char out[16384];
	size_t n;
	unsigned hold, held;
};

static bool put_bits(struct bits *b, unsigned value, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		b->hold |= (value >> i & 1) << b->held;
		if (++b->held < 8)
			continue;
		b->out[b->n++] = (unsigned char)b->hold;
		b->hold = b->held = 0;
		if (b->n < sizeof(b->out))
			continue;
		if (!fake_write(b->fd, b->out, b->n))
			return false;
		b->n = 0;
	}
	return true;
}

/* An endless zip file of the letter 0: 258 of them in each 13 bits. */
static bool bombs(int fd, const char *request, struct fake_shared *shared)
{
	struct bits b = {.fd = fd};
	const char *head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"
			   "\x1f\x8b\x08";
	(void)request;
	if (!fake_write(fd, head, strlen(head)) || !fake_write(fd, "\0\0\0\0\0\0\3", 7))
		return false;
	bool open = put_bits(&b, 1 | 1 << 1, 3) && put_bits(&b, 0x06, 8); /* "0" */
	while (open && shared->status < 200000) {
		open = put_bits(&b, 0xA3, 8) && put_bits(&b, 0, 5); /* 258 back to 1 before */
		shared->status += open && b.n == 0;
	}
	return false;
}

Test(client_wire, an_answer_is_measured_after_it_was_unpacked)
{
	open_towards(bombs, FAKE_CORE, &(struct rig_conf){.timeout = "20s"});
	struct rig_answer a = get();
	cr_expect_eq(a.code, RC_TOO_LARGE, "%s %s", rc_name(a.code), a.message);
	cr_expect_eq(a.requests, 1, "and not asked for again");
	rig_answer_done(&a);
}

static unsigned crc_of(const char *text)
{
	unsigned crc = ~0u;
	for (; *text != '\0'; text++) {
		crc ^= (unsigned char)*text;
		for (int k = 0; k < 8; k++)
			crc = crc & 1 ? crc >> 1 ^ 0xEDB88320u : crc >> 1;
	}
	return ~crc;
}

/* Not packed very well, but packed. */
static bool packs(int fd, const char *request, struct fake_shared *shared)
{
	unsigned n = (unsigned)strlen(PERSON), crc = crc_of(PERSON);
	char head[128];
	unsigned char open[15] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, (unsigned char)n,
		(unsigned char)(n >> 8), (unsigned char)~n, (unsigned char)(~n >> 8)};
	unsigned char close[8] = {(unsigned char)crc, (unsigned char)(crc >> 8),
		(unsigned char)(crc >> 16), (unsigned char)(crc >> 24), (unsigned char)n,
		(unsigned char)(n >> 8), 0, 0};
	const char *line = strcasestr(request, "\r\nAccept-Encoding:");
	if (line == NULL || strstr(line, "gzip") == NULL)
		return fake_answer(fd, 400, "", "{}");
	if (atomic_load(&shared->mode) == 1)
		open[10] = 7; /* no such way of packing */
	snprintf(head, sizeof(head),
		"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n",
		sizeof(open) + n + sizeof(close));
	return fake_write(fd, head, strlen(head)) && fake_write(fd, open, sizeof(open)) &&
	       fake_write(fd, PERSON, n) && fake_write(fd, close, sizeof(close));
}

Test(client_wire, a_packed_answer_is_asked_for_and_understood)
{
	open_towards(packs, FAKE_CORE, &(struct rig_conf){.url = NULL});
	struct rig_answer a = get();
	OK(a);
	cr_expect_str_eq(rig_text(a.value, "id"), ID);
	rig_answer_done(&a);
}

Test(client_wire, an_answer_that_cannot_be_unpacked_is_none)
{
	open_towards(packs, FAKE_CORE, &(struct rig_conf){.url = NULL});
	atomic_store(&fake.shared->mode, 1);
	struct rig_answer a = get();
	cr_expect_eq(a.code, RC_UPSTREAM, "%s", a.message);
	cr_expect(strstr(a.message, "compressed wrongly") != NULL, "%s", a.message);
	rig_answer_done(&a);
}

static bool hints_for_ever(int fd, const char *request, struct fake_shared *shared)
{
	(void)request, (void)shared;
	const char *hint = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n";
	while (fake_write(fd, hint, strlen(hint)))
		;
	return false;
}

Test(client_wire, interim_answers_without_end_are_cut)
{
	open_towards(hints_for_ever, FAKE_CORE, &(struct rig_conf){.timeout = "20s"});
	struct rig_answer a = get();
	cr_expect_eq(a.code, RC_TOO_LARGE, "%s %s", rc_name(a.code), a.message);
	rig_answer_done(&a);
}

/* ---- elsewhere ---- */

static const int redirects[] = {301, 302, 303, 307, 308};

static bool answers(int fd, const char *request, struct fake_shared *shared)
{
	(void)request, (void)shared;
	return fake_answer(fd, 200, "", PERSON);
}

static bool leads_away(int fd, const char *request, struct fake_shared *shared)
{
	char headers[200];
	(void)request;
	snprintf(headers, sizeof(headers), "Location: %.60s/rest/people/" ID "\r\n", shared->reply);
	return fake_answer(fd, redirects[atomic_load(&shared->mode)], headers, "");
}

Test(client_wire, no_redirect_leads_the_key_to_another_host)
{
	cr_assert(fake_open(&elsewhere, answers, FAKE_CORE));
	open_towards(leads_away, FAKE_CORE, &(struct rig_conf){.url = NULL});
	snprintf(fake.shared->reply, sizeof(fake.shared->reply), "%s", elsewhere.url);
	for (size_t i = 0; i < ARRAY_N(redirects); i++) {
		atomic_store(&fake.shared->mode, (int)i);
		struct rig_answer a = get();
		cr_expect_eq(a.code, RC_UPSTREAM, "%d: %s", redirects[i], rc_name(a.code));
		cr_expect(strstr(a.message, "redirect") != NULL, "%s", a.message);
		rig_answer_done(&a);
		a = rig_call(&rig, CLIENT_UPDATE, "people",
			rig_json("{'id':'" ID "','data':{'jobTitle':'x'}}"), "k");
		cr_expect_eq(a.code, RC_UPSTREAM, "%d: %s", redirects[i], rc_name(a.code));
		rig_answer_done(&a);
	}
	cr_expect_eq(atomic_load(&elsewhere.shared->connections), 0);
}

static bool probe_leads_away(int fd, const char *request, struct fake_shared *shared)
{
	char headers[200];
	(void)request;
	snprintf(
		headers, sizeof(headers), "Location: %.60s/rest/people?limit=1\r\n", shared->reply);
	return fake_answer(fd, 301, headers, "");
}

static bool has_problem(void *ctx)
{
	(void)ctx;
	return status().problem[0] != '\0';
}

Test(client_wire, the_first_question_is_not_led_away_either)
{
	cr_assert(fake_open(&elsewhere, answers, FAKE_CORE));
	cr_assert(fake_open(&fake, probe_leads_away, FAKE_OWN));
	snprintf(fake.shared->reply, sizeof(fake.shared->reply), "%s", elsewhere.url);
	cr_assert(rig_open(&rig, &(struct rig_conf){.url = fake.url}));
	cr_assert(rig_until(&rig, has_problem, NULL, 10000));
	cr_expect(strstr(status().problem, "301") != NULL, "%s", status().problem);
	cr_expect_eq(atomic_load(&elsewhere.shared->connections), 0);
}

static bool gives_cookies(int fd, const char *request, struct fake_shared *shared)
{
	(void)request, (void)shared;
	return fake_answer(fd, 200, "Set-Cookie: s=1; Path=/\r\n", PERSON);
}

Test(client_wire, cookies_are_not_kept)
{
	open_towards(gives_cookies, FAKE_CORE, &(struct rig_conf){.url = NULL});
	for (int i = 0; i < 3; i++) {
		struct rig_answer a = get();
		OK(a);
		rig_answer_done(&a);
	}
	cr_expect_eq(atomic_load(&fake.shared->hits), 3);
	cr_expect_eq(atomic_load(&fake.shared->cookies), 0);
}

Test(client_wire, one_connection_serves_call_after_call)
{
	open_towards(answers, FAKE_CORE, &(struct rig_conf){.url = NULL});
	for (int i = 0; i < 40; i++) {
		struct rig_answer a = get();
		OK(a);
		rig_answer_done(&a);
	}
	cr_expect_leq(atomic_load(&fake.shared->connections), 2, "%d (one for the schema)",
		atomic_load(&fake.shared->connections));
}

/* The connections of this process to the fake server that a dead machine would be noticed on. */
static int watched_n(void)
{
	int n = 0;
	for (int fd = 3; fd < 256; fd++) {
		struct sockaddr_in to;
		socklen_t size = sizeof(to), small = sizeof(int);
		int alive = 0, unacked_ms = 0, idle_s = 0;
		if (getpeername(fd, (void *)&to, &size) != 0 || to.sin_family != AF_INET ||
			ntohs(to.sin_port) != fake.port)
			continue;
		cr_assert_eq(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &alive, &small), 0);
		cr_assert_eq(getsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, &small), 0);
		cr_assert_eq(getsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacked_ms, &small), 0);
		n += alive && idle_s <= 30 && unacked_ms > 0 && unacked_ms <= 30000;
	}
	return n;
}

Test(client_wire, a_machine_that_went_away_without_a_word_is_noticed)
{
	open_towards(answers, FAKE_CORE, &(struct rig_conf){.url = NULL});
	struct rig_answer a = get();
	OK(a);
	cr_expect_geq(watched_n(), 1);
	rig_answer_done(&a);
}

/* ---- closes after the effect ---- */

#define PAGE                                                                                       \
	"{\"data\":{\"people\":[{\"id\":\"%s\",\"deletedAt\":%s}]},\"totalCount\":1,\"pageInfo\":" \
	"{\"startCursor\":\"a\",\"endCursor\":\"a\",\"hasNextPage\":false}}"

/* Effects are counted in shared->status; the first is done and not answered. */
static bool answers_page(int fd, const char *id, const char *deleted_at)
{
	char body[512];
	snprintf(body, sizeof(body), PAGE, id, deleted_at);
	return fake_answer(fd, 200, "", body);
}

static bool makes_and_closes(int fd, const char *request, struct fake_shared *shared)
{
	const char *id = strstr(shared->body, "\"id\":\"");
	char made[37] = "";
	if (id != NULL)
		snprintf(made, sizeof(made), "%.36s", id + 6);
	if (strncmp(request, "POST", 4) != 0)
		return answers_page(fd, made, "null");
	if (++shared->status == 1)
		return false;
	return fake_answer(fd, 400, "",
		"{\"statusCode\":400,\"error\":\"BadRequestException\",\"messages\":"
		"[\"A duplicate entry was detected\"]}");
}

Test(client_wire, a_create_that_was_done_and_not_answered_is_found_by_its_id)
{
	open_towards(makes_and_closes, FAKE_CORE, &(struct rig_conf){.url = NULL});
	struct rig_answer a = rig_call(&rig, CLIENT_CREATE, "people",
		rig_json("{'data':{'firstName':'Ann'}}"), "event/rule/1");
	OK(a);
	cr_expect_eq(fake.shared->status, 2, "the same id twice, and one record");
	cr_expect(strstr(fake.shared->body, rig_text(a.value, "id")) != NULL);
	rig_answer_done(&a);
}

static bool deletes_and_closes(int fd, const char *request, struct fake_shared *shared)
{
	if (strncmp(request, "DELETE", 6) != 0)
		return answers_page(fd, ID, "\"2026-11-23T00:00:00.000Z\"");
	if (++shared->status == 1)
		return false;
	return fake_answer(fd, 404, "",
		"{\"statusCode\":404,\"error\":\"NotFoundException\",\"messages\":"
		"[\"Record not found\"]}");
}

Test(client_wire, a_delete_that_was_done_and_not_answered_is_no_missing_record)
{
	open_towards(deletes_and_closes, FAKE_CORE, &(struct rig_conf){.url = NULL});
	struct rig_answer a =
		rig_call(&rig, CLIENT_DELETE, "people", rig_json("{'id':'" ID "'}"), "k");
	OK(a);
	cr_expect_str_eq(rig_text(a.value, "deletedAt"), "2026-11-23T00:00:00.000Z");
	rig_answer_done(&a);
}

/* libcurl itself repeats what came to nothing on a used connection; the server knows that one. */
static bool merges_and_closes(int fd, const char *request, struct fake_shared *shared)
{
	if (strncmp(request, "PATCH", 5) != 0)
		return answers_page(fd, ID, "null"); /* the survivor; the loser is gone */
	if (++shared->status == 1)
		return false;
	return fake_answer(fd, 404, "",
		"{\"statusCode\":404,\"error\":\"NotFoundException\",\"messages\":"
		"[\"Record not found\"]}");
}

Test(client_wire, a_merge_that_was_done_and_not_answered_is_looked_up)
{
	open_towards(merges_and_closes, FAKE_CORE, &(struct rig_conf){.url = NULL});
	struct rig_answer a = rig_call(&rig, CLIENT_MERGE, "people",
		rig_json("{'into':'" ID "','from':['" OTHER "']}"), "k");
	OK(a);
	cr_expect_leq(fake.shared->status, 2);
	cr_expect(strncmp(fake.shared->last, "GET", 3) == 0, "%s", fake.shared->last);
	cr_expect_str_eq(rig_text(a.value, "id"), ID);
	rig_answer_done(&a);
}

/* ---- 200, and yet ---- */

static const char *const lies[] = {
	"{\"statusCode\":500,\"error\":\"InternalServerError\",\"messages\":[\"no\"]}",
	"{\"errors\":[{\"message\":\"no\",\"extensions\":{\"code\":\"FORBIDDEN\"}}],\"data\":null}",
	"{\"data\":{}}",
	"{\"data\":null}",
	"[]",
	"null",
	"\"fine\"",
	"{\"data\":{\"person\":[1,2]}}",
	"{\"data\":{\"updatePerson\":{\"name\":{}}}}",
};

static bool lies_with_200(int fd, const char *request, struct fake_shared *shared)
{
	(void)request;
	return fake_answer(fd, 200, "", lies[atomic_load(&shared->mode)]);
}

Test(client_wire, an_error_that_comes_with_200_is_an_error)
{
	static const struct {
		enum client_op op;
		const char *args;
	} calls[] = {
		{CLIENT_GET, "{'id':'" ID "'}"},
		{CLIENT_LIST, "{'limit':3}"},
		{CLIENT_UPDATE, "{'id':'" ID "','data':{'jobTitle':'x'}}"},
		{CLIENT_CREATE, "{'data':{'firstName':'Ann'}}"},
		{CLIENT_DELETE, "{'id':'" ID "'}"},
		{CLIENT_MERGE, "{'into':'" ID "','from':['" OTHER "']}"},
	};
	open_towards(lies_with_200, FAKE_CORE, &(struct rig_conf){.url = NULL});
	for (size_t i = 0; i < ARRAY_N(lies); i++)
		for (size_t k = 0; k < ARRAY_N(calls); k++) {
			atomic_store(&fake.shared->mode, (int)i);
			struct rig_answer a =
				rig_call(&rig, calls[k].op, "people", rig_json(calls[k].args), "k");
			cr_expect_eq(a.code, RC_UPSTREAM, "%s %s: %s %s", lies[i],
				client_op_name(calls[k].op), rc_name(a.code), a.message);
			cr_expect_eq(a.unknown, client_op_effect(calls[k].op), "%s %s", lies[i],
				client_op_name(calls[k].op));
			rig_answer_done(&a);
		}
}

enum half { HALF_CUT, HALF_HTML, HALF_TRUNCATED, HALF_BLANK };

static bool answers_half(int fd, const char *request, struct fake_shared *shared)
{
	const char *short_of = "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"data\":{";
	if (atomic_load(&shared->hits) > 1)
		return fake_answer(fd, 200, "",
			strncmp(request, "GET", 3) == 0
				? PERSON
				: "{\"data\":{\"updatePerson\":{\"id\":\"" ID "\"}}}");
	switch ((enum half)atomic_load(&shared->mode)) {
	case HALF_CUT:
		return fake_answer(fd, 200, "", "{\"data\":{\"updatePerson\":{\"id\":");
	case HALF_HTML:
		return fake_answer(fd, 200, "Content-Type: text/html\r\n", "<html>hello</html>");
	case HALF_TRUNCATED:
		(void)fake_write(fd, short_of, strlen(short_of));
		return false;
	case HALF_BLANK:
		return fake_answer(fd, 200, "", "");
	}
	return false;
}

Test(client_wire, half_an_answer_to_an_update_is_asked_for_again)
{
	for (int mode = HALF_CUT; mode <= HALF_BLANK; mode++) {
		open_towards(answers_half, FAKE_CORE, &(struct rig_conf){.url = NULL});
		atomic_store(&fake.shared->mode, mode);
		struct rig_answer a = rig_call(&rig, CLIENT_UPDATE, "people",
			rig_json("{'id':'" ID "','data':{'jobTitle':'x'}}"), "k");
		OK(a);
		cr_expect_geq(a.requests, 2, "mode %d", mode);
		rig_answer_done(&a);
		if (mode != HALF_BLANK)
			close_all();
	}
}

/* ---- 429 ---- */

static bool limits_until_a_date(int fd, const char *request, struct fake_shared *shared)
{
	char headers[128], date[64];
	struct tm tm;
	time_t at = time(NULL) + 3;
	(void)request;
	if (atomic_load(&shared->hits) > 1)
		return fake_answer(fd, 200, "", PERSON);
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&at, &tm));
	snprintf(headers, sizeof(headers), "Retry-After: %s\r\n", date);
	return fake_answer(fd, 429, headers, "{}");
}

Test(client_wire, a_date_in_retry_after_is_waited_for)
{
	open_towards(limits_until_a_date, FAKE_CORE, &(struct rig_conf){.url = NULL});
	int64_t from_ms = clock_mono_ms();
	struct rig_answer a = get();
	int64_t took_ms = clock_mono_ms() - from_ms;
	OK(a);
	cr_expect(took_ms >= 2000 && took_ms < 4500, "%ld ms", (long)took_ms);
	rig_answer_done(&a);
}

static bool limits_for_an_hour(int fd, const char *request, struct fake_shared *shared)
{
	(void)request;
	if (atomic_load(&shared->mode) == 0)
		return fake_answer(fd, 429, "Retry-After: 3600\r\n", "{}");
	return fake_answer(fd, 200, "", PERSON);
}

static bool is_held(void *ctx)
{
	return strcmp(status().waiting_for, ctx) == 0 && status().in_flight == 0;
}

static bool asked_again(void *ctx)
{
	return atomic_load(&fake.shared->hits) > *(int *)ctx && status().in_flight == 0;
}

Test(client_wire, an_hour_in_retry_after_is_one_request_a_minute)
{
	struct rig_answer a[20];
	open_towards(limits_for_an_hour, FAKE_CORE, &(struct rig_conf){.url = NULL});
	for (int i = 0; i < 20; i++)
		rig_submit(&rig, &a[i], CLIENT_GET, "people", rig_json("{'id':'" ID "'}"), "k");
	cr_assert(rig_until(&rig, is_held, (void *)(uintptr_t) "budget", 10000));
	struct client_status s = status();
	cr_expect_eq(s.waiting, 20);
	cr_expect_eq(s.lanes[CLIENT_LIVE], 20);
	cr_expect(s.next_ms > 58000 && s.next_ms <= 60000, "%ld", (long)s.next_ms);
	for (int minute = 0; minute < 10; minute++) {
		int before = atomic_load(&fake.shared->hits);
		clock_skip_mono_ms(60001);
		poke();
		cr_assert(rig_until(&rig, asked_again, &before, 10000));
		cr_expect_eq(atomic_load(&fake.shared->hits), before + 1, "minute %d", minute);
	}
	atomic_store(&fake.shared->mode, 1);
	clock_skip_mono_ms(60001);
	poke();
	cr_assert(rig_await(&rig, a, 20, 10000));
	for (int i = 0; i < 20; i++) {
		OK(a[i]);
		rig_answer_done(&a[i]);
	}
	cr_expect_str_eq(status().waiting_for, "");
}

static bool limits_the_probe(int fd, const char *request, struct fake_shared *shared)
{
	if (atomic_load(&shared->probes) == 1 && strstr(request, "limit=1 ") != NULL)
		return fake_answer(fd, 429, "",
			"{\"statusCode\":429,\"error\":\"HttpException\",\"messages\":"
			"[\"Limit reached (60 tokens per 60000 ms)\"]}");
	return fake_answer(fd, 200, "", strstr(request, "limit=1 ") != NULL ? FAKE_PEOPLE : PERSON);
}

Test(client_wire, the_first_question_learns_the_limit_too)
{
	open_towards(limits_the_probe, FAKE_OWN, &(struct rig_conf){.budget = "100/m"});
	struct rig_answer a = get();
	OK(a);
	cr_expect_float_eq(status().rate, 60, 0.1, "%g", status().rate);
	rig_answer_done(&a);
}

static void list_some(int n)
{
	static struct rig_answer a[80];
	for (int i = 0; i < n; i++)
		rig_submit(&rig, &a[i], CLIENT_LIST, "people", rig_json("{'limit':1}"), "b");
	cr_assert(rig_await(&rig, a, (size_t)n, 40000));
	for (int i = 0; i < n; i++) {
		OK(a[i]);
		rig_answer_done(&a[i]);
	}
}

Test(client_wire, a_limit_that_every_answer_tells_is_kept_without_a_refusal)
{
	cr_assert(rig_open(
		&rig, &(struct rig_conf){
			      .twin = "docs", .twin_args = "--budget 60/m", .budget = "100/m"}));
	list_some(1);
	cr_expect_float_eq(status().rate, 60, 0.1, "%g", status().rate);
	list_some(62);
	cr_expect_eq(rig_logged(&rig, "GET", "\"status\":429"), 0);
}

Test(client_wire, a_limit_that_a_refusal_tells_is_kept_from_then_on)
{
	cr_assert(rig_open(
		&rig, &(struct rig_conf){
			      .twin = "core", .twin_args = "--budget 60/m", .budget = "100/m"}));
	list_some(70);
	cr_expect_float_eq(status().rate, 60, 0.1, "%g", status().rate);
	int refused = rig_logged(&rig, "GET", "\"status\":429");
	cr_expect_geq(refused, 1);
	list_some(6);
	cr_expect_eq(rig_logged(&rig, "GET", "\"status\":429"), refused);
}

/* ---- down, and out ---- */

static bool probed(void *ctx)
{
	struct client_status s = status();
	return s.requests > *(int64_t *)ctx && s.next_ms > 0;
}

Test(client_wire, an_hour_without_twenty_costs_probes_and_nothing_else)
{
	static struct rig_answer a[1000];
	char url[64], listen[64];
	int port = port_free();
	snprintf(url, sizeof(url), "http://127.0.0.1:%d", port);
	snprintf(listen, sizeof(listen), "127.0.0.1:%d", port);
	cr_assert(rig_open(&rig, &(struct rig_conf){.url = url}));
	for (size_t i = 0; i < ARRAY_N(a); i++)
		rig_submit(&rig, &a[i], CLIENT_LIST, "people", rig_json("{'limit':2}"), "k");
	cr_assert(rig_until(&rig, has_problem, NULL, 10000));
	int64_t gone_ms = 0;
	while (gone_ms < 3600000) {
		struct client_status s = status();
		cr_assert_str_eq(s.waiting_for, "twenty");
		cr_assert_eq(s.waiting, 1000);
		clock_skip_mono_ms(s.next_ms + 1);
		gone_ms += s.next_ms + 1;
		poke();
		cr_assert(rig_until(&rig, probed, &s.requests, 10000));
	}
	int64_t probes = status().requests;
	cr_expect(probes >= 110 && probes <= 260, "%ld", (long)probes);
	cr_assert(rig_start_twin(&rig, "core", listen, "--budget none"));
	clock_skip_mono_ms(31000);
	poke();
	cr_assert(rig_await(&rig, a, ARRAY_N(a), 30000));
	for (size_t i = 0; i < ARRAY_N(a); i++) {
		OK(a[i]);
		cr_assert_eq(a[i].requests, 1);
		rig_answer_done(&a[i]);
	}
}

static bool may_refuse(int fd, const char *request, struct fake_shared *shared)
{
	bool probe = strstr(request, "people?limit=1 ") != NULL;
	if (atomic_load(&shared->mode) != 0)
		return fake_answer(fd, atomic_load(&shared->mode), "",
			"{\"statusCode\":401,\"error\":\"X\",\"messages\":[\"revoked\"],"
			"\"code\":\"FORBIDDEN_EXCEPTION\"}");
	return fake_answer(fd, 200, "", probe ? FAKE_PEOPLE : PERSON);
}

static bool is_refused(void *ctx)
{
	(void)ctx;
	return status().refused;
}

static int said(const char *file, const char *text)
{
	int n = 0;
	char *all = process_read(file);
	for (const char *at = all; at != NULL && (at = strstr(at, text)) != NULL; at++)
		n++;
	free(all);
	return n;
}

static void is_revoked_with(int code)
{
	struct rig_answer a[30];
	char file[200];
	open_towards(may_refuse, FAKE_OWN, &(struct rig_conf){.url = NULL});
	struct rig_answer first = get();
	OK(first);
	rig_answer_done(&first);
	snprintf(file, sizeof(file), "%s/log", rig.dir);
	int fd = open(file, O_CREAT | O_WRONLY | O_APPEND, 0600), was = dup(2);
	cr_assert(fd >= 0 && was >= 0 && dup2(fd, 2) >= 0);
	log_start("test", LOG_TEXT, LOG_INFO);
	atomic_store(&fake.shared->mode, code);
	for (int i = 0; i < 30; i++)
		rig_submit(&rig, &a[i], CLIENT_GET, "people", rig_json("{'id':'" ID "'}"), "k");
	bool refused = rig_until(&rig, is_refused, NULL, 10000);
	int64_t requests = status().requests;
	for (int minute = 0; minute < 5 && refused; minute++) {
		int before = atomic_load(&fake.shared->probes);
		clock_skip_mono_ms(60001);
		poke();
		refused = rig_until(&rig, probed, &requests, 10000);
		cr_expect_eq(atomic_load(&fake.shared->probes), before + 1);
		requests = status().requests;
		cr_expect_str_eq(status().waiting_for, "twenty");
	}
	atomic_store(&fake.shared->mode, 0);
	clock_skip_mono_ms(60001);
	poke();
	bool all = rig_await(&rig, a, 30, 10000);
	cr_assert(dup2(was, 2) >= 0);
	cr_assert(refused);
	cr_assert(all);
	for (int i = 0; i < 30; i++) {
		OK(a[i]);
		rig_answer_done(&a[i]);
	}
	cr_expect_eq(said(file, "refused the key"), 1);
	cr_expect_eq(said(file, "is back"), 1);
	cr_expect_eq(said(file, RIG_KEY), 0);
	close(fd);
	close(was);
}

Test(client_wire, a_key_that_is_revoked_is_said_once_and_no_call_fails)
{
	is_revoked_with(401);
}

Test(client_wire, a_key_that_is_forbidden_everything_is_said_once_and_no_call_fails)
{
	is_revoked_with(403);
}

static bool has_no_record(void *ctx)
{
	(void)ctx;
	return status().waiting == 0;
}

/* With no budget in the configuration nothing is paced, but a refusal stops everybody. */
static bool limits_one(int fd, const char *request, struct fake_shared *shared)
{
	(void)request;
	if (atomic_load(&shared->hits) == 1)
		return fake_answer(fd, 429, "Retry-After: 1\r\n", "{}");
	return fake_answer(fd, 200, "", PERSON);
}

Test(client_wire, without_a_budget_a_refusal_still_stops_everybody)
{
	struct rig_answer a[300];
	open_towards(limits_one, FAKE_CORE, &(struct rig_conf){.budget = "none"});
	struct rig_answer one;
	rig_submit(&rig, &one, CLIENT_GET, "people", rig_json("{'id':'" ID "'}"), "k");
	cr_assert(rig_until(&rig, is_held, (void *)(uintptr_t) "budget", 5000));
	int64_t from_ms = clock_mono_ms();
	for (size_t i = 0; i < ARRAY_N(a); i++)
		rig_submit(&rig, &a[i], CLIENT_GET, "people", rig_json("{'id':'" ID "'}"), "k");
	cr_assert(rig_await(&rig, a, ARRAY_N(a), 10000));
	int64_t took_ms = clock_mono_ms() - from_ms;
	cr_expect(took_ms >= 800 && took_ms < 4000, "%ld ms", (long)took_ms);
	cr_assert(rig_until(&rig, has_no_record, NULL, 5000));
	for (size_t i = 0; i < ARRAY_N(a); i++) {
		OK(a[i]);
		rig_answer_done(&a[i]);
	}
	rig_answer_done(&one);
}
