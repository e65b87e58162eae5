/* SPDX-License-Identifier: MIT */
/*
 * A receiver is killed while it takes what is whole out of a damaged spool, and killed again while
 * its successor does. Wherever that happens, the next one has all of it, in order, and the damaged
 * file is still there. The moments are the calls into the kernel, before and after each: nothing
 * else leaves a trace. SALVAGE_STEP: of how many of them one is taken; else about a dozen, and all
 * that change a name.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/clock.h"
#include "queue/spool.h"
#include "tests/crash/stage.h"
#include "tests/harness/process.h"

enum { MANY = 160, IN_LOG = 20, BODY_N = 400, STOPS_MAX = 40000, POINTS = 12, PAGE_N = 4096 };

struct bytes {
	char *p;
	size_t n;
};

static char dir[128], folder[160];
static struct bytes database, journal; /* of the damaged spool */
static size_t ruined;                  /* where the page is */
static bool whole[MANY];               /* what a salvage that nobody disturbs brings along */

/* --- files ------------------------------------------------------------------------------------ */

static void path_of(char ret[static 240], const char *name)
{
	snprintf(ret, 240, "%s/%s", folder, name);
}

static struct bytes take_file(const char *name)
{
	char path[240];
	struct stat st;
	path_of(path, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	cr_assert(fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0, "%s", path);
	struct bytes b = {malloc((size_t)st.st_size), (size_t)st.st_size};
	cr_assert(b.p != NULL && read(fd, b.p, b.n) == (ssize_t)b.n);
	close(fd);
	return b;
}

static void put_file(const char *name, struct bytes b)
{
	char path[240];
	path_of(path, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	cr_assert(fd >= 0 && write(fd, b.p, b.n) == (ssize_t)b.n);
	close(fd);
}

/* The folder has the damaged spool, and nothing else. */
static void put_damaged(void)
{
	char path[240];
	DIR *d = opendir(folder);
	for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%.150s/%.80s", folder, e->d_name);
		cr_assert_eq(unlink(path), 0);
	}
	cr_assert(d != NULL && closedir(d) == 0);
	put_file("spool.db", database);
	put_file("spool.db-wal", journal);
}

/* Is the damaged file still there? What was in its log may have been brought into it. */
static bool has_damaged(void)
{
	bool found = false;
	DIR *d = opendir(folder);
	for (struct dirent *e; d != NULL && !found && (e = readdir(d)) != NULL;) {
		size_t n = strlen(e->d_name);
		if (strncmp(e->d_name, "spool.db.damaged-", 17) != 0 || e->d_name[n - 1] == 'l')
			continue;
		struct bytes got = take_file(e->d_name);
		found = got.n >= database.n &&
			memcmp(got.p + ruined, database.p + ruined, PAGE_N) == 0;
		free(got.p);
	}
	if (d != NULL)
		closedir(d);
	return found;
}

/* --- a damaged spool -------------------------------------------------------------------------- */

static struct spool *open_spool(void)
{
	struct spool *s = NULL;
	struct err err = {.msg = ""};
	cr_assert_eq(spool_open(folder, 64 << 20, &s, &err), RC_OK, "%s", err.msg);
	return s;
}

static void put(struct spool *s, int from, int to)
{
	static struct queue_delivery all[MANY];
	static char bodies[MANY][BODY_N], keys[MANY][16];
	struct err err = {.msg = ""};
	for (int i = from; i < to; i++) {
		memset(bodies[i], 'a' + i % 26, BODY_N);
		snprintf(keys[i], sizeof(keys[i]), "key %d", i);
		all[i] = (struct queue_delivery){.source = "twenty",
			.dedupe = slice_of(keys[i]),
			.headers = slice_of("a: b\n"),
			.body = {bodies[i], BODY_N},
			.received_ms = i};
		snprintf(all[i].id.text, sizeof(all[i].id.text), "id-%d", i);
	}
	cr_assert_eq(spool_put(s, all + from, (size_t)(to - from), &err), RC_OK, "%s", err.msg);
}

/* Most of it is in the database, of which a page is ruined, the rest in the log. */
static void make_damaged(void)
{
	struct spool *s = open_spool();
	put(s, 0, MANY - IN_LOG);
	spool_close(s);
	s = open_spool();
	put(s, MANY - IN_LOG, MANY);
	database = take_file("spool.db");
	journal = take_file("spool.db-wal");
	spool_close(s);
	ruined = database.n / 2 / PAGE_N * PAGE_N;
	memset(database.p + ruined, 0, 64);
}

/* --- one life --------------------------------------------------------------------------------- */

/* A moment in the life of a process: one of its stops, which are before and after each call, or
 * before (even) and after (odd) it changes a name. SIZE_MAX: never. How many calls there are is not
 * the same each time, how many names change is. */
struct moment {
	size_t stop, name;
};

static const struct moment never = {SIZE_MAX, SIZE_MAX};

static noreturn_ void live(bool careless)
{
	struct spool *s = NULL;
	struct err err;
	char from[240], to[240];
	if (ptrace(PTRACE_TRACEME, 0, 0, 0) != 0 || raise(SIGSTOP) != 0)
		_exit(3);
	path_of(from, "spool.db");
	path_of(to, "spool.db.damaged-careless");
	if (careless && rename(from, to) != 0)
		_exit(4);
	if (spool_open(folder, 64 << 20, &s, &err) != RC_OK)
		_exit(5);
	spool_close(s);
	_exit(0);
}

/* Does it stand before a call that does? */
static bool changes_a_name(pid_t pid)
{
	struct __ptrace_syscall_info info = {.op = PTRACE_SYSCALL_INFO_NONE};
	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) <= 0)
		return false;
	return info.op == PTRACE_SYSCALL_INFO_ENTRY &&
	       (info.entry.nr == SYS_rename || info.entry.nr == SYS_renameat ||
		       info.entry.nr == SYS_renameat2);
}

