/* SPDX-License-Identifier: MIT */
/*
 * Replays the recorded exchanges of a real Twenty 2.21.0 against the twin, in recorded order, and
 * compares: status, keys, types, values except the volatile ones, error messages to the letter.
 * From: tests/data/twenty/rest/, and workspace.json beside it (the records that were there before).
 * Ids that the twin makes up are matched with the recorded ones as they appear. No recording is
 * skipped without a line in left_out[]. Prints a table: recording, verdict.
 */
#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <jansson.h>

#include "base/attr.h"
#include "tests/harness/http.h"
#include "tests/harness/port.h"
#include "tests/harness/process.h"

#define DATA "tests/data/twenty"
#define IDS_MAX 4096

struct replay {
	struct process twin;
	char dir[128], url[64];
	struct {
		char recorded[37], actual[37];
	} ids[IDS_MAX];
	size_t id_n;
	char why[512]; /* the first difference of the exchange at hand */
};

/* The order in which they were made; within one second the clock does not tell it. */
static const char *const order[] = {
#include "tests/conformance/twin_recordings.inc"
};

static const struct {
	const char *name, *reason;
} left_out[] = {
	{"conditional-get-etag", "the tag belongs to one body of that server; see the test below"},
};

/* What was done on that server without being recorded: done here before the exchange of that name.
 * recorded_id: the id that the answer's "under" (NULL: the answer itself) had there. */
static const struct {
	const char *before, *method, *path, *body, *recorded_id, *under;
} steps[] = {
	{"person-update-emails-partial", "PATCH",
		"/rest/people/f33b9794-209a-474d-848f-1cf934465f72",
		"{\"name\":{\"lastName\":\"Smith\"}}", NULL, NULL},
	{"people-updateMany-filter2", "POST", "/rest/batch/people",
		"[{\"id\":\"e42b76f7-a00a-4658-951e-2e713ebc63ce\",\"name\":{\"firstName\":"
		"\"Alpha\","
		"\"lastName\":\"R4\"},\"emails\":{\"primaryEmail\":\"alpha.r4@example.com\"},"
		"\"linkedinLink\":{\"primaryLinkUrl\":\"https://linkedin.com/in/alpha\"}},"
		"{\"id\":\"7c4ae35b-7b42-4d98-b75a-a4d46a5818ec\",\"name\":{\"firstName\":\"Beta\","
		"\"lastName\":\"R4\"},\"emails\":{\"primaryEmail\":\"beta.r4@example.com\"}}]",
		NULL, NULL},
	{"opportunity-get", "PATCH", "/rest/opportunities/ea3cacbf-d741-4a02-8704-f74ab11dafff",
		"{\"amount\":{\"amountMicros\":123000000}}", NULL, NULL},
	{"metadata-field-create", "POST", "/rest/metadata/objects",
		"{\"nameSingular\":\"gtInvoice\",\"namePlural\":\"gtInvoices\",\"labelSingular\":"
		"\"GT Invoice\",\"labelPlural\":\"GT Invoices\"}",
		"2354c5c6-bd23-468b-8df8-3845f149daf7", "createOneObject"},
	{"people-updateMany-selffilter-check", "PATCH",
		"/rest/people/e42b76f7-a00a-4658-951e-2e713ebc63ce", "{\"jobTitle\":\"SELF2\"}",
		NULL, NULL},
	{"list-order_by-updatedAt-page1", "PATCH",
		"/rest/people/e42b76f7-a00a-4658-951e-2e713ebc63ce", "{\"jobTitle\":\"ORD11\"}",
		NULL, NULL},
	{"delete-restore-suffix-danger-check", "POST", "/rest/people",
		"{\"id\":\"87960ae6-e442-4cd7-b0e4-edd378ed969b\",\"name\":{\"firstName\":"
		"\"RelKeep\",\"lastName\":\"X\"},\"companyId\":"
		"\"5e1136e4-bffe-4185-bd75-df785d72e798\"}",
		NULL, NULL},
	{"webhook-update", "POST", "/rest/webhooks",
		"{\"targetUrl\":\"http://127.0.0.1:18777/hook/unisecret\",\"operations\":"
		"[\"task.created\"],\"secret\":\" s\\u00e9 cr\\u00e9t \\ud83d\\udd11 \"}",
		"617e0100-f2c7-4fcf-b8f7-59778d9e7781", NULL},
};

