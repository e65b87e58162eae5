/* SPDX-License-Identifier: MIT */
/*
 * A planted secret shows itself nowhere: not in the command line, the environment or the
 * descriptors of any process, not in the log, not in what the command prints.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "tests/harness/daemon.h"

#define CANARY "canary-4f1d9a"
#define LINES                                                                                      \
	"twenty.key = env \"SERVE_CANARY_KEY\"\nsecrets = { X = env \"SERVE_CANARY_X\" }\n"        \
	"console.token = file \"token\"\n"                                                         \
	"source \"other\" { scheme = \"twenty\", secrets = { env \"SERVE_CANARY_HOOK\" } }"

static const char *const env[] = {"SERVE_CANARY_KEY=" CANARY "-key", "SERVE_CANARY_X=" CANARY "-x",
	"SERVE_CANARY_HOOK=" CANARY "-hook", NULL};

static struct daemon d;

static void setup(void)
{
	cr_assert(daemon_open(&d, LINES));
	cr_assert(process_write(d.dir, "token", CANARY "-token\n"));
}

static void teardown(void)
{
	daemon_close(&d);
}

TestSuite(serve_secrets, .init = setup, .fini = teardown, .timeout = 60);

/* Does a file of /proc hold the canary? */
static bool holds(pid_t pid, const char *name)
{
	static char text[1 << 20];
	char path[64];
	size_t all = 0;
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	cr_assert(fd >= 0, "%s cannot be read", path);
	ssize_t n;
	while ((n = read(fd, text + all, sizeof(text) - all)) > 0)
		all += (size_t)n;
	close(fd);
	return memmem(text, all, CANARY, strlen(CANARY)) != NULL;
}

/* The processes whose parent is one of pids are added behind them. */
static size_t add_children(pid_t *pids, size_t n, size_t max)
{
	for (size_t i = 0; i < n; i++) {
		char path[96];
		pid_t child;
		snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pids[i],
			(int)pids[i]);
		FILE *f = fopen(path, "re");
		while (f != NULL && n < max && fscanf(f, "%d", &child) == 1)
			pids[n++] = child;
		if (f != NULL)
			fclose(f);
	}
	return n;
}

static bool has_worker(void *ctx)
{
	(void)ctx;
	json_t *status = daemon_status(&d);
	bool has = json_integer_value(json_object_get(status, "workers")) >= 1;
	json_decref(status);
	return has;
}

Test(serve_secrets, a_planted_key_is_in_no_command_line_environment_or_log)
{
	pid_t pids[32];
	cr_assert(daemon_start(&d, NULL, env));
	cr_assert(process_await(has_worker, NULL, 10000));
	pids[0] = d.process.pid;
	size_t n = add_children(pids, 1, ARRAY_N(pids));
	cr_assert_geq(n, 5, "supervisor, receiver, runner, worker, console");
	for (size_t i = 0; i < n; i++) {
		cr_expect_not(holds(pids[i], "cmdline"));
		cr_expect_not(holds(pids[i], "environ"), "process %zu", i);
	}
	cr_assert_eq(kill(d.process.pid, SIGHUP), 0);
	cr_assert(
		daemon_logged(&d, "\"msg\":\"reloaded", 10000), "the scrubbed values still count");
	cr_expect_not(holds(d.process.pid, "environ"));
	char *log = daemon_log(&d);
	cr_expect_null(strstr(log, CANARY));
	free(log);
	cr_expect_eq(daemon_stop(&d), 0);
}

static bool environ_holds(void *pid)
{
	return holds(*(pid_t *)pid, "environ");
}

Test(serve_secrets, the_test_itself_can_see_a_key)
{
	/* The control: a process that scrubs nothing. */
	const char *argv[] = {"/bin/sleep", "30", NULL};
	struct process p = {.pid = 0};
	cr_assert(process_start(&p, d.dir, "sleep", argv, env));
	cr_expect(process_await(environ_holds, &p.pid, 10000), "once it has been exec'd");
	(void)process_stop(&p, SIGKILL, 1000);
}

Test(serve_secrets, config_print_masks_them)
{
	static const char *const forms[] = {"table", "json", "jsonl"};
	for (size_t i = 0; i < ARRAY_N(forms); i++) {
		const char *args[] = {"config", "print", "-o", forms[i], NULL};
		char *out = NULL, *err = NULL;
		cr_assert_eq(daemon_command(&d, args, env, &out, &err), 0, "%s", err);
		cr_expect(strstr(out, "twenty.key") != NULL);
		cr_expect(strstr(out, "********") != NULL);
		cr_expect_null(strstr(out, CANARY), "%s", out);
		cr_expect_null(strstr(out, DAEMON_SECRET), "%s", out);
		cr_expect_null(strstr(err, CANARY));
		free(out);
		free(err);
	}
}

Test(serve_secrets, no_process_leaves_a_core)
{
	pid_t pids[32];
	cr_assert(daemon_start(&d, NULL, env));
	cr_assert(process_await(has_worker, NULL, 10000));
	pids[0] = d.process.pid;
	size_t n = add_children(pids, 1, ARRAY_N(pids));
	for (size_t i = 0; i < n; i++) {
		char path[64], *text;
		snprintf(path, sizeof(path), "/proc/%d/limits", (int)pids[i]);
		text = process_read(path);
		const char *line = text != NULL ? strstr(text, "Max core file size") : NULL;
		cr_expect(line != NULL && strspn(line + 18, " ") + 18 == strcspn(line, "0"),
			"process %zu: %.60s", i, line != NULL ? line : "?");
		free(text);
		snprintf(path, sizeof(path), "/proc/%d/coredump_filter", (int)pids[i]);
		text = process_read(path);
		cr_expect(text != NULL && strtol(text, NULL, 16) == 0, "process %zu: %s", i, text);
		free(text);
	}
	cr_expect_eq(daemon_stop(&d), 0);
}

Test(serve_secrets, the_control_socket_is_for_its_owner_only)
{
	char path[256];
	struct stat st;
	cr_assert(daemon_start(&d, NULL, env));
	snprintf(path, sizeof(path), "%s/control.sock", d.store);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 0777, 0600);
	cr_assert_eq(stat(d.store, &st), 0);
	cr_expect_eq(st.st_mode & 0777, 0700);
	cr_expect_eq(daemon_stop(&d), 0);
}
