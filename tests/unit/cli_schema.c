/* SPDX-License-Identifier: MIT */
/* A schema that is kept in a file. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "cli/schema.h"
#include "tests/harness/process.h"

#define RECORDED "tests/data/twenty/rest/metadata-objects-all.body"

Test(cli_schema, what_twenty_answered_is_read_from_a_file)
{
	struct cli_schema s;
	struct err err = {.msg = ""};
	cr_assert_eq(cli_schema_read(RECORDED, &s, &err), RC_OK, "%s", err.msg);
	const struct schema_object *deals = schema_object(s.schema, "opportunities");
	cr_assert_not_null(deals);
	cr_expect_eq(schema_field(deals, "stage")->values_n, 5);
	cr_expect(json_is_array(json_object_get(json_object_get(s.body, "data"), "objects")));
	cli_schema_done(&s);
}

Test(cli_schema, a_file_that_is_none_is_named_with_what_it_should_be)
{
	static const struct {
		const char *text;
		enum rc rc;
		const char *says;
	} files[] = {{"{", RC_PARSE, "/s.json:1:1: no JSON"}, {"", RC_PARSE, "no JSON"},
		{"[]", RC_UPSTREAM, "is not what `moonhook schema` writes"},
		{"{\"data\":{\"objects\":[{}]}}", RC_UPSTREAM, "is not what `moonhook schema`"}};
	char dir[128], path[160];
	struct cli_schema s;
	cr_assert(process_folder(dir));
	snprintf(path, sizeof(path), "%s/s.json", dir);
	for (size_t i = 0; i < ARRAY_N(files); i++) {
		struct err err = {.msg = ""};
		cr_assert(process_write(dir, "s.json", files[i].text));
		cr_expect_eq(cli_schema_read(path, &s, &err), files[i].rc, "%s", err.msg);
		cr_expect(strstr(err.msg, files[i].says) != NULL, "%s", err.msg);
	}
	struct err err = {.msg = ""};
	cr_expect_eq(cli_schema_read("/nonexistent/s.json", &s, &err), RC_NOT_FOUND);
	cr_expect(strstr(err.msg, "/nonexistent/s.json") != NULL, "%s", err.msg);
	process_folder_remove(dir);
}
