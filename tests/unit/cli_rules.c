/* SPDX-License-Identifier: MIT */
/*
 * The manual of the rule language, held against what is there: every name that a rule reaches,
 * every call and comparison, every option; its examples are rules that a worker takes.
 */
#include <criterion/criterion.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "cli/help.h"
#include "client/client.h"
#include "client/where.h"
#include "runner/worker/head.h"
#include "runner/worker/worker.h"
#include "tests/harness/example.h"
#include "tests/harness/peer.h"
#include "tests/harness/process.h"

#define GLOBALS "tests/hostile/globals.txt"

static bool in_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* Is it there as a whole word? */
static bool is_named(const char *word)
{
	size_t n = strlen(word);
	const char *text = help_rules();
	for (const char *at = text; (at = strstr(at, word)) != NULL; at += n)
		if ((at == text || !in_word(at[-1])) && !in_word(at[n]))
			return true;
	return false;
}

Test(cli_rules, the_manual_names_everything_that_a_rule_reaches)
{
	char *all = process_read(GLOBALS), *save = NULL;
	int n = 0;
	cr_assert_not_null(all);
	for (char *line = strtok_r(all, "\n", &save); line != NULL;
		line = strtok_r(NULL, "\n", &save)) {
		if (line[0] == '<')
			continue;
		line[strcspn(line, " ")] = '\0';
		bool own = strncmp(line, "json.", 5) == 0 || strncmp(line, "log.", 4) == 0 ||
			   strncmp(line, "text.", 5) == 0;
		const char *dot = strchr(line, '.');
		const char *word = dot != NULL && !own ? dot + 1 : line;
		cr_expect(is_named(word), "%s is not in cli/rules.txt", line);
		n++;
	}
	cr_expect_gt(n, 100);
	free(all);
}

Test(cli_rules, the_manual_names_every_call_comparison_option_and_outcome)
{
	static const char *const words[] = {"each", "all", "any", "none", "where", "order", "limit",
		"after", "depth", "fields", "deleted", "into", "from", "preview", "about",
		"created", "updated", "restored", "destroyed", "skip", "retry_after", "reject",
		"linkedin", "firstName", "lastName", "phone", "email", "domain", "body", "only_if",
		"max", "field", "sum", "by", "zone", "member", "conflict", "unknown", "before",
		"to"};
#define X(code, name, effect) cr_expect(is_named(name), "%s", name);
	CLIENT_OPS(X)
#undef X
#define X(code, name) cr_expect(is_named(name), "%s", name);
	WHERE_OPS(X)
#undef X
	for (size_t i = 0; rule_head_option(i) != NULL; i++)
		cr_expect(is_named(rule_head_option(i)), "%s", rule_head_option(i));
	cr_expect_eq(is_named("settel"), false);
	for (size_t i = 0; i < ARRAY_N(words); i++)
		cr_expect(is_named(words[i]), "%s", words[i]);
}

Test(cli_rules, its_lines_fit_a_terminal)
{
	for (const char *at = help_rules(); *at != '\0'; at += *at == '\n') {
		size_t n = strcspn(at, "\n");
		cr_expect_leq(n, 80, "%.*s", (int)n, at);
		at += n;
	}
}

Test(cli_rules, its_examples_are_rules_that_a_worker_takes)
{
	struct peer peer;
	const char *at = help_rules();
	char *source;
	int n = 0;
	cr_assert(peer_start(&peer, worker_main));
	while ((source = example_next(&at)) != NULL) {
		json_t *head = peer_load(&peer, "example", "example.lua", source);
		cr_expect_eq(json_array_size(json_object_get(head, "rules")), 1, "%s", source);
		json_decref(head);
		free(source);
		n++;
	}
	cr_expect_geq(n, 9);
	cr_expect_eq(peer_stop(&peer), 0);
}
