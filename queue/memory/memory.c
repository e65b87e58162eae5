/* SPDX-License-Identifier: MIT */
/*
 * The test double: opening and closing, the inbox, rule sources, retention.
 *
 * From: queue.c. To: memory/work.c, memory/read.c. The list of stores is the one global of this
 * room: "memory:" has to mean the same store to a receiver and a runner in one test. Every call
 * holds the store's mutex, because its sides may be threads. Fails with RC_NOMEM where memory is
 * short, and breaks the handle then, as a half-done write cannot be taken back.
 */
#include "queue/memory/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Guards the list, its names and counts. */
static pthread_mutex_t stores_lock = PTHREAD_MUTEX_INITIALIZER;
static struct mem_store *stores;

/* --- memory
 * --------------------------------------------------------------------------------------- */

bool mem_more(void *list, size_t size)
{
	MEM_LIST(char) *l = list;
	if (l->n == l->cap) {
		size_t cap = l->cap > 0 ? l->cap * 2 : 16;
		char *p = realloc(l->p, cap * size);
		if (p == NULL)
			return false;
		l->p = p;
		l->cap = cap;
	}
	memset(l->p + l->n * size, 0, size);
	return true;
}

bool mem_keep_bytes(char **ret_copy, size_t *ret_n, struct slice bytes)
{
	char *p = malloc(bytes.n + 1);
	if (p == NULL)
		return false;
	if (bytes.n > 0)
		memcpy(p, bytes.p, bytes.n);
	p[bytes.n] = '\0';
	free(*ret_copy);
	*ret_copy = p;
	*ret_n = bytes.n;
	return true;
}

bool mem_keep(char **ret_copy, const char *text)
{
	size_t n;
	return mem_keep_bytes(ret_copy, &n, slice_of(text));
}

void mem_delivery_done(struct mem_delivery *d)
{
	free(d->source);
	free(d->quarantine);
	free(d->dedupe);
	free(d->headers);
	free(d->body);
}

void mem_event_done(struct mem_event *e)
{
	free(e->source);
	free(e->name);
	free(e->object);
	free(e->record);
	free(e->via);
	free(e->reason);
	free(e->headers);
	free(e->body);
	free(e->past);
	free(e->cause_fields);
}

void mem_run_done(struct mem_run *r)
{
	free(r->rule);
	free(r->source_hash);
	free(r->key);
	free(r->also);
	free(r->error);
	free(r->detail);
	free(r->log);
	free(r->hidden);
	free(r->born);
	mem_session_done(&r->session);
}

void mem_call_done(struct mem_call *c)
{
	queue_calls_free(c->one.p, c->one.n);
}

void mem_rule_done(struct mem_rule *r)
{
	free(r->name);
	free(r->file);
	free(r->on);
	free(r->state);
	free(r->error);
	free(r->options);
}

static void source_done(struct mem_source *s)
{
	free(s->hash);
	free(s->file);
	free(s->text);
}

#define DONE_ALL(list, done)                                                                       \
	do {                                                                                       \
		for (size_t i_ = 0; i_ < (list).n; i_++)                                           \
			done(&(list).p[i_]);                                                       \
		free((list).p);                                                                    \
	} while (0)

static void store_free(struct mem_store *m)
{
	DONE_ALL(m->deliveries, mem_delivery_done);
	DONE_ALL(m->events, mem_event_done);
	DONE_ALL(m->runs, mem_run_done);
	DONE_ALL(m->calls, mem_call_done);
	DONE_ALL(m->sources, source_done);
	DONE_ALL(m->rules, mem_rule_done);
	DONE_ALL(m->pauses, mem_pause_done);
	DONE_ALL(m->issues, mem_issue_done);
	DONE_ALL(m->audits, mem_audit_done);
	DONE_ALL(m->copies, mem_copy_done);
	DONE_ALL(m->gaps, mem_gap_done);
	DONE_ALL(m->spends, mem_spend_done);
	DONE_ALL(m->erasures, mem_erasure_done);
	DONE_ALL(m->told, mem_told_done);
	DONE_ALL(m->writes, mem_write_done);
	DONE_ALL(m->limits, mem_limit_done);
	DONE_ALL(m->kvs, mem_kv_done);
	DONE_ALL(m->timers, mem_timer_done);
	DONE_ALL(m->ticks, mem_tick_done);
	DONE_ALL(m->renamed, mem_renamed_done);
	pthread_mutex_destroy(&m->lock);
	free(m->name);
	free(m);
}

