/* SPDX-License-Identifier: MIT */
/*
 * Starts and ends the programs under test.
 * From: tests that need the real processes. Nothing outlives the test: children get SIGKILL when it
 * dies.
 */
#include "tests/harness/process.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

static void pause_ms(long ms)
{
	struct timespec ts = {ms / 1000, ms % 1000 * 1000000};
	nanosleep(&ts, NULL);
}

static void child(const struct process *p, const char *const *argv, const char *const *env)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	int out = open(p->out, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	int err = open(p->err, O_WRONLY | O_CREAT | O_APPEND, 0600);
	int in = open("/dev/null", O_RDONLY);
	if (out < 0 || err < 0 || in < 0)
		_exit(126);
	dup2(in, 0);
	dup2(out, 1);
	dup2(err, 2);
	closefrom(3);
	for (size_t i = 0; env != NULL && env[i] != NULL; i++) {
		union {
			const char *in;
			char *out;
		} text = {env[i]};
		putenv(text.out);
	}
	union {
		const char *const *in;
		char *const *out;
	} args = {argv};
	execv(argv[0], args.out);
	_exit(127);
}

bool process_start(struct process *p, const char *dir, const char *name, const char *const *argv,
	const char *const *env)
{
	snprintf(p->out, sizeof(p->out), "%s/%s.out", dir, name);
	snprintf(p->err, sizeof(p->err), "%s/%s.err", dir, name);
	p->pid = fork();
	if (p->pid == 0)
		child(p, argv, env);
	if (p->pid < 0)
		p->pid = 0;
	return p->pid != 0;
}

static int status_of(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int process_wait(struct process *p, int64_t wait_ms)
{
	if (p->pid == 0)
		return -1;
	for (int64_t end = clock_mono_ms() + wait_ms;;) {
		int status = 0;
		pid_t got = waitpid(p->pid, &status, WNOHANG);
		if (got == p->pid) {
			p->pid = 0;
			return status_of(status);
		}
		if (clock_mono_ms() >= end)
			return -1;
		pause_ms(2);
	}
}

int process_stop(struct process *p, int signal, int64_t wait_ms)
{
	if (p->pid == 0)
		return -1;
	kill(p->pid, signal);
	int status = process_wait(p, wait_ms);
	if (status >= 0)
		return status;
	kill(p->pid, SIGKILL);
	return process_wait(p, 5000);
}

bool process_alive(const struct process *p)
{
	return p->pid != 0 && kill(p->pid, 0) == 0;
}

int process_run(struct process *p, const char *dir, const char *name, const char *const *argv,
	const char *const *env, int64_t wait_ms)
{
	if (!process_start(p, dir, name, argv, env))
		return -1;
	int status = process_wait(p, wait_ms);
	if (status < 0)
		process_stop(p, SIGKILL, 1000);
	return status;
}

char *process_read(const char *file)
{
	const size_t max = 1u << 20;
	char *text = calloc(1, max + 1);
	FILE *f = fopen(file, "r");
	if (text != NULL && f != NULL)
		text[fread(text, 1, max, f)] = '\0';
	if (f != NULL)
		fclose(f);
	return text;
}

bool process_await(bool (*question)(void *ctx), void *ctx, int64_t wait_ms)
{
	for (int64_t end = clock_mono_ms() + wait_ms;;) {
		if (question(ctx))
			return true;
		if (clock_mono_ms() >= end)
			return false;
		pause_ms(5);
	}
}

const char *process_path(const char *name)
{
	static char path[256];
	const char *build = getenv("MOONHOOK_BUILD");
	snprintf(path, sizeof(path), "%s/%s", build != NULL ? build : "build", name);
	return path;
}

bool process_folder(char ret_dir[static 128])
{
	snprintf(ret_dir, 128, "/tmp/moonhook-test-XXXXXX");
	return mkdtemp(ret_dir) != NULL;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

void process_folder_remove(const char *dir)
{
	if (strncmp(dir, "/tmp/moonhook-test-", 19) == 0 ||
		strncmp(dir, "/dev/shm/moonhook-test-", 23) == 0)
		nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

bool process_write(const char *dir, const char *name, const char *text)
{
	char path[512];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *f = fopen(path, "w");
	if (f == NULL)
		return false;
	bool ok = fputs(text, f) >= 0;
	return fclose(f) == 0 && ok;
}
