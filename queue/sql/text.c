/* SPDX-License-Identifier: MIT */
/*
 * The text of the statements and of the migrations, as data.
 * From: sqlite/db.c, which prepares them. A migration is never changed once released: the next
 * version is a new file, inbox_2.sql, behind the others in its table.
 */
#include "queue/sql/text.h"

static const char inbox_1[] = {
#include "queue/sqlite/inbox_1.sql.inc"
	0};
static const char work_1[] = {
#include "queue/sqlite/work_1.sql.inc"
	0};

static const char work_2[] = {
#include "queue/sqlite/work_2.sql.inc"
	0};
static const char work_3[] = {
#include "queue/sqlite/work_3.sql.inc"
	0};
static const char work_4[] = {
#include "queue/sqlite/work_4.sql.inc"
	0};
static const char work_5[] = {
#include "queue/sqlite/work_5.sql.inc"
	0};
static const char work_6[] = {
#include "queue/sqlite/work_6.sql.inc"
	0};
static const char work_7[] = {
#include "queue/sqlite/work_7.sql.inc"
	0};
static const char work_8[] = {
#include "queue/sqlite/work_8.sql.inc"
	0};
static const char work_9[] = {
#include "queue/sqlite/work_9.sql.inc"
	0};
static const char work_10[] = {
#include "queue/sqlite/work_10.sql.inc"
	0};
static const char work_11[] = {
#include "queue/sqlite/work_11.sql.inc"
	0};
static const char work_12[] = {
#include "queue/sqlite/work_12.sql.inc"
	0};
static const char work_13[] = {
#include "queue/sqlite/work_13.sql.inc"
	0};
static const char *const inbox_migrations[] = {inbox_1};
static const char *const work_migrations[] = {work_1, work_2, work_3, work_4, work_5, work_6,
	work_7, work_8, work_9, work_10, work_11, work_12, work_13};

#define X(name, text) [name] = text,
static const char *const inbox_sql[] = {SQL_COMMON(X) SQL_INBOX(X)};
static const char *const work_sql[] = {SQL_COMMON(X) SQL_WORK(X) SQL_COPY(X) SQL_LEDGER(X) SQL_GAP(
	X) SQL_HAND(X) SQL_JOIN(X) SQL_TIMER(X) SQL_KV(X) SQL_SPEND(X) SQL_RENAME(X)};
#undef X

const struct db_form db_inbox_form = {
	.name = "inbox.db",
	.application_id = 0x4d486962, /* "MHib" */
	.migrations = inbox_migrations,
	.version = ARRAY_N(inbox_migrations),
	.sql = inbox_sql,
	.sql_n = SQL_INBOX_N,
};

const struct db_form db_work_form = {
	.name = "work.db",
	.application_id = 0x4d48776b, /* "MHwk" */
	.migrations = work_migrations,
	.version = ARRAY_N(work_migrations),
	.sql = work_sql,
	.sql_n = SQL_WORK_N,
};
