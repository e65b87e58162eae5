/* SPDX-License-Identifier: MIT */
/*
 * The verb `webhook add`: a webhook of the workspace that points here, and its secret where the
 * receiver reads it.
 * From: main.c. To: slot.c (the secret), the daemon (control.c), Twenty (workspace.c). In an order
 * in which a crash leaves nothing that does harm: the secret is written first, then the receiver
 * takes it, then the webhook is made; what comes later fails takes back what came before. A secret
 * that was left behind is used by the next try.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/control.h"
#include "cli/detail.h"
#include "cli/hooks.h"
#include "cli/pattern.h"
#include "cli/slot.h"
#include "cli/terminal.h"
#include "client/address.h"

#define RELOAD_S 60
#define LOOKUP_MS 3000

struct addition {
	const struct args *args;
	struct hooks hooks;
	struct slot slot;
	char fresh[SLOT_SECRET_N]; /* "": none was made */
	bool filled;               /* the slot holds it */
	json_t *operations;
	struct uuid id;
};

static const char *secret_of(const struct addition *a)
{
	return a->fresh[0] != '\0' ? a->fresh : a->slot.secret;
}

/* ---- before anything is changed ---- */

static enum cli_exit check_place(const struct addition *a)
{
	struct hooks_known known = hooks_known(&a->hooks);
	if (a->hooks.here.origin == NULL)
		return args_fail(CLI_USAGE,
			"say where the world reaches this Moonhook: --url "
			"https://hooks.example.com, "
			"or public = \"https://hooks.example.com\" in %s",
			a->args->config);
	if (args_flag(a->args, "replace") != NULL)
		return CLI_OK;
	for (size_t i = 0; i < a->hooks.list.n; i++) {
		const struct webhook *w = &a->hooks.list.p[i];
		if (hooks_place(&known, w) == HOOKS_HERE)
			return args_fail(CLI_FAILED,
				"webhook %s points here already; --replace makes a new one in its "
				"place",
				w->id);
	}
	return CLI_OK;
}

static enum cli_exit refuse_variable(const struct addition *a)
{
	args_fail(CLI_CONFIG,
		"source \"%s\" takes its secret from the environment variable %s, which is not set "
		"here",
		a->hooks.here.source, a->slot.name);
	fprintf(stderr,
		"          run this with the environment of the daemon, or make a secret: moonhook "
		"webhook add --print-secret,\n"
		"          or name a file in %s, which is then written: secrets = { file "
		"\"%s.secret\" }\n",
		a->args->config, a->hooks.here.source);
	return CLI_CONFIG;
}

/* Which secret it will be: a fresh one where there is room for it, else the source's own. */
static enum cli_exit choose_secret(struct addition *a)
{
	struct err err = {.msg = ""};
	bool print = args_flag(a->args, "print-secret") != NULL;
	slot_find(a->hooks.conf, a->hooks.here.source, &a->slot);
	if (!print && a->slot.kind == SLOT_VARIABLE)
		return refuse_variable(a);
	if (!print && a->slot.kind == SLOT_NONE)
		return args_fail(CLI_CONFIG,
			"source \"%s\" has no secrets in %s; name a file, which is then written: "
			"secrets = { file \"%s.secret\" }",
			a->hooks.here.source, a->args->config, a->hooks.here.source);
	if (!print && a->slot.kind == SLOT_TAKEN)
		return CLI_OK;
	if (slot_secret(a->fresh, &err) != RC_OK)
		return args_fail(CLI_FAILED, "%s", err.msg);
	return CLI_OK;
}

static enum cli_exit choose_operations(struct addition *a)
{
	struct err err = {.msg = ""};
	const char *wanted = args_flag(a->args, "operations");
	if (wanted == NULL)
		a->operations = patterns_operations(a->hooks.patterns);
	else if (patterns_parse(wanted, &a->operations, &err) != RC_OK)
		return args_fail(CLI_USAGE, "%s", err.msg);
	return a->operations != NULL ? CLI_OK : args_fail(CLI_FAILED, "no memory");
}

/* ---- the changes, in order, and back ---- */

static bool receiver_took_it(const json_t *answer)
{
	size_t i;
	json_t *room;
	if (json_is_true(json_object_get(answer, "ok")))
		return true;
	json_array_foreach(json_object_get(answer, "rooms"), i, room)
	{
		const char *name = json_string_value(json_object_get(room, "name"));
		if (name != NULL && strcmp(name, "receiver") == 0)
			return json_is_true(json_object_get(room, "ok"));
	}
	return false;
}

