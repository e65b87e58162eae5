/* SPDX-License-Identifier: MIT */
/* The question before something that cannot be undone. */
#ifndef MOONHOOK_CLI_CONSENT_H
#define MOONHOOK_CLI_CONSENT_H

#include "cli/args.h"

/* Asks "<sentence> [y/N]" on the terminal; --yes answers for scripts. CLI_OK: yes; CLI_DECLINED:
 * anything else, or nobody is there to answer; that is said on stderr. */
enum cli_exit consent_ask(const struct args *args, const char *fmt, ...)
	printf_like(2, 3) must_check;

#endif
