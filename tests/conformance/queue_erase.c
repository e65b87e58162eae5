/* SPDX-License-Identifier: MIT */
/* A person's data goes from every table, and its bytes from the files; nobody else's does. */
#include "queue/erase.h"

#include <dirent.h>

#include "queue/copy.h"
#include "queue/pause.h"
#include "tests/conformance/queue_suite.h"

#define ANN "0a000000-0000-4000-8000-0000000000aa"
#define BEN "0b000000-0000-4000-8000-0000000000bb"

/* Has a run of the record whose event and journal hold this address; ends it. */
static void live_through(struct suite *s, const char *record, const char *address)
{
	char body[26000], copy[300];
	int n = snprintf(
		body, sizeof(body), "{\"id\":\"%s\",\"email\":\"%s\",\"fill\":\"", record, address);
	memset(body + n, 'x', 20000); /* fills pages of its own */
	snprintf(body + n + 20000, sizeof(body) - (size_t)n - 20000, "\",\"again\":\"%s\"}",
		address);
	struct queue_call call = {.path = "1",
		.method = "get",
		.object = "people",
		.request = slice_of("{}"),
		.answer = slice_of(body)};
	struct queue_outcome dead = {.state = QUEUE_DEAD,
		.code = RC_REJECTED,
		.error = address,
		.detail = address,
		.log = address};
	snprintf(copy, sizeof(copy), "{\"email\":\"%s\"}", address);
	struct queue_copy seen = {.object = "person", .record = record, .text = slice_of(copy)};
	struct queue_issue issue = {.kind = "dead",
		.about = record[1] == 'a' ? "a" : "b",
		.text = address,
		.count = 1,
		.last_ms = 1};
	suite_put(s, NULL, body);
	suite_forget_runs(s);
	cr_assert_eq(suite_route(s, 1, "rule", record, 1), 1u);
	suite_ok(s, queue_call_put(s->runner, s->runs[0].seq, 1, &call, &s->err));
	suite_ok(s, queue_finish(s->runner, s->runs[0].seq, 1, &dead, &s->err));
	suite_ok(s, queue_copy_put(s->runner, &seen, &s->err));
	suite_ok(s, queue_issue_put(s->runner, &issue, &s->err));
	suite_commit(s);
}

static struct queue_erased erase(struct suite *s, const char *record, const char *address, bool dry)
{
	const char *needles[] = {record, address};
	struct queue_erase e = {
		.record = record, .needles = needles, .needles_n = 2, .dry = dry, .more = true};
	for (int i = 0; e.more; i++) {
		cr_assert_lt(i, 1000);
		suite_ok(s, queue_erase_step(s->runner, &e, &s->err));
	}
	return e.sum;
}

/* The runner's wiping and the receiver's part. */
static void finish_erasing(struct suite *s)
{
	bool done = false, more = true;
	int64_t left = 1;
	suite_commit(s);
	for (int i = 0; !done; i++) {
		cr_assert_lt(i, 1000);
		suite_ok(s, queue_erase_wipe(s->runner, &done, &s->err));
	}
	for (int i = 0; more; i++) {
		cr_assert_lt(i, 1000);
		suite_ok(s, queue_scrub(s->receiver, &more, &s->err));
	}
	suite_ok(s, queue_erase_left(s->runner, &left, &s->err));
	cr_assert_eq(left, 0);
	suite_commit(s);
}

struct text {
	char all[500000];
};

static enum rc add_event(void *ctx, const struct queue_event_row *row, struct err *err)
{
	struct text *t = ctx;
	size_t n = strlen(t->all);
	(void)err;
	snprintf(t->all + n, sizeof(t->all) - n, "%s %s %.*s\n", row->record, row->reason,
		(int)row->body.n, row->body.p != NULL ? row->body.p : "");
	return RC_OK;
}

struct source {
	struct suite *s;
	struct text *text;
};

static enum rc add_whole(void *ctx, const struct queue_event_row *row, struct err *err)
{
	struct source *source = ctx;
	return queue_event_get(source->s->runner, row->id, add_event, source->text, err);
}

static enum rc add_run(void *ctx, const struct queue_run_row *row, struct err *err)
{
	struct source *source = ctx;
	struct text *t = source->text;
	struct queue_call *calls = NULL;
	size_t n = strlen(t->all), calls_n = 0;
	n += (size_t)snprintf(t->all + n, sizeof(t->all) - n, "%s %s %s %s\n", row->key, row->error,
		row->detail, row->log);
	enum rc rc = queue_calls_load(source->s->runner, row->seq, &calls, &calls_n, err);
	for (size_t i = 0; rc == RC_OK && i < calls_n; i++)
		n += (size_t)snprintf(t->all + n, sizeof(t->all) - n, "%.*s\n",
			(int)calls[i].answer.n, calls[i].answer.p);
	queue_calls_free(calls, calls_n);
	return rc;
}

