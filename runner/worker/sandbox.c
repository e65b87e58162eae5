/* SPDX-License-Identifier: MIT */
/*
 * The walls around a worker.
 * From: worker.c, before and after the interpreter is made ready. Fails where the kernel refuses a
 * wall: the worker then does not start. Each wall stands alone; none relies on Lua being unbroken.
 */
#include "runner/worker/sandbox.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <seccomp.h>

#include "base/attr.h"
#include "runner/worker/sanitized.h"
#include "runner/worker/worker.h"

/* All runs of a worker together; the budget of one is far below it. */
#define ADDRESS_SPACE ((rlim_t)5 << 30)

static void wipe_environment(void)
{
	for (char **entry = environ; entry != NULL && *entry != NULL; entry++)
		memset(*entry, 0, strlen(*entry));
	environ = NULL;
}

static enum rc set_limits(struct err *err)
{
	static const struct {
		__rlimit_resource_t what;
		rlim_t most;
		bool sanitized; /* also under the sanitizers */
	} limits[] = {
		{RLIMIT_AS, ADDRESS_SPACE, false},
		{RLIMIT_NOFILE, WORKER_FD + 1, true},
		{RLIMIT_CORE, 0, true},
		{RLIMIT_NPROC, 0, true},
		{RLIMIT_FSIZE, 0, true},
	};
	for (size_t i = 0; i < ARRAY_N(limits); i++) {
		struct rlimit limit = {limits[i].most, limits[i].most};
		if (SANITIZED && !limits[i].sanitized)
			continue;
		if (setrlimit(limits[i].what, &limit) != 0)
			return err_set_errno(err, RC_IO, errno, "limiting the worker");
	}
	return RC_OK;
}

/* Asks for death with the parent; the socket's maker is the parent, if it still lives. */
static enum rc follow_parent(struct err *err)
{
	struct ucred maker;
	socklen_t n = sizeof(maker);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		return err_set_errno(err, RC_IO, errno, "asking to die with the runner");
	if (getsockopt(WORKER_FD, SOL_SOCKET, SO_PEERCRED, &maker, &n) != 0)
		return err_set_errno(err, RC_IO, errno, "a worker is started by the runner only");
	if (maker.pid != 0 && maker.pid != getppid())
		return err_set(err, RC_CLOSED, "the runner is gone");
	return RC_OK;
}

enum rc sandbox_open(struct err *err)
{
	static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE};
	enum rc rc = follow_parent(err);
	if (rc != RC_OK)
		return rc;
	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	if (close_range(WORKER_FD + 1, ~0u, 0) != 0)
		return err_set_errno(err, RC_IO, errno, "closing what the worker does not need");
	for (size_t i = 0; i < ARRAY_N(ignored); i++)
		signal(ignored[i], SIG_IGN);
	wipe_environment();
	return RC_OK;
}

/* Calls that are fine whatever their arguments are. */
static const int plain[] = {
	SCMP_SYS(brk),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(close),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(futex),
	SCMP_SYS(madvise),
	SCMP_SYS(mremap),
	SCMP_SYS(munmap),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(timer_settime),
};

/* What the sanitizers call besides; only in their builds. */
static const int sanitizers[] = {
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(sched_yield),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(write),
};

/* The socket's own calls, on the socket only. */
static const int on_socket[] = {
	SCMP_SYS(read), SCMP_SYS(recvfrom), SCMP_SYS(sendto), SCMP_SYS(write)};

static int add_rules(scmp_filter_ctx filter)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < ARRAY_N(plain); i++)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, plain[i], 0);
	for (size_t i = 0; SANITIZED && rc == 0 && i < ARRAY_N(sanitizers); i++)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, sanitizers[i], 0);
	for (size_t i = 0; rc == 0 && i < ARRAY_N(on_socket); i++)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, on_socket[i], 1,
			SCMP_A0(SCMP_CMP_EQ, WORKER_FD, 0));
	if (rc == 0)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2,
			SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0),
			SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, MAP_ANONYMOUS));
	if (rc == 0)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
			SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	return rc;
}

enum rc sandbox_close(struct err *err)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0) != 0)
		return err_set_errno(err, RC_IO, errno, "giving up privileges");
	enum rc rc = set_limits(err);
	if (rc != RC_OK)
		return rc;
	scmp_filter_ctx filter =
		seccomp_init(SANITIZED ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_KILL_PROCESS);
	if (filter == NULL)
		return err_set(err, RC_NOMEM, "no memory for the filter of system calls");
	int failed = add_rules(filter);
	if (failed == 0)
		failed = seccomp_load(filter);
	if (failed != 0) {
		seccomp_release(filter);
		return err_set_errno(err, RC_IO, -failed, "the filter of system calls");
	}
	seccomp_release(filter);
	if (!SANITIZED)
		close(STDERR_FILENO);
	return RC_OK;
}
