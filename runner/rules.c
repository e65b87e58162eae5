/* SPDX-License-Identifier: MIT */
/*
 * Loading rules.
 * From: runner.c at start, the supervisor's reload. To: the live set, the store (texts and list),
 * the answer to the supervisor. Files whose bytes have not changed are kept as they are; a worker
 * reads the others and answers with what they declare. A file that is broken, hangs, or kills its
 * worker leaves its previous version live and says file:line; where that is none of this process,
 * the store's is read. Does not run rules.
 */
#include "runner/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "runner/manner.h"
#include "runner/rename.h"
#include "runner/report.h"
#include "runner/scan.h"
#include "runner/state.h"

#define ANSWER_MAX 8192
#define ON_BYTES (16u << 20)
#define SOURCE_BYTES (2u << 20)
#define CRASHES_MAX 3
#define FOLDER_AGAIN_MS 1000 /* a folder that is away is looked for */

static void set_error(struct candidate *c, const char *text)
{
	free(c->error);
	c->error = strdup(text);
	if (c->error == NULL)
		log_error(NULL, "no memory to keep an error: %s", text);
	version_unref(c->source);
	c->source = NULL;
}

/* The head that was asked for will not come. */
static void give_up(struct candidate *c, const char *text)
{
	if (!c->recalled) {
		set_error(c, text);
		return;
	}
	log_warn(NULL, "the version that was live before cannot be used either: %s", text);
	version_unref(c->source);
	c->source = NULL;
}

static bool is_open(const struct candidate *c)
{
	return c->source != NULL;
}

static void forget_load(struct rules *rules)
{
	for (size_t i = 0; i < rules->candidates_n; i++) {
		rulefile_unref(rules->candidates[i].done);
		rulefile_unref(rules->candidates[i].stored);
		version_unref(rules->candidates[i].source);
		free(rules->candidates[i].error);
		free(rules->candidates[i].report);
		free(rules->candidates[i].doubt);
	}
	free(rules->candidates);
	rules->candidates = NULL;
	rules->candidates_n = 0;
	folder_done(&rules->folder);
	rules->loading = false;
}

/* --- the new set ------------------------------------------------------------------------------ */

/* Who keeps a name that two files want: what is live and has not changed, then what is live, then
 * what is new. A newcomer takes nothing from what works. */
enum standing { UNCHANGED, CHANGED, NEW, STANDING_N };

static enum standing standing_of(const struct candidate *c, const struct rulefile *old)
{
	if (old == NULL) /* it may have been live before this process */
		return c->done != NULL && c->done->live_ms != 0 ? UNCHANGED : NEW;
	return c->done != NULL && strcmp(c->done->hash, old->hash) == 0 ? UNCHANGED : CHANGED;
}

/* People are told that an older version goes on. */
static void note_older(struct candidate *c, struct rulefile *old)
{
	char at[CLOCK_TEXT_N], text[1024];
	c->chosen = old;
	clock_format(old->live_ms, at);
	snprintf(text, sizeof(text), "%.900s; running the version of %s",
		c->error != NULL ? c->error : c->file->name, at);
	set_error(c, text);
}

/* The newest good version of a file, or an older one, whose names are still free in taken. */
static void choose(struct ruleset *taken, struct candidate *c, struct rulefile *old)
{
	struct err err = {0};
	if (c->done != NULL && ruleset_add(taken, c->done, &err) == RC_OK) {
		c->chosen = c->done;
		return;
	}
	if (c->error == NULL)
		set_error(c, err.msg);
	if (old == NULL)
		return;
	if (ruleset_add(taken, old, &err) == RC_OK)
		note_older(c, old);
	else
		log_warn(NULL, "the older version cannot stay either: %s", err.msg);
}

static void choose_all(struct rules *rules, struct ruleset *taken)
{
	for (int turn = UNCHANGED; turn < STANDING_N; turn++) {
		for (size_t i = 0; i < rules->candidates_n; i++) {
			struct candidate *c = &rules->candidates[i];
			struct rulefile *old =
				rules->live != NULL ? ruleset_find_file(rules->live, c->file->name)
						    : NULL;
			if (old == NULL)
				old = c->stored;
			if ((int)standing_of(c, old) == turn)
				choose(taken, c, old);
		}
	}
}

