/* SPDX-License-Identifier: MIT */
/*
 * The verb `check`: are these rules right?
 * From: main.c. To: script.c (the files), runner/check (what is found without running anything),
 * runner/solo.h (what a head says that is computed, in a sandboxed worker), schema.c (what the
 * workspace has). What cannot be asked is left out and said. Changes nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/rows.h"
#include "cli/schema.h"
#include "cli/script.h"
#include "cli/settings.h"
#include "cli/terminal.h"
#include "runner/check/check.h"
#include "runner/module.h"
#include "runner/solo.h"

#define FOLDER_BYTES 4000

#define WORDS_MAX 200

struct words { /* NULL-terminated; BORROWS from the configuration */
	const char *p[WORDS_MAX + 1];
	size_t n;
};

struct checking {
	const struct args *args;
	struct conf *conf; /* NULL: there is none */
	struct words sources, hosts, secrets;
	struct cli_schema schema;
	struct scripts scripts;
	struct check_findings findings;
};

/* --- what is known ---------------------------------------------------------------------------- */

/* Files can be checked without a configuration; one that is there must be right. */
static enum cli_exit read_conf(struct checking *c)
{
	if (c->args->operands_n > 0 && access(c->args->config, F_OK) != 0)
		return CLI_OK;
	return cli_settings_load(c->args, CLI_SETTINGS_PARTIAL, &c->conf);
}

static void add_word(struct words *words, const char *word)
{
	if (words->n < WORDS_MAX)
		words->p[words->n++] = word;
}

/* What rules name of the configuration. */
static void read_words(struct checking *c)
{
	struct conf_setting setting;
	const char *word;
	for (size_t i = 0; (word = conf_name(c->conf, "source", i)) != NULL; i++)
		add_word(&c->sources, word);
	for (size_t i = 1; (word = conf_item(c->conf, "http.allow", i)) != NULL; i++)
		add_word(&c->hosts, word);
	for (size_t i = 0; conf_below(c->conf, "secrets", i, &setting); i++)
		add_word(&c->secrets, setting.key + strlen("secrets."));
}

/* Demanded with --schema or --live; else asked for where that is possible. */
static enum cli_exit read_schema(struct checking *c)
{
	struct err err = {.msg = ""};
	bool live = args_flag(c->args, "live") != NULL;
	if (args_flag(c->args, "schema") != NULL || (live && c->conf != NULL))
		return cli_schema_open(c->args, c->conf, &c->schema);
	if (live)
		return (enum cli_exit)args_fail(
			CLI_USAGE, "--live wants a configuration that says where Twenty is");
	if (args_flag(c->args, "offline") != NULL)
		return CLI_OK;
	const char *url = c->conf != NULL ? conf_text(c->conf, "twenty.url") : NULL;
	if (url == NULL || *url == '\0')
		err_set(&err, RC_INVALID, "no configuration says where Twenty is");
	else if (cli_schema_ask(c->conf, &c->schema, &err) == RC_OK)
		return CLI_OK;
	fprintf(stderr, "moonhook: objects and fields of the workspace are not checked: ");
	terminal_put(stderr, err.msg);
	fputs("; --schema FILE takes them from a file, --offline leaves this line out\n", stderr);
	return CLI_OK;
}

/* --- the check -------------------------------------------------------------------------------- */

static enum rc add_files(struct check *check, const struct scripts *scripts, struct err *err)
{
	enum rc rc = RC_OK;
	for (size_t i = 0; i < scripts->n && rc == RC_OK; i++) {
		const struct script *s = &scripts->p[i];
		if (s->error != NULL)
			continue;
		rc = s->asked
			     ? check_add(check, s->path, buf_slice(&s->text), s->role, err)
			     : check_add_context(check, s->path, buf_slice(&s->text), s->role, err);
	}
	return rc;
}

static bool has_errors(const struct checking *c, const char *file)
{
	for (size_t i = 0; i < c->findings.n; i++) {
		const struct check_finding *f = &c->findings.p[i];
		if (f->file == file && check_kind_severity(f->kind) == CHECK_ERROR)
			return true;
	}
	return false;
}

/* "sla.lua:3: rule .." -> behind the place. */
static const char *skip_place(const char *text, const char *file)
{
	size_t n = strlen(file);
	if (strncmp(text, file, n) != 0 || text[n] != ':')
		return text;
	const char *p = text + n + 1;
	p += strspn(p, "0123456789");
	return p > text + n + 1 && strncmp(p, ": ", 2) == 0 ? p + 2 : text;
}

/* The line of such a place; 1: it names none. */
static int place_line(const char *text, const char *file)
{
	size_t n = strlen(file);
	long line = 0;
	if (skip_place(text, file) != text)
		line = strtol(text + n + 1, NULL, 10);
	return line > 0 && line < INT32_MAX ? (int)line : 1;
}

