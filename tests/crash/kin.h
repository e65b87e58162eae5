/* SPDX-License-Identifier: MIT */
/* Which processes belong to which, as /proc tells. */
#ifndef MOONHOOK_TESTS_CRASH_KIN_H
#define MOONHOOK_TESTS_CRASH_KIN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { KIN_MAX = 64 };

struct kin {
	pid_t pid[KIN_MAX];
	size_t n;
};

/* The children of a process. */
void kin_children(pid_t pid, struct kin *ret_kin);
/* It and all below it. */
void kin_all(pid_t pid, struct kin *ret_kin);
/* Does it bear this name (as ps shows it)? */
bool kin_named(pid_t pid, const char *name);

#endif
