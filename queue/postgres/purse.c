/* SPDX-License-Identifier: MIT */
/*
 * The one budget of all runners: a row, and a connection that nobody waits for.
 *
 * From: queue_purse_*. To: the function purse_swap of the schema, one question at a time, each a
 * transaction of its own: it waits for no work of others, and holds none up. The row is an ordinary
 * one, confirmed as deliveries are: an unlogged one would be empty after a crash, and then either
 * a budget is spent twice or all have to wait for a minute. The connection is made when it is first
 * needed and again when it is lost or silent. A question whose answer was lost is not repeated:
 * what is in the row says whether it was carried out.
 */
#include <endian.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/clock.h"
#include "queue/postgres/postgres.h"

#define PATIENCE_MS 5000 /* for a connection, and for an answer */
#define AGAIN_MS 500     /* before another connection is tried */
#define LOOK (-1)        /* the version of nothing */

enum purse_state { PURSE_OFF, PURSE_CONNECTING, PURSE_SETTING, PURSE_IDLE, PURSE_ASKED };

struct postgres_purse {
	PGconn *conn;
	int fd, socket;
	enum purse_state state;
	int64_t until_ms;  /* mono: of what is under way */
	int64_t again_ms;  /* mono: not before that */
	bool wanted, lost; /* an answer is; the question may have been carried out */
	int64_t version;
	char bytes[QUEUE_PURSE_MAX];
	size_t n;
	PGresult *answer; /* lent out */
};

/* --- the connection --------------------------------------------------------------------------- */

static void watch(struct postgres_purse *p, uint32_t events)
{
	struct epoll_event event = {.events = events};
	if (p->socket >= 0)
		(void)epoll_ctl(p->fd, EPOLL_CTL_DEL, p->socket, NULL);
	p->socket = p->conn != NULL ? PQsocket(p->conn) : -1;
	if (p->socket >= 0)
		(void)epoll_ctl(p->fd, EPOLL_CTL_ADD, p->socket, &event);
}

static void hang_up(struct postgres_purse *p)
{
	if (p->socket >= 0)
		(void)epoll_ctl(p->fd, EPOLL_CTL_DEL, p->socket, NULL);
	p->lost = p->lost || p->state == PURSE_ASKED;
	p->socket = -1;
	PQfinish(p->conn);
	p->conn = NULL;
	p->state = PURSE_OFF;
	p->again_ms = clock_mono_ms() + AGAIN_MS;
}

static enum rc lose(struct postgres_purse *p, const char *why, struct err *err)
{
	char text[160];
	snprintf(text, sizeof(text), "%s", why);
	text[strcspn(text, "\n")] = '\0';
	hang_up(p);
	return err_set(err, RC_BUSY,
		"the API budget of all runners cannot be asked for (%s): nothing is sent to Twenty "
		"until it can; it is tried again",
		text[0] != '\0' ? text : "the connection to the database is lost");
}

static void begin(struct postgres_purse *p, enum purse_state state)
{
	p->state = state;
	p->until_ms = clock_mono_ms() + PATIENCE_MS;
}

static enum rc call(struct postgres_store *store, struct err *err)
{
	struct postgres_purse *p = store->purse;
	p->conn = postgres_connect_again(store->link.conn);
	begin(p, PURSE_CONNECTING);
	if (p->conn == NULL || PQstatus(p->conn) == CONNECTION_BAD)
		return lose(p, p->conn != NULL ? PQerrorMessage(p->conn) : "no memory", err);
	watch(p, EPOLLOUT);
	return RC_OK;
}

/* --- one thing after the other ---------------------------------------------------------------- */

/* Nothing of ours is longer than what a socket takes at once, or else the rest goes with the next
 * step. */
