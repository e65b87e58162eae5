/* SPDX-License-Identifier: MIT */
/*
 * The client against the published REST documentation: for each request that an example makes, the
 * operation that stands for it sends that request (method, path, query, body), and understands the
 * answer that the page prints for it.
 * The requests of curl are read from the page itself; those that a program's code makes are written
 * down here. What the client does otherwise has its reason in the row.
 * From: docs_page.c, a server that replays one answer. Whether the examples themselves work is
 * twin_docs_examples.c's to show.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <criterion/criterion.h>
#include <curl/curl.h>

#include "base/attr.h"
#include "tests/conformance/client_docs_page.h"
#include "tests/conformance/docs_page.h"
#include "tests/unit/client_fake.h"
#include "tests/unit/client_rig.h"

#define PRINTED "a1b2c3d4-e5f6-7890-abcd-ef1234567890"
#define ID_A "a0000001-0000-4000-8000-000000000000"
#define ID_B "a0000002-0000-4000-8000-000000000000"
#define ID_CO "a0000003-0000-4000-8000-000000000000"
#define TEXT_MAX_N 4096

/* What the page leaves open, longer words first. */
static const char *const words[][2] = {{"duplicate-record-id", ID_B}, {"primary-record-id", ID_A},
	{"new-record-id", ID_A}, {"new-company-id", ID_CO}, {"company-id", ID_CO},
	{"person-id", ID_A}, {"record-id", ID_A}, {"[email\302\240protected]", "a@example.com"}};

#define LIST_END                                                                                   \
	"'pageInfo':{'hasNextPage':false,'hasPreviousPage':false,'startCursor':'s','endCursor':'"  \
	"e'}"
#define SOMEBODY                                                                                   \
	"{'id':'" ID_A "','firstName':'John','lastName':'Doe','email':'a@example.com',"            \
	"'jobTitle':'Software Engineer','company':{'id':'" ID_CO "','name':'Acme Corp'},"          \
	"'createdAt':'2024-03-04T10:00:00Z','updatedAt':'2024-03-04T10:00:00Z'}"
#define SOMEBODY_LISTED "{'data':[" SOMEBODY "]," LIST_END "}"
#define DEAL_LISTED                                                                                \
	"{'data':[{'id':'" ID_A "','name':'Deal','stage':'PROPOSAL','amount':15000.5,"             \
	"'createdAt':'2024-06-01T10:00:00Z'}]," LIST_END "}"
#define COMPANY "{'id':'" ID_CO "','name':'Acme Corp','website':'https://acme.com','employees':9}"

struct row {
	enum docs_kind kind;
	const char *heading, *note;
	enum client_op op;
	const char *object, *args;
	const char *line, *body; /* of a program: its request; NULL: as printed */
	const char *answer;      /* where the page prints none */
	const char *path, *text; /* in the value */
	const char *unsent;      /* a parameter that the client does not send */
};

#define CURL(heading, note) DOCS_CURL, heading, note
#define AS_PRINTED NULL, NULL, NULL