static void take_head(struct checking *c, const struct script *s, const json_t *head)
{
	const char *error = json_string_value(json_object_get(head, "error"));
	json_int_t line = json_integer_value(json_object_get(head, "line"));
	if (error != NULL)
		check_finding_put_line(&c->findings, s->path, line > 0 ? (int)line : 1, CHECK_HEAD,
			"%s", skip_place(error, s->name));
}

/* The file with the modules that it uses, as the daemon would load it. RC_OK where it cannot be put
 * together, too: that is a finding, and *ret_head is NULL. */
static enum rc load(struct checking *c, struct solo *solo, const struct script *s,
	json_t **ret_head, struct err *err)
{
	struct modules *modules = NULL;
	struct buf whole;
	char folder[FOLDER_BYTES];
	const char *slash = strrchr(s->path, '/');
	int n = slash != NULL ? (int)(slash - s->path) : 1;
	snprintf(folder, sizeof(folder), "%.*s", n, slash != NULL ? s->path : ".");
	buf_init(&whole, MODULE_VERSION_BYTES);
	enum rc rc = modules_open(folder, &modules, err);
	if (rc == RC_OK)
		rc = modules_bundle(modules, s->name, buf_slice(&s->text), &whole, err);
	if (rc != RC_OK && rc != RC_NOMEM) {
		check_finding_put_line(&c->findings, s->path, place_line(err->msg, s->name),
			CHECK_HEAD, "%s", skip_place(err->msg, s->name));
		rc = RC_OK;
	} else if (rc == RC_OK) {
		rc = solo_load_text(solo, s->name, buf_slice(&whole), ret_head, err);
	}
	modules_close(modules);
	buf_done(&whole);
	return rc;
}

/* What only running the file shows: in a worker, which is asked for the heads of its rules. */
static void ask_heads(struct checking *c)
{
	struct solo *solo = NULL;
	struct err err = {.msg = ""};
	enum rc rc = solo_open("/proc/self/exe", &solo, &err);
	for (size_t i = 0; i < c->scripts.n && rc == RC_OK; i++) {
		json_t *head = NULL;
		const struct script *s = &c->scripts.p[i];
		if (!s->asked || s->error != NULL || s->role != CHECK_RULE_FILE ||
			has_errors(c, s->path))
			continue;
		enum rc asked = load(c, solo, s, &head, &err);
		if (asked == RC_OK && head == NULL)
			continue;
		if (asked == RC_OK)
			take_head(c, s, head);
		else if (asked == RC_CPU || asked == RC_CLOSED)
			check_finding_put_line(&c->findings, s->path, 1, CHECK_HEAD, "%s", err.msg);
		else
			rc = asked;
		json_decref(head);
	}
	solo_close(solo);
	if (rc != RC_OK)
		args_fail(CLI_OK, "heads that are computed are not checked: %s", err.msg);
}

static enum rc examine(struct checking *c, struct err *err)
{
	static const char *const none[] = {NULL};
	struct check_world world = {.schema = c->schema.schema, .modules = none};
	if (c->conf != NULL) {
		world.sources = c->sources.p;
		world.hosts = c->hosts.p;
		world.secrets = c->secrets.p;
	}
	struct check *check = check_new(&world);
	if (check == NULL)
		return err_set(err, RC_NOMEM, "no memory");
	enum rc rc = add_files(check, &c->scripts, err);
	if (rc == RC_OK)
		rc = check_run(check, &c->findings, err);
	for (size_t i = 0; i < c->scripts.n; i++)
		if (c->scripts.p[i].asked && c->scripts.p[i].error != NULL)
			check_finding_put_line(&c->findings, c->scripts.p[i].path, 0, CHECK_READ,
				"%s", c->scripts.p[i].error);
	if (rc == RC_OK)
		ask_heads(c);
	check_free(check);
	return rc;
}

/* --- output ----------------------------------------------------------------------------------- */

/* The line as it is, and a caret below: tabs stay tabs, so that it stands where it should. */
static void put_source(const struct check_finding *f)
{
	int column = 1;
	if (f->source == NULL || f->source[0] == '\0')
		return;
	fputs("    ", stdout);
	for (const char *p = f->source; *p != '\0';) {
		size_t n = strcspn(p, "\t");
		char part[512];
		snprintf(part, sizeof(part), "%.*s", (int)(n < 500 ? n : 500), p);
		terminal_put(stdout, part);
		p += n;
		if (*p == '\t')
			putchar('\t'), p++;
	}
	fputs("\n    ", stdout);
	for (const char *p = f->source; *p != '\0' && column < f->column; p++) {
		if (((unsigned char)*p & 0xc0) == 0x80)
			continue;
		putchar(*p == '\t' ? '\t' : ' ');
		column++;
	}
	terminal_tone(TERMINAL_OK);
	putchar('^');
	for (int i = 1; i < f->width && i < 60; i++)
		putchar('~');
	terminal_tone(TERMINAL_PLAIN);
	putchar('\n');
}

