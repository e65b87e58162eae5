/* SPDX-License-Identifier: MIT */
/*
 * The verbs `runs retry`, `runs purge`, `events retry`, `events purge`: what the filter finds is
 * counted, shown by reason, and, after a yes, handed to the daemon.
 * From: main.c. Next: the store, for the count; the daemon (runner/order_bulk.c), which does it. A
 * run or event that changes between the count and the order is the daemon's to judge.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/consent.h"
#include "cli/control.h"
#include "cli/detail.h"
#include "cli/filter.h"
#include "cli/rows.h"
#include "cli/store.h"
#include "cli/terminal.h"

#define PATIENCE_S 3600
#define REASONS_MAX 10
#define BIT(state) (1u << (state))

struct bulk {
	bool events, purge;
	const char *what; /* "retry" */
	const char *done; /* "tried again" */
	unsigned states;
	struct queue_filter filter;
	int64_t n;
	json_t *reasons; /* text -> how many */
};

/* --- what is there ---------------------------------------------------------------------------- */

static void add_reason(struct bulk *b, const char *text)
{
	json_t *key = rows_text(text[0] != '\0' ? text : "no reason");
	const char *safe = json_string_value(key);
	json_t *known = safe != NULL ? json_object_get(b->reasons, safe) : NULL;
	if (safe != NULL && (known != NULL || json_object_size(b->reasons) < 1000))
		(void)json_object_set_new(
			b->reasons, safe, json_integer(json_integer_value(known) + 1));
	json_decref(key);
	b->n++;
}

static enum rc count_run(void *ctx, const struct queue_run_row *r, struct err *err)
{
	struct bulk *b = ctx;
	char text[400];
	(void)err;
	if ((b->states & BIT(r->state)) == 0)
		return RC_OK;
	snprintf(text, sizeof(text), "%.100s: %.30s%s%.200s", r->rule, queue_state_name(r->state),
		r->error[0] != '\0' ? ", " : "", r->error);
	add_reason(b, text);
	return RC_OK;
}

static enum rc count_event(void *ctx, const struct queue_event_row *e, struct err *err)
{
	struct bulk *b = ctx;
	char text[400];
	(void)err;
	if ((b->states & BIT(e->state)) == 0 || e->reason[0] == '\0')
		return RC_OK;
	snprintf(text, sizeof(text), "%.100s: %.250s", e->source, e->reason);
	add_reason(b, text);
	return RC_OK;
}

static enum cli_exit count(const struct args *args, struct bulk *b)
{
	struct queue *queue = NULL;
	struct err err = {.msg = ""};
	enum cli_exit status = store_open(args, &queue);
	if (status != CLI_OK)
		return status;
	enum rc rc;
	if (b->filter.id != NULL)
		rc = b->events ? queue_event_get(queue, b->filter.id, count_event, b, &err)
			       : queue_run_get(queue, b->filter.id, count_run, b, &err);
	else
		rc = b->events ? queue_event_each(queue, &b->filter, count_event, b, &err)
			       : queue_run_each(queue, &b->filter, count_run, b, &err);
	queue_close(queue);
	return rc == RC_OK ? CLI_OK : (enum cli_exit)store_fail(&err);
}

/* --- what is meant ---------------------------------------------------------------------------- */

/* One id, or a filter. */
static enum cli_exit read_words(const struct args *args, struct bulk *b)
{
	unsigned bad = BIT(QUEUE_DEAD) | BIT(QUEUE_QUARANTINED);
	unsigned ended = bad | BIT(QUEUE_DONE) | BIT(QUEUE_SKIPPED);
	unsigned may = b->events ? BIT(QUEUE_QUARANTINED) : b->purge ? ended : bad;
	bool id = args->operands_n == 1 && strchr(args->operands[0], ':') == NULL;
	const char *noun = b->events ? "events" : "runs";
	enum cli_exit status = CLI_OK;
	if (args->operands_n == 0 && args_flag(args, "since") == NULL)
		return args_fail(CLI_USAGE, "say which %s: an id, or a filter such as %s", noun,
			b->events ? "state:quarantined" : "state:dead or rule:NAME");
	if (id)
		b->filter = (struct queue_filter){.id = args->operands[0]};
	else
		status = filter_read(args, &b->filter);
	b->filter.limit = 0;
	if (status != CLI_OK)
		return status;
	if (b->filter.has_state && (may & BIT(b->filter.state)) == 0)
		return args_fail(CLI_USAGE, "%s that are %s cannot be %s", noun,
			queue_state_name(b->filter.state), b->done);
	if (!b->filter.has_state && !id) {
		b->filter.state = b->events ? QUEUE_QUARANTINED : QUEUE_DEAD;
		b->filter.has_state = true;
	}
	b->states = b->filter.has_state ? BIT(b->filter.state) : may;
	return CLI_OK;
}

