/* SPDX-License-Identifier: MIT */
/*
 * The outcome of tests, in the forms that people and machines read.
 * From: test.c, case by case. To: stdout. TAP is version 13, each failure a comment behind its
 * line; JUnit's XML is one <testsuite> for each file. What rules and tests say is hostile: it is
 * escaped for each form, and for terminals.
 */
#include "cli/verdict.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/terminal.h"

static const char unusable[] = "the file cannot be used";

static const char *result_name(enum rehearse_result result)
{
	switch (result) {
	case REHEARSE_PASSED:
		return "passed";
	case REHEARSE_FAILED:
		return "failed";
	case REHEARSE_SKIPPED:
		return "skipped";
	case REHEARSE_BROKEN:
		return "broken";
	}
	return "";
}

/* Calls line for each line of a failure, the first with its place in front. */
static void each_line(
	const struct rehearse_case *one, void (*line)(FILE *out, const char *text), FILE *out)
{
	size_t i;
	json_t *failure;
	json_array_foreach(one->failures, i, failure)
	{
		const char *text = json_string_value(json_object_get(failure, "text"));
		int at = (int)json_integer_value(json_object_get(failure, "line"));
		char row[2048];
		at = at > 0 ? at : one->line;
		int n = at > 0 ? snprintf(row, sizeof(row), "%s:%d: ", one->file, at)
			       : snprintf(row, sizeof(row), "%s: ", one->file);
		for (const char *p = text != NULL ? text : ""; *p != '\0';) {
			size_t m = strcspn(p, "\n");
			snprintf(row + n, sizeof(row) - (size_t)n, "%.*s",
				(int)(m < 1900 ? m : 1900), p);
			line(out, row);
			p += m + (p[m] == '\n');
			n = snprintf(row, sizeof(row), "  ");
		}
	}
}

/* --- people ------------------------------------------------------------------------------------
 */

static void put_indented(FILE *out, const char *text)
{
	fputs("        ", out);
	terminal_put(out, text);
	fputc('\n', out);
}

static void put_word(FILE *out, const struct rehearse_case *one)
{
	static const struct {
		const char *word;
		enum terminal_tone tone;
	} words[] = {
		[REHEARSE_PASSED] = {"ok     ", TERMINAL_OK},
		[REHEARSE_FAILED] = {"FAIL   ", TERMINAL_BAD},
		[REHEARSE_SKIPPED] = {"skip   ", TERMINAL_WARN},
		[REHEARSE_BROKEN] = {"BROKEN ", TERMINAL_BAD},
	};
	if (out == stdout)
		terminal_tone(words[one->result].tone);
	fputs(words[one->result].word, out);
	if (out == stdout)
		terminal_tone(TERMINAL_PLAIN);
}

static void people_one(struct verdict *v, const struct rehearse_case *one)
{
	if (strcmp(v->file, one->file) != 0) {
		terminal_put(v->out, one->file);
		fputc('\n', v->out);
	}
	fputs("  ", v->out);
	put_word(v->out, one);
	terminal_put(v->out, one->name[0] != '\0' ? one->name : unusable);
	if (one->why[0] != '\0') {
		fputs(": ", v->out);
		terminal_put(v->out, one->why);
	}
	fputc('\n', v->out);
	each_line(one, put_indented, v->out);
}

static void people_end(struct verdict *v, const struct rehearse_totals *t)
{
	fprintf(v->out, "\n%zu passed", t->passed);
	if (t->failed != 0)
		fprintf(v->out, ", %zu failed", t->failed);
	if (t->broken != 0)
		fprintf(v->out, ", %zu broken", t->broken);
	if (t->skipped != 0)
		fprintf(v->out, ", %zu skipped", t->skipped);
	fprintf(v->out, " in %.2f s\n", (double)t->took_us / 1e6);
}

/* --- TAP ---------------------------------------------------------------------------------------
 */

static void put_comment(FILE *out, const char *text)
{
	fputs("# ", out);
	terminal_put(out, text);
	fputc('\n', out);
}