/* Values that differ from run to run or depend on records that were never listed. */
static const char *const volatile_keys[] = {"id", "createdAt", "updatedAt", "deletedAt", "position",
	"searchVector", "totalCount", "startCursor", "endCursor", "cursor", "secret", "blocknote",
	"companyId", "universalIdentifier", "applicationId", "objectMetadataId", "description",
	"icon", "morphId", "labelIdentifierFieldMetadataId", "happensAt", "groupByDimensionValues"};
/* Keys of the metadata that only some entries have, or that serve a browser only. */
static const char *const optional_keys[] = {"description", "icon", "imageIdentifierFieldMetadataId",
	"junctionTargetFieldId", "defaultValue", "options", "settings", "color", "morphId"};
/* Of these the shape alone is compared, because their values hang on records that were never
 * listed, or on the order of made-up ids. */
static const char *const shape_only[] = {"groupBy-composite", "groupBy-relation", "groupBy-stage",
	"groupBy-stage-aggregate", "groupBy-date-tz", "graphql-people", "perm-readonly-get",
	"filter-updatedAt-gt", "metadata-fields-list", "list-order_by-updatedAt-page1"};

static bool listed(const char *const *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(list[i], name) == 0)
			return true;
	}
	return false;
}

static bool differ(struct replay *r, const char *path, const char *what)
{
	if (r->why[0] == '\0')
		snprintf(r->why, sizeof(r->why), "%s: %s", path, what);
	return false;
}

static bool is_id(const char *text)
{
	return strlen(text) == 36 && text[8] == '-' && text[13] == '-' && text[23] == '-';
}

static void learn_id(struct replay *r, const char *recorded, const char *actual)
{
	if (r->id_n == IDS_MAX || strcmp(recorded, actual) == 0)
		return;
	for (size_t i = 0; i < r->id_n; i++) {
		if (strcmp(r->ids[i].recorded, recorded) == 0)
			return;
	}
	snprintf(r->ids[r->id_n].recorded, 37, "%s", recorded);
	snprintf(r->ids[r->id_n].actual, 37, "%s", actual);
	r->id_n++;
}

/* Replaces known recorded ids in place: they are all 36 characters long. */
static void translate(struct replay *r, char *text)
{
	for (size_t i = 0; i < r->id_n; i++) {
		for (char *at = text; (at = strstr(at, r->ids[i].recorded)) != NULL; at += 36)
			memcpy(at, r->ids[i].actual, 36);
	}
}

static const char *type_name(const json_t *v)
{
	static const char *const names[] = {
		"object", "array", "string", "number", "number", "boolean", "boolean", "null"};
	return v == NULL ? "nothing" : names[json_typeof(v)];
}

static bool compare(struct replay *r, const char *path, const char *key, json_t *want, json_t *got,
	bool values);

static bool compare_objects(
	struct replay *r, const char *path, json_t *want, json_t *got, bool values)
{
	char deeper[256], text[128];
	const char *key;
	json_t *value;
	bool same = true;
	json_object_foreach(want, key, value)
	{
		bool optional = listed(optional_keys, ARRAY_N(optional_keys), key);
		json_t *other = json_object_get(got, key);
		snprintf(text, sizeof(text), "key %s is missing", key);
		snprintf(deeper, sizeof(deeper), "%s.%s", path, key);
		if (optional && other == NULL)
			continue;
		if (other == NULL)
			same = differ(r, path, text);
		else
			same = compare(r, deeper, key, value, other, values) && same;
	}
	json_object_foreach(got, key, value)
	{
		snprintf(text, sizeof(text), "key %s is not in the recording", key);
		if (json_object_get(want, key) == NULL &&
			!listed(optional_keys, ARRAY_N(optional_keys), key))
			same = differ(r, path, text);
	}
	return same;
}