static const struct row rows[] = {
	{CURL("List Records (GET)", ""), CLIENT_LIST, "people", "{}", AS_PRINTED,
		"records.0.emails.primaryEmail", "a@example.com", NULL},
	{CURL("Get One Record (GET)", ""), CLIENT_GET, "people", "{'id':'" PRINTED "'}", AS_PRINTED,
		"companyId", ID_CO, NULL},
	{CURL("Create Record (POST)", ""), CLIENT_CREATE, "people",
		"{'data':{'firstName':'Jane','lastName':'Smith','email':'a@example.com',"
		"'jobTitle':'Product Manager'}}",
		AS_PRINTED, "name.lastName", "Smith", NULL},
	/* The number of a phone goes without its signs between. */
	{CURL("Update Record (PATCH)", ""), CLIENT_UPDATE, "people",
		"{'id':'" ID_A "','data':{'jobTitle':'Senior Product Manager',"
		"'phone':'+1-555-0200'}}",
		NULL, "{'jobTitle':'Senior Product Manager','phone':'+15550200'}", NULL,
		"phones.primaryPhoneNumber", "5550200", NULL},
	{CURL("Delete Record (DELETE)", ""), CLIENT_DELETE, "people", "{'id':'" ID_A "'}",
		AS_PRINTED, "deletedAt", "2024-03-04T13:00:00Z", NULL},
	{CURL("Filtering", "Filter by field value"), CLIENT_LIST, "people",
		"{'where':{'email':{'contains':'example.com'}}}", NULL, NULL, SOMEBODY_LISTED,
		"records.0.id", ID_A, NULL},
	{CURL("Filtering", "Multiple filters"), CLIENT_LIST, "people",
		"{'where':{'jobTitle':{'contains':'engineer'},'email':{'neq':null}}}", NULL, NULL,
		SOMEBODY_LISTED, "records.0.jobTitle", "Software Engineer", NULL},
	{CURL("Sorting", "Sort by one field"), CLIENT_LIST, "people", "{'order':['-createdAt']}",
		NULL, NULL, SOMEBODY_LISTED, "records.0.createdAt", "2024-03-04T10:00:00Z", NULL},
	{CURL("Sorting", "Sort by multiple fields"), CLIENT_LIST, "companies",
		"{'order':['-employees','name']}", NULL, NULL,
		"{'data':[" COMPANY "]," LIST_END "}", "records.0.employees", "9", NULL},
	{CURL("Pagination", "First page (default limit: 50)"), CLIENT_LIST, "people",
		"{'limit':10}", NULL, NULL, SOMEBODY_LISTED, "records.0.id", ID_A, NULL},
	{CURL("Pagination", "Next page using cursor"), CLIENT_LIST, "people",
		"{'limit':10,'after':'cursor-from-previous-page'}", NULL, NULL, SOMEBODY_LISTED,
		"records.0.id", ID_A, NULL},
	/* Filters may need other fields than those chosen, so all come and are chosen from here. */
	{CURL("Select Fields", ""), CLIENT_LIST, "people",
		"{'fields':['id','firstName','lastName','email']}", NULL, NULL, SOMEBODY_LISTED,
		"records.0.jobTitle", "", "fields"},
	{CURL("Create Multiple Records", ""), CLIENT_CREATE_MANY, "people",
		"{'list':[{'firstName':'Alice','email':'a@example.com'},"
		"{'firstName':'Bob','email':'a@example.com'}]}",
		NULL, NULL,
		"{'data':[{'id':'" ID_A "','firstName':'Alice','email':'a@example.com'},"
		"{'id':'" ID_B "','firstName':'Bob','email':'a@example.com'}]}",
		"1.name.firstName", "Bob", NULL},
	{CURL("Find Duplicates", ""), CLIENT_DUPLICATES, "people",
		"{'record':{'email':'a@example.com'}}", NULL, NULL, "{'data':[" SOMEBODY "]}",
		"0.id", ID_A, NULL},
	{CURL("Merge Records", ""), CLIENT_MERGE, "people",
		"{'into':'" ID_A "','from':['" ID_B "']}", NULL, NULL, "{'data':" SOMEBODY "}",
		"id", ID_A, NULL},
	{CURL("Group By", ""), CLIENT_GROUP_BY, "opportunities", "{'field':'stage','sum':'amount'}",
		AS_PRINTED, "0.sum.amount", "150000", NULL},
	{CURL("Restore Deleted Records", ""), CLIENT_RESTORE, "people", "{'id':'" ID_A "'}", NULL,
		NULL, "{'data':" SOMEBODY "}", "id", ID_A, NULL},
	{DOCS_JAVASCRIPT, "JavaScript/TypeScript", "", CLIENT_LIST, "people",
		"{'limit':10,'where':{'email':{'contains':'example.com'}}}",
		"GET /rest/people?limit=10&filter[email][contains]=example.com", NULL,
		SOMEBODY_LISTED, "records.0.id", ID_A, NULL},
	{DOCS_JAVASCRIPT, "JavaScript/TypeScript", "", CLIENT_CREATE, "people",
		"{'data':{'firstName':'John','lastName':'Doe','email':'a@example.com'}}",
		"POST /rest/people",
		"{'firstName':'John','lastName':'Doe','email':'a@example.com'}",
		"{'data':" SOMEBODY "}", "name.firstName", "John", NULL},
	{DOCS_PYTHON, "Python", "", CLIENT_LIST, "people",
		"{'limit':10,'where':{'email':{'contains':'example.com'}}}",
		"GET /rest/people?limit=10&filter[email][contains]=example.com", NULL,
		SOMEBODY_LISTED, "records.0.id", ID_A, NULL},
	{DOCS_PYTHON, "Python", "", CLIENT_CREATE, "people",
		"{'data':{'firstName':'John','lastName':'Doe','email':'a@example.com'}}",
		"POST /rest/people",
		"{'firstName':'John','lastName':'Doe','email':'a@example.com'}",
		"{'data':" SOMEBODY "}", "name.firstName", "John", NULL},
	{CURL("Create with Relations", ""), CLIENT_CREATE, "people",
		"{'data':{'firstName':'John','lastName':'Doe','email':'a@example.com',"
		"'companyId':'" ID_CO "'}}",
		NULL, NULL, "{'data':" SOMEBODY "}", "companyId", ID_CO, NULL},
	{CURL("Update Relations", ""), CLIENT_UPDATE, "people",
		"{'id':'" ID_A "','data':{'companyId':'" ID_CO "'}}", NULL, NULL,
		"{'data':" SOMEBODY "}", "companyId", ID_CO, NULL},
	{CURL("Complex Filtering", "AND conditions"), CLIENT_LIST, "people",
		"{'where':{'email':{'empty':false},'jobTitle':{'contains':'engineer'}}}", NULL,
		NULL, SOMEBODY_LISTED, "records.0.id", ID_A, NULL},
	{CURL("Complex Filtering", "Date range"), CLIENT_LIST, "opportunities",
		"{'where':{'createdAt':{'gte':'2024-01-01','lte':'2024-12-31'}}}", NULL, NULL,
		DEAL_LISTED, "records.0.stage", "PROPOSAL", NULL},
	{CURL("Complex Filtering", "Numeric comparison"), CLIENT_LIST, "opportunities",
		"{'where':{'amount':{'gt':10000}}}", NULL, NULL, DEAL_LISTED,
		"records.0.amount.amountMicros", "15000500000", NULL},
	{DOCS_SHELL, "Shell Script Integration", "", CLIENT_CREATE, "people",
		"{'data':{'firstName':'John','lastName':'Doe','email':'a@example.com'}}",
		"POST /rest/people",
		"{'firstName':'John','lastName':'Doe','email':'a@example.com'}",
		"{'data':" SOMEBODY "}", "id", ID_A, NULL},
	{DOCS_SHELL, "Shell Script Integration", "", CLIENT_GET, "people", "{'id':'" ID_A "'}",
		"GET /rest/people/" ID_A, NULL, "{'data':" SOMEBODY "}", "emails.primaryEmail",
		"a@example.com", NULL},
	{DOCS_JAVASCRIPT, "Node.js Integration", "", CLIENT_CREATE, "companies",
		"{'data':{'name':'Acme Corp','domain':'https://acme.com'}}", "POST /rest/companies",
		"{'name':'Acme Corp','website':'https://acme.com'}", "{'data':" COMPANY "}",
		"domainName.primaryLinkUrl", "https://acme.com", NULL},
	{DOCS_JAVASCRIPT, "Node.js Integration", "", CLIENT_CREATE, "people",
		"{'data':{'firstName':'John','lastName':'Doe','email':'a@example.com',"
		"'companyId':'" ID_CO "'}}",
		"POST /rest/people",
		"{'firstName':'John','lastName':'Doe','email':'a@example.com',"
		"'company':{'connect':'" ID_CO "'}}",
		"{'data':" SOMEBODY "}", "companyId", ID_CO, NULL},
	{DOCS_JAVASCRIPT, "Node.js Integration", "", CLIENT_LIST, "people",
		"{'where':{'companyId':'" ID_CO "'}}",
		"GET /rest/people?filter[company][id][eq]=" ID_CO, NULL, SOMEBODY_LISTED,
		"records.0.companyId", ID_CO, NULL},
};

