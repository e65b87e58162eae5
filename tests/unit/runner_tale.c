/* SPDX-License-Identifier: MIT */
/* Loops in words. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "runner/echo_tale.h"

static struct echo_tale tale;
static struct tale_hops hops;

static void open_tale(void)
{
	echo_tale_open(&tale);
}

static void close_tale(void)
{
	echo_tale_done(&tale);
	tale_hops_done(&hops);
}

TestSuite(runner_tale, .init = open_tale, .fini = close_tale);

static struct tale_end end_of(const char *rule, const char *origin)
{
	return (struct tale_end){rule, "person", "39cfa94c-aff6-4a92", "a third time", origin};
}

Test(runner_tale, a_chain_begins_with_who_began_it_and_ends_with_what_is_stopped)
{
	struct tale_event last = {"person.updated", "person", "39cfa94c-aff6", "stage"};
	struct tale_event middle = {"company.updated", "company", "8f3e5419-0000", "name, city"};
	struct tale_event first = {"person.updated", "person", "39cfa94c-aff6", ""};
	struct tale_end end = end_of("ping", "an edit by Ann");
	cr_assert_eq(tale_hops_open(&hops, &last), RC_OK);
	cr_assert_eq(tale_hops_step(&hops, "pong", &middle), RC_OK);
	cr_assert_eq(tale_hops_step(&hops, "ping", &first), RC_OK);
	cr_assert_eq(echo_tale_tell(&tale, &hops, &end), RC_OK);
	cr_expect_str_eq(tale.error.p, "loop: \"ping\" would run a third time for person 39cfa94c; "
				       "it began with an edit by Ann");
	cr_expect_str_eq(tale.chain.p, "person.updated 39cfa94c, an edit by Ann\n"
				       "-> \"ping\" -> company.updated 8f3e5419 (name, city)\n"
				       "-> \"pong\" -> person.updated 39cfa94c (stage)\n"
				       "-> \"ping\", which would run a third time");
}

Test(runner_tale, a_beginning_that_is_not_kept_any_more_is_said)
{
	struct tale_event last = {"person.updated", "person", "39cfa94c", "stage"};
	struct tale_end end = end_of("ping", "");
	cr_assert_eq(tale_hops_open(&hops, &last), RC_OK);
	cr_assert_eq(echo_tale_tell(&tale, &hops, &end), RC_OK);
	cr_expect(strstr(tale.error.p, "; how it began is not kept any more") != NULL, "%s",
		tale.error.p);
	cr_expect_str_eq(tale.chain.p, "person.updated 39cfa94c (stage)\n"
				       "-> \"ping\", which would run a third time");
}

static size_t lines_of(const struct buf *text)
{
	size_t n = 1;
	for (size_t i = 0; i < text->n; i++)
		n += text->p[i] == '\n';
	return n;
}

Test(runner_tale, no_name_breaks_a_line_or_is_obeyed)
{
	struct tale_event bad = {"person.updated", "person", "a\nb\x1b[2J\xff", "x\ny\r"};
	struct tale_end end = end_of("pi\nng", "an edit");
	cr_assert_eq(tale_hops_open(&hops, &bad), RC_OK);
	cr_assert_eq(tale_hops_step(&hops, "po\nng\xe2\x80\xae", &bad), RC_OK);
	cr_assert_eq(echo_tale_tell(&tale, &hops, &end), RC_OK);
	cr_expect_eq(lines_of(&tale.error), 1, "%s", tale.error.p);
	cr_expect_eq(lines_of(&tale.chain), 3, "%s", tale.chain.p);
	cr_expect_null(strchr(tale.chain.p, '\x1b'));
	cr_expect_null(strstr(tale.chain.p, "\xe2\x80\xae"));
}

Test(runner_tale, the_longest_names_and_chain_have_room)
{
	static char rule[129], name[160], record[64], fields[1000], origin[500];
	memset(rule, 'r', sizeof(rule) - 1);
	memset(name, 'n', sizeof(name) - 1);
	memset(record, 'i', sizeof(record) - 1);
	memset(fields, 'f', sizeof(fields) - 1);
	memset(origin, 'o', sizeof(origin) - 1);
	struct tale_event e = {name, name, record, fields};
	struct tale_end end = end_of(rule, origin);
	end.object = name;
	end.how = "more than 8 steps down a chain";
	cr_assert_eq(tale_hops_open(&hops, &e), RC_OK);
	for (int i = 0; i < 3 * TALE_HOPS_MAX; i++)
		cr_assert_eq(tale_hops_step(&hops, rule, &e), RC_OK);
	cr_assert_eq(echo_tale_tell(&tale, &hops, &end), RC_OK);
	cr_expect_eq(lines_of(&tale.chain), TALE_HOPS_MAX + 2);
	cr_expect(strstr(tale.error.p, origin) != NULL);
}

Test(runner_tale, another_program_is_named_where_it_has_a_name)
{
	struct tale_duel duel = {.event = {"person.updated", "person", "39cfa94c", "stage"},
		.rule = "here",
		.program = "their\nkey",
		.gap_ms = 38};
	cr_assert_eq(echo_tale_duel(&tale, &duel), RC_OK);
	cr_expect_str_eq(tale.error.p, "loop: \"here\" and another program, \"their?key\", answer "
				       "each other on person 39cfa94c");
	cr_expect_eq(lines_of(&tale.chain), 3, "%s", tale.chain.p);
	echo_tale_done(&tale);
	duel.program = NULL;
	cr_assert_eq(echo_tale_duel(&tale, &duel), RC_OK);
	cr_expect_str_eq(tale.error.p,
		"loop: \"here\" and another program answer each other on person 39cfa94c");
}
