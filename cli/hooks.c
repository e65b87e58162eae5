/* SPDX-License-Identifier: MIT */
/*
 * Which webhooks lead here, and whether we would take what they send.
 * From: webhook.c, webhook_add.c, doctor.c. To: workspace.c (Twenty), the store, here.c. Secrets
 * are compared, never shown. Changes nothing.
 */
#include "cli/hooks.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/pattern.h"
#include "cli/settings.h"
#include "queue/place.h"

#define DEADLINE_MS 10000 /* for one question to Twenty */

/* The source that a path ends with: "/hooks/twenty"; NULL: none of ours. BORROWS from conf. */
static const char *source_of(const struct conf *conf, const char *path)
{
	const char *name, *at = strstr(path, "/hooks/");
	for (size_t i = 0; at != NULL && (name = conf_name(conf, "source", i)) != NULL; i++)
		if (strcmp(name, at + 7) == 0)
			return name;
	return NULL;
}

enum hooks_place hooks_place(const struct hooks_known *known, const struct webhook *webhook)
{
	struct target t;
	if (known->arrivals != NULL && arrivals_last(known->arrivals, webhook->id) != 0)
		return HOOKS_HERE;
	if (!target_parse(webhook->target, &t))
		return HOOKS_ELSEWHERE;
	if (known->here->origin != NULL && target_same(&t, &known->here->target))
		return HOOKS_HERE;
	return source_of(known->conf, t.path) != NULL ? HOOKS_ALIKE : HOOKS_ELSEWHERE;
}

enum hooks_sign hooks_sign(const struct hooks_known *known, const struct webhook *webhook)
{
	char key[192];
	struct target t;
	const char *source = NULL, *secret;
	if (webhook->secret == NULL)
		return HOOKS_UNTOLD;
	if (webhook->secret[0] == '\0')
		return HOOKS_BARE;
	if (target_parse(webhook->target, &t))
		source = source_of(known->conf, t.path);
	snprintf(key, sizeof(key), "source.%s.secrets",
		source != NULL ? source : known->here->source);
	for (size_t i = 1; (secret = conf_item(known->conf, key, i)) != NULL; i++)
		if (strcmp(secret, webhook->secret) == 0)
			return HOOKS_FITS;
	return HOOKS_UNFIT;
}

void hooks_target(const struct webhook *webhook, char ret_text[static TARGET_TEXT_N])
{
	struct target t;
	if (target_parse(webhook->target, &t))
		target_format(&t, ret_text);
	else
		snprintf(ret_text, TARGET_TEXT_N, "(no address)");
}

struct hooks_known hooks_known(const struct hooks *hooks)
{
	return (struct hooks_known){
		.conf = hooks->conf, .here = &hooks->here, .arrivals = &hooks->arrivals};
}

enum cli_exit hooks_exit(enum rc rc)
{
	switch ((int)rc) {
	case RC_OK:
		return CLI_OK;
	case RC_AUTH:
	case RC_DENIED:
		return CLI_KEY;
	case RC_UNREACHABLE:
	case RC_TIMEOUT:
	case RC_UPSTREAM:
		return CLI_TWENTY;
	case RC_LIMITED:
		return CLI_BUSY;
	case RC_INVALID:
		return CLI_CONFIG;
	default:
		return CLI_FAILED;
	}
}

/* A store that is not there yet, or cannot be read, only tells less. */
static void look_into_store(struct hooks *h)
{
	struct queue *queue = NULL;
	struct err err;
	const char *store = conf_text(h->conf, "store");
	json_t *patterns = NULL;
	struct queue_place place;
	queue_place_of(h->conf, &place);
	bool folder = strchr(store, ':') == NULL && access(store, F_OK) == 0;
	if ((!folder && !queue_place_away(&place)) ||
		queue_place_open(&place, QUEUE_READER, 0, &queue, &err) != RC_OK)
		return;
	if (arrivals_read(queue, h->here.source, clock_wall_ms(), &h->arrivals, &err) != RC_OK)
		h->arrivals = (struct arrivals){.seen_n = 0};
	if (patterns_read(queue, &patterns, &err) == RC_OK) {
		json_decref(h->patterns);
		h->patterns = patterns;
	}
	queue_close(queue);
}

static enum cli_exit ask_twenty(struct hooks *h)
{
	struct err err = {.msg = ""};
	enum rc rc = workspace_open(h->conf, DEADLINE_MS, &h->workspace, &err);
	if (rc == RC_OK)
		rc = workspace_webhooks(h->workspace, &h->list, &err);
	if (rc == RC_OK)
		return CLI_OK;
	args_fail(hooks_exit(rc), "%s", err.msg);
	struct target t;
	char url[TARGET_TEXT_N];
	if (hooks_exit(rc) == CLI_TWENTY && target_parse(conf_text(h->conf, "twenty.url"), &t)) {
		target_format(&t, url);
		fprintf(stderr, "          is it up, and is twenty.url its address (%s)?\n", url);
	}
	return hooks_exit(rc);
}

enum cli_exit hooks_open(const struct args *args, struct hooks *ret_hooks)
{
	struct hooks h = {.patterns = json_array()};
	struct err err = {.msg = ""};
	enum cli_exit status = cli_settings_load(args, CLI_SETTINGS_PARTIAL, &h.conf);
	if (status == CLI_OK) {
		enum rc rc = here_find(
			h.conf, args_flag(args, "source"), args_flag(args, "url"), &h.here, &err);
		if (rc != RC_OK)
			status = (enum cli_exit)args_fail(
				args_flag(args, "url") != NULL || args_flag(args, "source") != NULL
					? CLI_USAGE
					: CLI_CONFIG,
				"%s: %s", args->config, err.msg);
	}
	if (status == CLI_OK)
		status = ask_twenty(&h);
	if (status != CLI_OK) {
		hooks_close(&h);
		return status;
	}
	look_into_store(&h);
	*ret_hooks = h;
	return CLI_OK;
}

void hooks_close(struct hooks *hooks)
{
	webhooks_done(&hooks->list);
	workspace_close(hooks->workspace);
	json_decref(hooks->patterns);
	conf_free(hooks->conf);
	*hooks = (struct hooks){.conf = NULL};
}