int client_docs_page_rows(enum client_op op)
{
	int n = 0;
	for (size_t i = 0; i < ARRAY_N(rows); i++)
		n += rows[i].op == op;
	return n;
}

/* ---- requests of the page ---- */

struct asked {
	char line[TEXT_MAX_N]; /* "GET /rest/people?limit=10" */
	json_t *body;          /* NULL: none */
};

static void fill_in(char *text, size_t text_n)
{
	for (size_t i = 0; i < ARRAY_N(words); i++) {
		const char *from = words[i][0], *to = words[i][1];
		for (char *at = text; (at = strstr(at, from)) != NULL; at += strlen(to)) {
			size_t rest = strlen(at + strlen(from)) + 1;
			cr_assert_lt((size_t)(at - text) + strlen(to) + rest, text_n);
			memmove(at + strlen(to), at + strlen(from), rest);
			memcpy(at, to, strlen(to));
		}
	}
}

/* The next word of a shell command, quotes taken off; false at the end. */
static bool word_next(const char **at, char word[static TEXT_MAX_N])
{
	size_t n = 0;
	*at += strspn(*at, " \\\n");
	if (**at == '\0')
		return false;
	for (char quote = '\0'; **at != '\0' && n + 1 < TEXT_MAX_N; (*at)++) {
		if (quote == '\0' && strchr(" \n", **at) != NULL)
			break;
		if (**at == quote)
			quote = '\0';
		else if (quote == '\0' && strchr("'\"", **at) != NULL)
			quote = **at;
		else
			word[n++] = **at;
	}
	word[n] = '\0';
	return true;
}

