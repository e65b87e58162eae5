/* SPDX-License-Identifier: MIT */
/* What only a store on disk has to prove: durability, locks, damage, versions. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/conformance/queue_suite.h"

static void reopen(struct suite *s)
{
	suite_forget_runs(s);
	queue_close(s->runner);
	queue_close(s->receiver);
	s->runner = s->receiver = NULL;
	suite_ok(s, queue_open(s->store, QUEUE_RECEIVER, &s->receiver, &s->err));
	suite_ok(s, queue_open(s->store, QUEUE_RUNNER, &s->runner, &s->err));
}

static void path_of(const struct suite *s, const char *name, char path[static 128])
{
	snprintf(path, 128, "%s/%s", s->folder, name);
}

static void execute(const struct suite *s, const char *name, const char *sql)
{
	char path[128];
	sqlite3 *db;
	path_of(s, name, path);
	cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
	sqlite3_close(db);
}

static int64_t query(const struct suite *s, const char *name, const char *sql)
{
	char path[128];
	sqlite3 *db;
	sqlite3_stmt *stmt;
	path_of(s, name, path);
	cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
	cr_assert_eq(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	cr_assert_eq(sqlite3_step(stmt), SQLITE_ROW);
	int64_t value = sqlite3_column_int64(stmt, 0);
	if (sqlite3_column_type(stmt, 0) == SQLITE_TEXT)
		value = strcmp((const char *)sqlite3_column_text(stmt, 0), "ok") == 0;
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return value;
}

/* --- durability
 * ------------------------------------------------------------------------------------ */

Test(queue_sqlite, what_was_put_is_there_after_a_restart_and_still_deduplicates)
{
	struct suite s;
	suite_start(&s, NULL);
	struct id first = suite_put(&s, "key", "one");
	reopen(&s);
	cr_assert_str_eq(suite_put(&s, "key", "two").text, first.text);
	cr_assert_eq(suite_events_n(&s, NULL), 1u);
	suite_end(&s);
}

Test(queue_sqlite, work_is_kept_from_its_commit_on_and_not_before)
{
	struct suite s;
	suite_start(&s, NULL);
	suite_event(&s, "rule", "a", 1);
	suite_commit(&s);
	suite_event(&s, "rule", "b", 1);
	suite_finish(&s, &s.runs[0], QUEUE_DONE);
	reopen(&s);
	struct queue_filter running = {.state = QUEUE_RUNNING, .has_state = true};
	cr_assert_eq(suite_runs_n(&s, NULL), 1u);
	cr_assert_eq(suite_runs_n(&s, &running), 1u);
	cr_assert_eq(suite_events_n(&s, NULL), 2u, "the second is back in the inbox");
	suite_check_counts(&s);
	cr_assert_eq(suite_route(&s, 1, "rule", "b", 1), 1u);
	suite_end(&s);
}

Test(queue_sqlite, a_journal_and_a_key_order_survive_a_restart)
{
	struct suite s;
	struct queue_call call = {.path = "1", .method = "create", .effect = true}, *calls;
	size_t n = 0;
	suite_start(&s, NULL);
	suite_event(&s, "rule", "a", 1);
	suite_event(&s, "rule", "a", 1);
	int64_t seq = s.runs[0].seq;
	suite_ok(&s, queue_call_put(s.runner, seq, 1, &call, &s.err));
	suite_commit(&s);
	reopen(&s);
	suite_ok(&s, queue_adopt(s.runner, &n, &s.err));
	cr_assert_eq(n, 1u);
	cr_assert_eq(suite_claim(&s, 0, 8), 1u);
	cr_assert_eq(s.runs[0].seq, seq);
	cr_assert_eq(s.runs[0].epoch, 2);
	cr_assert(s.runs[0].has_journal);
	suite_ok(&s, queue_calls_load(s.runner, seq, &calls, &n, &s.err));
	cr_assert_eq(n, 1u);
	queue_calls_free(calls, n);
	suite_end(&s);
}

