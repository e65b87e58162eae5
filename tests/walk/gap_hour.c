/* SPDX-License-Identifier: MIT */
/*
 * An hour without Moonhook: the daemon is stopped while records are created, changed, deleted,
 * restored and destroyed at a twin whose clock runs through that hour. From: the twin's own word on
 * what it holds before and after. To: the events that come back, and the requests that it took.
 * GAP_CHANGES=10000 makes it large.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/clock.h"
#include "queue/queue.h"
#include "tests/harness/house.h"

#define CHANGES 600 /* about; the short form */
#define MINUTES 60
#define HOUR "3600000"
#define PAGE 200 /* records of one request */

static const char rule_text[] = "rule \"see\" {\n"
				"  on = { \"person.*\", \"company.*\", \"opportunity.*\" },\n"
				"  run = function(event) end,\n"
				"}\n";

enum { PEOPLE, COMPANIES, OPPORTUNITIES, OBJECTS };

static const struct {
	const char *plural, *singular, *field; /* that is changed */
} objects[OBJECTS] = {
	[PEOPLE] = {"people", "person", "jobTitle"},
	[COMPANIES] = {"companies", "company", "name"},
	[OPPORTUNITIES] = {"opportunities", "opportunity", "name"},
};

/* What becomes of a record in that hour, by its number. */
enum role { UPDATED, UPDATED_TWICE, DELETED, RESTORED, THERE_AND_BACK, DESTROYED, LEFT, ROLES };

static const unsigned char roles[20] = {UPDATED, UPDATED, UPDATED, UPDATED, UPDATED, UPDATED,
	UPDATED, UPDATED, UPDATED, UPDATED, UPDATED_TWICE, UPDATED_TWICE, UPDATED_TWICE, DELETED,
	DELETED, DELETED, RESTORED, RESTORED, THERE_AND_BACK, LEFT};

static struct house h;
static long wanted; /* changes */

static void close_house(void)
{
	house_close(&h);
}

TestSuite(walk_gap_hour, .fini = close_house, .timeout = 900);

/* --- the twin --------------------------------------------------------------------------------- */

static void twin(const char *method, const char *path, const char *body)
{
	char url[128];
	struct http_answer answer;
	snprintf(url, sizeof(url), "%s/_twin/%s", h.twin_url, path);
	cr_assert(http_request(method, url, NULL, body, body != NULL ? strlen(body) : 0, &answer));
	cr_assert_lt(answer.status, 300, "%s", answer.body);
	http_answer_done(&answer);
}

static void api(const char *method, const char *path, const char *body)
{
	static char whole[PAGE * 48 + 256];
	int status = 0;
	snprintf(whole, sizeof(whole), "/rest/%s", path);
	json_decref(house_api(&h, method, whole, body, &status));
	cr_assert(status >= 200 && status < 300, "%s %.100s: %d", method, whole, status);
}

/* {id: record} of everything that the twin holds; GIVES. */
static json_t *snapshot(const char *plural)
{
	json_t *list = house_records(&h, plural), *all = json_object(), *one;
	size_t i;
	json_array_foreach(list, i, one)
	{
		json_object_set(all, json_string_value(json_object_get(one, "id")), one);
	}
	json_decref(list);
	return all;
}

static bool hooks_are_gone(void *ctx)
{
	char url[128];
	struct http_answer answer;
	(void)ctx;
	snprintf(url, sizeof(url), "%s/_twin/stats", h.twin_url);
	cr_assert(http_request("GET", url, NULL, NULL, 0, &answer));
	json_t *stats = json_loads(answer.body, 0, NULL);
	bool gone = json_integer_value(
			    json_object_get(json_object_get(stats, "webhooks"), "pending")) == 0;
	json_decref(stats);
	http_answer_done(&answer);
	return gone;
}

/* --- the hour --------------------------------------------------------------------------------- */

/* One request about many: "people?filter=id[in]:[..]". */
static void change_many(const char *method, const char *before, const char *plural,
	const json_t *ids, size_t from, size_t n, const char *after, const char *body)
{
	static char path[PAGE * 48 + 200];
	size_t at = (size_t)snprintf(
		path, sizeof(path), "%s%s?filter=id%%5Bin%%5D:%%5B", before, plural);
	for (size_t i = from; i < from + n; i++)
		at += (size_t)snprintf(path + at, sizeof(path) - at, "%s%%22%s%%22",
			i > from ? "," : "", json_string_value(json_array_get(ids, i)));
	snprintf(path + at, sizeof(path) - at, "%%5D%s", after);
	api(method, path, body);
}

