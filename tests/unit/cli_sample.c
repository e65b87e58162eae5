/* SPDX-License-Identifier: MIT */
/* The shipped configuration is what the option tables say, and it can be read. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/sample.h"
#include "cli/settings.h"

Test(cli_sample, the_shipped_configuration_is_made_from_the_tables)
{
	struct buf made, shipped;
	struct err err = {.msg = ""};
	buf_init(&made, 1 << 17);
	buf_init(&shipped, 1 << 17);
	cr_assert_eq(sample_write(&made), RC_OK);
	cr_assert_eq(file_read(AT_FDCWD, "conf/moonhook.lua", FILE_LINKS_REFUSED, &shipped, &err),
		RC_OK, "%s", err.msg);
	cr_expect(strcmp(made.p, shipped.p) == 0,
		"run: build/moonhook config sample > conf/moonhook.lua");
	buf_done(&made);
	buf_done(&shipped);
}

Test(cli_sample, the_sample_loads_with_three_variables)
{
	struct args args = {.verb = &verb_serve, .config = "conf/moonhook.lua"};
	struct conf *conf = NULL;
	struct err err = {.msg = ""};
	unsetenv("TWENTY_URL");
	cr_expect_eq(cli_settings_read(&args, CLI_SETTINGS_WHOLE, &conf, &err), RC_INVALID);
	cr_expect(strstr(err.msg, "TWENTY_URL is not set") != NULL, "%s", err.msg);
	setenv("TWENTY_URL", "http://127.0.0.1:1", 1);
	setenv("TWENTY_API_KEY", "k", 1);
	setenv("TWENTY_WEBHOOK_SECRET", "s", 1);
	cr_assert_eq(
		cli_settings_read(&args, CLI_SETTINGS_WHOLE, &conf, &err), RC_OK, "%s", err.msg);
	cr_expect_str_eq(conf_item(conf, "source.twenty.secrets", 1), "s");
	conf_free(conf);
}

Test(cli_sample, every_option_has_a_line_of_help_and_a_default_that_its_own_table_takes)
{
	struct conf_table tables[CLI_SETTINGS_TABLES_N];
	cli_settings_tables(tables);
	for (size_t t = 0; t < CLI_SETTINGS_TABLES_N; t++) {
		for (size_t i = 0; i < tables[t].options_n; i++) {
			const struct conf_option *o = &tables[t].options[i];
			cr_expect(o->help != NULL && o->help[0] != '\0', "%s", o->key);
			cr_expect_eq(o->type == CONF_CHOICE,
				o->choices != NULL && o->type != CONF_FLAGS, "%s", o->key);
		}
	}
}

static void expect_lines(const char *file, const char *const *lines)
{
	struct buf unit;
	struct err err = {.msg = ""};
	buf_init(&unit, 1 << 16);
	cr_assert_eq(
		file_read(AT_FDCWD, file, FILE_LINKS_REFUSED, &unit, &err), RC_OK, "%s", err.msg);
	for (size_t i = 0; lines[i] != NULL; i++)
		cr_expect_not_null(strstr(unit.p, lines[i]), "%s: %s", file, lines[i]);
	buf_done(&unit);
}

Test(cli_sample, shipped_units_tell_the_supervisor_alone_to_stop_and_know_its_exit_codes)
{
	static const char *const files[] = {"conf/moonhook.service",
		"conf/moonhook-receiver@.service", "conf/moonhook-runner@.service",
		"conf/moonhook-console@.service"};
	static const char *const lines[] = {"\nKillMode=mixed\n", "\nRestart=on-failure\n",
		"\nRestartPreventExitStatus=78\n", "\nNoNewPrivileges=yes\n", NULL};
	/* 75 is a database that is away: it is waited for. */
	static const char *const of_several[] = {
		"\nStartLimitIntervalSec=0\n", "\nRuntimeDirectory=moonhook/", NULL};
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		expect_lines(files[i], lines);
		if (i > 0)
			expect_lines(files[i], of_several);
	}
}
