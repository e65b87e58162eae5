/* SPDX-License-Identifier: MIT */
/* Asking the daemon. */
#ifndef MOONHOOK_CLI_CONTROL_H
#define MOONHOOK_CLI_CONTROL_H

#include <jansson.h>

#include "base/conf.h"
#include "cli/args.h"

/* Sends {"verb": verb} over the control socket and waits for the answer. Where nobody answers, that
 * is said on stderr with what to do: CLI_DAEMON. GIVES the answer, an object with "ok". */
enum cli_exit control_ask(
	const struct args *args, const char *verb, json_t **ret_answer) must_check;
/* The same of every daemon of this machine that works with the store, those with a runner first: of
 * a database there may be several. GIVES an array of one answer at least. */
enum cli_exit control_ask_all(
	const struct args *args, const char *verb, json_t **ret_answers) must_check;
/* The same of the first, without a word: RC_UNREACHABLE (nobody listens), RC_TIMEOUT, RC_INVALID,
 * RC_NOMEM. */
enum rc control_try(const struct conf *conf, const char *verb, int patience_s, json_t **ret_answer,
	struct err *err) must_check;
/* Has the runner do {"do":"..", ..} (runner/order.h) and waits at most patience_s for its answer.
 * TAKES order; NULL counts as no memory. A refusal is said on stderr: CLI_USAGE for what was
 * ordered wrongly, CLI_FAILED for what is not there or failed, CLI_BUSY, CLI_DAEMON. GIVES the
 * answer with CLI_OK. */
enum cli_exit control_order(
	const struct args *args, json_t *order, int patience_s, json_t **ret_answer) must_check;

#endif
