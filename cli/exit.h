/* SPDX-License-Identifier: MIT */
/* What the exit status of the command means: the one table, for the code, for help and manual. */
#ifndef MOONHOOK_CLI_EXIT_H
#define MOONHOOK_CLI_EXIT_H

#define CLI_EXITS(X)                                                                               \
	X(CLI_OK, 0, "ok; a drain after SIGTERM too")                                              \
	X(CLI_FAILED, 1, "ran and found failures")                                                 \
	X(CLI_USAGE, 2, "wrong usage")                                                             \
	X(CLI_DECLINED, 3, "declined: the question was not answered with yes")                     \
	X(CLI_KEY, 4, "Twenty refused the key")                                                    \
	X(CLI_DAEMON, 5, "the daemon cannot be reached")                                           \
	X(CLI_TWENTY, 6, "Twenty cannot be reached")                                               \
	X(CLI_BUSY, 75, "busy, try again")                                                         \
	X(CLI_CONFIG, 78, "invalid configuration or rules")

enum cli_exit {
#define X(name, status, text) name = (status),
	CLI_EXITS(X)
#undef X
};

#endif
