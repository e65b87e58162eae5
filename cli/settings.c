/* SPDX-License-Identifier: MIT */
/*
 * Brings the rooms' option tables together and reads the configuration with them.
 * From: every verb. Next: base/conf.c. Fails with the sentence of base/conf.c.
 */
#include "cli/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf_set.h"
#include "base/log.h"
#include "cli/listen.h"
#include "client/client.h"
#include "console/console.h"
#include "queue/place.h"
#include "receiver/receiver.h"
#include "runner/runner.h"

static const struct conf_option options[] = {
	{"log.format", CONF_CHOICE, "auto", 0, 0, "auto text json",
		"form of the log; auto: text on a terminal, else JSON lines"},
	{"log.level", CONF_CHOICE, "info", 0, 0, "debug info warn error",
		"the least important lines that are written"},
	{"public", CONF_TEXT, NULL, 0, 0, NULL,
		"where the world reaches `listen`: for `moonhook doctor` and `webhook add`"},
	{"only", CONF_LIST, "receiver runner console", 0, 0, NULL,
		"the parts that `moonhook serve` starts; health and metrics always run"},
};
const struct conf_table cli_conf_table = {"cli", options, ARRAY_N(options)};

void cli_settings_tables(struct conf_table ret_tables[static CLI_SETTINGS_TABLES_N])
{
	const struct conf_table *const all[CLI_SETTINGS_TABLES_N] = {&receiver_conf_table,
		&queue_conf_table, &runner_conf_table, &client_conf_table, &console_conf_table,
		&cli_conf_table};
	for (size_t i = 0; i < CLI_SETTINGS_TABLES_N; i++)
		ret_tables[i] = *all[i];
}

bool cli_settings_known(const char *key)
{
	struct conf_table tables[CLI_SETTINGS_TABLES_N];
	cli_settings_tables(tables);
	return conf_option_find(tables, CLI_SETTINGS_TABLES_N, key) != NULL;
}

/* Where a setting of the top was given. */
static const char *origin_of(const struct conf *conf, const char *key)
{
	struct conf_setting s;
	for (size_t i = 0; i < conf_n(conf); i++) {
		conf_at(conf, i, &s);
		if (strcmp(s.key, key) == 0)
			return s.origin;
	}
	return "default";
}

bool cli_settings_serves(const struct conf *conf, const char *part)
{
	const char *word;
	for (size_t i = 1; (word = conf_item(conf, "only", i)) != NULL; i++)
		if (strcmp(word, part) == 0)
			return true;
	return false;
}

/* Deliveries and the console each need a listener of their own. */
static enum rc check_listeners(const struct conf *conf, struct err *err)
{
	const char *hooks = conf_text(conf, "listen"), *console = conf_text(conf, "console.listen");
	const char *origin = origin_of(conf, "listen");
	if (!cli_settings_serves(conf, "receiver") || !cli_listen_clash(hooks, console))
		return RC_OK;
	if (strcmp(origin, "default") == 0)
		origin = origin_of(conf, "console.listen");
	return err_set(err, RC_INVALID,
		"%s: `listen` (%s) and `console.listen` (%s) are the same place; give each a port "
		"of its own",
		origin, hooks, console);
}

/* The variable in which libpq's own programs expect it; the daemon's children have no environment.
 */
static enum rc take_password(struct conf *conf, struct err *err)
{
	const char *given = conf_text(conf, "database.password");
	if (!cli_settings_away(conf) || (given != NULL && given[0] != '\0'))
		return RC_OK;
	const char *password = conf_env_read("PGPASSWORD");
	if (password == NULL || password[0] == '\0')
		return RC_OK;
	struct conf_setting setting = {.key = "database.password",
		.value = password,
		.origin = "environment PGPASSWORD",
		.secret = true};
	return conf_put(conf, &setting, err);
}

bool cli_settings_away(const struct conf *conf)
{
	struct queue_place place;
	queue_place_of(conf, &place);
	return queue_place_away(&place);
}

/* What no table of options can say. */
static enum rc check_whole(const struct conf *conf, const char *file, struct err *err)
{
	enum rc rc = cli_settings_serves(conf, "runner") ? client_conf_check(conf, err) : RC_OK;
	if (rc != RC_OK)
		return rc;
	rc = receiver_conf_check(conf, err);
	if (rc != RC_OK)
		return err_wrap(err, "%s", file);
	return check_listeners(conf, err);
}