static enum rc sent(struct postgres_purse *p, int ok, enum purse_state state, struct err *err)
{
	if (ok != 1)
		return lose(p, PQerrorMessage(p->conn), err);
	begin(p, state);
	int left = PQflush(p->conn);
	if (left < 0)
		return lose(p, PQerrorMessage(p->conn), err);
	watch(p, left > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN);
	return RC_OK;
}

static enum rc connect_on(struct postgres_store *store, struct err *err)
{
	struct postgres_purse *p = store->purse;
	char set[200];
	/* It may be asked only when its socket says so. */
	struct pollfd ready = {.fd = p->fd, .events = POLLIN};
	if (poll(&ready, 1, 0) <= 0)
		return RC_OK;
	PostgresPollingStatusType now = PQconnectPoll(p->conn);
	if (now == PGRES_POLLING_READING || now == PGRES_POLLING_WRITING) {
		watch(p, now == PGRES_POLLING_READING ? EPOLLIN : EPOLLOUT);
		return RC_OK;
	}
	if (now != PGRES_POLLING_OK || PQsetnonblocking(p->conn, 1) != 0)
		return lose(p, PQerrorMessage(p->conn), err);
	snprintf(set, sizeof(set), "SET search_path = \"%s\"; SET statement_timeout = %d",
		store->schema, PATIENCE_MS);
	return sent(p, PQsendQuery(p->conn, set), PURSE_SETTING, err);
}

static enum rc ask(struct postgres_purse *p, struct err *err)
{
	uint64_t version = htobe64((uint64_t)(p->lost ? LOOK : p->version));
	const char *values[2] = {(const char *)&version, p->bytes};
	int lengths[2] = {8, (int)p->n}, formats[2] = {1, 1};
	static const Oid types[2] = {20, 17}; /* bigint, bytea */
	return sent(p,
		PQsendQueryParams(p->conn,
			"SELECT swapped, version, state, now_ms FROM purse_swap($1, $2)", 2, types,
			values, lengths, formats, 1),
		PURSE_ASKED, err);
}

static int64_t number(const PGresult *result, int column)
{
	if (PQgetisnull(result, 0, column) != 0 || PQgetlength(result, 0, column) != 8)
		return 0;
	uint64_t big;
	memcpy(&big, PQgetvalue(result, 0, column), sizeof(big));
	return (int64_t)be64toh(big);
}

static void read_answer(
	struct postgres_purse *p, PGresult *result, struct queue_purse_answer *ret_answer)
{
	bool swapped = PQgetvalue(result, 0, 0)[0] != 0;
	int64_t version = number(result, 1);
	size_t n = PQgetisnull(result, 0, 2) != 0 ? 0 : (size_t)PQgetlength(result, 0, 2);
	const char *state = PQgetvalue(result, 0, 2);
	/* What was lost with its answer: is it there? No two proposals are alike. */
	if (p->lost && p->version >= 0 && version == p->version + 1 && n == p->n &&
		memcmp(state, p->bytes, n) == 0)
		swapped = true;
	*ret_answer = (struct queue_purse_answer){swapped, version, {state, n}, number(result, 3)};
	p->wanted = p->lost = false;
	p->answer = result;
}

/* It waited too long for another, or the server is short of something: it is asked again. */
static bool is_passing(PGresult *result)
{
	static const char *const states[] = {"57014", "55P03", "25006", "40", "53"};
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	for (size_t i = 0; state != NULL && i < ARRAY_N(states); i++)
		if (strncmp(state, states[i], strlen(states[i])) == 0)
			return true;
	return false;
}

/* The server says no: not the way, but what we are there. */
static enum rc refuse(struct postgres_purse *p, PGresult *result, struct err *err)
{
	char text[160];
	const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
	/* It ends the connection, whether or not that has come here yet. */
	bool ends = severity == NULL || strcmp(severity, "ERROR") != 0 || is_passing(result);
	snprintf(text, sizeof(text), "%s", primary != NULL ? primary : "no reason");
	PQclear(result);
	if (ends || PQstatus(p->conn) == CONNECTION_BAD)
		return lose(p, text, err);
	hang_up(p);
	return err_set(err, RC_IO, "the database refuses the API budget of all runners: %s", text);
}

