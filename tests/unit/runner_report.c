/* SPDX-License-Identifier: MIT */
/* What rule authors are told: the line with its caret, their own frames, the call, the event. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/attr.h"
#include "base/utf8.h"
#include "runner/bundle.h"
#include "runner/caret.h"
#include "runner/report.h"

static const char source[] = "-- owners\n"
			     "rule \"route\" {\n"
			     "\ton = \"opportunity.updated\",\n"
			     "\trun = function(event)\n"
			     "\t\tlocal deal = twenty.opportunities:get(event.record.id)\n"
			     "\t\tlocal name = deal.company.name .. deal.name\n"
			     "\tend,\n"
			     "}\n";

/* The whole text, headline first. GIVES. */
static char *render(struct report *report, const char *error)
{
	struct buf text;
	char headline[REPORT_HEADLINE_N];
	json_t *tree = json_loads(error, 0, NULL);
	cr_assert_not_null(tree, "%s", error);
	report->error = tree;
	report_headline(report, headline);
	buf_init(&text, 65536);
	cr_assert_eq(buf_printf(&text, "%s\n", headline), RC_OK);
	cr_assert_eq(report_put(report, &text), RC_OK);
	json_decref(tree);
	return text.p;
}

Test(runner_report, an_error_comes_with_line_caret_frames_call_and_event)
{
	struct report report = {.file = "route.lua",
		.text = slice_of(source),
		.event = "opportunity.updated",
		.record = "3f5e",
		.event_id = "01kavq"};
	char *text = render(&report,
		"{\"code\":\"upstream\",\"message\":\"route.lua:5: Twenty is busy\",\"line\":5,"
		"\"frames\":[{\"file\":\"route.lua\",\"line\":5,\"from\":4,\"name\":\"\"},"
		"{\"file\":\"lib/owners.lua\",\"line\":9,\"from\":2,\"name\":\"owner_of\"},"
		"{\"file\":\"route.lua\",\"line\":1,\"from\":0,\"name\":\"\"}],"
		"\"call\":\"2.1 opportunities:get\",\"status\":503,\"retryable\":true}");
	cr_expect_str_eq(text,
		"route.lua:5: Twenty is busy\n"
		"    5 |         local deal = twenty.opportunities:get(event.record.id)\n"
		"      |                                           ^^^\n"
		"route.lua:5: in the function of line 4\n"
		"lib/owners.lua:9: in owner_of\n"
		"route.lua:1: in the file itself\n"
		"call 2.1: twenty.opportunities:get, status 503 (upstream)\n"
		"event opportunity.updated of 3f5e, 01kavq");
	free(text);
}

Test(runner_report, a_headline_without_a_place_gets_it)
{
	struct report report = {.file = "route.lua", .text = slice_of(source)};
	char *text = render(&report, "{\"message\":\"out of memory\",\"line\":2}");
	cr_expect_str_eq(text, "route.lua:2: out of memory\n"
			       "    2 | rule \"route\" {\n"
			       "      | ^");
	free(text);
	text = render(&report, "{}");
	cr_expect_str_eq(text, "the rule failed\n");
	free(text);
}

Test(runner_report, a_headline_is_cut_between_characters)
{
	char error[1400] = "{\"message\":\"";
	struct report report = {.file = "route.lua"};
	for (int pad = 0; pad < 2; pad++) {
		size_t n = strlen("{\"message\":\"");
		n += (size_t)snprintf(error + n, sizeof(error) - n, "%*s", pad, "");
		for (int i = 0; i < 600; i++)
			n += (size_t)snprintf(error + n, sizeof(error) - n, "\xc3\xbc");
		snprintf(error + n, sizeof(error) - n, "\"}");
		char *text = render(&report, error);
		cr_expect_eq(utf8_span(text, strlen(text)), strlen(text));
		cr_expect_gt(strlen(text), (size_t)REPORT_HEADLINE_N - 4);
		free(text);
	}
}

Test(runner_report, an_error_in_a_module_shows_the_modules_line)
{
	struct buf one;
	struct bundle *bundle = calloc(1, sizeof(*bundle));
	bundle->n = 2;
	snprintf(bundle->files[0].name, BUNDLE_NAME_N, "route.lua");
	bundle->files[0].text = slice_of(source);
	snprintf(bundle->files[1].name, BUNDLE_NAME_N, "lib/owners.lua");
	bundle->files[1].text = slice_of("local M = {}\nreturn M.x.y\n");
	buf_init(&one, 65536);
	cr_assert_eq(bundle_put(bundle, &one), RC_OK);
	struct report report = {.file = "route.lua", .text = buf_slice(&one)};
	char *text = render(&report,
		"{\"message\":\"lib/owners.lua:2: attempt to index a nil value (field 'x')\","
		"\"line\":2,\"frames\":[{\"file\":\"lib/owners.lua\",\"line\":2,\"from\":0,"
		"\"name\":\"\"}]}");
	cr_expect_not_null(strstr(text, "    2 | return M.x.y\n      |          ^\n"), "%s", text);
	free(text);
	free(bundle);
	buf_done(&one);
}

