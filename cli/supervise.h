/* SPDX-License-Identifier: MIT */
/* The supervisor's loop: children, signals, reload, drain. */
#ifndef MOONHOOK_CLI_SUPERVISE_H
#define MOONHOOK_CLI_SUPERVISE_H

#include "base/conf.h"
#include "base/err.h"

struct supervise_conf { /* BORROWS for the whole run */
	/* TAKES; replaced by every reload that succeeds. */
	struct conf *conf;
	/* Reads the configuration again; GIVES. */
	enum rc (*reload)(void *ctx, struct conf **ret_conf, struct err *err);
	void *ctx;
	int hooks, console, control; /* listening; -1: none, its child then does without */
	int metrics;                 /* the page */
	bool receiver, runner;       /* which children there are; the console always is */
};

/*
 * Runs until SIGTERM or SIGINT, then drains: the receiver first, so that nothing new comes, then
 * the runner, then the console. Answers the exit status of the program: 0 after a drain, the
 * child's own where one ended with 75 or 78 before it was ever ready.
 */
int supervise_run(const struct supervise_conf *sc);

#endif
