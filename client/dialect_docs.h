/* SPDX-License-Identifier: MIT */
/*
 * What each operation becomes in the published dialect. The table is data, so that tests and
 * documentation can be held against it.
 *
 * X(operation, how, what)    how: native, emulated (by us, from documented requests) or refused
 */
#ifndef MOONHOOK_CLIENT_DIALECT_DOCS_H
#define MOONHOOK_CLIENT_DIALECT_DOCS_H

/* clang-format off */
#define DOCS_OPERATIONS(X) \
	X("get", "native", "GET /people/{id}") \
	X("get depth", "native", "related records come nested anyway") \
	X("get fields", "emulated", "the page shows fields only for lists: chosen here") \
	X("list where, all of", "native", "filter[field][op]: contains isNot=null gt gte lte eq; every answer is checked here") \
	X("list where, other operators", "emulated", "lt asks for lte; startsWith and endsWith for contains; the rest for everything; filtered here") \
	X("list where, any and none", "emulated", "filtered here") \
	X("list order", "native", "orderBy[field]=ASC|DESC") \
	X("list limit, after", "native", "limit, after") \
	X("list total", "refused", "not on that page: total is null") \
	X("list deleted", "refused", "the page has no way to list deleted records") \
	X("list fields", "emulated", "filters may need other fields than those chosen: chosen here") \
	X("create", "native", "POST /people; no id can be chosen, so after a lost answer the record is looked for by its data") \
	X("create_many", "native", "POST /batch/people; matched by position; after a lost answer each record is looked for") \
	X("ensure", "emulated", "list, then create; alike ones wait for each other") \
	X("update", "native", "PATCH /people/{id}") \
	X("update, ending a relation", "emulated", "{disconnect: true}, as connect's counterpart; the answer must show that it ended") \
	X("update, amount with a currency", "refused", "amounts are plain numbers on that page") \
	X("delete", "native", "DELETE /people/{id}, documented as restorable; the answer must have deletedAt") \
	X("duplicates by e-mail", "native", "POST /people/duplicates {email}") \
	X("duplicates by name, link or domain", "emulated", "lists filtered by equality") \
	X("duplicates of other objects", "emulated", "none: only people and companies have criteria") \
	X("merge", "native", "PATCH /people/merge {sourceId, targetId}, one by one") \
	X("merge preview", "refused", "the page has no way to try a merge out")
/* clang-format on */

#endif
