/* SPDX-License-Identifier: MIT */
/*
 * Which waiting calls go together.
 * From: engine.c, when there is less budget than there are calls. To: a carrier (bundle.c). Looks
 * through the lanes once, in the order in which calls would go, and never takes one past another
 * call on the same record unless both only read it. Fails towards caution: without memory, or in
 * doubt, a call goes alone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/bundle.h"
#include "client/creation.h"
#include "client/engine.h"
#include "client/schema.h"
#include "client/upsert.h"

#define MEMBERS_MAX 2000 /* of one bundle, several of which may be about one id */
#define BEHIND_MAX 1000  /* calls that are looked at when it is full, for more about its ids */

struct gathering {
	struct engine *e;
	struct call *head;
	enum share_kind kind; /* of head, as far as such requests may be put together */
	json_t *passed; /* id -> true: written by a call that stays behind; false: read by one */
	json_t *rows;   /* id -> changes that go out for it; other kinds: key -> null */
	struct call **member;
	size_t n;
};

/* ---- who touches what ---- */

struct touch {
	json_t *seen;
	const struct hearing *held; /* records whose last change is not answered yet; NULL: any */
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
	t->clash = t->clash || json_is_true(have) || (have != NULL && write) ||
		   hearing_holds(t->held, id);
}

/* Ids are written in capitals by some, and are the same. */
static void tell_id(
	const char *id, bool write, void (*tell)(void *ctx, const char *id, bool write), void *ctx)
{
	char low[40];
	size_t n = 0;
	for (; id[n] != '\0' && n < sizeof(low) - 1; n++)
		low[n] = id[n] >= 'A' && id[n] <= 'F' ? (char)(id[n] + 32) : id[n];
	low[n] = '\0';
	tell(ctx, low, write);
}

static void tell_list(const json_t *ids, bool write,
	void (*tell)(void *ctx, const char *id, bool write), void *ctx)
{
	size_t i;
	json_t *each;
	json_array_foreach(ids, i, each) if (json_is_string(each))
		tell_id(json_string_value(each), write, tell, ctx);
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
		tell_id(json_string_value(id), write, tell, ctx);
	if (json_is_string(json_object_get(call->args, "into")))
		tell_id(call_text(call, "into"), write, tell, ctx);
	id = call->creation != NULL ? json_object_get(call->creation->data, "id") : NULL;
	if (json_is_string(id))
		tell_id(json_string_value(id), true, tell, ctx);
	tell_list(json_object_get(call->args, "from"), write, tell, ctx);
	if (call->share.kind == SHARE_IDS)
		tell_list(call->share.item, write, tell, ctx);
}

static bool has_clash(json_t *seen, const struct call *c)
{
	struct touch t = {.seen = seen, .held = &c->engine->hearing};
	bundle_touches(c, clash, &t);
	return t.clash;
}

void engine_note(json_t *busy, const struct call *c)
{
	struct touch t = {.seen = busy};
	bundle_touches(c, note, &t);
}

json_t *engine_busy(const struct engine *e)
{
	json_t *busy = json_object();
	for (const struct call *c = e->wire.head; c != NULL && busy != NULL; c = c->next)
		engine_note(busy, c);
	for (const struct call *c = e->delayed.head; c != NULL && busy != NULL; c = c->next)
		engine_note(busy, c);
	return busy;
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

/* What of its kind is not put together may still be the same as another. */
static enum share_kind kind_now(const struct call *c)
{
	return engine_joins(c->engine, c->share.kind) ? c->share.kind : SHARE_NONE;
}

/* A row of a batch: one that can be told apart from the others, and that delays none of them. */
static bool is_row(const struct call *head, const struct call *c)
{
	if (c->share.kind == SHARE_UPDATE)
		return c->lane == head->lane && bundle_plain_id(call_text(c, "id"));
	if (c->share.kind == SHARE_CREATE) /* an id that is not ours may be another record's */
		return c->lane == head->lane && c->creation != NULL && c->creation->derived;
	return true;
}

static bool is_alike(const struct gathering *g, const struct call *c)
{
	const struct call *head = g->head;
	if (c->bundle != NULL || c->alone || !c->started || kind_now(c) != g->kind)
		return false;
	if (g->kind == SHARE_NONE)
		return !c->request.effect && is_same_request(head, c);
	if (!is_row(head, c))
		return false;
	const char *a = call_shared_object(head), *b = call_shared_object(c);
	return c->share.variant == head->share.variant && strcmp(a, b) == 0;
}

/* Rows that a request may have; counts those that c adds. */
static bool has_room(struct gathering *g, const struct call *c)
{
	size_t rows = json_object_size(g->rows), more = 1, i;
	json_t *each;
	if (g->kind == SHARE_NONE)
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

/* A change of parts: {firstName} and then {lastName} is {firstName, lastName}. */
static bool is_composite(const struct gathering *g, const char *name)
{
	const struct schema_object *object = schema_object(g->e->schema, g->head->object);
	const struct schema_field *field = schema_field(object, name);
	return field != NULL &&
	       (field->type == SCHEMA_FULL_NAME || field->type == SCHEMA_EMAILS ||
		       field->type == SCHEMA_LINKS || field->type == SCHEMA_ADDRESS ||
		       field->type == SCHEMA_CURRENCY);
}

static bool is_key(const char *name)
{
	size_t n = strlen(name);
	return n > 2 && strcmp(name + n - 2, "Id") == 0;
}

/* Does it set the same relation by its other name? company, companyId */
static bool has_other_name(const json_t *changes, const char *name)
{
	char other[CALL_OBJECT_MAX];
	if (is_key(name))
		snprintf(other, sizeof(other), "%.*s", (int)strlen(name) - 2, name);
	else
		snprintf(other, sizeof(other), "%.60sId", name);
	return json_object_get(changes, other) != NULL;
}

/* Two changes of one record that do as one what they would do one after the other. A relation that
 * each sets differently is left to two requests: an answer is held against what was asked for. */
static bool agree(const struct gathering *g, const json_t *before, const json_t *after)
{
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)after, name, value)
	{
		const json_t *have = json_object_get(before, name);
		bool whole = !json_is_object(have) && !json_is_object(value);
		if (have == NULL && !has_other_name(before, name))
			continue;
		if (have == NULL || (!json_equal(have, value) && (is_key(name) || !whole) &&
					    !(json_is_object(have) && json_is_object(value) &&
						    is_composite(g, name))))
			return false;
	}
	return true;
}

