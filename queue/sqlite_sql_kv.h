/* SPDX-License-Identifier: MIT */
/* Statements of the work: what rules keep. Part of sqlite_sql.h. */
#ifndef MOONHOOK_QUEUE_SQLITE_SQL_KV_H
#define MOONHOOK_QUEUE_SQLITE_SQL_KV_H

/* clang-format off */
#define SQL_KV(X)
/* clang-format on */

#endif