/* The chosen version of each file, in order of their names. NULL: no memory. */
static struct ruleset *assemble(struct rules *rules)
{
	struct err err = {0};
	struct ruleset *taken = ruleset_new(rules->candidates_n);
	struct ruleset *set = ruleset_new(rules->candidates_n);
	if (taken == NULL || set == NULL)
		goto fail;
	choose_all(rules, taken);
	for (size_t i = 0; i < rules->candidates_n; i++) {
		struct rulefile *chosen = rules->candidates[i].chosen;
		if (chosen != NULL && ruleset_add(set, chosen, &err) != RC_OK)
			goto fail;
	}
	ruleset_unref(taken);
	for (size_t i = 0; i < set->n; i++) {
		set->rules[i]->overruns = 0;
		set->rules[i]->set_aside = false;
	}
	set->loaded_ms = clock_wall_ms();
	for (size_t i = 0; i < set->files_n; i++)
		if (set->files[i]->live_ms == 0)
			set->files[i]->live_ms = set->loaded_ms;
	return set;
fail:
	ruleset_unref(taken);
	ruleset_unref(set);
	return NULL;
}

/* The texts of what is live, and that they are. */
static enum rc put_sources(struct runner *r, const struct ruleset *set, struct err *err)
{
	enum rc rc = RC_OK;
	const char **live = calloc(set->files_n + 1, sizeof(*live));
	if (live == NULL)
		return err_set(err, RC_NOMEM, "no memory for the rules");
	for (size_t i = 0; i < set->files_n && rc == RC_OK; i++) {
		const struct rulefile *file = set->files[i];
		struct slice text = {file->source->text, file->source->text_n};
		rc = queue_source_put(r->queue, file->hash, file->name, text, err);
		live[i] = file->hash;
	}
	if (rc == RC_OK)
		rc = queue_source_live(r->queue, live, set->files_n, set->loaded_ms, err);
	free(live);
	return rc;
}

static const char *error_of(const struct rules *rules, const char *file)
{
	for (size_t i = 0; i < rules->candidates_n; i++) {
		if (strcmp(rules->candidates[i].file->name, file) == 0)
			return rules->candidates[i].error;
	}
	return NULL;
}

static enum rc format_on(const struct rule *rule, struct buf *out)
{
	size_t i;
	json_t *one;
	enum rc rc = RC_OK;
	json_array_foreach(rule->on, i, one)
	{
		if (rc == RC_OK)
			rc = buf_printf(out, "%s%s", i != 0 ? ", " : "", json_string_value(one));
	}
	return rc == RC_OK ? buf_put(out, "\0", 1) : rc;
}

struct listing { /* of rules, for people */
	struct queue_rule *rules;
	size_t *at; /* where the text of each `on` starts; its options are behind it */
	size_t n;
	struct buf on;
};

static enum rc list_live(const struct rules *rules, const struct ruleset *set, struct listing *list)
{
	enum rc rc = RC_OK;
	for (size_t i = 0; i < set->n && rc == RC_OK; i++) {
		const struct rule *rule = set->rules[i];
		const char *error = error_of(rules, rule->source->file);
		list->at[list->n] = list->on.n;
		rc = format_on(rule, &list->on);
		if (rc == RC_OK)
			rc = manner_put(rule, &list->on);
		if (rc == RC_OK)
			rc = buf_put(&list->on, "\0", 1);
		list->rules[list->n++] = (struct queue_rule){.name = rule->name,
			.file = rule->source->file,
			.line = rule->line,
			.state = error != NULL ? "broken" : "live",
			.error = error != NULL ? error : "",
			.loaded_ms = set->loaded_ms};
	}
	for (size_t i = 0; i < list->n && rc == RC_OK; i++) {
		list->rules[i].on = list->on.p + list->at[i];
		list->rules[i].options = list->rules[i].on + strlen(list->rules[i].on) + 1;
	}
	return rc;
}

