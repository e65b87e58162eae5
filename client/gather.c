/* SPDX-License-Identifier: MIT */
/*
 * Which waiting calls go together.
 * From: engine.c, when there is less budget than there are calls. To: a carrier (bundle.c). Looks
 * through the lanes once, in the order in which calls would go, and never takes one past another
 * call on the same record unless both only read it. Fails towards caution: without memory, or in
 * doubt, a call goes alone.
 */
#include <stdlib.h>
#include <string.h>

#include "client/bundle.h"
#include "client/engine.h"
#include "client/upsert.h"

#define MEMBERS_MAX 2000 /* of one bundle, several of which may be about one id */

struct gathering {
	struct engine *e;
	struct call *head;
	json_t *passed; /* id -> true: written by a call that stays behind; false: read by one */
	json_t *rows;   /* id -> changes that go out for it; other kinds: key -> null */
	struct call **member;
	size_t n;
	bool lack; /* of memory */
};

/* ---- who touches what ---- */

struct touch {
	json_t *seen;
	bool clash;
};

static void note(void *ctx, const char *id, bool write)
{
	struct touch *t = ctx;
	if (!json_is_true(json_object_get(t->seen, id)))
		(void)json_object_set_new(t->seen, id, json_boolean(write));
}

static void clash(void *ctx, const char *id, bool write)
{
	struct touch *t = ctx;
	const json_t *have = json_object_get(t->seen, id);
	t->clash = t->clash || json_is_true(have) || (have != NULL && write);
}

static void tell_list(const json_t *ids, bool write,
	void (*tell)(void *ctx, const char *id, bool write), void *ctx)
{
	size_t i;
	json_t *each;
	json_array_foreach(ids, i, each) if (json_is_string(each))
		tell(ctx, json_string_value(each), write);
}

void bundle_touches(
	const struct call *call, void (*tell)(void *ctx, const char *id, bool write), void *ctx)
{
	for (size_t i = 0; call->bundle != NULL && i < call->bundle->n; i++)
		bundle_touches(call->bundle->member[i], tell, ctx);
	if (call->bundle != NULL)
		return;
	bool write = client_op_effect(call->op);
	const json_t *id = json_object_get(call->args, "id");
	if (json_is_string(id))
		tell(ctx, json_string_value(id), write);
	if (json_is_string(json_object_get(call->args, "into")))
		tell(ctx, call_text(call, "into"), write);
	tell_list(json_object_get(call->args, "from"), write, tell, ctx);
	if (call->share.kind == SHARE_IDS)
		tell_list(call->share.item, write, tell, ctx);
}

static bool has_clash(json_t *seen, const struct call *c)
{
	struct touch t = {.seen = seen};
	bundle_touches(c, clash, &t);
	return t.clash;
}

static void stay(struct gathering *g, const struct call *c)
{
	struct touch t = {.seen = g->passed};
	bundle_touches(c, note, &t);
}

json_t *engine_busy(const struct engine *e)
{
	struct touch t = {.seen = json_object()};
	for (const struct call *c = e->wire.head; c != NULL && t.seen != NULL; c = c->next)
		bundle_touches(c, note, &t);
	return t.seen;
}

bool engine_clashes(json_t *busy, const struct call *c)
{
	return has_clash(busy, c);
}

/* ---- who is alike ---- */

static bool is_same_request(const struct call *a, const struct call *b)
{
	const struct request *r = &a->request, *s = &b->request;
	return r->method == s->method && r->target.n == s->target.n && r->body_n == s->body_n &&
	       memcmp(r->target.p, s->target.p, r->target.n) == 0 &&
	       (r->body_n == 0 || memcmp(r->body, s->body, r->body_n) == 0);
}

static bool is_alike(const struct call *head, const struct call *c)
{
	if (c->bundle != NULL || c->alone || !c->started || c->share.kind != head->share.kind ||
		(c->share.kind == SHARE_UPDATE && !bundle_plain_id(call_text(c, "id"))))
		return false;
	if (head->share.kind == SHARE_NONE)
		return !c->request.effect && is_same_request(head, c);
	const char *a = call_shared_object(head), *b = call_shared_object(c);
	return c->share.variant == head->share.variant && strcmp(a, b) == 0;
}

/* Rows that a request may have; counts those that c adds. */
static bool has_room(struct gathering *g, const struct call *c)
{
	size_t rows = json_object_size(g->rows), more = 1, i;
	json_t *each;
	if (c->share.kind == SHARE_NONE)
		return true;
	if (c->share.kind == SHARE_COMPARE)
		more = json_array_size(c->share.item);
	if (c->share.kind == SHARE_IDS) {
		more = 0;
		json_array_foreach(c->share.item, i, each) more +=
			json_object_get(g->rows, json_string_value(each)) == NULL;
	}
	if (c->share.kind == SHARE_UPDATE)
		more = json_object_get(g->rows, call_text(c, "id")) == NULL;
	return rows + more <= BUNDLE_ROWS;
}

static void count_rows(struct gathering *g, const struct call *c)
{
	size_t i;
	json_t *each;
	char key[40];
	switch (c->share.kind) {
	case SHARE_IDS:
		json_array_foreach(c->share.item, i, each)
			json_object_set_new(g->rows, json_string_value(each), json_null());
		break;
	case SHARE_UPDATE:
		json_object_set_new(g->rows, call_text(c, "id"), json_null());
		break;
	case SHARE_COMPARE:
	case SHARE_CREATE:
		json_array_foreach(c->share.item, i, each)
		{
			snprintf(key, sizeof(key), "%zu/%zu", g->n, i);
			json_object_set_new(g->rows, key, json_null());
		}
		if (c->share.kind == SHARE_CREATE) {
			snprintf(key, sizeof(key), "%zu", g->n);
			json_object_set_new(g->rows, key, json_null());
		}
		break;
	case SHARE_NONE:
	case SHARE_N:
		break;
	}
}

