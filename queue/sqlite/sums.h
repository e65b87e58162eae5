/* SPDX-License-Identifier: MIT */
/* Page sums: what is read from a database is what was written to it. */
#ifndef MOONHOOK_QUEUE_SQLITE_SUMS_H
#define MOONHOOK_QUEUE_SQLITE_SUMS_H

#include <sqlite3.h>

/* Makes all connections of this process that are opened from now on write and check sums in files
 * that have room for them. Any thread, any number of times. SQLITE_OK, or what went wrong. */
int sums_start(void);
/* Gives a file room for them, before anything was written to it. */
int sums_reserve(sqlite3 *handle);

#endif
