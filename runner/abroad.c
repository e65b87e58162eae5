/* SPDX-License-Identifier: MIT */
/*
 * What other runners may have brought about.
 * From: route_echo.c with each batch, echo_run.c and assembly.c while runs wait to be decided. To:
 * queue_flight_each; flight.c's question. An effect counts from its intent on, though it may still
 * wait for budget: its runner alone knows. That errs towards waiting, which ends with its answer,
 * or when the run ends or is put away. Requests are read only where the event may be meant.
 */
#include "runner/abroad.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "queue/flight.h"
#include "runner/state.h"

#define AGAIN_US 20000 /* between two looks, while runs wait */
#define SKEW_MS 10000  /* the clock of another machine */

struct abroad_flight {
	struct flight flight; /* args NULL: not read yet */
	char *text;           /* owned; its arguments; "": cannot be read */
};

void abroad_done(struct abroad *abroad)
{
	for (size_t i = 0; i < abroad->n; i++) {
		json_decref(abroad->list[i].flight.args);
		free(abroad->list[i].text);
	}
	free(abroad->list);
	*abroad = (struct abroad){.at_us = abroad->at_us};
}

static enum rc add(void *ctx, const struct queue_flight *row, struct err *err)
{
	struct abroad *abroad = ctx;
	enum client_op op = client_op_find(row->method);
	if (op == CLIENT_OP_N) /* what the runner does itself changes nothing outside */
		return RC_OK;
	struct abroad_flight *p = abroad->n % 64 == 0
					  ? realloc(abroad->list, (abroad->n + 64) * sizeof(*p))
					  : abroad->list;
	char *text = p != NULL ? strndup(row->request.p, row->request.n) : NULL;
	if (p != NULL)
		abroad->list = p;
	if (text == NULL)
		return err_set(err, RC_NOMEM, "no memory for what other runners do");
	p = &p[abroad->n++];
	*p = (struct abroad_flight){
		.flight = {.op = op, .began_ms = row->began_ms - SKEW_MS}, .text = text};
	snprintf(p->flight.object, sizeof(p->flight.object), "%s", row->object);
	return RC_OK;
}

enum rc abroad_look(struct runner *r, struct err *err)
{
	struct abroad *abroad = &r->abroad;
	if (!r->lead.shared)
		return RC_OK;
	abroad_done(abroad); /* not stale any more */
	abroad->at_us = clock_mono_us();
	return queue_flight_each(r->queue, add, abroad, err);
}

void abroad_refresh(struct runner *r)
{
	struct err err = {0};
	bool old = clock_mono_us() - r->abroad.at_us > AGAIN_US;
	if (r->lead.shared && (old || r->abroad.stale) && abroad_look(r, &err) != RC_OK)
		runner_fatal(r, &err);
}

static bool says(const char *text, const char *word)
{
	size_t n = strlen(word);
	for (; *text != '\0'; text++)
		if (strncasecmp(text, word, n) == 0)
			return true;
	return false;
}

/* Which records a call names stands in its arguments as text. */
static bool may_be(
	struct abroad_flight *a, const struct client *client, const struct flight_event *e)
{
	struct flight *f = &a->flight;
	if (f->began_ms > e->received_ms || a->text[0] == '\0' ||
		(flight_names_records(f->op) && !says(a->text, e->record)))
		return false;
	if (f->args == NULL)
		f->args = json_loads(a->text, 0, NULL);
	if (f->args == NULL)
		a->text[0] = '\0';
	return f->args != NULL && flight_may_be(f, client, e);
}

bool abroad_meets(const struct runner *r, const struct flight_event *event)
{
	for (size_t i = 0; i < r->abroad.n; i++)
		if (may_be(&r->abroad.list[i], r->client, event))
			return true;
	return false;
}
