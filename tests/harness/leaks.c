/* SPDX-License-Identifier: MIT */
/*
 * leaks: where LeakSanitizer looks.
 * Each test runs in a process of its own, and there every leak is reported. The process that starts
 * them all only runs criterion, which forgets a few of its own blocks when tests run side by side;
 * nothing of ours is ever allocated there, so that process is left out. A report does not change
 * criterion's count (the test has passed by then); .ci/test looks for it in the output.
 */
#include <criterion/criterion.h>
#include <criterion/hooks.h>

static int starts_the_others;

int __lsan_is_turned_off(void);

ReportHook(PRE_ALL)(struct criterion_test_set *set)
{
	(void)set;
	starts_the_others = 1;
}

/* Asked by LeakSanitizer at exit; never called in builds without it. */
int __lsan_is_turned_off(void)
{
	return starts_the_others;
}