static bool take(struct gathering *g, struct call *c)
{
	if (g->n >= MEMBERS_MAX || !has_room(g, c))
		return false;
	if (g->n % 64 == 0) {
		struct call **grown = realloc(g->member, (g->n + 64) * sizeof(struct call *));
		if (grown == NULL)
			return false;
		g->member = grown;
	}
	count_rows(g, c);
	g->member[g->n++] = c;
	return true;
}

static void look_through(struct gathering *g)
{
	for (int i = 0; i < CLIENT_LANE_N; i++)
		for (struct call *c = g->e->ready[i].head; c != NULL; c = c->next) {
			bool taken = is_alike(g->head, c) && !has_clash(g->passed, c) && take(g, c);
			if (!taken)
				stay(g, c);
		}
}

/* ---- changes ---- */

/* The change that a record gets: later ones over earlier ones. */
static json_t *changes_of(const struct gathering *g, const char *id)
{
	json_t *all = json_object();
	for (size_t i = 0; i < g->n; i++)
		if (strcmp(call_text(g->member[i], "id"), id) == 0)
			json_object_update_recursive(all, g->member[i]->share.item);
	return all;
}

/* Keeps the members that say yes. */
static void keep(
	struct gathering *g, bool (*question)(const struct gathering *, size_t, void *), void *ctx)
{
	size_t n = 0;
	for (size_t i = 0; i < g->n; i++)
		if (question(g, i, ctx))
			g->member[n++] = g->member[i];
	g->n = n;
}

static bool about(const struct gathering *g, size_t i, void *ctx)
{
	return strcmp(call_text(g->member[i], "id"), ctx) == 0;
}

static bool changes_alike(const struct gathering *g, size_t i, void *ctx)
{
	json_t *changes = json_object_get(g->rows, call_text(g->member[i], "id"));
	return json_equal(changes, ctx);
}

static bool can_upsert(const struct gathering *g, size_t i, void *ctx)
{
	(void)ctx;
	json_t *changes = json_object_get(g->rows, call_text(g->member[i], "id"));
	return upsert_takes(g->e, g->head->object, changes);
}

/* Which of the requests for many changes fits: cuts the members down to those that go with it. */
static const struct bundle_kind *choose_update(struct gathering *g)
{
	const char *first = call_text(g->head, "id");
	const char *id;
	json_t *value;
	void *next;
	json_object_foreach_safe(g->rows, next, id, value)
		json_object_set_new(g->rows, id, changes_of(g, id));
	json_t *mine = json_incref(json_object_get(g->rows, first));
	const struct bundle_kind *kind = &bundle_update_one;
	size_t alike = 0, fit = 0, all = json_object_size(g->rows);
	bool core = g->e->probe.dialect->deleted_lists;
	json_object_foreach(g->rows, id, value)
	{
		alike += json_equal(value, mine) ? 1 : 0;
		fit += upsert_takes(g->e, g->head->object, value) ? 1 : 0;
	}
	bool differ = core && g->e->coalesce.upsert && alike < all && fit >= UPSERT_LEAST &&
		      upsert_takes(g->e, g->head->object, mine) &&
		      upsert_open(g->e, g->head->object);
	if (differ) {
		kind = &bundle_upsert;
		keep(g, can_upsert, NULL);
	} else if (core && alike > 1) {
		kind = &bundle_update_same;
		keep(g, changes_alike, mine);
	} else
		keep(g, about, (void *)(uintptr_t)first);
	json_decref(mine);
	return g->n > 1 ? kind : NULL;
}

bool engine_joins(const struct engine *e, enum share_kind kind)
{
	switch (kind) {
	case SHARE_NONE:
		return e->coalesce.read;
	case SHARE_IDS:
		return e->coalesce.get;
	case SHARE_CREATE:
		return e->coalesce.create;
	case SHARE_COMPARE:
		return e->coalesce.duplicates;
	case SHARE_UPDATE:
		return e->coalesce.update;
	case SHARE_N:
		break;
	}
	return false;
}

static const struct bundle_kind *kind_of(struct gathering *g)
{
	static const struct bundle_kind *const kinds[SHARE_N] = {[SHARE_NONE] = &bundle_same,
		[SHARE_IDS] = &bundle_ids,
		[SHARE_CREATE] = &bundle_create,
		[SHARE_COMPARE] = &bundle_compare};
	enum share_kind kind = g->head->share.kind;
	if (g->n < 2)
		return NULL;
	return kind == SHARE_UPDATE ? choose_update(g) : kinds[kind];
}

struct call *bundle_gather(struct engine *e, struct call *head)
{
	if (head->alone || head->bundle != NULL || !engine_joins(e, head->share.kind) ||
		(head->share.kind == SHARE_NONE && head->request.effect))
		return NULL;
	struct gathering g = {
		.e = e, .head = head, .passed = engine_busy(e), .rows = json_object()};
	struct call *carrier = NULL;
	if (g.passed != NULL && g.rows != NULL)
		look_through(&g);
	const struct bundle_kind *kind = kind_of(&g);
	if (kind != NULL)
		carrier = bundle_new(e, kind, g.member, g.n);
	for (size_t i = 0; carrier != NULL && i < g.n; i++)
		engine_ride(g.member[i]);
	json_decref(g.passed);
	json_decref(g.rows);
	free(g.member);
	return carrier;
}
