/* SPDX-License-Identifier: MIT */
/* What the passes of a check share: the file at hand, what it is held against, how to say things.
 */
#ifndef MOONHOOK_RUNNER_CHECK_PASS_H
#define MOONHOOK_RUNNER_CHECK_PASS_H

#include "runner/check/check.h"
#include "runner/check/rule.h"

struct check_text { /* one file of a check */
	struct check_text *next;
	enum check_role role;
	struct check_source source;
	struct check_tree tree;
	struct check_scope scope;
	struct check_rules rules;
	bool context; /* nothing is told of it */
	bool good;    /* it is Lua, and can be walked */
	struct check_arena arena;
	struct check_findings findings;
};

struct check_pass {
	const struct check_world *world;
	const struct check_text *text;
	const struct check_text *all; /* of this check */
	struct check_findings *findings;
	struct check_arena *arena;
};

/* About a whole node. GIVES as check_finding_put. */
struct check_finding *check_say(const struct check_pass *pass, enum check_kind kind,
	const struct check_node *node, const char *fmt, ...) printf_like(4, 5);
/* About these bytes. */
struct check_finding *check_say_at(const struct check_pass *pass, enum check_kind kind, uint32_t at,
	uint32_t end, const char *fmt, ...) printf_like(5, 6);
/* A name that is cut to what a sentence takes: for "%.*s". */
#define CHECK_WORD(s) ((int)((s).n < 60 ? (s).n : 60)), (s).p
/* The word nearest to this one, NULL-terminated words; NULL: none is near. */
const char *check_nearest(struct slice word, const char *const *words);
/* "did you mean 'x'?", where something is near. */
void check_suggest_nearest(
	struct check_finding *finding, struct slice word, const char *const *words);

/* Is a text, where it is written out, a duration between these? */
void check_duration(const struct check_pass *pass, const struct check_node *node, const char *what,
	int64_t min_ms, int64_t max_ms);

/* The passes, in this order. */
void check_globals(const struct check_pass *pass);
void check_heads(const struct check_pass *pass);
void check_calls(const struct check_pass *pass);
void check_reading(const struct check_pass *pass);
void check_flow(const struct check_pass *pass);

#endif
