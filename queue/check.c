/* SPDX-License-Identifier: MIT */
/*
 * Puts the questions of check/text.c to a store, counts its rows against its counters, and asks the
 * database about its pages.
 * From: `moonhook store check`, tests. Next: check/sqlite.c, check/postgres.c.
 */
#include "queue/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/check/text.h"

struct checker {
	const struct check_driver *driver;
	void *self;
	const struct queue_check_watch *watch;
	struct queue_check *check;
	bool relaxed; /* the place allows to lose what was confirmed */
};

struct answer {
	int64_t n;
	char text[160];
};

static enum rc take(void *ctx, int64_t n, const char *text, struct err *err)
{
	struct answer *a = ctx;
	(void)err;
	a->n = n;
	snprintf(a->text, sizeof(a->text), "%.159s", text);
	return RC_OK;
}

static void tell(struct checker *c, const struct check_question *q, const struct answer *a)
{
	struct queue_damage d = {q->kind, q->what, q->means, q->fix, a->n, a->text};
	c->check->broken_n++;
	c->watch->damage(c->watch->ctx, &d);
}

static void begin(struct checker *c, const char *kind)
{
	if (c->watch->asks != NULL)
		c->watch->asks(
			c->watch->ctx, kind, ++c->check->asked_n, (int)check_questions_n + 2);
	else
		c->check->asked_n++;
}

static enum rc ask(struct checker *c, const struct check_question *q, struct err *err)
{
	struct answer a = {.n = 0};
	const char *sql = !c->driver->postgres                            ? q->sqlite
			  : q->postgres != NULL && q->postgres[0] == '\0' ? q->sqlite
									  : q->postgres;
	if (sql == NULL || (c->relaxed && check_question_allowed(q)))
		return RC_OK;
	begin(c, q->kind);
	enum rc rc = c->driver->ask(c->self, sql, take, &a, err);
	if (rc == RC_OK && a.n != 0)
		tell(c, q, &a);
	return rc;
}

/* --- counters --------------------------------------------------------------------------------- */

struct tally { /* of states: what is counted, what the counters say */
	int64_t rows[2 * QUEUE_STATE_N], said[2 * QUEUE_STATE_N];
	int64_t *at;
	bool has_said;
};

static enum rc take_state(void *ctx, int64_t n, const char *text, struct err *err)
{
	struct tally *t = ctx;
	long state = strtol(text, NULL, 10);
	(void)err;
	if (state >= 0 && state < QUEUE_STATE_N)
		t->at[state] = n;
	return RC_OK;
}

/* As hexadecimal digits, little endian. */
static enum rc take_counts(void *ctx, int64_t n, const char *text, struct err *err)
{
	struct tally *t = ctx;
	char byte[3] = "";
	(void)n, (void)err;
	t->has_said = strlen(text) == sizeof(t->said) * 2;
	for (size_t i = 0; t->has_said && i < sizeof(t->said); i++) {
		memcpy(byte, text + 2 * i, 2);
		uint64_t value = strtoul(byte, NULL, 16);
		t->said[i / 8] = (int64_t)((uint64_t)t->said[i / 8] | value << 8 * (i % 8));
	}
	return RC_OK;
}

static enum rc add_moved(void *ctx, int64_t n, const char *text, struct err *err)
{
	struct tally *t = ctx;
	long what = strtol(text, NULL, 10);
	(void)err;
	if (what >= 0 && what < 2 * QUEUE_STATE_N)
		t->said[what] += n;
	return RC_OK;
}

static const struct check_question counts = {.kind = "counts",
	.what = "counters that are not what counting the rows gives",
	.means = "status and metrics are wrong",
	.fix = "harmless for the work; tell the maintainers"};
static const struct check_question progress = {.kind = "progress",
	.what = "rows of progress that cannot be read",
	.means = "no runner can open the store",
	.fix = "restore a backup"};

