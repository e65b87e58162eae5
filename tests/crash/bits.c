/* SPDX-License-Identifier: MIT */
/*
 * A bit of the store has flipped on the disk. FLIPS=n sets how often, SEED=n repeats. What must
 * hold: nobody crashes, and what is answered is either what it was or a sentence that says what is
 * damaged.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/attr.h"
#include "tests/crash/stage.h"

static struct stage stage;

static void close_stage(void)
{
	stage_close(&stage);
}

TestSuite(crash_bits, .fini = close_stage);

static const char *const asked[][6] = {
	{"events", "list", "-o", "jsonl", NULL},
	{"runs", "list", "-o", "jsonl", NULL},
};

struct tally {
	size_t same, said, wrong, crashed;
};

static char *ask(size_t i, int *ret_status, char **ret_error)
{
	struct process p = {.pid = 0};
	const char *argv[8] = {process_path("moonhook")};
	size_t n = 1;
	for (; asked[i][n - 1] != NULL; n++)
		argv[n] = asked[i][n - 1];
	argv[n++] = "--config";
	argv[n] = stage.house.config;
	snprintf(p.err, sizeof(p.err), "%s/ask.err", stage.house.dir);
	(void)remove(p.err);
	*ret_status = process_run(&p, stage.house.dir, "ask", argv, NULL, 30000);
	*ret_error = process_read(p.err);
	return process_read(p.out);
}

static void judge(struct tally *t, char *const before[static ARRAY_N(asked)], const char *where)
{
	for (size_t i = 0; i < ARRAY_N(asked); i++) {
		int status;
		char *error, *text = ask(i, &status, &error);
		if (status < 0 || status > 128) {
			fprintf(stderr, "crash: %s: status %d\n%s\n", where, status, error);
			t->crashed++;
		} else if (status == 0 && strcmp(text, before[i]) == 0) {
			t->same++;
		} else if (status != 0 && strstr(error, "damaged") != NULL) {
			t->said++;
		} else {
			fprintf(stderr, "crash: %s: answered wrongly (%d): %s\n", where, status,
				error);
			t->wrong++;
		}
		free(error);
		free(text);
	}
}

/* Flips one bit, asks, flips it back. */
static void flip_one(struct dice *dice, char *const before[static ARRAY_N(asked)], struct tally *t)
{
	static const char *const files[] = {"inbox.db", "work.db"};
	char path[320], where[400];
	struct stat st;
	unsigned char byte;
	const char *name = files[dice_below(dice, 2)];
	snprintf(path, sizeof(path), "%s/store/%s", stage.house.dir, name);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	cr_assert(fd >= 0 && fstat(fd, &st) == 0);
	off_t at = dice_below(dice, st.st_size);
	unsigned char bit = (unsigned char)(1u << dice_below(dice, 8));
	cr_assert_eq(pread(fd, &byte, 1, at), 1);
	byte ^= bit;
	cr_assert_eq(pwrite(fd, &byte, 1, at), 1);
	snprintf(where, sizeof(where), "%s byte %lld bit %u", name, (long long)at, bit);
	judge(t, before, where);
	byte ^= bit;
	cr_assert_eq(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

Test(crash_bits, a_flipped_bit_is_told_or_harmless)
{
	struct stage_conf conf = {.power = false};
	size_t n = (size_t)stage_setting("FLIPS", 20);
	uint64_t seed;
	struct dice dice = dice_new(&seed);
	struct tally t = {.same = 0};
	char *before[ARRAY_N(asked)];
	cr_assert(stage_open(&stage, &conf, dice));
	atomic_store(&stage.stream.counts->rate, 500);
	stage_pause_ms(300);
	cr_assert(stage_settle(&stage, 30000));
	cr_assert_eq(house_stop(&stage.house), 0);
	for (size_t i = 0; i < ARRAY_N(asked); i++) {
		int status;
		char *error;
		before[i] = ask(i, &status, &error);
		cr_assert_eq(status, 0, "%s", error);
		free(error);
	}
	for (size_t i = 0; i < n; i++)
		flip_one(&dice, before, &t);
	fprintf(stderr,
		"crash: SEED=%llu: %zu bits flipped: %zu answers as before, %zu say what is "
		"damaged, %zu wrong, %zu crashes\n",
		(unsigned long long)seed, n, t.same, t.said, t.wrong, t.crashed);
	for (size_t i = 0; i < ARRAY_N(asked); i++)
		free(before[i]);
	cr_expect_eq(t.crashed, 0);
	cr_expect_eq(t.wrong, 0);
}
