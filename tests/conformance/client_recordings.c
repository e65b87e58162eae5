/* SPDX-License-Identifier: MIT */
/*
 * The client against what a real server was recorded to say: for each exchange that an operation
 * can produce, the client sends that request (method, path, query, body) and understands that
 * answer, errors included. And, in the dialect of the published documentation, what that page has
 * no example of: operations made of several requests, refusals, errors. From:
 * tests/data/twenty/rest. The server here replays one answer; what a call asks besides, to find out
 * more, gets empty lists.
 */
#include <criterion/criterion.h>
#include <curl/curl.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/clock.h"
#include "tests/conformance/client_docs_page.h"
#include "tests/unit/client_fake.h"
#include "tests/unit/client_rig.h"

#define FOLDER "tests/data/twenty/rest/"

struct contract {
	const char *recording;
	enum client_op op;
	const char *object;
	const char *args; /* "@body": {data: body}; "@list": {list: body};
			     "@args": body; of the recording */
	enum rc code;
	const char *query; /* where ours says the same in other words; NULL: as recorded */
};

#define P1 "20202020-b000-4485-94de-70c2a98daef2"
#define P2 "20202020-b003-415a-9051-133248495f7f"
#define NOBODY "00000000-0000-4000-8000-000000000000"
#define JANE "f33b9794-209a-474d-848f-1cf934465f72"
#define ALPHA "e42b76f7-a00a-4658-951e-2e713ebc63ce"
#define BETA "7c4ae35b-7b42-4d98-b75a-a4d46a5818ec"
#define DEAL "ea3cacbf-d741-4a02-8704-f74ab11dafff"
#define GONE "36d4adf0-ec41-4587-a1b6-1523f9b5f092"
#define KEPT "87960ae6-e442-4cd7-b0e4-edd378ed969b"
#define CURSOR "eyJpZCI6IjIwMjAyMDIwLWIwMGUtNGJjMS04N2M4LTAwYWViNDljMTBmOCJ9"

#define G CLIENT_GET, "people"
#define L CLIENT_LIST, "people"
#define C CLIENT_CREATE, "people"
#define U CLIENT_UPDATE, "people"

static const struct contract contracts[] = {
#include "tests/conformance/client_contracts.inc"
};

/* Recordings that no operation produces, and why. */
static const struct {
	const char *recording, *why;
} others[] = {
#include "tests/conformance/client_no_contracts.inc"
};

/* The first request gets the recorded answer, others nothing. */
static bool replay(int fd, const char *request, struct fake_shared *shared)
{
	char object[64] = "people", page[256];
	if (atomic_load(&shared->hits) == 1)
		return fake_answer(fd, shared->status, "", shared->reply);
	if (strncmp(request, "GET /rest/", 10) != 0)
		return fake_answer(fd, 500, "", "{}");
	snprintf(object, sizeof(object), "%.*s", (int)strcspn(request + 10, "/? "), request + 10);
	snprintf(page, sizeof(page),
		"{\"data\":{\"%s\":[]},\"totalCount\":0,\"pageInfo\":{\"hasNextPage\":false}}",
		object);
	return fake_answer(fd, 200, "", page);
}

static json_t *load(const char *name, char *ret_text, size_t text_n)
{
	char file[160];
	snprintf(file, sizeof(file), FOLDER "%s.json", name);
	json_t *all = json_load_file(file, 0, NULL);
	if (all == NULL)
		return NULL;
	json_t *body = json_object_get(json_object_get(all, "response"), "body");
	const char *text = json_string_value(body);
	snprintf(file, sizeof(file), FOLDER "%s.body", name);
	json_t *whole = text != NULL && strstr(text, ".body>") != NULL
				? json_load_file(file, 0, NULL)
				: NULL;
	char *dump = json_dumps(whole != NULL ? whole : body, JSON_COMPACT | JSON_ENCODE_ANY);
	snprintf(ret_text, text_n, "%s", dump);
	free(dump);
	json_decref(whole);
	return all;
}

/* The id at the end of a recorded path. */
static json_t *path_id(const char *path)
{
	const char *slash = strrchr(path, '/');
	return json_sprintf("%.*s", (int)strcspn(slash + 1, "?"), slash + 1);
}

/* Adds to the records of a batch the ids that the recorded answer has. */
static json_t *with_ids(const json_t *list, const char *answer)
{
	json_t *out = json_deep_copy(list), *body = json_loads(answer, 0, NULL);
	json_t *records = json_object_get(json_object_get(body, "data"), "createPeople");
	for (size_t i = 0; i < json_array_size(records); i++)
		json_object_set(json_array_get(out, i), "id",
			json_object_get(json_array_get(records, i), "id"));
	json_decref(body);
	return out;
}