static enum rc add_issue(void *ctx, const struct queue_issue *issue, struct err *err)
{
	struct source *source = ctx;
	size_t n = strlen(source->text->all);
	(void)err;
	snprintf(source->text->all + n, sizeof(source->text->all) - n, "%s\n", issue->text);
	return RC_OK;
}

/* Everything that can be read. */
static const char *read_all(struct suite *s)
{
	static struct text t;
	struct source source = {s, &t};
	t.all[0] = '\0';
	suite_ok(s, queue_event_each(s->runner, NULL, add_whole, &source, &s->err));
	suite_ok(s, queue_run_each(s->runner, NULL, add_run, &source, &s->err));
	suite_ok(s, queue_issue_each(s->runner, add_issue, &source, &s->err));
	return t.all;
}

/* How often a text stands in the files of a store. */
static size_t in_files(const struct suite *s, const char *text)
{
	size_t found = 0;
	DIR *dir = s->folder[0] != '\0' ? opendir(s->folder) : NULL;
	const struct dirent *entry;
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		char path[512];
		snprintf(path, sizeof(path), "%s/%s", s->folder, entry->d_name);
		FILE *f = entry->d_name[0] != '.' ? fopen(path, "rb") : NULL;
		if (f == NULL)
			continue;
		static char bytes[4 << 20];
		size_t n = fread(bytes, 1, sizeof(bytes), f);
		cr_assert_lt(n, sizeof(bytes));
		for (const char *p = bytes;
			(p = memmem(p, n - (size_t)(p - bytes), text, strlen(text))) != NULL; p++)
			found++;
		fclose(f);
	}
	if (dir != NULL)
		closedir(dir);
	return found;
}

QUEUE_CASE(a_record_is_erased_from_every_table_and_every_file)
{
	bool files = s->folder[0] != '\0';
	live_through(s, ANN, "ann@acme.example");
	live_through(s, BEN, "ben@acme.example");
	live_through(s, ANN, "ann@acme.example");
	/* Somebody else's run that has read Ann. */
	live_through(s, "0c000000-0000-4000-8000-0000000000cc", "ann@acme.example");
	cr_assert(!files || in_files(s, "ann@acme.example") > 6);
	struct queue_erased counted = erase(s, ANN, "ann@acme.example", true);
	cr_assert_eq(counted.events, 2);
	cr_assert_eq(counted.deliveries, 2);
	cr_assert_not_null(strstr(read_all(s), "ann@"), "counting removes nothing");
	struct queue_erased gone = erase(s, ANN, "ann@acme.example", false);
	cr_assert_eq(memcmp(&counted, &gone, sizeof(gone)), 0, "what was said is what was done");
	cr_assert_eq(gone.events, 2);
	cr_assert_eq(gone.runs, 3);
	cr_assert_eq(gone.calls, 1);
	cr_assert_eq(gone.copies, 1);
	cr_assert_eq(gone.open, 0);
	finish_erasing(s);
	const char *all = read_all(s);
	/* The other record's own event still holds the address: it is that record's to erase. */
	const char *other = strstr(all, "0c000000");
	cr_assert_not_null(other);
	cr_assert_null(strstr(all, ANN));
	cr_assert_not_null(strstr(all, "ben@acme.example"));
	gone = erase(s, "0c000000-0000-4000-8000-0000000000cc", "ann@acme.example", false);
	cr_assert_eq(gone.events, 1);
	finish_erasing(s);
	cr_assert_null(strstr(read_all(s), "ann@"));
	cr_assert_eq(in_files(s, "ann@acme.example"), 0u);
	cr_assert_eq(in_files(s, ANN), 0u);
	cr_assert(!files || in_files(s, "ben@acme.example") > 1, "his is all there");
	suite_check_counts(s);
}

QUEUE_CASE(what_is_open_is_counted_and_left_alone)
{
	suite_put(s, NULL, "{\"email\":\"ann@acme.example\"}");
	suite_route(s, 1, "rule", ANN, 0);
	cr_assert_eq(erase(s, ANN, "ann@acme.example", true).open, 1);
	struct queue_erased sum = erase(s, ANN, "ann@acme.example", false);
	cr_assert_eq(sum.events, 0);
	cr_assert_eq(suite_claim(s, SUITE_NOW_MS, 1), 1u);
	cr_assert_not_null(strstr(s->runs[0].body, "ann@"));
}

QUEUE_CASE(erasing_nobody_is_refused_and_an_unknown_one_is_nothing)
{
	struct queue_erase e = {.record = ""};
	cr_assert_eq(queue_erase_step(s->runner, &e, &s->err), RC_INVALID);
	cr_assert_eq(queue_erase_step(s->receiver, &e, &s->err), RC_DENIED);
	live_through(s, BEN, "ben@acme.example");
	struct queue_erased sum = erase(s, ANN, "ann@acme.example", false);
	cr_assert_eq(sum.events + sum.runs + sum.calls + sum.copies + sum.issues, 0);
	finish_erasing(s);
	cr_assert_not_null(strstr(read_all(s), "ben@"));
}
