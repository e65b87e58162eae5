/* SPDX-License-Identifier: MIT */
/* The configuration of the whole program: the tables of all rooms, and what follows from them. */
#ifndef MOONHOOK_CLI_SETTINGS_H
#define MOONHOOK_CLI_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/conf.h"
#include "cli/args.h"

/* log.format, log.level, http.allow, secrets, only; STATIC. */
extern const struct conf_table cli_conf_table;

#define CLI_SETTINGS_TABLES_N 6

/* Copies the tables of all rooms in the order of the walk. */
void cli_settings_tables(struct conf_table ret_tables[static CLI_SETTINGS_TABLES_N]);
/* Is there an option of this name (without a star)? */
bool cli_settings_known(const char *key);

/* WHOLE: everything required must be there. PARTIAL: for commands that need only some of it. */
enum cli_settings_part { CLI_SETTINGS_WHOLE, CLI_SETTINGS_PARTIAL };
/* Reads the configuration that args name. GIVES (conf_free). */
enum rc cli_settings_read(const struct args *args, enum cli_settings_part part,
	struct conf **ret_conf, struct err *err) must_check;
/* The same for verbs: what is wrong is said on stderr; CLI_OK or CLI_CONFIG. */
enum cli_exit cli_settings_load(
	const struct args *args, enum cli_settings_part part, struct conf **ret_conf) must_check;

/* Does `serve` start this part here, as `only` says: "receiver", "runner", "console"? */
bool cli_settings_serves(const struct conf *conf, const char *part);
/* Is the store a database, which others use too, and not a folder? */
bool cli_settings_away(const struct conf *conf);
/* Starts the log as log.format and log.level say. room: STATIC. */
void cli_settings_log(const struct conf *conf, const char *room);

#endif
