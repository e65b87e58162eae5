/* SPDX-License-Identifier: MIT */
/*
 * What the published REST documentation says beside its examples, held against the twin in the docs
 * dialect: endpoints, the forms of answers and errors, status codes, rate limit headers. Each is
 * read from the page's text, so that nothing is overlooked; the examples are run by
 * twin_docs_examples.c.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <criterion/criterion.h>
#include <jansson.h>

#include "base/attr.h"
#include "tests/conformance/docs_run.h"

#define JOHN "a1b2c3d4-e5f6-7890-abcd-ef1234567890"
#define DEAL "d0000001-0000-4000-8000-000000000000"
#define NOBODY "00000000-0000-4000-8000-000000000000"

Test(twin_docs, every_block_of_code_on_the_page_is_known, .timeout = 60)
{
	static const int want[DOCS_KIND_N] = {[DOCS_CURL] = 22,
		[DOCS_SHELL] = 1,
		[DOCS_JAVASCRIPT] = 3,
		[DOCS_PYTHON] = 1,
		[DOCS_SAMPLE] = 8,
		[DOCS_HEADERS] = 1,
		[DOCS_ENDPOINT] = 4};
	/* Said by every example, and thus tried there. */
	static const char *const said[] = {"https://api.twenty.com/rest",
		"Authorization: Bearer YOUR_API_KEY", "{BASE_URL}/{object-name}/{id?}"};
	static const char *const code[] = {"curl", "://", "Bearer", "{", "}", "=>", "()", ";", "$",
		"#", "=", "[", "\"", "'", "import ", "const "};
	struct docs_page page;
	int have[DOCS_KIND_N] = {0};
	cr_assert(docs_page_open(&page));
	for (size_t i = 0; i < page.n; i++)
		have[page.blocks[i].kind]++;
	for (int k = 0; k < DOCS_KIND_N; k++)
		cr_expect_eq(
			have[k], want[k], "%s: %d", docs_kind_name((enum docs_kind)k), have[k]);
	size_t known = 0;
	char *save = NULL;
	for (char *l = strtok_r(page.prose, "\n", &save); l != NULL;
		l = strtok_r(NULL, "\n", &save)) {
		bool is_said = false;
		for (size_t i = 0; i < ARRAY_N(said); i++)
			is_said |= strcmp(l, said[i]) == 0;
		known += is_said;
		for (size_t i = 0; !is_said && i < ARRAY_N(code); i++)
			cr_expect_null(strstr(l, code[i]), "an example that nobody runs? %s", l);
	}
	cr_expect_eq(known, ARRAY_N(said));
	docs_page_done(&page);
}

Test(twin_docs, every_endpoint_of_the_page_answers, .timeout = 60)
{
	struct docs_page page;
	cr_assert(docs_page_open(&page));
	struct docs_twin *t = docs_twin_open("none");
	for (size_t i = 0; i < page.n; i++) {
		const struct docs_block *b = &page.blocks[i];
		if (b->kind != DOCS_ENDPOINT)
			continue;
		char path[128];
		int status = 0;
		const char *id = strstr(b->note, "{id}");
		cr_assert_eq(strncmp(b->note, "/rest/", 6), 0);
		snprintf(path, sizeof(path), "%.*s%s",
			(int)(id != NULL ? id - (b->note + 5) : (long)strlen(b->note + 5)),
			b->note + 5,
			id == NULL                                 ? ""
			: strstr(b->note, "opportunities") != NULL ? DEAL
								   : JOHN);
		json_t *answer = docs_twin_json(t, "GET", path, NULL, &status);
		const json_t *data = json_object_get(answer, "data");
		cr_expect_eq(status, 200, "%s: %d", path, status);
		cr_expect(id != NULL ? json_is_object(data) : json_is_array(data), "%s", path);
		json_decref(answer);
	}
	docs_twin_close(t);
	docs_page_done(&page);
}