/* The receiver has to know the secret before the first delivery comes. */
static enum cli_exit tell_daemon(const struct addition *a)
{
	struct err err = {.msg = ""};
	json_t *answer = NULL;
	enum rc rc = control_try(a->hooks.conf, "reload", RELOAD_S, &answer, &err);
	if (rc == RC_UNREACHABLE) {
		fputs("the daemon is not running: nobody takes what is sent before `moonhook "
		      "serve`\n",
			stderr);
		return CLI_OK;
	}
	bool took = rc == RC_OK && receiver_took_it(answer);
	const char *why = json_string_value(json_object_get(answer, "error"));
	enum cli_exit status = CLI_OK;
	if (!took)
		status = args_fail(CLI_CONFIG, "the daemon did not take the new secret: %s",
			why != NULL ? why : err.msg);
	json_decref(answer);
	return status;
}

static enum cli_exit fill_slot(struct addition *a)
{
	struct err err = {.msg = ""};
	enum rc rc = slot_fill(&a->slot, a->fresh, conf_text(a->hooks.conf, "store"), &err);
	if (rc != RC_OK)
		return args_fail(CLI_FAILED, "%s", err.msg);
	a->filled = true;
	return tell_daemon(a);
}

/* To standard output, for `>> file`: as a line of the environment where a variable is named. */
static enum cli_exit print_secret(const struct addition *a)
{
	struct conf_reference r;
	char key[192];
	snprintf(key, sizeof(key), "source.%s.secrets", a->hooks.here.source);
	for (size_t i = 0; conf_reference(a->hooks.conf, key, i, &r); i++) {
		if (r.kind != CONF_PLACE_ENV)
			continue;
		printf("%s=", r.name);
		break;
	}
	printf("%s\n", a->fresh);
	if (fflush(stdout) != 0)
		return args_fail(CLI_FAILED, "the secret cannot be written out");
	return CLI_OK;
}

static void take_back(struct addition *a)
{
	struct err err = {.msg = ""};
	if (!a->filled)
		return;
	if (slot_clear(&a->slot, a->fresh, &err) != RC_OK)
		(void)args_fail(CLI_FAILED, "%s", err.msg);
	json_t *answer = NULL; /* the receiver goes back to what it had; nothing depends on it */
	if (control_try(a->hooks.conf, "reload", RELOAD_S, &answer, &err) == RC_OK)
		json_decref(answer);
}

static enum cli_exit make(struct addition *a)
{
	struct err err = {.msg = ""};
	struct webhook_new new = {.target = a->hooks.here.url,
		.secret = secret_of(a),
		.description = "Moonhook",
		.operations = a->operations};
	enum rc rc = workspace_webhook_add(a->hooks.workspace, &new, &a->id, &err);
	if (rc == RC_UNKNOWN) /* it may be there: its secret has to stay */
		return args_fail(CLI_TWENTY, "%s", err.msg);
	if (rc == RC_OK)
		return CLI_OK;
	take_back(a);
	return args_fail(hooks_exit(rc), "%s", err.msg);
}

/* The new one is there: those in whose place it is go. */
static enum cli_exit remove_old(const struct addition *a)
{
	struct hooks_known known = hooks_known(&a->hooks);
	enum cli_exit status = CLI_OK;
	if (args_flag(a->args, "replace") == NULL)
		return CLI_OK;
	for (size_t i = 0; i < a->hooks.list.n; i++) {
		const struct webhook *w = &a->hooks.list.p[i];
		struct err err = {.msg = ""};
		if (hooks_place(&known, w) != HOOKS_HERE)
			continue;
		enum rc rc = workspace_webhook_remove(a->hooks.workspace, w->id, &err);
		if (rc != RC_OK && rc != RC_NOT_FOUND)
			status = args_fail(hooks_exit(rc),
				"the new webhook is there, but the old one is, too: %s (moonhook "
				"webhook remove %s)",
				err.msg, w->id);
	}
	return status;
}

/* ---- saying so ---- */

static const char *kept_where(const struct addition *a)
{
	if (args_flag(a->args, "print-secret") != NULL)
		return "printed";
	return a->slot.kind == SLOT_FILE ? a->slot.name : "the one that its source has";
}

