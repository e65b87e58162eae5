/* SPDX-License-Identifier: MIT */
/*
 * The filter of system calls, number by number: what is not on the list below is refused, whatever
 * the kernel has or will have. A call that is added to the filter has to be added here, too.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/attr.h"
#include "runner/worker/sandbox.h"
#include "runner/worker/sanitized.h"

/* In the gap of the numbers lie calls of the kernel to itself, which no filter is asked about. */
enum { LAST = 512, GAP = 335, GAP_END = 424 };
enum { REFUSED = 41, ANSWERED = 42, NO_WALL = 43 };

/* Harmless with any argument, or looked at by their arguments: worker_sandbox.c tries those. */
static const int allowed[] = {SYS_brk, SYS_clock_gettime, SYS_close, SYS_exit, SYS_exit_group,
	SYS_futex, SYS_madvise, SYS_mremap, SYS_munmap, SYS_poll, SYS_ppoll, SYS_restart_syscall,
	SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_timer_settime, SYS_read, SYS_recvfrom, SYS_sendto,
	SYS_write, SYS_mmap, SYS_mprotect,
	/* under the sanitizers only */
	SYS_getpid, SYS_gettid, SYS_sched_yield, SYS_sigaltstack};

enum { SANITIZERS_N = 4 };

static bool is_allowed(int number)
{
	size_t n = ARRAY_N(allowed) - (SANITIZED ? 0 : SANITIZERS_N);
	for (size_t i = 0; i < n; i++)
		if (allowed[i] == number)
			return true;
	return false;
}

static int try(int number)
{
	int status = 0;
	pid_t pid = fork();
	if (pid == 0) {
		struct rlimit no_core = {0, 0};
		setrlimit(RLIMIT_CORE, &no_core);
		if (sandbox_close(NULL) != RC_OK)
			_exit(NO_WALL);
		errno = 0;
		long got = syscall(number, -1L, 0L, 0L, 0L, 0L, 0L);
		_exit(got == -1 && errno == EPERM ? REFUSED : ANSWERED);
	}
	cr_assert_gt(pid, 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return status;
}

Test(worker_filter, every_call_that_is_not_listed_is_refused, .timeout = 120)
{
	for (int number = 0; number < LAST; number++) {
		if (is_allowed(number) || (number >= GAP && number < GAP_END))
			continue;
		int status = try(number);
		if (SANITIZED)
			cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == REFUSED,
				"call %d: %x", number, status);
		else
			cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "call %d: %x",
				number, status);
	}
}

Test(worker_filter, what_is_listed_is_not_killed)
{
	int status = try(SYS_clock_gettime);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == ANSWERED, "%x", status);
}