Test(runner_report, what_a_worker_says_is_bounded_and_does_nothing_to_a_terminal)
{
	static const char *const hostile[] = {
		"{\"message\":7,\"line\":\"x\",\"frames\":{},\"call\":[],\"status\":\"\"}",
		"{\"message\":\"x\",\"line\":-1,\"frames\":[1,{},{\"file\":7}],\"call\":\"\"}",
		"{\"message\":\"x\",\"line\":99999999,\"call\":\"a\\u001b[31mb c\\u0007\"}",
		"{\"message\":\"x\",\"frames\":[{\"file\":\"\\u001b\\n\",\"name\":\"\\n\"}]}"};
	struct report report = {
		.file = "route.lua", .text = slice_of(source), .event = "\x1b[0m", .record = "\n"};
	for (size_t i = 0; i < ARRAY_N(hostile); i++) {
		char *text = render(&report, hostile[i]);
		cr_expect_null(strchr(text, '\x1b'), "%s", text);
		cr_expect_null(strstr(text, "\n\n"), "%s", text);
		free(text);
	}
	json_t *frames = json_array(),
	       *error = json_pack("{s:s, s:o}", "message", "x", "frames", frames);
	char *name = calloc(1, 1001);
	memset(name, 'n', 1000);
	for (int i = 0; i < 100; i++)
		json_array_append_new(frames, json_pack("{s:s, s:i, s:i, s:s}", "file", name,
						      "line", 1, "from", 1, "name", name));
	char *dump = json_dumps(error, 0), *text = render(&report, dump);
	cr_expect_leq(strlen(text), REPORT_BYTES + REPORT_HEADLINE_N);
	cr_expect_not_null(strstr(text, "event "), "the small parts are there: %s", text);
	free(text);
	free(dump);
	free(name);
	json_decref(error);
}

static const struct {
	const char *line, *message, *call, *at; /* what the caret is under */
} carets[] = {
	{"  deal.company.name = 1", "attempt to index a nil value (field 'company')", NULL,
		"company"},
	{"  x = nothing()", "attempt to call a nil value (global 'nothing')", NULL, "nothing"},
	{"  a.b = a.c", "attempt to index a nil value (local 'a')", NULL, "a.b = a.c"}, /* which? */
	{"  aa = a.c", "attempt to index a nil value (local 'a')", NULL, "a.c"},
	{"\tlocal x = = 2", "unexpected symbol near '='", NULL, "= 2"},
	{"local d = text.phone(p, 'XX')", "text.phone: \"XX\" is no country", NULL, "text.phone"},
	{"twenty.people:update(nil, {})", "twenty.people:update: the id is nil", NULL,
		"twenty.people:update"},
	{"for p in twenty.people:each {} do", "busy", "1 people:list", "each"},
	{"local p = x:get(1)", "busy", "1 people:get", "get"},
	{"get(x:get(1))", "busy", "1 people:get", "get(x"}, /* not sure: the statement */
	{"    error 'mine'", "mine", NULL, "error"},
};

Test(runner_report, the_caret_is_under_the_word_or_where_that_is_not_sure_the_statement)
{
	for (size_t i = 0; i < ARRAY_N(carets); i++) {
		size_t at = 0, n = 0;
		caret_find(slice_of(carets[i].line), carets[i].message, carets[i].call, &at, &n);
		cr_expect(strncmp(carets[i].line + at, carets[i].at, strlen(carets[i].at)) == 0 &&
				  n > 0,
			"%s: %s", carets[i].line, carets[i].line + at);
	}
}

Test(runner_report, a_long_line_is_cut_around_its_caret)
{
	char line[700];
	struct buf out;
	memset(line, 'x', sizeof(line));
	memcpy(line + 500, " here ", 6);
	buf_init(&out, 4096);
	cr_assert_eq(caret_put(&out, 7, (struct slice){line, sizeof(line)}, 501, 4), RC_OK);
	const char *below = strchr(out.p, '\n');
	cr_assert_not_null(below);
	cr_expect_lt(strlen(out.p), 250);
	const char *word = strstr(out.p, "here"), *caret = strchr(below, '^');
	cr_expect_eq(word - out.p, caret - (below + 1));
	buf_done(&out);
}

Test(runner_report, a_version_reads_back_as_what_it_was_made_of)
{
	static const char *const texts[] = {
		"return 1", "", "-- moonhook version: 1 files\n-- 1 bytes: a\n"};
	struct bundle *bundle = calloc(1, sizeof(*bundle)), *again = calloc(1, sizeof(*again));
	for (size_t n = 1; n <= ARRAY_N(texts); n++) {
		struct buf one;
		buf_init(&one, 65536);
		bundle->n = n;
		for (size_t i = 0; i < n; i++) {
			snprintf(bundle->files[i].name, BUNDLE_NAME_N, "%zu, a.lua", i);
			bundle->files[i].text = slice_of(texts[(i + n) % ARRAY_N(texts)]);
		}
		cr_assert_eq(bundle_put(bundle, &one), RC_OK);
		cr_assert_eq(bundle_open(buf_slice(&one), "0, a.lua", again), RC_OK);
		cr_assert_eq(again->n, n);
		for (size_t i = 0; i < n; i++) {
			cr_expect_str_eq(again->files[i].name, bundle->files[i].name);
			cr_expect_eq(again->files[i].text.n, bundle->files[i].text.n);
			cr_expect_eq(memcmp(again->files[i].text.p, bundle->files[i].text.p,
					     again->files[i].text.n),
				0);
		}
		/* no piece of it is taken for the whole */
		for (size_t cut = 22; n > 1 && cut < one.n; cut++)
			cr_expect_eq(bundle_open((struct slice){one.p, cut}, "x", again), RC_PARSE);
		buf_done(&one);
	}
	cr_expect_eq(
		bundle_open(slice_of("-- moonhook version: 99 files\n"), "x", again), RC_PARSE);
	free(bundle);
	free(again);
}