static json_t *args_of(const struct contract *c, const json_t *request, const char *answer)
{
	const json_t *body = json_object_get(request, "body");
	if (strcmp(c->args, "@list") == 0)
		return json_pack("{s:o}", "list", with_ids(body, answer));
	if (strcmp(c->args, "@args") == 0)
		return json_deep_copy(body);
	if (strcmp(c->args, "@body") != 0)
		return rig_json(c->args);
	json_t *args = json_pack("{s:O}", "data", body);
	if (c->op == CLIENT_UPDATE)
		json_object_set_new(
			args, "id", path_id(json_string_value(json_object_get(request, "path"))));
	return args;
}

static void decode(const char *in, char *out, size_t n)
{
	int size = 0;
	char *text = curl_easy_unescape(NULL, in, 0, &size);
	snprintf(out, n, "%s", text);
	curl_free(text);
}

/* Every parameter of the one query is in the other; a limit may be more. */
static bool same_query(const char *want, const char *have)
{
	char copy[16384];
	snprintf(copy, sizeof(copy), "%s", want);
	size_t n = 0, m = *have != '\0' ? 1 : 0;
	char *save = NULL;
	for (char *p = strtok_r(copy, "&", &save); p != NULL; p = strtok_r(NULL, "&", &save)) {
		const char *at = strstr(have, p);
		if (at == NULL || (at[strlen(p)] != '\0' && at[strlen(p)] != '&'))
			return false;
		n++;
	}
	for (const char *p = have; *p != '\0'; p++)
		m += *p == '&';
	bool limit = strstr(want, "limit=") == NULL && strstr(have, "limit=") != NULL;
	return m == n + (limit ? 1 : 0);
}

static bool same_body(const json_t *want, const char *have)
{
	if (json_is_null(want) || want == NULL)
		return *have == '\0';
	json_t *sent = json_loads(have, JSON_DECODE_ANY, NULL);
	if (json_object_get(want, "id") == NULL)
		json_object_del(sent, "id");
	for (size_t i = 0; i < json_array_size(want); i++)
		json_object_del(json_array_get(sent, i), "id");
	bool same = json_equal(sent, want);
	json_decref(sent);
	return same;
}

static bool same_request(const struct contract *c, const json_t *request, const struct fake *fake)
{
	char want[16384], have[16384], target[16384], line[16384];
	snprintf(target, sizeof(target), "%s %s",
		json_string_value(json_object_get(request, "method")),
		json_string_value(json_object_get(request, "path")));
	snprintf(line, sizeof(line), "%s", fake->shared->first);
	char *end = strstr(line, " HTTP/");
	if (end == NULL)
		return false;
	*end = '\0';
	char *want_query = strchr(target, '?'), *have_query = strchr(line, '?');
	if (want_query != NULL)
		*want_query++ = '\0';
	if (have_query != NULL)
		*have_query++ = '\0';
	decode(want_query != NULL ? want_query : "", want, sizeof(want));
	decode(have_query != NULL ? have_query : "", have, sizeof(have));
	bool other_body = c->query != NULL && strncmp(c->query, "body differs", 12) == 0;
	const char *query = c->query != NULL && !other_body ? c->query : want;
	bool ok = strcmp(target, line) == 0 && same_query(query, have) &&
		  (other_body || same_body(json_object_get(request, "body"), fake->shared->body));
	if (!ok)
		fprintf(stderr, "%s: sent %s ? %s\n  body %.300s\n  recorded %s ? %s\n",
			c->recording, line, have, fake->shared->body, target, query);
	return ok;
}

/* The rows of an answer to groupBy: as many, counted and summed alike. */
static bool same_groups(const json_t *rows, const json_t *body)
{
	const json_t *row = json_array_get(rows, 0), *group = json_array_get(body, 0);
	double sum = strtod(rig_text(group, "sumAmountAmountMicros"), NULL);
	return json_array_size(rows) == json_array_size(body) &&
	       json_integer_value(json_object_get(row, "count")) ==
		       strtoll(rig_text(group, "totalCount"), NULL, 10) &&
	       strtod(rig_text(row, "sum.amount"), NULL) * 1e6 == sum;
}

