/* SPDX-License-Identifier: MIT */
/* What a check has found. */
#ifndef MOONHOOK_RUNNER_CHECK_FINDING_H
#define MOONHOOK_RUNNER_CHECK_FINDING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/rc.h"
#include "runner/check/source.h"

enum check_severity {
	CHECK_ERROR,   /* it is wrong, whatever happens */
	CHECK_WARNING, /* it can go wrong */
};

/*
 * The kinds of finding. Their names are stable: scripts may sort by them.
 * X(code, name, severity)
 */
#define CHECK_KINDS(X)                                                                             \
	X(CHECK_SYNTAX, "syntax", CHECK_ERROR)                                                     \
	X(CHECK_READ, "read", CHECK_ERROR)                                                         \
	X(CHECK_GLOBAL, "unknown-global", CHECK_ERROR)                                             \
	X(CHECK_ASSIGN, "assigned-global", CHECK_WARNING)                                          \
	X(CHECK_MEMBER, "unknown-member", CHECK_ERROR)                                             \
	X(CHECK_METHOD, "unknown-method", CHECK_ERROR)                                             \
	X(CHECK_COLON, "colon", CHECK_ERROR)                                                       \
	X(CHECK_OPTION, "unknown-option", CHECK_ERROR)                                             \
	X(CHECK_VALUE, "wrong-value", CHECK_ERROR)                                                 \
	X(CHECK_MISSING, "missing", CHECK_ERROR)                                                   \
	X(CHECK_PLACE, "wrong-place", CHECK_ERROR)                                                 \
	X(CHECK_HEAD, "head", CHECK_ERROR)                                                         \
	X(CHECK_DOUBLE, "double-rule", CHECK_ERROR)                                                \
	X(CHECK_PATTERN, "pattern", CHECK_ERROR)                                                   \
	X(CHECK_OBJECT, "unknown-object", CHECK_ERROR)                                             \
	X(CHECK_FIELD, "unknown-field", CHECK_ERROR)                                               \
	X(CHECK_CHOICE, "unknown-value", CHECK_ERROR)                                              \
	X(CHECK_RULE, "unknown-rule", CHECK_ERROR)                                                 \
	X(CHECK_MODULE, "unknown-module", CHECK_ERROR)                                             \
	X(CHECK_SOURCE, "unknown-source", CHECK_ERROR)                                             \
	X(CHECK_HOST, "host", CHECK_ERROR)                                                         \
	X(CHECK_SECRET, "unknown-secret", CHECK_ERROR)                                             \
	X(CHECK_EVENT, "unknown-event-member", CHECK_ERROR)                                        \
	X(CHECK_NIL, "maybe-nil", CHECK_WARNING)                                                   \
	X(CHECK_NEED, "need", CHECK_WARNING)                                                       \
	X(CHECK_LIMIT, "no-limit", CHECK_WARNING)                                                  \
	X(CHECK_LOOP, "call-in-loop", CHECK_WARNING)                                               \
	X(CHECK_SELF, "own-record", CHECK_WARNING)                                                 \
	X(CHECK_SWALLOW, "swallowed", CHECK_WARNING)                                               \
	X(CHECK_UNUSED, "no-effect", CHECK_WARNING)                                                \
	X(CHECK_LIMITED, "not-checked", CHECK_WARNING)

enum check_kind {
#define X(code, name, severity) code,
	CHECK_KINDS(X)
#undef X
		CHECK_KIND_N,
};

const char *check_kind_name(enum check_kind kind); /* STATIC */
enum check_severity check_kind_severity(enum check_kind kind);
const char *check_severity_name(enum check_severity severity); /* "error"; STATIC */

struct check_finding {
	const char *file; /* BORROWS from whoever named it to the check */
	int line, column,
		width; /* column in characters from 1; width of what is meant, at least 1 */
	enum check_kind kind;
	char *text;       /* a sentence without its full stop; owned */
	char *suggestion; /* "did you mean 'stage'?", "write .."; NULL: none; owned */
	char *source;     /* the line it is about; NULL: none; owned */
};

#define CHECK_FINDINGS_MAX 200 /* that one file can add: more help nobody */

struct check_findings { /* zero is empty */
	struct check_finding *p;
	size_t n, cap;
	bool poor; /* memory was short: something is not told */
};

/* About the bytes [at, end) of a source. Past CHECK_FINDINGS_MAX nothing is added. GIVES
 * its place, for check_suggest, until the next is put; NULL: it was not added. */
struct check_finding *check_finding_put(struct check_findings *findings,
	const struct check_source *source, enum check_kind kind, uint32_t at, uint32_t end,
	const char *fmt, ...) printf_like(6, 7);
/* The same where only the line is known, or not even that (0), and no source is at hand. */
struct check_finding *check_finding_put_line(struct check_findings *findings, const char *file,
	int line, enum check_kind kind, const char *fmt, ...) printf_like(5, 6);
/* What to do about it; accepts NULL. */
void check_suggest(struct check_finding *finding, const char *fmt, ...) printf_like(2, 3);
/* How many since `from` are errors. */
size_t check_findings_errors(const struct check_findings *findings, size_t from);
/* Puts those since `from` in the order of their places. */
void check_findings_sort(struct check_findings *findings, size_t from);
/* Puts those of `from` behind the others; `from` is empty then. */
void check_findings_take(struct check_findings *findings, struct check_findings *from);
void check_findings_done(struct check_findings *findings);

#endif
