/* SPDX-License-Identifier: MIT */
/*
 * The verbs `webhook list` and `webhook remove`.
 * From: main.c. To: hooks.c, which asks Twenty; consent.c. Fails with a sentence and an exit
 * status. A secret is never printed.
 */
#include <stdio.h>
#include <string.h>

#include "cli/consent.h"
#include "cli/hooks.h"
#include "cli/pattern.h"
#include "cli/rows.h"
#include "cli/terminal.h"

/* ---- list ---- */

static const struct rows_column columns[] = {{"id", "ID"}, {"target", "TARGET"},
	{"operations", "OPERATIONS"}, {"signed", "SIGNED"}, {"here", "POINTS HERE"},
	{"description", "DESCRIPTION"}};

static const char *signed_text(enum hooks_sign sign)
{
	switch (sign) {
	case HOOKS_FITS:
		return "yes";
	case HOOKS_UNFIT:
		return "other secret";
	case HOOKS_BARE:
		return "no";
	case HOOKS_UNTOLD:
		return "unknown";
	}
	return "";
}

static const char *here_text(enum hooks_place place)
{
	switch (place) {
	case HOOKS_HERE:
		return "yes";
	case HOOKS_ALIKE:
		return "perhaps";
	case HOOKS_ELSEWHERE:
		return "no";
	}
	return "";
}

static json_t *row_of(const struct hooks *h, const struct webhook *w, enum args_output output)
{
	char target[TARGET_TEXT_N], operations[512];
	struct hooks_known known = hooks_known(h);
	enum hooks_place place = hooks_place(&known, w);
	hooks_target(w, target);
	patterns_format(w->operations, operations, sizeof(operations));
	/* Whose secret it is says nothing where it leads elsewhere. */
	enum hooks_sign sign = hooks_sign(&known, w);
	if (place == HOOKS_ELSEWHERE && sign == HOOKS_UNFIT)
		sign = HOOKS_FITS;
	json_t *row = json_pack("{s:s, s:o, s:o, s:s, s:s, s:o, s:o}", "id", w->id, "target",
		rows_text(target), "operations",
		output == ARGS_TABLE ? rows_text(operations) : json_deep_copy(w->operations),
		"signed", signed_text(sign), "here", here_text(place), "last_delivery_at",
		rows_time(arrivals_last(&h->arrivals, w->id)), "description",
		rows_text(w->description));
	return row;
}

static int run_list(const struct args *args)
{
	struct hooks h;
	enum cli_exit status = hooks_open(args, &h);
	if (status != CLI_OK)
		return status;
	struct rows *rows = rows_open(args->output, columns, ARRAY_N(columns));
	enum rc rc = rows != NULL ? RC_OK : RC_NOMEM;
	for (size_t i = 0; rc == RC_OK && i < h.list.n; i++)
		rc = rows_put(rows, row_of(&h, &h.list.p[i], args->output));
	rows_close(rows, "this workspace has no webhooks; make one with: moonhook webhook add");
	hooks_close(&h);
	return rc == RC_OK ? CLI_OK : args_fail(CLI_FAILED, "no memory");
}

static const struct verb_flag place_flags[] = {
	{"source", "NAME", "the source that it is about; else the first with the scheme twenty"},
	{"url", "URL", "where the world reaches this Moonhook; else `public` of the configuration"},
};

const struct verb verb_webhook_list = {
	.noun = "webhook",
	.name = "list",
	.operands = "",
	.summary = "the webhooks of the workspace, and which of them point here",
	.text = "SIGNED: \"no\" means that Twenty sends without a signature, \"other secret\" "
		"that it\nsigns with none of ours; both are refused. POINTS HERE: \"yes\" where "
		"the target is\nour address or a delivery of it has come, \"perhaps\" where only "
		"the path is ours.\n\n"
		"With -o json: id, target, operations, signed, here, last_delivery_at and\n"
		"description.",
	.examples = {"moonhook webhook list", "moonhook webhook list --url https://hooks.acme.io",
		"moonhook webhook list -o json | jq -r '.[] | select(.here == \"yes\").id'"},
	.flags = place_flags,
	.flags_n = ARRAY_N(place_flags),
	.exits = {CLI_FAILED, CLI_USAGE, CLI_KEY, CLI_TWENTY, CLI_BUSY, CLI_CONFIG},
	.run = run_list,
};

/* ---- remove ---- */

