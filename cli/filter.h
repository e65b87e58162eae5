/* SPDX-License-Identifier: MIT */
/* Filters as words: state:failed rule:enrich --since 2h --limit 10. */
#ifndef MOONHOOK_CLI_FILTER_H
#define MOONHOOK_CLI_FILTER_H

#include "cli/args.h"
#include "queue/queue.h"

/* Reads operands, --since and --limit; texts BORROW from args. Wrong ones are said on stderr:
 * CLI_USAGE. Without --limit the last 50 on a terminal, else all. */
enum cli_exit filter_read(const struct args *args, struct queue_filter *ret_filter) must_check;

#define FILTER_OPERANDS "[FILTER:WORD ..]"
#define FILTER_FLAGS                                                                               \
	{"since", "TIME", "not older: a duration such as 2h, or 2026-11-23T18:00:00Z"},            \
	{                                                                                          \
		"limit", "N", "the newest N only; 0: all"                                          \
	}

#endif
