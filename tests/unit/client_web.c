/* SPDX-License-Identifier: MIT */
/*
 * http calls of rules: what goes out, what comes back, and all that must not go out.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "client/web.h"
#include "tests/harness/port.h"
#include "tests/unit/client_fake.h"
#include "tests/unit/client_rig.h"

#define CANARY "canary-7f3a9c\"quoted"

static struct fake fake;
static struct rig rig;
static struct rig_answer answers[64];

static void close_all(void)
{
	rig_close(&rig);
	fake_close(&fake);
}

TestSuite(client_web, .fini = close_all, .timeout = 60);

/* more: further settings. Twenty is nobody: http calls need none. */
static void open_with(fake_handler handler, const char *allow, const char *more)
{
	char settings[1024];
	cr_assert(fake_open(&fake, handler, FAKE_ALL));
	char own[96];
	snprintf(own, sizeof(own), "\"%s\"", fake.url);
	snprintf(settings, sizeof(settings), "http = { allow = { %s } }%s",
		allow != NULL ? allow : own, more);
	struct rig_conf conf = {.url = "http://127.0.0.1:9", .settings = settings};
	cr_assert(rig_open(&rig, &conf));
}

/* {'method':'get','url':'<fake><path>', more} */
static json_t *args_of(const char *method, const char *path, const char *more)
{
	json_t *args = rig_json(more);
	char url[300];
	snprintf(url, sizeof(url), "%s%s", fake.url, path);
	json_object_set_new(args, "method", json_string(method));
	if (json_object_get(args, "url") == NULL)
		json_object_set_new(args, "url", json_string(url));
	return args;
}

static struct rig_answer call(const char *method, const char *path, const char *more)
{
	return rig_call(&rig, CLIENT_HTTP, "http", args_of(method, path, more), "event/rule/1");
}

#define OK(a) cr_assert_eq((a).code, RC_OK, "%s: %s", (a).name, (a).message)

/* ---- what goes out ---- */

/* Answers with the head of the request. */
static bool echoes(int fd, const char *request, struct fake_shared *shared)
{
	(void)shared;
	return fake_answer(fd, 200, "X-One: 1\r\nX-Two: a\r\nX-Two: b\r\n", request);
}

Test(client_web, a_get_answers_status_headers_and_body)
{
	open_with(echoes, NULL, "");
	struct rig_answer a =
		call("get", "/v1/find?a=1#part", "{'query':{'q':'a b&c','list':['1','2']}}");
	OK(a);
	cr_expect_eq(json_integer_value(json_object_get(a.value, "status")), 200);
	cr_expect_str_eq(rig_text(a.value, "headers.x-one"), "1");
	cr_expect_str_eq(rig_text(a.value, "headers.x-two"), "a, b");
	const char *head = rig_text(a.value, "body");
	cr_expect(strncmp(head, "GET /v1/find?a=1&", 17) == 0, "%s", head);
	cr_expect_not_null(strstr(head, "q=a%20b%26c"));
	cr_expect_not_null(strstr(head, "list=1&list=2"));
	cr_expect_null(strcasestr(head, "Idempotency-Key"), "a get changes nothing");
	cr_expect_null(strstr(head, RIG_KEY), "the key is Twenty's");
	cr_expect_not_null(strcasestr(head, "user-agent: moonhook/"));
	cr_expect_eq(a.requests, 1);
	rig_answer_done(&a);
}

Test(client_web, an_effect_has_the_same_idempotency_key_whenever_it_goes_out)
{
	open_with(echoes, NULL, "");
	char keys[3][64];
	const char *names[] = {"event/rule/1", "event/rule/1", "event/rule/2"};
	for (size_t i = 0; i < 3; i++) {
		struct rig_answer a = rig_call(
			&rig, CLIENT_HTTP, "http", args_of("post", "/", "{'body':'x'}"), names[i]);
		OK(a);
		const char *at = strstr(rig_text(a.value, "body"), "Idempotency-Key: ");
		cr_assert_not_null(at);
		snprintf(keys[i], sizeof(keys[i]), "%.36s", at + 17);
		rig_answer_done(&a);
	}
	cr_expect_str_eq(keys[0], keys[1]);
	cr_expect_str_neq(keys[0], keys[2]);
}

