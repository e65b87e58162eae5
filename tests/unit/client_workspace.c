/* SPDX-License-Identifier: MIT */
/* What the command asks of a workspace, against a server that answers as each test says. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/clock.h"
#include "client/client.h"
#include "client/door.h"
#include "client/jot.h"
#include "client/workspace.h"
#include "tests/harness/process.h"
#include "tests/unit/client_fake.h"

#define ID "0fe69330-5fa1-46c2-8d14-dba04afe2459"
#define KEY_ID "8381ab5c-3a4b-4cdc-b08f-bc3e4bee6163"
/* {"sub":"w","type":"API_KEY","jti":"8381ab5c-..","exp":1999999999} */
#define TOKEN                                                                                      \
	"eyJhbGciOiJIUzI1NiJ9."                                                                    \
	"eyJzdWIiOiJ3IiwidHlwZSI6IkFQSV9LRVkiLCJqdGkiOiI4MzgxYWI1Yy0zYTRiLTRjZGMtYjA4Zi1iYzNlNGJl" \
	"Z"                                                                                        \
	"TYxNjMiLCJleHAiOjE5OTk5OTk5OTl9.c2lnbmF0dXJl"
#define MADE                                                                                       \
	"{\"id\":\"" ID "\",\"targetUrl\":\"https://h.example/hooks/twenty\",\"operations\":[\""   \
	"person.*\"],\"secret\":\"%s\",\"createdAt\":\"2026-11-23T18:18:56.087Z\"}"

struct visit {
	struct fake fake;
	struct conf *conf;
	struct workspace *workspace;
	char dir[128];
};

static void open_at(struct visit *v, const char *url, const char *key)
{
	char text[2048], path[192];
	struct err err = {.msg = ""};
	cr_assert(process_folder(v->dir));
	snprintf(text, sizeof(text), "twenty = { url = \"%s\", key = \"%s\" }\n", url, key);
	cr_assert(process_write(v->dir, "m.lua", text));
	snprintf(path, sizeof(path), "%s/m.lua", v->dir);
	cr_assert_eq(conf_load(path, &client_conf_table, 1, NULL, 0, &v->conf, &err), RC_OK, "%s",
		err.msg);
	cr_assert_eq(workspace_open(v->conf, 1500, &v->workspace, &err), RC_OK, "%s", err.msg);
}

static void open_visit(struct visit *v, fake_handler handler, const char *key)
{
	*v = (struct visit){.conf = NULL};
	cr_assert(fake_open(&v->fake, handler, FAKE_ALL));
	open_at(v, v->fake.url, key);
}

static void close_visit(struct visit *v)
{
	workspace_close(v->workspace);
	conf_free(v->conf);
	if (v->fake.pid != 0)
		fake_close(&v->fake);
	process_folder_remove(v->dir);
}

/* ---- greeting ---- */

enum { MODE_CORE, MODE_401, MODE_REVOKED, MODE_429, MODE_500, MODE_HTML, MODE_SILENT };

static bool greets(int fd, const char *request, struct fake_shared *shared)
{
	(void)request;
	switch (atomic_load(&shared->mode)) {
	case MODE_CORE:
		return fake_answer(fd, 200, "", FAKE_PEOPLE);
	case MODE_401:
		return fake_answer(fd, 401, "",
			"{\"statusCode\":401,\"messages\":[\"Token invalid.\"],\"error\":"
			"\"UNAUTHENTICATED\"}");
	case MODE_REVOKED:
		return fake_answer(fd, 403, "",
			"{\"statusCode\":403,\"messages\":[\"This API Key is revoked\"],\"error\":"
			"\"FORBIDDEN_EXCEPTION\"}");
	case MODE_429:
		return fake_answer(fd, 429, "",
			"{\"statusCode\":429,\"messages\":[\"Limit reached (100 tokens per 60000 "
			"ms)\"],\"error\":\"x\"}");
	case MODE_500:
		return fake_answer(fd, 500, "", "oops");
	case MODE_HTML:
		return fake_answer(fd, 200, "", "<html>welcome</html>");
	default:
		pause();
		return false;
	}
}

