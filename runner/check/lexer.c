/* SPDX-License-Identifier: MIT */
/*
 * Text -> words of Lua.
 * From: parser.c, one word after the other. Accepts what Lua's own lexer accepts and nothing else;
 * a mistake is told once, in a better sentence where what was meant can be seen, and ends the text.
 */
#include "runner/check/lexer.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/utf8.h"

static const struct {
	const char *text;
	enum check_token_kind kind;
} words[] =
	{
#define X(code, text) {text, code},
		CHECK_WORDS(X)
#undef X
},
  marks[] = {
#define X(code, text) {text, code},
	  CHECK_MARKS(X)
#undef X
};

const char *check_token_name(enum check_token_kind kind)
{
	static const char *const names[] = {[TOKEN_EOF] = "the end of the file",
		[TOKEN_NAME] = "a name",
		[TOKEN_STRING] = "a text",
		[TOKEN_NUMBER] = "a number",
#define X(code, text) [code] = "'" text "'",
		CHECK_WORDS(X) CHECK_MARKS(X)
#undef X
	};
	return names[kind];
}

void check_lexer_init(struct check_lexer *lexer, const struct check_source *source,
	struct check_arena *arena, struct check_findings *findings)
{
	*lexer = (struct check_lexer){source, arena, findings, source->begin, false};
}

/* --- bytes ------------------------------------------------------------------------------------ */

/* -1 behind the end. */
static int peek(const struct check_lexer *l, uint32_t ahead)
{
	size_t i = (size_t)l->at + ahead;
	return i < l->source->text.n ? (unsigned char)l->source->text.p[i] : -1;
}