void mem_lock(struct queue *q)
{
	pthread_mutex_lock(&mem_of(q)->lock);
}

void mem_unlock(struct queue *q)
{
	pthread_mutex_unlock(&mem_of(q)->lock);
}

/* --- inbox
 * ----------------------------------------------------------------------------------------- */

static struct mem_delivery *find_repeat(struct mem_store *m, const struct queue_delivery *d)
{
	for (size_t i = 0; d->dedupe.n > 0 && i < m->deliveries.n; i++) {
		struct mem_delivery *old = &m->deliveries.p[i];
		if (strcmp(old->source, d->source) == 0 &&
			slice_equal((struct slice){old->dedupe, old->dedupe_n}, d->dedupe))
			return old;
	}
	return NULL;
}

static bool store_delivery(struct mem_store *m, const struct queue_delivery *d)
{
	if (!mem_more(&m->deliveries, sizeof(*m->deliveries.p)))
		return false;
	struct mem_delivery *new = &m->deliveries.p[m->deliveries.n];
	new->seq = m->last_delivery + 1;
	new->id = d->id;
	new->received_ms = d->received_ms;
	if (!mem_keep(&new->source, d->source) ||
		(d->quarantine != NULL && !mem_keep(&new->quarantine, d->quarantine)) ||
		!mem_keep_bytes(&new->dedupe, &new->dedupe_n, d->dedupe) ||
		!mem_keep_bytes(&new->headers, &new->headers_n, d->headers) ||
		!mem_keep_bytes(&new->body, &new->body_n, d->body)) {
		mem_delivery_done(new);
		return false;
	}
	m->last_delivery = new->seq;
	m->deliveries.n++;
	return true;
}

static enum rc inbox_put(
	struct queue *q, struct queue_delivery *deliveries, size_t n, struct err *err)
{
	struct mem_store *m = mem_of(q);
	enum rc rc = RC_OK;
	mem_lock(q);
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		struct queue_delivery *d = &deliveries[i];
		const struct mem_delivery *old = find_repeat(m, d);
		d->ret_repeated = old != NULL;
		if (old != NULL)
			d->id = old->id;
		else if (!store_delivery(m, d))
			rc = queue_break(q, err, "out of memory for deliveries");
	}
	mem_unlock(q);
	return rc;
}

static enum rc inbox_next(
	struct queue *q, size_t max, struct queue_raw *ret_raw, size_t *ret_n, struct err *err)
{
	struct mem_store *m = mem_of(q);
	size_t n = 0;
	(void)err;
	mem_lock(q);
	for (size_t i = 0; n < max && i < m->deliveries.n; i++) {
		const struct mem_delivery *d = &m->deliveries.p[i];
		if (d->seq <= m->position)
			continue;
		ret_raw[n++] = (struct queue_raw){
			.seq = d->seq,
			.id = d->id,
			.source = d->source,
			.headers = {d->headers, d->headers_n},
			.body = {d->body, d->body_n},
			.quarantine = d->quarantine,
			.received_ms = d->received_ms,
		};
	}
	mem_unlock(q);
	*ret_n = n;
	return RC_OK;
}

/* --- retention
 * ------------------------------------------------------------------------------------- */

static bool is_old(int64_t at_ms, int64_t age_ms, int64_t now_wall_ms, bool over)
{
	return over || (age_ms > 0 && at_ms < now_wall_ms - age_ms);
}

