/* SPDX-License-Identifier: MIT */
/* Statements of the work: pausing, issues, and what people do by hand. Part of sqlite_sql.h. */
#ifndef MOONHOOK_QUEUE_SQLITE_SQL_HAND_H
#define MOONHOOK_QUEUE_SQLITE_SQL_HAND_H

/* clang-format off */
#define SQL_HAND(X)
/* clang-format on */

#endif