/* In a description # begins a directive, and \ escapes it. */
static void put_description(FILE *out, const char *text)
{
	char piece[8];
	for (const char *p = text; *p != '\0';) {
		size_t n = strcspn(p, "#\\");
		char *plain = strndup(p, n);
		if (plain != NULL)
			terminal_put(out, plain);
		free(plain);
		p += n;
		if (*p == '\0')
			break;
		snprintf(piece, sizeof(piece), "\\%c", *p++);
		fputs(piece, out);
	}
}

static void tap_one(struct verdict *v, const struct rehearse_case *one)
{
	bool ok = one->result == REHEARSE_PASSED || one->result == REHEARSE_SKIPPED;
	if (v->n == 1)
		fputs("TAP version 13\n", v->out);
	fprintf(v->out, "%sok %zu - ", ok ? "" : "not ", v->n);
	put_description(v->out, one->file);
	fputs(": ", v->out);
	put_description(v->out, one->name[0] != '\0' ? one->name : unusable);
	if (one->result == REHEARSE_SKIPPED) {
		fputs(" # SKIP ", v->out);
		put_description(v->out, one->why);
	}
	fputc('\n', v->out);
	each_line(one, put_comment, v->out);
}

/* --- JUnit --------------------------------------------------------------------------------------
 */

static void put_xml(FILE *out, const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
		switch (*p) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		default: /* characters that XML 1.0 does not have */
			if (*p < 0x20 && *p != '\n' && *p != '\t')
				fputc('?', out);
			else
				fputc(*p, out);
		}
	}
}

static const char *text_of(const json_t *row, const char *key)
{
	const char *text = json_string_value(json_object_get(row, key));
	return text != NULL ? text : "";
}

static void junit_case(struct verdict *v, const json_t *row)
{
	const char *result = text_of(row, "result"), *file = text_of(row, "file");
	size_t i;
	json_t *failure;
	fputs("    <testcase classname=\"", v->out);
	put_xml(v->out, file);
	fputs("\" name=\"", v->out);
	put_xml(v->out, text_of(row, "name")[0] != '\0' ? text_of(row, "name") : unusable);
	fprintf(v->out, "\" file=\"");
	put_xml(v->out, file);
	fprintf(v->out, "\" line=\"%d\" time=\"%.3f\">\n",
		(int)json_integer_value(json_object_get(row, "line")),
		json_number_value(json_object_get(row, "took_ms")) / 1000);
	if (strcmp(result, "skipped") == 0) {
		fputs("      <skipped message=\"", v->out);
		put_xml(v->out, text_of(row, "why"));
		fputs("\"/>\n", v->out);
	}
	json_array_foreach(json_object_get(row, "failures"), i, failure)
	{
		const char *tag = strcmp(result, "broken") == 0 ? "error" : "failure";
		fprintf(v->out, "      <%s message=\"", tag);
		put_xml(v->out, text_of(failure, "place"));
		fputs("\">", v->out);
		put_xml(v->out, text_of(failure, "text"));
		fprintf(v->out, "</%s>\n", tag);
	}
	fputs("    </testcase>\n", v->out);
}

struct suite {
	size_t tests, failures, errors, skipped;
	double s;
};

/* The rows from i on that are of one file; answers where the next one begins. */
static size_t count_suite(const json_t *rows, size_t i, struct suite *ret_suite)
{
	struct suite s = {0};
	const char *file = text_of(json_array_get(rows, i), "file");
	for (; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);
		const char *result = text_of(row, "result");
		if (strcmp(text_of(row, "file"), file) != 0)
			break;
		s.tests++;
		s.failures += strcmp(result, "failed") == 0;
		s.errors += strcmp(result, "broken") == 0;
		s.skipped += strcmp(result, "skipped") == 0;
		s.s += json_number_value(json_object_get(row, "took_ms")) / 1000;
	}
	*ret_suite = s;
	return i;
}

static void junit_end(struct verdict *v)
{
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"moonhook test\">\n",
		v->out);
	for (size_t i = 0, next; i < json_array_size(v->rows); i = next) {
		struct suite s;
		next = count_suite(v->rows, i, &s);
		fputs("  <testsuite name=\"", v->out);
		put_xml(v->out, text_of(json_array_get(v->rows, i), "file"));
		fprintf(v->out,
			"\" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\" "
			"time=\"%.3f\">\n",
			s.tests, s.failures, s.errors, s.skipped, s.s);
		for (size_t k = i; k < next; k++)
			junit_case(v, json_array_get(v->rows, k));
		fputs("  </testsuite>\n", v->out);
	}
	fputs("</testsuites>\n", v->out);
}