static bool compare_arrays(
	struct replay *r, const char *path, const char *key, json_t *want, json_t *got, bool values)
{
	char deeper[256], text[96];
	size_t a = json_array_size(want), b = json_array_size(got);
	snprintf(text, sizeof(text), "%zu entries recorded, %zu here", a, b);
	if (a != b && (values || a == 0 || b == 0))
		return differ(r, path, text);
	bool same = true;
	for (size_t i = 0; i < a && i < b; i++) {
		snprintf(deeper, sizeof(deeper), "%s[%zu]", path, i);
		same = compare(r, deeper, key, json_array_get(want, i), json_array_get(got, i),
			       values) &&
		       same;
	}
	return same;
}

static bool compare(
	struct replay *r, const char *path, const char *key, json_t *want, json_t *got, bool values)
{
	char text[200];
	bool is_volatile = listed(volatile_keys, ARRAY_N(volatile_keys), key);
	if (strcmp(key, "id") == 0 && json_is_string(want) && json_is_string(got) &&
		is_id(json_string_value(want)) && is_id(json_string_value(got)))
		learn_id(r, json_string_value(want), json_string_value(got));
	if (strcmp(type_name(want), type_name(got)) != 0) {
		bool nothing = json_is_null(want) || json_is_null(got);
		snprintf(text, sizeof(text), "%s recorded, %s here", type_name(want),
			type_name(got));
		return (is_volatile && nothing) || differ(r, path, text);
	}
	if (json_is_object(want))
		return compare_objects(r, path, want, got, values);
	if (json_is_array(want))
		return compare_arrays(r, path, key, want, got, values);
	bool checked = values || strcmp(key, "message") == 0 || strstr(path, "messages") != NULL;
	if (!checked || is_volatile || json_equal(want, got))
		return true;
	char *a = json_dumps(want, JSON_ENCODE_ANY), *b = json_dumps(got, JSON_ENCODE_ANY);
	if (json_is_string(want))
		translate(r, a);
	bool same = strcmp(a, b) == 0 ||
		    (json_is_number(want) && json_number_value(want) == json_number_value(got));
	snprintf(text, sizeof(text), "%.80s recorded, %.80s here", a, b);
	free(a);
	free(b);
	return same || differ(r, path, text);
}

static json_t *recording_load(const char *name)
{
	char file[256];
	snprintf(file, sizeof(file), DATA "/rest/%s.json", name);
	json_t *recording = json_load_file(file, 0, NULL);
	json_t *response = json_object_get(recording, "response");
	snprintf(file, sizeof(file), DATA "/rest/%s.body", name);
	json_t *body = json_load_file(file, 0, NULL);
	if (body != NULL)
		json_object_set_new(response, "body", body);
	return recording;
}

static const char *recording_auth(const char *name, const json_t *request)
{
	const char *auth = json_string_value(json_object_get(request, "auth"));
	if (auth == NULL)
		return NULL;
	if (strcmp(auth, "Bearer <api key>") == 0)
		return "Authorization: Bearer full-key";
	if (strncmp(name, "perm-readonly", 13) == 0)
		return "Authorization: Bearer read-key";
	if (strcmp(name, "auth-revoked-key") == 0)
		return "Authorization: Bearer dead-key";
	return "Authorization: Bearer garbage";
}

static bool send_json(struct replay *r, const char *method, const char *path, const char *auth,
	const char *body, struct http_answer *ret)
{
	char url[4096];
	snprintf(url, sizeof(url), "%s%s", r->url, path);
	const char *headers[3] = {"Content-Type: application/json", auth, NULL};
	return http_request(method, url, headers, body, body != NULL ? strlen(body) : 0, ret);
}