/* Marks those that are meant: by --here, or by the beginning of an id that fits one. */
static enum cli_exit choose(
	const struct args *args, const struct hooks *h, bool *chosen, size_t *ret_n)
{
	struct hooks_known known = hooks_known(h);
	const char *id = args->operands_n == 1 ? args->operands[0] : NULL;
	size_t n = 0;
	for (size_t i = 0; i < h->list.n; i++) {
		const struct webhook *w = &h->list.p[i];
		chosen[i] = id != NULL ? strncmp(w->id, id, strlen(id)) == 0
				       : hooks_place(&known, w) == HOOKS_HERE;
		n += chosen[i];
	}
	*ret_n = n;
	if (n == 0 && id != NULL)
		return args_fail(
			CLI_FAILED, "Twenty has no webhook %s; see: moonhook webhook list", id);
	if (n == 0)
		return args_fail(CLI_FAILED, "no webhook of this workspace points here%s",
			h->here.origin != NULL ? "" : "; say where: --url https://..");
	if (n > 1 && id != NULL)
		return args_fail(CLI_USAGE, "%zu webhooks begin with %s; write more of it", n, id);
	return CLI_OK;
}

static void name_chosen(const struct hooks *h, const bool *chosen, FILE *out)
{
	for (size_t i = 0; i < h->list.n; i++) {
		char target[TARGET_TEXT_N], operations[256];
		if (!chosen[i])
			continue;
		hooks_target(&h->list.p[i], target);
		patterns_format(h->list.p[i].operations, operations, sizeof(operations));
		fprintf(out, "%s  ", h->list.p[i].id);
		terminal_put(out, target);
		fputs("  ", out);
		terminal_put(out, operations);
		fputc('\n', out);
	}
}

static enum cli_exit remove_chosen(const struct hooks *h, const bool *chosen)
{
	for (size_t i = 0; i < h->list.n; i++) {
		struct err err = {.msg = ""};
		if (!chosen[i])
			continue;
		enum rc rc = workspace_webhook_remove(h->workspace, h->list.p[i].id, &err);
		if (rc != RC_OK && rc != RC_NOT_FOUND)
			return args_fail(
				hooks_exit(rc), "%s is still there: %s", h->list.p[i].id, err.msg);
		printf("removed %s\n", h->list.p[i].id);
	}
	return CLI_OK;
}

static int run_remove(const struct args *args)
{
	bool chosen[WEBHOOKS_MAX];
	struct hooks h;
	size_t n = 0;
	bool here = args_flag(args, "here") != NULL;
	if ((args->operands_n == 1) == here || (args->operands_n == 1 && !args->operands[0][0]))
		return args_fail(CLI_USAGE,
			"name one webhook, or those that point here: moonhook webhook remove ID, "
			"moonhook webhook remove --here");
	enum cli_exit status = hooks_open(args, &h);
	if (status != CLI_OK)
		return status;
	status = choose(args, &h, chosen, &n);
	if (status == CLI_OK) {
		bool dry = args_flag(args, "dry-run") != NULL;
		name_chosen(&h, chosen, dry ? stdout : stderr);
		if (!dry)
			status = consent_ask(args,
				"Remove %zu webhook%s? Twenty then sends nothing "
				"of the kind any more.",
				n, n == 1 ? "" : "s");
		if (!dry && status == CLI_OK)
			status = remove_chosen(&h, chosen);
	}
	hooks_close(&h);
	return status;
}

static const struct verb_flag remove_flags[] = {
	{"here", NULL, "all that point here, in place of an id"},
	{"yes", NULL, "do not ask"},
	{"dry-run", NULL, "only say which"},
	{"source", "NAME",
		"the source that --here is about; else the first with the scheme twenty"},
	{"url", "URL", "where the world reaches this Moonhook; else `public` of the configuration"},
};

const struct verb verb_webhook_remove = {
	.noun = "webhook",
	.name = "remove",
	.operands = "[ID]",
	.summary = "remove a webhook from the workspace",
	.text = "An id may be cut short where it fits one alone. The secret stays where it is "
		"kept.",
	.examples = {"moonhook webhook remove 0fe69330", "moonhook webhook remove --here --dry-run",
		"moonhook webhook remove --here --yes"},
	.flags = remove_flags,
	.flags_n = ARRAY_N(remove_flags),
	.exits = {CLI_FAILED, CLI_USAGE, CLI_DECLINED, CLI_KEY, CLI_TWENTY, CLI_BUSY, CLI_CONFIG},
	.run = run_remove,
};
