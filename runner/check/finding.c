/* SPDX-License-Identifier: MIT */
/*
 * A list of findings.
 * From: every pass of the check. To: cli/check.c and the runner, which show them. Where memory is
 * short a finding is lost and `poor` says so.
 */
#include "runner/check/finding.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"

#define TEXT_BYTES 600
#define LINE_BYTES 400 /* of a source line that is shown */

static const struct {
	const char *name;
	enum check_severity severity;
} kinds[] = {
#define X(code, name, severity) [code] = {name, severity},
	CHECK_KINDS(X)
#undef X
};

const char *check_kind_name(enum check_kind kind)
{
	return kinds[kind].name;
}

enum check_severity check_kind_severity(enum check_kind kind)
{
	return kinds[kind].severity;
}

const char *check_severity_name(enum check_severity severity)
{
	return severity == CHECK_ERROR ? "error" : "warning";
}

static bool grow(struct check_findings *findings, size_t n)
{
	size_t cap = findings->cap > 0 ? findings->cap : 16;
	while (cap < n)
		cap *= 2;
	if (cap == findings->cap)
		return true;
	struct check_finding *p = realloc(findings->p, cap * sizeof(*p));
	findings->poor |= p == NULL;
	if (p == NULL)
		return false;
	findings->p = p;
	findings->cap = cap;
	return true;
}

static struct check_finding *add(struct check_findings *findings, const char *file)
{
	if (findings->n >= CHECK_FINDINGS_MAX || !grow(findings, findings->n + 1))
		return NULL;
	struct check_finding *f = &findings->p[findings->n++];
	*f = (struct check_finding){.file = file};
	return f;
}

static printf_like(1, 0) char *format(const char *fmt, va_list ap)
{
	char text[TEXT_BYTES];
	vsnprintf(text, sizeof(text), fmt, ap);
	return strdup(text);
}

static int width_of(const struct check_source *source, uint32_t at, uint32_t end)
{
	size_t i = at;
	int width = 0;
	while (i < end && i < source->text.n && source->text.p[i] != '\n') {
		size_t n = utf8_length(source->text.p + i, source->text.n - i);
		i += n > 0 ? n : 1;
		width++;
	}
	return width > 0 ? width : 1;
}

struct check_finding *check_finding_put(struct check_findings *findings,
	const struct check_source *source, enum check_kind kind, uint32_t at, uint32_t end,
	const char *fmt, ...)
{
	va_list ap;
	struct check_finding *f = add(findings, source->file);
	if (f == NULL)
		return NULL;
	f->kind = kind;
	f->line = check_source_line(source, at);
	f->column = check_source_column(source, at);
	f->width = width_of(source, at, end);
	struct slice line = check_source_text(source, f->line);
	f->source =
		strndup(line.p != NULL ? line.p : "", line.n < LINE_BYTES ? line.n : LINE_BYTES);
	va_start(ap, fmt);
	f->text = format(fmt, ap);
	va_end(ap);
	findings->poor |= f->text == NULL;
	return f;
}

struct check_finding *check_finding_put_line(struct check_findings *findings, const char *file,
	int line, enum check_kind kind, const char *fmt, ...)
{
	va_list ap;
	struct check_finding *f = add(findings, file);
	if (f == NULL)
		return NULL;
	f->kind = kind;
	f->line = line;
	f->column = 1;
	f->width = 1;
	va_start(ap, fmt);
	f->text = format(fmt, ap);
	va_end(ap);
	findings->poor |= f->text == NULL;
	return f;
}

void check_suggest(struct check_finding *finding, const char *fmt, ...)
{
	va_list ap;
	if (finding == NULL)
		return;
	free(finding->suggestion);
	va_start(ap, fmt);
	finding->suggestion = format(fmt, ap);
	va_end(ap);
}

size_t check_findings_errors(const struct check_findings *findings, size_t from)
{
	size_t n = 0;
	for (size_t i = from; i < findings->n; i++)
		n += check_kind_severity(findings->p[i].kind) == CHECK_ERROR;
	return n;
}

static int by_place(const void *a, const void *b)
{
	const struct check_finding *x = a, *y = b;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	if (x->column != y->column)
		return x->column < y->column ? -1 : 1;
	return (int)x->kind - (int)y->kind;
}

void check_findings_sort(struct check_findings *findings, size_t from)
{
	if (findings->n > from + 1)
		qsort(findings->p + from, findings->n - from, sizeof(*findings->p), by_place);
}

void check_findings_take(struct check_findings *findings, struct check_findings *from)
{
	if (from->n > 0 && grow(findings, findings->n + from->n)) {
		memcpy(findings->p + findings->n, from->p, from->n * sizeof(*from->p));
		findings->n += from->n;
		from->n = 0;
	}
	findings->poor |= from->poor;
	check_findings_done(from);
}

void check_findings_done(struct check_findings *findings)
{
	for (size_t i = 0; i < findings->n; i++) {
		free(findings->p[i].text);
		free(findings->p[i].suggestion);
		free(findings->p[i].source);
	}
	free(findings->p);
	*findings = (struct check_findings){0};
}
