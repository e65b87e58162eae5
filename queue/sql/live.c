/* SPDX-License-Identifier: MIT */
/*
 * A small hash table of the claimed runs.
 * From: sql/claim.c, sql/route.c (put), sql/finish.c (find, delete). As many entries as
 * runs are at work, a few hundred. Holds no truth: an entry that is missing is read from the file.
 */
#include "queue/sql/live.h"

#include <stdlib.h>

static size_t home(const struct live *live, int64_t seq)
{
	return (size_t)((uint64_t)seq * 0x9e3779b97f4a7c15u >> 32) & (live->cap - 1);
}

void live_done(struct live *live)
{
	free(live->places);
	*live = (struct live){0};
}

struct live_run *live_find(const struct live *live, int64_t seq)
{
	if (live->n == 0)
		return NULL;
	for (size_t i = home(live, seq); live->places[i].seq != 0; i = (i + 1) & (live->cap - 1))
		if (live->places[i].seq == seq)
			return &live->places[i];
	return NULL;
}

static void insert(struct live *live, const struct live_run *run)
{
	size_t i = home(live, run->seq);
	while (live->places[i].seq != 0)
		i = (i + 1) & (live->cap - 1);
	live->places[i] = *run;
	live->n++;
}

enum rc live_put(struct live *live, const struct live_run *run, struct err *err)
{
	if ((live->n + 1) * 2 > live->cap) {
		struct live old = *live;
		size_t cap = old.cap > 0 ? old.cap * 2 : 64;
		struct live_run *places = calloc(cap, sizeof(*places));
		if (places == NULL)
			return err_set(err, RC_NOMEM, "out of memory for claimed runs");
		*live = (struct live){places, cap, 0};
		for (size_t i = 0; i < old.cap; i++)
			if (old.places[i].seq != 0)
				insert(live, &old.places[i]);
		free(old.places);
	}
	insert(live, run);
	return RC_OK;
}

void live_delete(struct live *live, int64_t seq)
{
	struct live_run *run = live_find(live, seq);
	if (run == NULL)
		return;
	size_t mask = live->cap - 1, i = (size_t)(run - live->places);
	for (size_t j = (i + 1) & mask; live->places[j].seq != 0; j = (j + 1) & mask) {
		size_t wants = home(live, live->places[j].seq);
		if (((j - wants) & mask) >= ((j - i) & mask)) {
			live->places[i] = live->places[j];
			i = j;
		}
	}
	live->places[i].seq = 0;
	live->n--;
}

bool live_holds(const struct live *live, int64_t key, int64_t but)
{
	for (size_t i = 0; i < live->cap; i++) {
		const struct live_run *run = &live->places[i];
		if (run->seq == 0 || run->seq == but)
			continue;
		for (size_t k = 0; k < HOLD_KEYS_N; k++)
			if (run->keys.key[k] == key)
				return true;
	}
	return false;
}
