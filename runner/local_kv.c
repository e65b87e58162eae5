/* SPDX-License-Identifier: MIT */
/*
 * What a rule keeps: kv.get, set, incr and delete, its own and all rules'.
 * From: call.c, by local.h. To: queue/kv.h, in the open transaction, which takes the journal's
 * entry too. Not effects: a retry does them again where it goes on for real. The worker has looked
 * at the arguments for the author's sake; here they are looked at as a stranger's.
 */
#include <inttypes.h>
#include <math.h>

#include "base/attr.h"
#include "queue/kv.h"
#include "runner/dump.h"
#include "runner/local.h"
#include "runner/state.h"

#define TTL_MAX_MS (INT64_C(100) * 366 * 86400 * 1000)

/* Of one rule; of kv.shared the same. */
static const struct queue_kv_sum most = {.n = 100000, .bytes = INT64_C(256) << 20};

static const char *scope_of(const struct local_ask *ask)
{
	return strcmp(ask->object, "kv.shared") == 0 ? KV_SHARED : ask->run->q.rule;
}

static enum rc key_of(const struct local_ask *ask, const char **ret_key, struct err *err)
{
	const json_t *key = json_object_get(ask->args, "key");
	if (!json_is_string(key) || strlen(json_string_value(key)) != json_string_length(key))
		return err_set(err, RC_INVALID, "%s needs a key, a text", ask->object);
	*ret_key = json_string_value(key);
	return RC_OK;
}

/* When a value's time is over, were it put now; 0: never. */
static enum rc end_of(const struct local_ask *ask, int64_t *ret_until_ms, struct err *err)
{
	const json_t *ttl = json_object_get(ask->args, "ttl_ms");
	json_int_t ms = json_integer_value(ttl);
	*ret_until_ms = 0;
	if (ttl == NULL)
		return RC_OK;
	if (!json_is_integer(ttl) || ms <= 0 || ms > TTL_MAX_MS)
		return err_set(err, RC_INVALID,
			"a time to live is more than nothing and at most "
			"100 years");
	*ret_until_ms = ask->now_ms + ms;
	return RC_OK;
}

static enum rc no_memory(enum rc rc, struct err *err)
{
	return rc == RC_OK ? rc : err_set(err, rc, "a value of kv is %s", rc_text(rc));
}

static enum rc find(const struct local_ask *ask, const char *key, struct buf *out,
	int64_t *ret_until_ms, struct err *err)
{
	return queue_kv_find(
		ask->r->queue, scope_of(ask), key, ask->now_ms, out, ret_until_ms, err);
}

static enum rc put(const struct local_ask *ask, const char *key, struct slice value,
	int64_t until_ms, struct err *err)
{
	struct queue_kv kv = {scope_of(ask), key, value, until_ms};
	return queue_kv_put(ask->r->queue, &kv, ask->now_ms, &most, err);
}

static enum rc answer_get(const struct local_ask *ask, struct buf *out, struct err *err)
{
	const char *key;
	int64_t until_ms;
	enum rc rc = key_of(ask, &key, err);
	if (rc != RC_OK)
		return rc;
	rc = find(ask, key, out, &until_ms, err);
	return rc == RC_NOT_FOUND ? no_memory(buf_put_text(out, "null"), err) : rc;
}

static enum rc answer_set(const struct local_ask *ask, struct buf *out, struct err *err)
{
	const char *key;
	int64_t until_ms;
	struct buf text;
	const json_t *value = json_object_get(ask->args, "value");
	enum rc rc = key_of(ask, &key, err);
	if (rc == RC_OK)
		rc = end_of(ask, &until_ms, err);
	if (rc == RC_OK && value == NULL)
		rc = err_set(err, RC_INVALID, "%s.set needs a value", ask->object);
	if (rc != RC_OK)
		return rc;
	buf_init(&text, KV_VALUE_MAX);
	rc = dump_value(&text, value);
	rc = rc == RC_OK ? put(ask, key, buf_slice(&text), until_ms, err)
			 : err_set(err, rc, "the value of \"%.60s\" is %s (%u bytes are allowed)",
				   key, rc_text(rc), KV_VALUE_MAX);
	buf_done(&text);
	return rc == RC_OK ? no_memory(buf_put_text(out, "null"), err) : rc;
}

