/* SPDX-License-Identifier: MIT */
/*
 * Group by and aggregates.
 * From: core.c (core_group_by), docs.c (group_docs). Fails with a real server's sentences. Numbers
 * leave as texts, averages with the digits that PostgreSQL's numeric gives them.
 */
#include "tests/twin/group.h"

#include <ctype.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "tests/twin/core.h"
#include "tests/twin/print.h"
#include "tests/twin/value.h"

#define DIMENSIONS_MAX 4
#define AGGREGATES_MAX 16
#define LIMIT_DEFAULT 60

struct dimension {
	struct path path;
	char granularity[16]; /* "": the value itself */
	char zone[64];
};

enum aggregate_op {
	AGG_TOTAL,
	AGG_SUM,
	AGG_AVG,
	AGG_MIN,
	AGG_MAX,
	AGG_FILLED,
	AGG_EMPTY,
	AGG_UNIQUE
};

struct aggregate {
	char name[96];
	enum aggregate_op op;
	struct path path;
};

struct bucket {
	json_t *key; /* owned array of values */
	double sum[AGGREGATES_MAX], least[AGGREGATES_MAX], most[AGGREGATES_MAX];
	size_t count, filled[AGGREGATES_MAX];
};

struct grouping {
	struct dimension dimensions[DIMENSIONS_MAX];
	size_t dimension_n;
	struct aggregate aggregates[AGGREGATES_MAX];
	size_t aggregate_n;
	struct bucket *buckets; /* owned */
	size_t bucket_n, cap;
};

static void grouping_done(struct grouping *g)
{
	for (size_t i = 0; i < g->bucket_n; i++)
		json_decref(g->buckets[i].key);
	free(g->buckets);
}

/* The day (month, ..) of a moment in a time zone. The C library knows zones only through TZ; the
 * twin has one thread that asks. */
static json_t *truncate_date(const char *iso, const struct dimension *d)
{
	int64_t ms = iso != NULL ? clock_parse(iso) : -1;
	if (ms < 0)
		return json_null();
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;
	setenv("TZ", d->zone, 1);
	tzset();
	localtime_r(&seconds, &tm);
	unsetenv("TZ");
	tzset();
	int day = tm.tm_mday, month = tm.tm_mon + 1;
	if (strcmp(d->granularity, "MONTH") == 0 || strcmp(d->granularity, "QUARTER") == 0 ||
		strcmp(d->granularity, "YEAR") == 0)
		day = 1;
	if (strcmp(d->granularity, "QUARTER") == 0)
		month = (month - 1) / 3 * 3 + 1;
	if (strcmp(d->granularity, "YEAR") == 0)
		month = 1;
	if (strcmp(d->granularity, "WEEK") == 0) {
		struct tm monday = tm;
		monday.tm_mday -= (tm.tm_wday + 6) % 7;
		monday.tm_hour = 12;
		timegm(&monday);
		return json_sprintf(
			"%04d-%02d-%02d", monday.tm_year + 1900, monday.tm_mon + 1, monday.tm_mday);
	}
	return json_sprintf("%04d-%02d-%02d", tm.tm_year + 1900, month, day);
}

static json_t *dimension_value(const struct dimension *d, const json_t *rec)
{
	json_t *value = path_value(&d->path, rec);
	if (d->granularity[0] != '\0')
		return truncate_date(json_string_value(value), d);
	return value_is_empty(value) && !json_is_array(value) ? json_null() : json_incref(value);
}

static struct bucket *bucket_find(struct grouping *g, json_t *key)
{
	for (size_t i = 0; i < g->bucket_n; i++) {
		if (json_equal(g->buckets[i].key, key)) {
			json_decref(key);
			return &g->buckets[i];
		}
	}
	if (g->bucket_n == g->cap) {
		size_t cap = g->cap != 0 ? g->cap * 2 : 16;
		struct bucket *buckets = realloc(g->buckets, cap * sizeof(*buckets));
		if (buckets == NULL) {
			json_decref(key);
			return NULL;
		}
		g->buckets = buckets;
		g->cap = cap;
	}
	g->buckets[g->bucket_n] = (struct bucket){.key = key};
	return &g->buckets[g->bucket_n++];
}

static void bucket_count(struct grouping *g, struct bucket *b, const json_t *rec)
{
	b->count++;
	for (size_t i = 0; i < g->aggregate_n; i++) {
		const json_t *value = g->aggregates[i].op != AGG_TOTAL
					      ? path_value(&g->aggregates[i].path, rec)
					      : NULL;
		if (value_is_empty(value))
			continue;
		double v = json_number_value(value);
		if (b->filled[i] == 0 || v < b->least[i])
			b->least[i] = v;
		if (b->filled[i] == 0 || v > b->most[i])
			b->most[i] = v;
		b->sum[i] += v;
		b->filled[i]++;
	}
}