Test(queue_sqlite, a_digest_is_known_after_a_restart)
{
	struct suite s;
	struct queue_routing r = {.event = {.state = QUEUE_DONE, .via = "gap", .has_digest = true}};
	size_t n;
	suite_start(&s, NULL);
	suite_ok(&s, queue_route(s.runner, &r, 1, 0, NULL, &n, &s.err));
	suite_commit(&s);
	reopen(&s);
	suite_ok(&s, queue_route(s.runner, &r, 1, 0, NULL, &n, &s.err));
	cr_assert(r.ret_duplicate);
	suite_end(&s);
}

/* Puts batches of 16 and says each id on the pipe only when the batch is durable. */
static void put_for_ever(const char *store, int out)
{
	struct queue *q;
	struct err err;
	struct queue_delivery d[16];
	if (queue_open(store, QUEUE_RECEIVER, &q, &err) != RC_OK)
		_exit(1);
	for (;;) {
		memset(d, 0, sizeof(d));
		for (size_t i = 0; i < ARRAY_N(d); i++) {
			d[i].source = "twenty";
			d[i].body = slice_of("{}");
			if (id_new(SUITE_NOW_MS, &d[i].id, &err) != RC_OK)
				_exit(1);
			d[i].dedupe = slice_of(d[i].id.text);
		}
		if (queue_inbox_put(q, d, ARRAY_N(d), &err) != RC_OK)
			_exit(1);
		for (size_t i = 0; i < ARRAY_N(d); i++)
			if (write(out, d[i].id.text, ID_N) != ID_N)
				_exit(1);
	}
}

Test(queue_sqlite, a_writer_killed_in_the_middle_loses_nothing_it_has_acknowledged)
{
	struct suite s = {0};
	static char ids[400][ID_N];
	int pipes[2], status;
	size_t n = 0;
	suite_folder(s.folder);
	s.store = s.folder;
	cr_assert_eq(pipe(pipes), 0);
	pid_t pid = fork();
	if (pid == 0)
		put_for_ever(s.folder, pipes[1]);
	close(pipes[1]);
	while (n < ARRAY_N(ids) && read(pipes[0], ids[n], ID_N) == ID_N)
		n++;
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	cr_assert(WIFSIGNALED(status));
	cr_assert_eq(n, ARRAY_N(ids));
	suite_ok(&s, queue_open(s.folder, QUEUE_RECEIVER, &s.receiver, &s.err));
	suite_ok(&s, queue_open(s.folder, QUEUE_RUNNER, &s.runner, &s.err));
	for (size_t i = 0; i < n; i++) {
		char id[ID_N + 1] = "";
		memcpy(id, ids[i], ID_N);
		cr_assert_eq(suite_events_n(&s, &(struct queue_filter){.id = id}), 1u);
		cr_assert_str_eq(suite_put(&s, id, "again").text, id, "it is a repeat");
	}
	cr_assert_eq(suite_events_n(&s, NULL) % 16, 0u, "a batch is there whole or not at all");
	close(pipes[0]);
	suite_end(&s);
}

Test(queue_sqlite, a_full_disk_breaks_the_handle_and_keeps_what_was_committed)
{
	struct suite s;
	static char body[200000];
	struct rlimit limit, small;
	struct queue_delivery d = {.source = "twenty", .body = {body, sizeof(body)}};
	struct queue_counts counts;
	suite_start(&s, NULL);
	suite_put(&s, "kept", "one");
	getrlimit(RLIMIT_FSIZE, &limit);
	signal(SIGXFSZ, SIG_IGN);
	small = (struct rlimit){150000, limit.rlim_max};
	setrlimit(RLIMIT_FSIZE, &small);
	cr_assert_eq(queue_inbox_put(s.receiver, &d, 1, &s.err), RC_IO);
	cr_assert_not_null(strstr(s.err.msg, "the store cannot be written"), "%s", s.err.msg);
	cr_assert_not_null(strstr(s.err.msg, "start again"), "%s", s.err.msg);
	setrlimit(RLIMIT_FSIZE, &limit);
	cr_assert_eq(queue_inbox_put(s.receiver, &d, 1, &s.err), RC_IO, "it stays refused");
	cr_assert_eq(queue_count(s.receiver, &counts, &s.err), RC_IO);
	cr_assert_eq(queue_checkpoint(s.receiver, &s.err), RC_IO);
	reopen(&s);
	cr_assert_eq(suite_events_n(&s, NULL), 1u);
	suite_put(&s, NULL, "two");
	cr_assert_eq(suite_events_n(&s, NULL), 2u);
	suite_end(&s);
}

