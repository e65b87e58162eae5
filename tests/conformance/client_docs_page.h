/* SPDX-License-Identifier: MIT */
/* How many examples of the published documentation an operation is held against. */
#ifndef MOONHOOK_TESTS_CONFORMANCE_CLIENT_DOCS_PAGE_H
#define MOONHOOK_TESTS_CONFORMANCE_CLIENT_DOCS_PAGE_H

#include "client/client.h"

int client_docs_page_rows(enum client_op op);

#endif
