/* SPDX-License-Identifier: MIT */
/*
 * The walls around a worker, tried from inside: a child closes its sandbox as a worker does and
 * then makes one forbidden call. It must die of SIGSYS (or, under the sanitizers, get EPERM); the
 * same calls outside the sandbox are the negative control.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/attr.h"
#include "runner/worker/sandbox.h"
#include "runner/worker/sanitized.h"
#include "runner/worker/worker.h"
#include "tests/harness/peer.h"

/* Asked before the walls stand: inside, the question itself is refused. */
static pid_t parent;

/* Each answers what its call did: below 0 is a failure. */
static long try_open(void)
{
	return open("/etc/hostname", O_RDONLY);
}

static long try_environ(void)
{
	return open("/proc/self/environ", O_RDONLY);
}

static long try_create(void)
{
	return open("/tmp/moonhook-sandbox", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
}

static long try_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static long try_unix_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0);
}

static long try_connect(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
	return connect(WORKER_FD, (struct sockaddr *)&to, sizeof(to));
}

static long try_fork(void)
{
	long pid = syscall(SYS_fork);
	if (pid == 0)
		_exit(0);
	return pid;
}

static long try_thread(void)
{
	return syscall(SYS_clone, CLONE_VM | CLONE_SIGHAND | CLONE_THREAD, 0, 0, 0, 0);
}

static long try_exec(void)
{
	char *const argv[] = {NULL};
	return execve("/bin/true", argv, argv);
}

static long try_ptrace(void)
{
	return ptrace(PTRACE_ATTACH, parent, 0, 0);
}

static long try_kill(void)
{
	return kill(parent, 0);
}

static long try_memory_of_parent(void)
{
	char byte;
	struct iovec here = {&byte, 1}, there = {&byte, 1};
	return syscall(SYS_process_vm_readv, (long)parent, &here, 1, &there, 1, 0);
}

static long try_code(void)
{
	void *p = mmap(
		NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return p == MAP_FAILED ? -1 : 0;
}

static long try_make_code(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return p == MAP_FAILED ? -1 : mprotect(p, 4096, PROT_READ | PROT_EXEC);
}

static long try_read_elsewhere(void)
{
	char byte;
	return read(7, &byte, 1);
}

static long try_pass_descriptor(void)
{
	struct msghdr message = {0};
	return sendmsg(WORKER_FD, &message, 0);
}

static long try_undo(void)
{
	return prctl(PR_SET_DUMPABLE, 1);
}

static long try_raise_limits(void)
{
	struct rlimit limit = {1000, 1000};
	return setrlimit(RLIMIT_NOFILE, &limit);
}

static long try_uid(void)
{
	return setuid(0);
}

static const struct {
	const char *name;
	long (*call)(void);
	bool works_outside;
} calls[] = {
	{"open", try_open, true},
	{"open /proc/self/environ", try_environ, true},
	{"create a file", try_create, true},
	{"socket", try_socket, true},
	{"unix socket", try_unix_socket, true},
	{"connect", try_connect, false},
	{"fork", try_fork, true},
	{"thread", try_thread, false},
	{"exec", try_exec, false},
	{"ptrace", try_ptrace, false},
	{"kill", try_kill, true},
	{"read the parent's memory", try_memory_of_parent, false},
	{"writable code", try_code, true},
	{"make code", try_make_code, true},
	{"read another descriptor", try_read_elsewhere, false},
	{"pass a descriptor", try_pass_descriptor, false},
	{"prctl", try_undo, true},
	{"setrlimit", try_raise_limits, true},
	{"setuid", try_uid, false},
};

enum { HELD = 0, DONE = 40, REFUSED = 41, NO_WALL = 42 };

/* Runs body in a child that has one end of a socket; answers how it ended. */
static int in_child(void (*body)(const void *ctx, int fd), const void *ctx)
{
	int fds[2], status;
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	pid_t pid = fork();
	if (pid == 0) {
		body(ctx, fds[1]);
		_exit(NO_WALL);
	}
	cr_assert_gt(pid, 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	close(fds[0]);
	close(fds[1]);
	return status;
}

struct attempt {
	long (*call)(void);
	bool walled;
};

static void attempt(const void *ctx, int fd)
{
	const struct attempt *a = ctx;
	struct rlimit no_core = {0, 0};
	setrlimit(RLIMIT_CORE, &no_core);
	if (fd != WORKER_FD && dup2(fd, WORKER_FD) < 0)
		_exit(NO_WALL);
	parent = getppid();
	if (a->walled && (sandbox_open(NULL) != RC_OK || sandbox_close(NULL) != RC_OK))
		_exit(NO_WALL);
	errno = 0;
	long got = a->call();
	_exit(got >= 0 ? DONE : REFUSED);
}

static int try(long (*call)(void), bool walled)
{
	return in_child(attempt, &(struct attempt){call, walled});
}

Test(worker_sandbox, no_call_that_leads_out_is_possible)
{
	for (size_t i = 0; i < ARRAY_N(calls); i++) {
		int status = try(calls[i].call, true);
		if (SANITIZED)
			cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == REFUSED, "%s: %x",
				calls[i].name, status);
		else
			cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "%s: %x",
				calls[i].name, status);
	}
}

