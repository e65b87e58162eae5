/* SPDX-License-Identifier: MIT */
/*
 * Open addressing with linear probing; removal moves later entries back, so there are no
 * tombstones. From: store.c (ids and unique values). Fails only when out of memory, in map_put.
 */
#include "tests/twin/map.h"

#include <stdlib.h>
#include <string.h>

static uint64_t map_hash(const char *key)
{
	uint64_t h = 14695981039346656037u; /* FNV-1a */
	for (const unsigned char *p = (const unsigned char *)key; *p != 0; p++)
		h = (h ^ *p) * 1099511628211u;
	return h ^ (h >> 29);
}

void map_done(struct map *m)
{
	free(m->slots);
	*m = (struct map){0};
}

static size_t map_slot(const struct map *m, const char *key, uint64_t hash)
{
	size_t i = hash & (m->cap - 1);
	while (m->slots[i].key != NULL) {
		if (m->slots[i].hash == hash && strcmp(m->slots[i].key, key) == 0)
			break;
		i = (i + 1) & (m->cap - 1);
	}
	return i;
}

void *map_find(const struct map *m, const char *key)
{
	if (m->n == 0)
		return NULL;
	const struct map_slot *s = &m->slots[map_slot(m, key, map_hash(key))];
	return s->key != NULL ? s->value : NULL;
}

static bool map_grow(struct map *m)
{
	struct map bigger = {.cap = m->cap != 0 ? m->cap * 2 : 64, .n = m->n};
	bigger.slots = calloc(bigger.cap, sizeof(*bigger.slots));
	if (bigger.slots == NULL)
		return false;
	for (size_t i = 0; i < m->cap; i++) {
		if (m->slots[i].key == NULL)
			continue;
		bigger.slots[map_slot(&bigger, m->slots[i].key, m->slots[i].hash)] = m->slots[i];
	}
	free(m->slots);
	*m = bigger;
	return true;
}

bool map_put(struct map *m, const char *key, void *value)
{
	if ((m->n + 1) * 2 > m->cap && !map_grow(m))
		return false;
	uint64_t hash = map_hash(key);
	struct map_slot *s = &m->slots[map_slot(m, key, hash)];
	if (s->key == NULL)
		m->n++;
	*s = (struct map_slot){key, value, hash};
	return true;
}

void map_remove(struct map *m, const char *key)
{
	if (m->n == 0)
		return;
	size_t hole = map_slot(m, key, map_hash(key));
	if (m->slots[hole].key == NULL)
		return;
	m->n--;
	size_t mask = m->cap - 1;
	for (size_t i = (hole + 1) & mask; m->slots[i].key != NULL; i = (i + 1) & mask) {
		size_t home = m->slots[i].hash & mask;
		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		m->slots[hole] = m->slots[i];
		hole = i;
	}
	m->slots[hole] = (struct map_slot){0};
}