static size_t prune_deliveries(struct mem_store *m, const struct queue_retention *keep,
	int64_t now_wall_ms, size_t most, bool over)
{
	size_t kept = 0, gone = 0;
	for (size_t i = 0; i < m->deliveries.n; i++) {
		struct mem_delivery *d = &m->deliveries.p[i];
		const struct mem_event *e = mem_event_find(m, d->seq << 24);
		if (gone < most && d->seq <= m->position && (e == NULL || e->open == 0) &&
			is_old(d->received_ms, keep->events_ms, now_wall_ms, over)) {
			mem_delivery_done(d);
			gone++;
		} else {
			m->deliveries.p[kept++] = *d;
		}
	}
	m->deliveries.n = kept;
	return gone;
}

static size_t prune_runs(struct mem_store *m, const struct queue_retention *keep,
	int64_t now_wall_ms, size_t most, bool over)
{
	size_t kept = 0, gone = 0;
	for (size_t i = 0; i < m->runs.n; i++) {
		struct mem_run *r = &m->runs.p[i];
		if (gone < most && queue_state_ended(r->state) &&
			is_old(r->ended_ms, keep->runs_ms, now_wall_ms, over)) {
			mem_calls_forget(m, r->seq);
			mem_run_done(r);
			gone++;
		} else {
			m->runs.p[kept++] = *r;
		}
	}
	m->runs.n = kept;
	return gone;
}

static bool has_runs(const struct mem_store *m, int64_t event)
{
	for (size_t i = 0; i < m->runs.n; i++)
		if (mem_run_has(&m->runs.p[i], event))
			return true;
	return false;
}

static size_t prune_events(struct mem_store *m, const struct queue_retention *keep,
	int64_t now_wall_ms, size_t most, bool over)
{
	size_t kept = 0, gone = 0;
	for (size_t i = 0; i < m->events.n; i++) {
		struct mem_event *e = &m->events.p[i];
		if (gone < most && e->open == 0 && !has_runs(m, e->seq) &&
			is_old(e->received_ms, keep->events_ms, now_wall_ms, over)) {
			mem_event_done(e);
			gone++;
		} else {
			m->events.p[kept++] = *e;
		}
	}
	m->events.n = kept;
	return gone;
}

static int64_t size_of_store(const struct mem_store *m)
{
	size_t n = (m->runs.n + m->events.n + m->calls.n) * 256;
	for (size_t i = 0; i < m->deliveries.n; i++)
		n += m->deliveries.p[i].body_n + m->deliveries.p[i].headers_n + 256;
	return (int64_t)n;
}

static enum rc prune(struct queue *q, const struct queue_retention *keep, int64_t now_wall_ms,
	size_t most, size_t *ret_n, struct err *err)
{
	struct mem_store *m = mem_of(q);
	size_t n = 0;
	(void)err;
	mem_lock(q);
	bool over = keep->size_bytes > 0 && size_of_store(m) > keep->size_bytes;
	if (q->side == QUEUE_RECEIVER) {
		n = prune_deliveries(m, keep, now_wall_ms, most, over);
	} else {
		n = prune_runs(m, keep, now_wall_ms, most, over);
		n += prune_events(m, keep, now_wall_ms, most - n, over);
	}
	mem_unlock(q);
	*ret_n = n;
	return RC_OK;
}

static enum rc no_backup(
	struct queue *q, const char *folder, struct queue_backup *ret_backup, struct err *err)
{
	(void)q;
	(void)ret_backup;
	return err_set(err, RC_UNSUPPORTED,
		"a store in memory cannot be copied to %s: it goes with its process", folder);
}

static enum rc nothing(struct queue *q, struct err *err)
{
	(void)q;
	(void)err;
	return RC_OK;
}

/* --- sources and rules
 * ------------------------------------------------------------------------------ */

static struct mem_source *find_source(struct mem_store *m, const char *hash)
{
	for (size_t i = 0; i < m->sources.n; i++)
		if (strcmp(m->sources.p[i].hash, hash) == 0)
			return &m->sources.p[i];
	return NULL;
}

