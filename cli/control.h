/* SPDX-License-Identifier: MIT */
/* Asking the daemon. */
#ifndef MOONHOOK_CLI_CONTROL_H
#define MOONHOOK_CLI_CONTROL_H

#include <jansson.h>

#include "cli/args.h"

/* Sends {"verb": verb} over the control socket and waits for the answer. Where nobody answers, that
 * is said on stderr with what to do: CLI_DAEMON. GIVES the answer, an object with "ok". */
enum cli_exit control_ask(
	const struct args *args, const char *verb, json_t **ret_answer) must_check;

#endif
