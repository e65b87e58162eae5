/* SPDX-License-Identifier: MIT */
/* Statements of the work: events that are one run. Part of sqlite_sql.h. */
#ifndef MOONHOOK_QUEUE_SQLITE_SQL_JOIN_H
#define MOONHOOK_QUEUE_SQLITE_SQL_JOIN_H

/* clang-format off */
#define SQL_JOIN(X)
/* clang-format on */

#endif
