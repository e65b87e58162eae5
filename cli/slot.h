/* SPDX-License-Identifier: MIT */
/* Where the secret of a source is kept, and where a fresh one can be put. */
#ifndef MOONHOOK_CLI_SLOT_H
#define MOONHOOK_CLI_SLOT_H

#include "base/conf.h"

enum slot_kind {
	SLOT_FILE,     /* a `file "name"` of the source that is missing or empty: room for one */
	SLOT_TAKEN,    /* no room, but the source has a secret */
	SLOT_VARIABLE, /* neither: its secret is that of a variable which is not set */
	SLOT_NONE,     /* the configuration names no secret */
};

struct slot { /* BORROWS from the conf */
	enum slot_kind kind;
	const char *name;   /* path of the file; of the variable; NULL of others */
	const char *secret; /* SLOT_TAKEN: the first that is not empty */
	bool was_there;     /* SLOT_FILE: as an empty file */
};

#define SLOT_SECRET_N 65 /* a fresh secret: 64 hex digits and NUL */

void slot_find(const struct conf *conf, const char *source, struct slot *ret_slot);
/* 32 random bytes. RC_IO: the machine has none. */
enum rc slot_secret(char ret_secret[static SLOT_SECRET_N], struct err *err) must_check;
/* Writes the secret into the file, for this user alone (for the store's where this is root), in one
 * step that a crash leaves done or undone. RC_DUPLICATE: somebody was faster; RC_DENIED, RC_IO. */
enum rc slot_fill(
	const struct slot *slot, const char *secret, const char *store, struct err *err) must_check;
/* Takes it back, where it is still the one that was put there. */
enum rc slot_clear(const struct slot *slot, const char *secret, struct err *err) must_check;

#endif
