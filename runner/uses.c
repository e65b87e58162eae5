/* SPDX-License-Identifier: MIT */
/*
 * Finding `use "name"` among the words of a Lua text.
 * From: module.c. To: the lexer of the checker. Does not run anything, nor look at files.
 */
#include "runner/uses.h"

#include <stdbool.h>
#include <string.h>

#include "runner/check/lexer.h"

#define ARENA_MAX (256u << 20)

static bool is_use(const struct check_token *t)
{
	return t->kind == TOKEN_NAME && t->text.n == 3 && memcmp(t->text.p, "use", 3) == 0;
}

/* Would a name behind this word be a field, a method, or a new name? */
static bool takes_name(enum check_token_kind kind)
{
	return kind == TOKEN_DOT || kind == TOKEN_COLON || kind == TOKEN_LOCAL ||
	       kind == TOKEN_FUNCTION;
}

enum rc uses_each(const char *file, struct slice text, uses_fn fn, void *ctx, struct err *err)
{
	struct check_arena arena;
	struct check_source source;
	struct check_findings findings = {.n = 0};
	struct check_lexer lexer;
	struct check_token t = {.kind = TOKEN_SEMICOLON};
	enum rc rc = RC_OK;
	check_arena_init(&arena, ARENA_MAX);
	if (!check_source_init(&source, file, text, &arena)) {
		check_arena_done(&arena);
		return err_set(err, RC_NOMEM, "no memory for %s", file);
	}
	check_lexer_init(&lexer, &source, &arena, &findings);
	while (rc == RC_OK && t.kind != TOKEN_EOF) {
		bool taken = takes_name(t.kind);
		check_lexer_next(&lexer, &t);
		uint32_t at = t.at;
		if (taken || !is_use(&t))
			continue;
		check_lexer_next(&lexer, &t);
		if (t.kind == TOKEN_OPEN)
			check_lexer_next(&lexer, &t);
		if (t.kind == TOKEN_STRING)
			rc = fn(ctx, t.text, check_source_line(&source, at), err);
	}
	check_findings_done(&findings);
	check_arena_done(&arena);
	return rc;
}
