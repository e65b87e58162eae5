/* SPDX-License-Identifier: MIT */
/*
 * Gathers the answers to one reload.
 * From: supervise.c, as they come. To: its log, and through the console's link the command. Each
 * room stands for itself: what one has taken over stays so, whatever another refuses. Fails by
 * saying less: long texts are cut. Applies nothing.
 */
#include "cli/applied.h"

#include <stdio.h>
#include <string.h>

#include "cli/rows.h"

void applied_init(struct applied *a)
{
	memset(a, 0, sizeof(*a));
}

void applied_put(struct applied *a, size_t room, const char *name, enum applied_room_state state,
	const char *text, size_t n)
{
	struct applied_room *r = &a->rooms[room];
	r->name = name;
	r->state = state;
	snprintf(r->text, sizeof(r->text), "%.*s", (int)n, text);
}

bool applied_ok(const struct applied *a)
{
	bool ok = a->refusal[0] == '\0';
	for (size_t i = 0; i < APPLIED_ROOMS; i++)
		ok = ok && a->rooms[i].state <= APPLIED_WHOLE;
	return ok;
}

static void add(char text[static APPLIED_SAY_N], const char *more)
{
	size_t at = strlen(text);
	snprintf(text + at, APPLIED_SAY_N - at, "%s", more);
}

/* "receiver: applied, 1 source" */
static void add_room(
	const struct applied_room *r, enum applied_form form, char text[static APPLIED_SAY_N])
{
	const char *how = r->state == APPLIED_WHOLE     ? "applied"
			  : r->state == APPLIED_NOT_ALL ? "not all applied"
							: "unknown";
	bool told = form == APPLIED_BRIEF && r->state == APPLIED_NOT_ALL;
	add(text, r->name);
	add(text, ": ");
	add(text, how);
	add(text, r->text[0] != '\0' ? ", " : "");
	add(text, told ? "as it says above" : r->text);
}

void applied_say(
	const struct applied *a, enum applied_form form, char ret_text[static APPLIED_SAY_N])
{
	bool ok = applied_ok(a);
	const char *between = "";
	ret_text[0] = '\0';
	if (a->refusal[0] != '\0') {
		add(ret_text, "what was live before stays: ");
		add(ret_text, a->refusal);
		return;
	}
	add(ret_text, ok ? "" : "applied in part: ");
	for (size_t i = 0; i < APPLIED_ROOMS; i++) {
		if (a->rooms[i].state == APPLIED_UNTOLD)
			continue;
		add(ret_text, between);
		add_room(&a->rooms[i], form, ret_text);
		between = "; ";
	}
	add(ret_text, a->restart[0] != '\0' ? between : "");
	add(ret_text, a->restart);
}

json_t *applied_describe(const struct applied *a)
{
	char text[APPLIED_SAY_N];
	bool ok = applied_ok(a);
	json_t *rooms = json_array();
	for (size_t i = 0; i < APPLIED_ROOMS && rooms != NULL; i++) {
		const struct applied_room *r = &a->rooms[i];
		if (r->state == APPLIED_UNTOLD)
			continue;
		json_t *one = json_pack("{s:s, s:b, s:o}", "name", r->name, "ok",
			r->state == APPLIED_WHOLE, "text", rows_text(r->text));
		if (one == NULL || json_array_append_new(rooms, one) != 0)
			break;
	}
	applied_say(a, APPLIED_FULL, text);
	return json_pack("{s:b, s:o, s:o, s:o}", "ok", ok, ok ? "text" : "error", rows_text(text),
		"restart", rows_text(a->restart), "rooms", rooms);
}
