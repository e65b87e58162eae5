/* SPDX-License-Identifier: MIT */
/*
 * What it costs to decide a `when` that is data, for one event of a person: nanoseconds, medians of
 * seven rounds. Prints one line per predicate.
 */
#include "runner/predicate.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/attr.h"
#include "base/clock.h"
#include "runner/event.h"

#define ROUNDS 7
#define TIMES 200000

static const char body[] =
	"{\"eventName\":\"person.updated\",\"record\":{\"id\":\"36d4adf0-ec41-4587-a1b6-"
	"1523f9b5f092\",\"createdAt\":\"2026-11-23T18:20:54.408Z\",\"updatedAt\":\"2026-11-23T18:"
	"20:54.408Z\",\"deletedAt\":null,\"name\":{\"firstName\":\"Rel\",\"lastName\":\"Ated\"},"
	"\"emails\":{\"primaryEmail\":\"rel@acme.example\",\"additionalEmails\":[]},"
	"\"jobTitle\":\"Buyer\",\"city\":\"Paris\",\"companyId\":null,\"intro\":\"\"},"
	"\"updatedFields\":[\"jobTitle\",\"emails\"]}";

static const struct {
	const char *name, *json;
} predicates[] = {
	{"changed \"jobTitle\"", "{\"changed\":{\"jobTitle\":{}}}"},
	{"changed { \"email\", \"phone\" }", "{\"changed\":{\"email\":{},\"phone\":{}}}"},
	{"changed { jobTitle = { to = .. } }", "{\"changed\":{\"jobTitle\":{\"to\":[\"Buyer\"]}}}"},
	{"has { \"email\" }", "{\"has\":[\"email\"]}"},
	{"is { city = \"Paris\" }", "{\"is\":{\"city\":\"Paris\"}}"},
	{"is { jobTitle = { contains = .. } }", "{\"is\":{\"jobTitle\":{\"contains\":\"buy\"}}}"},
	{"all { changed, has, is }",
		"{\"all\":[{\"changed\":{\"jobTitle\":{}}},{\"has\":[\"email\"]},"
		"{\"is\":{\"city\":\"Paris\"}}]}"},
	{"any { changed, is }",
		"{\"any\":[{\"changed\":{\"intro\":{}}},{\"is\":{\"city\":\"Paris\"}}]}"},
	{"none { is }", "{\"none\":[{\"is\":{\"city\":\"Lyon\"}}]}"},
};

static int compare(const void *a, const void *b)
{
	double d = *(const double *)a - *(const double *)b;
	return (d > 0) - (d < 0);
}

static bool measure(const struct event *e, size_t i)
{
	double ns[ROUNDS];
	struct err err = {0};
	struct predicate *predicate = NULL;
	json_t *json = json_loads(predicates[i].json, 0, NULL);
	enum rc rc = predicate_new(json, &predicate, &err);
	struct predicate_ask ask = {
		.predicate = predicate,
		.object = e->object,
		.action = e->action,
		.record = e->record,
		.fields = e->fields,
		.before = event_before(e),
	};
	bool held = rc == RC_OK;
	for (int round = 0; round < ROUNDS && held; round++) {
		int64_t start_us = clock_mono_us();
		for (int n = 0; n < TIMES && held; n++)
			held = predicate_decide(&ask, &err) == PREDICATE_YES;
		ns[round] = (double)(clock_mono_us() - start_us) * 1000 / TIMES;
	}
	if (held) {
		qsort(ns, ROUNDS, sizeof(*ns), compare);
		printf("predicate: %-36s %6.0f ns\n", predicates[i].name, ns[ROUNDS / 2]);
	} else {
		fprintf(stderr, "%s does not hold: %s\n", predicates[i].name, err.msg);
	}
	predicate_free(predicate);
	json_decref(json);
	return held;
}

int main(void)
{
	struct event *e = NULL;
	struct err err = {0};
	struct event_input in = {
		.source = "twenty",
		.via = "hook",
		.body = {body, sizeof(body) - 1},
	};
	if (event_parse(&in, &e, &err) != RC_OK) {
		fprintf(stderr, "%s\n", err.msg);
		return 1;
	}
	bool ok = true;
	for (size_t i = 0; i < ARRAY_N(predicates) && ok; i++)
		ok = measure(e, i);
	event_unref(e);
	return ok ? 0 : 1;
}
