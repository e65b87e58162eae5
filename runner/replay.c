/* SPDX-License-Identifier: MIT */
/*
 * What of a stored journal counts.
 * From: journal.c. Calls of branches are put in the order of their paths and walked twice: from the
 * end, to learn which have an effect behind them, and from the start, to learn which have a failure
 * in front of them. Paths come from workers, so any text is taken; their depth is bounded by their
 * length. Fails when memory is short.
 */
#include "runner/replay.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runner/scan.h"

struct item {
	const struct queue_call *call;
	size_t i; /* in order of recording */
	bool happened, unknown, failed;
	bool effect_behind;
	bool anew; /* its branch asked to be tried later for what it saw */
	enum replay_fate fate;
};

struct range { /* of items in the order of their paths, alike in their first parts */
	struct item *items;
	size_t n;
	int depth; /* parts in which they are alike */
};

struct before {           /* what is in front of a call */
	bool failed;      /* a failure that is made again */
	int64_t ended_ms; /* wall: the latest answer */
};

bool replay_unknown(const struct queue_call *call)
{
	json_t *error = NULL;
	if (call->code == RC_OK || scan_parse(call->answer, &error, NULL) != RC_OK)
		return false;
	bool unknown = json_is_true(json_object_get(error, "unknown"));
	json_decref(error);
	return unknown;
}

static struct item item_of(const struct queue_call *c, size_t i)
{
	struct item item = {.call = c, .i = i};
	item.unknown = c->effect && c->answer.n != 0 && replay_unknown(c);
	item.happened = c->effect && (c->answer.n == 0 || c->code == RC_OK || item.unknown);
	item.failed = c->answer.n != 0 && c->code != RC_OK;
	return item;
}

/* --- paths ----------------------------------------------------------------------------------- */

/* The part of a path at this depth; 0 where it has none. */
static uint64_t part_of(const char *path, int depth)
{
	for (; depth > 0 && path != NULL; depth--) {
		path = strchr(path, '.');
		path = path != NULL ? path + 1 : NULL;
	}
	return path != NULL ? strtoull(path, NULL, 10) : 0;
}

static int parts_n(const char *path)
{
	int n = 1;
	for (; *path != '\0'; path++)
		n += *path == '.';
	return n;
}

static int compare(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	int n = parts_n(x->call->path), m = parts_n(y->call->path);
	for (int i = 0; i < n || i < m; i++) {
		uint64_t p = part_of(x->call->path, i), q = part_of(y->call->path, i);
		if (p != q)
			return p < q ? -1 : 1;
	}
	return 0;
}

/* How many items from the start (or the end) of the range have the same next part. */
static size_t count_first(const struct range *r)
{
	uint64_t part = part_of(r->items[0].call->path, r->depth);
	size_t n = 1;
	while (n < r->n && part_of(r->items[n].call->path, r->depth) == part)
		n++;
	return n;
}

static size_t count_last(const struct range *r)
{
	uint64_t part = part_of(r->items[r->n - 1].call->path, r->depth);
	size_t n = 1;
	while (n < r->n && part_of(r->items[r->n - 1 - n].call->path, r->depth) == part)
		n++;
	return n;
}

/* The items of the range that are one call, not a block: they come first. */
static size_t count_calls(const struct range *r)
{
	size_t n = 0;
	while (n < r->n && parts_n(r->items[n].call->path) <= r->depth)
		n++;
	return n;
}

/* --- from the end: effects behind ------------------------------------------------------------ */

/* The calls of one branch. effect: one comes behind it. Answers whether one is in it or behind. */
static bool look_back(struct range r, bool effect)
{
	while (r.n > 0) {
		size_t n = count_last(&r);
		struct range block = {r.items + r.n - n, n, r.depth + 1};
		bool inside = false;
		size_t calls = count_calls(&block);
		r.n -= n;
		for (struct range left = {block.items + calls, n - calls, block.depth};
			left.n > 0;) {
			size_t m = count_first(&left);
			struct range branch = {left.items, m, left.depth + 1};
			inside |= look_back(branch, effect);
			left.items += m;
			left.n -= m;
		}
		for (size_t i = 0; i < calls; i++) {
			block.items[i].effect_behind = effect;
			inside |= block.items[i].happened;
		}
		effect |= inside;
	}
	return effect;
}

/* --- from the start: failures in front ------------------------------------------------------- */

