/* SPDX-License-Identifier: MIT */
/* What people and scripts are told of a reload, room by room. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/slice.h"
#include "cli/applied.h"

static struct applied a;

static void setup(void)
{
	applied_init(&a);
}

TestSuite(cli_applied, .init = setup);

static void put(size_t room, const char *name, enum applied_room_state state, const char *text)
{
	applied_put(&a, room, name, state, text, strlen(text));
}

static void says(enum applied_form form, const char *wanted)
{
	char text[APPLIED_SAY_N];
	applied_say(&a, form, text);
	cr_expect_str_eq(text, wanted);
}

Test(cli_applied, what_all_rooms_took_is_ok)
{
	put(0, "receiver", APPLIED_WHOLE, "1 source");
	put(1, "runner", APPLIED_WHOLE, "2 rules live");
	cr_expect(applied_ok(&a));
	says(APPLIED_FULL, "receiver: applied, 1 source; runner: applied, 2 rules live");
}

Test(cli_applied, a_room_that_refuses_does_not_hide_what_another_took)
{
	put(0, "receiver", APPLIED_WHOLE, "1 source");
	put(1, "runner", APPLIED_NOT_ALL, "1 file broken: a.lua:2: x");
	cr_expect_not(applied_ok(&a));
	says(APPLIED_FULL, "applied in part: receiver: applied, 1 source; runner: not all applied, "
			   "1 file broken: a.lua:2: x");
	says(APPLIED_BRIEF, "applied in part: receiver: applied, 1 source; runner: not all "
			    "applied, as it says above");
}

Test(cli_applied, a_configuration_that_is_refused_changes_nothing_and_what_waits_is_said)
{
	strncpy(a.restart, "`listen` changed: takes effect at the next restart",
		sizeof(a.restart) - 1);
	says(APPLIED_FULL, "`listen` changed: takes effect at the next restart");
	put(1, "runner", APPLIED_UNKNOWN, "it died meanwhile");
	says(APPLIED_FULL, "applied in part: runner: unknown, it died meanwhile; `listen` changed: "
			   "takes effect at the next restart");
	strncpy(a.refusal, "m.lua:8: no", sizeof(a.refusal) - 1);
	cr_expect_not(applied_ok(&a));
	says(APPLIED_BRIEF, "what was live before stays: m.lua:8: no");
}

Test(cli_applied, scripts_get_an_object_for_each_room)
{
	put(0, "receiver", APPLIED_WHOLE, "1 source");
	put(1, "runner", APPLIED_NOT_ALL, "a.lua:2: x");
	json_t *o = applied_describe(&a);
	json_t *rooms = json_object_get(o, "rooms"), *runner = json_array_get(rooms, 1);
	cr_expect(json_is_false(json_object_get(o, "ok")));
	cr_expect(json_is_string(json_object_get(o, "error")));
	cr_expect(json_is_null(json_object_get(o, "restart")));
	cr_expect_eq(json_array_size(rooms), 2, "those that were told");
	cr_expect(json_is_true(json_object_get(json_array_get(rooms, 0), "ok")));
	cr_expect(json_is_false(json_object_get(runner, "ok")));
	cr_expect_str_eq(json_string_value(json_object_get(runner, "name")), "runner");
	cr_expect_str_eq(json_string_value(json_object_get(runner, "text")), "a.lua:2: x");
	json_decref(o);
}

Test(cli_applied, long_texts_are_cut_and_nothing_else)
{
	char text[3 * APPLIED_TEXT_N], said[APPLIED_SAY_N];
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (size_t i = 0; i < APPLIED_ROOMS; i++)
		put(i, "a room", APPLIED_NOT_ALL, text);
	applied_say(&a, APPLIED_FULL, said);
	cr_expect_gt(strlen(said), APPLIED_ROOMS * (APPLIED_TEXT_N - 1));
	cr_expect_lt(strlen(said), APPLIED_SAY_N);
}
