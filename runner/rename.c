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

/* Those that are alive are in the store, too. */
static enum rc rename_live(struct runner *r, const struct rule *rule, struct err *err)
{
	for (size_t i = 0; i < r->runs.slots_n; i++) {
		struct run *run = &r->runs.slots[i];
		if (run->state == RUN_FREE || strcmp(run->q.rule, rule->was) != 0)
			continue;
		if (queue_run_rename(&run->q, rule->name) != RC_OK)
			return err_set(err, RC_NOMEM, "no memory for a rule's name");
	}
	return RC_OK;
}

static enum rc rename_rule(struct runner *r, const struct rule *rule, struct err *err)
{
	struct log_fields f = {.rule = rule->name};
	bool moved = false;
	enum rc rc = queue_rename(r->queue, rule->was, rule->name, &moved, err);
	if (rc != RC_OK || !moved)
		return rc;
	log_info(&f, "%s:%d: it goes on with what \"%s\" had", rule->source->file, rule->line,
		rule->was);
	spend_rename(r, rule->was, rule->name);
	return rename_live(r, rule, err);
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