/* The answer holds what the server said. */
static bool same_value(const struct contract *c, const struct rig_answer *a, const char *answer)
{
	json_t *body = json_loads(answer, 0, NULL), *data = json_object_get(body, "data");
	json_t *only = json_object_iter_value(json_object_iter(data));
	bool same;
	switch (c->op) {
	case CLIENT_LIST: {
		json_t *info = json_object_get(body, "pageInfo");
		bool more = json_is_true(json_object_get(info, "hasNextPage"));
		same = json_equal(json_object_get(a->value, "records"), only) &&
		       strcmp(rig_text(a->value, "next"),
			       more ? rig_text(info, "endCursor") : "") == 0;
		break;
	}
	case CLIENT_GET:
		same = only != NULL ? json_equal(a->value, only) : json_is_null(a->value);
		break;
	case CLIENT_DUPLICATES: {
		json_t *first = json_array_get(data, 0);
		json_t *found = json_object_iter_value(json_object_iter(first));
		same = json_array_size(data) == 1 ? json_equal(a->value, found)
						  : json_is_array(a->value);
		break;
	}
	case CLIENT_COUNT:
		same = json_equal(a->value, json_object_get(body, "totalCount"));
		break;
	case CLIENT_GROUP_BY:
		same = same_groups(a->value, body);
		break;
	case CLIENT_ENSURE:
		same = json_equal(json_object_get(a->value, "record"), json_array_get(only, 0));
		break;
	case CLIENT_UPDATE_MANY:
		same = json_equal(json_array_get(a->value, 0), only);
		break;
	case CLIENT_GRAPHQL:
		same = json_equal(a->value, data);
		break;
	case CLIENT_MERGE:
		same = strcmp(rig_text(a->value, "id"), ALPHA) == 0 &&
		       strcmp(rig_text(a->value, "emails.primaryEmail"),
			       rig_text(only, "emails.primaryEmail")) == 0;
		break;
	default: /* a record, or a list of it alone */
		same = json_equal(a->value, only) ||
		       (json_array_size(only) == 1 &&
			       json_equal(a->value, json_array_get(only, 0)));
		break;
	}
	json_decref(body);
	return same;
}

static bool check(const struct contract *c, const char *dialect)
{
	static char answer[1 << 20];
	struct fake fake;
	struct rig rig;
	json_t *all = load(c->recording, answer, sizeof(answer));
	cr_assert_not_null(all, "%s is missing", c->recording);
	cr_assert(fake_open(&fake, replay, FAKE_CORE));
	const json_t *request = json_object_get(all, "request");
	const json_t *response = json_object_get(all, "response");
	fake.shared->status = (int)json_integer_value(json_object_get(response, "status"));
	memcpy(fake.shared->reply, answer, strlen(answer) + 1);
	cr_assert(rig_open(&rig, &(struct rig_conf){.url = fake.url, .dialect = dialect}));
	struct rig_answer a =
		rig_call(&rig, c->op, c->object, args_of(c, request, answer), "event/rule/1");
	bool request_ok = same_request(c, request, &fake);
	bool code_ok = a.code == c->code;
	bool value_ok = a.code != RC_OK || same_value(c, &a, answer);
	printf("%-12s %-5s %-42s %-4s %-9s %s\n", client_op_name(c->op), dialect, c->recording,
		request_ok ? "same" : "NOT", rc_name(a.code), value_ok ? "understood" : "NOT");
	if (!code_ok)
		fprintf(stderr, "%s: %s, not %s: %s\n", c->recording, rc_name(a.code),
			rc_name(c->code), a.message);
	if (!value_ok) {
		char *dump = json_dumps(a.value, JSON_ENCODE_ANY);
		fprintf(stderr, "%s: answered %.400s\n", c->recording, dump);
		free(dump);
	}
	rig_answer_done(&a);
	rig_close(&rig);
	fake_close(&fake);
	json_decref(all);
	return request_ok && code_ok && value_ok;
}

Test(client_recordings, each_recorded_exchange_is_produced_and_understood, .timeout = 300)
{
	int bad = 0;
	printf("operation    dialect recording                              request answer\n");
	for (size_t i = 0; i < sizeof(contracts) / sizeof(contracts[0]); i++)
		bad += !check(&contracts[i], "core");
	cr_assert_eq(bad, 0, "%d of %zu", bad, sizeof(contracts) / sizeof(contracts[0]));
}

