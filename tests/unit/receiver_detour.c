/* SPDX-License-Identifier: MIT */
/* Deliveries and a store that goes away: none that was acknowledged is lost, none is stored twice,
 * all arrive in order. */
#include "receiver/detour.h"

#include <criterion/criterion.h>
#include <glob.h>
#include <inttypes.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "queue/spool.h"
#include "tests/harness/middle.h"
#include "tests/harness/postgres.h"

enum { MANY = 4000, ROOM_BYTES = 64 << 20, PROMISE_MS = 400 };

static char folder[] = "/tmp/moonhook-detour-XXXXXX";
static char spool[64], store[240], direct[200], schema[40];
static struct middle *middle;
static struct detour *detour;
static struct id ids[MANY]; /* acknowledged, in order */
static size_t ids_n, tried;

/* --- the stage -------------------------------------------------------------------------------- */

static void open_stage(void)
{
	struct queue *q = NULL;
	struct err err = {.msg = ""};
	cr_assert_not_null(mkdtemp(folder));
	snprintf(spool, sizeof(spool), "%s/spool", folder);
	cr_assert(postgres_store(direct, sizeof(direct)));
	snprintf(schema, sizeof(schema), "%s", strstr(direct, "schema=") + strlen("schema="));
	middle = middle_start((int)strtol(strstr(direct, "127.0.0.1:") + 10, NULL, 10));
	cr_assert_not_null(middle);
	snprintf(store, sizeof(store),
		"postgres://moonhook@127.0.0.1:%d/postgres?durability=relaxed&schema=%s",
		middle_port(middle), schema);
	/* What is made once is no part of any outage. */
	cr_assert_eq(queue_open(direct, QUEUE_RECEIVER, &q, &err), RC_OK, "%s", err.msg);
	queue_close(q);
}