static void steps_run(struct replay *r, const char *name)
{
	for (size_t i = 0; i < ARRAY_N(steps); i++) {
		struct http_answer answer = {0};
		if (strcmp(steps[i].before, name) != 0)
			continue;
		char path[256];
		snprintf(path, sizeof(path), "%s", steps[i].path);
		translate(r, path);
		cr_assert(send_json(r, steps[i].method, path, "Authorization: Bearer full-key",
				  steps[i].body, &answer),
			"no answer to the step before %s", name);
		cr_assert_eq(answer.status / 100, 2, "the step before %s: %s", name, answer.body);
		json_t *body = json_loads(answer.body, 0, NULL), *at = body;
		if (steps[i].under != NULL)
			at = json_object_get(json_object_get(body, "data"), steps[i].under);
		if (steps[i].recorded_id != NULL)
			learn_id(r, steps[i].recorded_id,
				json_string_value(json_object_get(at, "id")));
		json_decref(body);
		http_answer_done(&answer);
	}
}

/* True where the twin answered as the recording says; else r->why. */
static bool exchange_compare(
	struct replay *r, const char *name, json_t *response, const struct http_answer *answer)
{
	json_t *want = json_object_get(response, "body");
	int status = (int)json_integer_value(json_object_get(response, "status"));
	char text[200];
	snprintf(text, sizeof(text), "%d recorded, %d here: %.120s", status, answer->status,
		answer->body);
	if (answer->status != status)
		return differ(r, "status", text);
	bool empty = want == NULL || json_is_null(want) ||
		     (json_is_string(want) && json_string_length(want) == 0);
	if (empty)
		return answer->body_n == 0 || differ(r, "body", "no body recorded");
	json_t *got = json_loadb(answer->body, answer->body_n, JSON_DECODE_ANY, NULL);
	bool values = !listed(shape_only, ARRAY_N(shape_only), name);
	bool same =
		got != NULL ? compare(r, "", "", want, got, values) : differ(r, "body", "not JSON");
	json_decref(got);
	return same;
}

static bool exchange_replay(struct replay *r, const char *name)
{
	json_t *recording = recording_load(name);
	json_t *request = json_object_get(recording, "request");
	const char *method = json_string_value(json_object_get(request, "method"));
	char path[4096];
	r->why[0] = '\0';
	if (recording == NULL || method == NULL)
		return differ(r, name, "cannot be read");
	snprintf(path, sizeof(path), "%s", json_string_value(json_object_get(request, "path")));
	json_t *body = json_object_get(request, "body");
	char *text = body != NULL && !json_is_null(body)
			     ? json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY)
			     : NULL;
	translate(r, path);
	if (text != NULL)
		translate(r, text);
	struct http_answer answer = {0};
	bool same =
		send_json(r, method, path, recording_auth(name, request), text, &answer)
			? exchange_compare(r, name, json_object_get(recording, "response"), &answer)
			: differ(r, "connection", "no answer");
	http_answer_done(&answer);
	free(text);
	json_decref(recording);
	return same;
}

static void twin_start(struct replay *r, const char *budget)
{
	char listen[32];
	int port = port_free();
	snprintf(listen, sizeof(listen), "127.0.0.1:%d", port);
	snprintf(r->url, sizeof(r->url), "http://127.0.0.1:%d", port);
	const char *argv[] = {process_path("moonhook-twin"), "--listen", listen, "--dialect",
		"core", "--key", "full-key", "--key-name", "recorder", "--read-key", "read-key",
		"--revoked-key", "dead-key", "--budget", budget, "--load", DATA "/workspace.json",
		NULL};
	cr_assert(process_folder(r->dir));
	cr_assert(process_start(&r->twin, r->dir, "twin", argv, NULL));
}

static bool twin_answers(void *arg)
{
	struct replay *r = arg;
	struct http_answer answer = {0};
	bool ok = send_json(r, "GET", "/healthz", NULL, NULL, &answer) && answer.status == 200;
	http_answer_done(&answer);
	return ok;
}

static struct replay *replay_new(const char *budget)
{
	struct replay *r = calloc(1, sizeof(*r));
	cr_assert_not_null(r);
	twin_start(r, budget);
	cr_assert(process_await(twin_answers, r, 10000), "the twin does not answer");
	return r;
}

