/* SPDX-License-Identifier: MIT */
/* Statements of the work: what was last seen of each record. Part of sqlite_sql.h. */
#ifndef MOONHOOK_QUEUE_SQLITE_SQL_COPY_H
#define MOONHOOK_QUEUE_SQLITE_SQL_COPY_H

/* clang-format off */
#define SQL_COPY(X)
/* clang-format on */

#endif