static void close_stage(void)
{
	static const char *const files[] = {
		"spool.db", "spool.db-wal", "spool.db-shm", "receiver.lock", "store"};
	char path[128];
	detour_stop(detour);
	detour = NULL;
	middle_stop(middle);
	middle = NULL;
	postgres_store_drop(direct);
	for (size_t i = 0; i < ARRAY_N(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", spool, files[i]);
		(void)unlink(path);
	}
	glob_t aside;
	snprintf(path, sizeof(path), "%s/spool.db.damaged-*", spool);
	if (glob(path, 0, NULL, &aside) == 0) {
		for (size_t i = 0; i < aside.gl_pathc; i++)
			(void)unlink(aside.gl_pathv[i]);
		globfree(&aside);
	}
	(void)rmdir(spool);
	(void)rmdir(folder);
}

TestSuite(receiver_detour, .init = open_stage, .fini = close_stage, .timeout = 180);

static atomic_int reached; /* steps that the carrier has brought to the store */

static void note_stored(void *ctx)
{
	(void)ctx;
	atomic_fetch_add(&reached, 1);
}

static enum rc try_start(const char *address, int64_t room, struct err *err)
{
	struct detour_conf conf = {.place = {.store = address},
		.spool = spool,
		.spool_max_bytes = room,
		.promise_ms = PROMISE_MS,
		.stored = note_stored};
	return detour_start(&conf, &detour, err);
}

static void start(int64_t room)
{
	struct err err = {.msg = ""};
	cr_assert_eq(try_start(store, room, &err), RC_OK, "%s", err.msg);
}

static void stop(void)
{
	detour_stop(detour);
	detour = NULL;
}

/* Puts n deliveries in one batch; key: the same for all of it, or one of its own each. */
static enum rc put_some(size_t n, const char *key, struct queue_delivery *ret, struct err *err)
{
	static char bodies[64][32];
	for (size_t i = 0; i < n; i++) {
		snprintf(bodies[i], sizeof(bodies[i]), "{\"n\":%zu}", tried++);
		ret[i] = (struct queue_delivery){.source = "twenty",
			.dedupe = slice_of(key != NULL ? key : bodies[i]),
			.body = slice_of(bodies[i]),
			.received_ms = clock_wall_ms()};
		cr_assert_eq(id_new(ret[i].received_ms, &ret[i].id, err), RC_OK);
	}
	return detour_put(detour, ret, n, err);
}

/* The same, acknowledged. */
static void put(size_t n)
{
	struct queue_delivery d[64];
	struct err err = {.msg = ""};
	cr_assert_eq(put_some(n, NULL, d, &err), RC_OK, "%s", err.msg);
	for (size_t i = 0; i < n; i++)
		ids[ids_n++] = d[i].id;
}

static void tend(void)
{
	struct err err = {.msg = ""};
	cr_assert_eq(detour_tend(detour, &err), RC_OK, "%s", err.msg);
}

static void await_straight(void)
{
	for (int i = 0; i < 12000 && detour_straight(detour) == NULL; i++) {
		tend();
		poll(NULL, 0, 5);
	}
	cr_assert_not_null(detour_straight(detour));
}

/* Until the writer knows that the store is gone. */
static void go_away(enum middle_mode mode)
{
	middle_set(middle, mode);
	for (int i = 0; i < 2000 && detour_straight(detour) != NULL; i++)
		put(1);
	cr_assert_null(detour_straight(detour));
}

static PGresult *ask(const char *sql)
{
	char address[200];
	snprintf(address, sizeof(address), "%.*s", (int)strcspn(direct, "?"), direct);
	PGconn *conn = PQconnectdb(address);
	char set[160];
	snprintf(set, sizeof(set), "SET client_min_messages = warning; SET search_path = %s",
		schema);
	PQclear(PQexec(conn, set));
	PGresult *result = PQexec(conn, sql);
	cr_assert(PQresultStatus(result) == PGRES_TUPLES_OK ||
			  PQresultStatus(result) == PGRES_COMMAND_OK,
		"%s: %s", sql, PQerrorMessage(conn));
	PQfinish(conn);
	return result;
}

static void tell(const char *sql)
{
	PQclear(ask(sql));
}

/* The store holds what was acknowledged, each once, in order. */
static void expect_all(void)
{
	PGresult *result =
		ask("SELECT d.id FROM pending AS p JOIN delivery AS d ON d.n = p.n ORDER BY p.n");
	cr_assert_eq((size_t)PQntuples(result), ids_n, "%d of %zu", PQntuples(result), ids_n);
	for (int i = 0; i < PQntuples(result); i++)
		cr_assert_str_eq(PQgetvalue(result, i, 0), ids[i].text, "place %d", i);
	PQclear(result);
	cr_assert_eq(metrics_value(METRIC_SPOOL_DELIVERIES), 0);
	cr_assert_eq(metrics_value(METRIC_STORE_AWAY), 0);
}

static bool holds(const struct id *id)
{
	char sql[120];
	snprintf(sql, sizeof(sql), "SELECT 1 FROM delivery WHERE id = '%s'", id->text);
	PGresult *result = ask(sql);
	bool there = PQntuples(result) > 0;
	PQclear(result);
	return there;
}

/* --- the store is there ----------------------------------------------------------------------- */

Test(receiver_detour, while_the_store_answers_nothing_goes_by_the_spool)
{
	start(ROOM_BYTES);
	for (int i = 0; i < 20; i++)
		put(5);
	expect_all();
	cr_expect_eq(metrics_value(METRIC_SPOOLED), 0);
	cr_expect_eq(metrics_value(METRIC_STORE_OUTAGES), 0);
}

/* --- it is away ------------------------------------------------------------------------------- */

Test(receiver_detour, what_comes_while_the_store_is_away_is_kept_and_arrives_in_order)
{
	start(ROOM_BYTES);
	put(3);
	go_away(MIDDLE_CUTS);
	for (int i = 0; i < 100; i++)
		put(7);
	cr_expect_eq(metrics_value(METRIC_STORE_AWAY), 1);
	cr_expect_geq(metrics_value(METRIC_SPOOL_DELIVERIES), 700);
	middle_set(middle, MIDDLE_PASSES);
	for (int i = 0; i < 100; i++)
		put(7); /* these come while the others are carried */
	await_straight();
	put(3);
	expect_all();
	cr_expect_eq(metrics_value(METRIC_STORE_OUTAGES), 1);
	cr_expect_gt(atomic_load(&reached), 0);
}

/* What was acknowledged from the spool can be overtaken by nobody: the store knows of it, or holds
 * no promise any more, or has it already. */
static bool is_held(const struct id *id)
{
	PGresult *result = ask("SELECT 1 FROM receiver WHERE spool_from IS NULL AND"
			       " promised > clock_timestamp()");
	bool promised = PQntuples(result) > 0;
	PQclear(result);
	return !promised || holds(id);
}

Test(receiver_detour, nothing_is_acknowledged_from_the_spool_while_the_store_holds_a_promise)
{
	start(ROOM_BYTES);
	for (int i = 0; i < 3; i++) {
		put(3);
		tend();
		middle_set(middle, MIDDLE_CUTS);
		while (detour_straight(detour) != NULL)
			put(1);
		cr_expect(is_held(&ids[ids_n - 1]), "while the store is away");
		middle_set(middle, MIDDLE_PASSES);
		await_straight();
	}
	expect_all();
}

Test(receiver_detour, the_store_knows_of_the_spool_until_it_is_empty_and_of_none_that_is_not_kept)
{
	start(ROOM_BYTES);
	put(3);
	go_away(MIDDLE_CUTS);
	put(5);
	middle_set(middle, MIDDLE_PASSES);
	for (int i = 0; i < 12000 && !holds(&ids[ids_n - 1]); i++)
		poll(NULL, 0, 5);
	/* The writer has not been asked since: more might have come into the spool. */
	PGresult *result =
		ask("SELECT 1 FROM receiver WHERE spool_from IS NOT NULL AND spool_to > 0");
	cr_expect_eq(PQntuples(result), 1);
	PQclear(result);
	await_straight();
	result = ask("SELECT 1 FROM receiver WHERE spool_from IS NULL AND until > clock_timestamp()"
		     " AND spool_to = (SELECT max(n) FROM pending)");
	cr_expect_eq(PQntuples(result), 1);
	PQclear(result);
	stop();
	result = ask("SELECT 1 FROM receiver WHERE until > clock_timestamp()");
	cr_expect_eq(PQntuples(result), 0, "an orderly end keeps nobody waiting");
	PQclear(result);
	tell("DELETE FROM receiver");
	start(0);
	put(1);
	tend();
	result = ask("SELECT 1 FROM receiver");
	cr_expect_eq(PQntuples(result), 0);
	PQclear(result);
}

Test(receiver_detour, without_a_spool_what_the_store_does_not_take_is_refused)
{
	struct queue_delivery d[64];
	struct err err = {.msg = ""};
	start(0);
	put(3);
	middle_set(middle, MIDDLE_CUTS);
	enum rc rc = RC_OK;
	for (int i = 0; i < 2000 && (rc = put_some(1, NULL, d, &err)) == RC_OK; i++)
		ids[ids_n++] = d[0].id; /* got there before the cut */
	cr_expect_eq(rc, RC_FULL);
	struct id doubtful = d[0].id;
	cr_expect_eq(put_some(5, NULL, d, &err), RC_FULL);
	middle_set(middle, MIDDLE_PASSES);
	await_straight();
	/* The cut may have come between its commit and the answer: then it is there, once. */
	if (holds(&doubtful))
		ids[ids_n++] = doubtful;
	put(2);
	expect_all();
}

Test(receiver_detour, a_store_that_says_nothing_is_given_up_before_the_sender_gives_up)
{
	start(ROOM_BYTES);
	put(3);
	middle_set(middle, MIDDLE_STALLS);
	int64_t began_ms = clock_mono_ms();
	put(4);
	int64_t took_ms = clock_mono_ms() - began_ms;
	cr_expect_geq(took_ms, 1000);
	cr_expect_lt(took_ms, 30000); /* 1.5 s where the machine has nothing else to do */
	began_ms = clock_mono_ms();
	put(4);
	cr_expect_lt(clock_mono_ms() - began_ms, 30000);
	middle_set(middle, MIDDLE_PASSES);
	await_straight();
	put(4);
	expect_all();
}

Test(receiver_detour, a_receiver_starts_while_the_store_is_away)
{
	middle_set(middle, MIDDLE_CUTS);
	start(ROOM_BYTES);
	cr_expect_null(detour_straight(detour));
	for (int i = 0; i < 10; i++)
		put(5);
	middle_set(middle, MIDDLE_PASSES);
	await_straight();
	put(5);
	expect_all();
}

Test(receiver_detour, what_an_earlier_life_has_kept_goes_first)
{
	start(ROOM_BYTES);
	go_away(MIDDLE_CUTS);
	for (int i = 0; i < 20; i++)
		put(5);
	stop();
	middle_set(middle, MIDDLE_PASSES);
	start(ROOM_BYTES);
	cr_expect_null(detour_straight(detour));
	for (int i = 0; i < 20; i++)
		put(5);
	await_straight();
	expect_all();
}

Test(receiver_detour, a_damaged_spool_ends_nothing_and_what_is_whole_arrives_in_order)
{
	char file[128];
	struct id last;
	start(ROOM_BYTES);
	go_away(MIDDLE_CUTS);
	for (int i = 0; i < 40; i++)
		put(10);
	stop();
	snprintf(file, sizeof(file), "%s/spool.db", spool);
	cr_assert_eq(truncate(file, 40000), 0);
	middle_set(middle, MIDDLE_PASSES);
	start(ROOM_BYTES);
	for (int i = 0; i < 20; i++)
		put(5);
	await_straight();
	last = ids[ids_n - 1];
	cr_assert(holds(&last));
	PGresult *result =
		ask("SELECT count(*), count(*) FILTER (WHERE id < before) FROM (SELECT d.id,"
		    " lag(d.id) OVER (ORDER BY p.n) AS before FROM pending AS p"
		    " JOIN delivery AS d ON d.n = p.n) AS x");
	long n = strtol(PQgetvalue(result, 0, 0), NULL, 10);
	cr_expect(n > 100 && n < (long)ids_n, "%ld of %zu", n, ids_n);
	cr_expect_str_eq(PQgetvalue(result, 0, 1), "0", "in order");
	PQclear(result);
	cr_expect_eq(metrics_value(METRIC_SPOOL_DELIVERIES), 0);
}

Test(receiver_detour, past_the_bound_of_the_spool_deliveries_are_refused_until_there_is_room)
{
	struct queue_delivery d[64];
	struct err err = {.msg = ""};
	middle_set(middle, MIDDLE_CUTS);
	start(20000);
	enum rc rc = RC_OK;
	for (int i = 0; i < 1000 && (rc = put_some(10, NULL, d, &err)) == RC_OK; i++)
		for (int k = 0; k < 10; k++)
			ids[ids_n++] = d[k].id;
	cr_expect_eq(rc, RC_FULL);
	cr_expect_geq(ids_n, 60u);
	cr_expect_leq(metrics_value(METRIC_SPOOL_BYTES), 20000);
	middle_set(middle, MIDDLE_PASSES);
	await_straight();
	put(5);
	expect_all();
}

/* --- nobody knows whether it was stored ------------------------------------------------------- */

Test(receiver_detour, a_commit_whose_answer_is_lost_is_stored_once)
{
	start(ROOM_BYTES);
	put(3);
	middle_set(middle, MIDDLE_SWALLOWS);
	put(6);
	cr_assert_eq(middle_taken(middle), 1u, "it was no commit that was lost");
	put(6);
	await_straight();
	put(3);
	expect_all();
	cr_expect_eq(metrics_value(METRIC_STORE_OUTAGES), 1);
}

Test(receiver_detour, a_commit_that_does_not_arrive_is_stored_all_the_same)
{
	start(ROOM_BYTES);
	put(3);
	middle_set(middle, MIDDLE_LOSES);
	put(6);
	cr_assert_eq(middle_taken(middle), 1u);
	await_straight();
	put(3);
	expect_all();
}

Test(receiver_detour, the_answer_to_a_carried_batch_may_be_lost_too)
{
	start(ROOM_BYTES);
	go_away(MIDDLE_CUTS);
	for (int i = 0; i < 10; i++)
		put(6);
	middle_set(middle, MIDDLE_SWALLOWS);
	await_straight();
	cr_assert_eq(middle_taken(middle), 1u);
	expect_all();
}

/* --- repeats ---------------------------------------------------------------------------------- */

static void put_key(const char *key, struct queue_delivery *ret)
{
	struct err err = {.msg = ""};
	cr_assert_eq(put_some(1, key, ret, &err), RC_OK, "%s", err.msg);
}

Test(receiver_detour, a_repeat_of_what_waits_in_the_spool_gets_its_id)
{
	struct queue_delivery first, second;
	start(ROOM_BYTES);
	go_away(MIDDLE_CUTS);
	put_key("same", &first);
	ids[ids_n++] = first.id;
	put_key("same", &second);
	cr_expect(second.ret_repeated);
	cr_expect_str_eq(second.id.text, first.id.text);
	middle_set(middle, MIDDLE_PASSES);
	await_straight();
	put_key("same", &second);
	cr_expect(second.ret_repeated);
	cr_expect_str_eq(second.id.text, first.id.text);
	expect_all();
}

Test(receiver_detour,
	a_repeat_that_waits_in_the_spool_while_the_first_is_in_the_store_is_stored_once)
{
	struct queue_delivery first, second;
	start(ROOM_BYTES);
	put_key("same", &first);
	ids[ids_n++] = first.id;
	go_away(MIDDLE_CUTS);
	put_key("same", &second);
	put(2);
	middle_set(middle, MIDDLE_PASSES);
	await_straight();
	put_key("same", &second);
	cr_expect(second.ret_repeated);
	cr_expect_str_eq(second.id.text, first.id.text);
	expect_all();
}

Test(receiver_detour, a_repeat_in_a_batch_that_fails_does_not_take_another_id_along)
{
	struct queue_delivery first, second;
	start(ROOM_BYTES);
	put_key("same", &first);
	ids[ids_n++] = first.id;
	middle_set(middle, MIDDLE_SWALLOWS); /* the repeat was found before it */
	put_key("same", &second);
	cr_assert_eq(middle_taken(middle), 1u);
	cr_expect_str_neq(second.id.text, first.id.text);
	await_straight();
	put(3);
	expect_all();
}

/* --- a server that is there and does not take it -----------------------------------------------
 */

/* Everything that fails between these two goes by the spool, and arrives. */
static void outage_by(const char *begin, const char *end)
{
	start(ROOM_BYTES);
	put(3);
	tell(begin);
	for (int i = 0; i < 10; i++)
		put(5);
	cr_expect_null(detour_straight(detour));
	cr_expect_geq(metrics_value(METRIC_SPOOLED), 50);
	tell(end);
	await_straight();
	put(3);
	expect_all();
}

static const char refuse_with[] =
	"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
	" RAISE EXCEPTION 'could not extend file' USING ERRCODE = '%s'; END $$;"
	"CREATE TRIGGER refuse BEFORE INSERT ON delivery EXECUTE FUNCTION refuse()";

static void outage_of(const char *state)
{
	char sql[400];
	int n = snprintf(sql, sizeof(sql), "%.*s%s%s",
		(int)(strstr(refuse_with, "%s") - refuse_with), refuse_with, state,
		strstr(refuse_with, "%s") + 2);
	cr_assert(n > 0 && (size_t)n < sizeof(sql));
	outage_by(sql, "DROP TRIGGER refuse ON delivery; DROP FUNCTION refuse");
}

Test(receiver_detour, a_full_disk_of_the_database_loses_nothing)
{
	outage_of("53100");
}

Test(receiver_detour, a_deadlock_of_the_database_loses_nothing)
{
	outage_of("40P01");
}

Test(receiver_detour, a_table_that_is_not_there_for_a_while_loses_nothing)
{
	outage_by("ALTER TABLE pending RENAME TO elsewhere",
		"ALTER TABLE elsewhere RENAME TO pending");
}

/* With a role of its own, so that nobody else's connections are touched. */
static void outage_of_role(const char *begin, const char *end)
{
	char role[60], sql[900];
	snprintf(role, sizeof(role), "r_%s", schema);
	snprintf(sql, sizeof(sql),
		"CREATE ROLE %s LOGIN; GRANT USAGE ON SCHEMA %s TO %s; GRANT ALL ON ALL TABLES IN "
		"SCHEMA %s TO %s; GRANT USAGE ON ALL SEQUENCES IN SCHEMA %s TO %s;"
		"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA %s TO %s",
		role, schema, role, schema, role, schema, role, schema, role);
	tell(sql);
	snprintf(store, sizeof(store),
		"postgres://%s@127.0.0.1:%d/postgres?durability=relaxed&schema=%s", role,
		middle_port(middle), schema);
	start(ROOM_BYTES);
	put(3);
	snprintf(sql, sizeof(sql), "ALTER ROLE %s %s", role, begin);
	tell(sql);
	go_away(MIDDLE_CUTS);
	middle_set(middle, MIDDLE_PASSES);
	size_t asked = middle_asked(middle);
	for (int i = 0; i < 6000 && middle_asked(middle) < asked + 2; i++)
		poll(NULL, 0, 5);
	cr_assert_geq(middle_asked(middle), asked + 2, "the server was asked again, in vain");
	put(5);
	tend();
	cr_expect_null(detour_straight(detour));
	snprintf(sql, sizeof(sql), "ALTER ROLE %s %s", role, end);
	tell(sql);
	await_straight();
	put(3);
	expect_all();
	stop();
	snprintf(sql, sizeof(sql), "DROP OWNED BY %s; DROP ROLE %s", role, role);
	tell(sql);
}

Test(receiver_detour, a_server_without_a_connection_left_loses_nothing)
{
	outage_of_role("CONNECTION LIMIT 0", "CONNECTION LIMIT -1");
}

Test(receiver_detour, a_server_that_has_become_read_only_loses_nothing)
{
	outage_of_role(
		"SET default_transaction_read_only = on", "RESET default_transaction_read_only");
}

Test(receiver_detour, a_server_that_refuses_us_loses_nothing_and_is_told_to_a_person)
{
	outage_of_role("NOLOGIN", "LOGIN");
}

/* --- what a person has to do ------------------------------------------------------------------ */

Test(receiver_detour, what_only_a_person_can_change_ends_the_start)
{
	struct err err = {.msg = ""};
	char address[200];
	snprintf(address, sizeof(address), "postgres://nobody@127.0.0.1:%d/postgres",
		middle_port(middle));
	cr_expect_eq(try_start(address, ROOM_BYTES, &err), RC_DENIED, "%s", err.msg);
	snprintf(address, sizeof(address), "postgres://moonhook@127.0.0.1:%d/postgres?schema=A",
		middle_port(middle));
	cr_expect_eq(try_start(address, ROOM_BYTES, &err), RC_INVALID, "%s", err.msg);
	cr_expect_null(detour);
}

/* As another user: what is known is the store. */
static void address_of(const char *user, char ret_address[static 200])
{
	snprintf(ret_address, 200,
		"postgres://%s@127.0.0.1:%d/postgres?durability=relaxed&schema=%s", user,
		middle_port(middle), schema);
}

Test(receiver_detour, a_start_while_a_store_of_before_refuses_us_keeps_what_comes)
{
	struct err err = {.msg = ""};
	char refused[200], elsewhere[204];
	address_of("moonhook_gone", refused);
	cr_expect_eq(try_start(refused, ROOM_BYTES, &err), RC_DENIED, "a first start: %s", err.msg);
	start(ROOM_BYTES);
	put(2);
	stop();
	cr_expect_eq(try_start(refused, 0, &err), RC_DENIED, "without a spool: %s", err.msg);
	snprintf(elsewhere, sizeof(elsewhere), "%sx", refused);
	cr_expect_eq(
		try_start(elsewhere, ROOM_BYTES, &err), RC_DENIED, "another store: %s", err.msg);
	cr_assert_eq(try_start(refused, ROOM_BYTES, &err), RC_OK, "%s", err.msg);
	cr_expect_eq(metrics_value(METRIC_STORE_AWAY), 1);
	put(3);
	cr_expect_eq(metrics_value(METRIC_SPOOL_DELIVERIES), 3);
	stop();
	start(ROOM_BYTES);
	await_straight();
	put(1);
	expect_all();
}

Test(receiver_detour, it_ends_within_seconds_while_the_store_says_nothing)
{
	start(ROOM_BYTES);
	go_away(MIDDLE_STALLS);
	put(3);
	int64_t began_ms = clock_mono_ms();
	stop();
	cr_expect_lt(clock_mono_ms() - began_ms, 30000);
	middle_set(middle, MIDDLE_PASSES);
	start(ROOM_BYTES);
	await_straight();
	expect_all();
}
