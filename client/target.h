/* SPDX-License-Identifier: MIT */
/* Where a webhook goes: its address in parts, so that two spellings of one are the same. */
#ifndef MOONHOOK_CLIENT_TARGET_H
#define MOONHOOK_CLIENT_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#define TARGET_TEXT_N 512

struct target {
	bool tls;
	char host[256]; /* lower case, no brackets, no dot at the end */
	int port;
	char path[256]; /* "/hooks/twenty", no slash at the end; "" for the top */
};

/* False where it is no http(s) address with a host, or is longer than that. */
bool target_parse(const char *url, struct target *ret_target);
/* Where such an address leads to, its path left out, however long the rest is. */
enum target_fault {
	TARGET_FINE,
	TARGET_NONE,   /* no address with a host */
	TARGET_SCHEME, /* neither http nor https */
	TARGET_USER,   /* holds a user's name or password */
};
enum target_fault target_place(const char *url, struct target *ret_target);
bool target_same(const struct target *a, const struct target *b);
/* The address for people: without user name, password, query. */
void target_format(const struct target *target, char ret_text[static TARGET_TEXT_N]);

#endif
