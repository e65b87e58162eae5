/* SPDX-License-Identifier: MIT */
/*
 * What an operator asks of a workspace: does Twenty answer, does it take the key, which webhooks
 * are there. For the command: it blocks, each question for its deadline at most, beside the budget
 * of the daemon (one request of a whole visit counts for it). Rules have no way here.
 *
 * All fail with RC_UNREACHABLE (no connection), RC_TIMEOUT, RC_AUTH (the key was refused),
 * RC_DENIED (this key may not), RC_LIMITED, RC_UPSTREAM (an error, or no Twenty), RC_NOMEM; the
 * sentence holds neither key nor secret.
 */
#ifndef MOONHOOK_CLIENT_WORKSPACE_H
#define MOONHOOK_CLIENT_WORKSPACE_H

#include "base/conf.h"
#include "base/uuid.h"
#include "client/webhook.h"

struct workspace;

/* url and key come from conf, which is BORROWED. RC_INVALID: they are none. GIVES. */
enum rc workspace_open(const struct conf *conf, int64_t deadline_ms,
	struct workspace **ret_workspace, struct err *err) must_check;
void workspace_close(struct workspace *workspace);

/* Who answers, and in which dialect: "core", "docs"; STATIC. */
enum rc workspace_greet(
	struct workspace *workspace, const char **ret_dialect, struct err *err) must_check;

struct workspace_key {
	char name[128];     /* as its owner called it; "": nobody tells */
	int64_t expires_ms; /* wall; 0: never, or nobody tells */
};
/* What is known of the key, without it. Asks nothing where the key itself says nothing. */
void workspace_key(struct workspace *workspace, struct workspace_key *ret_key);

/* What the workspace says of its objects and fields, for schema_read. RC_UNSUPPORTED: this server
 * does not say. GIVES. */
enum rc workspace_schema(
	struct workspace *workspace, json_t **ret_body, struct err *err) must_check;

/* GIVES (webhooks_done). */
enum rc workspace_webhooks(
	struct workspace *workspace, struct webhooks *ret_webhooks, struct err *err) must_check;

struct webhook_new { /* BORROWS */
	const char *target, *secret, *description;
	const json_t *operations; /* array of texts */
};
/* RC_UNKNOWN: no answer came, and nobody knows whether there is one now. RC_UNSUPPORTED: the server
 * made it otherwise, and it was taken back. */
enum rc workspace_webhook_add(struct workspace *workspace, const struct webhook_new *webhook,
	struct uuid *ret_id, struct err *err) must_check;
/* RC_NOT_FOUND: there is none of this id (any more). */
enum rc workspace_webhook_remove(
	struct workspace *workspace, const char *id, struct err *err) must_check;

/* How far the server's clock is ahead of ours: between these, as all its answers so far show. False
 * where none told its time. */
bool workspace_skew(const struct workspace *workspace, int64_t *ret_least_ms, int64_t *ret_most_ms);

#endif
