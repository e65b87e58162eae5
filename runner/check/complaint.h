/* SPDX-License-Identifier: MIT */
/* What the parser says of a text that is no Lua, in words that show what to do. For parser.c. */
#ifndef MOONHOOK_RUNNER_CHECK_COMPLAINT_H
#define MOONHOOK_RUNNER_CHECK_COMPLAINT_H

#include "runner/check/tree.h"

struct check_parser {
	struct check_lexer lexer;
	struct check_arena *arena;
	const struct check_source *source;
	struct check_token now, ahead;
	bool ahead_known;
	enum check_token_kind before; /* the word before `now`; last_at and last_end its bytes */
	uint32_t last_at, last_end;
	int levels;
	bool vararg, deep;
	bool suspect; /* the first thing that was closed by what stands further left */
	enum check_token_kind suspect_kind;
	uint32_t suspect_at, suspect_end;
	struct check_node scrap; /* handed out after a failure */
};

/* Nothing more is read. */
void check_parser_stop(struct check_parser *p);

/* The last word has closed what `opened` at `at` opened: remembers it where that looks wrong. */
void check_parser_closed(struct check_parser *p, enum check_token_kind opened, uint32_t at);

void check_complain_expected(struct check_parser *p, enum check_token_kind wanted);
void check_complain_unclosed(struct check_parser *p, enum check_token_kind wanted,
	enum check_token_kind opened, uint32_t at);
void check_complain_levels(struct check_parser *p);
void check_complain_arguments(struct check_parser *p);
void check_complain_expression(struct check_parser *p);
void check_complain_vararg(struct check_parser *p);
void check_complain_for(struct check_parser *p, size_t n);
void check_complain_in(struct check_parser *p);
void check_complain_attribute(struct check_parser *p);
void check_complain_return(struct check_parser *p);
void check_complain_statement(struct check_parser *p, const struct check_node *what);
void check_complain_target(struct check_parser *p, const struct check_node *what);
void check_complain_rest(struct check_parser *p);

#endif