static void list_broken(const struct rules *rules, const struct ruleset *set, struct listing *list)
{
	for (size_t i = 0; i < rules->candidates_n; i++) {
		const struct candidate *c = &rules->candidates[i];
		if (c->error == NULL || ruleset_find_file(set, c->file->name) != NULL)
			continue;
		list->rules[list->n++] = (struct queue_rule){.name = "",
			.file = c->file->name,
			.on = "",
			.state = "broken",
			.error = c->error,
			.loaded_ms = set->loaded_ms};
	}
}

/* The list for people: every live rule, and every broken file that has none. */
static enum rc put_list(struct runner *r, const struct ruleset *set, struct err *err)
{
	size_t most = set->n + r->rules.candidates_n + 1;
	struct listing list = {
		.rules = calloc(most, sizeof(*list.rules)), .at = calloc(most, sizeof(*list.at))};
	buf_init(&list.on, ON_BYTES);
	enum rc rc = list.rules != NULL && list.at != NULL ? RC_OK : RC_NOMEM;
	if (rc == RC_OK)
		rc = list_live(&r->rules, set, &list);
	if (rc == RC_OK) {
		list_broken(&r->rules, set, &list);
		rc = queue_rules_put(r->queue, list.rules, list.n, err);
	} else {
		err_set(err, rc, "no memory for the list of rules");
	}
	buf_done(&list.on);
	free(list.rules);
	free(list.at);
	return rc;
}

/* "3 rules live, 1 file broken" */
static enum rc format_counts(const struct rules *rules, struct buf *out)
{
	size_t broken = 0;
	for (size_t i = 0; i < rules->candidates_n; i++)
		broken += rules->candidates[i].error != NULL;
	size_t n = rules->live->n;
	enum rc rc = buf_printf(out, "%zu rule%s live", n, n == 1 ? "" : "s");
	if (rc == RC_OK && broken != 0)
		rc = buf_printf(out, ", %zu file%s broken", broken, broken == 1 ? "" : "s");
	return rc;
}

/* The same, and why, or what is doubtful: ": foo.lua:3: .." */
static enum rc format_reasons(const struct rules *rules, struct buf *out)
{
	enum rc rc = RC_OK;
	for (size_t i = 0, k = 0; i < rules->candidates_n && rc == RC_OK; i++) {
		const struct candidate *c = &rules->candidates[i];
		if (c->error != NULL)
			rc = buf_printf(out, "%s%s", k++ == 0 ? ": " : "; ", c->error);
		else if (c->doubt != NULL)
			rc = buf_printf(
				out, "%s%s (live all the same)", k++ == 0 ? ": " : "; ", c->doubt);
	}
	return rc;
}

static void forget_source(void *ctx, const struct version *source)
{
	struct runner *r = ctx;
	pool_drop(&r->pool, source);
}

/* Holds an answer back; one that a further reload will give is not given twice. */
static void hold_answer(struct rules *rules, const char *kind, const char *text)
{
	if (!rules->answer || rules->again)
		return;
	free(rules->said);
	rules->said = strdup(text);
	rules->said_kind = kind;
}

void rules_answer(struct runner *r)
{
	struct rules *rules = &r->rules;
	if (rules->said_kind == NULL)
		return;
	upkeep_look(r);
	runner_tell(r, rules->said_kind, rules->said != NULL ? rules->said : "");
	free(rules->said);
	rules->said = NULL;
	rules->said_kind = NULL;
}