Test(client_web, a_rule_may_set_its_own_idempotency_key_and_content_type)
{
	open_with(echoes, NULL, "");
	struct rig_answer a = call("put", "/",
		"{'body':'{}','json':true,'headers':{'idempotency-key':'mine','content-type':'a/b',"
		"'Authorization':'Bearer t','User-Agent':'me','X-Empty':''}}");
	OK(a);
	const char *head = rig_text(a.value, "body");
	cr_expect(strncmp(head, "PUT / ", 6) == 0, "%s", head);
	cr_expect_not_null(strstr(head, "idempotency-key: mine\r\n"));
	cr_expect_null(strstr(head, "Idempotency-Key:"));
	cr_expect_not_null(strstr(head, "content-type: a/b\r\n"));
	cr_expect_null(strstr(head, "application/json"));
	cr_expect_not_null(strstr(head, "Authorization: Bearer t\r\n"));
	cr_expect_not_null(strstr(head, "User-Agent: me\r\n"));
	cr_expect_null(strstr(head, "moonhook/"));
	cr_expect_not_null(strstr(head, "X-Empty:\r\n"));
	rig_answer_done(&a);
}

Test(client_web, every_method_goes_out_under_its_name_with_its_body)
{
	static const char *const methods[] = {"post", "put", "patch", "delete"};
	open_with(echoes, NULL, "");
	for (size_t i = 0; i < ARRAY_N(methods); i++) {
		struct rig_answer a =
			call(methods[i], "/x", "{'body':'{\\'a\\':0.1}','json':true}");
		OK(a);
		const char *head = rig_text(a.value, "body");
		cr_expect(strncasecmp(head, methods[i], strlen(methods[i])) == 0, "%s", head);
		cr_expect_not_null(strstr(head, "Content-Type: application/json\r\n"));
		cr_expect_not_null(strstr(head, "Content-Length: 9\r\n"), "%s", head);
		rig_answer_done(&a);
	}
	cr_expect_str_eq(fake.shared->body, "{\"a\":0.1}");
}

/* ---- what comes back ---- */

static bool answers_mode(int fd, const char *request, struct fake_shared *shared)
{
	(void)request;
	return fake_answer(fd, atomic_load(&shared->mode),
		"Content-Type: application/json\r\nLocation: http://127.0.0.1:1/else\r\n",
		"{\"why\":\"because\"}");
}

Test(client_web, a_status_from_400_is_an_error_that_has_the_answer)
{
	static const struct {
		int status;
		enum rc code;
		bool retryable, unknown;
	} rows[] = {{400, RC_REJECTED, false, false}, {401, RC_DENIED, false, false},
		{403, RC_DENIED, false, false}, {404, RC_NOT_FOUND, false, false},
		{408, RC_TIMEOUT, true, true}, {409, RC_CONFLICT, false, false},
		{413, RC_TOO_LARGE, false, false}, {422, RC_REJECTED, false, false},
		{429, RC_LIMITED, true, false}, {500, RC_UPSTREAM, true, true},
		{503, RC_UPSTREAM, true, true}};
	open_with(answers_mode, NULL, "");
	for (size_t i = 0; i < ARRAY_N(rows); i++) {
		atomic_store(&fake.shared->mode, rows[i].status);
		struct rig_answer a = call("post", "/deep/path?token=s3cret", "{}");
		cr_expect_eq(a.code, rows[i].code, "%d: %s", rows[i].status, a.name);
		cr_expect_eq(a.status, rows[i].status);
		cr_expect_eq(a.retryable, rows[i].retryable, "%d", rows[i].status);
		cr_expect_eq(a.unknown, rows[i].unknown, "%d", rows[i].status);
		cr_expect_null(strstr(a.message, "deep"), "%s", a.message);
		cr_expect_null(strstr(a.message, "s3cret"), "%s", a.message);
		cr_expect_not_null(strstr(a.message, "127.0.0.1"), "%s", a.message);
		rig_answer_done(&a);
	}
}