/* The ids of a role, in the order of ids, which has nothing to do with any time. GIVES. */
static json_t *ids_of(const json_t *records, enum role role)
{
	json_t *ids = json_array();
	const char *id;
	json_t *record;
	json_object_foreach((json_t *)(uintptr_t)records, id, record)
	{
		unsigned dice = 0;
		for (const char *p = id; *p != '\0'; p++)
			dice = dice * 31 + (unsigned char)*p;
		enum role mine = dice % 401 == 0 ? DESTROYED : (enum role)roles[dice % 20];
		if (mine == role)
			json_array_append_new(ids, json_string(id));
	}
	return ids;
}

static void act(int object, enum role role, const json_t *ids, size_t from, size_t n, int minute)
{
	char body[128], path[128];
	const char *plural = objects[object].plural;
	if (n == 0)
		return;
	snprintf(body, sizeof(body), "{\"%s\":\"minute %d\"}", objects[object].field, minute);
	switch (role) {
	case UPDATED:
		change_many("PATCH", "", plural, ids, from, n, "", body);
		break;
	case UPDATED_TWICE:
		change_many("PATCH", "", plural, ids, from, n, "", "{\"position\":7}");
		change_many("PATCH", "", plural, ids, from, n, "", body);
		break;
	case DELETED:
		change_many("DELETE", "", plural, ids, from, n, "&soft_delete=true", NULL);
		break;
	case RESTORED:
		change_many("PATCH", "restore/", plural, ids, from, n, "", NULL);
		break;
	case THERE_AND_BACK:
		change_many("DELETE", "", plural, ids, from, n, "&soft_delete=true", NULL);
		change_many("PATCH", "restore/", plural, ids, from, n, "", NULL);
		break;
	case DESTROYED:
		for (size_t i = from; i < from + n; i++) {
			snprintf(path, sizeof(path), "%s/%s", plural,
				json_string_value(json_array_get(ids, i)));
			api("DELETE", path, NULL);
		}
		break;
	case LEFT:
	case ROLES:
		break;
	}
}

static void create_some(int object, int minute, size_t n)
{
	char path[64];
	json_t *list = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_pack("{s:o}", objects[object].field,
						    json_sprintf("new %d %zu", minute, i)));
	char *body = json_dumps(list, 0);
	snprintf(path, sizeof(path), "batch/%s", objects[object].plural);
	if (n != 0)
		api("POST", path, body);
	free(body);
	json_decref(list);
}

/* The m-th of 60 parts of n. */
static size_t part(size_t n, int m)
{
	return n * (size_t)m / MINUTES;
}

static void live_an_hour(json_t *const before[static OBJECTS])
{
	json_t *ids[OBJECTS][ROLES];
	for (int o = 0; o < OBJECTS; o++)
		for (int r = 0; r < ROLES; r++)
			ids[o][r] = ids_of(before[o], (enum role)r);
	for (int m = 0; m < MINUTES; m++) {
		twin("POST", "clock", "60000");
		for (int o = 0; o < OBJECTS; o++) {
			size_t made = json_object_size(before[o]) / 20;
			for (int r = 0; r < ROLES; r++) {
				size_t n = json_array_size(ids[o][r]), from = part(n, m);
				act(o, (enum role)r, ids[o][r], from, part(n, m + 1) - from, m);
			}
			create_some(o, m, part(made, m + 1) - part(made, m));
		}
	}
	for (int o = 0; o < OBJECTS; o++)
		for (int r = 0; r < ROLES; r++)
			json_decref(ids[o][r]);
}

/* --- what has to come back -------------------------------------------------------------------- */

static bool is_deleted(const json_t *record)
{
	return json_is_string(json_object_get(record, "deletedAt"));
}

static bool same_content(const json_t *a, const json_t *b)
{
	const char *field;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)a, field, value)
	{
		bool shadow = strcmp(field, "updatedAt") == 0 || strcmp(field, "updatedBy") == 0 ||
			      strcmp(field, "searchVector") == 0;
		if (!shadow && !json_equal(value, json_object_get(b, field)))
			return false;
	}
	return true;
}

/* What follows from the end of another record (a company that is no more) changes no updatedAt and
 * has no webhook: it is no change of this one. */
static bool was_touched(const json_t *was, const json_t *is)
{
	return was == NULL ||
	       !json_equal(json_object_get(was, "updatedAt"), json_object_get(is, "updatedAt"));
}

/* "person.updated"; "" for none. */
static void expect(char text[static 64], int object, const json_t *was, const json_t *is)
{
	const char *action = NULL;
	if (was == NULL)
		action = is_deleted(is) ? "deleted" : "created";
	else if (is_deleted(was) != is_deleted(is))
		action = is_deleted(is) ? "deleted" : "restored";
	else if (was_touched(was, is) && !same_content(was, is))
		action = "updated";
	snprintf(text, 64, "%s%s%s", action != NULL ? objects[object].singular : "",
		action != NULL ? "." : "", action != NULL ? action : "");
}

