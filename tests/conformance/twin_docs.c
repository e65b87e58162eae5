/* SPDX-License-Identifier: MIT */
/*
 * Every example of the published REST documentation, asked of the twin in the docs dialect, in the
 * order of the page. An example is a row: what is sent, the status, and a document whose keys and
 * types the answer must have (it may have more). {name} stands for an id or cursor that an earlier
 * row left behind. The JavaScript and Python clients of the page are here as the requests that they
 * make; the shell script is run as it stands.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <jansson.h>

#include "base/attr.h"
#include "tests/harness/http.h"
#include "tests/harness/port.h"
#include "tests/harness/process.h"

#define PERSON                                                                                     \
	"{\"id\":\"\",\"firstName\":\"\",\"lastName\":\"\",\"email\":\"\",\"jobTitle\":\"\","      \
	"\"createdAt\":\"\",\"updatedAt\":\"\"}"
#define SHORT_PERSON "{\"id\":\"\",\"firstName\":\"\",\"email\":\"\"}"
#define PAGE                                                                                       \
	"\"pageInfo\":{\"hasNextPage\":true,\"hasPreviousPage\":false,\"startCursor\":\"\","       \
	"\"endCursor\":\"\"}"
#define LIST "{\"data\":[{\"id\":\"\"}]," PAGE "}"

struct example {
	const char *title, *method, *path, *body;
	int status;
	const char *shape; /* keys and types the answer must have */
	const char *keep;  /* name under which data.id is kept, or NULL */
};