static int next_stop(pid_t pid)
{
	int status = 0;
	cr_assert_eq(ptrace(PTRACE_SYSCALL, pid, 0, 0), 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return status;
}

/* A process opens the spool, and is killed at this moment. False: it came to its end before; so far
 * it got. */
static bool open_killed(struct moment at, bool careless, struct moment *ret_end)
{
	int status = 0;
	bool names = false; /* it is in a call that changes one */
	struct moment now = {0, 0};
	pid_t pid = fork();
	if (pid == 0)
		live(careless);
	cr_assert(pid > 0 && waitpid(pid, &status, 0) == pid && WIFSTOPPED(status));
	cr_assert_eq(
		ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD), 0);
	while (now.stop < STOPS_MAX && WIFSTOPPED(status = next_stop(pid))) {
		bool enters = changes_a_name(pid), here = enters || names;
		if (now.stop == at.stop || (here && now.name == at.name)) {
			(void)kill(pid, SIGKILL);
			cr_assert_eq(waitpid(pid, &status, 0), pid);
			break;
		}
		now.stop++;
		now.name += here;
		names = enters;
	}
	cr_assert(WIFSIGNALED(status) || WEXITSTATUS(status) == 0, "ended with %x", status);
	*ret_end = now;
	return WIFSIGNALED(status);
}

/* What is there now; false where two are out of order, or one is not as it was. */
static bool read_all(bool *ret_there)
{
	struct queue_delivery d[16];
	struct err err = {.msg = ""};
	struct spool *s = open_spool();
	int64_t after = 0, last = -1;
	bool good = true;
	memset(ret_there, 0, MANY * sizeof(*ret_there));
	for (size_t n = 1; n > 0;) {
		cr_assert_eq(spool_next(s, after, ARRAY_N(d), d, &n, &after, &err), RC_OK, "%s",
			err.msg);
		for (size_t i = 0; i < n; i++) {
			int64_t k = d[i].received_ms;
			good = good && k > last && k < MANY && d[i].body.n == BODY_N &&
			       d[i].body.p[BODY_N - 1] == 'a' + k % 26;
			if (k >= 0 && k < MANY)
				ret_there[k] = true;
			last = k;
		}
	}
	spool_close(s);
	return good;
}

struct tally {
	size_t kills, lost;
};

/* Killed there, and its successor there; those that were whole are counted. */
static void kill_both(struct moment first, struct moment second, bool careless, struct tally *tally)
{
	bool there[MANY];
	struct moment end;
	put_damaged();
	tally->kills += open_killed(first, careless, &end);
	tally->kills += open_killed(second, false, &end);
	cr_expect(read_all(there), "in order and unchanged, after %zu/%zu and %zu/%zu", first.stop,
		first.name, second.stop, second.name);
	for (size_t i = 0; i < MANY; i++)
		tally->lost += whole[i] && !there[i];
	cr_expect(has_damaged(), "the damaged file is there, after %zu/%zu and %zu/%zu", first.stop,
		first.name, second.stop, second.name);
}

/* In memory, where that is to be had: a kill takes nothing with it that was written, synced or not,
 * and thousands of syncs are none of the matter. */
static void setup(void)
{
	snprintf(dir, sizeof(dir), "/dev/shm/moonhook-test-XXXXXX");
	if (mkdtemp(dir) == NULL)
		cr_assert(process_folder(dir));
	snprintf(folder, sizeof(folder), "%s/spool", dir);
	make_damaged();
}

static void teardown(void)
{
	free(database.p);
	free(journal.p);
	process_folder_remove(dir);
}

TestSuite(crash_salvage, .init = setup, .fini = teardown, .timeout = 1200);

/* How far one gets that nobody kills, and what it brings along. */
static struct moment learn(void)
{
	struct moment end;
	size_t n = 0;
	put_damaged();
	cr_assert(read_all(whole));
	put_damaged();
	cr_assert_not(open_killed(never, false, &end));
	for (size_t i = 0; i < MANY; i++)
		n += whole[i];
	cr_assert(n > MANY / 2 && n < MANY, "%zu of %d are whole", n, MANY);
	cr_assert_eq(end.name, 6, "three names change");
	return end;
}

Test(crash_salvage,
	whenever_it_is_killed_all_that_was_whole_goes_on_in_order_and_nothing_is_destroyed)
{
	struct moment end = learn();
	struct tally tally = {0};
	size_t step = (size_t)stage_setting("SALVAGE_STEP", 0);
	step = step > 0 ? step : end.stop / POINTS + 1;
	for (size_t i = 0; i < end.stop; i += step)
		kill_both((struct moment){i, SIZE_MAX}, (struct moment){end.stop - i, SIZE_MAX},
			false, &tally);
	for (size_t i = 0; i < end.name; i++)
		kill_both((struct moment){SIZE_MAX, i}, (struct moment){SIZE_MAX, end.name - 1 - i},
			false, &tally);
	fprintf(stderr, "crash: %zu kills in salvages of %zu calls: %zu lost\n", tally.kills,
		end.stop / 2, tally.lost);
	cr_expect_geq(tally.kills, POINTS);
	cr_expect_eq(tally.lost, 0);
}

Test(crash_salvage, control_one_that_sets_the_damaged_file_aside_first_loses_what_was_whole)
{
	struct moment end = learn(), middle = {end.stop / 2, SIZE_MAX};
	struct tally tally = {0};
	kill_both(middle, never, true, &tally);
	cr_expect_gt(tally.lost, 0, "the count sees it");
}
