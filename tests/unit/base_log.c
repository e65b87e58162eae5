/* SPDX-License-Identifier: MIT */
/* The log's lines, read back from where standard error goes. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

static char path[] = "/tmp/moonhook-log-XXXXXX";
static char text[1 << 17];

static void setup(void)
{
	int fd = mkstemp(path);
	cr_assert(fd >= 0);
	dup2(fd, STDERR_FILENO);
	close(fd);
	log_start("test", LOG_JSON, LOG_INFO);
}

static void teardown(void)
{
	unlink(path);
}

TestSuite(base_log, .init = setup, .fini = teardown);

/* Line i of what was written, NULL behind the last. STATIC until the next call. */
static char *line(size_t i)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	char *save = NULL, *at = strtok_r(text, "\n", &save);
	while (at != NULL && i-- != 0)
		at = strtok_r(NULL, "\n", &save);
	return at;
}

static json_t *json_line(size_t i)
{
	char *at = line(i);
	cr_assert(at != NULL);
	json_t *o = json_loads(at, 0, NULL);
	cr_assert(o != NULL, "no JSON: %s", at);
	return o;
}

Test(base_log, a_line_is_json_with_the_keys_that_have_values)
{
	clock_set_wall_ms(1795458757556);
	const struct log_fields f = {.source = "twenty",
		.event = "e",
		.run = "r",
		.rule = "x",
		.object = "person",
		.record = "p",
		.outcome = "done",
		.cause = "c",
		.attempt = 2,
		.dur_ms = 7,
		.api_calls = 3};
	log_info(&f, "person.%s", "created");
	log_warn(NULL, "alone");
	cr_expect_str_eq(line(0),
		"{\"ts\":\"2026-11-23T18:32:37.556Z\",\"level\":\"info\",\"room\":\"test\","
		"\"msg\":\"person.created\",\"source\":\"twenty\",\"event\":\"e\",\"run\":\"r\","
		"\"rule\":\"x\",\"object\":\"person\",\"record\":\"p\",\"attempt\":2,"
		"\"outcome\":\"done\",\"dur_ms\":7,\"api_calls\":3,\"cause\":\"c\"}");
	cr_expect_str_eq(line(1),
		"{\"ts\":\"2026-11-23T18:32:37.556Z\",\"level\":\"warn\",\"room\":\"test\","
		"\"msg\":\"alone\"}");
}

Test(base_log, what_is_less_important_is_left_out)
{
	log_debug(NULL, "no");
	cr_expect_null(line(0));
	log_start("test", LOG_JSON, LOG_ERROR);
	log_warn(NULL, "no");
	cr_expect_null(line(0));
	cr_expect_eq(log_least(), LOG_ERROR);
}

Test(base_log, every_byte_gives_one_valid_line)
{
	for (int c = 1; c < 256; c++) {
		char msg[8] = {'a', (char)c, 'b'};
		log_info(NULL, "%s %d", msg, c);
	}
	for (size_t i = 0; i < 255; i++)
		json_decref(json_line(i));
	cr_expect_null(line(255));
}

Test(base_log, control_characters_are_escaped)
{
	log_start("test", LOG_TEXT, LOG_INFO);
	log_info(NULL, "red \033[31m new\nline c1 \xc2\x9b"
		       "31m bad \xff rtl \u202e caf\u00e9");
	const char *got = line(0);
	cr_expect(strstr(got, "red \\u001b[31m new\\u000aline c1 \\ufffd31m bad \\ufffd rtl "
			      "\\ufffd caf\u00e9") != NULL,
		"%s", got);
}

Test(base_log, a_long_value_is_cut_and_the_line_stays_valid)
{
	static char longer[20000];
	memset(longer, '"', sizeof(longer) - 1);
	const struct log_fields f = {.cause = longer, .rule = longer, .run = "r"};
	log_info(&f, "%s", longer);
	json_decref(json_line(0));
	memset(longer, '\001', sizeof(longer) - 1);
	log_info(&f, "%s", longer);
	json_decref(json_line(1));
}

Test(base_log, equal_lines_are_counted_and_said_once)
{
	for (int i = 0; i < 100; i++)
		log_warn(NULL, "again");
	log_info(NULL, "other");
	json_t *first = json_line(0), *repeated = json_line(1), *other = json_line(2);
	cr_expect_null(json_object_get(first, "repeated"));
	cr_expect_str_eq(json_string_value(json_object_get(repeated, "msg")), "again");
	cr_expect_str_eq(json_string_value(json_object_get(repeated, "level")), "warn");
	cr_expect_eq(json_integer_value(json_object_get(repeated, "repeated")), 99);
	cr_expect_str_eq(json_string_value(json_object_get(other, "msg")), "other");
	cr_expect_null(line(3));
	json_decref(first);
	json_decref(repeated);
	json_decref(other);
}

Test(base_log, a_line_that_goes_on_is_said_again_after_a_while)
{
	log_warn(NULL, "again");
	log_warn(NULL, "again");
	clock_skip_mono_ms(10001);
	log_warn(NULL, "again");
	json_t *second = json_line(1);
	cr_expect_eq(json_integer_value(json_object_get(second, "repeated")), 1);
	cr_expect_null(line(2));
	json_decref(second);
}

Test(base_log, a_report_is_one_text_in_json_and_lines_of_their_own_for_people)
{
	const struct log_fields f = {.rule = "r", .report = "  2 | x.y()\n    | ^\x1b\ncall 1"};
	log_error(&f, "broken");
	json_t *o = json_line(0);
	cr_expect_str_eq(json_string_value(json_object_get(o, "report")),
		"  2 | x.y()\n    | ^\x1b\ncall 1");
	json_decref(o);
	log_start("test", LOG_TEXT, LOG_INFO);
	log_error(&f, "broken again");
	cr_expect_not_null(strstr(line(1), "broken again  rule=r"));
	cr_expect_str_eq(line(2), "                2 | x.y()");
	cr_expect_str_eq(line(3), "                  | ^\\u001b");
	cr_expect_str_eq(line(4), "              call 1");
}