static void grouping_run(struct grouping *g, const struct object *o, const struct filter *filter)
{
	size_t n;
	struct row **rows = page_all(o, filter, false, SIZE_MAX, &n);
	for (size_t i = 0; rows != NULL && i < n; i++) {
		json_t *key = json_array();
		for (size_t k = 0; k < g->dimension_n; k++)
			json_array_append_new(
				key, dimension_value(&g->dimensions[k], rows[i]->rec));
		struct bucket *b = bucket_find(g, key);
		if (b != NULL)
			bucket_count(g, b, rows[i]->rec);
	}
	free(rows);
}

/* PostgreSQL's scale of a numeric quotient: sixteen significant digits, counted in groups of four.
 */
static int quotient_scale(double sum, double n)
{
	int sum_weight = 0, n_weight = 0;
	for (sum = fabs(sum); sum >= 10000; sum = floor(sum / 10000))
		sum_weight++;
	for (; n >= 10000; n = floor(n / 10000))
		n_weight++;
	int weight = sum_weight - n_weight - (sum <= n ? 1 : 0);
	int scale = 16 - weight * 4;
	return scale > 0 ? scale : 0;
}

static json_t *number_text(double value)
{
	char text[32];
	print_number(value, text);
	return json_string(text);
}

static json_t *aggregate_value(const struct grouping *g, const struct bucket *b, size_t i)
{
	double filled = (double)b->filled[i];
	if (g->aggregates[i].op != AGG_TOTAL && g->aggregates[i].op < AGG_FILLED && filled == 0)
		return json_null();
	switch (g->aggregates[i].op) {
	case AGG_TOTAL:
		return number_text((double)b->count);
	case AGG_SUM:
		return number_text(b->sum[i]);
	case AGG_AVG:
		return json_sprintf("%.*f", quotient_scale(b->sum[i], filled), b->sum[i] / filled);
	case AGG_MIN:
		return number_text(b->least[i]);
	case AGG_MAX:
		return number_text(b->most[i]);
	case AGG_EMPTY:
		return number_text((double)b->count - filled);
	case AGG_FILLED:
	case AGG_UNIQUE:
		break;
	}
	return number_text(filled);
}

static bool dimension_parse(struct call *c, const struct object *o, const char *name,
	const json_t *how, struct dimension *d, struct fail *fail)
{
	char path[160];
	const char *sub = NULL;
	const json_t *granularity = json_object_get(how, "granularity");
	if (json_is_object(how) && granularity == NULL)
		sub = json_object_iter_key(json_object_iter((json_t *)(uintptr_t)how));
	snprintf(
		path, sizeof(path), "%s%s%s", name, sub != NULL ? "." : "", sub != NULL ? sub : "");
	if (path_parse(&d->path, &c->world->schema, o, path) != PATH_OK)
		return fail_bad(fail, "Unidentified field in groupBy: %s", name);
	if (granularity == NULL)
		return true;
	const char *zone = json_string_value(json_object_get(how, "timeZone"));
	snprintf(d->granularity, sizeof(d->granularity), "%s", json_string_value(granularity));
	if (zone == NULL)
		return fail_bad(fail, "Time zone should be specified for a group by date on Day, "
				      "Week, Month, Quarter or Year");
	snprintf(d->zone, sizeof(d->zone), "%s", zone);
	return true;
}

static bool dimensions_parse(
	struct call *c, const struct object *o, struct grouping *g, struct fail *fail)
{
	const char *text = query_find(&c->query, "group_by");
	json_t *list = text != NULL ? json_loads(text, 0, NULL) : NULL;
	bool ok = json_is_array(list) && json_array_size(list) <= DIMENSIONS_MAX;
	if (!ok)
		fail_bad(fail, "Invalid group_by query parameter - should be a valid array of "
			       "objects - ex: [{\"firstField\": true}, {\"secondField\": "
			       "{\"subField\": true}}, {\"dateField\": {\"granularity\": 'DAY'}}]");
	for (size_t i = 0; ok && i < json_array_size(list); i++) {
		void *it = json_object_iter(json_array_get(list, i));
		if (it == NULL)
			continue;
		ok = dimension_parse(c, o, json_object_iter_key(it), json_object_iter_value(it),
			&g->dimensions[g->dimension_n], fail);
		g->dimension_n += (size_t)ok;
	}
	json_decref(list);
	return ok;
}

/* "AmountAmountMicros" to amount.amountMicros, "Id" to id. */
static bool camel_path(struct call *c, const struct object *o, const char *camel, struct path *ret)
{
	char name[96];
	snprintf(name, sizeof(name), "%s", camel);
	name[0] = (char)tolower((unsigned char)name[0]);
	if (path_parse(ret, &c->world->schema, o, name) == PATH_OK)
		return true;
	for (size_t i = 1; name[i] != '\0'; i++) {
		char path[160];
		if (!isupper((unsigned char)name[i]))
			continue;
		snprintf(path, sizeof(path), "%.*s.%c%s", (int)i, name,
			tolower((unsigned char)name[i]), name + i + 1);
		if (path_parse(ret, &c->world->schema, o, path) == PATH_OK)
			return true;
	}
	return false;
}

