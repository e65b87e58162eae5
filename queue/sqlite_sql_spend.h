/* SPDX-License-Identifier: MIT */
/* Statements of the work: how much a rule has written. Part of sqlite_sql.h. */
#ifndef MOONHOOK_QUEUE_SQLITE_SQL_SPEND_H
#define MOONHOOK_QUEUE_SQLITE_SQL_SPEND_H

/* clang-format off */
#define SQL_SPEND(X)
/* clang-format on */

#endif
