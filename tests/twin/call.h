/* SPDX-License-Identifier: MIT */
/* One request and the answer that grows with it. */
#ifndef MOONHOOK_TESTS_TWIN_CALL_H
#define MOONHOOK_TESTS_TWIN_CALL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "tests/twin/fail.h"
#include "tests/twin/page.h"
#include "tests/twin/query.h"
#include "tests/twin/world.h"

#define ANSWER_MAX (64u << 20)
#define SEGMENT_MAX 8

struct call {
	struct world *world;
	const char *method, *path, *raw_query;     /* BORROWED; path as it came, not decoded */
	const char *authorization, *if_none_match; /* BORROWED or NULL */
	struct slice body;
	struct query query;
	json_t *input;  /* the body as JSON; NULL where there is none */
	bool read_only; /* the key may only read */
	/* the answer */
	int status;
	struct buf out;
	const char *content_type; /* STATIC; NULL: none */
	const char *extra[4][2];  /* headers, STATIC names, values in extra_text */
	char extra_text[4][48];
	size_t extra_n;
	bool no_etag;
};

void call_header(struct call *c, const char *name, const char *fmt, ...) printf_like(3, 4);
/* Sets status and body. TAKES body. */
void answer_json(struct call *c, int status, json_t *body);
void answer_text(struct call *c, int status, const char *content_type, const char *text);
/* The error in the form of the dialect. */
void answer_fail(struct call *c, const struct fail *fail);
/* {"data":{<name>:<value>}}; TAKES value. */
void answer_data(struct call *c, int status, const char *prefix, const char *name, json_t *value);

/* The record as an answer shows it: with depth 1, related rows too. GIVES. */
json_t *record_show(const struct world *w, const struct object *o, json_t *rec, int depth);
/* ?depth= ; 0 where it is missing. */
bool call_depth(const struct call *c, int *ret, struct fail *fail) must_check;
/* ?limit= ; fallback where it is missing, cut at max. */
bool call_limit(const struct call *c, size_t fallback, size_t max, size_t *ret,
	struct fail *fail) must_check;

/* Answers the request completely: routing, keys, budget. */
void app_answer(struct call *c);
/* The parts of it, by prefix of the path. Each answers the request. */
void core_answer(struct call *c);
void docs_answer(struct call *c);
/* X-RateLimit-*, which the documentation promises on every answer. */
void docs_rate_headers(struct call *c);
void metadata_answer(struct call *c, const char *path);
void webhooks_answer(struct call *c, const char *id);
void graphql_answer(struct call *c);
void openapi_answer(struct call *c);
void control_answer(struct call *c, const char *path);

#endif
