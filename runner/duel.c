/* SPDX-License-Identifier: MIT */
/*
 * Is the other program answering us?
 * From: echo_chain.c, changes by other programs that a rule is to run for. To: its verdict. Pure,
 * but for the table: times come from outside.
 */
#include "runner/duel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/event.h"
#include "runner/ruleset.h"

#define SLACK_MS 250 /* machines are busy at times */

struct duel {
	char rule[RULESET_NAME_MAX + 1], record[EVENT_RECORD_N];
	uint64_t turn; /* when it was last looked at; 0: free */
	uint64_t fields;
	int rounds;                     /* of theirs, each after one of ours */
	int extra;                      /* of theirs, without one of ours before */
	int proofs;                     /* answers after a silence */
	int64_t own_at_ms;              /* of ours that the last one followed */
	int64_t gap_min_ms, gap_max_ms; /* from ours to theirs */
	bool holding;                   /* a run waits */
	bool silent;                    /* our last one came after a silence */
	bool free;                      /* it is an importer, or the like */
};

static struct duel *find(struct duels *duels, const char *rule, const char *record)
{
	for (size_t i = 0; duels->list != NULL && i < DUEL_N; i++) {
		struct duel *d = &duels->list[i];
		if (d->turn != 0 && strcmp(d->record, record) == 0 && strcmp(d->rule, rule) == 0)
			return d;
	}
	return NULL;
}

/* The place of the one that was not seen for the longest time. NULL: no memory. */
static struct duel *place(struct duels *duels)
{
	if (duels->list == NULL)
		duels->list = calloc(DUEL_N, sizeof(*duels->list));
	struct duel *oldest = duels->list;
	for (size_t i = 1; oldest != NULL && i < DUEL_N; i++)
		if (duels->list[i].turn < oldest->turn)
			oldest = &duels->list[i];
	return oldest;
}

static void begin(struct duels *duels, struct duel *d, const struct duel_event *e)
{
	int64_t gap = e->at_ms - e->own_at_ms;
	if (d == NULL)
		d = place(duels);
	if (d == NULL)
		return;
	*d = (struct duel){.turn = ++duels->turn,
		.fields = e->fields,
		.rounds = 1,
		.own_at_ms = e->own_at_ms,
		.gap_min_ms = gap,
		.gap_max_ms = gap};
	snprintf(d->rule, sizeof(d->rule), "%s", e->rule);
	snprintf(d->record, sizeof(d->record), "%s", e->record);
}

/* Who has a clock of his own comes sooner after ours, the longer we waited; who stopped for a while
 * comes later. */
static bool is_as_fast(const struct duel *d, int64_t gap)
{
	return (gap + SLACK_MS) * 10 >= d->gap_min_ms * 6 && gap <= 2 * d->gap_max_ms + SLACK_MS;
}

static void widen(struct duel *d, int64_t gap)
{
	d->gap_min_ms = gap < d->gap_min_ms ? gap : d->gap_min_ms;
	d->gap_max_ms = gap > d->gap_max_ms ? gap : d->gap_max_ms;
}

static enum duel_verdict go_on(struct duel *d, const struct duel_event *e)
{
	int64_t gap = e->at_ms - e->own_at_ms;
	if (e->own_at_ms <= d->own_at_ms) {
		d->free = ++d->extra > 1;
		return DUEL_FIRE;
	}
	d->own_at_ms = e->own_at_ms;
	d->rounds++;
	d->free = d->silent && !is_as_fast(d, gap);
	d->proofs += d->silent;
	d->silent = false;
	if (d->free)
		return DUEL_FIRE;
	widen(d, gap);
	if (d->proofs >= DUEL_PROOFS)
		return DUEL_LOOP;
	d->holding = d->rounds >= DUEL_ROUNDS;
	return d->holding ? DUEL_HOLD : DUEL_FIRE;
}

enum duel_verdict duel_judge(struct duels *duels, const struct duel_event *event)
{
	struct duel *d = find(duels, event->rule, event->record);
	bool answers = event->own_at_ms > 0 && event->own_at_ms < event->at_ms &&
		       event->at_ms - event->own_at_ms <= DUEL_WINDOW_MS;
	if (d != NULL && d->free) {
		d->turn = ++duels->turn;
		return DUEL_FIRE;
	}
	if (d != NULL && d->holding && event->fields == d->fields) { /* in our silence */
		d->free = ++d->extra > 1;
		return DUEL_FIRE;
	}
	if (!answers) {
		if (d != NULL)
			*d = (struct duel){.turn = 0};
		return DUEL_FIRE;
	}
	if (d == NULL || d->fields != event->fields) {
		begin(duels, d, event);
		return DUEL_FIRE;
	}
	d->turn = ++duels->turn;
	enum duel_verdict verdict = go_on(d, event);
	if (verdict == DUEL_LOOP)
		*d = (struct duel){.turn = 0};
	return verdict;
}

bool duel_holds(struct duels *duels, const char *rule, const char *record)
{
	const struct duel *d = find(duels, rule, record);
	return d != NULL && d->holding;
}

void duel_go_on(struct duels *duels, const char *rule, const char *record)
{
	struct duel *d = find(duels, rule, record);
	if (d == NULL || !d->holding)
		return;
	d->holding = false;
	d->silent = !d->free;
}

void duel_drop(struct duels *duels, const char *rule, const char *record)
{
	struct duel *d = find(duels, rule, record);
	if (d != NULL)
		*d = (struct duel){.turn = 0};
}

void duels_done(struct duels *duels)
{
	free(duels->list);
	*duels = (struct duels){0};
}
