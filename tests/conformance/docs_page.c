/* SPDX-License-Identifier: MIT */
/*
 * Finds the code in the text of the published documentation. The text has lost its mark-up: a block
 * is known by how its first line begins, and ends where its language says so or at the next
 * heading, a line of plain words between two empty ones.
 * From: tests/data/twenty/docs/page.txt. To: the tests that run the examples. What is neither a
 * block nor a heading is kept as prose, so that a test can look there for code that was overlooked.
 * Does not run anything.
 */
#include "tests/conformance/docs_page.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"

#define LINE_MAX_N 2048

static const struct {
	const char *name, *starts;
	bool runs;
} kinds[DOCS_KIND_N] = {
	[DOCS_CURL] = {"curl", "curl ", true},
	[DOCS_SHELL] = {"shell", "#!", true},
	[DOCS_JAVASCRIPT] = {"JavaScript", "const ", true},
	[DOCS_PYTHON] = {"Python", "import ", true},
	[DOCS_SAMPLE] = {"answer", "{\n", false},
	[DOCS_HEADERS] = {"headers", "X-", false},
	[DOCS_ENDPOINT] = {"endpoint", "  \u2022 /rest/", false},
};

const char *docs_kind_name(enum docs_kind kind)
{
	return kinds[kind].name;
}

bool docs_kind_runs(enum docs_kind kind)
{
	return kinds[kind].runs;
}

struct lines {
	char **at; /* each with its '\n' */
	size_t n;
};

static void lines_done(struct lines *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->at[i]);
	free(l->at);
}

static bool lines_read(struct lines *l)
{
	char line[LINE_MAX_N];
	FILE *f = fopen(DOCS_PAGE_FILE, "r");
	if (f == NULL)
		return false;
	while (fgets(line, sizeof(line), f) != NULL) {
		char **more = realloc(l->at, (l->n + 1) * sizeof(*more));
		if (more == NULL)
			break;
		l->at = more;
		l->at[l->n] = strdup(line);
		if (l->at[l->n] == NULL)
			break;
		l->n++;
	}
	bool ok = feof(f) && l->n != 0;
	return fclose(f) == 0 && ok;
}

static bool is_empty(const struct lines *l, size_t i)
{
	return i >= l->n || l->at[i][strspn(l->at[i], " \t")] == '\n';
}

static bool is_heading(const struct lines *l, size_t i)
{
	const char *s = l->at[i];
	size_t n = strcspn(s, "\n");
	if (i == 0 || !is_empty(l, i - 1) || !is_empty(l, i + 1) || !isupper((unsigned char)*s))
		return false;
	for (size_t k = 0; k < n; k++)
		if (!isalnum((unsigned char)s[k]) && strchr(" /.&()-", s[k]) == NULL)
			return false;
	return n < 60 && s[n - 1] != '.';
}

static enum docs_kind kind_of(const char *line)
{
	if (strncmp(line, "async function ", 15) == 0)
		return DOCS_JAVASCRIPT;
	enum docs_kind kind = DOCS_CURL;
	while (kind < DOCS_KIND_N &&
		strncmp(line, kinds[kind].starts, strlen(kinds[kind].starts)) != 0)
		kind++;
	return kind;
}

/* A command goes on behind a backslash and within quotes. */
static size_t curl_end(const struct lines *l, size_t i)
{
	bool quoted = false;
	for (; i < l->n; i++) {
		for (const char *c = l->at[i]; *c != '\0'; c++)
			quoted ^= *c == '\'';
		if (!quoted && strstr(l->at[i], "\\\n") == NULL)
			return i + 1;
	}
	return i;
}

/* The line behind the last one of the block that begins at i. */
static size_t block_end(const struct lines *l, size_t i, enum docs_kind kind)
{
	size_t end = i + 1;
	switch (kind) {
	case DOCS_CURL:
		return curl_end(l, i);
	case DOCS_SAMPLE:
		while (end < l->n && strcmp(l->at[end], "}\n") != 0)
			end++;
		return end < l->n ? end + 1 : end;
	case DOCS_HEADERS:
		while (end < l->n && kind_of(l->at[end]) == DOCS_HEADERS)
			end++;
		return end;
	case DOCS_ENDPOINT:
		return end;
	case DOCS_SHELL:
	case DOCS_JAVASCRIPT:
	case DOCS_PYTHON:
		while (end < l->n && !is_heading(l, end))
			end++;
		while (end > i && is_empty(l, end - 1))
			end--;
		return end;
	case DOCS_KIND_N:
		break;
	}
	return end;
}

static char *lines_join(const struct lines *l, size_t from, size_t to)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);
	if (f == NULL)
		return NULL;
	for (size_t i = from; i < to; i++)
		fputs(l->at[i], f);
	return fclose(f) == 0 ? text : NULL;
}