static const struct example examples[] = {
	{"create record", "POST", "/people",
		"{\"firstName\":\"Jane\",\"lastName\":\"Smith\",\"email\":\"jane@example.com\","
		"\"jobTitle\":\"Product Manager\"}",
		201, "{\"data\":" PERSON "}", "jane"},
	{"create record: company", "POST", "/companies",
		"{\"name\":\"Acme Corp\",\"website\":\"https://acme.com\"}", 201,
		"{\"data\":{\"id\":\"\",\"name\":\"\",\"website\":\"\"}}", "acme"},
	{"create with relations", "POST", "/people",
		"{\"firstName\":\"John\",\"lastName\":\"Doe\",\"email\":\"john@example.com\","
		"\"jobTitle\":\"Software engineer\",\"phone\":\"+1-555-0100\","
		"\"company\":{\"connect\":\"{acme}\"}}",
		201, "{\"data\":{\"id\":\"\",\"company\":{\"id\":\"\",\"name\":\"\"}}}", "john"},
	{"list records", "GET", "/people", NULL, 200, "{\"data\":[" PERSON "]," PAGE "}", NULL},
	{"get one record", "GET", "/people/{john}", NULL, 200,
		"{\"data\":{\"id\":\"\",\"firstName\":\"\",\"lastName\":\"\",\"email\":\"\","
		"\"phone\":\"\",\"jobTitle\":\"\",\"company\":{\"id\":\"\",\"name\":\"\"},"
		"\"createdAt\":\"\",\"updatedAt\":\"\"}}",
		NULL},
	{"update record", "PATCH", "/people/{jane}",
		"{\"jobTitle\":\"Senior Product Manager\",\"phone\":\"+1-555-0200\"}", 200,
		"{\"data\":{\"id\":\"\",\"jobTitle\":\"\",\"phone\":\"\",\"updatedAt\":\"\"}}",
		NULL},
	{"delete record", "DELETE", "/people/{jane}", NULL, 200,
		"{\"data\":{\"id\":\"\",\"deletedAt\":\"\"}}", NULL},
	{"restore deleted records", "PATCH", "/restore/people/{jane}", NULL, 200,
		"{\"data\":{\"id\":\"\",\"email\":\"\"}}", NULL},
	{"filter by field value", "GET", "/people?filter[email][contains]=example.com", NULL, 200,
		LIST, NULL},
	{"multiple filters", "GET",
		"/people?filter[jobTitle][contains]=engineer&filter[email][isNot]=null", NULL, 200,
		LIST, NULL},
	{"sort by one field", "GET", "/people?orderBy[createdAt]=DESC", NULL, 200, LIST, NULL},
	{"sort by multiple fields", "GET", "/companies?orderBy[employees]=DESC&orderBy[name]=ASC",
		NULL, 200, LIST, NULL},
	{"first page", "GET", "/people?limit=10", NULL, 200, LIST, NULL},
	{"next page using cursor", "GET", "/people?limit=10&after={cursor}", NULL, 200, LIST, NULL},
	{"select fields", "GET", "/people?fields=id,firstName,lastName,email", NULL, 200,
		"{\"data\":[{\"id\":\"\",\"firstName\":\"\",\"lastName\":\"\",\"email\":\"\"}]}",
		NULL},
	{"create multiple records", "POST", "/batch/people",
		"[{\"firstName\":\"Alice\",\"email\":\"alice@example.com\"},"
		"{\"firstName\":\"Bob\",\"email\":\"bob@example.com\"}]",
		201, "{\"data\":[" SHORT_PERSON "," SHORT_PERSON "]}", NULL},
	{"find duplicates", "POST", "/people/duplicates", "{\"email\":\"john@example.com\"}", 200,
		"{\"data\":[" PERSON "]}", NULL},
	{"merge: the other record", "POST", "/people",
		"{\"firstName\":\"Johnny\",\"lastName\":\"Doe\",\"email\":\"johnny@example.com\"}",
		201, "{\"data\":{\"id\":\"\"}}", "johnny"},
	{"merge records", "PATCH", "/people/merge",
		"{\"sourceId\":\"{johnny}\",\"targetId\":\"{john}\"}", 200, "{\"data\":" PERSON "}",
		NULL},
	{"group by: a deal", "POST", "/opportunities",
		"{\"name\":\"Deal\",\"stage\":\"PROPOSAL\",\"amount\":150000}", 201,
		"{\"data\":{\"id\":\"\",\"stage\":\"\",\"amount\":0}}", NULL},
	{"group by", "GET", "/opportunities/groupBy?field=stage", NULL, 200,
		"{\"data\":[{\"stage\":\"\",\"count\":0,\"sum\":{\"amount\":0}}]}", NULL},
	{"JavaScript: findMany", "GET", "/people?limit=10&filter[email][contains]=example.com",
		NULL, 200, LIST, NULL},
	{"JavaScript: create", "POST", "/people",
		"{\"firstName\":\"John\",\"lastName\":\"Doe\",\"email\":\"john.js@example.com\"}",
		201, "{\"data\":{\"id\":\"\",\"firstName\":\"\",\"lastName\":\"\",\"email\":\"\"}}",
		NULL},
	{"Python: find_many", "GET", "/people?limit=10&filter%5Bemail%5D%5Bcontains%5D=example.com",
		NULL, 200, LIST, NULL},
	{"Python: create", "POST", "/people",
		"{\"firstName\": \"John\", \"lastName\": \"Doe\", \"email\": "
		"\"john.py@example.com\"}",
		201, "{\"data\":{\"id\":\"\"}}", NULL},
	{"update relations: the new company", "POST", "/companies", "{\"name\":\"New Corp\"}", 201,
		"{\"data\":{\"id\":\"\"}}", "new"},
	{"update relations", "PATCH", "/people/{john}", "{\"company\":{\"connect\":\"{new}\"}}",
		200, "{\"data\":{\"id\":\"\",\"company\":{\"id\":\"\",\"name\":\"\"}}}", NULL},
	{"complex filtering: and", "GET",
		"/people?filter[email][isNot]=null&filter[jobTitle][contains]=engineer", NULL, 200,
		LIST, NULL},
	{"complex filtering: date range", "GET",
		"/opportunities?filter[createdAt][gte]=2024-01-01&filter[createdAt][lte]=2124-12-"
		"31",
		NULL, 200, LIST, NULL},
	{"complex filtering: numbers", "GET", "/opportunities?filter[amount][gt]=10000", NULL, 200,
		LIST, NULL},
	{"Node.js: create person at company", "POST", "/people",
		"{\"firstName\":\"John\",\"lastName\":\"Doe\",\"email\":\"john.node@example.com\","
		"\"company\":{\"connect\":\"{acme}\"}}",
		201, "{\"data\":{\"id\":\"\"}}", NULL},
	{"Node.js: all people at company", "GET", "/people?filter[company][id][eq]={acme}", NULL,
		200, "{\"data\":[" SHORT_PERSON "]," PAGE "}", NULL},
	{"error response", "POST", "/people", "{\"email\":\"not an email\"}", 400,
		"{\"statusCode\":400,\"message\":\"\",\"error\":\"\",\"details\":{\"field\":\"\","
		"\"message\":\"\"}}",
		NULL},
	{"404", "GET", "/people/00000000-0000-4000-8000-000000000000", NULL, 404,
		"{\"statusCode\":404,\"message\":\"\",\"error\":\"\"}", NULL},
};

struct page {
	struct process twin;
	char dir[128], url[64];
	struct {
		char name[16], value[128];
	} kept[16];
	size_t kept_n;
};

