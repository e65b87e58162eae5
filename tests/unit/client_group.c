/* SPDX-License-Identifier: MIT */
/* Rows of groups, from a server's words and from records. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/attr.h"
#include "client/group.h"
#include "tests/unit/client_rig.h"

static struct grouping read_grouping(json_t *args)
{
	struct grouping g = {.by_n = 0};
	struct err err = {.msg = ""};
	cr_assert_eq(group_parse(NULL, "opportunities", args, &g, &err), RC_OK, "%s", err.msg);
	return g;
}

Test(client_group, a_row_that_makes_no_sense_is_not_believed)
{
	static const struct {
		const char *values, *count, *sums;
		enum rc code;
	} cases[] = {
		{"['NEW']", "['2']", "['3000000']", RC_OK},
		{"['NEW']", "[-1]", "['3000000']", RC_UPSTREAM},
		{"['NEW']", "['two']", "['3000000']", RC_UPSTREAM},
		{"['NEW']", "[null]", "['3000000']", RC_UPSTREAM},
		{"['NEW']", "[2]", "['much']", RC_UPSTREAM},
		{"['NEW','b']", "[2]", "[1]", RC_UPSTREAM},
		{"[]", "[2]", "[1]", RC_UPSTREAM},
		{"[{'a':1}]", "[2]", "[1]", RC_UPSTREAM},
	};
	json_t *args = rig_json("{'field':'stage','sum':'amount'}");
	struct grouping g = read_grouping(args);
	for (size_t i = 0; i < ARRAY_N(cases); i++) {
		struct err err;
		json_t *values = rig_json(cases[i].values), *count = rig_json(cases[i].count),
		       *sums = rig_json(cases[i].sums), *row = NULL;
		enum rc rc = group_row(&g, values, json_array_get(count, 0), sums, &row, &err);
		cr_expect_eq(rc, cases[i].code, "%s %s", cases[i].values, cases[i].count);
		if (rc == RC_OK)
			cr_expect_str_eq(rig_text(row, "sum.amount"), "3");
		json_decref(row);
		json_decref(values);
		json_decref(count);
		json_decref(sums);
	}
	json_decref(args);
}

Test(client_group, times_are_cut_to_the_first_day_of_their_step)
{
	static const char *const cases[][3] = {{"day", "2026-11-24T23:59:59.999Z", "2026-11-24"},
		{"week", "2026-11-24T10:00:00Z", "2026-11-23"},
		{"week", "2026-11-22T23:59:59Z", "2026-11-16"},
		{"week", "2026-11-23T00:00:00Z", "2026-11-23"},
		{"week", "2027-01-01", "2026-12-28"},
		{"month", "2026-12-31T23:59:59Z", "2026-12-01"},
		{"quarter", "2026-03-31T00:00:00Z", "2026-01-01"},
		{"quarter", "2026-12-01T00:00:00Z", "2026-10-01"},
		{"year", "2026-12-31T23:59:59Z", "2026-01-01"}};
	for (size_t i = 0; i < ARRAY_N(cases); i++) {
		struct err err;
		struct groups groups = {.found = NULL};
		json_t *args = json_pack("{s:s, s:s}", "field", "createdAt", "by", cases[i][0]);
		json_t *record = json_pack("{s:s}", "createdAt", cases[i][1]), *rows = NULL;
		struct grouping g = read_grouping(args);
		cr_assert_eq(groups_add(&groups, &g, record, &err), RC_OK);
		cr_assert_eq(groups_rows(&groups, &g, &rows, &err), RC_OK);
		cr_expect_str_eq(rig_text(rows, "0.createdAt"), cases[i][2], "%s of %s is %s",
			cases[i][0], cases[i][1], rig_text(rows, "0.createdAt"));
		groups_done(&groups);
		json_decref(rows);
		json_decref(record);
		json_decref(args);
	}
}
