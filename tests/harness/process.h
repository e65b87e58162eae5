/* SPDX-License-Identifier: MIT */
/* Child programs of a test: started, awaited, ended by their pid; they die with the test in any
 * case. */
#ifndef MOONHOOK_TESTS_HARNESS_PROCESS_H
#define MOONHOOK_TESTS_HARNESS_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct process {
	pid_t pid;     /* 0: not running */
	char out[256]; /* file that holds its standard output */
	char err[256]; /* and its standard error */
};

/* Starts argv[0] with its output in files of the folder dir, named after `name`. env: "NAME=value"
 * texts to add, NULL-terminated, may be NULL. Descriptors above 2 are closed in the child. */
bool process_start(struct process *p, const char *dir, const char *name, const char *const *argv,
	const char *const *env);
/* Sends the signal and waits up to wait_ms for the end, then kills. Returns the exit status, 128 +
 * signal for a death by signal, -1 where it was not running. */
int process_stop(struct process *p, int signal, int64_t wait_ms);
/* Waits for the end by itself; the same answer, -1 after wait_ms (it then still runs). */
int process_wait(struct process *p, int64_t wait_ms);
bool process_alive(const struct process *p);
/* The file's content, NUL-terminated, cut at 1 MB. GIVES (free). */
char *process_read(const char *file);
/* Runs to the end and answers its exit status (as process_stop); -1 past wait_ms. */
int process_run(struct process *p, const char *dir, const char *name, const char *const *argv,
	const char *const *env, int64_t wait_ms);

/* Calls question every few milliseconds until it says yes; false after wait_ms. */
bool process_await(bool (*question)(void *ctx), void *ctx, int64_t wait_ms);

/* $MOONHOOK_BUILD (default build) + "/" + name; STATIC, good until the next call. */
const char *process_path(const char *name);
/* A fresh folder below /tmp; removed with process_folder_remove. */
bool process_folder(char ret_dir[static 128]);
void process_folder_remove(const char *dir);
/* Writes a text file below dir. */
bool process_write(const char *dir, const char *name, const char *text);

#endif
