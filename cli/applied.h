/* SPDX-License-Identifier: MIT */
/* What a reload has come to, room by room: the sentence for people, the object for scripts. */
#ifndef MOONHOOK_CLI_APPLIED_H
#define MOONHOOK_CLI_APPLIED_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define APPLIED_ROOMS 4
#define APPLIED_TEXT_N 1000 /* bytes of one text; longer ones are cut */
#define APPLIED_SAY_N 4600  /* bytes of the whole sentence */

enum applied_room_state {
	APPLIED_UNTOLD,  /* not part of it */
	APPLIED_WHOLE,   /* all of it; text: what is live now */
	APPLIED_NOT_ALL, /* text: what is missing, said by the room, which has logged it, too */
	APPLIED_UNKNOWN, /* text: why nobody knows */
};

struct applied_room {
	const char *name; /* STATIC */
	enum applied_room_state state;
	char text[APPLIED_TEXT_N];
};

struct applied {
	struct applied_room rooms[APPLIED_ROOMS];
	char refusal[APPLIED_TEXT_N]; /* of the configuration, before any room was told; "": none */
	char restart[300];            /* what waits for a restart; "": nothing */
};

void applied_init(struct applied *applied);
/* One room's answer: the first n bytes of text. */
void applied_put(struct applied *applied, size_t room, const char *name,
	enum applied_room_state state, const char *text, size_t n);
/* Has everything been taken over by every room that was told? */
bool applied_ok(const struct applied *applied);

/* FULL: with what the rooms say is missing. BRIEF: without, for a log where it stands already. */
enum applied_form { APPLIED_FULL, APPLIED_BRIEF };
/* "what was live before stays: ..", "applied in part: ..", or what is live now; "" for nothing. */
void applied_say(
	const struct applied *applied, enum applied_form form, char ret_text[static APPLIED_SAY_N]);
/* {ok, text | error, restart, rooms: [{name, ok, text}]}. GIVES; NULL: no memory. */
json_t *applied_describe(const struct applied *applied);

#endif