static bool is_letter(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex(int c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool ends_line(int c)
{
	return c == '\n' || c == '\r';
}

static struct check_finding *fail(
	struct check_lexer *l, uint32_t at, uint32_t end, const char *text)
{
	struct check_finding *f = NULL;
	if (!l->failed)
		f = check_finding_put(l->findings, l->source, CHECK_SYNTAX, at, end, "%s", text);
	l->failed = true;
	l->at = (uint32_t)l->source->text.n;
	return f;
}

/* --- long texts and comments ------------------------------------------------------------------ */

/* Of the bracket at l->at: "[[" 0, "[=[" 1; -1: none; -2: "[=" without its second bracket. */
static int long_level(const struct check_lexer *l)
{
	uint32_t i = 1;
	while (peek(l, i) == '=')
		i++;
	if (peek(l, i) == '[')
		return (int)i - 1;
	return i == 1 ? -1 : -2;
}

/* To behind the closing bracket; ret_text: what is between. */
static bool skip_long(struct check_lexer *l, int level, struct slice *ret_text)
{
	l->at += (uint32_t)level + 2;
	uint32_t from = l->at;
	if (ends_line(peek(l, 0))) /* the first line break is no part of it */
		from += ends_line(peek(l, 1)) && peek(l, 1) != peek(l, 0) ? 2 : 1;
	for (; peek(l, 0) != -1; l->at++) {
		if (peek(l, 0) != ']')
			continue;
		uint32_t n = 1;
		while (peek(l, n) == '=')
			n++;
		if ((int)n - 1 != level || peek(l, n) != ']')
			continue;
		if (from > l->at)
			from = l->at;
		*ret_text = (struct slice){l->source->text.p + from, l->at - from};
		l->at += n + 1;
		return true;
	}
	return false;
}

/* At "--". */
static void skip_comment(struct check_lexer *l)
{
	struct slice text;
	uint32_t begin = l->at;
	l->at += 2;
	int level = peek(l, 0) == '[' ? long_level(l) : -1;
	if (level < 0) {
		while (peek(l, 0) != -1 && !ends_line(peek(l, 0)))
			l->at++;
	} else if (!skip_long(l, level, &text)) {
		fail(l, begin, begin + 4 + (uint32_t)level,
			"the comment that begins here is never closed");
	}
}

static void skip_blanks(struct check_lexer *l)
{
	for (;;) {
		int c = peek(l, 0);
		if (c == '-' && peek(l, 1) == '-')
			skip_comment(l);
		else if (c == ' ' || (c >= '\t' && c <= '\r'))
			l->at++;
		else
			return;
	}
}

/* --- texts ------------------------------------------------------------------------------------ */

static bool bad_escape(struct check_lexer *l, uint32_t from, const char *text)
{
	struct check_finding *f = fail(l, from, from + 2, text);
	check_suggest(f, "a backslash itself is written \\\\");
	return false;
}

static int hex_of(int c)
{
	return is_digit(c) ? c - '0' : tolower(c) - 'a' + 10;
}

static void put_utf8(uint32_t c, char *out, size_t *n)
{
	if (c <= 0x10ffff) {
		*n += utf8_put(c, out + *n);
		return;
	}
	/* Lua knows characters up to 2^31, which are nobody's; what they would be does not matter.
	 */
	out[(*n)++] = '?';
}

/* At the backslash; writes what it means. */
static bool take_escape(struct check_lexer *l, char *out, size_t *n)
{
	static const char names[] = "abfnrtv\\\"'", means[] = "\a\b\f\n\r\t\v\\\"'";
	uint32_t from = l->at++, value = 0, digits = 0;
	int c = peek(l, 0);
	const char *name = c > 0 ? strchr(names, c) : NULL;
	if (name != NULL) {
		out[(*n)++] = means[name - names];
		l->at++;
	} else if (ends_line(c)) {
		l->at += ends_line(peek(l, 1)) && peek(l, 1) != c ? 2 : 1;
		out[(*n)++] = '\n';
	} else if (c == 'z') {
		l->at++;
		while (peek(l, 0) == ' ' || (peek(l, 0) >= '\t' && peek(l, 0) <= '\r'))
			l->at++;
	} else if (c == 'x') {
		if (!is_hex(peek(l, 1)) || !is_hex(peek(l, 2)))
			return bad_escape(l, from, "\\x wants two hexadecimal digits");
		out[(*n)++] = (char)(hex_of(peek(l, 1)) * 16 + hex_of(peek(l, 2)));
		l->at += 3;
	} else if (c == 'u') {
		l->at++;
		if (peek(l, 0) != '{' || !is_hex(peek(l, 1)))
			return bad_escape(l, from, "\\u wants a character as in \\u{20AC}");
		for (l->at++; is_hex(peek(l, 0)); l->at++) {
			if (value >= 0x8000000u) /* of 2^31, what Lua takes */
				return bad_escape(l, from, "\\u: there is no such character");
			value = value * 16 + (uint32_t)hex_of(peek(l, 0));
		}
		if (peek(l, 0) != '}')
			return bad_escape(l, from, "\\u wants a character as in \\u{20AC}");
		l->at++;
		put_utf8(value, out, n);
	} else if (is_digit(c)) {
		while (digits++ < 3 && is_digit(peek(l, 0)))
			value = value * 10 + (uint32_t)(peek(l, 0) - '0'), l->at++;
		if (value > 255)
			return bad_escape(l, from, "\\ddd is a byte, at most \\255");
		out[(*n)++] = (char)value;
	} else {
		return bad_escape(l, from, "this escape is not known to Lua");
	}
	return true;
}

/* At the quote. */
static void take_string(struct check_lexer *l, struct check_token *t)
{
	int quote = peek(l, 0);
	uint32_t i = 1;
	while (peek(l, i) != quote && peek(l, i) != -1 && !ends_line(peek(l, i)))
		i += peek(l, i) == '\\' && peek(l, i + 1) != -1 ? 2 : 1;
	size_t n = 0, room = i; /* a \z or line break can make it longer: grown below */
	char *out = check_arena_take(l->arena, room + 8);
	if (out == NULL) {
		l->failed = true;
		return;
	}
	for (l->at++; peek(l, 0) != quote;) {
		if (peek(l, 0) == -1 || ends_line(peek(l, 0))) {
			struct check_finding *f = fail(l, t->at, t->at + 1,
				"the text that begins here is not closed "
				"on its line");
			check_suggest(f, "write %c at its end", quote);
			return;
		}
		if (n + 8 > room) {
			char *more = check_arena_take(l->arena, room * 2 + 16);
			if (more == NULL) {
				l->failed = true;
				return;
			}
			memcpy(more, out, n);
			out = more;
			room = room * 2 + 8;
		}
		if (peek(l, 0) != '\\')
			out[n++] = (char)peek(l, 0), l->at++;
		else if (!take_escape(l, out, &n))
			return;
	}
	l->at++;
	t->kind = TOKEN_STRING;
	t->text = (struct slice){out, n};
}

/* --- numbers ---------------------------------------------------------------------------------- */

static size_t digits_at(const char *p, bool hex)
{
	size_t n = 0;
	while (hex ? is_hex((unsigned char)p[n]) : is_digit((unsigned char)p[n]))
		n++;
	return n;
}

/* Is this terminated text a number for Lua? */
static bool is_number(const char *p, bool *ret_integer)
{
	bool hex = p[0] == '0' && (p[1] == 'x' || p[1] == 'X');
	p += hex ? 2 : 0;
	size_t n = digits_at(p, hex);
	p += n;
	*ret_integer = *p == '\0';
	if (*p == '.') {
		size_t m = digits_at(p + 1, hex);
		n += m;
		p += m + 1;
	}
	if (n == 0)
		return false;
	if (hex ? *p == 'p' || *p == 'P' : *p == 'e' || *p == 'E') {
		p++;
		p += *p == '+' || *p == '-';
		size_t m = digits_at(p, false);
		if (m == 0)
			return false;
		p += m;
	}
	return *p == '\0';
}

static void take_number(struct check_lexer *l, struct check_token *t)
{
	bool hex = peek(l, 0) == '0' && (peek(l, 1) == 'x' || peek(l, 1) == 'X');
	l->at += hex ? 2 : 0;
	for (;; l->at++) {
		int c = peek(l, 0), low = c > 0 ? tolower(c) : 0;
		if (low == (hex ? 'p' : 'e')) {
			if (peek(l, 1) == '+' || peek(l, 1) == '-')
				l->at++;
		} else if (!is_hex(c) && c != '.') {
			break;
		}
	}
	if (is_letter(peek(l, 0)))
		l->at++;
	char *text = check_arena_copy(l->arena, l->source->text.p + t->at, (size_t)(l->at - t->at));
	if (text == NULL) {
		l->failed = true;
		return;
	}
	if (!is_number(text, &t->integer)) {
		while (is_letter(peek(l, 0)) || is_digit(peek(l, 0)))
			l->at++;
		fail(l, t->at, l->at,
			"this is no number; a name cannot begin with a digit, and a "
			"duration is a text such as \"5m\"");
		return;
	}
	t->kind = TOKEN_NUMBER;
	t->number = strtod(text, NULL);
	t->integer = t->integer && (hex || (t->number < 9.2e18 && t->number > -9.2e18));
}

/* --- the rest --------------------------------------------------------------------------------- */

static void take_name(struct check_lexer *l, struct check_token *t)
{
	while (is_letter(peek(l, 0)) || is_digit(peek(l, 0)))
		l->at++;
	t->kind = TOKEN_NAME;
	t->text = (struct slice){l->source->text.p + t->at, l->at - t->at};
	for (size_t i = 0; i < ARRAY_N(words); i++)
		if (slice_equal(t->text, slice_of(words[i].text)))
			t->kind = words[i].kind;
}

/* What is no word of Lua, told by what was probably meant. */
static void refuse(struct check_lexer *l)
{
	static const struct {
		const char *bytes, *text, *suggestion;
	} known[] = {
		{"!=", "'!=' is not Lua", "write ~= for \"is not\""},
		{"!", "'!' is not Lua", "write not, or ~= for \"is not\""},
		{"\xe2\x80\x9c", "this is a typographic quote", "write \""},
		{"\xe2\x80\x9d", "this is a typographic quote", "write \""},
		{"\xe2\x80\x9e", "this is a typographic quote", "write \""},
		{"\xe2\x80\x98", "this is a typographic quote", "write '"},
		{"\xe2\x80\x99", "this is a typographic quote", "write '"},
		{"\xc2\xa0", "this is a no-break space, which looks like a blank", "write a blank"},
		{"`", "'`' is not Lua",
			"write \" around a text, [[ .. ]] around one of several lines"},
		{"$", "'$' is not Lua", "a text is put together with .."},
		{"@", "'@' is not Lua", NULL},
		{"?", "'?' is not Lua", "write cond and a or b"},
		{"\\", "a backslash has no place outside of a text", NULL},
	};
	const char *p = l->source->text.p + l->at;
	size_t n = l->source->text.n - l->at, length = utf8_length(p, n);
	for (size_t i = 0; i < ARRAY_N(known); i++) {
		size_t m = strlen(known[i].bytes);
		if (m > n || memcmp(p, known[i].bytes, m) != 0)
			continue;
		struct check_finding *f = fail(l, l->at, l->at + (uint32_t)m, known[i].text);
		if (known[i].suggestion != NULL)
			check_suggest(f, "%s", known[i].suggestion);
		return;
	}
	fail(l, l->at, l->at + (uint32_t)(length > 0 ? length : 1),
		*p == '\0'    ? "a NUL byte has no place in a rule"
		: length == 0 ? "this byte is no UTF-8 text"
		: length > 1  ? "this character has no place outside of a text; names are of the "
				"letters a-z, digits and _"
			      : "this character is not Lua");
}

static void take_mark(struct check_lexer *l, struct check_token *t)
{
	const char *p = l->source->text.p + l->at;
	size_t n = l->source->text.n - l->at;
	for (size_t i = 0; i < ARRAY_N(marks); i++) {
		size_t m = strlen(marks[i].text);
		if (m > n || memcmp(p, marks[i].text, m) != 0)
			continue;
		t->kind = marks[i].kind;
		l->at += (uint32_t)m;
		return;
	}
	refuse(l);
}

static void take(struct check_lexer *l, struct check_token *t)
{
	int c = peek(l, 0);
	int level = c == '[' ? long_level(l) : -1;
	if (level >= 0) {
		t->kind = TOKEN_STRING;
		if (!skip_long(l, level, &t->text))
			fail(l, t->at, t->at + 2 + (uint32_t)level,
				"the long text that begins here is never closed");
	} else if (level == -2) {
		fail(l, t->at, t->at + 2, "a long text begins with [[ or [=[");
	} else if (c == '"' || c == '\'') {
		take_string(l, t);
	} else if (is_digit(c) || (c == '.' && is_digit(peek(l, 1)))) {
		take_number(l, t);
	} else if (is_letter(c)) {
		take_name(l, t);
	} else {
		take_mark(l, t);
	}
}

void check_lexer_next(struct check_lexer *l, struct check_token *ret_token)
{
	struct check_token t = {.kind = TOKEN_EOF};
	if (!l->failed)
		skip_blanks(l);
	t.at = l->at;
	if (!l->failed && peek(l, 0) != -1)
		take(l, &t);
	if (l->failed)
		t.kind = TOKEN_EOF;
	t.end = l->at;
	*ret_token = t;
}
