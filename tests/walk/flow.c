/* SPDX-License-Identifier: MIT */
/*
 * Sends deliveries and counts what has become of them.
 * From: outage.c, failover.c and others. To: the hook port of a daemon, then the tables of its
 * database, read as anybody could.
 */
#include "tests/walk/flow.h"

#include <criterion/criterion.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { CONNECTIONS = 8, PATIENCE_US = 5000000, REST_MS = 120000 };

void flow_rule(const struct daemon *d)
{
	cr_assert(process_write(d->rules, "note.lua",
		"rule \"note\" { on = \"person.created\", run = function(event) log.info(\"x\") "
		"end }"));
}

static enum rc write_body(void *ctx, size_t i, struct buf *out)
{
	char id[37];
	i += ((struct flow *)ctx)->first;
	snprintf(id, sizeof(id), "20202020-0000-4000-8000-%012zu", i);
	return sender_person(out, "person.created", id, i, "ann@example.com");
}

static void note_answer(void *ctx, size_t i, int status, struct slice body)
{
	struct flow *f = ctx;
	(void)status, (void)body;
	f->later[f->first + i] = ++f->answered + CONNECTIONS;
}

void flow_send(struct flow *f, size_t n, double rate)
{
	struct err err = {.msg = ""};
	f->first = f->n;
	f->n += n;
	f->later = reallocarray(f->later, f->n, sizeof(*f->later));
	cr_assert_not_null(f->later);
	struct sender_conf conf = {.port = f->daemon->hook_port,
		.source = "twenty",
		.secret = DAEMON_SECRET,
		.n = n,
		.connections = CONNECTIONS,
		.rate = rate,
		.deadline_ms = 600000,
		.body = write_body,
		.answered = note_answer,
		.ctx = f};
	cr_assert_eq(sender_run(&conf, &f->result, &err), RC_OK, "%s", err.msg);
	cr_expect_eq(f->result.stored, n, "each is acknowledged, none is repeated");
	cr_expect_lt(f->result.max_us, PATIENCE_US, "no answer after the sender has given up");
}

/* what: columns, and a condition; of the schema's table. GIVES. */
static PGresult *ask(const struct flow *f, const char *what, const char *table, const char *rest)
{
	char sql[200];
	snprintf(sql, sizeof(sql), "SELECT %s FROM %s.%s %s", what, f->schema, table, rest);
	PGconn *conn = PQconnectdb(f->server);
	PGresult *r = PQexec(conn, sql);
	PQfinish(conn);
	return r;
}

static bool all_done(void *ctx)
{
	const struct flow *f = ctx;
	PGresult *r = ask(f, "count(*)", "run", "WHERE ended_ms > 0");
	bool done = PQntuples(r) == 1 && strtoull(PQgetvalue(r, 0, 0), NULL, 10) >= f->n;
	PQclear(r);
	return done;
}

bool flow_rests(struct flow *f)
{
	return process_await(all_done, f, REST_MS);
}

static void count_events(struct flow *f, struct flow_count *c)
{
	PGresult *r = ask(f, "right(record, 12)", "event", "ORDER BY seq");
	bool *seen = calloc(f->n, sizeof(*seen));
	size_t last = 0;
	cr_assert_not_null(seen);
	c->events = (size_t)PQntuples(r);
	for (size_t k = 0; k < c->events; k++) {
		size_t i = strtoull(PQgetvalue(r, (int)k, 0), NULL, 10);
		cr_assert_lt(i, f->n);
		c->twice += seen[i];
		c->inversions += last >= f->later[i];
		seen[i] = true;
		last = i > last ? i : last;
	}
	for (size_t i = 0; i < f->n; i++)
		c->lost += !seen[i];
	PQclear(r);
	free(seen);
}

void flow_count(struct flow *f, struct flow_count *ret_count)
{
	*ret_count = (struct flow_count){0};
	count_events(f, ret_count);
	PGresult *r = ask(f, "count(*), count(DISTINCT event)", "run", "");
	ret_count->runs = strtoull(PQgetvalue(r, 0, 0), NULL, 10);
	ret_count->twice += ret_count->runs - strtoull(PQgetvalue(r, 0, 1), NULL, 10);
	PQclear(r);
}

void flow_expect(struct flow *f)
{
	struct flow_count c;
	cr_expect(flow_rests(f), "all is carried out");
	flow_count(f, &c);
	cr_expect_eq(c.events, f->n, "%zu deliveries are events", c.events);
	cr_expect_eq(c.runs, f->n, "%zu runs, one each", c.runs);
	cr_expect_eq(c.lost, 0, "%zu are lost", c.lost);
	cr_expect_eq(c.twice, 0, "%zu came twice", c.twice);
	cr_expect_eq(c.inversions, 0, "%zu stand behind what was sent after them", c.inversions);
}

void flow_done(struct flow *f)
{
	free(f->later);
	f->later = NULL;
}

void flow_pause_ms(int ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000L};
	(void)nanosleep(&t, NULL);
}
