/* SPDX-License-Identifier: MIT */
/*
 * What only a restart can change.
 * From: supervise.c, with the configuration of the start and of a reload. To: the answer to whoever
 * asked for it. What the rooms take over at once is listed here; everything else waits: sockets,
 * the store, the line to Twenty, the console. Also what the children are given from then on, so
 * that one which dies comes back to the store and the addresses that the others hold. Fails by
 * saying less. Applies nothing.
 */
#include "cli/restart.h"

#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/conf_set.h"
#include "cli/settings.h"

/* Settings, or all below them, that the receiver and the runner apply at once, or do not read. */
static const char *const applied[] = {"rules", "workers", "source", "limits.cpu", "limits.wall",
	"limits.memory", "limits.calls", "limits.logs", "limits.runs", "limits.lease", "retain",
	"public", "gap", "http", "secrets"};

static bool is_applied(const char *key)
{
	for (size_t i = 0; i < ARRAY_N(applied); i++) {
		size_t n = strlen(applied[i]);
		if (strncmp(key, applied[i], n) == 0 && (key[n] == '\0' || key[n] == '.'))
			return true;
	}
	return false;
}

static bool differs(const struct conf *a, const struct conf *b, const char *key)
{
	const char *x = conf_text(a, key), *y = conf_text(b, key);
	return x != y && (x == NULL || y == NULL || strcmp(x, y) != 0);
}

struct names { /* of options, each once */
	char *out;
	size_t out_n, n;
};

static void add_name(struct names *names, const char *key)
{
	struct conf_table tables[CLI_SETTINGS_TABLES_N];
	char quoted[128];
	cli_settings_tables(tables);
	const struct conf_option *option = conf_option_find(tables, CLI_SETTINGS_TABLES_N, key);
	snprintf(quoted, sizeof(quoted), "`%s`", option != NULL ? option->key : key);
	size_t at = strlen(names->out);
	if (strstr(names->out, quoted) != NULL)
		return;
	snprintf(names->out + at, names->out_n - at, "%s%s", names->n++ != 0 ? ", " : "", quoted);
}

/* Those of a's settings that b has otherwise, or not. */
static void compare(const struct conf *a, const struct conf *b, struct names *names)
{
	for (size_t i = 0; i < conf_n(a); i++) {
		struct conf_setting setting;
		conf_at(a, i, &setting);
		if (!is_applied(setting.key) && differs(a, b, setting.key))
			add_name(names, setting.key);
	}
}

bool restart_describe(const struct conf *started, const struct conf *fresh, char *out, size_t out_n)
{
	struct names names = {out, out_n, 0};
	out[0] = '\0';
	compare(started, fresh, &names);
	compare(fresh, started, &names);
	size_t at = strlen(out);
	if (names.n != 0)
		snprintf(out + at, out_n - at, " changed: %s effect at the next restart",
			names.n == 1 ? "takes" : "take");
	return names.n != 0;
}

/* Puts those of from's settings that are applied at once, or the others. */
static enum rc take(struct conf *to, const struct conf *from, bool at_once, struct err *err)
{
	enum rc rc = RC_OK;
	for (size_t i = 0; i < conf_n(from) && rc == RC_OK; i++) {
		struct conf_setting setting;
		conf_at(from, i, &setting);
		if (is_applied(setting.key) == at_once)
			rc = conf_put(to, &setting, err);
	}
	return rc;
}

enum rc restart_merge(const struct conf *started, const struct conf *fresh, struct conf **ret_conf,
	struct err *err)
{
	struct conf *conf = conf_new();
	if (conf == NULL)
		return err_set(err, RC_NOMEM, "no memory for the configuration");
	enum rc rc = take(conf, started, false, err);
	if (rc == RC_OK)
		rc = take(conf, fresh, true, err);
	if (rc != RC_OK) {
		conf_free(conf);
		return rc;
	}
	*ret_conf = conf;
	return RC_OK;
}
