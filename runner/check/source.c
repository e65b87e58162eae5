/* SPDX-License-Identifier: MIT */
/*
 * A text and its lines.
 * From: check.c. To: findings, which name places by line and column. What ends a line is what ends
 * one for Lua: LF, CR, or both in either order.
 */
#include "runner/check/source.h"

#include "base/utf8.h"

static bool ends_line(char c)
{
	return c == '\n' || c == '\r';
}

/* Behind the end of line at i. */
static size_t skip_end(struct slice text, size_t i)
{
	char first = text.p[i++];
	if (i < text.n && ends_line(text.p[i]) && text.p[i] != first)
		i++;
	return i;
}

static size_t count_lines(struct slice text, uint32_t *lines)
{
	size_t n = 1;
	for (size_t i = 0; i < text.n;) {
		if (!ends_line(text.p[i])) {
			i++;
			continue;
		}
		i = skip_end(text, i);
		if (lines != NULL)
			lines[n] = (uint32_t)i;
		n++;
	}
	return n;
}

/* As the worker does: what it does not give to Lua. */
static uint32_t find_begin(struct slice text)
{
	size_t i = 0;
	if (text.n >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0)
		i = 3;
	if (i < text.n && text.p[i] == '#')
		while (i < text.n && text.p[i] != '\n')
			i++;
	return (uint32_t)i;
}

bool check_source_init(
	struct check_source *source, const char *file, struct slice text, struct check_arena *arena)
{
	if (text.n > CHECK_SOURCE_MAX)
		return false;
	size_t n = count_lines(text, NULL);
	uint32_t *lines = check_arena_take(arena, n * sizeof(*lines));
	if (lines == NULL)
		return false;
	count_lines(text, lines);
	*source = (struct check_source){file, text, find_begin(text), lines, n};
	return true;
}

int check_source_line(const struct check_source *source, uint32_t at)
{
	size_t low = 0, high = source->lines_n;
	while (high - low > 1) {
		size_t middle = (low + high) / 2;
		if (source->lines[middle] <= at)
			low = middle;
		else
			high = middle;
	}
	return (int)low + 1;
}

int check_source_column(const struct check_source *source, uint32_t at)
{
	size_t i = source->lines[check_source_line(source, at) - 1];
	int column = 1;
	if (i == 0 && source->text.n >= 3 && memcmp(source->text.p, "\xef\xbb\xbf", 3) == 0 &&
		at >= 3)
		i = 3;
	while (i < at && i < source->text.n) {
		size_t n = utf8_length(source->text.p + i, source->text.n - i);
		i += n > 0 ? n : 1;
		column++;
	}
	return column;
}

struct slice check_source_text(const struct check_source *source, int line)
{
	if (line < 1 || (size_t)line > source->lines_n)
		return (struct slice){0};
	size_t from = source->lines[line - 1];
	size_t to = (size_t)line < source->lines_n ? source->lines[line] : source->text.n;
	while (to > from && ends_line(source->text.p[to - 1]))
		to--;
	return (struct slice){source->text.p + from, to - from};
}