/* Which test looks at a recording; NULL: none. */
static const char *whose(const char *name)
{
	static const char *const own[] = {"auth-bad-signature", "auth-garbage", "auth-missing",
		"auth-revoked-key", "rate-limit-429-post", "rate-limit-429-batch",
		"rate-limit-graphql"};
	for (size_t i = 0; i < ARRAY_N(contracts); i++)
		if (strcmp(contracts[i].recording, name) == 0)
			return "an operation";
	for (size_t i = 0; i < ARRAY_N(own); i++)
		if (strcmp(own[i], name) == 0)
			return "a test of its own below";
	for (size_t i = 0; i < ARRAY_N(others); i++)
		if (strcmp(others[i].recording, name) == 0)
			return others[i].why;
	return NULL;
}

Test(client_recordings, every_recording_is_produced_or_has_a_reason)
{
	DIR *folder = opendir(FOLDER);
	size_t n = 0;
	cr_assert_not_null(folder);
	for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
		char name[128];
		const char *end = strstr(entry->d_name, ".json");
		if (end == NULL)
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)(end - entry->d_name), entry->d_name);
		const char *why = whose(name);
		cr_expect_not_null(why, "nobody looks at %s", name);
		n++;
		if (why != NULL && strcmp(why, "an operation") != 0)
			printf("%-12s core  %-42s %s\n", "-", name, why);
	}
	closedir(folder);
	cr_expect_gt(n, 200);
	for (size_t i = 0; i < ARRAY_N(others); i++) {
		char file[160];
		snprintf(file, sizeof(file), FOLDER "%s.json", others[i].recording);
		cr_expect_eq(access(file, R_OK), 0, "%s is no recording", others[i].recording);
		for (size_t k = 0; k < ARRAY_N(contracts); k++)
			cr_expect_str_neq(contracts[k].recording, others[i].recording);
	}
}

/* ---- refused keys, as recorded ---- */

static bool replay_always(int fd, const char *request, struct fake_shared *shared)
{
	(void)request;
	return fake_answer(fd, shared->status, "", shared->reply);
}

static bool is_refused(void *ctx)
{
	struct client_status s;
	client_status(((struct rig *)ctx)->client, &s);
	return s.refused;
}

Test(client_recordings, each_recorded_refusal_of_a_key_makes_calls_wait, .timeout = 60)
{
	static const char *const names[] = {
		"auth-bad-signature", "auth-garbage", "auth-missing", "auth-revoked-key"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		static char answer[1 << 16];
		struct fake fake;
		struct rig rig;
		json_t *all = load(names[i], answer, sizeof(answer));
		cr_assert(fake_open(&fake, replay_always, FAKE_OWN));
		fake.shared->status = (int)json_integer_value(
			json_object_get(json_object_get(all, "response"), "status"));
		memcpy(fake.shared->reply, answer, strlen(answer) + 1);
		cr_assert(rig_open(&rig, &(struct rig_conf){.url = fake.url}));
		cr_assert(rig_until(&rig, is_refused, &rig, 5000), "%s", names[i]);
		rig_close(&rig);
		fake_close(&fake);
		json_decref(all);
	}
}

static bool limited_then_made(int fd, const char *request, struct fake_shared *shared)
{
	static const char record[] = "{\"id\":\"" P1 "\",\"jobTitle\":\"x\"}";
	char body[256];
	if (atomic_load(&shared->hits) == 1)
		return fake_answer(fd, shared->status, "", shared->reply);
	if (strncmp(request, "POST /graphql", 13) == 0)
		snprintf(body, sizeof(body), "{\"data\":{\"people\":%s}}", record);
	else if (strncmp(request, "POST /rest/batch", 16) == 0)
		snprintf(body, sizeof(body), "{\"data\":{\"createPeople\":[%s]}}", record);
	else
		snprintf(body, sizeof(body), "{\"data\":{\"createPerson\":%s}}", record);
	return fake_answer(fd, 201, "", body);
}