Test(client_web, a_status_in_ok_is_no_error)
{
	open_with(answers_mode, NULL, "");
	atomic_store(&fake.shared->mode, 404);
	struct rig_answer a = call("get", "/", "{'ok':[404,410]}");
	OK(a);
	cr_expect_eq(json_integer_value(json_object_get(a.value, "status")), 404);
	cr_expect_str_eq(rig_text(a.value, "body"), "{\"why\":\"because\"}");
	rig_answer_done(&a);
	a = call("get", "/", "{'ok':[410]}");
	cr_expect_eq(a.code, RC_NOT_FOUND);
	rig_answer_done(&a);
}

Test(client_web, a_redirect_is_not_followed)
{
	open_with(answers_mode, NULL, "");
	atomic_store(&fake.shared->mode, 302);
	struct rig_answer a = call("get", "/", "{'headers':{'Authorization':'Bearer x'}}");
	OK(a);
	cr_expect_eq(json_integer_value(json_object_get(a.value, "status")), 302);
	cr_expect_str_eq(rig_text(a.value, "headers.location"), "http://127.0.0.1:1/else");
	cr_expect_eq(atomic_load(&fake.shared->hits), 1);
	rig_answer_done(&a);
}

static bool sends_bytes(int fd, const char *request, struct fake_shared *shared)
{
	(void)request, (void)shared;
	const char *head = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n";
	return fake_write(fd, head, strlen(head)) && fake_write(fd, "\xff\x00\x01", 3);
}

Test(client_web, a_body_that_is_no_text_is_left_out_rather_than_changed)
{
	open_with(sends_bytes, NULL, "");
	struct rig_answer a = call("get", "/", "{}");
	OK(a);
	cr_expect_null(json_object_get(a.value, "body"));
	cr_expect_eq(json_integer_value(json_object_get(a.value, "status")), 200);
	rig_answer_done(&a);
}

/* ---- secrets ---- */

#define SECRETS                                                                                    \
	" secrets = { ENRICH_KEY = \"canary-7f3a9c\\\"quoted\", BROKEN = \"a\\nb\", "              \
	"EMPTY = \"\" }"

Test(client_web, a_secret_is_put_in_when_the_request_goes_out_and_hidden_in_what_comes_back)
{
	open_with(echoes, NULL, SECRETS);
	struct rig_answer a = call("post", "/",
		"{'headers':{'Authorization':['Bearer ',{'secret':'ENRICH_KEY'}]},'json':true,"
		"'body':['{\\'key\\':\\'',{'secret':'ENRICH_KEY','json':true},'\\'}']}");
	OK(a);
	cr_expect_str_eq(fake.shared->body, "{\"key\":\"canary-7f3a9c\\\"quoted\"}");
	char *dump = json_dumps(a.value, 0);
	cr_expect_null(strstr(dump, "canary"), "%s", dump);
	cr_expect_not_null(strstr(dump, "Bearer (secret ENRICH_KEY)"), "%s", dump);
	free(dump);
	rig_answer_done(&a);
}

static bool echoes_json(int fd, const char *request, struct fake_shared *shared)
{
	(void)request, (void)shared;
	return fake_answer(fd, 401, "X-Key: canary-7f3a9c\"quoted\r\n",
		"{\"bad key\":\"canary-7f3a9c\\\"quoted\"}");
}

