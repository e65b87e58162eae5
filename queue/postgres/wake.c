/* SPDX-License-Identifier: MIT */
/*
 * Telling everybody that there is something to do: LISTEN and NOTIFY on a channel that is named as
 * the schema.
 *
 * From: queue_wake_fd, queue_woken, each sign of life; postgres/inbox.c and the commit of work,
 * which tell. To: a connection of its own, opened when a runner first asks for it, which is never
 * in a transaction: what it has not taken yet the server keeps for it only while it reads.
 *
 * What is told saves waiting and decides nothing: polling finds all of it, too. So nothing here
 * fails. A connection that dies is made again by steps that do not block, ever more seldom; a
 * pooler that hands the connection on takes the LISTEN with it, and nothing is heard any more.
 *
 * Who tells does so at most once in QUEUE_TELL_MS; who is told looks again when that is over.
 */
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "queue/postgres/postgres.h"

enum { CONNECT_MS = 10000, REST_MS = 250, REST_MAX_MS = 60000 };

/* --- telling ---------------------------------------------------------------------------------- */

void postgres_tell(struct postgres_store *store, bool inbox)
{
	struct postgres_link *link = &store->link;
	int64_t now_ms = clock_mono_ms();
	if (link->told_ms != 0 && now_ms - link->told_ms < QUEUE_TELL_MS)
		return;
	if (inbox)
		snprintf(store->ear.tell, sizeof(store->ear.tell), "NOTIFY \"%s\", 'inbox'",
			store->schema);
	else
		snprintf(store->ear.tell, sizeof(store->ear.tell), "NOTIFY \"%s\", 'work %lld'",
			store->schema, (long long)store->runner);
	link->tell = store->ear.tell;
	link->told_ms = now_ms;
}

void postgres_tell_work(struct store *store)
{
	postgres_tell(postgres_store_of(&store->base), false);
}

/* --- the connection --------------------------------------------------------------------------- */

/* Somebody may watch ear->fd: it stays open, and is not readable until there is another one. */
static void stop(struct postgres_ear *ear)
{
	if (ear->watched >= 0)
		(void)epoll_ctl(ear->fd, EPOLL_CTL_DEL, ear->watched, NULL);
	ear->watched = -1;
	PQfinish(ear->conn);
	ear->conn = NULL;
	ear->state = EAR_CLOSED;
}

static void give_up(struct postgres_ear *ear)
{
	int64_t rest_ms = ear->rest_ms != 0 ? 2 * ear->rest_ms : REST_MS;
	stop(ear);
	ear->rest_ms = rest_ms < REST_MAX_MS ? rest_ms : REST_MAX_MS;
	ear->until_ms = clock_mono_ms() + ear->rest_ms;
}

