/* SPDX-License-Identifier: MIT */
/*
 * Another program has locked the store for longer than anybody waits: a backup, a shell of SQLite.
 * What must hold: deliveries are refused and not lost, nobody is ended for good, and everything
 * goes on by itself once it lets go.
 */
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/clock.h"
#include "tests/crash/stage.h"

static struct stage stage;

static void close_stage(void)
{
	if (stage.guest > 0) {
		kill(stage.guest, SIGKILL);
		(void)waitpid(stage.guest, NULL, 0);
	}
	stage_close(&stage);
}

TestSuite(crash_locks, .fini = close_stage);

static sqlite3 *lock(const char *name)
{
	char path[320];
	sqlite3 *db = NULL;
	snprintf(path, sizeof(path), "%s/store/%s", stage.house.dir, name);
	if (sqlite3_open(path, &db) != SQLITE_OK || sqlite3_busy_timeout(db, 10000) != SQLITE_OK ||
		sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL, NULL) != SQLITE_OK)
		_exit(1);
	return db;
}

/* A program that holds both files until it is told to let go. */
static int hold(int told)
{
	char byte;
	sqlite3 *inbox = lock("inbox.db"), *work = lock("work.db");
	(void)!read(told, &byte, 1);
	sqlite3_close(inbox);
	sqlite3_close(work);
	return 0;
}

static bool says_so(void *ctx)
{
	const struct stage *s = ctx;
	char *log = process_read(s->house.daemon.err);
	bool said = log != NULL &&
		    strstr(log, "deliveries are refused because the store does not "
				"take them: ") != NULL &&
		    strstr(log, "inbox.db is locked by another program; close it and try again") !=
			    NULL;
	free(log);
	return said;
}

Test(crash_locks, a_store_that_another_program_locks_refuses_loses_nothing_and_goes_on_by_itself)
{
	struct stage_conf conf = {.repeats = true};
	struct stage_count count;
	uint64_t seed;
	struct dice dice = dice_new(&seed);
	int told[2];
	cr_assert(stage_open(&stage, &conf, dice));
	atomic_store(&stage.stream.counts->rate, 200);
	stage_pause_ms(200);
	cr_assert_eq(pipe(told), 0);
	stage.guest = fork();
	if (stage.guest == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(told[1]);
		_exit(hold(told[0]));
	}
	close(told[0]);
	int64_t from_ms = clock_mono_ms();
	cr_assert(process_await(says_so, &stage, 20000), "the wait has an end");
	cr_expect_geq(clock_mono_ms() - from_ms, 4000, "but it does wait");
	close(told[1]);
	cr_assert_eq(waitpid(stage.guest, NULL, 0), stage.guest);
	stage.guest = 0;
	cr_assert(stage_settle(&stage, 30000));
	cr_assert(stage_count(&stage, &count));
	cr_expect_eq(stage_count_wrong(&count), 0);
	cr_expect_eq(stage.starts, 1, "the supervisor went on");
}