/* --- JSON --------------------------------------------------------------------------------------
 */

static json_t *failures_of(const struct rehearse_case *one)
{
	json_t *out = json_array(), *failure;
	size_t i;
	json_array_foreach(one->failures, i, failure)
	{
		char place[600];
		int at = (int)json_integer_value(json_object_get(failure, "line"));
		at = at > 0 ? at : one->line;
		snprintf(place, sizeof(place), "%s:%d", one->file, at);
		(void)json_array_append_new(
			out, json_pack("{s:s, s:i, s:O}", "place", place, "line", at, "text",
				     json_object_get(failure, "text")));
	}
	return out;
}

static json_t *row_of(const struct rehearse_case *one)
{
	return json_pack("{s:s, s:s, s:i, s:s, s:f, s:o, s:s}", "file", one->file, "name",
		one->name, "line", one->line, "result", result_name(one->result), "took_ms",
		(double)(one->took_us / 10) / 100, "failures", failures_of(one), "why", one->why);
}

void verdict_open(struct verdict *verdict, enum args_output form, FILE *out)
{
	*verdict = (struct verdict){.form = form, .out = out, .rows = json_array()};
}

void verdict_one(void *verdict, const struct rehearse_case *one)
{
	struct verdict *v = verdict;
	json_t *row;
	v->n++;
	switch (v->form) {
	case ARGS_TABLE:
		people_one(v, one);
		break;
	case ARGS_TAP:
		tap_one(v, one);
		break;
	case ARGS_JSONL:
		row = row_of(one);
		(void)json_dumpf(row, v->out, JSON_COMPACT | JSON_PRESERVE_ORDER);
		fputc('\n', v->out);
		json_decref(row);
		break;
	case ARGS_JSON:
	case ARGS_JUNIT:
		(void)json_array_append_new(v->rows, row_of(one));
		break;
	}
	snprintf(v->file, sizeof(v->file), "%s", one->file);
	(void)fflush(v->out);
}

void verdict_close(struct verdict *verdict, const struct rehearse_totals *totals)
{
	switch (verdict->form) {
	case ARGS_TABLE:
		if (totals != NULL)
			people_end(verdict, totals);
		break;
	case ARGS_TAP:
		if (totals != NULL)
			fprintf(verdict->out, "1..%zu\n", verdict->n);
		break;
	case ARGS_JUNIT:
		junit_end(verdict);
		break;
	case ARGS_JSON:
		(void)json_dumpf(verdict->rows, verdict->out, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
		fputc('\n', verdict->out);
		break;
	case ARGS_JSONL:
		break;
	}
	json_decref(verdict->rows);
	verdict->rows = NULL;
	(void)fflush(verdict->out);
}

/* "12, 40-44" */
static void put_lines(FILE *out, const json_t *lines)
{
	for (size_t i = 0, n = json_array_size(lines); i < n;) {
		long long from = json_integer_value(json_array_get(lines, i)), to = from;
		size_t k = i + 1;
		while (k < n && json_integer_value(json_array_get(lines, k)) == to + 1) {
			to++;
			k++;
		}
		fprintf(out, "%s%lld", i > 0 ? ", " : "", from);
		if (to > from)
			fprintf(out, "-%lld", to);
		i = k;
	}
}

void verdict_cover(FILE *out, const json_t *coverage)
{
	size_t i;
	json_t *row;
	fputc('\n', out);
	json_array_foreach((json_t *)(uintptr_t)coverage, i, row)
	{
		json_int_t lines = json_integer_value(json_object_get(row, "lines"));
		json_int_t ran = json_integer_value(json_object_get(row, "ran"));
		const json_t *missed = json_object_get(row, "missed");
		fprintf(out, "%5.1f %%  ", lines > 0 ? 100.0 * (double)ran / (double)lines : 100.0);
		terminal_put(out, text_of(row, "file"));
		fprintf(out, " (%lld of %lld lines)", (long long)ran, (long long)lines);
		if (json_array_size(missed) > 0) {
			fputs(", not run: ", out);
			put_lines(out, missed);
		}
		fputc('\n', out);
	}
}
