/* SPDX-License-Identifier: MIT */
/* `on` patterns, and the fields that keys are made of. */
#include <criterion/criterion.h>
#include <string.h>

#include "runner/match.h"

struct row {
	const char *pattern, *name;
	bool yes;
};

Test(runner_match, patterns_mean_what_they_say)
{
	static const struct row rows[] = {
		{"person.created", "person.created", true},
		{"person.created", "person.updated", false},
		{"person.created", "persona.created", false},
		{"person.*", "person.deleted", true},
		{"person.*", "personal.deleted", false},
		{"person.*", "person", false},
		{"*.deleted", "person.deleted", true},
		{"*.deleted", "gtInvoice.deleted", true},
		{"*.deleted", "person.created", false},
		{"*.deleted", "metadata.objectMetadata.deleted", false},
		{"*.*", "task.restored", true},
		{"*.*", "hook:stripe", false},
		{"*.*", "timer", false},
		{"hook:stripe", "hook:stripe", true},
		{"hook:stripe", "hook:stripe2", false},
		{"metadata.*", "metadata.objectMetadata.created", true},
		{"timer", "timer", true},
	};
	for (size_t i = 0; i < ARRAY_N(rows); i++)
		cr_assert_eq(match_name(rows[i].pattern, rows[i].name), rows[i].yes, "%s on %s",
			rows[i].pattern, rows[i].name);
}

Test(runner_match, a_pattern_that_can_never_match_is_refused)
{
	static const char *const good[] = {"person.created", "person.*", "*.deleted", "*.*",
		"hook:my-shop_1", "timer", "metadata.objectMetadata.created"};
	static const char *const bad[] = {"", "person", "person.", ".created", "person.creatd",
		"per son.created", "hook:", "hook:a b", "**.created", "*person.created", "*"};
	struct err err;
	for (size_t i = 0; i < ARRAY_N(good); i++)
		cr_assert_eq(match_check(good[i], &err), RC_OK, "%s", good[i]);
	for (size_t i = 0; i < ARRAY_N(bad); i++) {
		err.msg[0] = '\0';
		cr_assert_eq(match_check(bad[i], &err), RC_INVALID, "%s", bad[i]);
		cr_assert(strncmp(err.msg, "on = \"", 6) == 0, "%s", err.msg);
	}
}

struct key {
	const char *path, *text; /* NULL: not found */
};

Test(runner_match, a_key_is_the_text_of_a_field)
{
	static const struct key keys[] = {
		{"companyId", "c-1"},
		{"amount.amountMicros", "12000000"},
		{"open", "true"},
		{"share", "0.5"},
		{"empty", NULL},
		{"nothing", NULL},
		{"amount", NULL},
		{"list", NULL},
		{"amount.none", NULL},
		{"companyId.deeper", NULL},
		{"absent", NULL},
		{"", NULL},
		{"a..b", NULL},
	};
	json_t *record = json_loads(
		"{\"companyId\":\"c-1\",\"amount\":{\"amountMicros\":12000000},\"open\":true,"
		"\"share\":0.5,\"empty\":\"\",\"nothing\":null,\"list\":[1]}",
		0, NULL);
	cr_assert(record != NULL);
	for (size_t i = 0; i < ARRAY_N(keys); i++) {
		struct buf out;
		bool found = false;
		buf_init(&out, 100);
		cr_assert_eq(match_field(record, keys[i].path, &out, &found), RC_OK);
		cr_assert_eq(found, keys[i].text != NULL, "%s", keys[i].path);
		if (found)
			cr_assert_str_eq(out.p, keys[i].text);
		buf_done(&out);
	}
	json_decref(record);
}

Test(runner_match, a_key_that_is_too_long_is_an_error)
{
	json_t *record = json_pack("{s:s}", "k", "0123456789");
	struct buf out;
	bool found = false;
	buf_init(&out, 5);
	cr_assert_eq(match_field(record, "k", &out, &found), RC_TOO_LARGE);
	cr_assert_not(found);
	buf_done(&out);
	json_decref(record);
}

Test(runner_match, a_field_without_a_text_is_empty_or_no_field_or_not_single)
{
	static const struct {
		const char *path;
		enum match_lack lack;
	} keys[] = {
		{"empty", MATCH_LACK_VALUE},
		{"nothing", MATCH_LACK_VALUE},
		{"nothing.deeper", MATCH_LACK_VALUE},
		{"companyId", MATCH_LACK_VALUE},
		{"company", MATCH_LACK_VALUE},
		{"amount", MATCH_LACK_SINGLE},
		{"list", MATCH_LACK_SINGLE},
		{"amount.amountMicross", MATCH_LACK_FIELD},
		{"companyIdd", MATCH_LACK_FIELD},
		{"Id", MATCH_LACK_FIELD},
	};
	json_t *record = json_loads("{\"company\":null,\"amount\":{\"amountMicros\":1},"
				    "\"empty\":\"\",\"nothing\":null,\"list\":[1]}",
		0, NULL);
	cr_assert(record != NULL);
	for (size_t i = 0; i < ARRAY_N(keys); i++)
		cr_expect_eq(match_lack(record, keys[i].path), keys[i].lack, "%s", keys[i].path);
	json_decref(record);
}
