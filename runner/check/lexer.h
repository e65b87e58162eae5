/* SPDX-License-Identifier: MIT */
/* Lua's words. Source of the format: the Lua 5.4 reference manual, 3.1, and llex.c for its corners.
 */
#ifndef MOONHOOK_RUNNER_CHECK_LEXER_H
#define MOONHOOK_RUNNER_CHECK_LEXER_H

#include "runner/check/finding.h"

/* X(code, how it is written) */
#define CHECK_WORDS(X)                                                                             \
	X(TOKEN_AND, "and")                                                                        \
	X(TOKEN_BREAK, "break")                                                                    \
	X(TOKEN_DO, "do")                                                                          \
	X(TOKEN_ELSE, "else")                                                                      \
	X(TOKEN_ELSEIF, "elseif")                                                                  \
	X(TOKEN_END, "end")                                                                        \
	X(TOKEN_FALSE, "false")                                                                    \
	X(TOKEN_FOR, "for")                                                                        \
	X(TOKEN_FUNCTION, "function")                                                              \
	X(TOKEN_GOTO, "goto")                                                                      \
	X(TOKEN_IF, "if")                                                                          \
	X(TOKEN_IN, "in")                                                                          \
	X(TOKEN_LOCAL, "local")                                                                    \
	X(TOKEN_NIL, "nil")                                                                        \
	X(TOKEN_NOT, "not")                                                                        \
	X(TOKEN_OR, "or")                                                                          \
	X(TOKEN_REPEAT, "repeat")                                                                  \
	X(TOKEN_RETURN, "return")                                                                  \
	X(TOKEN_THEN, "then")                                                                      \
	X(TOKEN_TRUE, "true")                                                                      \
	X(TOKEN_UNTIL, "until")                                                                    \
	X(TOKEN_WHILE, "while")

/* Longer ones first: the first that fits is taken. */
#define CHECK_MARKS(X)                                                                             \
	X(TOKEN_DOTS, "...")                                                                       \
	X(TOKEN_CONCAT, "..")                                                                      \
	X(TOKEN_EQ, "==")                                                                          \
	X(TOKEN_NE, "~=")                                                                          \
	X(TOKEN_LE, "<=")                                                                          \
	X(TOKEN_GE, ">=")                                                                          \
	X(TOKEN_SHL, "<<")                                                                         \
	X(TOKEN_SHR, ">>")                                                                         \
	X(TOKEN_IDIV, "//")                                                                        \
	X(TOKEN_LABEL, "::")                                                                       \
	X(TOKEN_PLUS, "+")                                                                         \
	X(TOKEN_MINUS, "-")                                                                        \
	X(TOKEN_TIMES, "*")                                                                        \
	X(TOKEN_DIV, "/")                                                                          \
	X(TOKEN_MOD, "%")                                                                          \
	X(TOKEN_POWER, "^")                                                                        \
	X(TOKEN_LENGTH, "#")                                                                       \
	X(TOKEN_BAND, "&")                                                                         \
	X(TOKEN_TILDE, "~")                                                                        \
	X(TOKEN_BOR, "|")                                                                          \
	X(TOKEN_LT, "<")                                                                           \
	X(TOKEN_GT, ">")                                                                           \
	X(TOKEN_ASSIGN, "=")                                                                       \
	X(TOKEN_OPEN, "(")                                                                         \
	X(TOKEN_CLOSE, ")")                                                                        \
	X(TOKEN_OPEN_BRACE, "{")                                                                   \
	X(TOKEN_CLOSE_BRACE, "}")                                                                  \
	X(TOKEN_OPEN_BRACKET, "[")                                                                 \
	X(TOKEN_CLOSE_BRACKET, "]")                                                                \
	X(TOKEN_SEMICOLON, ";")                                                                    \
	X(TOKEN_COLON, ":")                                                                        \
	X(TOKEN_COMMA, ",")                                                                        \
	X(TOKEN_DOT, ".")

enum check_token_kind {
	TOKEN_EOF,
#define X(code, text) code,
	CHECK_WORDS(X) CHECK_MARKS(X)
#undef X
		TOKEN_NAME,
	TOKEN_STRING,
	TOKEN_NUMBER,
};

struct check_token {
	enum check_token_kind kind;
	uint32_t at, end;  /* its bytes in the source */
	struct slice text; /* of a name; of a string what it means; BORROWS */
	bool integer;      /* a number: whole, and in the range of one */
	double number;
};

struct check_lexer {
	const struct check_source *source;
	struct check_arena *arena;
	struct check_findings *findings;
	uint32_t at;
	bool failed; /* a mistake was put into findings; from now on there is only TOKEN_EOF */
};

void check_lexer_init(struct check_lexer *lexer, const struct check_source *source,
	struct check_arena *arena, struct check_findings *findings);
void check_lexer_next(struct check_lexer *lexer, struct check_token *ret_token);
/* "'end'"; STATIC. */
const char *check_token_name(enum check_token_kind kind);

#endif