static void keep(struct page *p, const char *name, const char *value)
{
	snprintf(p->kept[p->kept_n].name, sizeof(p->kept[0].name), "{%s}", name);
	snprintf(p->kept[p->kept_n].value, sizeof(p->kept[0].value), "%s", value);
	p->kept_n++;
}

static void fill(const struct page *p, const char *text, char *out, size_t out_n)
{
	size_t n = 0;
	while (*text != '\0' && n + 1 < out_n) {
		size_t i = 0;
		while (i < p->kept_n &&
			strncmp(text, p->kept[i].name, strlen(p->kept[i].name)) != 0)
			i++;
		if (i == p->kept_n) {
			out[n++] = *text++;
			continue;
		}
		n += (size_t)snprintf(out + n, out_n - n, "%s", p->kept[i].value);
		text += strlen(p->kept[i].name);
	}
	out[n] = '\0';
}

static bool ask(struct page *p, const char *method, const char *path, const char *body,
	struct http_answer *ret)
{
	char url[1024];
	snprintf(url, sizeof(url), "%s%s", p->url, path);
	const char *headers[] = {
		"Authorization: Bearer docs-key", "Content-Type: application/json", NULL};
	return http_request(method, url, headers, body, body != NULL ? strlen(body) : 0, ret);
}

/* True where got has every key of want, with a value of the same type. */
static bool has_shape(const json_t *want, const json_t *got, const char *path, char why[static 160])
{
	bool booleans = json_is_boolean(want) && json_is_boolean(got);
	bool numbers = json_is_number(want) && json_is_number(got);
	if (got == NULL || (json_typeof(want) != json_typeof(got) && !booleans && !numbers)) {
		snprintf(why, 160, "%.100s is missing or of another type", path);
		return false;
	}
	const char *key;
	json_t *value;
	char deeper[160];
	json_object_foreach((json_t *)(uintptr_t)want, key, value)
	{
		snprintf(deeper, sizeof(deeper), "%.100s.%s", path, key);
		if (!has_shape(value, json_object_get(got, key), deeper, why))
			return false;
	}
	size_t i;
	json_array_foreach((json_t *)(uintptr_t)want, i, value)
	{
		snprintf(deeper, sizeof(deeper), "%.100s[%zu]", path, i);
		if (!has_shape(value, json_array_get(got, i), deeper, why))
			return false;
	}
	return true;
}

static bool answers(void *arg)
{
	struct http_answer answer = {0};
	bool ok = ask(arg, "GET", "/people?limit=1", NULL, &answer) && answer.status == 200;
	http_answer_done(&answer);
	return ok;
}

static struct page *page_new(const char *budget)
{
	struct page *p = calloc(1, sizeof(*p));
	cr_assert_not_null(p);
	char listen[32];
	int port = port_free();
	snprintf(listen, sizeof(listen), "127.0.0.1:%d", port);
	snprintf(p->url, sizeof(p->url), "http://127.0.0.1:%d/rest", port);
	const char *argv[] = {process_path("moonhook-twin"), "--listen", listen, "--dialect",
		"docs", "--key", "docs-key", "--budget", budget, NULL};
	cr_assert(process_folder(p->dir));
	cr_assert(process_start(&p->twin, p->dir, "twin", argv, NULL));
	cr_assert(process_await(answers, p, 10000), "the twin does not answer");
	return p;
}

static void page_free(struct page *p)
{
	int status = process_stop(&p->twin, SIGTERM, 5000);
	char *said = process_read(p->twin.err);
	cr_expect_eq(status, 0, "the twin ended with %d: %s", status, said);
	free(said);
	process_folder_remove(p->dir);
	free(p);
}

/* The first page has to leave a cursor with something behind it. */
static void cursor_keep(struct page *p)
{
	struct http_answer answer = {0};
	cr_assert(ask(p, "GET", "/people?limit=1", NULL, &answer));
	json_t *body = json_loads(answer.body, 0, NULL);
	const json_t *info = json_object_get(body, "pageInfo");
	keep(p, "cursor", json_string_value(json_object_get(info, "endCursor")));
	json_decref(body);
	http_answer_done(&answer);
}

static void example_run(struct page *p, const struct example *e)
{
	char path[512], body[1024], why[160] = "";
	struct http_answer answer = {0};
	if (strstr(e->path, "{cursor}") != NULL)
		cursor_keep(p);
	fill(p, e->path, path, sizeof(path));
	fill(p, e->body != NULL ? e->body : "", body, sizeof(body));
	cr_assert(ask(p, e->method, path, e->body != NULL ? body : NULL, &answer), "%s: no answer",
		e->title);
	cr_expect_eq(answer.status, e->status, "%s: %d, %s", e->title, answer.status, answer.body);
	json_t *got = json_loads(answer.body, 0, NULL), *want = json_loads(e->shape, 0, NULL);
	cr_assert_not_null(want, "%s: the expected shape is no JSON", e->title);
	cr_expect(has_shape(want, got, "", why), "%s: %s in %s", e->title, why, answer.body);
	const char *id = json_string_value(json_object_get(json_object_get(got, "data"), "id"));
	if (e->keep != NULL && id != NULL)
		keep(p, e->keep, id);
	json_decref(got);
	json_decref(want);
	http_answer_done(&answer);
}

