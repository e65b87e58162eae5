/* SPDX-License-Identifier: MIT */
/* A damaged spool: it is set aside, what is readable goes on in order, nothing is destroyed. */
#include "queue/spool.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MANY = 200, ROOM = 64 << 20 };

static char folder[] = "/tmp/moonhook-damage-XXXXXX";
static char path[64], file[80];
static struct spool *spool;

static void make_folder(void)
{
	cr_assert_not_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/spool", folder);
	snprintf(file, sizeof(file), "%s/spool.db", path);
}

/* Removes all files of the spool; answers how many had been set aside. */
static int clear(void)
{
	int n = 0;
	DIR *dir = opendir(path);
	spool_close(spool);
	spool = NULL;
	for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;) {
		char one[400];
		size_t length = strlen(e->d_name);
		snprintf(one, sizeof(one), "%s/%s", path, e->d_name);
		n += strncmp(e->d_name, "spool.db.damaged-", 17) == 0 &&
		     strcmp(e->d_name + length - 1, "l") != 0;
		if (e->d_name[0] != '.')
			(void)unlink(one);
	}
	if (dir != NULL)
		closedir(dir);
	return n;
}

static void remove_folder(void)
{
	(void)clear();
	(void)rmdir(path);
	(void)rmdir(folder);
}

TestSuite(queue_spool_damage, .init = make_folder, .fini = remove_folder, .timeout = 120);

static void open_spool(void)
{
	struct err err = {.msg = ""};
	spool_close(spool);
	spool = NULL;
	cr_assert_eq(spool_open(path, ROOM, &spool, &err), RC_OK, "%s", err.msg);
}

static enum rc put(int n, struct err *err)
{
	char body[400], key[16];
	snprintf(key, sizeof(key), "key %d", n);
	memset(body, 'a' + n % 26, sizeof(body));
	struct queue_delivery d = {.source = "twenty",
		.dedupe = slice_of(n % 3 == 0 ? "" : key),
		.headers = slice_of("a: b\n"),
		.body = {body, sizeof(body)},
		.received_ms = n};
	snprintf(d.id.text, sizeof(d.id.text), "id-%d", n);
	return spool_put(spool, &d, 1, err);
}

static void fill(void)
{
	struct err err = {.msg = ""};
	open_spool();
	for (int i = 0; i < MANY; i++)
		cr_assert_eq(put(i, &err), RC_OK, "%s", err.msg);
}

/* Everything in order and whole, each once; answers how many. */
static int drain(void)
{
	struct queue_delivery d[16];
	struct err err = {.msg = ""};
	int64_t after = 0;
	int taken = 0, last = -1;
	for (size_t n = 1; n > 0;) {
		cr_assert_eq(spool_next(spool, after, ARRAY_N(d), d, &n, &after, &err), RC_OK, "%s",
			err.msg);
		for (size_t i = 0; i < n; i++, taken++) {
			int at = (int)d[i].received_ms;
			cr_assert_gt(at, last);
			cr_assert_eq(d[i].body.n, 400);
			for (size_t k = 0; k < 400; k++)
				cr_assert_eq(d[i].body.p[k], 'a' + at % 26);
			last = at;
		}
	}
	cr_assert_eq(after, spool_sum(spool).last, "a reader gets to the end");
	return taken;
}

static void goes_on(int n)
{
	struct err err = {.msg = ""};
	int before = drain();
	cr_assert_eq(put(n, &err), RC_OK, "%s", err.msg);
	cr_assert_eq(drain(), before + 1);
	cr_assert_eq(spool_sum(spool).n, before + 1);
}