struct request { /* one reading of the configuration; BORROWS */
	const char *file;
	struct conf_table tables[CLI_SETTINGS_TABLES_N];
	const char *overrides[ARGS_MAX + 1];
	size_t overrides_n;
};

static enum rc load_part(const struct request *r, struct conf **ret_conf, struct err *err)
{
	return conf_load_partial(r->file, r->tables, CLI_SETTINGS_TABLES_N, r->overrides,
		r->overrides_n, ret_conf, err);
}

/* The same options, of which none is required. GIVES (free). */
static struct conf_option *relax(struct conf_table *table)
{
	struct conf_option *copy = calloc(table->options_n, sizeof(*copy));
	for (size_t i = 0; copy != NULL && i < table->options_n; i++) {
		copy[i] = table->options[i];
		if (copy[i].fallback != NULL && strcmp(copy[i].fallback, "!") == 0)
			copy[i].fallback = NULL;
	}
	table->options = copy;
	return copy;
}

/* A machine without a runner speaks to no Twenty, and need not know its key. */
static enum rc load_whole(struct request *r, struct conf **ret_conf, struct err *err)
{
	struct conf *part = NULL;
	struct conf_option *relaxed = NULL;
	if (load_part(r, &part, err) == RC_OK && !cli_settings_serves(part, "runner")) {
		for (size_t i = 0; i < CLI_SETTINGS_TABLES_N; i++)
			if (r->tables[i].options == client_conf_table.options)
				relaxed = relax(&r->tables[i]);
		if (relaxed == NULL) {
			conf_free(part);
			return err_set(err, RC_NOMEM, "no memory for the configuration");
		}
	}
	conf_free(part);
	struct conf *conf = NULL;
	enum rc rc = conf_load(r->file, r->tables, CLI_SETTINGS_TABLES_N, r->overrides,
		r->overrides_n, &conf, err);
	free(relaxed);
	if (rc == RC_OK)
		*ret_conf = conf;
	return rc;
}

enum rc cli_settings_read(const struct args *args, enum cli_settings_part part,
	struct conf **ret_conf, struct err *err)
{
	struct request r = {.file = args->config};
	char only[256];
	cli_settings_tables(r.tables);
	for (; r.overrides_n < args->overrides_n; r.overrides_n++)
		r.overrides[r.overrides_n] = args->overrides[r.overrides_n];
	if (args_flag(args, "only") != NULL) {
		snprintf(only, sizeof(only), "only=%s", args_flag(args, "only"));
		r.overrides[r.overrides_n++] = only;
	}
	bool whole = part == CLI_SETTINGS_WHOLE;
	struct conf *conf = NULL;
	enum rc rc = whole ? load_whole(&r, &conf, err) : load_part(&r, &conf, err);
	if (rc == RC_OK)
		rc = take_password(conf, err);
	if (rc == RC_OK && whole)
		rc = check_whole(conf, args->config, err);
	if (rc != RC_OK) {
		conf_free(conf);
		return rc;
	}
	*ret_conf = conf;
	return RC_OK;
}

enum cli_exit cli_settings_load(
	const struct args *args, enum cli_settings_part part, struct conf **ret_conf)
{
	struct err err = {.msg = ""};
	enum rc rc = cli_settings_read(args, part, ret_conf, &err);
	if (rc == RC_OK)
		return CLI_OK;
	args_fail(CLI_CONFIG, "%s", err.msg);
	if (rc == RC_IO)
		fprintf(stderr,
			"          name another with --config FILE or MOONHOOK_CONFIG, or begin "
			"one: "
			"moonhook init --config %s\n",
			args->config);
	return CLI_CONFIG;
}

void cli_settings_log(const struct conf *conf, const char *room)
{
	static const char *const formats[] = {"auto", "text", "json"};
	static const char *const levels[] = {"debug", "info", "warn", "error"};
	const char *format = conf_text(conf, "log.format"), *level = conf_text(conf, "log.level");
	size_t f = 0, l = 1;
	for (size_t i = 0; i < ARRAY_N(formats); i++)
		if (format != NULL && strcmp(format, formats[i]) == 0)
			f = i;
	for (size_t i = 0; i < ARRAY_N(levels); i++)
		if (level != NULL && strcmp(level, levels[i]) == 0)
			l = i;
	log_start(room, (enum log_format)f, (enum log_level)l);
}
