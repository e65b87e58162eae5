/* SPDX-License-Identifier: MIT */
/* What went wrong for good, counted as issues: one for each rule and error, one for each source. */
#ifndef MOONHOOK_RUNNER_ISSUE_H
#define MOONHOOK_RUNNER_ISSUE_H

struct runner;
struct queue_run;
struct queue_outcome;

/* A run has become a dead letter, or is in quarantine; nothing for other ends. */
void issue_run(struct runner *r, const struct queue_run *run, const struct queue_outcome *outcome);
/* A delivery is kept in quarantine. */
void issue_event(struct runner *r, const char *source, const char *event, const char *reason);

#endif