Test(client_web, a_secret_that_an_error_shows_is_hidden_too)
{
	open_with(echoes_json, NULL, SECRETS);
	struct rig_answer a = call(
		"get", "/", "{'headers':{'Authorization':['Bearer ',{'secret':'ENRICH_KEY'}]}}");
	cr_expect_eq(a.code, RC_DENIED);
	cr_expect_null(strstr(a.message, "canary"));
	rig_answer_done(&a);
}

/* As languages write JSON that is to stand in a page, forms and addresses. */
static bool echoes_otherwise(int fd, const char *request, struct fake_shared *shared)
{
	(void)request, (void)shared;
	return fake_answer(fd, 200,
		"X-Back: a=sk%2Fcanary%2Bfed%3D%3D&b=sk%2fcanary%2bfed%3d%3d\r\n",
		"{\"php\":\"sk\\/canary+fed==\",\"longer\":\"sk/canary+fed==-canary-more\"}");
}

Test(client_web, a_secret_is_hidden_however_its_slashes_are_written)
{
	/* SHORT stands in LONG, and comes first */
	open_with(echoes_otherwise, NULL,
		" secrets = { A_SHORT = \"sk/canary+fed==\", "
		"B_LONG = \"sk/canary+fed==-canary-more\" }");
	struct rig_answer a = call("get", "/",
		"{'headers':{'X-A':[{'secret':'A_SHORT'}],'X-B':[{'secret':'B_LONG'}]}}");
	OK(a);
	char *dump = json_dumps(a.value, 0);
	cr_expect_null(strstr(dump, "canary"), "%s", dump);
	cr_expect_not_null(strstr(dump, "(secret B_LONG)"), "%s", dump);
	free(dump);
	rig_answer_done(&a);
}

Test(client_web, the_name_of_an_unknown_secret_is_an_error_that_says_which_was_meant)
{
	open_with(echoes, NULL, SECRETS);
	struct rig_answer a = call("get", "/", "{'headers':{'A':[{'secret':'ENRICH_KEI'}]}}");
	cr_expect_eq(a.submitted, RC_INVALID);
	cr_expect_not_null(strstr(a.message, "did you mean \"ENRICH_KEY\"?"), "%s", a.message);
	rig_answer_done(&a);
	a = call("get", "/", "{'headers':{'A':[{'secret':'ZZZZZZZZZZZZ'}]}}");
	cr_expect_not_null(strstr(a.message, "of the configuration"), "%s", a.message);
	cr_expect_null(strstr(a.message, "canary"));
	rig_answer_done(&a);
	cr_expect_eq(atomic_load(&fake.shared->hits), 0);
}

Test(client_web, a_secret_with_a_line_break_does_not_become_a_header)
{
	open_with(echoes, NULL, SECRETS);
	struct rig_answer a = call("get", "/", "{'headers':{'A':[{'secret':'BROKEN'}]}}");
	cr_expect_eq(a.submitted, RC_DENIED);
	cr_expect_not_null(strstr(a.message, "is it in the secret?"), "%s", a.message);
	rig_answer_done(&a);
	a = call("get", "/", "{'headers':{'A':[{'secret':'EMPTY'}]}}");
	cr_expect_eq(a.submitted, RC_INVALID);
	rig_answer_done(&a);
}

Test(client_web, a_secret_may_be_the_whole_url_whose_host_is_then_checked)
{
	char more[300];
	cr_assert(fake_open(&fake, echoes, FAKE_ALL));
	snprintf(more, sizeof(more),
		"http = { allow = { \"%s\" } } secrets = { HOOK = \"%s/services/T0/canary\", "
		"ELSEWHERE = \"https://canary.example.com/x\" }",
		fake.url, fake.url);
	struct rig_conf conf = {.url = "http://127.0.0.1:9", .settings = more};
	cr_assert(rig_open(&rig, &conf));
	struct rig_answer a = call("post", "", "{'url':[{'secret':'HOOK'}],'body':'x'}");
	OK(a);
	const char *body = rig_text(a.value, "body");
	cr_expect(strncmp(body, "POST (secret HOOK) ", 19) == 0, "%s", body);
	rig_answer_done(&a);
	a = call("post", "", "{'url':[{'secret':'ELSEWHERE'}]}");
	cr_expect_eq(a.submitted, RC_DENIED);
	cr_expect_null(strstr(a.message, "canary"), "%s", a.message);
	cr_expect_not_null(strstr(a.message, "\"ELSEWHERE\""), "%s", a.message);
	rig_answer_done(&a);
	a = call("post", "", "{'url':['https://x.example.com/',{'secret':'HOOK'}]}");
	cr_expect_eq(a.submitted, RC_INVALID);
	rig_answer_done(&a);
	cr_expect_eq(atomic_load(&fake.shared->hits), 1);
}

