/* SPDX-License-Identifier: MIT */
/*
 * Rules that have got another name.
 * From: rules.c, before a set goes live. To: queue/rename.h, which does it once, and the runs in
 * their slots, which finish under the new name. Runs go on with the source they began with, which
 * knows its rule by the old one (queue_run.born).
 */
#include "runner/rename.h"

#include <string.h>

#include "base/log.h"
#include "queue/rename.h"
#include "runner/spend.h"
#include "runner/state.h"

struct asked {            /* of the store */
	const char *name; /* BORROWS */
	bool is;
};

static enum rc compare(void *ctx, const struct queue_run_row *row, struct err *err)
{
	struct asked *asked = ctx;
	(void)err;
	asked->is = strcmp(row->rule, asked->name) == 0;
	return RC_OK;
}

/* Another runner of the store may have renamed the rule before us: what is there counts. */
static enum rc is_renamed(
	struct runner *r, const struct run *run, const char *name, bool *ret_is, struct err *err)
{
	struct asked asked = {.name = name};
	enum rc rc = queue_run_get(r->queue, run->q.id.text, compare, &asked, err);
	*ret_is = rc == RC_OK && asked.is;
	return rc == RC_NOT_FOUND ? RC_OK : rc;
}

/* Those that are alive are in the store, too. */
static enum rc rename_live(struct runner *r, const struct rule *rule, bool moved, struct err *err)
{
	bool any = moved;
	for (size_t i = 0; i < r->runs.slots_n; i++) {
		struct run *run = &r->runs.slots[i];
		bool is = moved;
		enum rc rc = RC_OK;
		if (run->state == RUN_FREE || strcmp(run->q.rule, rule->was) != 0)
			continue;
		if (!moved)
			rc = is_renamed(r, run, rule->name, &is, err);
		if (rc == RC_OK && is && queue_run_rename(&run->q, rule->name) != RC_OK)
			rc = err_set(err, RC_NOMEM, "no memory for a rule's name");
		if (rc != RC_OK)
			return rc;
		any = any || is;
	}
	if (any)
		spend_rename(r, rule->was, rule->name);
	return RC_OK;
}

static enum rc rename_rule(struct runner *r, const struct rule *rule, struct err *err)
{
	struct log_fields f = {.rule = rule->name};
	bool moved = false;
	enum rc rc = queue_rename(r->queue, rule->was, rule->name, &moved, err);
	if (rc != RC_OK || (!moved && !r->lead.shared))
		return rc;
	if (moved)
		log_info(&f, "%s:%d: it goes on with what \"%s\" had", rule->source->file,
			rule->line, rule->was);
	return rename_live(r, rule, moved, err);
}

enum rc rename_follow(struct runner *r, const struct ruleset *set, struct err *err)
{
	enum rc rc = RC_OK;
	for (size_t i = 0; i < set->n && rc == RC_OK; i++) {
		const struct rule *rule = set->rules[i];
		if (rule->was != NULL && ruleset_find(set, rule->was) == NULL)
			rc = rename_live(r, rule, false, err);
	}
	return rc;
}

enum rc rename_rules(struct runner *r, const struct ruleset *set, struct err *err)
{
	enum rc rc = RC_OK;
	for (size_t i = 0; i < set->n && rc == RC_OK; i++) {
		const struct rule *rule = set->rules[i];
		if (rule->was == NULL)
			continue;
		const struct rule *other = ruleset_find(set, rule->was);
		if (other == NULL) {
			rc = rename_rule(r, rule, err);
			continue;
		}
		struct log_fields f = {.rule = rule->name};
		log_warn(&f,
			"%s:%d: was = \"%s\", but there is a rule of that name in %s:%d: it "
			"keeps what it has",
			rule->source->file, rule->line, rule->was, other->source->file,
			other->line);
	}
	return rc;
}