static bool aggregate_parse(
	struct call *c, const struct object *o, const char *name, struct aggregate *a)
{
	static const struct {
		const char *prefix;
		enum aggregate_op op;
	} words[] = {{"sum", AGG_SUM}, {"avg", AGG_AVG}, {"min", AGG_MIN}, {"max", AGG_MAX},
		{"countNotEmpty", AGG_FILLED}, {"countEmpty", AGG_EMPTY},
		{"countUniqueValues", AGG_UNIQUE}};
	snprintf(a->name, sizeof(a->name), "%s", name);
	a->op = AGG_TOTAL;
	if (strcmp(name, "totalCount") == 0)
		return true;
	for (size_t i = 0; i < ARRAY_N(words); i++) {
		size_t n = strlen(words[i].prefix);
		if (strncmp(name, words[i].prefix, n) == 0 && name[n] != '\0') {
			a->op = words[i].op;
			return camel_path(c, o, name + n, &a->path);
		}
	}
	return false;
}

static bool aggregates_parse(
	struct call *c, const struct object *o, struct grouping *g, struct fail *fail)
{
	const char *text = query_find(&c->query, "aggregate");
	json_t *list = text != NULL ? json_loads(text, 0, NULL) : NULL;
	bool ok = text == NULL || json_is_array(list) ||
		  fail_bad(fail, "Invalid aggregate query parameter - should be a valid array of "
				 "strings - ex: [\"countNotEmptyId\", \"countEmptyField\"]");
	for (size_t i = 0; ok && i < json_array_size(list) && i < AGGREGATES_MAX; i++) {
		const char *name = json_string_value(json_array_get(list, i));
		ok = (name != NULL && aggregate_parse(c, o, name, &g->aggregates[i])) ||
		     fail_bad(fail, "Unknown aggregate field(s): %s", name != NULL ? name : "");
		g->aggregate_n += (size_t)ok;
	}
	json_decref(list);
	return ok;
}

bool core_group_by(struct call *c, struct object *o, const char *id, struct fail *fail)
{
	(void)id;
	struct grouping g = {0};
	struct filter *filter = NULL;
	size_t limit;
	bool ok = call_limit(c, LIMIT_DEFAULT, 200, &limit, fail) &&
		  dimensions_parse(c, o, &g, fail) && aggregates_parse(c, o, &g, fail) &&
		  core_filter(c, o, &filter, fail);
	if (ok) {
		grouping_run(&g, o, filter);
		json_t *list = json_array();
		for (size_t i = 0; i < g.bucket_n && i < limit; i++) {
			json_t *row = json_object();
			for (size_t k = 0; k < g.aggregate_n; k++)
				json_object_set_new(row, g.aggregates[k].name,
					aggregate_value(&g, &g.buckets[i], k));
			json_object_set(row, "groupByDimensionValues", g.buckets[i].key);
			json_array_append_new(list, row);
		}
		answer_json(c, 200, list);
	}
	grouping_done(&g);
	filter_free(filter);
	return ok;
}

json_t *group_docs(const struct object *o, const struct filter *filter, const char *flat,
	const char *key, const char *sub)
{
	struct grouping g = {.dimension_n = 1};
	g.dimensions[0].path = (struct path){.field = schema_field(o, key), .sub = sub};
	if (g.dimensions[0].path.field == NULL)
		g.dimensions[0].path.field = schema_field_by_join(o, key);
	for (size_t i = 0; i < o->field_n && g.aggregate_n < AGGREGATES_MAX; i++) {
		const struct field *f = &o->fields[i];
		if (f->type != FT_CURRENCY && f->type != FT_NUMBER)
			continue;
		struct aggregate *a = &g.aggregates[g.aggregate_n++];
		a->op = AGG_SUM;
		a->path = (struct path){
			.field = f, .sub = f->type == FT_CURRENCY ? "amountMicros" : NULL};
		snprintf(a->name, sizeof(a->name), "%s", f->name);
	}
	grouping_run(&g, o, filter);
	json_t *list = json_array();
	for (size_t i = 0; i < g.bucket_n; i++) {
		json_t *sums = json_object();
		for (size_t k = 0; k < g.aggregate_n; k++) {
			bool money = g.aggregates[k].path.sub != NULL;
			double sum = g.buckets[i].sum[k] / (money ? 1e6 : 1);
			json_object_set_new(sums, g.aggregates[k].name,
				sum == floor(sum) ? json_integer((json_int_t)sum) : json_real(sum));
		}
		json_array_append_new(
			list, json_pack("{s:O,s:I,s:o}", flat, json_array_get(g.buckets[i].key, 0),
				      "count", (json_int_t)g.buckets[i].count, "sum", sums));
	}
	grouping_done(&g);
	return list;
}
