/* SPDX-License-Identifier: MIT */
/* Statements of the work: our own writes and what they set off. Part of sqlite_sql.h. */
#ifndef MOONHOOK_QUEUE_SQLITE_SQL_LEDGER_H
#define MOONHOOK_QUEUE_SQLITE_SQL_LEDGER_H

/* clang-format off */
#define SQL_LEDGER(X)
/* clang-format on */

#endif
