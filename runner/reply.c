/* SPDX-License-Identifier: MIT */
/*
 * What a call came to: into the journal and the store, and to the worker as RESUME.
 * From: call.c, an answer of the client, of local.h or of ours. To: journal.c, queue_call_put,
 * echo.h (what was written), pool.c. An answer is noted before it is handed over, so that the run
 * gets the same one again however often it is tried. Fails by ending the process where the store
 * does, and the run where it cannot be told. Does not decide what is asked, nor what is sent.
 */
#include "runner/reply.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "runner/asked.h"
#include "runner/echo.h"
#include "runner/lost.h"
#include "runner/outcome.h"
#include "runner/state.h"

#define UNREAD_MAX (4u << 20) /* bytes of answers on their way to a run; more wait here */

void reply_resume(struct runner *r, struct run *run, const char *path, enum payload_kind kind,
	struct slice value)
{
	struct buf out;
	struct err err = {0};
	if (run_wall_ms(run) > run->limits.wall_ms) {
		char text[96];
		snprintf(text, sizeof(text), "the run took longer than %" PRId64 " ms",
			run->limits.wall_ms);
		outcome_fail(r, run, RC_WALL, text, NULL);
		return;
	}
	run_resume(run);
	run->unread_n += value.n;
	buf_init(&out, FRAME_MAX);
	enum rc rc = payload_resume(&out, path, kind, value);
	if (rc == RC_OK) {
		struct frame frame = {FRAME_RESUME, run->slot, run->generation, buf_slice(&out)};
		rc = pool_send(run->worker, &frame, run->limits.cpu_ms, &err);
	}
	buf_done(&out);
	if (rc == RC_TOO_LARGE)
		outcome_fail(r, run, RC_TOO_LARGE, "an answer is too large for a rule", NULL);
	else if (rc == RC_NOMEM)
		outcome_fail(r, run, RC_NOMEM, "no memory to answer a call", NULL);
	/* RC_CLOSED: the worker is gone, and the run is on its way to another. */
}

void reply_hand_over(struct runner *r, struct run *run, size_t i)
{
	struct journal_entry *e = &run->journal.entries[i];
	e->held = run->unread_n > UNREAD_MAX;
	run->held_n += e->held;
	if (!e->held)
		reply_resume(r, run, e->path, e->code == RC_OK ? PAYLOAD_VALUE : PAYLOAD_ERROR,
			(struct slice){e->answer, e->answer_n});
}

bool reply_go_on(struct runner *r, struct run *run)
{
	uint32_t slot = run->slot, generation = run->generation;
	run->unread_n = 0;
	if (run->held_n == 0)
		return false;
	for (size_t i = 0; i < run->journal.n; i++) {
		if (!run->journal.entries[i].held)
			continue;
		run->held_n--;
		reply_hand_over(r, run, i);
		if (run_find(&r->runs, slot, generation) != run)
			break; /* it ended of it */
	}
	return true;
}

bool reply_write(struct runner *r, struct run *run, size_t i, const char *request,
	int64_t started_ms, int requests)
{
	const struct journal_entry *e = &run->journal.entries[i];
	int64_t now_ms = journal_time(&run->journal, clock_wall_ms());
	struct err err = {0};
	struct queue_call record = {
		.path = e->path,
		.method = e->method,
		.object = e->object,
		.effect = e->effect,
		.request = slice_of(request),
		.answer = {e->answer, e->answer_n},
		.code = e->code,
		.started_ms = e->since_ms != 0 ? e->since_ms : started_ms,
		.ended_ms = e->state == JOURNAL_ANSWERED ? now_ms : 0,
		.requests = requests,
	};
	if (e->state != JOURNAL_ANSWERED)
		record.answer = (struct slice){0};
	memcpy(record.digest, e->digest, DIGEST_N);
	enum rc rc = queue_call_put(r->queue, run->q.seq, run->q.epoch, &record, &err);
	gate_wrote(&r->gate);
	if (rc == RC_STALE)
		outcome_abandon(r, run);
	else if (rc != RC_OK)
		runner_fatal(r, &err);
	return rc == RC_OK;
}

/* What was written goes into the same transaction as the answer. */
static bool write_ledger(struct runner *r, struct run *run, size_t i, const struct reply_answer *a)
{
	struct err err = {0};
	lost_found(r, run, run->journal.entries[i].path);
	if (a->from == NULL || a->from->writes_n == 0)
		return true;
	enum rc rc = echo_note(r, run, a->from, run->journal.entries[i].since_ms, &err);
	if (rc == RC_STALE)
		outcome_abandon(r, run);
	else if (rc != RC_OK)
		runner_fatal(r, &err);
	return rc == RC_OK;
}

void reply_give(struct runner *r, struct run *run, size_t i, const char *request,
	const struct reply_answer *answer)
{
	struct err err;
	enum rc rc = journal_answer(&run->journal, i, answer->code, answer->unknown, answer->text);
	if (rc != RC_OK) {
		err_set(&err, rc, "no memory for an answer");
		runner_fatal(r, &err);
		return;
	}
	if (!reply_write(r, run, i, request, answer->started_ms, answer->requests) ||
		!write_ledger(r, run, i, answer))
		return;
	bool here = run->state == RUN_ACTIVE || run->state == RUN_SUSPENDED;
	if (run->later != NULL)
		outcome_settle(r, run);
	else if (here && run->journal.entries[i].asked == run->generation)
		reply_hand_over(r, run, i);
}

void reply_fail(struct runner *r, struct run *run, size_t i, const char *request,
	const struct reply_answer *answer, const struct payload_error *error)
{
	struct buf out;
	buf_init(&out, 8192 + error->answer.n);
	run->failed = answer->code;
	snprintf(run->failed_name, sizeof(run->failed_name), "%s", error->code);
	if (payload_error(&out, error) != RC_OK) {
		struct payload_error plain = *error;
		plain.answer = (struct slice){NULL, 0};
		plain.message = rc_text(answer->code);
		buf_clear(&out);
		if (payload_error(&out, &plain) != RC_OK)
			buf_clear(&out);
	}
	struct reply_answer whole = *answer;
	whole.text = out.n != 0 ? buf_slice(&out) : slice_of("{}");
	reply_give(r, run, i, request, &whole);
	buf_done(&out);
}