/* "record or array of records", and pageInfo "for list queries". */
static void success_check(struct docs_twin *t, json_t *want)
{
	char why[160] = "";
	json_t *list = docs_twin_json(t, "GET", "/people?limit=1", NULL, NULL);
	json_t *one = docs_twin_json(t, "GET", "/people/" JOHN, NULL, NULL);
	cr_expect_eq(json_object_size(want), 2);
	cr_expect(json_is_array(json_object_get(list, "data")));
	cr_expect(docs_has_shape(json_object_get(want, "pageInfo"),
			  json_object_get(list, "pageInfo"), "pageInfo", why),
		"%s", why);
	cr_expect(json_is_object(json_object_get(one, "data")));
	cr_expect_null(json_object_get(one, "pageInfo"));
	json_decref(list);
	json_decref(one);
}

static void error_check(struct docs_twin *t, json_t *want)
{
	char why[160] = "";
	int status = 0;
	json_t *got = docs_twin_json(t, "POST", "/people", "{\"email\":\"not an email\"}", &status);
	cr_expect_eq(status, (int)json_integer_value(json_object_get(want, "statusCode")));
	cr_expect(docs_has_shape(want, got, "", why), "%s", why);
	cr_expect_str_eq(json_string_value(json_object_get(got, "error")),
		json_string_value(json_object_get(want, "error")));
	cr_expect_str_eq(
		json_string_value(json_object_get(json_object_get(got, "details"), "field")),
		"email");
	json_decref(got);
}

Test(twin_docs, answers_and_errors_have_the_forms_of_the_page, .timeout = 60)
{
	struct docs_page page;
	size_t checked = 0;
	cr_assert(docs_page_open(&page));
	struct docs_twin *t = docs_twin_open("none");
	for (size_t i = 0; i < page.n; i++) {
		const struct docs_block *b = &page.blocks[i];
		if (b->kind != DOCS_SAMPLE || b->response)
			continue;
		json_t *want = docs_sample(b);
		cr_assert_not_null(want, "line %d is no JSON", b->line);
		if (strcmp(b->heading, "Success Response") == 0)
			success_check(t, want);
		else if (strcmp(b->heading, "Error Response") == 0)
			error_check(t, want);
		else
			cr_expect_fail("line %d: nobody looks at this answer", b->line);
		json_decref(want);
		checked++;
	}
	cr_expect_eq(checked, 2);
	docs_twin_close(t);
	docs_page_done(&page);
}

/* ---- status codes ---- */

struct provoked {
	int status;
	const char *key, *method, *path, *body, *fault;
};

static const struct provoked provoked[] = {
	{200, DOCS_TWIN_KEY, "GET", "/people/" JOHN, NULL, NULL},
	{200, DOCS_TWIN_READ_KEY, "GET", "/people/" JOHN, NULL, NULL},
	{201, DOCS_TWIN_KEY, "POST", "/people", "{\"firstName\":\"Ann\"}", NULL},
	{400, DOCS_TWIN_KEY, "POST", "/people", "{\"email\":\"nonsense\"}", NULL},
	{400, DOCS_TWIN_KEY, "GET", "/people?filter[nothing][eq]=1", NULL, NULL},
	{401, NULL, "GET", "/people", NULL, NULL},
	{401, "another-key", "GET", "/people", NULL, NULL},
	{403, DOCS_TWIN_READ_KEY, "POST", "/people", "{\"firstName\":\"Ann\"}", NULL},
	{403, DOCS_TWIN_READ_KEY, "DELETE", "/people/" JOHN, NULL, NULL},
	{404, DOCS_TWIN_KEY, "GET", "/people/" NOBODY, NULL, NULL},
	{404, DOCS_TWIN_KEY, "PATCH", "/people/" NOBODY, "{}", NULL},
	{429, DOCS_TWIN_KEY, "GET", "/people", NULL, "status=429:1"},
	{500, DOCS_TWIN_KEY, "GET", "/people", NULL, "status=500:1"},
};