static bool count_change(struct gathering *g, const struct call *c)
{
	const char *id = call_text(c, "id");
	json_t *have = json_object_get(g->rows, id);
	if (have == NULL)
		return json_object_set_new(g->rows, id, json_deep_copy(c->share.item)) == 0;
	return agree(g, have, c->share.item) &&
	       json_object_update_recursive(have, c->share.item) == 0;
}

/* False: it cannot be one of them after all. */
static bool count_rows(struct gathering *g, const struct call *c)
{
	size_t i, n = 1;
	json_t *each;
	char key[40];
	bool ok = true;
	if (g->kind == SHARE_NONE)
		return true;
	if (g->kind == SHARE_UPDATE)
		return count_change(g, c);
	if (g->kind == SHARE_IDS) {
		json_array_foreach(c->share.item, i, each) ok =
			ok &&
			json_object_set_new(g->rows, json_string_value(each), json_null()) == 0;
		return ok;
	}
	if (g->kind == SHARE_COMPARE)
		n = json_array_size(c->share.item);
	for (i = 0; i < n && ok; i++) {
		snprintf(key, sizeof(key), "%zu/%zu", g->n, i);
		ok = json_object_set_new(g->rows, key, json_null()) == 0;
	}
	return ok;
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
	if (!count_rows(g, c))
		return false;
	g->member[g->n++] = c;
	return true;
}

/* behind: how many were looked at since it is. */
static bool is_full(const struct gathering *g, int *behind)
{
	bool more = g->kind == SHARE_IDS || g->kind == SHARE_UPDATE; /* of the same records */
	if (g->n >= MEMBERS_MAX)
		return true;
	return json_object_size(g->rows) >= BUNDLE_ROWS && (!more || ++*behind > BEHIND_MAX);
}

/* The last call that could go with head: nobody behind it matters. */
static const struct call *last_alike(const struct gathering *g)
{
	for (int i = CLIENT_LANE_N - 1; i >= 0; i--)
		for (const struct call *c = g->e->ready[i].tail; c != NULL; c = c->prev)
			if (c != g->head && is_alike(g, c))
				return c;
	return NULL;
}

static void look_through(struct gathering *g)
{
	const struct call *last = last_alike(g);
	int behind = 0;
	for (int i = 0; i < CLIENT_LANE_N && last != NULL; i++)
		for (struct call *c = g->e->ready[i].head; c != NULL; c = c->next) {
			if (!is_alike(g, c) || has_clash(g->passed, c) || !take(g, c))
				engine_note(g->passed, c);
			if (c == last || is_full(g, &behind))
				return;
		}
}

/* ---- changes ---- */

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
	json_t *mine = json_incref(json_object_get(g->rows, first));
	const struct bundle_kind *kind = &bundle_update_one;
	size_t alike = 0, fit = 0, all = json_object_size(g->rows);
	bool core = g->e->probe.dialect->deleted_lists;
	json_object_foreach(g->rows, id, value)
	{
		alike += json_equal(value, mine) ? 1 : 0;
		fit += upsert_takes(g->e, g->head->object, value) ? 1 : 0;
	}
	/* an upsert is two requests: it has to save one */
	bool differ = core && g->e->coalesce.upsert && all - alike > 1 && fit >= UPSERT_LEAST &&
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
	if (g->n < 2)
		return NULL;
	return g->kind == SHARE_UPDATE ? choose_update(g) : kinds[g->kind];
}

struct call *bundle_gather(struct engine *e, struct call *head)
{
	if (head->alone || head->bundle != NULL)
		return NULL;
	struct gathering g = {.e = e, .head = head, .kind = kind_now(head)};
	if (g.kind == SHARE_NONE && (head->request.effect || !e->coalesce.read))
		return NULL;
	g.passed = engine_busy(e);
	g.rows = json_object();
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
