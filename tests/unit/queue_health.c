/* SPDX-License-Identifier: MIT */
/* A store looked at from outside: there or not, held or not, whole or damaged. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "queue/health.h"
#include "queue/queue.h"
#include "tests/harness/process.h"

static char dir[128], store[192];

static void setup(void)
{
	cr_assert(process_folder(dir));
	snprintf(store, sizeof(store), "%s/store", dir);
}

static void teardown(void)
{
	process_folder_remove(dir);
}

TestSuite(queue_health, .init = setup, .fini = teardown, .timeout = 30);

static struct queue_health look(void)
{
	struct queue_health h = {.there = false};
	struct err err = {.msg = ""};
	cr_assert_eq(queue_health_read(store, QUEUE_LOOK_QUICK, &h, &err), RC_OK, "%s", err.msg);
	return h;
}

static struct queue *open_side(enum queue_side side)
{
	struct queue *q = NULL;
	struct err err = {.msg = ""};
	cr_assert_eq(queue_open(store, side, &q, &err), RC_OK, "%s", err.msg);
	return q;
}

Test(queue_health, a_store_that_is_not_there_yet_shows_the_disk_it_will_be_on)
{
	struct queue_health h = look();
	cr_expect_not(h.there);
	cr_expect(h.sync_us > 0 && h.free_bytes > 0);
	cr_expect_str_eq(h.damage, "");
	cr_expect(access(store, F_OK) != 0, "looking makes nothing");
}

Test(queue_health, a_store_at_work_is_whole_and_its_writers_are_named)
{
	struct queue *inbox = open_side(QUEUE_RECEIVER), *work = open_side(QUEUE_RUNNER);
	struct queue_health h = look();
	cr_expect(h.there && h.checked);
	cr_expect_str_eq(h.damage, "");
	cr_expect_str_eq(h.journal, "wal");
	cr_expect_eq(h.receiver_pid, getpid());
	cr_expect_eq(h.runner_pid, getpid());
	cr_expect(h.used_bytes > 0);
	cr_expect_not(h.open_to_others);
	queue_close(work);
	h = look();
	cr_expect_eq(h.receiver_pid, getpid());
	cr_expect_eq(h.runner_pid, 0);
	queue_close(inbox);
	h = look();
	cr_expect_eq(h.receiver_pid, 0);
}

Test(queue_health, looking_takes_no_lock_and_leaves_no_file)
{
	size_t n = 0;
	queue_close(open_side(QUEUE_RECEIVER));
	for (int i = 0; i < 3; i++)
		(void)look();
	queue_close(open_side(QUEUE_RECEIVER));
	DIR *d = opendir(store);
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		n += strstr(e->d_name, "scratch") != NULL;
	closedir(d);
	cr_expect_eq(n, 0);
}

Test(queue_health, a_damaged_file_is_told)
{
	char path[256], rubbish[4096];
	queue_close(open_side(QUEUE_RECEIVER));
	queue_close(open_side(QUEUE_RUNNER));
	snprintf(path, sizeof(path), "%s/work.db", store);
	memset(rubbish, 0x5a, sizeof(rubbish));
	int fd = open(path, O_WRONLY);
	cr_assert(fd >= 0 && pwrite(fd, rubbish, sizeof(rubbish), 8192) == sizeof(rubbish));
	close(fd);
	struct queue_health h = look();
	cr_expect_str_neq(h.damage, "");
	cr_expect(strstr(h.damage, "work.db") != NULL, "%s", h.damage);
}

Test(queue_health, a_store_that_others_may_read_is_told)
{
	queue_close(open_side(QUEUE_RECEIVER));
	cr_assert_eq(chmod(store, 0755), 0);
	cr_expect(look().open_to_others);
}

Test(queue_health, disks_are_known_by_their_number)
{
	const char *name;
	cr_expect_eq(queue_disk_of(0xef53, &name), QUEUE_DISK_LOCAL); /* ext4 */
	cr_expect_str_eq(name, "");
	cr_expect_eq(queue_disk_of(0x6969, &name), QUEUE_DISK_NETWORK);
	cr_expect_str_eq(name, "nfs");
	cr_expect_eq(queue_disk_of(0xff534d42, &name), QUEUE_DISK_NETWORK);
	cr_expect_eq(queue_disk_of(0x65735546, &name), QUEUE_DISK_NETWORK);
	cr_expect_eq(queue_disk_of(0x01021994, &name), QUEUE_DISK_MEMORY);
}

Test(queue_health, a_store_that_is_no_folder_is_refused)
{
	struct queue_health h;
	struct err err;
	cr_expect_eq(queue_health_read("postgres://x", QUEUE_LOOK_QUICK, &h, &err), RC_UNSUPPORTED);
	cr_assert(process_write(dir, "store", "x"));
	cr_expect_eq(queue_health_read(store, QUEUE_LOOK_QUICK, &h, &err), RC_DENIED);
}