static void copy_line(char *out, size_t out_n, const char *line)
{
	snprintf(out, out_n, "%.*s", (int)strcspn(line, "\n"), line);
}

static bool is_note(const struct lines *l, size_t i)
{
	return strncmp(l->at[i], "# ", 2) == 0 && i + 1 < l->n &&
	       kind_of(l->at[i + 1]) == DOCS_CURL;
}

static bool page_cut(struct docs_page *p, const struct lines *l)
{
	size_t prose_n = 0;
	char heading[64] = "";
	FILE *prose = open_memstream(&p->prose, &prose_n);
	bool ok = prose != NULL;
	for (size_t i = 0, end; ok && i < l->n; i = end) {
		enum docs_kind kind = kind_of(l->at[i]);
		end = i + 1;
		if (kind == DOCS_KIND_N) {
			if (is_heading(l, i))
				copy_line(heading, sizeof(heading), l->at[i]);
			else if (!is_note(l, i))
				fputs(l->at[i], prose);
			continue;
		}
		end = block_end(l, i, kind);
		ok = p->n < DOCS_BLOCK_MAX;
		if (!ok)
			break;
		struct docs_block *b = &p->blocks[p->n];
		*b = (struct docs_block){.kind = kind, .line = (int)i + 1};
		memcpy(b->heading, heading, sizeof(heading));
		if (kind == DOCS_CURL && i > 0 && is_note(l, i - 1))
			copy_line(b->note, sizeof(b->note), l->at[i - 1] + 2);
		if (kind == DOCS_ENDPOINT)
			snprintf(b->note, sizeof(b->note), "%.*s", (int)strcspn(l->at[i] + 6, " "),
				l->at[i] + 6);
		b->response = i > 0 && strcmp(l->at[i - 1], "Response:\n") == 0;
		b->text = lines_join(l, i, end);
		ok = b->text != NULL;
		p->n++;
	}
	if (prose != NULL && fclose(prose) != 0)
		ok = false;
	return ok;
}

bool docs_page_open(struct docs_page *ret_page)
{
	struct lines lines = {0};
	*ret_page = (struct docs_page){0};
	bool ok = lines_read(&lines) && page_cut(ret_page, &lines);
	if (!ok) {
		fprintf(stderr, "%s: cannot be read\n", DOCS_PAGE_FILE);
		docs_page_done(ret_page);
	}
	lines_done(&lines);
	return ok;
}

void docs_page_done(struct docs_page *page)
{
	for (size_t i = 0; i < page->n; i++)
		free(page->blocks[i].text);
	free(page->prose);
	*page = (struct docs_page){0};
}

const struct docs_block *docs_page_find(
	const struct docs_page *page, enum docs_kind kind, const char *heading, const char *note)
{
	const struct docs_block *found = NULL;
	for (size_t i = 0; i < page->n; i++) {
		const struct docs_block *b = &page->blocks[i];
		if (b->kind != kind || strcmp(b->heading, heading) != 0 ||
			strcmp(b->note, note) != 0)
			continue;
		if (found != NULL)
			return NULL;
		found = b;
	}
	return found;
}

const struct docs_block *docs_page_response(
	const struct docs_page *page, const struct docs_block *example)
{
	const struct docs_block *next = example + 1;
	return next < page->blocks + page->n && next->kind == DOCS_SAMPLE && next->response ? next
											    : NULL;
}

json_t *docs_sample(const struct docs_block *sample)
{
	char *text = strdup(sample->text);
	if (text == NULL)
		return NULL;
	for (char *from = text; (from = strstr(from, "/*")) != NULL;) {
		char *end = strstr(from, "*/");
		if (end == NULL)
			break;
		memset(from, ' ', (size_t)(end + 2 - from));
	}
	json_t *json = json_loads(text, 0, NULL);
	free(text);
	return json;
}

bool docs_has_shape(const json_t *want, const json_t *got, const char *path, char why[static 160])
{
	bool booleans = json_is_boolean(want) && json_is_boolean(got);
	bool numbers = json_is_number(want) && json_is_number(got);
	if (got == NULL || (json_typeof(want) != json_typeof(got) && !booleans && !numbers)) {
		snprintf(why, 160, "%.100s is missing or of another type", path);
		return false;
	}
	const char *key;
	json_t *value;
	char deeper[160];
	json_object_foreach((json_t *)(uintptr_t)want, key, value)
	{
		snprintf(deeper, sizeof(deeper), "%.100s.%s", path, key);
		if (!docs_has_shape(value, json_object_get(got, key), deeper, why))
			return false;
	}
	size_t i;
	json_array_foreach((json_t *)(uintptr_t)want, i, value)
	{
		snprintf(deeper, sizeof(deeper), "%.100s[%zu]", path, i);
		if (!docs_has_shape(value, json_array_get(got, i), deeper, why))
			return false;
	}
	return true;
}
