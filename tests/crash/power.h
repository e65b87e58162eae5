/* SPDX-License-Identifier: MIT */
/*
 * A store on a disk whose power can be cut: processes run with the shim (shim/), and what they had
 * not synced is gone, or partly gone, when the power comes back.
 */
#ifndef MOONHOOK_TESTS_CRASH_POWER_H
#define MOONHOOK_TESTS_CRASH_POWER_H

#include <stdbool.h>

#include "tests/crash/dice.h"
#include "tests/crash/shim/page.h"

struct power { /* done with power_done */
	char folder[160], store[160];
	struct disk_page *page;
	char env_text[5][256];
	const char *env[7]; /* for a process that is to run on this disk */
};

enum power_loss {
	POWER_CLEAN, /* exactly what was synced is left */
	POWER_TORN,  /* of the rest, any sectors, sizes and names may have made it */
};

/* The disk's own folder is made below dir; store, below dir too, need not exist yet; what
 * is in it already is on the disk. synchronous:
 * what SQLite is told instead of FULL; NULL: FULL. */
bool power_open(struct power *p, const char *dir, const char *store, const char *synchronous);
void power_done(struct power *p);

/* Off, now. Whoever touches a file dies; kill the rest. */
void power_cut(struct power *p);
bool power_is_off(const struct power *p);
/* When all processes are gone: puts the files back to what is on the disk, and on again. Also turns
 * off what power_fault and room asked for. False: a file could not be restored. */
bool power_restore(struct power *p, enum power_loss loss, struct dice *dice);

/* After so many that match go well, `times` (-1: all) operations of these kinds on the files of
 * these sides fail with this errno; 0: writes are cut short. */
void power_fault(struct power *p, int ops, int sides, int error, int64_t after, int64_t times);
void power_fault_end(struct power *p);
/* How much the files may still grow; -1: any. */
void power_room(struct power *p, int64_t bytes);

#endif
