/* SPDX-License-Identifier: MIT */
/*
 * A condition: what a rule writes as `where`, read once, then said in the words of either dialect
 * and checked against records. Negations are pushed down to the single tests while reading, so that
 * leaving a test out always makes a filter wider, never narrower.
 *
 * What a test means (the server's filters are chosen so that they mean the same):
 *   eq, neq, a list   exact; e-mail addresses without regard to case; a domain in every way to
 *                     write a link to it; null and "" are the same nothing, because servers keep
 *                     the one and show the other, and equal nothing else
 *   gt gte lt lte     numbers, or texts that are times; nothing compares with null
 *   contains          part of a text, without regard to case
 *   startsWith endsWith   with regard to case;   like   % any text, _ any character, with case
 *   empty             null, "", a list of nothing and no such field
 */
#ifndef MOONHOOK_CLIENT_WHERE_H
#define MOONHOOK_CLIENT_WHERE_H

#include <stdbool.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "client/fields.h"
#include "client/request.h"

#define WHERE_DEPTH 12
#define WHERE_NODES 400
#define WHERE_TEXT_MAX 1000 /* bytes of what contains, startsWith, endsWith, like look for */

enum where_kind { WHERE_ALL, WHERE_ANY, WHERE_TEST };

#define WHERE_OPS(X)                                                                               \
	X(WHERE_EQ, "eq")                                                                          \
	X(WHERE_NEQ, "neq")                                                                        \
	X(WHERE_GT, "gt")                                                                          \
	X(WHERE_GTE, "gte")                                                                        \
	X(WHERE_LT, "lt")                                                                          \
	X(WHERE_LTE, "lte")                                                                        \
	X(WHERE_CONTAINS, "contains")                                                              \
	X(WHERE_STARTS, "startsWith")                                                              \
	X(WHERE_ENDS, "endsWith")                                                                  \
	X(WHERE_LIKE, "like")                                                                      \
	X(WHERE_EMPTY, "empty")                                                                    \
	X(WHERE_IN, "in")

enum where_op {
#define X(code, name) code,
	WHERE_OPS(X)
#undef X
		WHERE_OP_N,
};

struct where { /* read-only after where_parse */
	enum where_kind kind;
	struct where **child; /* of ALL and ANY */
	size_t child_n;
	struct field field; /* of a test */
	enum where_op op;   /* NEQ does not occur: it is EQ, negated */
	bool negated;
	json_t *value; /* of IN an array of plain values */
};

/*
 * Reads a condition. NULL or {} is the condition that everything meets. object: plural; "": what it
 * is about is no record of Twenty's, and a name is a path of any depth. RC_INVALID with a sentence:
 * unknown operator, empty list, wrong kind of value, too deep. RC_NOMEM. GIVES (where_free).
 */
enum rc where_parse(const struct schema *schema, const char *object, const json_t *json,
	struct where **ret_where, struct err *err) must_check;
void where_free(struct where *where);
/* True where at least one test is in it. */
bool where_tests(const struct where *where);
/* True where a test is about that field. */
bool where_names(const struct where *where, const char *path);

enum match { MATCH_NO, MATCH_YES, MATCH_UNSURE };
enum match_mode {
	MATCH_EXACT,  /* what the tests mean */
	MATCH_ABSENT, /* the same, and a field that the record does not have is null */
	MATCH_LOOSE,  /* NO only where no reading of the condition fits the record */
};
/* UNSURE where the record does not hold the field (a relation that was not asked for) or the order
 * of two texts is the server's to decide. */
enum match where_match(const struct where *where, const json_t *record, enum match_mode mode);

/* The first member of a list (a test with WHERE_IN) that the record's value equals; their number
 * where it is none. */
size_t where_member(const struct where *test, const json_t *record);

/* How well a filter says a condition. */
enum where_fit {
	WHERE_EXACT,   /* as it is */
	WHERE_WIDER,   /* it lets through more: the answer must be filtered here */
	WHERE_NOTHING, /* there is no filter at all */
};
/* Appends the filter of the core dialect, never more of it than fits into a request: what is left
 * out makes it wider. RC_NOMEM. */
enum rc where_format_core(
	const struct where *where, struct buf *out, enum where_fit *ret_fit) must_check;
/* Adds the filter[..] parameters of the documentation; never better than WIDER, because a server
 * ignores what it does not know. */
enum rc where_format_docs(const struct where *where, struct request *request) must_check;

/*
 * A list that is too long for one request can be asked for in parts where all records must meet it:
 * the answer is how many such parts there are, 1 where nothing has to be split.
 */
size_t where_parts(const struct where *where);
/* The condition with only that part of the list. NULL: no memory. GIVES (where_free). */
struct where *where_part(const struct where *where, size_t part) must_check;
/* The first part that a record belongs to, for values may be in the list twice; the number of parts
 * where that cannot be told. */
size_t where_part_of(const struct where *where, const json_t *record);

#endif