/* What a curl command asks for. */
static void curl_read(const struct docs_block *b, struct asked *ret)
{
	static const char host[] = "https://api.twenty.com";
	char text[TEXT_MAX_N], word[TEXT_MAX_N], url[1024] = "", method[16] = "GET";
	const char *at = text;
	snprintf(text, sizeof(text), "%s", b->text);
	fill_in(text, sizeof(text));
	cr_assert(word_next(&at, word) && strcmp(word, "curl") == 0);
	while (word_next(&at, word)) {
		if (strcmp(word, "-X") == 0 && word_next(&at, word)) {
			snprintf(method, sizeof(method), "%.15s", word);
		} else if (strcmp(word, "-d") == 0 && word_next(&at, word)) {
			ret->body = json_loads(word, 0, NULL);
			cr_assert_not_null(ret->body, "line %d: %s", b->line, word);
		} else if (strcmp(word, "-H") == 0) {
			cr_assert(word_next(&at, word));
		} else {
			cr_assert_eq(strncmp(word, host, strlen(host)), 0, "line %d: what is %s?",
				b->line, word);
			snprintf(url, sizeof(url), "%.1000s", word + strlen(host));
		}
	}
	snprintf(ret->line, sizeof(ret->line), "%s %s", method, url);
}

static void asked_of(const struct row *row, const struct docs_block *b, struct asked *ret)
{
	*ret = (struct asked){.body = NULL};
	if (row->line == NULL)
		curl_read(b, ret);
	else
		snprintf(ret->line, sizeof(ret->line), "%s", row->line);
	if (row->body != NULL) {
		json_decref(ret->body);
		ret->body = rig_json(row->body);
	}
}

/* ---- the same? ---- */

static void sent_line(const struct fake *fake, char ret[static TEXT_MAX_N])
{
	int size = 0;
	char *text = curl_easy_unescape(NULL, fake->shared->first, 0, &size);
	cr_assert_not_null(text);
	snprintf(ret, TEXT_MAX_N, "%.*s", (int)strcspn(text, "\r"), text);
	curl_free(text);
	char *end = strstr(ret, " HTTP/");
	if (end != NULL)
		*end = '\0';
}

