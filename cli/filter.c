/* SPDX-License-Identifier: MIT */
/*
 * Reads filters.
 * From: the list verbs and tail. To: queue.h's filter. Fails with the word that was probably meant.
 */
#include "cli/filter.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/terminal.h"

#define LAST_ON_TERMINAL 50

static const char *const names[] = {
	"state", "source", "name", "object", "record", "rule", "event", "error", "id", NULL};

static enum cli_exit refuse_state(const char *word)
{
	const char *states[QUEUE_STATE_N + 1];
	for (int i = 0; i < QUEUE_STATE_N; i++)
		states[i] = queue_state_name((enum queue_state)i);
	states[QUEUE_STATE_N] = NULL;
	const char *near = strcmp(word, "failed") == 0 ? "dead" : conf_nearest(word, states);
	if (near != NULL)
		return args_fail(
			CLI_USAGE, "there is no state `%s`; did you mean `%s`?", word, near);
	return args_fail(CLI_USAGE,
		"there is no state `%s`; there are due, waiting, running, done, skipped, dead, "
		"quarantined, echo and duplicate",
		word);
}

static enum cli_exit take(struct queue_filter *f, const char *name, const char *value)
{
	const char **const places[] = {NULL, &f->source, &f->name, &f->object, &f->record, &f->rule,
		&f->event, &f->error, &f->id};
	if (strcmp(name, "state") == 0) {
		f->state = queue_state_find(value);
		f->has_state = true;
		return f->state != QUEUE_STATE_N ? CLI_OK : refuse_state(value);
	}
	for (size_t i = 1; names[i] != NULL; i++) {
		if (strcmp(name, names[i]) == 0) {
			*places[i] = value;
			return CLI_OK;
		}
	}
	const char *near = conf_nearest(name, names);
	if (near != NULL)
		return args_fail(
			CLI_USAGE, "there is no filter `%s:`; did you mean `%s:`?", name, near);
	return args_fail(CLI_USAGE,
		"there is no filter `%s:`; there are state: source: name: object: record: rule: "
		"event: error: id:",
		name);
}

static enum cli_exit take_word(struct queue_filter *f, const char *word)
{
	char name[32];
	size_t n = strcspn(word, ":");
	if (word[n] != ':' || n == 0 || n >= sizeof(name) || word[n + 1] == '\0')
		return args_fail(
			CLI_USAGE, "`%s` is no filter; write for example state:dead", word);
	memcpy(name, word, n);
	name[n] = '\0';
	return take(f, name, word + n + 1);
}

static enum cli_exit take_since(struct queue_filter *f, const char *text)
{
	int64_t ago = conf_parse_duration(text), at = clock_parse(text);
	if (ago > 0)
		f->since_ms = clock_wall_ms() - ago;
	else if (at >= 0)
		f->since_ms = at;
	else
		return args_fail(CLI_USAGE,
			"--since wants a duration such as 2h or a time such as "
			"2026-11-23T18:00:00Z, not %s",
			text);
	return CLI_OK;
}

static enum cli_exit take_limit(struct queue_filter *f, const char *text)
{
	char *end;
	long n = strtol(text, &end, 10);
	if (end == text || *end != '\0' || n < 0)
		return args_fail(CLI_USAGE, "--limit wants a number, not %s", text);
	f->limit = (size_t)n;
	return CLI_OK;
}

enum cli_exit filter_read(const struct args *args, struct queue_filter *ret_filter)
{
	struct queue_filter f = {.limit = terminal_is() ? LAST_ON_TERMINAL : 0};
	enum cli_exit status = CLI_OK;
	const char *since = args_flag(args, "since"), *limit = args_flag(args, "limit");
	for (size_t i = 0; i < args->operands_n && status == CLI_OK; i++)
		status = take_word(&f, args->operands[i]);
	if (status == CLI_OK && since != NULL)
		status = take_since(&f, since);
	if (status == CLI_OK && limit != NULL)
		status = take_limit(&f, limit);
	if (status == CLI_OK)
		*ret_filter = f;
	return status;
}