struct hour {             /* what has to come, and came */
	json_t *expected; /* {record id: "person.updated"} */
	long changed[OBJECTS], touched[OBJECTS], destroyed;
	long right, wrong, twice;
	json_t *seen;
};

static void add_expected(struct hour *hour, int o, const json_t *before, const json_t *after)
{
	const char *id;
	json_t *is, *was;
	json_object_foreach((json_t *)(uintptr_t)after, id, is)
	{
		char text[64];
		was = json_object_get(before, id);
		expect(text, o, was, is);
		hour->touched[o] += was == NULL || !json_equal(json_object_get(was, "updatedAt"),
							   json_object_get(is, "updatedAt"));
		if (text[0] == '\0')
			continue;
		hour->changed[o]++;
		json_object_set_new(hour->expected, id, json_string(text));
	}
	json_object_foreach((json_t *)(uintptr_t)before, id, was)
	{
		hour->destroyed += json_object_get(after, id) == NULL;
	}
}

static enum rc check_event(void *ctx, const struct queue_event_row *row, struct err *err)
{
	struct hour *hour = ctx;
	const char *wanted_name = json_string_value(json_object_get(hour->expected, row->record));
	(void)err;
	bool again = json_object_get(hour->seen, row->record) != NULL;
	bool right = wanted_name != NULL && strcmp(wanted_name, row->name) == 0 &&
		     strcmp(row->via, "gap") == 0 && row->state != QUEUE_DUPLICATE;
	hour->right += right && !again;
	hour->wrong += !right;
	hour->twice += again;
	json_object_set_new(hour->seen, row->record, json_true());
	return RC_OK;
}

static void check_events(struct hour *hour)
{
	char store[256];
	struct queue *q = NULL;
	struct err err = {0};
	struct queue_filter all = {0};
	snprintf(store, sizeof(store), "%s/store", h.dir);
	cr_assert_eq(queue_open(store, QUEUE_READER, &q, &err), RC_OK, "%s", err.msg);
	cr_assert_eq(queue_event_each(q, &all, check_event, hour, &err), RC_OK, "%s", err.msg);
	queue_close(q);
}

/* Lists of changes that the twin's log has of an object. */
static void count_lists(long ret_lists[static OBJECTS])
{
	char url[128];
	struct http_answer answer;
	snprintf(url, sizeof(url), "%s/_twin/log", h.twin_url);
	cr_assert(http_request("GET", url, NULL, NULL, 0, &answer));
	char *rest = answer.body;
	for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
		json_t *row = json_loads(line, 0, NULL);
		const char *path = json_string_value(json_object_get(row, "path"));
		const char *query = json_string_value(json_object_get(row, "query"));
		for (int o = 0; o < OBJECTS && path != NULL && query != NULL; o++)
			ret_lists[o] += strcmp(path + strlen("/rest/"), objects[o].plural) == 0 &&
					strstr(query, "updatedAt") != NULL;
		json_decref(row);
	}
	http_answer_done(&answer);
}

/* --- the daemon ------------------------------------------------------------------------------- */

static json_t *gap_of(void)
{
	json_t *s = house_status(&h), *gap = json_incref(json_object_get(s, "gap"));
	json_decref(s);
	return gap;
}

static bool all_asked(void *ctx)
{
	json_t *gap = gap_of(), *objects_of = json_object_get(gap, "objects"), *o;
	size_t i, n = 0;
	json_int_t since = *(int64_t *)ctx;
	json_array_foreach(objects_of, i, o)
	{
		const json_t *ms = json_object_get(o, "asked_ms");
		n += json_is_integer(ms) && clock_wall_ms() - json_integer_value(ms) > since;
	}
	json_decref(gap);
	return n == OBJECTS;
}

static void await_asked(int64_t since_ms)
{
	cr_assert(process_await(all_asked, &since_ms, 60000), "not all was asked for");
}

/* What `moonhook reconcile` says in sum: "12 became events". */
static long reconcile(const char *flag)
{
	const char *const args[] = {"reconcile", "-o", "json", flag, NULL};
	int status = -1;
	char *text = house_command(&h, args, &status);
	cr_assert_eq(status, 0, "%s", text);
	json_t *answer = json_loads(text, 0, NULL), *of;
	const char *name;
	long n = 0;
	json_object_foreach(json_object_get(answer, "objects"), name, of)
	{
		static const char *const kinds[] = {
			"created", "updated", "deleted", "restored", "destroyed"};
		for (size_t i = 0; i < ARRAY_N(kinds); i++)
			n += (long)json_integer_value(json_object_get(of, kinds[i]));
	}
	json_decref(answer);
	free(text);
	return n;
}

