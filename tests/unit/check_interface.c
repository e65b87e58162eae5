/* SPDX-License-Identifier: MIT */
/* The check's table of the rule language is the language: held against what workers offer. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "runner/check/interface.h"
#include "runner/worker/head.h"

static enum interface_type type_of(const char *word)
{
	if (strcmp(word, "function") == 0)
		return INTERFACE_FUNCTION;
	return strcmp(word, "table") == 0 ? INTERFACE_TABLE : INTERFACE_VALUE;
}

Test(check_interface, knows_every_name_of_the_golden_list_and_its_type)
{
	char line[200], name[100], type[100];
	size_t n = 0;
	FILE *f = fopen("tests/hostile/globals.txt", "r");
	cr_assert_not_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (line[0] == '<' || strncmp(line, "error.", 6) == 0 ||
			sscanf(line, "%99s %99s", name, type) != 2)
			continue;
		const struct interface_name *found = interface_find(slice_of(name));
		cr_assert_not_null(found, "runner/check/interface.c does not know '%s'", name);
		cr_assert(found->type == type_of(type) || found->type == INTERFACE_OBJECTS,
			"runner/check/interface.c does not know that '%s' is a %s", name, type);
		n++;
	}
	fclose(f);
	cr_assert_gt(n, 90);
}

Test(check_interface, knows_every_option_of_a_head_and_no_other)
{
	size_t i = 0;
	for (; rule_head_option(i) != NULL; i++)
		cr_expect_not_null(
			interface_option(slice_of(rule_head_option(i))), "%s", rule_head_option(i));
	cr_assert_null(interface_option_at(i));
}

Test(check_interface, says_of_nothing_that_is_there_that_it_is_absent)
{
	size_t n;
	const struct interface_name *names = interface_names(&n);
	for (size_t i = 0; i < n; i++)
		cr_expect_null(interface_absent(slice_of(names[i].path)), "%s", names[i].path);
	cr_assert_not_null(interface_absent(slice_of("os.time")));
}