Test(twin_docs, every_example_of_the_page_works, .timeout = 60)
{
	struct page *p = page_new("none");
	for (size_t i = 0; i < ARRAY_N(examples); i++)
		example_run(p, &examples[i]);
	page_free(p);
}

Test(twin_docs, the_shell_script_of_the_page_runs, .timeout = 60)
{
	static const char script[] =
		"PERSON_ID=$(curl -s -X POST \"$BASE_URL/people\" "
		"-H \"Authorization: Bearer $API_KEY\" -H \"Content-Type: application/json\" "
		"-d '{\"firstName\": \"John\", \"lastName\": \"Doe\", \"email\": "
		"\"j@example.com\"}' "
		"| jq -r '.data.id')\n"
		"echo \"Created person: $PERSON_ID\"\n"
		"curl -s \"$BASE_URL/people/$PERSON_ID\" -H \"Authorization: Bearer $API_KEY\" "
		"| jq '.data'\n";
	struct page *p = page_new("none");
	struct process shell = {0};
	char base[96];
	snprintf(base, sizeof(base), "BASE_URL=%s", p->url);
	const char *argv[] = {"/bin/sh", "-c", script, NULL};
	const char *env[] = {base, "API_KEY=docs-key", NULL};
	cr_expect_eq(process_run(&shell, p->dir, "shell", argv, env, 20000), 0);
	char *out = process_read(shell.out);
	cr_assert_not_null(out);
	cr_expect_not_null(strstr(out, "Created person: "));
	cr_expect_not_null(strstr(out, "\"email\": \"j@example.com\""), "%s", out);
	free(out);
	page_free(p);
}

Test(twin_docs, every_answer_tells_the_budget, .timeout = 60)
{
	struct page *p = page_new("10/m");
	struct http_answer answer = {0};
	int status = 200;
	for (int i = 0; i < 20 && status == 200; i++) {
		http_answer_done(&answer);
		answer = (struct http_answer){0};
		cr_assert(ask(p, "GET", "/people?limit=1", NULL, &answer));
		cr_expect_not_null(strstr(answer.headers, "X-RateLimit-Limit: 10"));
		cr_expect_not_null(strstr(answer.headers, "X-RateLimit-Remaining: "));
		cr_expect_not_null(strstr(answer.headers, "X-RateLimit-Reset: "));
		status = answer.status;
	}
	cr_expect_eq(status, 429);
	cr_expect_not_null(strstr(answer.headers, "X-RateLimit-Remaining: 0"));
	http_answer_done(&answer);
	answer = (struct http_answer){0};
	char url[96];
	snprintf(url, sizeof(url), "%s/people", p->url);
	cr_assert(http_request("GET", url, NULL, NULL, 0, &answer));
	cr_expect_eq(answer.status, 403);
	cr_expect_not_null(strstr(answer.headers, "X-RateLimit-Limit: 10"), "%s", answer.headers);
	http_answer_done(&answer);
	page_free(p);
}

Test(twin_docs, a_merge_leaves_the_target_and_fills_its_gaps, .timeout = 60)
{
	struct page *p = page_new("none");
	const struct example rows[] = {
		{"target", "POST", "/people", "{\"firstName\":\"Ann\",\"email\":\"ann@a.io\"}", 201,
			"{\"data\":{\"id\":\"\"}}", "target"},
		{"source", "POST", "/people",
			"{\"firstName\":\"Anna\",\"jobTitle\":\"CTO\",\"email\":\"ann@b.io\"}", 201,
			"{\"data\":{\"id\":\"\"}}", "source"},
		{"merge", "PATCH", "/people/merge",
			"{\"sourceId\":\"{source}\",\"targetId\":\"{target}\"}", 200,
			"{\"data\":{\"id\":\"\",\"jobTitle\":\"\"}}", "merged"},
		{"the source is gone", "GET", "/people/{source}", NULL, 404, "{}", NULL}};
	for (size_t i = 0; i < ARRAY_N(rows); i++)
		example_run(p, &rows[i]);
	cr_expect_str_eq(p->kept[0].value, p->kept[2].value);
	page_free(p);
}