/* Takes one parameter out of a query; false where it is not in it. */
static bool param_take(char *query, const char *param, size_t n)
{
	for (char *at = query; *at != '\0';) {
		size_t own = strcspn(at, "&");
		if (own == n && strncmp(at, param, n) == 0) {
			memmove(at, at + own + (at[own] == '&'),
				strlen(at + own + (at[own] == '&')) + 1);
			return true;
		}
		at += own + (at[own] == '&');
	}
	return false;
}

static void limit_drop(char *query)
{
	for (char *at = query; *at != '\0';) {
		size_t own = strcspn(at, "&");
		if (strncmp(at, "limit=", 6) == 0) {
			param_take(query, at, own);
			return;
		}
		at += own + (at[own] == '&');
	}
}

/* Same method and path; each parameter of the page is sent, and no other. The client always says
 * how many records it wants, and wants more where it filters the answer again. */
static bool same_line(const struct row *row, const char *want, const char *have)
{
	char page[TEXT_MAX_N], ours[TEXT_MAX_N];
	snprintf(page, sizeof(page), "%s", want);
	snprintf(ours, sizeof(ours), "%s", have);
	char *wanted = page + strcspn(page, "?"), *query = ours + strcspn(ours, "?");
	if (wanted - page != query - ours || strncmp(page, ours, (size_t)(wanted - page)) != 0)
		return false;
	wanted += *wanted == '?';
	query += *query == '?';
	if (strstr(wanted, "filter[") != NULL)
		limit_drop(wanted);
	for (const char *p = wanted; *p != '\0'; p += strcspn(p, "&"), p += *p == '&') {
		size_t n = strcspn(p, "&");
		bool skipped =
			row->unsent != NULL && strncmp(p, row->unsent, strlen(row->unsent)) == 0;
		if (param_take(query, p, n) == skipped)
			return false;
	}
	limit_drop(query);
	return *query == '\0';
}

/* The probe, and what is asked for behind the first page, is answered with an empty list. */
static bool replay(int fd, const char *request, struct fake_shared *shared)
{
	if (strncmp(request, "GET /rest/people?limit=1 ", 25) == 0 ||
		strstr(request, "after=cursor-end ") != NULL)
		return fake_answer(
			fd, 200, "", "{\"data\":[],\"pageInfo\":{\"hasNextPage\":false}}");
	return fake_answer(fd, shared->status,
		"X-RateLimit-Limit: 100\r\nX-RateLimit-Remaining: 87\r\n", shared->reply);
}

static void reply_with(struct fake *fake, const struct row *row, const struct docs_block *response,
	const char *line)
{
	json_t *body = response != NULL ? docs_sample(response) : rig_json(row->answer);
	cr_assert_not_null(body, "%s: no answer", row->heading);
	char *dump = json_dumps(body, JSON_COMPACT);
	cr_assert(dump != NULL && strlen(dump) < TEXT_MAX_N);
	snprintf(fake->shared->reply, TEXT_MAX_N, "%s", dump);
	fill_in(fake->shared->reply, TEXT_MAX_N);
	fake->shared->status = strncmp(line, "POST /rest/people/duplicates", 28) != 0 &&
					       strncmp(line, "POST ", 5) == 0
				       ? 201
				       : 200;
	free(dump);
	json_decref(body);
}

static void answer_check(const struct row *row, const struct asked *asked, const struct fake *fake,
	const struct rig_answer *a, const char *line)
{
	json_t *sent = json_loads(fake->shared->body, 0, NULL);
	cr_expect_eq(a->code, RC_OK, "%s %s: %s", row->heading, row->note, a->message);
	cr_expect(same_line(row, asked->line, line), "%s %s:\nsent %s\npage %s", row->heading,
		row->note, line, asked->line);
	cr_expect(asked->body == NULL ? *fake->shared->body == '\0' : json_equal(sent, asked->body),
		"%s: sent %s", row->heading, fake->shared->body);
	cr_expect_str_eq(rig_text(a->value, row->path), row->text, "%s %s: %s is \"%s\"",
		row->heading, row->note, row->path, rig_text(a->value, row->path));
	json_decref(sent);
}