static json_t *make_order(const struct bulk *b)
{
	const struct queue_filter *f = &b->filter;
	const struct {
		const char *name, *value;
	} words[] = {{"id", f->id}, {"source", f->source}, {"name", f->name}, {"object", f->object},
		{"record", f->record}, {"rule", f->rule}, {"event", f->event}, {"error", f->error},
		{"state", f->has_state ? queue_state_name(f->state) : NULL}};
	json_t *filter = json_object();
	for (size_t i = 0; i < ARRAY_N(words); i++)
		if (words[i].value != NULL)
			(void)json_object_set_new(filter, words[i].name, rows_text(words[i].value));
	if (f->since_ms != 0)
		(void)json_object_set_new(filter, "since_ms", json_integer(f->since_ms));
	return json_pack("{s:s, s:s, s:o}", "do", b->what, "what", b->events ? "events" : "runs",
		"filter", filter);
}

/* --- words ------------------------------------------------------------------------------------ */

static void show_reasons(const struct bulk *b)
{
	const char *text;
	json_t *n;
	size_t shown = 0;
	json_object_foreach(b->reasons, text, n)
	{
		if (shown++ == REASONS_MAX)
			break;
		fprintf(stderr, "%8" JSON_INTEGER_FORMAT "  ", json_integer_value(n));
		terminal_put(stderr, text);
		fputc('\n', stderr);
	}
	if (json_object_size(b->reasons) > REASONS_MAX)
		fprintf(stderr, "          and %zu more reasons\n",
			json_object_size(b->reasons) - REASONS_MAX);
}

static void say(const struct args *args, const struct bulk *b, int64_t n, int64_t skipped)
{
	bool dry = args_flag(args, "dry-run") != NULL;
	const char *noun = b->events ? "event" : "run";
	if (args->output != ARGS_TABLE) {
		json_t *out = json_pack("{s:b, s:I, s:I, s:b, s:O}", "ok", 1, "n", (json_int_t)n,
			"skipped", (json_int_t)skipped, "dry_run", dry, "reasons", b->reasons);
		detail_json(args->output, out);
		json_decref(out);
		return;
	}
	printf("%" PRId64 " %s%s %s%s\n", n, noun, n == 1 ? "" : "s", dry ? "would be " : "",
		b->done);
	if (skipped > 0)
		printf("%" PRId64 " skipped: changed meanwhile\n", skipped);
}

static enum cli_exit hand_over(const struct args *args, struct bulk *b)
{
	json_t *answer = NULL;
	const char *noun = b->events ? "event" : "run";
	if (args_flag(args, "dry-run") != NULL || b->n == 0) {
		say(args, b, b->n, 0);
		return CLI_OK;
	}
	enum cli_exit status = consent_ask(args, "%" PRId64 " %s%s will be %s%s. Go on?", b->n,
		noun, b->n == 1 ? "" : "s", b->done,
		b->purge ? ", with all that is known of them" : "");
	if (status == CLI_OK)
		status = control_order(args, make_order(b), PATIENCE_S, &answer);
	if (status != CLI_OK)
		return status;
	say(args, b, json_integer_value(json_object_get(answer, "n")),
		json_integer_value(json_object_get(answer, "skipped")));
	json_decref(answer);
	return CLI_OK;
}

