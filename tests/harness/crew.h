/* SPDX-License-Identifier: MIT */
/*
 * Order under load, among many: receivers and runners, each a process with a handle of its own on
 * one PostgreSQL store, some of which are killed, or stand still for longer than their lease; a
 * model that they share says for each start whether it was due.
 */
#ifndef MOONHOOK_TESTS_HARNESS_CREW_H
#define MOONHOOK_TESTS_HARNESS_CREW_H

#include "base/err.h"
#include "tests/harness/crew_model.h"

struct crew_conf {         /* BORROWS */
	const char *store; /* postgres_store(); empty */
	size_t events, records;
	size_t receivers, runners;
	size_t runs;    /* at once, of each runner */
	size_t kills;   /* of runners and receivers, by chance */
	size_t freezes; /* of runners, until after the end of their lease */
	uint64_t seed;
	bool keyless;  /* a control: runs hold no key, so nothing keeps them in order */
	bool unfenced; /* a control: of who stands still the lease does not end */
};

struct crew_result {
	struct crew_tally tally;
	size_t ended, kills, freezes;
	size_t broken; /* lives that ended because their handle was broken */
	int64_t took_ms;
};

/* Runs it to its end. RC_IO and others where it comes to none. */
enum rc crew_run(const struct crew_conf *conf, struct crew_result *ret_result, struct err *err);
/* One line for people. */
void crew_print(const struct crew_conf *conf, const struct crew_result *result);
/* lost + twice + .. : 0 where all is as it must be. */
size_t crew_wrong(const struct crew_result *result);

#endif