static bool keep_source(struct mem_store *m, const char *hash, const char *file, struct slice text)
{
	if (find_source(m, hash) != NULL)
		return true;
	if (!mem_more(&m->sources, sizeof(*m->sources.p)))
		return false;
	struct mem_source *s = &m->sources.p[m->sources.n];
	if (!mem_keep(&s->hash, hash) || !mem_keep(&s->file, file) ||
		!mem_keep_bytes(&s->text, &s->text_n, text)) {
		source_done(s);
		return false;
	}
	m->sources.n++;
	return true;
}

static enum rc source_put(
	struct queue *q, const char *hash, const char *file, struct slice text, struct err *err)
{
	mem_lock(q);
	bool kept = keep_source(mem_of(q), hash, file, text);
	mem_unlock(q);
	return kept ? RC_OK : queue_break(q, err, "out of memory for rule sources");
}

static enum rc source_get(struct queue *q, const char *hash, struct buf *out,
	char ret_file[static 256], struct err *err)
{
	mem_lock(q);
	const struct mem_source *s = find_source(mem_of(q), hash);
	enum rc rc = s == NULL ? err_set(err, RC_NOT_FOUND, "no rule source %.64s is stored", hash)
			       : buf_put(out, s->text, s->text_n);
	if (rc == RC_OK)
		snprintf(ret_file, 256, "%s", s->file);
	else if (rc != RC_NOT_FOUND)
		err_set(err, rc, "rule source %.64s is %s", hash, rc_text(rc));
	mem_unlock(q);
	return rc;
}

static enum rc source_live(
	struct queue *q, const char *const *hashes, size_t n, int64_t now_wall_ms, struct err *err)
{
	struct mem_store *m = mem_of(q);
	(void)err;
	mem_lock(q);
	for (size_t i = 0; i < m->sources.n; i++) {
		struct mem_source *s = &m->sources.p[i];
		bool live = false;
		for (size_t k = 0; k < n; k++)
			live = live || strcmp(s->hash, hashes[k]) == 0;
		if (live && s->live_ms == 0)
			s->live_ms = now_wall_ms;
		if (!live && s->live_ms != 0)
			s->until_ms = now_wall_ms;
		s->live_ms = live ? s->live_ms : 0;
		s->until_ms = live ? 0 : s->until_ms;
	}
	mem_unlock(q);
	return RC_OK;
}

static enum rc source_find(struct queue *q, const char *file, struct buf *out,
	char ret_hash[static DIGEST_HEX_N], int64_t *ret_live_ms, struct err *err)
{
	struct mem_store *m = mem_of(q);
	const struct mem_source *s = NULL;
	mem_lock(q);
	for (size_t i = 0; i < m->sources.n && s == NULL; i++)
		if (m->sources.p[i].live_ms != 0 && strcmp(m->sources.p[i].file, file) == 0)
			s = &m->sources.p[i];
	enum rc rc = s == NULL ? err_set(err, RC_NOT_FOUND, "no version of %s is live", file)
			       : buf_put(out, s->text, s->text_n);
	if (rc == RC_OK) {
		snprintf(ret_hash, DIGEST_HEX_N, "%s", s->hash);
		*ret_live_ms = s->live_ms;
	} else if (rc != RC_NOT_FOUND) {
		err_set(err, rc, "the live version of %s is %s", file, rc_text(rc));
	}
	mem_unlock(q);
	return rc;
}

static bool is_named(const struct mem_store *m, const char *hash)
{
	for (size_t i = 0; i < m->runs.n; i++)
		if (strcmp(m->runs.p[i].source_hash, hash) == 0)
			return true;
	return false;
}

static enum rc source_prune(struct queue *q, int64_t before_wall_ms, size_t *ret_n, struct err *err)
{
	struct mem_store *m = mem_of(q);
	size_t kept = 0;
	(void)err;
	mem_lock(q);
	for (size_t i = 0; i < m->sources.n; i++) {
		struct mem_source *s = &m->sources.p[i];
		if (s->live_ms != 0 || s->until_ms >= before_wall_ms || is_named(m, s->hash))
			m->sources.p[kept++] = *s;
		else
			source_done(s);
	}
	*ret_n = m->sources.n - kept;
	m->sources.n = kept;
	mem_unlock(q);
	return RC_OK;
}