static void replay_free(struct replay *r)
{
	int status = process_stop(&r->twin, SIGTERM, 5000);
	char *said = process_read(r->twin.err);
	cr_expect_eq(status, 0, "the twin ended with %d: %s", status, said);
	free(said);
	process_folder_remove(r->dir);
	free(r);
}

static const char *left_out_reason(const char *name)
{
	for (size_t i = 0; i < ARRAY_N(left_out); i++) {
		if (strcmp(left_out[i].name, name) == 0)
			return left_out[i].reason;
	}
	return NULL;
}

static bool wants_empty_budget(const char *name)
{
	return strncmp(name, "rate-limit", 10) == 0;
}

Test(twin_recordings, the_twin_answers_as_the_real_server_did, .timeout = 120)
{
	struct replay *r = replay_new("none");
	unsigned same = 0, different = 0;
	for (size_t i = 0; i < ARRAY_N(order); i++) {
		const char *reason = left_out_reason(order[i]);
		if (wants_empty_budget(order[i]))
			reason = "in a test of its own, below";
		if (reason != NULL) {
			printf("%-46s left out: %s\n", order[i], reason);
			continue;
		}
		steps_run(r, order[i]);
		bool ok = exchange_replay(r, order[i]);
		printf("%-46s %s %s\n", order[i], ok ? "same" : "DIFFERS", r->why);
		same += ok;
		different += !ok;
	}
	printf("%u the same, %u different, %zu left out or elsewhere\n", same, different,
		ARRAY_N(order) - same - different);
	cr_expect_eq(different, 0, "%u recordings are answered differently", different);
	replay_free(r);
}

Test(twin_recordings, no_recording_is_forgotten)
{
	size_t n = 0;
	for (size_t i = 0; i < ARRAY_N(order); i++) {
		json_t *recording = recording_load(order[i]);
		cr_expect_not_null(recording, "%s is listed, but there is no such file", order[i]);
		json_decref(recording);
		for (size_t k = 0; k < i; k++)
			cr_expect(strcmp(order[i], order[k]) != 0, "%s is listed twice", order[i]);
		n++;
	}
	cr_expect_eq(n, 204, "204 exchanges were recorded, %zu are listed", n);
}

Test(twin_recordings, an_empty_budget_is_refused_as_recorded, .timeout = 60)
{
	struct replay *r = replay_new("100/m");
	for (int i = 0; i < 100; i++) {
		struct http_answer answer = {0};
		cr_assert(send_json(r, "GET", "/rest/people?limit=1",
			"Authorization: Bearer full-key", NULL, &answer));
		cr_assert_eq(answer.status, 200, "call %d of 100 is refused", i + 1);
		http_answer_done(&answer);
	}
	for (size_t i = 0; i < ARRAY_N(order); i++) {
		if (wants_empty_budget(order[i]))
			cr_expect(exchange_replay(r, order[i]), "%s: %s", order[i], r->why);
	}
	replay_free(r);
}

Test(twin_recordings, a_known_etag_is_answered_with_304, .timeout = 60)
{
	struct replay *r = replay_new("none");
	struct http_answer answer = {0};
	char tag[128] = "If-None-Match: ", url[128];
	static const char auth[] = "Authorization: Bearer full-key";
	snprintf(url, sizeof(url), "%s/rest/people?limit=1", r->url);
	cr_assert(http_request("GET", url, (const char *const[]){auth, NULL}, NULL, 0, &answer));
	char *etag = strstr(answer.headers, "ETag: ");
	cr_assert_not_null(etag);
	snprintf(tag + strlen(tag), sizeof(tag) - strlen(tag), "%.*s",
		(int)strcspn(etag + 6, "\r\n"), etag + 6);
	http_answer_done(&answer);
	cr_assert(
		http_request("GET", url, (const char *const[]){auth, tag, NULL}, NULL, 0, &answer));
	cr_expect_eq(answer.status, 304);
	cr_expect_eq(answer.body_n, 0);
	http_answer_done(&answer);
	replay_free(r);
}
