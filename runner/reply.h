/* SPDX-License-Identifier: MIT */
/* What a call came to: noted first, then handed to the run. */
#ifndef MOONHOOK_RUNNER_REPLY_H
#define MOONHOOK_RUNNER_REPLY_H

#include "client/client.h"
#include "runner/payload.h"
#include "runner/run.h"

struct runner;

struct reply_answer { /* BORROWS */
	enum rc code;
	struct slice text; /* value or error */
	bool unknown;
	int requests; /* as queue_call */
	int64_t started_ms;
	const struct client_answer *from; /* NULL: it was answered here */
};

/* Notes the answer of a journal's entry, and hands it over where the run waits for it. */
void reply_give(struct runner *r, struct run *run, size_t entry, const char *request,
	const struct reply_answer *answer);
/* The same of one that failed: answer->text is made of error. */
void reply_fail(struct runner *r, struct run *run, size_t entry, const char *request,
	const struct reply_answer *answer, const struct payload_error *error);
/* Hands over what an entry was answered, now or, where its worker has many to read, later. */
void reply_hand_over(struct runner *r, struct run *run, size_t entry);
/* The run has read every answer that it was sent: it gets what was held back. False: nothing was.
 */
bool reply_go_on(struct runner *r, struct run *run);
/* Sends an answer that stands in no journal; the run goes on. */
void reply_resume(struct runner *r, struct run *run, const char *path, enum payload_kind kind,
	struct slice value);
/* Writes the state of an entry to the store. False: the run is not ours any more and has been
 * abandoned, with all its calls, or all is over. */
bool reply_write(struct runner *r, struct run *run, size_t entry, const char *request,
	int64_t started_ms, int requests);

#endif