Test(client_workspace, each_way_to_be_greeted_is_told_apart, .timeout = 30)
{
	static const struct {
		int mode;
		enum rc rc;
		const char *says;
	} ways[] = {{MODE_CORE, RC_OK, ""}, {MODE_401, RC_AUTH, "put a valid one into twenty.key"},
		{MODE_REVOKED, RC_AUTH, "refused the key"}, {MODE_429, RC_LIMITED, "in a minute"},
		{MODE_500, RC_UPSTREAM, "500"}, {MODE_HTML, RC_UPSTREAM, "not Twenty's REST API"},
		{MODE_SILENT, RC_TIMEOUT, "no answer in time"}};
	struct visit v;
	open_visit(&v, greets, "canary-key");
	for (size_t i = 0; i < ARRAY_N(ways); i++) {
		const char *dialect = "";
		struct err err = {.msg = ""};
		atomic_store(&v.fake.shared->mode, ways[i].mode);
		cr_expect_eq(workspace_greet(v.workspace, &dialect, &err), ways[i].rc, "%d: %s",
			ways[i].mode, err.msg);
		cr_expect(strstr(err.msg, ways[i].says) != NULL, "%s", err.msg);
		cr_expect(strstr(err.msg, "canary") == NULL);
		cr_expect_str_eq(dialect, ways[i].rc == RC_OK ? "core" : "");
	}
	close_visit(&v);
}

Test(client_workspace, nobody_there_is_unreachable, .timeout = 30)
{
	struct visit v = {.conf = NULL};
	const char *dialect;
	struct err err = {.msg = ""};
	open_at(&v, "http://127.0.0.1:1", "k");
	cr_expect_eq(workspace_greet(v.workspace, &dialect, &err), RC_UNREACHABLE);
	cr_expect(strstr(err.msg, "refuses connections") != NULL, "%s", err.msg);
	close_visit(&v);
}

/* ---- the key ---- */

static bool knows_the_key(int fd, const char *request, struct fake_shared *shared)
{
	(void)shared;
	if (strncmp(request, "GET /rest/metadata/apiKeys/" KEY_ID " ", 64) == 0)
		return fake_answer(fd, 200, "",
			"{\"id\":\"" KEY_ID "\",\"name\":\"automation\",\"revokedAt\":null}");
	return fake_answer(fd, 404, "", "{}");
}

Test(client_workspace, the_name_and_the_end_of_a_key_are_found_by_its_id, .timeout = 30)
{
	struct visit v;
	struct workspace_key key;
	open_visit(&v, knows_the_key, TOKEN);
	workspace_key(v.workspace, &key);
	cr_expect_str_eq(key.name, "automation");
	cr_expect_eq(key.expires_ms, INT64_C(1999999999000));
	close_visit(&v);
	open_visit(&v, knows_the_key, "no-token");
	workspace_key(v.workspace, &key);
	cr_expect_str_eq(key.name, "");
	cr_expect_eq(key.expires_ms, 0);
	cr_expect_eq(
		atomic_load(&v.fake.shared->hits), 0, "a key without an id is not asked after");
	close_visit(&v);
}

/* ---- the schema ---- */

static bool tells_objects(int fd, const char *request, struct fake_shared *shared)
{
	static const char ask[] = "GET /rest/metadata/objects ";
	if (strncmp(request, ask, sizeof(ask) - 1) != 0)
		return fake_answer(fd, 400, "", "{}");
	switch (atomic_load(&shared->mode)) {
	case MODE_CORE:
		return fake_answer(fd, 200, "", "{\"data\":{\"objects\":[]}}");
	case MODE_HTML:
		return fake_answer(fd, 200, "", "<html>");
	default:
		return fake_answer(fd, 404, "", "{\"statusCode\":404}");
	}
}

Test(client_workspace, the_schema_comes_as_it_was_answered_or_not_at_all, .timeout = 30)
{
	static const struct {
		int mode;
		enum rc rc;
		const char *says;
	} ways[] = {{MODE_CORE, RC_OK, ""}, {MODE_HTML, RC_UPSTREAM, "not Twenty's REST API"},
		{MODE_500, RC_UNSUPPORTED, "does not say which objects and fields"}};
	struct visit v;
	open_visit(&v, tells_objects, "k");
	for (size_t i = 0; i < ARRAY_N(ways); i++) {
		json_t *body = NULL;
		struct err err = {.msg = ""};
		atomic_store(&v.fake.shared->mode, ways[i].mode);
		cr_expect_eq(workspace_schema(v.workspace, &body, &err), ways[i].rc, "%s", err.msg);
		cr_expect(strstr(err.msg, ways[i].says) != NULL, "%s", err.msg);
		cr_expect_eq(body != NULL, ways[i].rc == RC_OK);
		json_decref(body);
	}
	close_visit(&v);
}

Test(client_jot, rubbish_is_no_token)
{
	static const char *const keys[] = {
		"", ".", "..", "a.b", "a.b.c.d", "a.!!.c", "a.e30", "a.W10.c", "a.AAAA.c"};
	struct jot jot;
	for (size_t i = 0; i < ARRAY_N(keys); i++)
		cr_expect_not(jot_read(keys[i], &jot), "%s", keys[i]);
	cr_expect(jot_read("a.e30.c", &jot) && jot.id[0] == '\0' && jot.expires_ms == 0);
	cr_expect(jot_read("a.eyJqdGkiOiIuLi8uLiIsImV4cCI6Ii0xIn0.c", &jot)); /* jti ../.. */
	cr_expect_str_eq(jot.id, "");
}