static void flip(off_t at)
{
	unsigned char byte = 0;
	int fd = open(file, O_RDWR);
	cr_assert(fd >= 0 && pread(fd, &byte, 1, at) == 1);
	byte ^= 0x10;
	cr_assert_eq(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

static off_t size(void)
{
	struct stat st;
	cr_assert_eq(stat(file, &st), 0);
	return st.st_size;
}

static void close_spool(void)
{
	spool_close(spool);
	spool = NULL;
}

enum {
	ROOTS = 2 * 8192
}; /* of the tree of all names, and of that of deliveries: all hangs there */

Test(queue_spool_damage, a_flipped_bit_costs_one_page_and_no_more)
{
	unsigned seed = 7;
	int hurt = 0;
	for (int i = 0; i < 12; i++) {
		fill();
		close_spool();
		seed = seed * 1103515245u + 12345u;
		flip(ROOTS + (off_t)(seed % (unsigned)(size() - ROOTS)));
		open_spool();
		int n = drain();
		cr_assert_geq(n, MANY - 20, "%d of %d, seed %u", n, MANY, seed);
		goes_on(MANY);
		int aside = clear();
		cr_assert(aside == 1 || (aside == 0 && n == MANY));
		hurt += n < MANY;
	}
	cr_assert_gt(hurt, 3, "the bits that were flipped did harm: %d", hurt);
}

Test(queue_spool_damage, damage_that_is_met_while_it_is_open_ends_nothing)
{
	struct err err = {.msg = ""};
	fill();
	close_spool();
	open_spool();
	flip(size() / 2);
	int n = drain();
	cr_assert(n < MANY && n >= MANY - 20, "%d", n);
	cr_assert_eq(spool_sum(spool).n, n);
	cr_assert_eq(spool_sum(spool).last, MANY, "places go on behind the lost ones");
	goes_on(MANY);
	cr_assert_eq(spool_drop(spool, spool_sum(spool).last, &err), RC_OK, "%s", err.msg);
	cr_assert_eq(spool_sum(spool).n, 0);
	cr_assert_eq(clear(), 1);
}

Test(queue_spool_damage, without_its_header_it_is_set_aside_and_a_fresh_one_begins)
{
	char zero[8192] = "";
	fill();
	close_spool();
	int fd = open(file, O_RDWR);
	cr_assert(fd >= 0 && pwrite(fd, zero, sizeof(zero), 0) == (ssize_t)sizeof(zero));
	close(fd);
	off_t before = size();
	open_spool();
	goes_on(MANY);
	cr_assert_lt(size(), before);
	cr_assert_eq(clear(), 1);
}

Test(queue_spool_damage, what_stands_before_the_cut_of_a_file_goes_on)
{
	fill();
	close_spool();
	cr_assert_eq(truncate(file, size() / 2), 0);
	open_spool();
	int n = drain();
	cr_assert(n > 50 && n < MANY, "%d", n);
	goes_on(MANY);
	cr_assert_eq(clear(), 1);
}

Test(queue_spool_damage, a_full_disk_refuses_and_destroys_nothing_until_there_is_room)
{
	struct rlimit limit = {0, 0}, tight = {0, 0};
	struct err err = {.msg = ""};
	struct queue_delivery d[16];
	size_t n = 0;
	int64_t last = 0;
	fill();
	close_spool();
	flip(40); /* the version number of the schema */
	off_t before = size();
	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	tight = (struct rlimit){16384, limit.rlim_max};
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &tight), 0);
	open_spool();
	cr_assert_eq(put(MANY, &err), RC_FULL, "%s", err.msg);
	cr_assert_eq(spool_next(spool, 0, 16, d, &n, &last, &err), RC_FULL);
	cr_assert_gt(spool_sum(spool).n, 0, "something waits");
	cr_assert_eq(size(), before);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	for (int i = 0; i < 3000 && put(MANY, &err) == RC_FULL; i++)
		poll(NULL, 0, 10);
	cr_assert_geq(drain(), 1);
	cr_assert_eq(clear(), 1);
}

Test(queue_spool_damage, a_crash_between_the_renames_is_ended_by_the_next_open)
{
	char fresh[100];
	snprintf(fresh, sizeof(fresh), "%s/spool-new.db", path);
	fill();
	close_spool();
	cr_assert_eq(rename(file, fresh), 0);
	open_spool();
	cr_assert_eq(drain(), MANY);
}