static void tell(struct runner *r)
{
	struct buf text;
	size_t broken = 0;
	buf_init(&text, ANSWER_MAX);
	for (size_t i = 0; i < r->rules.candidates_n; i++) {
		const struct candidate *c = &r->rules.candidates[i];
		broken += c->error != NULL;
		struct log_fields f = {.report = c->report};
		if (c->error != NULL)
			log_error(&f, "%s", c->error);
	}
	metrics_set(METRIC_RULES, (int64_t)r->rules.live->n);
	metrics_set(METRIC_RULES_BROKEN, (int64_t)broken);
	metrics_set(METRIC_RELOADED_AT, r->rules.live->loaded_ms / 1000);
	/* What does not fit is cut. The log has the reasons already. */
	enum rc rc = format_counts(&r->rules, &text);
	log_info(NULL, "rules: %s", rc == RC_OK ? text.p : "loaded");
	if (rc == RC_OK)
		rc = format_reasons(&r->rules, &text);
	if (rc == RC_NOMEM)
		buf_clear(&text);
	hold_answer(
		&r->rules, broken != 0 ? "failed" : "reloaded", text.n != 0 ? text.p : "loaded");
	buf_done(&text);
}

/* How many runs of each there may be at once. */
static enum rc put_limits(struct runner *r, const struct ruleset *set, struct err *err)
{
	struct queue_limit *limits = calloc(set->n + 1, sizeof(*limits));
	size_t n = 0;
	if (limits == NULL)
		return err_set(err, RC_NOMEM, "no memory for the limits of rules");
	for (size_t i = 0; i < set->n; i++)
		if (set->rules[i]->concurrency > 0)
			limits[n++] = (struct queue_limit){
				set->rules[i]->name, set->rules[i]->concurrency};
	enum rc rc = queue_limits_put(r->queue, limits, n, err);
	free(limits);
	return rc;
}

/* Those of the leader are the ones that are live. */
static enum rc put_live(struct runner *r, const struct ruleset *set, struct err *err)
{
	enum rc rc = put_sources(r, set, err);
	if (rc == RC_OK)
		rc = put_list(r, set, err);
	return rc == RC_OK ? rename_rules(r, set, err) : rc;
}

static void swap(struct runner *r)
{
	struct err err = {0};
	inspect_candidates(r);
	struct ruleset *set = assemble(&r->rules);
	if (set == NULL) {
		err_set(&err, RC_NOMEM, "no memory for the rules");
		runner_fatal(r, &err);
		return;
	}
	enum rc rc = r->lead.on ? put_live(r, set, &err) : rename_follow(r, set, &err);
	if (rc == RC_OK)
		rc = put_limits(r, set, &err);
	gate_wrote(&r->gate);
	if (rc != RC_OK) {
		ruleset_unref(set);
		runner_fatal(r, &err);
		return;
	}
	ruleset_unref(r->rules.live);
	r->rules.live = set;
	r->rules.loaded = true;
	tell(r);
	r->rules.answer = false;
	forget_load(&r->rules);
	version_sweep(&r->versions, forget_source, r);
	if (r->rules.again) {
		r->rules.again = false;
		r->rules.answer = true;
		rules_reload(r);
	}
}

/* Of a file that is not live here: is there a version that was live in the process before? The head
 * of that one is wanted, too, since only the whole set shows whether the new one can be. */
static void recall(struct runner *r, struct candidate *c)
{
	struct err err = {0};
	struct buf text;
	char hash[DIGEST_HEX_N];
	if (c->recalled)
		return;
	c->recalled = true;
	c->asked = false;
	c->crashes = 0;
	if (r->rules.live != NULL && ruleset_find_file(r->rules.live, c->file->name) != NULL)
		return;
	buf_init(&text, SOURCE_BYTES);
	enum rc rc = queue_source_find(r->queue, c->file->name, &text, hash, &c->stored_ms, &err);
	bool same = rc == RC_OK && strcmp(hash, c->file->hash) == 0;
	if (same && c->done != NULL)
		c->done->live_ms = c->stored_ms;
	else if (rc == RC_OK && !same)
		rc = version_add_stored(
			&r->versions, hash, c->file->name, buf_slice(&text), &c->source, &err);
	if (rc == RC_IO)
		runner_fatal(r, &err);
	else if (rc != RC_OK && rc != RC_NOT_FOUND)
		log_warn(NULL, "%s", err.msg);
	buf_done(&text);
}

