/* SPDX-License-Identifier: MIT */
/* Statements of the work: timers and the clock of rules. Part of sqlite_sql.h. */
#ifndef MOONHOOK_QUEUE_SQLITE_SQL_TIMER_H
#define MOONHOOK_QUEUE_SQLITE_SQL_TIMER_H

/* clang-format off */
#define SQL_TIMER(X)
/* clang-format on */

#endif