/* Provokes a status in every way known; its errors carry the page's name for it. */
static size_t status_check(struct docs_twin *t, int status, const char *name)
{
	size_t n = 0;
	for (size_t i = 0; i < ARRAY_N(provoked); i++) {
		const struct provoked *p = &provoked[i];
		if (p->status != status)
			continue;
		if (p->fault != NULL)
			docs_twin_fault(t, p->fault);
		struct http_answer a = docs_twin_ask(t, p->key, p->method, p->path, p->body);
		cr_expect_eq(a.status, status, "%s %s: %d", p->method, p->path, a.status);
		json_t *body = json_loads(a.body, 0, NULL);
		const char *error = json_string_value(json_object_get(body, "error"));
		cr_expect(status < 300 ? error == NULL : error != NULL && strcmp(error, name) == 0,
			"%d: %s", status, a.body);
		cr_expect(status < 300 ||
			  json_integer_value(json_object_get(body, "statusCode")) == status);
		json_decref(body);
		http_answer_done(&a);
		n++;
	}
	return n;
}

Test(twin_docs, every_status_of_the_page_is_given_under_its_name, .timeout = 60)
{
	struct docs_page page;
	size_t n = 0, tried = 0;
	cr_assert(docs_page_open(&page));
	struct docs_twin *t = docs_twin_open("none");
	char *save = NULL;
	for (char *l = strtok_r(page.prose, "\n", &save); l != NULL;
		l = strtok_r(NULL, "\n", &save)) {
		if (strlen(l) != 3 || strspn(l, "0123456789") != 3)
			continue;
		int status = (int)strtol(l, NULL, 10);
		const char *name = strtok_r(NULL, "\n", &save);
		size_t here = status_check(t, status, name);
		cr_expect_neq(here, 0, "%d %s: nobody provokes it", status, name);
		tried += here;
		n++;
	}
	cr_expect_eq(n, 8);
	cr_expect_eq(tried, ARRAY_N(provoked));
	docs_twin_close(t);
	docs_page_done(&page);
}

/* ---- rate limits ---- */

/* The number behind a header's name; -1 where there is none. */
static long long header_number(const struct http_answer *a, const char *name)
{
	const char *at = strstr(a->headers, name);
	if (at == NULL || !isdigit((unsigned char)at[strlen(name)]))
		return -1;
	return strtoll(at + strlen(name), NULL, 10);
}

/* Each header of the page is there, with a number. */
static void headers_check(const struct docs_block *b, const struct http_answer *a)
{
	size_t n = 0;
	for (const char *l = b->text; *l != '\0'; l = strchr(l, '\n') + 1) {
		char name[64];
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(l, " ") + 1, l);
		cr_expect_geq(header_number(a, name), 0, "%s in %s", name, a->headers);
		n++;
	}
	cr_expect_eq(n, 3);
}

Test(twin_docs, every_answer_tells_the_budget, .timeout = 60)
{
	struct docs_page page;
	cr_assert(docs_page_open(&page));
	const struct docs_block *b = docs_page_find(&page, DOCS_HEADERS, "Rate Limiting", "");
	cr_assert_not_null(b);
	struct docs_twin *t = docs_twin_open("10/m");
	int status = 200;
	for (int i = 0; i < 20 && status == 200; i++) {
		struct http_answer a =
			docs_twin_ask(t, DOCS_TWIN_KEY, "GET", "/people?limit=1", NULL);
		headers_check(b, &a);
		cr_expect_eq(header_number(&a, "X-RateLimit-Limit: "), 10);
		status = a.status;
		if (status == 429) {
			long long reset_s = header_number(&a, "X-RateLimit-Reset: ") - time(NULL);
			cr_expect_eq(header_number(&a, "X-RateLimit-Remaining: "), 0);
			cr_expect(reset_s > 0 && reset_s <= 61, "in %lld s", reset_s);
			cr_expect_not_null(strstr(a.body, "\"Too Many Requests\""));
		}
		http_answer_done(&a);
	}
	cr_expect_eq(status, 429);
	struct http_answer a = docs_twin_ask(t, NULL, "GET", "/people", NULL);
	cr_expect_eq(a.status, 401);
	headers_check(b, &a);
	http_answer_done(&a);
	docs_twin_close(t);
	docs_page_done(&page);
}