static void swap_when_known(struct runner *r)
{
	for (size_t i = 0; i < r->rules.candidates_n; i++) {
		if (!is_open(&r->rules.candidates[i]))
			recall(r, &r->rules.candidates[i]);
	}
	for (size_t i = 0; i < r->rules.candidates_n; i++) {
		if (is_open(&r->rules.candidates[i]))
			return;
	}
	swap(r);
}

/* --- loading ---------------------------------------------------------------------------------- */

static void consider(struct runner *r, struct candidate *c)
{
	struct err err = {0};
	struct rulefile *old =
		r->rules.live != NULL ? ruleset_find_file(r->rules.live, c->file->name) : NULL;
	if (c->file->error != NULL)
		set_error(c, c->file->error);
	else if (old != NULL && strcmp(old->hash, c->file->hash) == 0)
		c->done = rulefile_ref(old);
	else if (version_add(&r->versions, c->file->hash, c->file->name, buf_slice(&c->file->text),
			 &c->source, &err) != RC_OK)
		set_error(c, err.msg);
}

static enum rc note_live(void *ctx, const struct queue_rule *row, struct err *err)
{
	bool *any = ctx;
	(void)err;
	*any |= row->name[0] != '\0';
	return RC_OK;
}

/* Nothing can be loaded. A process that had rules before this one does not go on without them:
 * what is routed to no rule is done for ever. Events wait until the folder is back. */
static void refuse(struct runner *r, const struct err *why)
{
	struct rules *rules = &r->rules;
	struct err err = {0};
	bool had = false;
	if (rules->again_ms == 0 || rules->answer)
		log_warn(NULL, "%s", why->msg);
	hold_answer(rules, "failed", why->msg);
	rules->answer = false;
	if (rules->live != NULL)
		return;
	if (queue_rule_each(r->queue, note_live, &had, &err) != RC_OK) {
		runner_fatal(r, &err);
		return;
	}
	if (had) {
		if (rules->again_ms == 0)
			log_error(NULL, "there were rules before: events wait until the rules "
					"folder can be read again");
		rules->again_ms = clock_mono_ms() + FOLDER_AGAIN_MS;
		return;
	}
	rules->live = ruleset_new(0);
	rules->loaded = rules->live != NULL;
}

void rules_publish(struct runner *r)
{
	struct err err = {0};
	enum rc rc = put_sources(r, r->rules.live, &err);
	if (rc == RC_OK)
		rc = rename_rules(r, r->rules.live, &err);
	gate_wrote(&r->gate);
	if (rc != RC_OK)
		runner_fatal(r, &err);
	else
		rules_reload(r); /* the list for people tells of the files that are broken, too */
}

void rules_reload(struct runner *r)
{
	struct rules *rules = &r->rules;
	struct err err = {0};
	if (rules->loading) {
		rules->again = true;
		return;
	}
	if (folder_read(r->settings.rules, &rules->folder, &err) != RC_OK) {
		refuse(r, &err);
		return;
	}
	if (r->choice != NULL) {
		folder_keep(&rules->folder, r->choice->files);
		r->choice->edit(r->choice->ctx, &rules->folder);
	}
	rules->candidates = calloc(rules->folder.n + 1, sizeof(*rules->candidates));
	if (rules->candidates == NULL) {
		folder_done(&rules->folder);
		err_set(&err, RC_NOMEM, "no memory for the rules");
		refuse(r, &err);
		return;
	}
	rules->candidates_n = rules->folder.n;
	rules->loading = true;
	rules->generation++;
	for (size_t i = 0; i < rules->candidates_n; i++) {
		rules->candidates[i].file = &rules->folder.files[i];
		consider(r, &rules->candidates[i]);
	}
	swap_when_known(r);
}

void rules_push(struct runner *r)
{
	struct err err;
	bool waits = !r->rules.loaded && !r->rules.loading && r->rules.again_ms != 0;
	if (waits && !r->drain.on && clock_mono_ms() >= r->rules.again_ms)
		rules_reload(r);
	for (size_t i = 0; r->rules.loading && i < r->rules.candidates_n; i++) {
		struct candidate *c = &r->rules.candidates[i];
		if (!is_open(c) || c->asked)
			continue;
		struct worker *worker = pool_pick(&r->pool);
		if (worker == NULL)
			return;
		c->asked = true;
		if (pool_load_as(worker, c->source, RULES_SLOT + (uint32_t)i, r->rules.generation,
			    &err) != RC_OK)
			c->asked = false;
	}
}