static enum rc take(struct postgres_purse *p, struct queue_purse_answer *ret_answer, bool *ret_any,
	struct err *err)
{
	if (PQconsumeInput(p->conn) != 1 || PQflush(p->conn) < 0)
		return lose(p, PQerrorMessage(p->conn), err);
	while (PQisBusy(p->conn) == 0) {
		PGresult *result = PQgetResult(p->conn);
		if (result == NULL) {
			p->state = PURSE_IDLE;
			return RC_OK;
		}
		ExecStatusType status = PQresultStatus(result);
		if (status == PGRES_TUPLES_OK && p->state == PURSE_ASKED && p->answer == NULL &&
			PQntuples(result) == 1) {
			read_answer(p, result, ret_answer);
			*ret_any = true;
		} else if (status == PGRES_COMMAND_OK) {
			PQclear(result);
		} else {
			return refuse(p, result, err);
		}
	}
	watch(p, EPOLLIN);
	return RC_OK;
}

enum rc postgres_purse_step(
	struct queue *q, struct queue_purse_answer *ret_answer, bool *ret_any, struct err *err)
{
	struct postgres_store *store = postgres_store_of(q);
	struct postgres_purse *p = store->purse;
	int64_t now_ms = clock_mono_ms();
	enum rc rc = RC_OK;
	if (p == NULL)
		return RC_OK;
	PQclear(p->answer);
	p->answer = NULL;
	if (p->state == PURSE_OFF && p->wanted && now_ms >= p->again_ms)
		rc = call(store, err);
	else if (p->state == PURSE_CONNECTING)
		rc = connect_on(store, err);
	else if (p->state != PURSE_OFF)
		rc = take(p, ret_answer, ret_any, err);
	if (rc == RC_OK && p->state == PURSE_IDLE && p->wanted)
		rc = ask(p, err);
	bool waits = p->state != PURSE_OFF && p->state != PURSE_IDLE;
	if (rc == RC_OK && waits && now_ms > p->until_ms)
		rc = lose(p, "no answer", err);
	return rc == RC_BUSY && !p->wanted ? RC_OK : rc;
}

/* --- the door --------------------------------------------------------------------------------- */

int postgres_purse_fd(struct queue *q)
{
	struct postgres_store *store = postgres_store_of(q);
	if (store->purse != NULL)
		return store->purse->fd;
	struct postgres_purse *p = calloc(1, sizeof(*p));
	if (p == NULL)
		return -1;
	p->socket = -1;
	p->fd = epoll_create1(EPOLL_CLOEXEC);
	if (p->fd < 0) {
		free(p);
		return -1;
	}
	store->purse = p;
	return p->fd;
}

void postgres_purse_swap(struct queue *q, int64_t version, struct slice state)
{
	struct postgres_purse *p = postgres_store_of(q)->purse;
	struct err err;
	if (p == NULL || state.n > sizeof(p->bytes))
		return;
	p->version = version;
	p->n = state.n;
	if (state.n > 0)
		memcpy(p->bytes, state.p, state.n);
	p->wanted = true;
	p->lost = false;
	if (p->state == PURSE_OFF && clock_mono_ms() >= p->again_ms) {
		if (call(postgres_store_of(q), &err) != RC_OK)
			return; /* the next step tries it again */
	} else if (p->state == PURSE_IDLE && ask(p, &err) != RC_OK) {
		p->lost = true; /* part of it may be on its way */
	}
}

void postgres_purse_done(struct postgres_store *store)
{
	struct postgres_purse *p = store->purse;
	if (p == NULL)
		return;
	PQclear(p->answer);
	hang_up(p);
	(void)close(p->fd);
	free(p);
	store->purse = NULL;
}