static int run_bulk(const struct args *args, struct bulk b)
{
	b.what = b.purge ? "purge" : "retry";
	b.done = b.purge ? "removed" : "tried again";
	b.reasons = json_object();
	enum cli_exit status = read_words(args, &b);
	if (status == CLI_OK)
		status = count(args, &b);
	if (status == CLI_OK && args->output == ARGS_TABLE)
		show_reasons(&b);
	if (status == CLI_OK)
		status = hand_over(args, &b);
	json_decref(b.reasons);
	return status;
}

static int run_runs_retry(const struct args *args)
{
	return run_bulk(args, (struct bulk){.events = false, .purge = false});
}

static int run_runs_purge(const struct args *args)
{
	return run_bulk(args, (struct bulk){.events = false, .purge = true});
}

static int run_events_retry(const struct args *args)
{
	return run_bulk(args, (struct bulk){.events = true, .purge = false});
}

static int run_events_purge(const struct args *args)
{
	return run_bulk(args, (struct bulk){.events = true, .purge = true});
}

static const struct verb_flag flags[] = {
	{"since", "TIME", "not older: a duration such as 2h, or 2026-11-23T18:00:00Z"},
	{"dry-run", NULL, "count and show, and do nothing"},
	{"yes", NULL, "do not ask"},
};

#define OPERANDS "ID | FILTER:WORD .."
#define EXITS                                                                                      \
	{                                                                                          \
		CLI_FAILED, CLI_USAGE, CLI_DECLINED, CLI_DAEMON, CLI_BUSY, CLI_CONFIG              \
	}

const struct verb verb_runs_retry = {
	.noun = "runs",
	.name = "retry",
	.operands = OPERANDS,
	.summary = "try dead letters again",
	.text = "Of dead runs, unless state:quarantined is asked for. A run is replayed from its "
		"journal:\n"
		"what it has done already is not done twice. It runs its rule as it is now, so "
		"mend "
		"and\n"
		"reload that first; where the rule no longer does what the journal says it has "
		"done, "
		"the\n"
		"run is stopped with the reason. Runs of a paused rule wait.",
	.examples = {"moonhook runs retry 01kavq", "moonhook runs retry rule:enrich error:upstream",
		"moonhook runs retry state:dead --since 2h --yes"},
	.flags = flags,
	.flags_n = ARRAY_N(flags),
	.exits = EXITS,
	.run = run_runs_retry,
};

const struct verb verb_runs_purge = {
	.noun = "runs",
	.name = "purge",
	.operands = OPERANDS,
	.summary = "remove ended runs with their journal",
	.text = "Of dead runs, unless another state: is asked for. What is open is never removed.",
	.examples = {"moonhook runs purge 01kavq", "moonhook runs purge rule:old state:quarantined",
		"moonhook runs purge state:dead --dry-run"},
	.flags = flags,
	.flags_n = ARRAY_N(flags),
	.exits = EXITS,
	.run = run_runs_purge,
};

const struct verb verb_events_retry = {
	.noun = "events",
	.name = "retry",
	.operands = OPERANDS,
	.summary = "route what is in quarantine once more",
	.text = "For deliveries that could not be read, or were set aside for a wrong clock: the "
		"same bytes\n"
		"become a new event (via replay). What was handled in another way meanwhile is a "
		"duplicate.\n"
		"An event whose run is in quarantine is retried by that: moonhook runs retry.",
	.examples = {"moonhook events retry 01kavq",
		"moonhook events retry state:quarantined error:clock",
		"moonhook events retry source:twenty --since 2h --yes"},
	.flags = flags,
	.flags_n = ARRAY_N(flags),
	.exits = EXITS,
	.run = run_events_retry,
};

const struct verb verb_events_purge = {
	.noun = "events",
	.name = "purge",
	.operands = OPERANDS,
	.summary = "remove what is in quarantine",
	.text = "What can be read is no event in quarantine and is removed by age only (retain), "
		"or "
		"by\n"
		"erase.",
	.examples = {"moonhook events purge 01kavq", "moonhook events purge source:test --yes",
		"moonhook events purge state:quarantined --dry-run"},
	.flags = flags,
	.flags_n = ARRAY_N(flags),
	.exits = EXITS,
	.run = run_events_purge,
};
