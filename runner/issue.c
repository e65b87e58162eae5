/* SPDX-License-Identifier: MIT */
/*
 * Opens issues.
 * From: outcome.c, assign.c, route_write.c, in the step that writes the end. To: the store. What an
 * issue is about is bounded: rules, error codes, sources. Fails by ending the runner where the
 * store does.
 */
#include "runner/issue.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "queue/pause.h"
#include "runner/state.h"

#define TEXT_MAX 1000 /* bytes of an issue's text */

/* Cut at the end of a character. */
static void copy_text(char *out, size_t n, const char *text)
{
	size_t len = strnlen(text, n - 1);
	while (len > 0 && text[len] != '\0' && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	memcpy(out, text, len);
	out[len] = '\0';
}

static void put(
	struct runner *r, const char *kind, const char *about, const char *event, const char *text)
{
	char brief[TEXT_MAX];
	struct err err = {0};
	copy_text(brief, sizeof(brief), text);
	struct queue_issue issue = {.kind = kind,
		.about = about,
		.text = brief,
		.event = event,
		.count = 1,
		.last_ms = clock_wall_ms()};
	if (queue_issue_put(r->queue, &issue, &err) != RC_OK)
		runner_fatal(r, &err);
	else
		gate_wrote(&r->gate);
}

void issue_run(struct runner *r, const struct queue_run *run, const struct queue_outcome *outcome)
{
	char about[300];
	if (outcome->state != QUEUE_DEAD && outcome->state != QUEUE_QUARANTINED)
		return;
	if (outcome->code == RC_LOOP) /* has an issue of its own, with the chain */
		return;
	snprintf(about, sizeof(about), "%.200s: %s", run->rule, rc_name(outcome->code));
	put(r, queue_state_name(outcome->state), about, run->event.text,
		outcome->error != NULL ? outcome->error : rc_text(outcome->code));
}

void issue_event(struct runner *r, const char *source, const char *event, const char *reason)
{
	char about[300];
	snprintf(about, sizeof(about), "source %.200s", source[0] != '\0' ? source : "(born here)");
	put(r, "quarantined", about, event, reason);
}
