/* SPDX-License-Identifier: MIT */
/* The webhooks of the workspace as they concern this Moonhook. */
#ifndef MOONHOOK_CLI_HOOKS_H
#define MOONHOOK_CLI_HOOKS_H

#include "cli/args.h"
#include "cli/arrival.h"
#include "cli/here.h"
#include "client/workspace.h"

enum hooks_place {
	HOOKS_ELSEWHERE,
	HOOKS_ALIKE, /* another address with our path: it may lead here */
	HOOKS_HERE,  /* its target is our address, or a delivery of it came */
};

enum hooks_sign {
	HOOKS_FITS,   /* it signs with a secret of its source */
	HOOKS_UNFIT,  /* with another: each delivery is refused */
	HOOKS_BARE,   /* it has none: what it sends is unsigned, and refused */
	HOOKS_UNTOLD, /* this Twenty does not show secrets */
};

/* What is compared with; BORROWS. */
struct hooks_known {
	const struct conf *conf;
	const struct here *here;
	const struct arrivals *arrivals; /* NULL: nothing is known of any */
};

enum hooks_place hooks_place(const struct hooks_known *known, const struct webhook *webhook);
/* Whether it signs with a secret of the source it leads to. */
enum hooks_sign hooks_sign(const struct hooks_known *known, const struct webhook *webhook);
/* The target for people, without user name and password. */
void hooks_target(const struct webhook *webhook, char ret_text[static TARGET_TEXT_N]);

struct hooks { /* hooks_close */
	struct conf *conf;
	struct workspace *workspace;
	struct here here;
	struct arrivals arrivals;
	struct webhooks list;
	json_t *patterns; /* of the live rules; empty where no store tells */
};

/* Reads the configuration, asks Twenty for the list, looks into the store where there is one.
 * --source and --url count where the verb has them. What fails is said on stderr. */
enum cli_exit hooks_open(const struct args *args, struct hooks *ret_hooks) must_check;
void hooks_close(struct hooks *hooks);
struct hooks_known hooks_known(const struct hooks *hooks);
/* The exit status that a failure of workspace.h means. */
enum cli_exit hooks_exit(enum rc rc);

#endif
