/* SPDX-License-Identifier: MIT */
/*
 * The twin as a function.
 * From: the wire of a simulation and its tests. To: app.c of the twin (what to answer), change.c
 * (what is done behind the API's back). Keeps no connections and no time: a request is answered
 * when it is made. Does not draw the twin's faults: the wire has its own.
 */
#include "tests/sim/server/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tests/sim/server/hooks.h"
#include "tests/twin/call.h"
#include "tests/twin/change.h"
#include "tests/twin/seed.h"
#include "tests/twin/webhooks.h"

struct server {
	struct world world;
	struct hooks hooks;
};

struct server *server_open(const struct server_conf *conf)
{
	struct server *s = calloc(1, sizeof(*s));
	if (s == NULL)
		return NULL;
	struct world *w = &s->world;
	enum dialect dialect = strcmp(conf->dialect, "docs") == 0 ? DIALECT_DOCS : DIALECT_CORE;
	bool ok = world_init(w, dialect, conf->key, "moonhook") &&
		  budget_parse(&w->budget, conf->budget) && seed_members(w) &&
		  seed_records(w, conf->people, conf->seed);
	w->journal.off = true;
	if (ok && conf->on_event != NULL) {
		s->hooks = (struct hooks){.told = conf->on_event, .ctx = conf->ctx};
		w->hooks = &s->hooks;
		ok = webhooks_add(w, "http://127.0.0.1/hooks/twenty", "");
	}
	if (!ok) {
		server_close(s);
		return NULL;
	}
	return s;
}

void server_close(struct server *s)
{
	if (s == NULL)
		return;
	world_done(&s->world);
	free(s);
}

bool server_answer(
	struct server *s, const struct server_request *request, struct server_answer *ret_answer)
{
	char *path = strdup(request->target);
	if (path == NULL)
		return false;
	char *mark = strchr(path, '?');
	if (mark != NULL)
		*mark = '\0';
	struct call c = {.world = &s->world,
		.method = request->method,
		.path = path,
		.raw_query = mark != NULL ? mark + 1 : "",
		.authorization = request->authorization,
		.body = request->body};
	s->world.now_ms = clock_wall_ms();
	buf_init(&c.out, ANSWER_MAX);
	bool ok = query_parse(&c.query, c.raw_query);
	if (ok) {
		app_answer(&c);
		s->world.requests++;
		*ret_answer = (struct server_answer){.status = c.status};
		ret_answer->body = c.out.p;
		ret_answer->body_n = c.out.n;
		for (size_t i = 0; i < c.extra_n; i++)
			snprintf(ret_answer->headers[i], sizeof(ret_answer->headers[i]),
				"%.40s: %.47s\r\n", c.extra[i][0], c.extra[i][1]);
	}
	query_done(&c.query);
	json_decref(c.input);
	free(path);
	return ok;
}

void server_answer_done(struct server_answer *answer)
{
	free(answer->body);
	answer->body = NULL;
}

bool server_budget(struct server *s, const char *budget)
{
	return budget_parse(&s->world.budget, budget);
}

void server_id(const char *kind, unsigned i, char ret_id[static SERVER_ID_N])
{
	char text[64];
	snprintf(text, sizeof(text), "%s-%u", kind, i);
	ident_of(text, ret_id);
}

static struct row *row_find(
	const struct server *s, const char *objects, const char *id, struct object **ret_object)
{
	*ret_object = schema_find_plural(&s->world.schema, objects);
	return *ret_object != NULL ? table_find((*ret_object)->table, id) : NULL;
}

const json_t *server_record(const struct server *s, const char *objects, const char *id)
{
	struct object *o;
	const struct row *row = row_find(s, objects, id, &o);
	return row != NULL ? row->rec : NULL;
}

size_t server_record_n(const struct server *s, const char *objects)
{
	const struct object *o = schema_find_plural(&s->world.schema, objects);
	return o != NULL ? o->table->row_n : 0;
}

bool server_delete(struct server *s, const char *objects, const char *id)
{
	struct object *o;
	struct row *row = row_find(s, objects, id, &o);
	if (row == NULL || row->deleted)
		return false;
	s->world.now_ms = clock_wall_ms();
	json_decref(change_soft_delete(&s->world, o, row));
	return true;
}

bool server_restore(struct server *s, const char *objects, const char *id)
{
	struct object *o;
	struct row *row = row_find(s, objects, id, &o);
	if (row == NULL || !row->deleted)
		return false;
	s->world.now_ms = clock_wall_ms();
	json_decref(change_restore(&s->world, o, row));
	return true;
}

bool server_destroy(struct server *s, const char *objects, const char *id)
{
	struct object *o;
	struct row *row = row_find(s, objects, id, &o);
	if (row == NULL)
		return false;
	s->world.now_ms = clock_wall_ms();
	change_destroy(&s->world, o, row);
	return true;
}

bool server_update(struct server *s, const char *objects, const char *id, const json_t *input)
{
	struct object *o;
	struct row *row = row_find(s, objects, id, &o);
	struct fail fail = {0};
	json_t *rec = NULL;
	s->world.now_ms = clock_wall_ms();
	if (row == NULL || !change_update(&s->world, o, row, input, &rec, &fail))
		return false;
	json_decref(rec);
	return true;
}
