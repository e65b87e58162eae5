/* SPDX-License-Identifier: MIT */
/* Whether two records can come in an order: what is certain is said, what is not counts as order.
 */
#include <criterion/criterion.h>

#include "base/attr.h"
#include "client/order.h"
#include "tests/unit/client_rig.h"

static const struct {
	const char *order, *a, *b;
	bool nulls, fits;
} cases[] = {
	{"['employees']", "{'employees':1}", "{'employees':2}", true, true},
	{"['employees']", "{'employees':2}", "{'employees':1}", true, false},
	{"['-employees']", "{'employees':2}", "{'employees':1}", true, true},
	{"['-employees']", "{'employees':1}", "{'employees':2}", true, false},
	{"['employees','name']", "{'employees':1,'name':'Beta'}", "{'employees':1,'name':'Alpha'}",
		true, false},
	/* beyond what a number holds exactly */
	{"['employees']", "{'employees':9100000000000002}", "{'employees':9100000000000001}", true,
		true},
	{"['createdAt']", "{'createdAt':'2026-11-24T10:00:00.002Z'}",
		"{'createdAt':'2026-11-24T10:00:00.001Z'}", true, false},
	/* finer than a millisecond: the next name must not decide */
	{"['createdAt','employees']", "{'createdAt':'2026-11-24T10:00:00Z','employees':2}",
		"{'createdAt':'2026-11-24T10:00:00.000Z','employees':1}", true, true},
	{"['name']", "{'name':'Beta'}", "{'name':'Alpha'}", true, false},
	{"['name']", "{'name':'beta'}", "{'name':'Alpha'}", true, true},
	{"['name']", "{'name':'Be ta'}", "{'name':'Al pha'}", true, true},
	/* nulls first going up, last going down; of a server that says so */
	{"['employees']", "{'employees':null}", "{'employees':1}", true, true},
	{"['employees']", "{'employees':1}", "{'employees':null}", true, false},
	{"['-employees']", "{'employees':null}", "{'employees':1}", true, false},
	{"['-employees']", "{'employees':1}", "{'employees':null}", true, true},
	{"['employees']", "{'employees':1}", "{'employees':null}", false, true},
	/* a field that did not come is no null */
	{"['employees']", "{'employees':1}", "{}", true, true},
};

Test(client_order, what_is_certain_is_said)
{
	for (size_t i = 0; i < ARRAY_N(cases); i++) {
		struct order order;
		struct err err = {.msg = ""};
		json_t *names = rig_json(cases[i].order), *a = rig_json(cases[i].a),
		       *b = rig_json(cases[i].b);
		cr_assert_eq(
			order_parse(NULL, "companies", names, &order, &err), RC_OK, "%s", err.msg);
		cr_expect_eq(order_fits(&order, a, b, cases[i].nulls), cases[i].fits,
			"%s: %s, then %s", cases[i].order, cases[i].a, cases[i].b);
		json_decref(names);
		json_decref(a);
		json_decref(b);
	}
}

Test(client_order, six_names_are_too_many)
{
	struct order order;
	struct err err = {.msg = ""};
	json_t *names = rig_json("['a','b','c','d','e','f']");
	cr_expect_eq(order_parse(NULL, "companies", names, &order, &err), RC_INVALID);
	json_decref(names);
}