static void decide(struct item *item, size_t replayed, struct before *before)
{
	const struct queue_call *c = item->call;
	bool open = c->answer.n == 0;
	bool last = !item->effect_behind;
	bool stale = before->failed || c->started_ms < before->ended_ms;
	if (item->i >= replayed || item->anew ||
		(last && !item->happened && (item->failed || stale)))
		item->fate = REPLAY_FORGET;
	else
		item->fate = open || (last && item->unknown) ? REPLAY_DO : REPLAY_GIVE;
	before->failed |= last && item->failed;
	if (c->ended_ms > before->ended_ms)
		before->ended_ms = c->ended_ms;
}

static void look_on(struct range r, size_t replayed, struct before *before)
{
	while (r.n > 0) {
		size_t n = count_first(&r);
		struct range block = {r.items, n, r.depth + 1};
		struct before after = *before;
		size_t calls = count_calls(&block);
		r.items += n;
		r.n -= n;
		for (size_t i = 0; i < calls; i++)
			decide(&block.items[i], replayed, &after);
		for (struct range left = {block.items + calls, n - calls, block.depth};
			left.n > 0;) {
			size_t m = count_first(&left);
			struct before inside = *before;
			look_on((struct range){left.items, m, left.depth + 1}, replayed, &inside);
			after.failed |= inside.failed;
			if (inside.ended_ms > after.ended_ms)
				after.ended_ms = inside.ended_ms;
			left.items += m;
			left.n -= m;
		}
		*before = after;
	}
}

/* --- branches that asked to be tried later ---------------------------------------------------- */

static bool any_happened(const struct item *items, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (items[i].happened)
			return true;
	return false;
}

/* The branch, or what came behind it, went on since: an effect behind it, or a later call. */
static bool went_on(const struct item *items, size_t n, size_t mark)
{
	const char *path = items[mark].call->path, *dot = strrchr(path, '.');
	size_t prefix_n = dot != NULL ? (size_t)(dot - path) + 1 : 0;
	bool later = items[mark].effect_behind;
	for (size_t i = mark + 1; i < n && !later; i++) {
		if (strncmp(items[i].call->path, path, prefix_n) != 0)
			break;
		later = items[i].call->started_ms > items[mark].call->started_ms;
	}
	return later;
}

/* What the branch of items[mark] has seen behind its last effect, blocks as a whole. */
static void see_anew(struct item *items, size_t mark)
{
	const char *path = items[mark].call->path, *dot = strrchr(path, '.');
	size_t prefix_n = dot != NULL ? (size_t)(dot - path) + 1 : 0, end = mark;
	int depth = parts_n(path) - 1;
	while (end > 0) {
		size_t from = end;
		uint64_t part = part_of(items[end - 1].call->path, depth);
		while (from > 0 && strncmp(items[from - 1].call->path, path, prefix_n) == 0 &&
			part_of(items[from - 1].call->path, depth) == part)
			from--;
		if (from == end || any_happened(items + from, end - from))
			return;
		for (size_t i = from; i < end; i++)
			items[i].anew = true;
		end = from;
	}
}

/* --- all ------------------------------------------------------------------------------------- */

enum rc replay_choose(const struct queue_call *calls, size_t n, enum replay_fate *ret_fates)
{
	struct item *items = calloc(n + 1, sizeof(*items));
	size_t replayed = 0;
	bool sorted = true;
	if (items == NULL)
		return RC_NOMEM;
	for (size_t i = 0; i < n; i++) {
		items[i] = item_of(&calls[i], i);
		if (items[i].happened)
			replayed = i + 1;
		sorted = sorted && (i == 0 || compare(&items[i - 1], &items[i]) < 0);
	}
	if (!sorted)
		qsort(items, n, sizeof(*items), compare);
	struct before before = {.failed = false};
	struct range all = {items, n, 0};
	(void)look_back(all, false);
	for (size_t i = 0; i < n; i++) {
		bool asks = items[i].call->code == RC_LATER && !items[i].call->effect;
		items[i].anew = items[i].anew || asks;
		if (asks && strchr(items[i].call->path, '.') != NULL && !went_on(items, n, i))
			see_anew(items, i);
	}
	look_on(all, replayed, &before);
	for (size_t i = 0; i < n; i++)
		ret_fates[items[i].i] = items[i].fate;
	free(items);
	return RC_OK;
}
