/* SPDX-License-Identifier: MIT */
/*
 * The verb `config print`: every setting, its value, and where it came from; secrets masked.
 * From: main.c. Next: base/conf.c. A configuration that is wrong is a sentence and 78, so this is
 * also the way to check one.
 */
#include <stdlib.h>
#include <string.h>

#include "base/password.h"
#include "cli/rows.h"
#include "cli/settings.h"

#define MASK "********"

static const struct rows_column columns[] = {
	{"key", "SETTING"}, {"value", "VALUE"}, {"origin", "FROM"}};

static json_t *row_of(const struct conf_table *tables, const struct conf_setting *s)
{
	const struct conf_option *o = conf_option_find(tables, CLI_SETTINGS_TABLES_N, s->key);
	char *value = s->secret || o == NULL ? NULL : conf_option_format(o, s->value);
	char shown[1024] = MASK; /* of an address all but the password may be seen */
	if (o != NULL && o->type == CONF_TEXT)
		password_hide(s->value, shown, sizeof(shown));
	json_t *row = json_pack("{s:o, s:o, s:o, s:b}", "key", rows_text(s->key), "value",
		rows_text(s->secret ? shown : value), "origin", rows_text(s->origin), "secret",
		s->secret);
	free(value);
	return row;
}

static int run_print(const struct args *args)
{
	struct conf_table tables[CLI_SETTINGS_TABLES_N];
	struct conf *conf = NULL;
	enum cli_exit status = cli_settings_load(args, CLI_SETTINGS_WHOLE, &conf);
	if (status != CLI_OK)
		return status;
	cli_settings_tables(tables);
	struct rows *rows = rows_open(args->output, columns, ARRAY_N(columns));
	enum rc rc = rows != NULL ? RC_OK : RC_NOMEM;
	for (size_t i = 0; i < conf_n(conf) && rc == RC_OK; i++) {
		struct conf_setting s;
		conf_at(conf, i, &s);
		rc = rows_put(rows, row_of(tables, &s));
	}
	rows_close(rows, NULL);
	conf_free(conf);
	return rc == RC_OK ? CLI_OK : args_fail(CLI_FAILED, "no memory");
}

const struct verb verb_config_print = {
	.noun = "config",
	.name = "print",
	.operands = "",
	.summary = "every setting, its value and where it came from; secrets masked",
	.text = "Flags win over MOONHOOK_* of the environment, which win over the file, which "
		"wins\n"
		"over the defaults.",
	.examples = {"moonhook config print", "moonhook config print --workers 4",
		"moonhook config print -o json | jq -r '.[] | select(.origin != \"default\").key'"},
	.exits = {CLI_USAGE, CLI_CONFIG},
	.run = run_print,
};