/* libpq may take another socket from one step to the next, of the same number or not. */
static bool watch(struct postgres_ear *ear, uint32_t events)
{
	int fd = PQsocket(ear->conn);
	struct epoll_event event = {.events = events};
	if (ear->watched >= 0)
		(void)epoll_ctl(ear->fd, EPOLL_CTL_DEL, ear->watched, NULL);
	ear->watched = fd;
	return fd >= 0 && epoll_ctl(ear->fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

/* The very server that the handle is on, of the several that an address may name: who tells does
 * so there. Its name is not looked up again. */
static const char *instead(const PGconn *other, const char *key, const char *value)
{
	if (strcmp(key, "host") == 0)
		return PQhost(other);
	if (strcmp(key, "hostaddr") == 0)
		return PQhostaddr(other);
	if (strcmp(key, "port") == 0)
		return PQport(other);
	return strcmp(key, "target_session_attrs") == 0 ? "any" : value;
}

PGconn *postgres_connect_again(PGconn *other)
{
	PQconninfoOption *options = PQconninfo(other);
	const char *keys[64], *values[64];
	size_t n = 0;
	for (PQconninfoOption *o = options; o != NULL && o->keyword != NULL; o++) {
		const char *value = instead(other, o->keyword, o->val);
		if (value == NULL || value[0] == '\0' || n + 1 >= ARRAY_N(keys))
			continue;
		keys[n] = o->keyword;
		values[n++] = value;
	}
	keys[n] = values[n] = NULL;
	PGconn *conn = options != NULL ? PQconnectStartParams(keys, values, 0) : NULL;
	PQconninfoFree(options);
	(void)PQsetNoticeProcessor(conn, postgres_hush, NULL);
	return conn;
}

static void start(struct postgres_store *store)
{
	struct postgres_ear *ear = &store->ear;
	ear->conn = postgres_connect_again(store->link.conn);
	ear->state = EAR_CONNECTS;
	ear->until_ms = clock_mono_ms() + CONNECT_MS;
	if (ear->conn == NULL || PQstatus(ear->conn) == CONNECTION_BAD || !watch(ear, EPOLLOUT))
		give_up(ear);
}

static void ask_to_listen(struct postgres_store *store)
{
	struct postgres_ear *ear = &store->ear;
	char sql[80];
	snprintf(sql, sizeof(sql), "LISTEN \"%s\"", store->schema);
	ear->state = EAR_ASKS;
	if (!watch(ear, EPOLLIN) || PQsendQuery(ear->conn, sql) != 1)
		give_up(ear);
}

static void connect_on(struct postgres_store *store)
{
	struct postgres_ear *ear = &store->ear;
	switch (PQconnectPoll(ear->conn)) {
	case PGRES_POLLING_READING:
		if (!watch(ear, EPOLLIN))
			give_up(ear);
		return;
	case PGRES_POLLING_WRITING:
		if (!watch(ear, EPOLLOUT))
			give_up(ear);
		return;
	case PGRES_POLLING_OK:
		ask_to_listen(store);
		return;
	case PGRES_POLLING_FAILED:
	case PGRES_POLLING_ACTIVE: /* not in use any more */
		give_up(ear);
		return;
	}
}

/* From here on it hears; what was told before is looked for. */
static void take_answer(struct postgres_ear *ear, bool *ret_any)
{
	while (PQisBusy(ear->conn) == 0) {
		PGresult *result = PQgetResult(ear->conn);
		if (result == NULL) {
			ear->state = EAR_LISTENS;
			ear->rest_ms = 0;
			*ret_any = true;
			return;
		}
		bool fine = PQresultStatus(result) == PGRES_COMMAND_OK;
		PQclear(result);
		if (!fine) {
			give_up(ear);
			return;
		}
	}
}

/* Does it concern us? Deliveries are for the one who leads; what we tell we know. */
static bool concerns(const struct postgres_store *store, const char *what)
{
	char own[40];
	snprintf(own, sizeof(own), "work %lld", (long long)store->runner);
	return strcmp(what, "inbox") == 0 ? !store->store.follows : strcmp(what, own) != 0;
}

static void hear(struct postgres_store *store, bool *ret_any)
{
	struct postgres_ear *ear = &store->ear;
	PGnotify *told;
	while ((told = PQnotifies(ear->conn)) != NULL) {
		*ret_any = *ret_any || concerns(store, told->extra);
		PQfreemem(told);
	}
}

int postgres_wake_fd(struct queue *q)
{
	struct postgres_store *store = postgres_store_of(q);
	struct postgres_ear *ear = &store->ear;
	if (ear->fd < 0 && q->side == QUEUE_RUNNER && !atomic_load(&q->broken)) {
		ear->fd = epoll_create1(EPOLL_CLOEXEC); /* a set of one: its place stays */
		if (ear->fd >= 0)
			start(store);
	}
	return ear->fd;
}

enum rc postgres_woken(struct queue *q, bool *ret_any, struct err *err)
{
	struct postgres_store *store = postgres_store_of(q);
	struct postgres_ear *ear = &store->ear;
	(void)err;
	if (ear->state == EAR_CONNECTS)
		connect_on(store);
	else if (ear->state != EAR_CLOSED && PQconsumeInput(ear->conn) != 1)
		give_up(ear);
	if (ear->state == EAR_ASKS)
		take_answer(ear, ret_any);
	if (ear->state == EAR_LISTENS)
		hear(store, ret_any);
	return RC_OK;
}

void postgres_ear_tend(struct postgres_store *store)
{
	struct postgres_ear *ear = &store->ear;
	if (ear->fd < 0 || ear->state == EAR_LISTENS || clock_mono_ms() < ear->until_ms)
		return;
	if (ear->state == EAR_CLOSED)
		start(store);
	else
		give_up(ear);
}

void postgres_ear_done(struct postgres_ear *ear)
{
	stop(ear);
	if (ear->fd >= 0)
		(void)close(ear->fd);
	ear->fd = -1;
}