static bool all_ran(void *ctx)
{
	return house_runs_n(&h, NULL) >= *(long *)ctx;
}

static void open_house(void)
{
	static char args[64];
	const char *changes = getenv("GAP_CHANGES");
	wanted = changes != NULL ? strtol(changes, NULL, 10) : CHANGES;
	snprintf(args, sizeof(args), "--budget none --records %ld", wanted * 4 / 5);
	struct house_conf conf = {.twin_args = args, .budget = "none", .no_daemon = true};
	cr_assert(house_rule(&h, "see.lua", rule_text));
	cr_assert(house_open(&h, &conf));
}

/* Those that will be restored have to be deleted; all of it long before the first start. */
static void prepare(void)
{
	for (int o = 0; o < OBJECTS; o++) {
		json_t *all = snapshot(objects[o].plural), *ids = ids_of(all, RESTORED);
		size_t n = json_array_size(ids);
		for (size_t from = 0; from < n; from += PAGE / 2)
			act(o, DELETED, ids, from, n - from < PAGE / 2 ? n - from : PAGE / 2, 0);
		json_decref(ids);
		json_decref(all);
	}
	twin("POST", "clock", HOUR);
	cr_assert(process_await(hooks_are_gone, NULL, 60000));
	int64_t start_ms = clock_wall_ms();
	cr_assert(house_start(&h));
	await_asked(start_ms);
	cr_assert_eq(reconcile("--ids"), 0, "every record is known now");
	twin("POST", "clock", "600000");
	cr_assert_eq(reconcile(NULL), 0);
	cr_assert_eq(house_stop(&h), 0);
}

/* The control: without asking, nothing comes back. */
static void start_without_asking(void)
{
	static const char *const off[] = {"MOONHOOK_GAP_EVERY=0s", NULL};
	h.conf.env = off;
	cr_assert(house_start(&h));
	cr_assert_eq(reconcile("--dry-run") > 0, true, "there is something to be found");
	cr_assert_eq(house_runs_n(&h, NULL), 0);
	cr_assert_eq(house_stop(&h), 0);
	h.conf.env = NULL;
}

Test(walk_gap_hour, what_happened_while_it_was_stopped_comes_back)
{
	json_t *before[OBJECTS], *after[OBJECTS];
	struct hour hour = {.expected = json_object(), .seen = json_object()};
	long lists[OBJECTS] = {0}, changes = 0, requests = 0, most = 0;
	open_house();
	prepare();
	for (int o = 0; o < OBJECTS; o++)
		before[o] = snapshot(objects[o].plural);
	live_an_hour(before);
	for (int o = 0; o < OBJECTS; o++) {
		after[o] = snapshot(objects[o].plural);
		add_expected(&hour, o, before[o], after[o]);
		changes += hour.changed[o];
	}
	cr_assert(process_await(hooks_are_gone, NULL, 60000));
	start_without_asking();
	twin("DELETE", "log", NULL);
	int64_t start_ms = clock_wall_ms();
	cr_assert(house_start(&h));
	cr_assert(process_await(all_ran, &changes, 120000), "%ld of %ld came",
		house_runs_n(&h, NULL), changes);
	await_asked(start_ms);
	int64_t took_ms = clock_wall_ms() - start_ms;
	count_lists(lists);
	cr_expect_eq(reconcile(NULL), 0);
	check_events(&hour);
	cr_expect_eq(hour.right, changes);
	cr_expect_eq(hour.wrong, 0);
	cr_expect_eq(hour.twice, 0);
	for (int o = 0; o < OBJECTS; o++) {
		long allowed = (hour.touched[o] + PAGE - 1) / PAGE;
		cr_expect_leq(lists[o], allowed, "%s: %ld requests for %ld changed records",
			objects[o].plural, lists[o], hour.touched[o]);
		requests += lists[o];
		most += allowed;
	}
	cr_expect_eq(reconcile("--ids"), hour.destroyed);
	printf("gap: %ld of %ld surviving changes came back in %ld requests (%ld allowed), %ld ms; "
	       "%ld destroyed found by the sweep\n",
		hour.right, changes, requests, most, (long)took_ms, hour.destroyed);
	for (int o = 0; o < OBJECTS; o++) {
		json_decref(before[o]);
		json_decref(after[o]);
	}
	json_decref(hour.expected);
	json_decref(hour.seen);
}
