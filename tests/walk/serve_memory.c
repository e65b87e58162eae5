/* SPDX-License-Identifier: MIT */
/*
 * Who holds what: a secret is in the memory of the process that needs it and of no other, and a
 * child sees no variable of the environment that it does not need.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "tests/harness/daemon.h"

#define KEY "canary-77b0c2-key"
#define HOOK "canary-77b0c2-hook"
#define TOKEN "canary-77b0c2-token"
#define OTHER "canary-77b0c2-other"
#define LINES                                                                                      \
	"twenty.key = env \"SERVE_CANARY_KEY\"\nconsole.token = file \"token\"\n"                  \
	"source \"other\" { scheme = \"twenty\", secrets = { env \"SERVE_CANARY_HOOK\" } }"

static const char *const env[] = {
	"SERVE_CANARY_KEY=" KEY, "SERVE_CANARY_HOOK=" HOOK, "SERVE_CANARY_OTHER=" OTHER, NULL};

static struct daemon d;

static void setup(void)
{
	cr_assert(daemon_open(&d, LINES));
	cr_assert(process_write(d.dir, "token", TOKEN "\n"));
}

static void teardown(void)
{
	daemon_close(&d);
}

TestSuite(serve_memory, .init = setup, .fini = teardown, .timeout = 90);

#define CHUNK (1u << 20)
#define REGION_MAX ((uint64_t)1 << 28) /* larger ones are a sanitizer's */

static bool region_holds(int mem, uint64_t from, uint64_t to, const char *text)
{
	static char chunk[CHUNK];
	size_t n = strlen(text);
	for (uint64_t at = from; at < to; at += CHUNK - n) {
		size_t want = to - at < CHUNK ? (size_t)(to - at) : CHUNK;
		ssize_t got = pread(mem, chunk, want, (off_t)at);
		if (got > 0 && memmem(chunk, (size_t)got, text, n) != NULL)
			return true;
		if (want < CHUNK)
			break;
	}
	return false;
}

/* Whether what a process may write to holds a text. */
static bool memory_holds(pid_t pid, const char *text)
{
	char path[64], line[512], may[8];
	bool found = false;
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	int mem = open(path, O_RDONLY | O_CLOEXEC);
	if (mem < 0)
		cr_skip_test("the memory of another process cannot be read here");
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	FILE *maps = fopen(path, "re");
	cr_assert_not_null(maps);
	while (!found && fgets(line, sizeof(line), maps) != NULL) {
		uint64_t from, to;
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s", &from, &to, may) == 3 &&
			may[1] == 'w' && to - from <= REGION_MAX)
			found = region_holds(mem, from, to, text);
	}
	fclose(maps);
	close(mem);
	return found;
}

static pid_t worker_of(pid_t runner)
{
	char path[96];
	pid_t worker = 0;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)runner, (int)runner);
	FILE *f = fopen(path, "re");
	cr_assert(f != NULL && fscanf(f, "%d", &worker) == 1);
	fclose(f);
	return worker;
}

static bool has_worker(void *ctx)
{
	(void)ctx;
	json_t *status = daemon_status(&d);
	bool has = json_integer_value(json_object_get(status, "workers")) >= 1;
	json_decref(status);
	return has;
}

Test(serve_memory, a_secret_is_held_by_the_process_that_needs_it_only)
{
	cr_assert(daemon_start(&d, NULL, env));
	cr_assert(process_await(has_worker, NULL, 10000));
	pid_t runner = daemon_child(&d, "runner");
	const struct {
		const char *name;
		pid_t pid;
		const char *none[3];
	} held[] = {
		{"receiver", daemon_child(&d, "receiver"), {KEY, TOKEN, NULL}},
		{"runner", runner, {HOOK, TOKEN, NULL}},
		{"console", daemon_child(&d, "console"), {KEY, HOOK, NULL}},
		{"worker", worker_of(runner), {KEY, HOOK, TOKEN}},
	};
	cr_assert(memory_holds(runner, KEY), "the control: the runner speaks to Twenty with it");
	for (size_t i = 0; i < ARRAY_N(held); i++) {
		cr_assert_gt(held[i].pid, 0, "%s", held[i].name);
		for (size_t k = 0; k < 3 && held[i].none[k] != NULL; k++)
			cr_expect_not(memory_holds(held[i].pid, held[i].none[k]), "the %s holds %s",
				held[i].name, held[i].none[k]);
	}
	cr_expect_eq(daemon_stop(&d), 0);
}

Test(serve_memory, a_child_sees_no_variable_that_it_does_not_need)
{
	static const char *const names[] = {"receiver", "runner", "console"};
	cr_assert(daemon_start(&d, NULL, env));
	for (size_t i = 0; i < ARRAY_N(names); i++) {
		char path[64], text[8192] = "";
		snprintf(path, sizeof(path), "/proc/%d/environ", (int)daemon_child(&d, names[i]));
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		cr_assert_geq(fd, 0);
		ssize_t n = read(fd, text, sizeof(text));
		close(fd);
		cr_assert_geq(n, 0);
		cr_expect_null(memmem(text, (size_t)n, OTHER, strlen(OTHER)), "%s", names[i]);
	}
	cr_expect_eq(daemon_stop(&d), 0);
}
