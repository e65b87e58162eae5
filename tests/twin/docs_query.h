/* SPDX-License-Identifier: MIT */
/* The documentation's query parameters, filter[email][contains]=x and its kin, as a page query. */
#ifndef MOONHOOK_TESTS_TWIN_DOCS_QUERY_H
#define MOONHOOK_TESTS_TWIN_DOCS_QUERY_H

#include "tests/twin/call.h"

/* Reads filter, orderBy, limit, after. */
bool docs_page_query(struct call *c, const struct object *o, struct page_query *ret,
	struct fail *fail) must_check;
/* Reads fields=id,email; NULL in *ret where it is missing. GIVES. */
bool docs_fields(
	struct call *c, const struct object *o, json_t **ret, struct fail *fail) must_check;

#endif