/* ---- at once ---- */

static bool waits(int fd, const char *request, struct fake_shared *shared)
{
	(void)request;
	while (atomic_load(&shared->mode) == 0)
		usleep(1000);
	return fake_answer(fd, 200, "", "{}");
}

static bool has_sent(void *ctx)
{
	(void)ctx;
	return atomic_load(&fake.shared->connections) >= WEB_PER_HOST;
}

Test(client_web, more_calls_than_one_host_may_have_at_once_wait_and_do_not_fail)
{
	open_with(waits, NULL, "");
	for (size_t i = 0; i < 20; i++)
		rig_submit(&rig, &answers[i], CLIENT_HTTP, "http", args_of("post", "/", "{}"), "k");
	cr_assert(rig_until(&rig, has_sent, NULL, 20000));
	int at_once = 0;
	for (size_t i = 0; i < 20; i++)
		at_once += client_acted(rig.client, answers[i].ticket);
	cr_expect_eq(at_once, WEB_PER_HOST);
	atomic_store(&fake.shared->mode, 1);
	cr_assert(rig_await(&rig, answers, 20, 30000));
	for (size_t i = 0; i < 20; i++) {
		OK(answers[i]);
		rig_answer_done(&answers[i]);
	}
}

Test(client_web, a_call_that_waits_can_be_cancelled_and_is_never_sent)
{
	open_with(waits, NULL, "");
	for (size_t i = 0; i < 8; i++)
		rig_submit(&rig, &answers[i], CLIENT_HTTP, "http", args_of("post", "/", "{}"), "k");
	cr_assert(rig_until(&rig, has_sent, NULL, 20000));
	client_cancel(rig.client, answers[7].ticket);
	atomic_store(&fake.shared->mode, 1);
	cr_assert(rig_await(&rig, answers, 7, 30000));
	cr_expect_not(answers[7].done);
	cr_expect_eq(atomic_load(&fake.shared->hits), 7);
	for (size_t i = 0; i < 7; i++)
		rig_answer_done(&answers[i]);
}

static bool is_hit(void *ctx)
{
	(void)ctx;
	return atomic_load(&fake.shared->hits) > 0;
}

Test(client_web, an_effect_on_the_wire_when_the_client_closes_is_unknown)
{
	open_with(waits, NULL, "");
	rig_submit(&rig, &answers[0], CLIENT_HTTP, "http", args_of("post", "/", "{}"), "k");
	rig_submit(&rig, &answers[1], CLIENT_HTTP, "http", args_of("get", "/", "{}"), "k");
	cr_assert(rig_until(&rig, is_hit, NULL, 20000));
	client_free(rig.client);
	rig.client = NULL;
	cr_assert(answers[0].done && answers[1].done);
	cr_expect_eq(answers[0].code, RC_CLOSED);
	cr_expect(answers[0].unknown);
	cr_expect_not(answers[1].unknown);
}

Test(client_web, a_call_needs_no_twenty_at_all)
{
	open_with(echoes, NULL, ""); /* nobody listens where twenty.url leads to */
	struct rig_answer a = call("get", "/", "{}");
	OK(a);
	struct client_status s;
	client_status(rig.client, &s);
	cr_expect_not(s.reachable);
	cr_expect_eq(s.calls, 0, "it is in no lane and no budget of Twenty's");
	rig_answer_done(&a);
}