/* --- checkpoints
 * ----------------------------------------------------------------------------------- */

struct helper_thread {
	struct queue *q;
	const char *folder;
	atomic_bool stop;
	atomic_int done, bad;
};

static void *checkpoint_on(void *ctx)
{
	struct helper_thread *p = ctx;
	struct err err;
	while (!atomic_load(&p->stop))
		if (queue_checkpoint(p->q, &err) == RC_OK)
			atomic_fetch_add(&p->done, 1);
	return NULL;
}

Test(queue_sqlite, checkpoints_beside_a_busy_writer_lose_nothing)
{
	struct suite s;
	pthread_t thread;
	suite_start(&s, NULL);
	struct helper_thread p = {.q = s.receiver};
	cr_assert_eq(pthread_create(&thread, NULL, checkpoint_on, &p), 0);
	for (int i = 0; i < 1500; i++)
		suite_put(&s, NULL, "{}");
	atomic_store(&p.stop, true);
	pthread_join(thread, NULL);
	cr_assert_gt(atomic_load(&p.done), 0);
	suite_ok(&s, queue_checkpoint(s.receiver, &s.err));
	cr_assert_eq(suite_events_n(&s, NULL), 1500u);
	cr_assert_eq(query(&s, "inbox.db", "PRAGMA integrity_check"), 1);
	suite_end(&s);
}

static off_t size_of(const struct suite *s, const char *name)
{
	char path[128];
	struct stat st;
	path_of(s, name, path);
	cr_assert_eq(stat(path, &st), 0);
	return st.st_size;
}

/* 200 rounds of 40 kB would be 8 MB. */
Test(queue_sqlite, checkpoints_keep_the_logs_short)
{
	struct suite s;
	static char body[40000];
	memset(body, 'x', sizeof(body) - 1);
	suite_start(&s, NULL);
	for (int i = 0; i < 200; i++) {
		suite_put(&s, NULL, body);
		suite_ok(&s, queue_checkpoint(s.receiver, &s.err));
		suite_route(&s, 1, body + sizeof(body) - 200, "a", 0);
		suite_commit(&s);
		suite_ok(&s, queue_checkpoint(s.runner, &s.err));
	}
	cr_assert_lt(size_of(&s, "inbox.db-wal"), 1 << 20);
	cr_assert_lt(size_of(&s, "work.db-wal"), 1 << 20);
	cr_assert_eq(suite_events_n(&s, NULL), 200u);
	suite_end(&s);
}

Test(queue_sqlite, a_checkpoint_within_an_open_transaction_waits_for_nobody)
{
	struct suite s;
	suite_start(&s, NULL);
	suite_event(&s, "rule", "a", 1);
	suite_ok(&s, queue_checkpoint(s.runner, &s.err));
	suite_commit(&s);
	suite_ok(&s, queue_checkpoint(s.runner, &s.err));
	suite_finish(&s, &s.runs[0], QUEUE_DONE);
	suite_ok(&s, queue_checkpoint(s.runner, &s.err));
	suite_commit(&s);
	reopen(&s);
	cr_assert_eq(suite_event_state(&s, 0), QUEUE_DONE);
	suite_end(&s);
}

/* --- opening
 * ---------------------------------------------------------------------------------------- */

