/* SPDX-License-Identifier: MIT */
/*
 * Writes conf/moonhook.lua from the option tables, and is the hidden verb `config sample`.
 * From: `make`'s reader of this line, a test that holds the file against it. What must be given is
 * given from the environment; everything else stands there commented out with its default.
 */
#include "cli/sample.h"

#include <stdio.h>
#include <string.h>

#include "cli/settings.h"

#define SAMPLE_MAX 65536
#define LINE_N 96

struct example { /* how an option is written where its default does not say */
	const char *key, *text;
	bool live; /* not commented out */
};

static const struct example examples[] = {
	{"twenty.url", "env \"TWENTY_URL\"", true},
	{"twenty.key", "env \"TWENTY_API_KEY\"", true},
	{"console.token", "file \"token\"", false},
	{"console.hosts", "{ \"moonhook.example.com\" }", false},
	{"control", "\"/run/moonhook/control.sock\"", false},
	{"public", "\"https://hooks.example.com\"", false},
	{"http.allow", "{ \"api.example.com\" }", false},
	{"secrets", "{ ENRICH_KEY = env \"ENRICH_KEY\" }", false},
	{"coalesce", "{ upsert = \"auto\" }", false},
	{"source.*.scheme", "\"twenty\"", true},
	{"source.*.secrets", "{ env \"TWENTY_WEBHOOK_SECRET\" }", true},
	{"source.*.header", "\"x-signature\"", false},
	{"source.*.prefix", "\"sha256=\"", false},
	{"source.*.encoding", "\"hex\"", false},
	{"source.*.algorithm", "\"sha256\"", false},
	{"source.*.signed", "\"{timestamp}.{body}\"", false},
	{"source.*.timestamp", "\"x-timestamp\"", false},
	{"source.*.id", "\"x-delivery-id\"", false},
};

static const struct { /* what stands above a group */
	const char *group, *text;
} notes[] = {
	{"source",
		"one for each sender, such as source \"stripe\" { scheme = \"stripe\", secrets = "
		"{ file \"stripe.secret\" } }; rules get what it sends as on = \"hook:stripe\""},
	{"coalesce", "while calls wait for budget, alike ones go out as one request; "
		     "coalesce = false: never"},
};

static const struct example *example_of(const char *key)
{
	for (size_t i = 0; i < ARRAY_N(examples); i++)
		if (strcmp(examples[i].key, key) == 0)
			return &examples[i];
	return NULL;
}

/* Comment lines of at most LINE_N bytes. */
static enum rc put_comment(struct buf *out, const char *indent, const char *text)
{
	enum rc rc = RC_OK;
	while (*text != '\0' && rc == RC_OK) {
		size_t n = strlen(text), room = LINE_N - 8 * strlen(indent) - 3;
		if (n > room)
			for (n = room; n > 1 && text[n] != ' ';)
				n--;
		rc = buf_printf(out, "%s-- %.*s\n", indent, (int)n, text);
		text += n;
		text += *text == ' ';
	}
	return rc;
}

static bool quoted(enum conf_type type)
{
	return type != CONF_INT && type != CONF_BOOL && type != CONF_LIST && type != CONF_FLAGS;
}

/* "a b" -> { "a", "b" } */
static enum rc put_list(struct buf *out, const char *words)
{
	const char *open = "{ ";
	enum rc rc = RC_OK;
	while (*words != '\0' && rc == RC_OK) {
		size_t n = strcspn(words, " ,");
		rc = buf_printf(out, "%s\"%.*s\"", open, (int)n, words);
		words += n;
		words += strspn(words, " ,");
		open = ", ";
	}
	return rc == RC_OK ? buf_put_text(out, " }") : rc;
}

static enum rc put_option(struct buf *out, const char *indent, const struct conf_option *o)
{
	const struct example *e = example_of(o->key);
	const char *dot = strrchr(o->key, '.');
	bool live = e != NULL && e->live;
	enum rc rc = put_comment(out, indent, o->help);
	if (rc == RC_OK && o->choices != NULL && o->type == CONF_CHOICE) {
		char text[256];
		snprintf(text, sizeof(text), "one of: %s", o->choices);
		rc = put_comment(out, indent, text);
	}
	if (rc == RC_OK)
		rc = buf_printf(out, "%s%s%s = ", indent, live ? "" : "-- ",
			dot != NULL ? dot + 1 : o->key);
	if (rc != RC_OK)
		return rc;
	if (e != NULL)
		rc = buf_put_text(out, e->text);
	else if (o->type == CONF_LIST && o->fallback != NULL)
		rc = put_list(out, o->fallback);
	else
		rc = buf_printf(out, quoted(o->type) ? "\"%s\"" : "%s",
			o->fallback != NULL ? o->fallback : "");
	return rc == RC_OK ? buf_printf(out, "%s\n", indent[0] != '\0' ? "," : "") : rc;
}