/* ---- silence, floods ---- */

static bool says_nothing(int fd, const char *request, struct fake_shared *shared)
{
	(void)request;
	const char *head = "HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n";
	(void)fake_write(fd, head, strlen(head));
	while (atomic_load(&shared->mode) == 0 && fake_write(fd, "x", 1))
		usleep(20000); /* bytes keep coming */
	return false;
}

Test(client_web, a_call_ends_at_its_deadline_however_slowly_bytes_keep_coming)
{
	open_with(says_nothing, NULL, "");
	struct rig_answer a = call("post", "/", "{'timeout_ms':300}");
	cr_expect_eq(a.code, RC_TIMEOUT, "%s", a.message);
	cr_expect(a.unknown, "it may have been done");
	cr_expect_eq(a.requests, 1, "and is not sent again by the client");
	rig_answer_done(&a);
	a = call("get", "/", "{'timeout_ms':300}");
	cr_expect_eq(a.code, RC_TIMEOUT, "%s", a.message);
	cr_expect_not(a.unknown);
	rig_answer_done(&a);
}

/* 8 MB of nothing, packed by the way with the least work: stored blocks are no bomb, so a run of
 * one letter is. 258 bytes in 13 bits. */
static bool bombs(int fd, const char *request, struct fake_shared *shared)
{
	unsigned char out[4096];
	size_t n = 0;
	unsigned hold = 0, held = 0;
	const char *head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"
			   "\x1f\x8b\x08";
	(void)request, (void)shared;
	if (!fake_write(fd, head, strlen(head)) || !fake_write(fd, "\0\0\0\0\0\0\3", 7))
		return false;
	const struct {
		unsigned value, bits;
	} first[] = {{3, 3}, {6, 8}}, again[] = {{0xA3, 8}, {0, 5}};
	for (int i = 0; i < 200000; i++) {
		for (int k = 0; k < 2; k++) {
			unsigned value = i == 0 ? first[k].value : again[k].value;
			unsigned bits = i == 0 ? first[k].bits : again[k].bits;
			hold |= value << held;
			held += bits;
			for (; held >= 8; held -= 8, hold >>= 8)
				out[n++] = (unsigned char)hold;
		}
		if (n > sizeof(out) - 8) {
			if (!fake_write(fd, out, n))
				return false;
			n = 0;
		}
	}
	return false;
}

Test(client_web, an_answer_is_cut_at_its_limit_which_counts_unpacked_bytes)
{
	open_with(bombs, NULL, "");
	struct rig_answer a = call("get", "/", "{}");
	cr_expect_eq(a.code, RC_TOO_LARGE, "%s", a.message);
	cr_expect_not_null(strstr(a.message, "larger than 4 MB"), "%s", a.message);
	rig_answer_done(&a);
}

/* ---- where it may not go ---- */

#define DENIED(args_more, words)                                                                   \
	do {                                                                                       \
		struct rig_answer a_ = call("get", "/", args_more);                                \
		cr_expect(a_.code == RC_DENIED || a_.code == RC_INVALID, "%s: %s %s", args_more,   \
			a_.name, a_.message);                                                      \
		cr_expect_not_null(strstr(a_.message, words), "%s: %s", args_more, a_.message);    \
		rig_answer_done(&a_);                                                              \
	} while (0)

