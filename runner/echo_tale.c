/* SPDX-License-Identifier: MIT */
/*
 * Loops in words.
 * From: echo_chain.c, which walks the chain back; echo_duel.c. To: the run's error and detail, the
 * issue, the reason of the pause. Names are hostile: nothing of them breaks a line. Does not judge.
 */
#include "runner/echo_tale.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/attr.h"
#include "base/utf8.h"
#include "runner/event.h"
#include "runner/ruleset.h"
#include "runner/state.h"

#define SENTENCE_MAX 1024
#define HOP_MAX 1024
#define NAME_CHARS_MAX 60 /* of who began it */
#define FIELDS_CHARS_MAX 160
#define RECORD_CHARS 8

void echo_tale_open(struct echo_tale *tale)
{
	buf_init(&tale->error, SENTENCE_MAX);
	buf_init(&tale->chain, (size_t)(TALE_HOPS_MAX + 2) * HOP_MAX);
}

void echo_tale_done(struct echo_tale *tale)
{
	buf_done(&tale->error);
	buf_done(&tale->chain);
}

/* Some characters of a name, on one line; `more` where it has others. */
static enum rc put_some(struct buf *out, const char *name, size_t most, const char *more)
{
	size_t n = strlen(name), at = 0;
	enum rc rc = RC_OK;
	for (size_t i = 0; i < most && at < n && rc == RC_OK; i++) {
		size_t len = utf8_length(name + at, n - at);
		bool plain = len != 0 && !utf8_obeyed(name + at, len);
		rc = plain ? buf_put(out, name + at, len) : buf_put_text(out, "?");
		at += len != 0 ? len : 1;
	}
	return rc == RC_OK && at < n ? buf_put_text(out, more) : rc;
}

static enum rc put_name(struct buf *out, const char *name, size_t most)
{
	return put_some(out, name, most, "..");
}

static enum rc put_quoted(struct buf *out, const char *name, size_t most)
{
	enum rc rc = buf_put_text(out, "\"");
	if (rc == RC_OK)
		rc = put_name(out, name, most);
	return rc == RC_OK ? buf_put_text(out, "\"") : rc;
}

/* " 39cfa94c" */
static enum rc put_record(struct buf *out, const char *record)
{
	enum rc rc = buf_put_text(out, " ");
	return rc == RC_OK ? put_some(out, record, RECORD_CHARS, "") : rc;
}

static enum rc put_rule(struct buf *out, const char *rule)
{
	return put_quoted(out, rule, RULESET_NAME_MAX);
}

/* --- hops ------------------------------------------------------------------------------------- */

static enum rc put_event(struct buf *out, const struct tale_event *e)
{
	enum rc rc = put_name(out, e->name, EVENT_NAME_N);
	if (rc == RC_OK && e->record[0] != '\0')
		rc = put_record(out, e->record);
	if (rc != RC_OK || e->fields[0] == '\0')
		return rc;
	rc = buf_put_text(out, " (");
	if (rc == RC_OK)
		rc = put_name(out, e->fields, FIELDS_CHARS_MAX);
	return rc == RC_OK ? buf_put_text(out, ")") : rc;
}

enum rc tale_hops_open(struct tale_hops *hops, const struct tale_event *last)
{
	*hops = (struct tale_hops){.n = 0};
	buf_init(&hops->at, HOP_MAX);
	return put_event(&hops->at, last);
}

enum rc tale_hops_step(struct tale_hops *hops, const char *rule, const struct tale_event *event)
{
	if (hops->n == TALE_HOPS_MAX)
		return RC_OK;
	struct buf *hop = &hops->hops[hops->n++];
	buf_init(hop, HOP_MAX);
	enum rc rc = buf_put_text(hop, "-> ");
	if (rc == RC_OK)
		rc = put_rule(hop, rule);
	if (rc == RC_OK)
		rc = buf_printf(hop, " -> %s", hops->at.p);
	buf_clear(&hops->at);
	return rc == RC_OK ? put_event(&hops->at, event) : rc;
}

void tale_hops_done(struct tale_hops *hops)
{
	for (size_t i = 0; i < hops->n; i++)
		buf_done(&hops->hops[i]);
	buf_done(&hops->at);
}

/* --- who began it ----------------------------------------------------------------------------- */

static const char *deed_of(const struct event *e)
{
	static const struct {
		const char *action, *deed;
	} deeds[] = {{"created", "a creation"}, {"updated", "an edit"}, {"deleted", "a deletion"},
		{"restored", "a restoration"}, {"destroyed", "a destruction"}};
	for (size_t i = 0; i < ARRAY_N(deeds); i++)
		if (strcmp(deeds[i].action, e->action) == 0)
			return deeds[i].deed;
	return e->name;
}