static struct candidate *find_asked(struct runner *r, uint32_t run, uint32_t generation)
{
	size_t i = run - RULES_SLOT;
	if (!r->rules.loading || generation != r->rules.generation || i >= r->rules.candidates_n)
		return NULL;
	struct candidate *c = &r->rules.candidates[i];
	return is_open(c) && c->asked ? c : NULL;
}

/* Shows the line that a file is wrong in. Without memory, nothing is shown. */
static void keep_report(struct candidate *c, const struct version *source, const json_t *head)
{
	struct buf text;
	json_t *error = json_pack("{s:O, s:O*}", "message", json_object_get(head, "error"), "line",
		json_object_get(head, "line"));
	struct report report = {
		.file = c->file->name, .text = {source->text, source->text_n}, .error = error};
	buf_init(&text, REPORT_BYTES + 1);
	if (error != NULL && report_put(&report, &text) == RC_OK && text.n != 0) {
		free(c->report);
		c->report = strdup(text.p);
	}
	buf_done(&text);
	json_decref(error);
}

static bool is_chosen(const struct rules_choice *choice, const json_t *rule)
{
	const char *name = json_string_value(json_object_get(rule, "name"));
	const char *const *at = choice->names;
	bool clock = json_integer_value(json_object_get(rule, "every_ms")) != 0 ||
		     json_is_string(json_object_get(rule, "cron"));
	while (at != NULL && *at != NULL && name != NULL && strcmp(*at, name) != 0)
		at++;
	return (at == NULL || *at != NULL) && (!clock || choice->clock);
}

/* Takes the rules that are not chosen out of what a file declares. */
static void choose_rules(const struct runner *r, const json_t *head)
{
	json_t *list = json_object_get(head, "rules");
	for (size_t i = json_array_size(list); r->choice != NULL && i-- > 0;)
		if (!is_chosen(r->choice, json_array_get(list, i)))
			json_array_remove(list, i);
}

void rules_head(struct runner *r, struct worker *worker, const struct frame *frame)
{
	json_t *head = NULL;
	struct err err = {0};
	struct candidate *c = find_asked(r, frame->run, frame->generation);
	if (c == NULL)
		return;
	if (scan_parse(frame->payload, &head, &err) != RC_OK) {
		pool_kill(worker, &err);
		return;
	}
	struct version *source = c->source;
	c->source = NULL;
	if (!c->recalled && json_is_string(json_object_get(head, "error")))
		keep_report(c, source, head);
	choose_rules(r, head);
	if (rulefile_new(c->file->name, source, head, c->recalled ? &c->stored : &c->done, &err) !=
		RC_OK)
		give_up(c, err.msg);
	else if (c->recalled)
		c->stored->live_ms = c->stored_ms;
	json_decref(head);
	swap_when_known(r);
}

void rules_gone(struct runner *r, const struct pool_task *task, bool blamed, const struct err *why)
{
	char text[600];
	struct candidate *c = find_asked(r, task->run, task->generation);
	if (c == NULL)
		return;
	c->asked = false;
	if (blamed && why->code == RC_CPU)
		snprintf(text, sizeof(text), "%s: reading it takes too long", c->file->name);
	else if (blamed && ++c->crashes >= CRASHES_MAX)
		snprintf(text, sizeof(text), "%s: reading it ends the worker: %s", c->file->name,
			why->msg);
	else
		return;
	give_up(c, text);
	swap_when_known(r);
}

void rules_close(struct runner *r)
{
	forget_load(&r->rules);
	free(r->rules.said);
	r->rules.said = NULL;
	r->rules.said_kind = NULL;
	ruleset_unref(r->rules.live);
	r->rules.live = NULL;
}