/* What was counted so far; nothing is 0. RC_INVALID: it is no number. */
static enum rc number_at(const struct local_ask *ask, const char *key, json_t **ret_number,
	int64_t *ret_until_ms, struct err *err)
{
	struct buf text;
	buf_init(&text, KV_VALUE_MAX);
	enum rc rc = find(ask, key, &text, ret_until_ms, err);
	json_t *was =
		rc == RC_OK ? json_loadb(text.p, text.n, JSON_DECODE_ANY, NULL) : json_integer(0);
	buf_done(&text);
	if (rc == RC_NOT_FOUND) {
		*ret_until_ms = 0;
		rc = RC_OK;
	}
	if (rc == RC_OK && !json_is_number(was))
		rc = err_set(err, RC_INVALID, "%s.incr: what is kept under \"%.60s\" is no number",
			ask->object, key);
	if (rc != RC_OK)
		json_decref(was);
	else
		*ret_number = was;
	return rc;
}

/* Whole numbers stay whole while they can. NULL: the sum is no number. */
static json_t *add(const json_t *a, const json_t *b)
{
	int64_t whole;
	if (json_is_integer(a) && json_is_integer(b) &&
		!__builtin_add_overflow(
			(int64_t)json_integer_value(a), (int64_t)json_integer_value(b), &whole))
		return json_integer(whole);
	double sum = json_number_value(a) + json_number_value(b);
	return isfinite(sum) ? json_real(sum) : NULL;
}

/* The time to live is that of the counter, which begins when it is made: a later incr does not put
 * off its end, else a busy counter would never start again. */
static enum rc answer_incr(const struct local_ask *ask, struct buf *out, struct err *err)
{
	const char *key;
	int64_t until_ms = 0, was_until_ms = 0;
	json_t *was = NULL, *sum = NULL;
	const json_t *by = json_object_get(ask->args, "by");
	enum rc rc = key_of(ask, &key, err);
	if (rc == RC_OK)
		rc = end_of(ask, &until_ms, err);
	if (rc == RC_OK && !json_is_number(by))
		rc = err_set(err, RC_INVALID, "%s.incr needs a number", ask->object);
	if (rc == RC_OK)
		rc = number_at(ask, key, &was, &was_until_ms, err);
	if (rc == RC_OK && (sum = add(was, by)) == NULL)
		rc = err_set(err, RC_INVALID,
			"%s.incr: the sum under \"%.60s\" is no number any more", ask->object, key);
	if (rc == RC_OK)
		rc = no_memory(dump_value(out, sum), err);
	if (rc == RC_OK)
		rc = put(
			ask, key, buf_slice(out), was_until_ms != 0 ? was_until_ms : until_ms, err);
	json_decref(was);
	json_decref(sum);
	return rc;
}

static enum rc answer_delete(const struct local_ask *ask, struct buf *out, struct err *err)
{
	const char *key;
	bool was = false;
	enum rc rc = key_of(ask, &key, err);
	if (rc == RC_OK)
		rc = queue_kv_drop(ask->r->queue, scope_of(ask), key, ask->now_ms, &was, err);
	return rc == RC_OK ? no_memory(buf_put_text(out, was ? "true" : "false"), err) : rc;
}

const struct local_method local_kv[] = {
	{"kv", "delete", false, answer_delete},
	{"kv", "get", false, answer_get},
	{"kv", "incr", false, answer_incr},
	{"kv", "set", false, answer_set},
	{"kv.shared", "delete", false, answer_delete},
	{"kv.shared", "get", false, answer_get},
	{"kv.shared", "incr", false, answer_incr},
	{"kv.shared", "set", false, answer_set},
	{NULL, NULL, false, NULL},
};
