/* SPDX-License-Identifier: MIT */
/*
 * The door to what rules keep, as queue.c is for the rest: side, arguments, then the backend.
 * From: the runner. To: sql/kv.c, memory/kv.c. Holds nothing.
 */
#include "queue/kv.h"

#include <inttypes.h>
#include <string.h>

#include "queue/backend.h"

#define SCOPE_MAX 200 /* bytes */

static enum rc check(const char *scope, const char *key, struct err *err)
{
	size_t n = strlen(key);
	if (strlen(scope) > SCOPE_MAX)
		return err_set(err, RC_INVALID, "a rule's name is longer than %d bytes", SCOPE_MAX);
	if (n == 0)
		return err_set(err, RC_INVALID, "the key is empty");
	if (n > KV_KEY_MAX)
		return err_set(
			err, RC_INVALID, "the key has %zu bytes, it may have %d", n, KV_KEY_MAX);
	return RC_OK;
}

enum rc queue_kv_full(
	const char *scope, const struct queue_kv_sum *most, bool by_n, struct err *err)
{
	const char *who = scope[0] != '\0' ? "the rule keeps" : "kv.shared holds";
	if (by_n)
		return err_set(err, RC_QUOTA,
			"%s %" PRId64 " keys already: delete some, or give them a time to live",
			who, most->n);
	return err_set(err, RC_QUOTA,
		"%s %" PRId64 " MB already: delete some, or give them a time to live", who,
		most->bytes >> 20);
}

enum rc queue_kv_put(struct queue *q, const struct queue_kv *kv, int64_t now_wall_ms,
	const struct queue_kv_sum *most, struct err *err)
{
	enum rc rc = queue_enter_runner(q, "keep values in", err);
	if (rc == RC_OK)
		rc = check(kv->scope, kv->key, err);
	if (rc == RC_OK && kv->value.n > KV_VALUE_MAX)
		rc = err_set(err, RC_TOO_LARGE, "the value has %zu bytes, it may have %u",
			kv->value.n, KV_VALUE_MAX);
	return rc != RC_OK ? rc : q->backend->kv_put(q, kv, now_wall_ms, most, err);
}

enum rc queue_kv_find(struct queue *q, const char *scope, const char *key, int64_t now_wall_ms,
	struct buf *out, int64_t *ret_until_ms, struct err *err)
{
	enum rc rc = queue_enter_any(q, "read", err);
	return rc != RC_OK
		       ? rc
		       : q->backend->kv_find(q, scope, key, now_wall_ms, out, ret_until_ms, err);
}

enum rc queue_kv_drop(struct queue *q, const char *scope, const char *key, int64_t now_wall_ms,
	bool *ret_was, struct err *err)
{
	enum rc rc = queue_enter_runner(q, "forget values of", err);
	return rc != RC_OK ? rc : q->backend->kv_drop(q, scope, key, now_wall_ms, ret_was, err);
}

enum rc queue_kv_move(struct queue *q, const char *from, const char *to, struct err *err)
{
	enum rc rc = queue_enter_runner(q, "move values in", err);
	if (rc == RC_OK && strcmp(from, to) == 0)
		return RC_OK;
	if (rc == RC_OK && (from[0] == '\0' || to[0] == '\0' || strlen(to) > SCOPE_MAX))
		rc = err_set(err, RC_INVALID, "values move from one rule to another");
	return rc != RC_OK ? rc : q->backend->kv_move(q, from, to, err);
}

enum rc queue_kv_prune(struct queue *q, int64_t now_wall_ms, size_t *ret_n, struct err *err)
{
	enum rc rc = queue_enter_runner(q, "prune", err);
	return rc != RC_OK ? rc : q->backend->kv_prune(q, now_wall_ms, ret_n, err);
}

enum rc queue_kv_count(
	struct queue *q, const char *scope, struct queue_kv_sum *ret_sum, struct err *err)
{
	enum rc rc = queue_enter_any(q, "read", err);
	return rc != RC_OK ? rc : q->backend->kv_count(q, scope, ret_sum, err);
}
