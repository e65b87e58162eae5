/* SPDX-License-Identifier: MIT */
/*
 * What "durable" means: the log of the file has been synced when a call returns that promises it.
 * fdatasync is taken over for the whole test program, so that it is seen on which file it was.
 */
#include <criterion/criterion.h>
#include <limits.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/conformance/queue_suite.h"

static atomic_int synced_inbox, synced_work;

static bool ends_with(const char *text, size_t n, const char *end)
{
	size_t end_n = strlen(end);
	return n >= end_n && memcmp(text + n - end_n, end, end_n) == 0;
}

/* SQLite's call of it ends here, too. */
int fdatasync(int fd)
{
	char link[64], path[PATH_MAX];
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof(path));
	if (n > 0 && ends_with(path, (size_t)n, "/inbox.db-wal"))
		atomic_fetch_add(&synced_inbox, 1);
	if (n > 0 && ends_with(path, (size_t)n, "/work.db-wal"))
		atomic_fetch_add(&synced_work, 1);
	return (int)syscall(SYS_fdatasync, fd);
}

Test(queue_sync, each_put_has_synced_the_inbox_when_it_returns)
{
	struct suite s;
	suite_start(&s, NULL);
	suite_put(&s, NULL, "the first one begins the log");
	for (int i = 0; i < 3; i++) {
		int before = atomic_load(&synced_inbox);
		suite_put(&s, NULL, "{}");
		cr_assert_gt(atomic_load(&synced_inbox), before);
	}
	suite_end(&s);
}

Test(queue_sync, many_of_one_put_are_synced_together)
{
	struct suite s;
	struct queue_delivery d[64];
	suite_start(&s, NULL);
	suite_put(&s, NULL, "the first one begins the log");
	for (size_t i = 0; i < 64; i++) {
		d[i] = (struct queue_delivery){.source = "twenty", .body = slice_of("{}")};
		suite_ok(&s, id_new(SUITE_NOW_MS, &d[i].id, &s.err));
	}
	int before = atomic_load(&synced_inbox);
	suite_ok(&s, queue_inbox_put(s.receiver, d, 64, &s.err));
	cr_assert_eq(atomic_load(&synced_inbox), before + 1);
	suite_end(&s);
}

Test(queue_sync, a_commit_of_the_work_has_synced_it_and_nothing_before_has)
{
	struct suite s;
	suite_start(&s, NULL);
	suite_event(&s, "rule", "a", 1);
	suite_commit(&s);
	int before = atomic_load(&synced_work);
	struct queue_call intent = {.path = "1", .method = "create", .effect = true};
	suite_ok(&s, queue_call_put(s.runner, s.runs[0].seq, s.runs[0].epoch, &intent, &s.err));
	cr_assert_eq(atomic_load(&synced_work), before, "the commit gathers");
	suite_commit(&s);
	cr_assert_gt(atomic_load(&synced_work), before, "an intent is durable from its commit on");
	suite_end(&s);
}