static bool keep_rule(struct mem_store *m, const struct queue_rule *rule)
{
	if (!mem_more(&m->rules, sizeof(*m->rules.p)))
		return false;
	struct mem_rule *r = &m->rules.p[m->rules.n++];
	r->line = rule->line;
	r->loaded_ms = rule->loaded_ms;
	return mem_keep(&r->name, rule->name) && mem_keep(&r->file, rule->file) &&
	       mem_keep(&r->on, rule->on) && mem_keep(&r->state, rule->state) &&
	       mem_keep(&r->error, rule->error) &&
	       mem_keep(&r->options, rule->options != NULL ? rule->options : "");
}

static enum rc rules_put(struct queue *q, const struct queue_rule *rules, size_t n, struct err *err)
{
	struct mem_store *m = mem_of(q);
	bool kept = true;
	mem_lock(q);
	while (m->rules.n > 0)
		mem_rule_done(&m->rules.p[--m->rules.n]);
	for (size_t i = 0; kept && i < n; i++)
		kept = keep_rule(m, &rules[i]);
	mem_unlock(q);
	return kept ? RC_OK : queue_break(q, err, "out of memory for rules");
}

static enum rc rule_each(struct queue *q, queue_rule_fn fn, void *ctx, struct err *err)
{
	struct mem_store *m = mem_of(q);
	enum rc rc = RC_OK;
	mem_lock(q);
	for (size_t i = 0; rc == RC_OK && i < m->rules.n; i++) {
		const struct mem_rule *r = &m->rules.p[i];
		rc = fn(ctx,
			&(struct queue_rule){.name = r->name,
				.file = r->file,
				.line = r->line,
				.on = r->on,
				.state = r->state,
				.error = r->error,
				.loaded_ms = r->loaded_ms,
				.options = r->options},
			err);
	}
	mem_unlock(q);
	return rc;
}

/* --- open and close
 * --------------------------------------------------------------------------------- */

static void mem_close(struct queue *q)
{
	struct mem *mem = (struct mem *)q;
	struct mem_store *m = mem->store;
	pthread_mutex_lock(&stores_lock);
	if (q->side != QUEUE_READER)
		m->taken[q->side] = false;
	if (--m->refs == 0) {
		struct mem_store **at = &stores;
		while (*at != m)
			at = &(*at)->next;
		*at = m->next;
		store_free(m);
	}
	pthread_mutex_unlock(&stores_lock);
	free(mem->copy);
	free(mem);
}

