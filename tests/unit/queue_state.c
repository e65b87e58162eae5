/* SPDX-License-Identifier: MIT */
/* The table of states, the settings, the door. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "queue/backend.h"

Test(queue_state, names_are_found_again)
{
	for (int i = 0; i < QUEUE_STATE_N; i++)
		cr_assert_eq(queue_state_find(queue_state_name((enum queue_state)i)),
			(enum queue_state)i);
	cr_assert_eq(queue_state_find("sleeping"), QUEUE_STATE_N);
	cr_assert_str_eq(queue_state_name(QUEUE_STATE_N), "unknown");
}

/* One line per state: what it may become. */
Test(queue_state, the_legal_moves_are_these_and_no_others)
{
	static const char *const legal[] = {
		"due>running",
		"due>waiting",
		"waiting>due",
		"running>done",
		"running>skipped",
		"running>dead",
		"running>quarantined",
		"running>echo",
		"running>waiting",
		"running>due",
		"dead>due",
		"dead>waiting",
		"quarantined>due",
		"quarantined>waiting",
	};
	size_t n = 0;
	for (int from = 0; from < QUEUE_STATE_N; from++) {
		for (int to = 0; to < QUEUE_STATE_N; to++) {
			char move[32];
			bool listed = false;
			snprintf(move, sizeof(move), "%s>%s", queue_state_name(from),
				queue_state_name(to));
			for (size_t i = 0; i < ARRAY_N(legal); i++)
				listed |= strcmp(legal[i], move) == 0;
			cr_assert_eq(queue_state_may(from, to), listed, "%s", move);
			n += listed;
		}
	}
	cr_assert_eq(n, ARRAY_N(legal));
	cr_assert(!queue_state_may(QUEUE_STATE_N, QUEUE_DUE));
}

Test(queue_state, only_what_is_due_waiting_or_running_has_not_ended)
{
	for (int i = 0; i < QUEUE_STATE_N; i++)
		cr_assert_eq(queue_state_ended(i), i > QUEUE_RUNNING);
}

Test(queue_state, a_store_of_another_kind_is_refused_by_name)
{
	struct queue *q = NULL;
	struct err err;
	cr_assert_eq(queue_open("mysql://u@h/db", QUEUE_READER, &q, &err), RC_UNSUPPORTED);
	cr_assert_not_null(strstr(err.msg, "\"mysql:\""), "%s", err.msg);
	cr_assert_eq(queue_open("", QUEUE_RECEIVER, &q, &err), RC_INVALID);
	cr_assert_null(q);
}

Test(queue_state, the_settings_have_the_documented_defaults)
{
	static const char *const expected[][2] = {{"store", "var"}, {"database.password", NULL},
		{"database.durability", "full"}, {"retain.events", "30d"}, {"retain.runs", "30d"},
		{"retain.size", "10GB"}};
	cr_assert_eq(queue_conf_table.options_n, ARRAY_N(expected));
	for (size_t i = 0; i < ARRAY_N(expected); i++) {
		cr_assert_str_eq(queue_conf_table.options[i].key, expected[i][0]);
		if (expected[i][1] == NULL)
			cr_assert_null(queue_conf_table.options[i].fallback);
		else
			cr_assert_str_eq(queue_conf_table.options[i].fallback, expected[i][1]);
	}
}