Test(client_web, a_host_that_the_configuration_does_not_have_is_refused_in_any_spelling)
{
	static const char *const urls[] = {"https://example.com/", "http://127.0.0.1/",
		"http://127.1/", "http://0x7f.1/", "http://2130706433/", "http://[::1]/",
		"http://[::ffff:127.0.0.1]/", "http://localhost/", "http://169.254.169.254/",
		"https://api.example.com.evil.io/", "https://evilapi.example.com/",
		"https://api.example.com:444/", "http://api.example.com/"};
	open_with(echoes, "\"api.example.com\"", "");
	for (size_t i = 0; i < ARRAY_N(urls); i++) {
		json_t *args = json_pack("{s:s, s:s}", "method", "get", "url", urls[i]);
		struct rig_answer a = rig_call(&rig, CLIENT_HTTP, "http", args, "k");
		cr_expect_eq(a.submitted, RC_DENIED, "%s: %s", urls[i], a.message);
		cr_expect_not_null(strstr(a.message, "http.allow"), "%s: %s", urls[i], a.message);
		rig_answer_done(&a);
	}
	cr_expect_eq(atomic_load(&fake.shared->connections), 0);
}

Test(client_web, http_without_tls_needs_to_be_allowed_as_such)
{
	open_with(echoes, "\"api.example.com\"", "");
	DENIED("{'url':'http://api.example.com/'}", "with https:// only");
}

/* Every name under localhost. leads to this machine, without a resolver. */
Test(client_web, a_name_that_leads_to_this_machine_is_refused_when_it_is_connected_to)
{
	char allow[96], url[96];
	cr_assert(fake_open(&fake, echoes, FAKE_ALL));
	snprintf(allow, sizeof(allow), "http = { allow = { \"http://*.my.localhost:%d\" } }",
		fake.port);
	struct rig_conf conf = {.url = "http://127.0.0.1:9", .settings = allow};
	cr_assert(rig_open(&rig, &conf));
	snprintf(url, sizeof(url), "http://evil.my.localhost:%d/", fake.port);
	json_t *args = json_pack("{s:s, s:s}", "method", "get", "url", url);
	struct rig_answer a = rig_call(&rig, CLIENT_HTTP, "http", args, "k");
	cr_expect_eq(a.code, RC_DENIED, "%s %s", a.name, a.message);
	cr_expect_not_null(strstr(a.message, "of this machine or its network"), "%s", a.message);
	rig_answer_done(&a);
	cr_expect_eq(atomic_load(&fake.shared->connections), 0);
}

Test(client_web, a_name_that_is_allowed_itself_may_lead_to_this_machine)
{
	char allow[96], url[96];
	cr_assert(fake_open(&fake, echoes, FAKE_ALL));
	snprintf(allow, sizeof(allow), "http = { allow = { \"http://good.localhost:%d\" } }",
		fake.port);
	struct rig_conf conf = {.url = "http://127.0.0.1:9", .settings = allow};
	cr_assert(rig_open(&rig, &conf));
	snprintf(url, sizeof(url), "http://good.localhost:%d/", fake.port);
	json_t *args = json_pack("{s:s, s:s}", "method", "get", "url", url);
	struct rig_answer a = rig_call(&rig, CLIENT_HTTP, "http", args, "k");
	OK(a);
	rig_answer_done(&a);
}

Test(client_web, other_schemes_and_user_names_in_a_url_are_refused)
{
	open_with(echoes, NULL, "");
	DENIED("{'url':'file:///etc/passwd'}", "begin with https://");
	DENIED("{'url':'gopher://127.0.0.1/'}", "begin with https://");
	DENIED("{'url':'dict://127.0.0.1/'}", "begin with https://");
	DENIED("{'url':'https://ann:s3cret@api.example.com/'}", "no user name or password");
	DENIED("{'url':''}", "is empty");
	DENIED("{'url':'https://api.example.com/a b'}", "blank");
	DENIED("{'url':'https://api.example.com/a\\nb'}", "control character");
	DENIED("{'url':'no address'}", "blank");
	cr_expect_eq(atomic_load(&fake.shared->connections), 0);
}