/* " by a member": who it was stands with the event; sentences go into logs. */
static enum rc put_actor(struct buf *out, const json_t *actor)
{
	const char *kind = json_string_value(json_object_get(actor, "kind"));
	const char *name = json_string_value(json_object_get(actor, "name"));
	if (kind == NULL)
		return RC_OK;
	if (strcmp(kind, "person") == 0)
		return buf_put_text(out, " by a member");
	enum rc rc =
		buf_put_text(out, strcmp(kind, "import") == 0 ? " by an import" : " by a program");
	if (rc != RC_OK || name == NULL || name[0] == '\0')
		return rc;
	rc = buf_put_text(out, ", ");
	return rc == RC_OK ? put_quoted(out, name, NAME_CHARS_MAX) : rc;
}

struct origin {
	struct runner *r;
	struct buf *out;
};

static enum rc take_event(void *ctx, const struct queue_event_row *row, struct err *err)
{
	const struct origin *o = ctx;
	struct event *event = NULL;
	struct event_input in = {
		.source = row->source,
		.via = row->via,
		.form = route_form(o->r, row->source),
		.body = row->body,
		.received_ms = row->received_ms,
	};
	memcpy(in.id.text, row->id, strnlen(row->id, sizeof(in.id.text) - 1));
	if (event_parse(&in, &event, err) != RC_OK) {
		*err = (struct err){0}; /* erased since */
		return buf_put_text(o->out, row->name);
	}
	json_t *actor = event_actor(event);
	enum rc rc = buf_put_text(o->out, deed_of(event));
	if (rc == RC_OK)
		rc = put_actor(o->out, actor);
	json_decref(actor);
	event_unref(event);
	return rc == RC_OK ? RC_OK : err_set(err, RC_NOMEM, "no memory for a chain");
}

enum rc tale_origin(struct runner *r, const char *event_id, struct buf *out, struct err *err)
{
	struct origin o = {r, out};
	struct err why = {0};
	enum rc rc = event_id[0] != '\0' ? queue_event_get(r->queue, event_id, take_event, &o, &why)
					 : RC_NOT_FOUND;
	if (rc == RC_NOT_FOUND)
		return RC_OK;
	if (rc != RC_OK)
		*err = why;
	return rc;
}

/* --- the whole -------------------------------------------------------------------------------- */

static enum rc put_sentence(struct buf *out, const struct tale_end *end)
{
	enum rc rc = buf_put_text(out, "loop: ");
	if (rc == RC_OK)
		rc = put_rule(out, end->rule);
	if (rc == RC_OK)
		rc = buf_printf(out, " would run %s for %s", end->how, end->object);
	if (rc == RC_OK)
		rc = put_record(out, end->record);
	if (rc != RC_OK)
		return rc;
	return end->origin[0] != '\0' ? buf_printf(out, "; it began with %s", end->origin)
				      : buf_put_text(out, "; how it began is not kept any more");
}

enum rc echo_tale_tell(
	struct echo_tale *tale, const struct tale_hops *hops, const struct tale_end *end)
{
	struct buf *out = &tale->chain;
	enum rc rc = put_sentence(&tale->error, end);
	if (rc == RC_OK)
		rc = buf_printf(out, "%s%s%s\n", hops->at.p, end->origin[0] != '\0' ? ", " : "",
			end->origin);
	for (size_t i = hops->n; i > 0 && rc == RC_OK; i--)
		rc = buf_printf(out, "%s\n", hops->hops[i - 1].p);
	if (rc == RC_OK)
		rc = buf_put_text(out, "-> ");
	if (rc == RC_OK)
		rc = put_rule(out, end->rule);
	return rc == RC_OK ? buf_printf(out, ", which would run %s", end->how) : rc;
}

static enum rc put_duel(struct buf *out, const struct tale_duel *duel)
{
	enum rc rc = buf_put_text(out, "loop: ");
	if (rc == RC_OK)
		rc = put_rule(out, duel->rule);
	if (rc == RC_OK)
		rc = buf_put_text(out, " and another program");
	if (rc == RC_OK && duel->program != NULL)
		rc = buf_put_text(out, ", ");
	if (rc == RC_OK && duel->program != NULL)
		rc = put_quoted(out, duel->program, NAME_CHARS_MAX);
	if (rc == RC_OK)
		rc = buf_printf(out, "%s answer each other on %s", duel->program != NULL ? "," : "",
			duel->event.object);
	return rc == RC_OK ? put_record(out, duel->event.record) : rc;
}

enum rc echo_tale_duel(struct echo_tale *tale, const struct tale_duel *duel)
{
	struct buf *out = &tale->chain;
	enum rc rc = put_duel(&tale->error, duel);
	if (rc == RC_OK)
		rc = put_event(out, &duel->event);
	if (rc == RC_OK)
		rc = buf_put_text(out, ", by the other program\n-> ");
	if (rc == RC_OK)
		rc = put_rule(out, duel->rule);
	if (rc == RC_OK)
		rc = buf_printf(out, " -> the same by the other program, %" PRId64 " ms later\n",
			duel->gap_ms);
	return rc == RC_OK ? buf_put_text(out, ".. and so on; the other was silent whenever the "
					       "rule waited")
			   : rc;
}