/* Of the rows and of the counters. */
static enum rc read_tally(struct checker *c, struct tally *t, struct err *err)
{
	const struct check_driver *driver = c->driver;
	t->at = t->rows;
	enum rc rc = driver->ask(c->self,
		"SELECT count(*), CAST(state AS TEXT) FROM event GROUP BY state", take_state, t,
		err);
	t->at = t->rows + QUEUE_STATE_N;
	if (rc == RC_OK)
		rc = driver->ask(c->self,
			"SELECT count(*), CAST(state AS TEXT) FROM run GROUP BY state", take_state,
			t, err);
	if (rc == RC_OK)
		rc = driver->ask(c->self,
			driver->postgres ? "SELECT 0, encode(counts, 'hex') FROM progress"
					 : "SELECT 0, hex(counts) FROM progress",
			take_counts, t, err);
	if (rc == RC_OK && driver->postgres)
		rc = driver->ask(c->self,
			"SELECT sum(n)::bigint, what::text FROM moved WHERE what < 18 GROUP BY "
			"what",
			add_moved, t, err);
	return rc;
}

static enum rc count(struct checker *c, struct err *err)
{
	struct tally t = {.at = NULL};
	struct answer a = {.n = 0};
	begin(c, counts.kind);
	enum rc rc = read_tally(c, &t, err);
	for (int i = 0; rc == RC_OK && i < 2 * QUEUE_STATE_N; i++) {
		bool run = i >= QUEUE_STATE_N;
		*(run ? &c->check->runs_n : &c->check->events_n) += t.rows[i];
		if (!t.has_said || t.rows[i] == t.said[i])
			continue;
		a.n++;
		snprintf(a.text, sizeof(a.text), "%s %s: %lld, not %lld",
			queue_state_name((enum queue_state)(i % QUEUE_STATE_N)),
			run ? "runs" : "events", (long long)t.rows[i], (long long)t.said[i]);
	}
	if (rc == RC_OK && !t.has_said)
		tell(c, &progress, &(struct answer){1, "progress"});
	else if (rc == RC_OK && a.n > 0)
		tell(c, &counts, &a);
	return rc;
}

/* --- pages ------------------------------------------------------------------------------------ */

static const struct check_question pages = {.kind = "pages",
	.what = "pages of the database that are damaged",
	.means = "what stands there is lost or wrong",
	.fix = "check the disk and the memory of the machine, then restore a backup"};

static enum rc take_page(void *ctx, int64_t n, const char *text, struct err *err)
{
	struct answer *a = ctx;
	(void)n, (void)err;
	if (a->n++ == 0)
		snprintf(a->text, sizeof(a->text), "%.159s", text);
	return RC_OK;
}

static enum rc look_at_pages(struct checker *c, struct err *err)
{
	struct answer a = {.n = 0};
	begin(c, pages.kind);
	enum rc rc = c->driver->pages(c->self, take_page, &a, &c->check->pages, err);
	if (rc == RC_OK && a.n > 0)
		tell(c, &pages, &a);
	return rc;
}

enum rc queue_check(const struct queue_place *place, const struct queue_check_watch *watch,
	struct queue_check *ret_check, struct err *err)
{
	struct queue_check check = {.asked_n = 0};
	struct checker c = {.driver = queue_place_away(place) ? &check_postgres : &check_sqlite,
		.watch = watch,
		.check = &check};
	if (strncmp(place->store, "memory:", 7) == 0)
		return err_set(err, RC_UNSUPPORTED, "a store in memory is not checked");
	enum rc rc = c.driver->open(place, &c.self, &check.mark, &c.relaxed, err);
	if (rc != RC_OK)
		return rc;
	rc = count(&c, err);
	for (size_t i = 0; rc == RC_OK && i < check_questions_n; i++)
		rc = ask(&c, &check_questions[i], err);
	/* The last: after a page that cannot be read nothing else may be asked. */
	if (rc == RC_OK)
		rc = look_at_pages(&c, err);
	c.driver->close(c.self);
	if (rc == RC_OK)
		*ret_check = check;
	return rc;
}
