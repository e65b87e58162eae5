/* SPDX-License-Identifier: MIT */
/* UUIDs as Twenty writes them: 36 characters, lower case. Source of the format: RFC 9562. */
#ifndef MOONHOOK_BASE_UUID_H
#define MOONHOOK_BASE_UUID_H

#include <stdbool.h>

#include "base/err.h"
#include "base/slice.h"

#define UUID_N 36

struct uuid {
	char text[UUID_N + 1];
};

/* True for 8-4-4-4-12 hex digits of either case. */
bool uuid_valid(const char *text);
/* The same name gives the same UUID, on every machine and in every version of Moonhook: the shape
 * of version 5 over SHA-256 of name, so that validators of every age accept it. */
enum rc uuid_derive(struct slice name, struct uuid *ret_uuid) must_check;
/* A random one (version 4). */
enum rc uuid_new(struct uuid *ret_uuid, struct err *err) must_check;

#endif
