/* SPDX-License-Identifier: MIT */
/*
 * Finding the word that an error is about, and drawing the line with a caret below it.
 * From: report.c. Knows the forms of Lua's sentences and of ours; does not parse Lua. Fails as the
 * buffer does.
 */
#include "runner/caret.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

#define WIDTH 100 /* columns of a line that are shown */
#define LEAD 40   /* of those, in front of the caret where the line is cut */
#define TAB 4
#define WORD_N 80

static bool in_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || ((unsigned char)c & 0x80) != 0;
}

enum which { ONLY, LAST };

/* Where the word is in the line, whole; false where it is not, or (ONLY) more than once. */
static bool find_word(
	struct slice line, const char *word, enum which which, size_t *ret_at, size_t *ret_n)
{
	size_t n = strlen(word), found = 0;
	bool first = n > 0 && in_word(word[0]), last = n > 0 && in_word(word[n - 1]);
	for (size_t i = 0; n > 0 && i + n <= line.n; i++) {
		if (memcmp(line.p + i, word, n) != 0 ||
			(first && i > 0 && in_word(line.p[i - 1])) ||
			(last && i + n < line.n && in_word(line.p[i + n])))
			continue;
		if (found++ != 0 && which == ONLY)
			return false;
		*ret_at = i;
		*ret_n = n;
	}
	return found != 0;
}

/* Copies up to any of the ends; "" where none follows. */
static void cut(const char *text, const char *ends, char word[static WORD_N])
{
	size_t n = strcspn(text, ends);
	word[0] = '\0';
	if (text[n] != '\0' && n < WORD_N)
		snprintf(word, WORD_N, "%.*s", (int)n, text);
}

static bool find_call(struct slice line, const char *call, size_t *ret_at, size_t *ret_n)
{
	const char *space = strchr(call, ' ');
	const char *name = space != NULL ? space + 1 : call;
	const char *colon = strrchr(name, ':');
	const char *method = colon != NULL ? colon + 1 : name;
	/* each makes calls that are lists */
	return find_word(line, method, ONLY, ret_at, ret_n) ||
	       (strcmp(method, "list") == 0 && find_word(line, "each", ONLY, ret_at, ret_n));
}

/* "attempt to index a nil value (field 'company')" */
static bool find_quoted(struct slice line, const char *message, size_t *ret_at, size_t *ret_n)
{
	static const char *const kinds[] = {
		"(global '", "(local '", "(field '", "(method '", "(upvalue '", "(constant '"};
	char word[WORD_N];
	for (size_t i = 0; i < ARRAY_N(kinds); i++) {
		const char *at = strstr(message, kinds[i]);
		if (at == NULL)
			continue;
		cut(at + strlen(kinds[i]), "'", word);
		return find_word(line, word, ONLY, ret_at, ret_n);
	}
	return false;
}

/* "unexpected symbol near '='": the last one there is. */
static bool find_near(struct slice line, const char *message, size_t *ret_at, size_t *ret_n)
{
	char word[WORD_N];
	const char *at = strstr(message, " near ");
	if (at == NULL)
		return false;
	at += 6;
	cut(at + (*at == '\''), "'", word);
	return *at == '\'' && find_word(line, word, LAST, ret_at, ret_n);
}

/* "text.phone: .." and "twenty.people:get: .." begin with who says it. */
static bool find_speaker(struct slice line, const char *message, size_t *ret_at, size_t *ret_n)
{
	char word[WORD_N];
	const char *end = strstr(message, ": ");
	size_t n = end != NULL ? (size_t)(end - message) : 0;
	if (n == 0 || n >= WORD_N)
		return false;
	snprintf(word, sizeof(word), "%.*s", (int)n, message);
	for (size_t i = 0; i < n; i++)
		if (!in_word(word[i]) && word[i] != '.' && word[i] != ':')
			return false;
	const char *last = word + n;
	while (last > word && in_word(last[-1]))
		last--;
	return find_word(line, word, ONLY, ret_at, ret_n) ||
	       find_word(line, last, ONLY, ret_at, ret_n);
}

void caret_find(
	struct slice line, const char *message, const char *call, size_t *ret_at, size_t *ret_n)
{
	if ((call != NULL && find_call(line, call, ret_at, ret_n)) ||
		find_quoted(line, message, ret_at, ret_n) ||
		find_near(line, message, ret_at, ret_n) ||
		find_speaker(line, message, ret_at, ret_n))
		return;
	size_t at = 0;
	while (at < line.n && (line.p[at] == ' ' || line.p[at] == '\t'))
		at++;
	*ret_at = at;
	*ret_n = at < line.n ? 1 : 0;
}

/* --- drawing --------------------------------------------------------------------------------- */

/* One character as it is shown, and how many columns it takes. */
static enum rc put_char(struct buf *out, struct slice line, size_t at, size_t *ret_step)
{
	size_t n = utf8_length(line.p + at, line.n - at);
	*ret_step = n != 0 ? n : 1;
	if (line.p[at] == '\t')
		return buf_put(out, "    ", TAB);
	if (n == 0 || utf8_obeyed(line.p + at, n))
		return buf_put_text(out, "?");
	return buf_put(out, line.p + at, n);
}

static size_t columns(struct slice line, size_t from, size_t to)
{
	size_t n = 0;
	for (size_t i = from; i < to;) {
		size_t step = utf8_length(line.p + i, line.n - i);
		n += line.p[i] == '\t' ? TAB : 1;
		i += step != 0 ? step : 1;
	}
	return n;
}

/* The first byte that is shown, so that the caret is in what is shown. */
static size_t window(struct slice line, size_t at)
{
	size_t from = 0;
	if (columns(line, 0, at) < WIDTH - LEAD)
		return 0;
	while (columns(line, from, at) > LEAD) {
		size_t step = utf8_length(line.p + from, line.n - from);
		from += step != 0 ? step : 1;
	}
	return from;
}

enum rc caret_put(struct buf *out, int number, struct slice line, size_t at, size_t n)
{
	size_t from = line.n > WIDTH ? window(line, at) : 0, step = 1, shown = 0;
	enum rc rc = buf_printf(out, "%5d | %s", number, from != 0 ? ".." : "");
	for (size_t i = from; i < line.n && rc == RC_OK && shown < WIDTH; i += step) {
		shown += line.p[i] == '\t' ? TAB : 1;
		rc = put_char(out, line, i, &step);
	}
	if (rc != RC_OK || n == 0)
		return rc;
	size_t before = columns(line, from, at) + (from != 0 ? 2 : 0);
	size_t wide = columns(line, at, at + n);
	rc = buf_printf(out, "\n      | %*s", (int)before, "");
	for (size_t i = 0; i < wide && rc == RC_OK && before + i < WIDTH + 2; i++)
		rc = buf_put(out, "^", 1);
	return rc;
}
