/* SPDX-License-Identifier: MIT */
/*
 * The record of a run's calls and the replay from it.
 * From: call.c (asks and answers), assign.c (what the store remembers). Pure memory: writing to the
 * store is call.c's. Fails when memory is short. Does not decide what of a stored journal counts
 * (replay.c).
 */
#include "runner/journal.h"

#include <stdlib.h>
#include <string.h>

#include "runner/replay.h"
#include "runner/scan.h"

void journal_done(struct journal *journal)
{
	for (size_t i = 0; i < journal->n; i++)
		free(journal->entries[i].answer);
	free(journal->entries);
	*journal = (struct journal){0};
}

/* In most runs the calls come in the order of the last time. */
static bool find(struct journal *j, const char *path, size_t *ret_i)
{
	if (j->next < j->n && strcmp(j->entries[j->next].path, path) == 0) {
		*ret_i = j->next++;
		return true;
	}
	for (size_t i = j->n; i-- > 0;) {
		if (strcmp(j->entries[i].path, path) == 0) {
			*ret_i = i;
			j->next = i + 1;
			return true;
		}
	}
	return false;
}

enum journal_verdict journal_ask(struct journal *journal, const char *path,
	const uint8_t digest[static DIGEST_N], uint32_t generation, size_t *ret_i)
{
	size_t i;
	if (!find(journal, path, &i))
		return JOURNAL_NEW;
	struct journal_entry *e = &journal->entries[i];
	if (e->asked == generation)
		return JOURNAL_TWICE;
	*ret_i = i;
	if (!digest_equal(e->digest, digest))
		return JOURNAL_DIFFERS;
	e->asked = generation;
	switch (e->state) {
	case JOURNAL_OPEN:
		e->state = JOURNAL_BUSY;
		return JOURNAL_AGAIN;
	case JOURNAL_BUSY:
		return JOURNAL_WAIT;
	case JOURNAL_ANSWERED:
		return JOURNAL_REPLAY;
	}
	return JOURNAL_NEW;
}

static bool put_word(char *out, size_t cap, const char *word)
{
	size_t n = strlen(word);
	if (n >= cap)
		return false;
	memcpy(out, word, n + 1);
	return true;
}

enum rc journal_add(struct journal *journal, const struct journal_call *call, size_t *ret_i)
{
	if (journal->n == journal->cap) {
		size_t cap = journal->cap != 0 ? journal->cap * 2 : 4;
		struct journal_entry *p = realloc(journal->entries, cap * sizeof(*p));
		if (p == NULL)
			return RC_NOMEM;
		journal->entries = p;
		journal->cap = cap;
	}
	struct journal_entry e = {
		.effect = call->effect,
		.state = JOURNAL_BUSY,
		.asked = call->generation,
	};
	memcpy(e.digest, call->digest, DIGEST_N);
	if (!put_word(e.path, sizeof(e.path), call->path) ||
		!put_word(e.method, sizeof(e.method), call->method) ||
		!put_word(e.object, sizeof(e.object), call->object))
		return RC_INVALID;
	*ret_i = journal->n;
	journal->entries[journal->n++] = e;
	journal->next = journal->n;
	return RC_OK;
}

enum rc journal_answer(
	struct journal *journal, size_t i, enum rc code, bool unknown, struct slice text)
{
	struct journal_entry *e = &journal->entries[i];
	char *copy = malloc(text.n + 1);
	if (copy == NULL)
		return RC_NOMEM;
	if (text.n != 0)
		memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	free(e->answer);
	e->answer = copy;
	e->answer_n = text.n;
	e->code = code;
	e->unknown = unknown;
	e->state = JOURNAL_ANSWERED;
	return RC_OK;
}

static enum rc load_one(struct journal *journal, const struct queue_call *c, enum replay_fate fate)
{
	size_t i;
	struct journal_call call = {
		.path = c->path,
		.method = c->method,
		.object = c->object,
		.digest = c->digest,
		.effect = c->effect,
	};
	enum rc rc = journal_add(journal, &call, &i);
	if (rc != RC_OK)
		return rc;
	if (fate == REPLAY_DO) {
		journal->entries[i].state = JOURNAL_OPEN;
		journal->entries[i].since_ms = c->started_ms > 0 ? c->started_ms : 1;
		return RC_OK;
	}
	bool unknown = c->effect && replay_unknown(c);
	return journal_answer(journal, i, c->code, unknown, c->answer);
}

enum rc journal_load(struct journal *journal, const struct queue_call *calls, size_t n)
{
	enum replay_fate *fates = calloc(n + 1, sizeof(*fates));
	enum rc rc = fates != NULL ? replay_choose(calls, n, fates) : RC_NOMEM;
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		int64_t last = calls[i].ended_ms > calls[i].started_ms ? calls[i].ended_ms
								       : calls[i].started_ms;
		journal->latest_ms = last >= journal->latest_ms ? last + 1 : journal->latest_ms;
		if (fates[i] != REPLAY_FORGET)
			rc = load_one(journal, &calls[i], fates[i]);
	}
	free(fates);
	journal->next = 0;
	return rc;
}

enum rc journal_code(const struct journal *journal, const char *name)
{
	for (size_t i = journal->n; i-- > 0;) {
		const struct journal_entry *e = &journal->entries[i];
		if (e->state != JOURNAL_ANSWERED || e->code == RC_OK)
			continue;
		json_t *error = NULL;
		if (scan_parse((struct slice){e->answer, e->answer_n}, &error, NULL) != RC_OK)
			continue;
		const char *its = json_string_value(json_object_get(error, "code"));
		bool same = its != NULL && strcmp(its, name) == 0;
		json_decref(error);
		if (same)
			return e->code;
	}
	return RC_OK;
}

int64_t journal_time(struct journal *journal, int64_t wall_ms)
{
	if (wall_ms > journal->latest_ms)
		journal->latest_ms = wall_ms;
	return journal->latest_ms;
}

static bool happened(const struct journal_entry *e)
{
	return e->effect && (e->state != JOURNAL_ANSWERED || e->code == RC_OK || e->unknown);
}

const struct journal_entry *journal_missed(
	const struct journal *journal, uint32_t generation, enum journal_scope scope)
{
	for (size_t i = 0; i < journal->n; i++) {
		const struct journal_entry *e = &journal->entries[i];
		bool counts = scope == JOURNAL_ALL || strchr(e->path, '.') == NULL;
		if (counts && happened(e) && e->asked != generation)
			return e;
	}
	return NULL;
}

bool journal_effect(const struct journal *journal)
{
	for (size_t i = 0; i < journal->n; i++) {
		if (happened(&journal->entries[i]))
			return true;
	}
	return false;
}

void journal_rewind(struct journal *journal)
{
	journal->next = 0;
	for (size_t i = 0; i < journal->n; i++)
		journal->entries[i].held = false;
}