Test(client_recordings, each_recorded_refusal_for_the_budget_is_waited_out, .timeout = 60)
{
	static const struct {
		const char *recording;
		enum client_op op;
		const char *object, *args, *path;
	} cases[] = {
		{"rate-limit-429-post", CLIENT_CREATE, "people", "{'data':{'jobTitle':'x'}}", "id"},
		{"rate-limit-429-batch", CLIENT_CREATE_MANY, "people",
			"{'list':[{'id':'" P1 "','jobTitle':'x'}]}", "0.id"},
		{"rate-limit-graphql", CLIENT_GRAPHQL, "graphql",
			"{'query':'{ people(first:1){ totalCount } }'}", "people.id"},
	};
	for (size_t i = 0; i < ARRAY_N(cases); i++) {
		static char answer[1 << 16];
		struct fake fake;
		struct rig rig;
		json_t *all = load(cases[i].recording, answer, sizeof(answer));
		cr_assert(fake_open(&fake, limited_then_made, FAKE_CORE));
		fake.shared->status = (int)json_integer_value(
			json_object_get(json_object_get(all, "response"), "status"));
		memcpy(fake.shared->reply, answer, strlen(answer) + 1);
		cr_assert(rig_open(&rig, &(struct rig_conf){.url = fake.url, .budget = "100/m"}));
		int64_t start = clock_mono_ms();
		struct rig_answer a =
			rig_call(&rig, cases[i].op, cases[i].object, rig_json(cases[i].args), "n");
		cr_expect_eq(a.code, RC_OK, "%s: %s", cases[i].recording, a.message);
		cr_expect_eq(a.requests, 2);
		cr_expect_geq(clock_mono_ms() - start, 500);
		cr_expect_str_eq(rig_text(a.value, cases[i].path), P1);
		rig_answer_done(&a);
		rig_close(&rig);
		fake_close(&fake);
		json_decref(all);
	}
}

/* ---- the documentation: what its examples do not show (client_docs_page.c has those) ---- */

#define DOC_ID "a1b2c3d4-e5f6-7890-abcd-ef1234567890"
#define DOC_CO "c1b2c3d4-e5f6-7890-abcd-ef1234567890"
#define DOC_JOHN                                                                                   \
	"{'id':'" DOC_ID "','firstName':'John','lastName':'Doe','email':'john@example.com',"       \
	"'jobTitle':'Software Engineer','createdAt':'2024-03-04T10:00:00Z'}"

struct example {
	enum client_op op;
	const char *object, *args;
	const char *line; /* that must be sent, decoded */
	const char *body; /* NULL: none */
	int status;
	const char *answer;
	enum rc code;
	const char *path, *text; /* in the value */
};

static const struct example examples[] = {
	{CLIENT_GET, "people", "{'id':'" DOC_ID "'}", "GET /rest/people/" DOC_ID, NULL, 404,
		"{'statusCode':404,'message':'Record not found','error':'Not Found'}", RC_OK, "",
		""},
	/* a domain is a link there */
	{CLIENT_CREATE, "companies", "{'data':{'name':'Acme Corp','domain':'acme.com'}}",
		"POST /rest/companies", "{'name':'Acme Corp','website':'https://acme.com'}", 201,
		"{'data':{'id':'" DOC_CO "','name':'Acme Corp','website':'https://acme.com'}}",
		RC_OK, "domainName.primaryLinkUrl", "https://acme.com"},
	{CLIENT_DESTROY, "people", "{'id':'" DOC_ID "'}", "", NULL, 200, "{}", RC_UNSUPPORTED, "",
		""},
	{CLIENT_COUNT, "people", "{'where':{'email':{'contains':'example.com'}}}",
		"GET /rest/people?limit=50&filter[email][contains]=example.com", NULL, 200,
		"{'data':[" DOC_JOHN "],'pageInfo':{'hasNextPage':false}}", RC_OK, "", "1"},
	{CLIENT_ENSURE, "people", "{'where':{'jobTitle':'Software Engineer'},'data':{}}",
		"GET /rest/people?limit=50&filter[jobTitle][eq]=Software "
		"Engineer&orderBy[createdAt]"
		"=ASC",
		NULL, 200, "{'data':[" DOC_JOHN "],'pageInfo':{'hasNextPage':false}}", RC_OK,
		"record.id", DOC_ID},
	{CLIENT_UPDATE, "people",
		"{'id':'" DOC_ID "','data':{'jobTitle':'x'},'only_if':{'jobTitle':'y'}}",
		"GET /rest/people/" DOC_ID, NULL, 200, "{'data':" DOC_JOHN "}", RC_CONFLICT, "",
		""},
	{CLIENT_UPDATE_MANY, "people",
		"{'list':[{'id':'" DOC_ID "','jobTitle':'Senior Product Manager'}]}",
		"PATCH /rest/people/" DOC_ID, "{'jobTitle':'Senior Product Manager'}", 200,
		"{'data':{'id':'" DOC_ID "','jobTitle':'Senior Product Manager'}}", RC_OK,
		"0.jobTitle", "Senior Product Manager"},
	{CLIENT_UPDATE_WHERE, "people",
		"{'where':{'email':{'contains':'nobody'}},'data':{'jobTitle':'x'},'max':5}",
		"GET /rest/people?limit=50&filter[email][contains]=nobody", NULL, 200,
		"{'data':[],'pageInfo':{'hasNextPage':false}}", RC_OK, "", ""},
	{CLIENT_MEMBER, "workspaceMembers", "{'email':'tim@example.com'}",
		"GET /rest/workspaceMembers?limit=50&filter[userEmail][eq]=tim@example.com", NULL,
		200,
		"{'data':[{'id':'" DOC_ID
		"','userEmail':'tim@example.com'}],'pageInfo':{'hasNextPage':false}}",
		RC_OK, "id", DOC_ID},
	{CLIENT_GRAPHQL, "graphql", "{'query':'{ people { totalCount } }'}", "POST /graphql",
		"{'query':'{ people { totalCount } }'}", 200,
		"{'data':{'people':{'totalCount':7}}}", RC_OK, "people.totalCount", "7"},
	{CLIENT_CREATE, "people", "{'data':{'firstName':'x'}}", "POST /rest/people",
		"{'firstName':'x'}", 400,
		"{'statusCode':400,'message':'Validation failed','error':'Bad Request',"
		"'details':{'field':'email','message':'Email is required'}}",
		RC_REJECTED, "", ""},
};

