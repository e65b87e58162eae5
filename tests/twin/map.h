/* SPDX-License-Identifier: MIT */
/* A hash map from text to pointer. Neither keys nor values are owned. One thread. */
#ifndef MOONHOOK_TESTS_TWIN_MAP_H
#define MOONHOOK_TESTS_TWIN_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct map_slot {
	const char *key; /* NULL: free */
	void *value;
	uint64_t hash;
};

struct map {
	struct map_slot *slots; /* owned; a power of two of them, at most half in use */
	size_t cap, n;
};

void map_done(struct map *m);
/* The value, or NULL. */
void *map_find(const struct map *m, const char *key);
/* Puts or replaces. BORROWS key until map_remove. False when out of memory. */
bool map_put(struct map *m, const char *key, void *value) must_check;
void map_remove(struct map *m, const char *key);

#endif
