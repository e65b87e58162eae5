/* SPDX-License-Identifier: MIT */
/*
 * What PostgreSQL's errors mean, for people: what happened, and whether it passes by itself.
 *
 * From: postgres/db.c, postgres/link.c. A handle that has met any of them is broken: what its
 * transaction has done is rolled back by the server, or was committed without our being told, which
 * unique ids settle. So all of them are RC_IO for whoever holds the handle; the sentence differs.
 * Of a connection that could not be made a person learns by RC_DENIED that waiting will not help.
 */
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/utf8.h"
#include "queue/postgres/db.h"

/* Classes and codes of SQLSTATE, PostgreSQL's manual, appendix A; the first that fits. %s: the name
 * of the server, then its words. */
static const struct {
	const char *state, *sentence;
} faults[] = {
	{"MH003", "%s: %s; a pooler in between has to keep one connection for each session "
		  "(session mode)"},
	{"MH00", "%s: %s; what this runner had claimed goes on elsewhere"},
	{"57P01", "%s has closed the connection (%s); it is asked again"},
	{"57P02", "%s has closed the connection (%s); it is asked again"},
	{"57P03", "%s takes no connections at the moment (%s); it is asked again"},
	{"08", "the connection to %s is lost (%s); it is asked again"},
	{"53100", "the disk of %s is full (%s); free space there"},
	{"53200", "%s is out of memory (%s)"},
	{"53300",
		"%s has no connection left (%s); raise its max_connections, or end what uses them"},
	{"53", "%s is short of something (%s)"},
	{"25006", "%s takes no writes (%s): is it a replica, or set read-only? `store` has to name "
		  "the primary"},
	{"25P03", "%s has waited too long for the rest of a transaction (%s)"},
	{"40001", "%s could not order what several did at once (%s); it is tried again"},
	{"40P01", "%s found two that waited for each other (%s); it is tried again"},
	{"55P03", "%s had a row locked for too long (%s); who holds it? pg_stat_activity tells"},
	{"57014", "%s took too long (%s); pg_stat_activity tells what it does"},
	{"42501", "%s does not permit it (%s); grant this user what the README lists"},
	{"26000", "%s does not know a statement that was prepared (%s); a pooler in between has to "
		  "keep one connection for each session"},
	{"58", "%s cannot read or write its files (%s); look into its log"},
	{"XX", "%s is damaged or failed inside (%s); look into its log"},
};