Test(queue_sqlite, the_folder_and_its_files_are_for_this_user_only)
{
	static const char *const names[] = {"inbox.db", "work.db", "receiver.lock", "inbox.db-wal"};
	struct suite s = {0};
	struct stat st;
	char parent[64], folder[96];
	umask(0);
	suite_folder(parent);
	snprintf(folder, sizeof(folder), "%s/var", parent);
	suite_ok(&s, queue_open(folder, QUEUE_RECEIVER, &s.receiver, &s.err));
	suite_ok(&s, queue_open(folder, QUEUE_RUNNER, &s.runner, &s.err));
	cr_assert_eq(stat(folder, &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0700u);
	for (size_t i = 0; i < ARRAY_N(names); i++) {
		char path[128];
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		cr_assert_eq(stat(path, &st), 0, "%s", path);
		cr_assert_eq(st.st_mode & 0777, 0600u, "%s", path);
	}
	suite_end(&s);
	suite_remove(folder);
	suite_remove(parent);
}

Test(queue_sqlite, a_second_process_is_refused_until_the_first_has_died_be_it_stopped_or_not)
{
	struct suite s = {0};
	int pipes[2], status;
	char byte;
	suite_folder(s.folder);
	cr_assert_eq(pipe(pipes), 0);
	pid_t pid = fork();
	if (pid == 0) {
		if (queue_open(s.folder, QUEUE_RUNNER, &s.runner, &s.err) != RC_OK)
			_exit(1);
		int begun[2];
		if (pipe2(begun, O_CLOEXEC) != 0)
			_exit(1);
		if (fork() == 0) { /* as a worker: it may outlive its runner by a moment */
			execl("/bin/sleep", "sleep", "3", (char *)NULL);
			_exit(1);
		}
		close(begun[1]);
		if (read(begun[0], &byte, 1) == 0 && write(pipes[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	cr_assert_eq(read(pipes[0], &byte, 1), 1);
	kill(pid, SIGSTOP);
	cr_assert_eq(waitpid(pid, &status, WUNTRACED), pid);
	char expected[32];
	snprintf(expected, sizeof(expected), "process %ld;", (long)pid);
	cr_assert_eq(queue_open(s.folder, QUEUE_RUNNER, &s.runner, &s.err), RC_BUSY);
	cr_assert_not_null(strstr(s.err.msg, expected), "%s", s.err.msg);
	kill(pid,
		SIGKILL); /* as the supervisor does, which waits for the end before it starts one */
	waitpid(pid, &status, 0);
	suite_ok(&s, queue_open(s.folder, QUEUE_RUNNER, &s.runner, &s.err));
	close(pipes[0]);
	close(pipes[1]);
	suite_end(&s);
}

/* Root may write everywhere: a child asks as nobody. Returns the code, and the sentence. */
static enum rc open_as_nobody(const char *folder, enum queue_side side, char msg[static 256])
{
	int pipes[2], status;
	struct err err = {0};
	cr_assert_eq(pipe(pipes), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct queue *q;
		if (getuid() == 0 && setuid(65534) != 0)
			_exit(RC_N);
		err.code = queue_open(folder, side, &q, &err);
		_exit(write(pipes[1], &err, sizeof(err)) == sizeof(err) ? (int)err.code : RC_N);
	}
	waitpid(pid, &status, 0);
	cr_assert_eq(read(pipes[0], &err, sizeof(err)), (ssize_t)sizeof(err));
	snprintf(msg, 256, "%s", err.msg);
	close(pipes[0]);
	close(pipes[1]);
	return (enum rc)WEXITSTATUS(status);
}

/* Holds the store's lock for so long after it has said so. */
static pid_t hold_runner(const struct suite *s, long ms)
{
	int told[2];
	char byte;
	cr_assert_eq(pipe(told), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct queue *q = NULL;
		struct err err;
		struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
		if (queue_open(s->folder, QUEUE_RUNNER, &q, &err) != RC_OK ||
			write(told[1], "x", 1) != 1)
			_exit(1);
		nanosleep(&pause, NULL);
		_exit(0);
	}
	close(told[1]);
	cr_assert_eq(read(told[0], &byte, 1), 1);
	close(told[0]);
	return pid;
}

Test(queue_sqlite, a_writer_waits_for_a_predecessor_that_is_going_and_not_for_one_that_stays)
{
	struct suite s;
	suite_start(&s, NULL);
	queue_close(s.runner);
	s.runner = NULL;
	pid_t pid = hold_runner(&s, 300);
	cr_expect_eq(queue_open_after(s.folder, QUEUE_RUNNER, 50, &s.runner, &s.err), RC_BUSY);
	suite_ok(&s, queue_open_after(s.folder, QUEUE_RUNNER, 10000, &s.runner, &s.err));
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
	suite_end(&s);
}

Test(queue_sqlite, a_folder_that_cannot_be_written_is_denied_with_what_to_do)
{
	char folder[64], msg[256];
	suite_folder(folder);
	chmod(folder, 0555);
	cr_assert_eq(open_as_nobody(folder, QUEUE_RECEIVER, msg), RC_DENIED, "%s", msg);
	cr_assert_not_null(strstr(msg, "cannot be written"), "%s", msg);
	cr_assert_not_null(strstr(msg, "choose another"), "%s", msg);
	chmod(folder, 0700);
	suite_remove(folder);
}

Test(queue_sqlite, a_store_of_another_user_is_denied_to_a_reader)
{
	struct suite s;
	char msg[256];
	suite_start(&s, NULL);
	cr_assert_eq(chmod(s.folder, 0000), 0);
	cr_assert_eq(open_as_nobody(s.folder, QUEUE_READER, msg), RC_DENIED, "%s", msg);
	cr_assert_not_null(strstr(msg, "as the user of the daemon"), "%s", msg);
	chmod(s.folder, 0700);
	suite_end(&s);
}

Test(queue_sqlite, a_store_that_is_not_there_is_not_found_by_a_reader)
{
	struct suite s = {0};
	struct queue *reader = NULL;
	suite_folder(s.folder);
	cr_assert_eq(queue_open("/nonexistent/store", QUEUE_READER, &reader, &s.err), RC_NOT_FOUND);
	cr_assert_eq(queue_open(s.folder, QUEUE_READER, &reader, &s.err), RC_NOT_FOUND);
	cr_assert_not_null(strstr(s.err.msg, "start moonhook serve"), "%s", s.err.msg);
	cr_assert_null(reader);
	suite_remove(s.folder);
}

Test(queue_sqlite, a_reader_works_without_a_daemon_and_with_only_one_file)
{
	struct suite s;
	struct queue *reader;
	struct queue_counts counts;
	suite_start(&s, NULL);
	suite_put(&s, NULL, "{}");
	queue_close(s.runner);
	queue_close(s.receiver);
	s.runner = s.receiver = NULL;
	suite_ok(&s, queue_open(s.folder, QUEUE_READER, &reader, &s.err));
	suite_ok(&s, queue_count(reader, &counts, &s.err));
	cr_assert_eq(counts.events[QUEUE_DUE], 1);
	queue_close(reader);
	char path[128];
	path_of(&s, "work.db", path);
	unlink(path);
	suite_ok(&s, queue_open(s.folder, QUEUE_READER, &reader, &s.err));
	suite_ok(&s, queue_count(reader, &counts, &s.err));
	cr_assert_eq(counts.events[QUEUE_DUE], 1);
	queue_close(reader);
	suite_remove(s.folder);
}

Test(queue_sqlite, a_side_finds_the_file_of_the_other_when_it_appears)
{
	struct suite s = {0};
	struct queue_raw raw;
	size_t n = 9;
	suite_folder(s.folder);
	suite_ok(&s, queue_open(s.folder, QUEUE_RUNNER, &s.runner, &s.err));
	suite_ok(&s, queue_inbox_next(s.runner, 1, &raw, &n, &s.err));
	cr_assert_eq(n, 0u);
	suite_ok(&s, queue_open(s.folder, QUEUE_RECEIVER, &s.receiver, &s.err));
	suite_put(&s, NULL, "{}");
	suite_ok(&s, queue_inbox_next(s.runner, 1, &raw, &n, &s.err));
	cr_assert_eq(n, 1u);
	suite_end(&s);
}

/* A reader that looks all the time finds nothing yet or a whole store, never half of one. */
static void *open_on(void *ctx)
{
	struct helper_thread *p = ctx;
	const char *folder = p->folder;
	struct err err;
	while (!atomic_load(&p->stop)) {
		struct queue *reader;
		enum rc rc = queue_open(folder, QUEUE_READER, &reader, &err);
		if (rc == RC_OK)
			queue_close(reader);
		else if (rc != RC_NOT_FOUND)
			atomic_store(&p->bad, rc);
		atomic_fetch_add(&p->done, 1);
	}
	return NULL;
}

Test(queue_sqlite, a_reader_that_looks_while_a_store_is_made_sees_no_half_of_it)
{
	for (int i = 0; i < 20; i++) {
		struct suite s = {0};
		pthread_t thread;
		suite_folder(s.folder);
		struct helper_thread p = {.folder = s.folder};
		cr_assert_eq(pthread_create(&thread, NULL, open_on, &p), 0);
		suite_ok(&s, queue_open(s.folder, QUEUE_RECEIVER, &s.receiver, &s.err));
		suite_ok(&s, queue_open(s.folder, QUEUE_RUNNER, &s.runner, &s.err));
		atomic_store(&p.stop, true);
		pthread_join(thread, NULL);
		cr_assert_eq(atomic_load(&p.bad), RC_OK, "%s", rc_name(atomic_load(&p.bad)));
		suite_end(&s);
	}
}

Test(queue_sqlite, a_lost_inbox_does_not_hide_new_deliveries)
{
	struct suite s;
	char path[128];
	suite_start(&s, NULL);
	for (int i = 0; i < 3; i++)
		suite_event(&s, "rule", "", 1);
	suite_commit(&s);
	suite_forget_runs(&s);
	queue_close(s.runner);
	queue_close(s.receiver);
	path_of(&s, "inbox.db", path);
	cr_assert_eq(unlink(path), 0);
	suite_ok(&s, queue_open(s.folder, QUEUE_RECEIVER, &s.receiver, &s.err));
	suite_ok(&s, queue_open(s.folder, QUEUE_RUNNER, &s.runner, &s.err));
	cr_assert_eq(suite_event(&s, "rule", "", 1), 1u);
	suite_check_counts(&s);
	suite_end(&s);
}

/* --- damage and strangers
 * --------------------------------------------------------------------------- */

static void write_at(const struct suite *s, const char *name, off_t at, const char *bytes)
{
	char path[128];
	path_of(s, name, path);
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	cr_assert_geq(fd, 0);
	cr_assert_eq(pwrite(fd, bytes, strlen(bytes), at), (ssize_t)strlen(bytes));
	close(fd);
}

Test(queue_sqlite, rubbish_in_place_of_a_file_is_a_sentence)
{
	struct suite s = {0};
	char rubbish[1024];
	memset(rubbish, 'r', sizeof(rubbish) - 1);
	rubbish[sizeof(rubbish) - 1] = '\0';
	suite_folder(s.folder);
	write_at(&s, "work.db", 0, rubbish);
	cr_assert_eq(queue_open(s.folder, QUEUE_RUNNER, &s.runner, &s.err), RC_IO);
	cr_assert_not_null(strstr(s.err.msg, "work.db is damaged or no store"), "%s", s.err.msg);
	cr_assert_not_null(strstr(s.err.msg, "restore a backup"), "%s", s.err.msg);
	cr_assert_eq(queue_open(s.folder, QUEUE_READER, &s.runner, &s.err), RC_IO);
	suite_remove(s.folder);
}

Test(queue_sqlite, a_damaged_page_is_a_sentence_and_breaks_the_handle)
{
	struct suite s;
	struct queue *reader;
	struct queue_counts counts;
	char rubbish[8192];
	suite_start(&s, NULL);
	suite_event(&s, "rule", "a", 1);
	suite_commit(&s);
	suite_forget_runs(&s);
	queue_close(s.runner);
	queue_close(s.receiver);
	memset(rubbish, 'r', sizeof(rubbish) - 1);
	rubbish[sizeof(rubbish) - 1] = '\0';
	for (off_t page = 1; page < 12; page++)
		write_at(&s, "work.db", page * 8192, rubbish);
	suite_ok(&s, queue_open(s.folder, QUEUE_READER, &reader, &s.err));
	cr_assert_eq(queue_count(reader, &counts, &s.err), RC_IO);
	cr_assert_not_null(strstr(s.err.msg, "damaged"), "%s", s.err.msg);
	cr_assert_eq(queue_count(reader, &counts, &s.err), RC_IO);
	queue_close(reader);
	suite_remove(s.folder);
}

Test(queue_sqlite, the_file_of_another_program_is_left_alone)
{
	struct suite s = {0};
	suite_folder(s.folder);
	execute(&s, "inbox.db", "CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1);");
	cr_assert_eq(queue_open(s.folder, QUEUE_RECEIVER, &s.receiver, &s.err), RC_INVALID);
	cr_assert_not_null(strstr(s.err.msg, "belongs to another program"), "%s", s.err.msg);
	cr_assert_eq(query(&s, "inbox.db", "SELECT count(*) FROM sqlite_schema"), 1);
	cr_assert_eq(query(&s, "inbox.db", "PRAGMA journal_mode = 'delete'"), 0);
	suite_remove(s.folder);
}

Test(queue_sqlite, a_store_of_the_version_before_is_brought_up_to_date_whoever_starts_first)
{
	struct suite s;
	size_t n = 9;
	suite_start(&s, NULL);
	suite_event(&s, "rule", "a", 1);
	suite_event(&s, "rule", "b", 1);
	suite_finish(&s, &s.runs[0], QUEUE_DONE);
	suite_commit(&s);
	suite_forget_runs(&s);
	queue_close(s.runner);
	queue_close(s.receiver);
	execute(&s, "work.db",
		"ALTER TABLE event_body DROP COLUMN headers;"
		"DROP TABLE source_use; DROP TABLE copy; ALTER TABLE event DROP COLUMN past;"
		"DROP TABLE gap; DROP TABLE told;"
		"DROP TABLE pause; DROP TABLE issue; DROP TABLE audit; DROP INDEX run_parked;"
		"DROP INDEX run_parked_seq; DROP TABLE scrub;"
		"DROP TABLE written; DROP TABLE event_cause; DROP TABLE run_hidden;"
		"DROP TABLE kv; DROP TABLE kv_sum;"
		"DROP TABLE session; DROP TABLE joined; ALTER TABLE run DROP COLUMN kind;"
		"ALTER TABLE event DROP COLUMN joins;"
		"DROP TABLE timer; DROP TABLE timer_sum; DROP TABLE tick;"
		"DROP TABLE spend; DROP TABLE shadow; DROP TABLE erasure;"
		"DROP TABLE renamed; ALTER TABLE run DROP COLUMN born;"
		"ALTER TABLE rule DROP COLUMN options;"
		"PRAGMA user_version = 1");
	suite_ok(&s, queue_open(s.store, QUEUE_RECEIVER, &s.receiver, &s.err));
	suite_put(&s, NULL, "{}");
	struct queue *reader = NULL;
	cr_assert_eq(queue_open(s.store, QUEUE_READER, &reader, &s.err), RC_UNSUPPORTED);
	suite_ok(&s, queue_open(s.store, QUEUE_RUNNER, &s.runner, &s.err));
	cr_assert_eq(query(&s, "work.db", "SELECT sum(runs) FROM source_use"), 2);
	cr_assert_eq(query(&s, "work.db", "PRAGMA user_version"), 13);
	suite_ok(&s, queue_source_prune(s.runner, INT64_MAX, &n, &s.err));
	cr_assert_eq(n, 0u, "its runs are counted");
	cr_assert_eq(suite_runs_n(&s, NULL), 2u);
	cr_assert_eq(suite_route(&s, 1, "rule", "c", 1), 1u);
	suite_end(&s);
}

Test(queue_sqlite, a_newer_schema_is_refused)
{
	struct suite s;
	suite_start(&s, NULL);
	queue_close(s.receiver);
	s.receiver = NULL;
	execute(&s, "inbox.db", "PRAGMA user_version = 99");
	cr_assert_eq(queue_open(s.folder, QUEUE_RECEIVER, &s.receiver, &s.err), RC_UNSUPPORTED);
	cr_assert_not_null(strstr(s.err.msg, "newer Moonhook (schema 99"), "%s", s.err.msg);
	struct queue *reader;
	cr_assert_eq(queue_open(s.folder, QUEUE_READER, &reader, &s.err), RC_UNSUPPORTED);
	suite_end(&s);
}

Test(queue_sqlite, a_database_that_others_lock_is_busy_and_not_broken, .timeout = 30)
{
	struct suite s;
	char path[128];
	sqlite3 *other;
	struct queue_delivery d = {.source = "twenty", .body = slice_of("{}")};
	suite_start(&s, NULL);
	path_of(&s, "inbox.db", path);
	cr_assert_eq(sqlite3_open(path, &other), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	cr_assert_eq(queue_inbox_put(s.receiver, &d, 1, &s.err), RC_BUSY);
	cr_assert_not_null(strstr(s.err.msg, "locked by another program"), "%s", s.err.msg);
	cr_assert_eq(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(other);
	suite_ok(&s, queue_inbox_put(s.receiver, &d, 1, &s.err));
	suite_end(&s);
}
