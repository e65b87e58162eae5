/* SPDX-License-Identifier: MIT */
/* Statements of the work: filling gaps. Part of sqlite_sql.h. */
#ifndef MOONHOOK_QUEUE_SQLITE_SQL_GAP_H
#define MOONHOOK_QUEUE_SQLITE_SQL_GAP_H

/* clang-format off */
#define SQL_GAP(X)
/* clang-format on */

#endif
