/* SPDX-License-Identifier: MIT */
/*
 * Telling everybody that there is something to do: LISTEN and NOTIFY on a channel that is named as
 * the schema.
 *
 * From: queue_wake_fd, queue_woken; postgres_inbox.c and the commit of work, which tell. To: a
 * connection of its own, opened when a runner first asks for it; what it hears has no content. It
 * only saves waiting: where the connection fails nothing is said about it, and polling finds all
 * of it, too. It is not opened again: the handle's own connection will have had the same trouble.
 */
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "queue/postgres.h"

/* Somebody may watch ear->fd: it stays open, and is never readable again. */
static void stop(struct postgres_ear *ear)
{
	if (ear->conn != NULL && ear->fd >= 0)
		(void)epoll_ctl(ear->fd, EPOLL_CTL_DEL, PQsocket(ear->conn), NULL);
	PQfinish(ear->conn);
	ear->conn = NULL;
}

/* Same server, same user: what libpq has made of the address. */
static PGconn *connect_again(PGconn *other)
{
	const char *keys[64], *values[64];
	size_t n = 0;
	PQconninfoOption *options = PQconninfo(other);
	for (PQconninfoOption *o = options; o != NULL && o->keyword != NULL; o++) {
		if (o->val == NULL || o->val[0] == '\0' || n + 1 >= ARRAY_N(keys))
			continue;
		keys[n] = o->keyword;
		values[n++] = o->val;
	}
	keys[n] = values[n] = NULL;
	PGconn *conn = options != NULL ? PQconnectdbParams(keys, values, 0) : NULL;
	PQconninfoFree(options);
	return conn;
}

static void hush(void *ctx, const char *message)
{
	(void)ctx, (void)message;
}

static bool listen_to(PGconn *conn, const char *schema)
{
	char sql[120];
	if (conn == NULL || PQstatus(conn) != CONNECTION_OK)
		return false;
	(void)PQsetNoticeProcessor(conn, hush, NULL);
	snprintf(sql, sizeof(sql), "LISTEN \"%s\"", schema);
	PGresult *result = PQexec(conn, sql);
	bool listens = PQresultStatus(result) == PGRES_COMMAND_OK;
	PQclear(result);
	return listens;
}

/* A set of one: the socket may go, its place stays. */
static bool watch(struct postgres_ear *ear)
{
	struct epoll_event event = {.events = EPOLLIN};
	ear->fd = epoll_create1(EPOLL_CLOEXEC);
	return ear->fd >= 0 && epoll_ctl(ear->fd, EPOLL_CTL_ADD, PQsocket(ear->conn), &event) == 0;
}

static void start(struct postgres_store *store)
{
	struct postgres_ear *ear = &store->ear;
	ear->tried = true;
	ear->conn = connect_again(store->link.conn);
	if (!listen_to(ear->conn, store->schema) || !watch(ear))
		stop(ear);
}

int postgres_wake_fd(struct queue *q)
{
	struct postgres_store *store = postgres_store_of(q);
	if (!store->ear.tried && q->side == QUEUE_RUNNER && !atomic_load(&q->broken))
		start(store);
	return store->ear.fd;
}

enum rc postgres_woken(struct queue *q, bool *ret_any, struct err *err)
{
	struct postgres_ear *ear = &postgres_store_of(q)->ear;
	PGnotify *told;
	(void)err;
	if (ear->conn != NULL && PQconsumeInput(ear->conn) != 1)
		stop(ear);
	while (ear->conn != NULL && (told = PQnotifies(ear->conn)) != NULL) {
		*ret_any = true;
		PQfreemem(told);
	}
	return RC_OK;
}

void postgres_ear_done(struct postgres_ear *ear)
{
	stop(ear);
	if (ear->fd >= 0)
		(void)close(ear->fd);
	ear->fd = -1;
}