static enum rc put_note(struct buf *out, const char *group)
{
	enum rc rc = RC_OK;
	for (size_t i = 0; i < ARRAY_N(notes) && rc == RC_OK; i++)
		if (strcmp(notes[i].group, group) == 0)
			rc = put_comment(out, "", notes[i].text);
	return rc;
}

/* All options of a group: those whose key starts with "group.", or is `group` itself. */
static enum rc put_group(struct buf *out, const struct conf_table *tables, const char *group)
{
	size_t n = strlen(group);
	bool source = strcmp(group, "source") == 0;
	enum rc rc = put_note(out, group);
	if (rc == RC_OK)
		rc = source ? buf_put_text(out, "source \"twenty\" {\n")
			    : buf_printf(out, "%s = {\n", group);
	for (size_t t = 0; t < CLI_SETTINGS_TABLES_N; t++) {
		for (size_t i = 0; i < tables[t].options_n && rc == RC_OK; i++) {
			const struct conf_option *o = &tables[t].options[i];
			if (strncmp(o->key, group, n) == 0 && o->key[n] == '.')
				rc = put_option(out, "\t", o);
		}
	}
	return rc == RC_OK ? buf_put_text(out, "}\n\n") : rc;
}

/* Has an option before this one the same first word? */
static bool group_seen(const struct conf_table *tables, size_t table, size_t option)
{
	const char *key = tables[table].options[option].key;
	size_t n = strcspn(key, ".");
	for (size_t t = 0; t <= table; t++) {
		size_t end = t == table ? option : tables[t].options_n;
		for (size_t i = 0; i < end; i++) {
			const char *k = tables[t].options[i].key;
			if (strcspn(k, ".") == n && strncmp(k, key, n) == 0)
				return true;
		}
	}
	return false;
}

static enum rc put_settings(struct buf *out)
{
	struct conf_table tables[CLI_SETTINGS_TABLES_N];
	enum rc rc = RC_OK;
	cli_settings_tables(tables);
	for (size_t t = 0; t < CLI_SETTINGS_TABLES_N; t++) {
		for (size_t i = 0; i < tables[t].options_n && rc == RC_OK; i++) {
			const struct conf_option *o = &tables[t].options[i];
			char group[64];
			snprintf(group, sizeof(group), "%.*s", (int)strcspn(o->key, "."), o->key);
			if (strchr(o->key, '.') == NULL) {
				rc = put_option(out, "", o);
				if (rc == RC_OK)
					rc = buf_put_text(out, "\n");
			} else if (!group_seen(tables, t, i)) {
				rc = put_group(out, tables, group);
			}
		}
	}
	return rc;
}

enum rc sample_write(struct buf *out)
{
	enum rc rc = buf_put_text(out,
		"-- SPDX-License-Identifier: MIT\n"
		"-- Moonhook's configuration: a list of settings in Lua. Here are only\n"
		"--   env \"NAME\"     a variable of the environment (nil where it is unset)\n"
		"--   file \"path\"    the text of a file beside this one, without its last "
		"newline\n"
		"--   source \"name\"  who sends deliveries, to /hooks/<name>\n"
		"-- What is commented out is the default. MOONHOOK_* of the environment and flags "
		"win:\n"
		"-- MOONHOOK_LIMITS_CPU=2s, --limits.cpu 2s. `moonhook config print` shows what "
		"counts;\n"
		"-- `moonhook reload` applies changes, and says which wait for a restart.\n\n");
	if (rc == RC_OK)
		rc = put_settings(out);
	if (rc == RC_OK) /* no empty line at the end */
		out->p[--out->n] = '\0';
	return rc;
}

static int run_sample(const struct args *args)
{
	struct buf out;
	(void)args;
	buf_init(&out, SAMPLE_MAX);
	enum rc rc = sample_write(&out);
	if (rc == RC_OK)
		fputs(out.p, stdout);
	buf_done(&out);
	return rc == RC_OK ? CLI_OK : args_fail(CLI_FAILED, "the sample is %s", rc_text(rc));
}

const struct verb verb_config_sample = {
	.noun = "config",
	.name = "sample",
	.operands = "",
	.summary = "a commented configuration with every setting",
	.text = "This is what conf/moonhook.lua of the distribution holds.",
	.examples = {"moonhook config sample", "moonhook config sample > conf/moonhook.lua",
		"moonhook config sample | diff - conf/moonhook.lua"},
	.exits = {CLI_USAGE},
	.run = run_sample,
};