static bool docs_server(int fd, const char *request, struct fake_shared *shared)
{
	if (strncmp(request, "GET /rest/people?limit=1 ", 25) == 0 &&
		atomic_load(&shared->probes) == 1)
		return fake_answer(
			fd, 200, "", "{\"data\":[],\"pageInfo\":{\"hasNextPage\":false}}");
	return fake_answer(fd, shared->status,
		"X-RateLimit-Limit: 100\r\nX-RateLimit-Remaining: 87\r\n", shared->reply);
}

Test(client_recordings, what_no_example_shows_is_said_in_the_words_of_the_documentation,
	.timeout = 120)
{
	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
		const struct example *x = &examples[i];
		struct fake fake;
		struct rig rig;
		char line[16384];
		cr_assert(fake_open(&fake, docs_server, FAKE_OWN));
		json_t *answer = rig_json(x->answer);
		char *dump = json_dumps(answer, JSON_COMPACT);
		fake.shared->status = x->status;
		memcpy(fake.shared->reply, dump, strlen(dump) + 1);
		cr_assert(rig_open(&rig, &(struct rig_conf){.url = fake.url}));
		struct rig_answer a = rig_call(&rig, x->op, x->object, rig_json(x->args), "n");
		cr_expect_eq(a.code, x->code, "%s: %s %s", x->line, rc_name(a.code), a.message);
		cr_expect_str_eq(rig_text(a.value, x->path), x->text, "%s: %s", x->line,
			rig_text(a.value, x->path));
		decode(fake.shared->first, line, sizeof(line));
		char *end = strstr(line, " HTTP/");
		if (end != NULL)
			*end = '\0';
		cr_expect_str_eq(line, x->line);
		json_t *want = x->body != NULL ? rig_json(x->body) : NULL;
		json_t *sent = json_loads(fake.shared->body, JSON_DECODE_ANY, NULL);
		cr_expect(want == NULL ? sent == NULL : json_equal(sent, want), "%s: sent %s",
			x->line, fake.shared->body);
		printf("%-12s docs  %s\n", client_op_name(x->op), line);
		json_decref(want);
		json_decref(sent);
		json_decref(answer);
		free(dump);
		rig_answer_done(&a);
		rig_close(&rig);
		fake_close(&fake);
	}
}

/* Every operation, in both dialects. What was never recorded is looked at in another way. */
Test(client_recordings, every_operation_is_held_against_both_dialects)
{
	printf("operation    core (recordings)  docs (examples)\n");
	for (int op = 0; op < CLIENT_OP_N; op++) {
		int core = 0, docs = 0;
		if (op == CLIENT_ERASE || op == CLIENT_HTTP) /* as destroy; not Twenty's */
			continue;
		for (size_t i = 0; i < ARRAY_N(contracts); i++)
			core += contracts[i].op == (enum client_op)op;
		for (size_t i = 0; i < ARRAY_N(examples); i++)
			docs += examples[i].op == (enum client_op)op;
		docs += client_docs_page_rows((enum client_op)op);
		printf("%-12s %17d  %15d\n", client_op_name((enum client_op)op), core, docs);
		cr_expect(core > 0 || op == CLIENT_MEMBER, "%s: no recording",
			client_op_name((enum client_op)op));
		cr_expect_gt(docs, 0, "%s: no example", client_op_name((enum client_op)op));
	}
}