/* The first line of what the server or the library says. */
static void first_line(const char *text, char *out, size_t out_n)
{
	static const char *const heads[] = {"ERROR:  ", "FATAL:  ", "PANIC:  "};
	text = text != NULL ? text : "";
	for (size_t i = 0; i < ARRAY_N(heads); i++)
		if (strncmp(text, heads[i], strlen(heads[i])) == 0)
			text += strlen(heads[i]);
	size_t n = strcspn(text, "\n");
	snprintf(out, out_n, "%.*s", (int)(n < out_n ? n : out_n - 1), text);
	utf8_close(out);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* of the table above, and of nowhere else */
static void say(const char *state, const char *name, const char *why, char *out, size_t out_n)
{
	for (size_t i = 0; i < ARRAY_N(faults); i++)
		if (strncmp(state, faults[i].state, strlen(faults[i].state)) == 0) {
			snprintf(out, out_n, faults[i].sentence, name, why);
			return;
		}
	snprintf(out, out_n, "%s refuses a statement: %s (%s)", name, why, state);
}
#pragma GCC diagnostic pop

enum rc postgres_fault(struct postgres_link *link, const PGresult *result, struct err *err)
{
	const char *state = result != NULL ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
	char why[120], text[220];
	first_line(result != NULL ? PQresultErrorMessage(result) : PQerrorMessage(link->conn), why,
		sizeof(why));
	if (state == NULL) /* libpq's own words, or nobody's */
		state = PQstatus(link->conn) == CONNECTION_BAD ? "08006" : "no code";
	say(state, link->name, why[0] != '\0' ? why : "without a word", text, sizeof(text));
	return queue_break(link->owner, err, "%s", text);
}

/* A server speaks its own language, and libpq tells the SQLSTATE of a refusal only to who asks for
 * many words (postgres_dial). So both are known: states first, then words. What is neither counts
 * as something that passes. */
static const struct {
	const char *words, *hint;
} denied[] = {
	{"28", ""}, /* no password, no role, no line of pg_hba.conf that lets it in */
	{"3D000", ""},
	{"42501", ""},
	{"authentication failed", ""},
	{"does not exist", ""},
	{"no pg_hba.conf entry", ""},
	{"no password supplied", "; give one: database = { password = file \"..\" }"},
	{"is not permitted to log in", ""},
	{"permission denied", ""},
	{"does not support SSL", ""},
	{"certificate verify failed",
		"; has it expired, or is it of an authority that sslrootcert does not hold?"},
	{"root certificate file", ""},
	{"server certificate for", "; `store` has to name it as the certificate does"},
	{"SSL error:", "; is it the server, and the authority (sslrootcert), that is meant?"},
};

enum { STATE_N = 5, DENIED_STATES_N = 3 };

/* Where a line holds "<severity>:  <SQLSTATE>: ", the second of it; NULL: it does not. */
static const char *state_in(const char *line)
{
	static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	const char *at = memmem(line, strcspn(line, "\n"), ":  ", 3);
	if (at == NULL)
		return NULL;
	at += 3;
	return strspn(at, letters) == STATE_N && at[STATE_N] == ':' ? at : NULL;
}

static bool is_denied(size_t i, const char *line, size_t n)
{
	const char *state = state_in(line), *words = denied[i].words;
	if (i < DENIED_STATES_N)
		return state != NULL && strncmp(state, words, strlen(words)) == 0;
	return memmem(line, n, words, strlen(words)) != NULL;
}

/* Which of them a line is, -1: none. A server that dies during the handshake is no liar. */
static int denied_by(const char *line)
{
	static const char cut[] = "unexpected eof";
	size_t n = strcspn(line, "\n");
	if (memmem(line, n, cut, strlen(cut)) != NULL)
		return -1;
	for (size_t i = 0; i < ARRAY_N(denied); i++)
		if (is_denied(i, line, n))
			return (int)i;
	return -1;
}

/* A server has refused, in words that are not known. */
static bool is_foreign(const PGconn *conn)
{
	const char *text = PQerrorMessage(conn);
	for (const char *at = text; at[0] != '\0'; at += strcspn(at, "\n"), at += at[0] == '\n')
		if (denied_by(at) >= 0)
			return false;
	return strstr(text, ":  ") != NULL; /* libpq has one space there */
}

PGconn *postgres_dial(const char *const *keys, const char *const *values)
{
	PGconn *conn = PQconnectdbParams(keys, values, 1);
	if (conn == NULL || PQstatus(conn) == CONNECTION_OK || !is_foreign(conn))
		return conn;
	(void)PQsetErrorVerbosity(conn, PQERRORS_VERBOSE);
	PQreset(conn);
	(void)PQsetErrorVerbosity(conn, PQERRORS_DEFAULT);
	return conn;
}

/* People need no number that their words say. */
static void first_words(const char *line, char *out, size_t out_n)
{
	first_line(line, out, out_n);
	char *state = strstr(out, ":  ");
	if (state != NULL && state_in(out) != NULL)
		memmove(state + 3, state + 3 + STATE_N + 2, strlen(state + 3 + STATE_N + 1));
}

/* One line for each place that was tried: a host may have several, of which some do not listen. Of
 * several hosts, though, one that is away may be the one that would not refuse. */
enum rc postgres_refused(struct postgres_link *link, bool several, struct err *err)
{
	static const char attempt[] = "connection to server";
	const char *at = PQerrorMessage(link->conn), *line = at;
	int by = -1;
	bool all = true;
	char why[160];
	for (; at[0] != '\0'; at += strcspn(at, "\n"), at += at[0] == '\n') {
		int one = denied_by(at);
		if (one >= 0 && by < 0)
			line = at;
		all = all && (one >= 0 || strncmp(at, attempt, strlen(attempt)) != 0);
		by = by >= 0 ? by : one;
	}
	first_words(line, why, sizeof(why));
	if (by >= 0 && (all || !several))
		return err_set(err, RC_DENIED, "%s refuses the connection: %s%s", link->name, why,
			denied[by].hint);
	const char *state = state_in(line);
	bool crowded = (state != NULL && strncmp(state, "53300", STATE_N) == 0) ||
		       strstr(line, "too many clients") != NULL ||
		       strstr(line, "remaining connection slots") != NULL;
	return err_set(err, RC_IO, "%s cannot be reached: %s%s", link->name, why,
		crowded ? "; raise its max_connections, or end what uses them" : "");
}