static const struct queue_backend memory_backend = {
	.name = "memory",
	.close = mem_close,
	.inbox_put = inbox_put,
	.prune = prune,
	.checkpoint = nothing,
	.inbox_next = inbox_next,
	.route = mem_route,
	.claim = mem_claim,
	.next_due = mem_next_due,
	.due_shift = mem_due_shift,
	.adopt = mem_adopt,
	.finish = mem_finish,
	.call_put = mem_call_put,
	.calls_load = mem_calls_load,
	.commit = nothing,
	.source_put = source_put,
	.source_get = source_get,
	.source_live = source_live,
	.source_find = source_find,
	.source_prune = source_prune,
	.rules_put = rules_put,
	.event_each = mem_event_each,
	.run_each = mem_run_each,
	.event_get = mem_event_get,
	.run_get = mem_run_get,
	.rule_each = rule_each,
	.count = mem_count,
	.retry = mem_retry,
	.copy_put = mem_copy_put,
	.copy_find = mem_copy_find,
	.copy_each = mem_copy_each,
	.copy_erase = mem_copy_erase,
	.spend_add = mem_spend_add,
	.spend_each = mem_spend_each,
	.spend_clear = mem_spend_clear,
	.erasure_put = mem_erasure_put,
	.erasure_first = mem_erasure_first,
	.erasure_drop = mem_erasure_drop,
	.shadow_is = mem_shadow_is,
	.gap_put = mem_gap_put,
	.gap_drop = mem_gap_drop,
	.gap_each = mem_gap_each,
	.told_put = mem_told_put,
	.told_find = mem_told_find,
	.told_prune = mem_told_prune,
	.told_erase = mem_told_erase,
	.pause = mem_pause,
	.resume = mem_resume,
	.pause_step = mem_pause_step,
	.paused = mem_paused,
	.pause_each = mem_pause_each,
	.issue_put = mem_issue_put,
	.issue_acknowledge = mem_issue_acknowledge,
	.issue_each = mem_issue_each,
	.run_purge = mem_run_purge,
	.run_renew = mem_run_renew,
	.event_settle = mem_event_settle,
	.event_purge = mem_event_purge,
	.tally_each = mem_tally_each,
	.erase_step = mem_erase_step,
	.erase_wipe = mem_erase_wipe,
	.erase_left = mem_erase_left,
	.scrub = mem_scrub,
	.backup = no_backup,
	.audit_put = mem_audit_put,
	.audit_end = mem_audit_end,
	.audit_each = mem_audit_each,
	.limits_put = mem_limits_put,
	.joined_each = mem_joined_each,
	.joined_put = mem_joined_put,
	.words_get = mem_words_get,
	.write_put = mem_write_put,
	.write_each = mem_write_each,
	.write_prune = mem_write_prune,
	.write_erase = mem_write_erase,
	.cause_find = mem_cause_find,
	.cause_put = mem_cause_put,
	.step_get = mem_step_get,
	.kv_put = mem_kv_put,
	.kv_find = mem_kv_find,
	.kv_drop = mem_kv_drop,
	.kv_move = mem_kv_move,
	.kv_prune = mem_kv_prune,
	.kv_count = mem_kv_count,
	.timer_put = mem_timer_put,
	.timer_drop = mem_timer_drop,
	.timer_take = mem_timer_take,
	.timer_due = mem_timer_due,
	.timer_each = mem_timer_each,
	.timer_next = mem_timer_next,
	.timer_count = mem_timer_count,
	.timer_move = mem_timer_move,
	.rename = mem_rename,
	.tick_put = mem_tick_put,
	.tick_each = mem_tick_each,
	.event_over = mem_event_over,
};

static struct mem_store *store_new(const char *name)
{
	pthread_mutexattr_t again; /* a call back may ask the same store */
	struct mem_store *m = calloc(1, sizeof(*m));
	if (m == NULL || !mem_keep(&m->name, name)) {
		free(m);
		return NULL;
	}
	pthread_mutexattr_init(&again);
	pthread_mutexattr_settype(&again, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&m->lock, &again);
	pthread_mutexattr_destroy(&again);
	m->next = stores;
	stores = m;
	return m;
}

static enum rc take(
	const char *name, enum queue_side side, struct mem_store **ret_store, struct err *err)
{
	struct mem_store *m = stores;
	while (m != NULL && strcmp(m->name, name) != 0)
		m = m->next;
	if (m == NULL)
		m = store_new(name);
	if (m == NULL)
		return err_set(err, RC_NOMEM, "out of memory");
	if (side != QUEUE_READER && m->taken[side])
		return err_set(err, RC_BUSY, "the store memory:%s is used by process %ld already",
			name, (long)getpid());
	if (side != QUEUE_READER)
		m->taken[side] = true;
	m->refs++;
	*ret_store = m;
	return RC_OK;
}

enum rc memory_open(
	const char *name, enum queue_side side, struct queue **ret_queue, struct err *err)
{
	struct mem *mem = calloc(1, sizeof(*mem));
	if (mem == NULL)
		return err_set(err, RC_NOMEM, "out of memory");
	mem->base.backend = &memory_backend;
	mem->base.side = side;
	pthread_mutex_lock(&stores_lock);
	enum rc rc = take(name, side, &mem->store, err);
	pthread_mutex_unlock(&stores_lock);
	if (rc != RC_OK) {
		free(mem);
		return rc;
	}
	*ret_queue = &mem->base;
	return RC_OK;
}