static void put_finding(const struct check_finding *f)
{
	enum check_severity severity = check_kind_severity(f->kind);
	terminal_put(stdout, f->file);
	if (f->line > 0)
		printf(":%d:%d", f->line, f->column);
	fputs(": ", stdout);
	terminal_tone(severity == CHECK_ERROR ? TERMINAL_BAD : TERMINAL_WARN);
	fputs(check_severity_name(severity), stdout);
	terminal_tone(TERMINAL_PLAIN);
	fputs(": ", stdout);
	terminal_put(stdout, f->text != NULL ? f->text : "");
	if (f->suggestion != NULL) {
		fputs("; ", stdout);
		terminal_put(stdout, f->suggestion);
	}
	putchar('\n');
	if (terminal_is())
		put_source(f);
}

static enum rc put_rows(const struct checking *c)
{
	struct rows *rows = rows_open(c->args->output, NULL, 0);
	enum rc rc = rows != NULL ? RC_OK : RC_NOMEM;
	for (size_t i = 0; i < c->findings.n && rc == RC_OK; i++) {
		const struct check_finding *f = &c->findings.p[i];
		rc = rows_put(rows,
			json_pack("{s:o, s:i, s:i, s:s, s:s, s:o, s:o}", "file", rows_text(f->file),
				"line", f->line, "column", f->line > 0 ? f->column : 0, "severity",
				check_severity_name(check_kind_severity(f->kind)), "id",
				check_kind_name(f->kind), "text", rows_text(f->text), "suggestion",
				rows_text(f->suggestion)));
	}
	rows_close(rows, NULL);
	return rc;
}

static size_t count_asked(const struct scripts *scripts)
{
	size_t n = 0;
	for (size_t i = 0; i < scripts->n; i++)
		n += scripts->p[i].asked;
	return n;
}

static enum cli_exit show(const struct checking *c)
{
	size_t errors = check_findings_errors(&c->findings, 0);
	size_t warnings = c->findings.n - errors, files = count_asked(&c->scripts);
	if (c->args->output != ARGS_TABLE) {
		if (put_rows(c) != RC_OK)
			return (enum cli_exit)args_fail(CLI_FAILED, "no memory");
	} else {
		for (size_t i = 0; i < c->findings.n; i++)
			put_finding(&c->findings.p[i]);
		fflush(stdout);
		fprintf(stderr, "%zu file%s: %zu error%s, %zu warning%s\n", files,
			files == 1 ? "" : "s", errors, errors == 1 ? "" : "s", warnings,
			warnings == 1 ? "" : "s");
	}
	return errors > 0 ? CLI_FAILED : CLI_OK;
}

static int run_check(const struct args *args)
{
	struct checking c = {.args = args};
	struct err err = {.msg = ""};
	enum cli_exit status = read_conf(&c);
	if (status == CLI_OK && c.conf != NULL)
		read_words(&c);
	if (status == CLI_OK && scripts_find(args, c.conf, &c.scripts, &err) != RC_OK)
		status = (enum cli_exit)args_fail(
			err.code == RC_NOMEM ? CLI_FAILED : CLI_USAGE, "%s", err.msg);
	if (status == CLI_OK)
		status = read_schema(&c);
	if (status == CLI_OK && examine(&c, &err) != RC_OK)
		status = (enum cli_exit)args_fail(CLI_FAILED, "%s", err.msg);
	if (status == CLI_OK)
		status = show(&c);
	check_findings_done(&c.findings);
	scripts_done(&c.scripts);
	cli_schema_done(&c.schema);
	conf_free(c.conf);
	return (int)status;
}

static const struct verb_flag flags[] = {
	{"schema", "FILE", "what the workspace has, as `moonhook schema` wrote it"},
	{"live", NULL, "Twenty must be asked what the workspace has, or nothing is checked"},
	{"offline", NULL, "without what the workspace has"},
};

const struct verb verb_check = {
	.name = "check",
	.operands = "[FILE..]",
	.summary = "finds mistakes in rules before an event does",
	.text = "Checks rule files, the modules of the lib folder beside them and their "
		"*_test.lua:\n"
		"all of the configured folder, or the files and folders that are named. Nothing "
		"of\na rule is run but what stands beside its functions, in a sandboxed worker.\n\n"
		"With the workspace's schema (asked of Twenty where the configuration names one, "
		"or\ntaken from --schema FILE) objects, fields and values of selections are "
		"checked, too.\n\n"
		"A line for each: FILE:LINE:COLUMN: error or warning: what is wrong; what to do.\n"
		"Ends with 1 where there is an error; a warning is none. With -o json: file, "
		"line,\ncolumn, severity, id, text, suggestion.",
	.examples = {"moonhook check", "moonhook check scripts/rules/sla.lua --schema schema.json",
		"moonhook check --offline -o jsonl | jq -r .text"},
	.flags = flags,
	.flags_n = ARRAY_N(flags),
	.exits = {CLI_FAILED, CLI_USAGE, CLI_KEY, CLI_TWENTY, CLI_CONFIG},
	.run = run_check,
};
