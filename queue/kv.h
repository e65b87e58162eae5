/* SPDX-License-Identifier: MIT */
/*
 * What rules keep: values under keys, each rule in a scope of its own. Part of queue.h. Written by
 * the runner within its transaction, together with the journal's entry of the call that asked.
 *
 * A value is there until its time is over (wall clock) and is pruned some time later; nobody sees
 * it in between.
 */
#ifndef MOONHOOK_QUEUE_KV_H
#define MOONHOOK_QUEUE_KV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

struct queue;

#define KV_SHARED ""             /* the scope of all rules; others bear the name of their rule */
#define KV_KEY_MAX 256           /* bytes */
#define KV_VALUE_MAX (64u << 10) /* bytes */

struct queue_kv {          /* BORROWS */
	const char *scope; /* at most 200 bytes */
	const char *key;
	struct slice value; /* JSON */
	int64_t until_ms;   /* wall; 0: for ever */
};

struct queue_kv_sum { /* of a scope; what is over and not pruned yet counts */
	int64_t n;
	int64_t bytes; /* of keys and values */
};

/* Takes the place of what was there. RC_INVALID (no key, or a longer one), RC_TOO_LARGE (the
 * value), RC_QUOTA: the scope would hold more than most. Nothing has changed then. Runner. */
enum rc queue_kv_put(struct queue *q, const struct queue_kv *kv, int64_t now_wall_ms,
	const struct queue_kv_sum *most, struct err *err) must_check;
/* Appends the value to out. RC_NOT_FOUND (err is not set then); RC_NOMEM, RC_TOO_LARGE (out). Any
 * side. */
enum rc queue_kv_find(struct queue *q, const char *scope, const char *key, int64_t now_wall_ms,
	struct buf *out, int64_t *ret_until_ms, struct err *err) must_check;
/* ret_was: there was something. Runner. */
enum rc queue_kv_drop(struct queue *q, const char *scope, const char *key, int64_t now_wall_ms,
	bool *ret_was, struct err *err) must_check;
/* A rule has another name: what its old scope holds is in its new one from now on, but for keys
 * that are there already, which are forgotten. Runner. */
enum rc queue_kv_move(
	struct queue *q, const char *from, const char *to, struct err *err) must_check;
/* Forgets what is over; a bounded number per call, ret_n. Runner. */
enum rc queue_kv_prune(
	struct queue *q, int64_t now_wall_ms, size_t *ret_n, struct err *err) must_check;
/* Any side. */
enum rc queue_kv_count(struct queue *q, const char *scope, struct queue_kv_sum *ret_sum,
	struct err *err) must_check;

#endif
