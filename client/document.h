/* SPDX-License-Identifier: MIT */
/* A GraphQL document, as far as it has to be understood here: does it change anything? */
#ifndef MOONHOOK_CLIENT_DOCUMENT_H
#define MOONHOOK_CLIENT_DOCUMENT_H

#include <stdbool.h>

/* True where every operation in it is a query, for certain. Whatever else it may be, or where it
 * cannot be read, it counts as a change. */
bool document_reads(const char *text);

#endif