static void row_check(
	const struct row *row, const struct docs_block *b, const struct docs_block *response)
{
	struct fake fake;
	struct rig rig;
	struct asked asked;
	char line[TEXT_MAX_N];
	asked_of(row, b, &asked);
	cr_assert(fake_open(&fake, replay, FAKE_OWN));
	reply_with(&fake, row, row->answer == NULL ? response : NULL, asked.line);
	cr_assert(rig_open(&rig, &(struct rig_conf){.url = fake.url, .dialect = "docs"}));
	struct rig_answer a =
		rig_call(&rig, row->op, row->object, rig_json(row->args), "event/rule/1");
	sent_line(&fake, line);
	answer_check(row, &asked, &fake, &a, line);
	printf("%-11s docs  %-26s %-30s %s\n", client_op_name(row->op), row->heading, row->note,
		line);
	json_decref(asked.body);
	rig_answer_done(&a);
	rig_close(&rig);
	fake_close(&fake);
}

Test(client_docs_page, each_example_has_its_operation, .timeout = 120)
{
	struct docs_page page;
	size_t checked = 0;
	cr_assert(docs_page_open(&page));
	for (size_t i = 0; i < page.n; i++) {
		const struct docs_block *b = &page.blocks[i];
		size_t here = 0;
		for (size_t k = 0; docs_kind_runs(b->kind) && k < ARRAY_N(rows); k++) {
			const struct row *row = &rows[k];
			if (row->kind != b->kind || strcmp(row->heading, b->heading) != 0 ||
				strcmp(row->note, b->note) != 0)
				continue;
			row_check(row, b, docs_page_response(&page, b));
			here++;
		}
		/* Waiting is no operation: the_wait_of_the_page_is_kept. */
		bool waits = strcmp(b->heading, "Handle Rate Limits") == 0;
		cr_expect(!docs_kind_runs(b->kind) || waits == (here == 0),
			"line %d, %s %s: no operation stands for it", b->line, b->heading, b->note);
		checked += here;
	}
	cr_expect_eq(checked, ARRAY_N(rows));
	docs_page_done(&page);
}

/* ---- Handle Rate Limits ---- */

static bool limited_once(int fd, const char *request, struct fake_shared *shared)
{
	char headers[256];
	(void)request;
	if (atomic_load(&shared->hits) != 1)
		return replay(fd, request, shared);
	snprintf(headers, sizeof(headers),
		"X-RateLimit-Limit: 100\r\nX-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: %lld\r\n",
		(long long)time(NULL) + 1);
	return fake_answer(fd, 429, headers,
		"{\"statusCode\":429,\"message\":\"Rate limit exceeded\",\"error\":\"Too Many "
		"Requests\"}");
}

Test(client_docs_page, the_wait_of_the_page_is_kept, .timeout = 60)
{
	struct fake fake;
	struct rig rig;
	cr_assert(fake_open(&fake, limited_once, FAKE_OWN));
	const struct row row = {.heading = "Handle Rate Limits", .answer = SOMEBODY_LISTED};
	reply_with(&fake, &row, NULL, "GET /rest/people");
	cr_assert(rig_open(&rig, &(struct rig_conf){.url = fake.url, .budget = "100/m"}));
	struct rig_answer a = rig_call(&rig, CLIENT_LIST, "people", rig_json("{'limit':2}"), "n");
	cr_expect_eq(a.code, RC_OK, "%s", a.message);
	cr_expect_eq(a.requests, 2);
	cr_expect_str_eq(rig_text(a.value, "records.0.id"), ID_A);
	rig_answer_done(&a);
	rig_close(&rig);
	fake_close(&fake);
}
