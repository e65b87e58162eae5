/* SPDX-License-Identifier: MIT */
/* What the head of a rule says beside `on`, in one line for people. */
#ifndef MOONHOOK_RUNNER_MANNER_H
#define MOONHOOK_RUNNER_MANNER_H

#include "base/buf.h"
#include "runner/ruleset.h"

#define MANNER_RATE_N 64

/* Appends "cron 0 9 * * 1-5 Europe/Paris, settle 20s, key companyId, shadow"; nothing of what is as
 * it is by default. RC_NOMEM, RC_TOO_LARGE. */
enum rc manner_put(const struct rule *rule, struct buf *out) must_check;
/* Its max_writes as one would write it: "1000/h". */
void manner_rate(const struct rule *rule, char ret_text[static MANNER_RATE_N]);

#endif