Test(client_web, headers_that_would_say_something_else_to_the_server_are_refused)
{
	open_with(echoes, NULL, "");
	DENIED("{'headers':{'X':'a\\r\\nY: b'}}", "line break");
	DENIED("{'headers':{'X':'a\\nY: b'}}", "line break");
	DENIED("{'headers':{'X':'a\\u0001b'}}", "control character");
	DENIED("{'headers':{'X\\r\\nY':'b'}}", "no name of a header");
	DENIED("{'headers':{'X Y':'b'}}", "no name of a header");
	DENIED("{'headers':{'X:':'b'}}", "no name of a header");
	DENIED("{'headers':{'host':'evil.example.com'}}", "not set by a rule");
	DENIED("{'headers':{'Content-Length':'3'}}", "not set by a rule");
	DENIED("{'headers':{'transfer-encoding':'chunked'}}", "not set by a rule");
	DENIED("{'headers':{'A':'1','a':'2'}}", "twice");
	json_t *nul = args_of("get", "/", "{}");
	json_object_set_new(nul, "headers", json_pack("{s:s%}", "X", "a\0b", (size_t)3));
	struct rig_answer a = rig_call(&rig, CLIENT_HTTP, "http", nul, "k");
	cr_expect_not_null(strstr(a.message, "control character"), "%s", a.message);
	DENIED("{'headers':[]}", "table of names");
	DENIED("{'headers':{'A':{}}}", "text is expected");
	DENIED("{'body':'x'}", "get has no body");
	DENIED("{'timeout_ms':0}", "timeout");
	DENIED("{'timeout_ms':700000}", "timeout");
	DENIED("{'ok':[9]}", "statuses");
	DENIED("{'query':{'a':{}}}", "query.a");
	cr_expect_eq(atomic_load(&fake.shared->connections), 0);
}

Test(client_web, proxies_that_the_environment_names_are_not_asked)
{
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	open_with(echoes, NULL, "");
	struct rig_answer a = call("get", "/", "{}");
	OK(a);
	rig_answer_done(&a);
}

Test(client_web, a_server_that_is_not_there_is_an_error_that_can_get_better)
{
	char allow[64], url[64];
	int port = port_free();
	snprintf(allow, sizeof(allow), "\"http://127.0.0.1:%d\"", port);
	open_with(echoes, allow, "");
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/secret?path", port);
	json_t *args = json_pack("{s:s, s:s}", "method", "post", "url", url);
	struct rig_answer a = rig_call(&rig, CLIENT_HTTP, "http", args, "k");
	cr_expect_eq(a.code, RC_UPSTREAM, "%s", a.message);
	cr_expect(a.retryable);
	cr_expect_not(a.unknown, "it cannot have been done");
	cr_expect_null(strstr(a.message, "secret"), "%s", a.message);
	rig_answer_done(&a);
}

/* ---- the configuration ---- */

static void is_bad(const char *settings, const char *words)
{
	struct rig_conf conf = {.url = "http://127.0.0.1:9", .settings = settings};
	cr_expect_not(rig_open(&rig, &conf), "%s", settings);
	cr_expect_not_null(strstr(rig.err.msg, words), "%s: %s", settings, rig.err.msg);
	cr_expect_not_null(strstr(rig.err.msg, "rig.lua:"), "%s: %s", settings, rig.err.msg);
	rig_close(&rig);
	memset(&rig, 0, sizeof(rig));
}

Test(client_web, a_host_that_is_none_is_said_when_the_configuration_is_read)
{
	is_bad("http = { allow = { \"https://api.example.com/v1\" } }", "a host alone");
	is_bad("http = { allow = { \"*\" } }", "as in \"*.example.com\"");
	is_bad("http = { allow = { \"*.com\" } }", "too wide");
	is_bad("http = { allow = { \"ftp://api.example.com\" } }", "https:// or http://");
	is_bad("http = { allow = { \"ann@api.example.com\" } }", "a host alone");
	is_bad("http = { allow = { \"a b\" } }", "a host alone");
	is_bad(" secrets = { [\"A-B\"] = \"canary\" }", "letters, digits");
}