static void show(const struct addition *a)
{
	char operations[512];
	bool dry = args_flag(a->args, "dry-run") != NULL;
	FILE *out = args_flag(a->args, "print-secret") != NULL ? stderr : stdout;
	if (a->args->output != ARGS_TABLE && out == stdout) {
		json_t *o = json_pack("{s:o, s:s, s:O, s:s}", "id",
			dry ? json_null() : json_string(a->id.text), "target", a->hooks.here.url,
			"operations", a->operations, "secret", kept_where(a));
		detail_json(a->args->output, o);
		json_decref(o);
		return;
	}
	patterns_format(a->operations, operations, sizeof(operations));
	fprintf(out,
		dry ? "would make a webhook%s: Twenty sends %s to "
		    : "made webhook %s: Twenty "
		      "sends %s to ",
		dry ? "" : a->id.text, operations);
	terminal_put(out, a->hooks.here.url);
	fprintf(out, ", signed with a %s: ", a->fresh[0] != '\0' ? "fresh secret" : "secret");
	terminal_put(out, kept_where(a));
	fputc('\n', out);
}

/* The trap that Twenty does not speak of. */
static void warn_private(const struct addition *a)
{
	char text[ADDRESS_TEXT_N];
	enum address_kind kind = address_find(a->hooks.here.target.host, LOOKUP_MS, text);
	if (kind == ADDRESS_PUBLIC || kind == ADDRESS_UNKNOWN)
		return;
	fprintf(stderr,
		"note: %s is %s: Twenty drops such calls without a word, unless "
		"OUTBOUND_HTTP_SAFE_MODE_ENABLED=false is set for its server and its worker\n",
		a->hooks.here.target.host, address_kind_text(kind));
}

static enum cli_exit change(struct addition *a)
{
	enum cli_exit status = CLI_OK;
	if (args_flag(a->args, "print-secret") != NULL)
		status = print_secret(a);
	else if (a->slot.kind == SLOT_FILE)
		status = fill_slot(a);
	if (status != CLI_OK) {
		take_back(a);
		return status;
	}
	return make(a);
}

static int run_add(const struct args *args)
{
	struct addition a = {.args = args};
	enum cli_exit status = hooks_open(args, &a.hooks);
	if (status != CLI_OK)
		return status;
	status = check_place(&a);
	if (status == CLI_OK)
		status = choose_operations(&a);
	if (status == CLI_OK)
		status = choose_secret(&a);
	bool dry = args_flag(args, "dry-run") != NULL;
	if (status == CLI_OK && !dry)
		status = change(&a);
	if (status == CLI_OK) {
		show(&a);
		warn_private(&a);
	}
	if (status == CLI_OK && !dry)
		status = remove_old(&a);
	explicit_bzero(a.fresh, sizeof(a.fresh));
	json_decref(a.operations);
	hooks_close(&a.hooks);
	return status;
}

static const struct verb_flag flags[] = {
	{"url", "URL", "where the world reaches this Moonhook; else `public` of the configuration"},
	{"source", "NAME", "the source that takes it; else the first with the scheme twenty"},
	{"operations", "LIST",
		"what it sends, such as person.*,task.created; else what rules need"},
	{"replace", NULL, "in the place of those that point here"},
	{"print-secret", NULL, "print the fresh secret once, and write it nowhere"},
	{"dry-run", NULL, "only say what would be made"},
};

const struct verb verb_webhook_add = {
	.noun = "webhook",
	.name = "add",
	.operands = "",
	.summary = "have Twenty send its events here, signed",
	.text = "The secret is a fresh one, written to the first file \"name\" of the source that "
		"is\nmissing or empty; a daemon that runs takes it over at once. Where there is no "
		"room\nfor one, the secret that the source has is used. To change a secret, name a "
		"second\nfile in `secrets`, add --replace, then take the first one out.\n\n"
		"Without --operations it sends all of the objects that live rules listen to, or\n"
		"everything where there are none: what a record was before a change, and what "
		"became\nof a rule's own writes, is told by the others.",
	.examples = {"moonhook webhook add --url https://hooks.acme.io",
		"moonhook webhook add --operations 'person.*,task.*' --dry-run",
		"moonhook webhook add --print-secret >>/etc/moonhook/secrets"},
	.flags = flags,
	.flags_n = ARRAY_N(flags),
	.exits = {CLI_FAILED, CLI_USAGE, CLI_KEY, CLI_TWENTY, CLI_BUSY, CLI_CONFIG},
	.run = run_add,
};