/* ---- time ---- */

static bool dated(int fd, const char *request, struct fake_shared *shared)
{
	(void)request;
	char head[128];
	struct tm tm;
	time_t at = (time_t)(clock_wall_ms() / 1000) + atomic_load(&shared->mode);
	strftime(head, sizeof(head), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", gmtime_r(&at, &tm));
	return fake_answer(fd, 200, head, FAKE_PEOPLE);
}

static void skew_of(int seconds, int64_t *least, int64_t *most)
{
	struct visit v;
	const char *dialect;
	struct err err;
	open_visit(&v, dated, "k");
	cr_expect_not(workspace_skew(v.workspace, least, most));
	atomic_store(&v.fake.shared->mode, seconds);
	cr_assert_eq(workspace_greet(v.workspace, &dialect, &err), RC_OK);
	cr_expect(workspace_skew(v.workspace, least, most));
	close_visit(&v);
}

Test(client_workspace, the_servers_clock_is_known_to_a_second_and_the_way_there, .timeout = 30)
{
	static const int skews[] = {0, 90, -90, 100000};
	for (size_t i = 0; i < ARRAY_N(skews); i++) {
		int64_t least = 0, most = 0;
		skew_of(skews[i], &least, &most);
		cr_expect(least <= skews[i] * 1000 && skews[i] * 1000 <= most, "%d: %ld..%ld",
			skews[i], (long)least, (long)most);
		cr_expect(most - least < 3000, "%ld..%ld", (long)least, (long)most);
	}
}

/* ---- webhooks ---- */

enum { HOOK_MADE, HOOK_OTHER_SECRET, HOOK_LOST, HOOK_LOST_UNMADE, HOOK_DENIED, HOOK_MASKED };

static bool keeps_webhooks(int fd, const char *request, struct fake_shared *shared)
{
	char body[512];
	int mode = atomic_load(&shared->mode);
	bool post = strncmp(request, "POST /rest/webhooks ", 20) == 0;
	if (mode == HOOK_DENIED)
		return fake_answer(fd, 400, "",
			"{\"statusCode\":400,\"error\":\"Error\",\"messages\":[\"Entity performing "
			"the request does not have permission\"],\"code\":\"PERMISSION_DENIED\"}");
	if (strncmp(request, "DELETE ", 7) == 0) {
		atomic_fetch_add(&shared->probes, 1);
		return fake_answer(fd, 200, "Content-Type: text/html\r\n", "true");
	}
	if (post && (mode == HOOK_LOST || mode == HOOK_LOST_UNMADE))
		return false;
	snprintf(body, sizeof(body),
		post                       ? MADE
		: mode == HOOK_LOST_UNMADE ? "[]"
					   : "[" MADE "]",
		mode == HOOK_OTHER_SECRET ? "theirs"
		: mode == HOOK_MASKED     ? "*****"
					  : "s3cret");
	return fake_answer(fd, post ? 201 : 200, "", body);
}

static enum rc add(struct visit *v, struct uuid *ret_id, struct err *err)
{
	json_t *operations = json_pack("[s]", "person.*");
	struct webhook_new new = {.target = "https://h.example/hooks/twenty",
		.secret = "s3cret",
		.description = "d",
		.operations = operations};
	enum rc rc = workspace_webhook_add(v->workspace, &new, ret_id, err);
	json_decref(operations);
	return rc;
}

Test(client_workspace, a_webhook_is_made_as_asked_or_not_at_all, .timeout = 30)
{
	static const struct {
		int mode;
		enum rc rc;
		int removed;
		const char *says;
	} ways[] = {{HOOK_MADE, RC_OK, 0, ""}, {HOOK_MASKED, RC_OK, 0, ""},
		{HOOK_OTHER_SECRET, RC_UNSUPPORTED, 1, "another secret"}, {HOOK_LOST, RC_OK, 0, ""},
		{HOOK_LOST_UNMADE, RC_UNKNOWN, 0, "webhook list"},
		{HOOK_DENIED, RC_DENIED, 0, "API keys & webhooks"}};
	for (size_t i = 0; i < ARRAY_N(ways); i++) {
		struct visit v;
		struct uuid id = {.text = ""};
		struct err err = {.msg = ""};
		open_visit(&v, keeps_webhooks, "k");
		atomic_store(&v.fake.shared->mode, ways[i].mode);
		cr_expect_eq(add(&v, &id, &err), ways[i].rc, "%d: %s", ways[i].mode, err.msg);
		cr_expect(strstr(err.msg, ways[i].says) != NULL, "%s", err.msg);
		cr_expect(strstr(err.msg, "s3cret") == NULL);
		cr_expect(ways[i].rc != RC_OK || strcmp(id.text, ID) == 0);
		cr_expect_eq(atomic_load(&v.fake.shared->probes), ways[i].removed);
		cr_expect(strstr(v.fake.shared->body, "\"secret\": \"s3cret\"") != NULL ||
				  strstr(v.fake.shared->body, "\"secret\":\"s3cret\"") != NULL,
			"%s", v.fake.shared->body);
		close_visit(&v);
	}
}

Test(client_webhook, a_list_is_read_whatever_else_it_holds)
{
	struct webhooks list;
	struct err err;
	json_t *body = json_loads(
		"[1, null, {}, {\"id\":\"x\",\"targetUrl\":\"y\"}, {\"id\":\"" ID "\"},"
		"{\"id\":\"" ID "\",\"targetUrl\":\"u\",\"secret\":\"\",\"operations\":[1,\"a.b\","
		"\"c\\u0000d\"],\"description\":null},"
		"{\"id\":\"" ID "\",\"targetUrl\":\"v\",\"secret\":\"****\",\"operations\":{}}]",
		JSON_ALLOW_NUL, NULL);
	cr_assert_not_null(body);
	cr_assert_eq(webhooks_read(body, &list, &err), RC_OK);
	cr_assert_eq(list.n, 2);
	cr_expect_str_eq(list.p[0].target, "u");
	cr_expect_str_eq(list.p[0].secret, "");
	cr_expect_str_eq(list.p[0].description, "");
	cr_expect_eq(json_array_size(list.p[0].operations), 1);
	cr_expect_null(list.p[1].secret);
	cr_expect_eq(json_array_size(list.p[1].operations), 0);
	webhooks_done(&list);
	cr_expect_eq(webhooks_read(json_object_get(body, "no"), &list, &err), RC_UPSTREAM);
	json_decref(body);
}

static bool sends(const char *operations, const char *pattern)
{
	json_t *list = json_loads(operations, 0, NULL);
	cr_assert_not_null(list);
	bool is = operations_send(list, pattern);
	json_decref(list);
	return is;
}

Test(client_webhook, operations_send_what_a_pattern_means_alone_or_together)
{
	cr_expect(sends("[\"*.*\"]", "person.created"));
	cr_expect(sends("[\"*.*\"]", "person.*"));
	cr_expect(sends("[\"*.*\"]", "*.*"));
	cr_expect(sends("[\"*.*\"]", "metadata.objectMetadata.created"));
	cr_expect(sends("[\"person.*\"]", "person.updated"));
	cr_expect(sends("[\"person.*\"]", "person.*"));
	cr_expect(sends("[\"*.created\"]", "person.created"));
	cr_expect(sends("[\"person.created\",\"person.updated\",\"person.deleted\","
			"\"*.restored\",\"person.destroyed\"]",
		"person.*"));
	cr_expect_not(sends("[]", "person.created"));
	cr_expect_not(sends("[\"person.created\"]", "person.updated"));
	cr_expect_not(sends("[\"person.created\",\"person.updated\"]", "person.*"));
	cr_expect_not(sends("[\"person.*\"]", "*.deleted"));
	cr_expect_not(sends("[\"people.*\"]", "person.created"));
	cr_expect_not(sends("[\"foo\"]", "person.created"));
}

/* ---- the door ---- */

static bool is_a_door(int fd, const char *request, struct fake_shared *shared)
{
	(void)shared;
	if (strcasestr(request, "authorization:") != NULL)
		return fake_answer(fd, 500, "", "{}");
	return fake_answer(
		fd, strncmp(request, "GET /hooks/twenty ", 18) == 0 ? 405 : 404, "", "{}");
}

Test(client_door, a_knock_tells_the_status_and_nobody_the_key, .timeout = 30)
{
	struct fake fake;
	struct err err = {.msg = ""};
	char url[128];
	int status = 0;
	cr_assert(fake_open(&fake, is_a_door, FAKE_ALL));
	snprintf(url, sizeof(url), "%s/hooks/twenty", fake.url);
	cr_expect_eq(door_knock(url, NULL, 1500, &status, &err), RC_OK, "%s", err.msg);
	cr_expect_eq(status, 405);
	cr_expect_eq(door_knock(fake.url, NULL, 1500, &status, &err), RC_OK);
	cr_expect_eq(status, 404);
	fake_close(&fake);
	cr_expect_eq(door_knock(url, NULL, 1500, &status, &err), RC_UNREACHABLE);
	cr_expect(strstr(err.msg, "refuses connections") != NULL, "%s", err.msg);
}