Test(worker_sandbox, the_same_calls_work_outside)
{
	for (size_t i = 0; i < ARRAY_N(calls); i++) {
		if (!calls[i].works_outside)
			continue;
		int status = try(calls[i].call, false);
		cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == DONE, "%s: %x", calls[i].name,
			status);
	}
	unlink("/tmp/moonhook-sandbox");
}

static long use_memory(void)
{
	for (size_t n = 1; n <= 64 << 20; n *= 2) {
		char *p = malloc(n);
		if (p == NULL)
			return -1;
		memset(p, 1, n);
		free(p);
	}
	return send(WORKER_FD, "x", 1, MSG_NOSIGNAL);
}

Test(worker_sandbox, memory_and_the_socket_still_work_inside)
{
	int status = try(use_memory, true);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == DONE, "%x", status);
}

static long look_around(void)
{
	extern char **environ;
	int held = 0;
	for (int fd = 0; fd < 256; fd++)
		held += fcntl(fd, F_GETFD) != -1;
	bool wiped = environ == NULL || *environ == NULL;
	return wiped && held == 2 ? 0 : -1; /* 2 for words before the filter, and the socket */
}

static void opened_child(const void *ctx, int fd)
{
	(void)ctx;
	if (dup2(fd, 200) < 0 || dup2(fd, WORKER_FD) < 0 || setenv("SECRET", "canary", 1) != 0)
		_exit(NO_WALL);
	const char *secret = getenv("SECRET");
	if (sandbox_open(NULL) != RC_OK || secret[0] != '\0')
		_exit(NO_WALL);
	_exit(look_around() == 0 ? DONE : REFUSED);
}

Test(worker_sandbox, neither_descriptors_nor_the_environment_come_along)
{
	int status = in_child(opened_child, NULL);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == DONE, "%x", status);
}

/* Its own child has a socket that was made by a process that is not its parent. */
static void orphan_child(const void *ctx, int fd)
{
	int status;
	(void)ctx;
	pid_t inner = fork();
	if (inner == 0) {
		dup2(fd, WORKER_FD);
		_exit(sandbox_open(NULL) == RC_CLOSED ? DONE : NO_WALL);
	}
	waitpid(inner, &status, 0);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : NO_WALL);
}

Test(worker_sandbox, a_worker_whose_parent_is_gone_does_not_start)
{
	int status = in_child(orphan_child, NULL);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == DONE, "%x", status);
}

/* A runner that gives its worker an endless rule and dies. */
static noreturn_ void dying_runner(int report)
{
	struct peer p;
	if (!peer_start(&p, worker_main))
		_exit(NO_WALL);
	json_decref(peer_load(&p, "h", "r.lua",
		"rule 'r' { on = 'a.created', run = function() "
		"log.info('on') while true do end end }"));
	struct peer_frame f;
	if (!peer_send(&p, FRAME_START, 1, 1,
		    json_pack("{s:s, s:s, s:{}, s:i}", "hash", "h", "rule", "r", "event", "cpu_ms",
			    600000)) ||
		write(report, &p.pid, sizeof(p.pid)) != sizeof(p.pid))
		_exit(NO_WALL);
	peer_receive(&p, 50, &f);
	_exit(DONE);
}

Test(worker_sandbox, a_worker_dies_with_its_runner_even_in_an_endless_rule, .timeout = 60)
{
	int report[2], status;
	pid_t worker;
	cr_assert_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	cr_assert_eq(pipe(report), 0);
	pid_t runner = fork();
	if (runner == 0)
		dying_runner(report[1]);
	cr_assert_eq(read(report[0], &worker, sizeof(worker)), (ssize_t)sizeof(worker));
	cr_assert_eq(waitpid(runner, &status, 0), runner);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == DONE, "%x", status);
	cr_assert_eq(waitpid(worker, &status, 0), worker);
	cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "%x", status);
	close(report[0]);
	close(report[1]);
}
