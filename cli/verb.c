/* SPDX-License-Identifier: MIT */
/*
 * All subcommands in the order help lists them.
 * From: main.c, help.c, man.c, completion.c. Knows no verb's inside.
 */
#include "cli/verb.h"

#include <stdio.h>
#include <string.h>

const struct verb *const verbs[] = {&verb_serve, &verb_init, &verb_doctor, &verb_check, &verb_test,
	&verb_trigger, &verb_tail, &verb_status, &verb_why, &verb_reload, &verb_reconcile,
	&verb_types, &verb_schema, &verb_pause, &verb_resume, &verb_backup, &verb_erase,
	&verb_store_copy, &verb_store_check, &verb_store_release, &verb_events_list,
	&verb_events_show, &verb_events_retry, &verb_events_purge, &verb_runs_list, &verb_runs_show,
	&verb_runs_retry, &verb_runs_purge, &verb_rules_list, &verb_rules_pause, &verb_rules_resume,
	&verb_timers_list, &verb_timers_cancel, &verb_issues_list, &verb_issues_ack,
	&verb_audit_list, &verb_webhook_add, &verb_webhook_list, &verb_webhook_remove,
	&verb_config_print, &verb_config_sample, &verb_version, &verb_help, &verb_completion,
	&verb_man, &verb_room, NULL};

const struct verb_flag verb_common_flags[] = {
	{"config", "FILE", "the configuration; else $MOONHOOK_CONFIG, else conf/moonhook.lua"},
	{"output", "FORM", "table, json or jsonl; -o for short"},
	{"no-color", NULL, "plain text on a terminal, as NO_COLOR in the environment"},
	{"help", NULL, "what the command does; -h for short"},
	{NULL, NULL, NULL},
};

const struct verb *verb_find(int argc, char *const *argv, int *ret_words)
{
	for (size_t i = 0; verbs[i] != NULL; i++) {
		const struct verb *v = verbs[i];
		int words = v->noun != NULL ? 2 : 1;
		if (argc < words || strcmp(argv[words - 1], v->name) != 0)
			continue;
		if (v->noun != NULL && strcmp(argv[0], v->noun) != 0)
			continue;
		*ret_words = words;
		return v;
	}
	return NULL;
}

const char *verb_title(const struct verb *verb)
{
	static char text[64];
	snprintf(text, sizeof(text), "%s%s%s", verb->noun != NULL ? verb->noun : "",
		verb->noun != NULL ? " " : "", verb->name);
	return text;
}

const char *verb_exit_text(enum cli_exit exit)
{
	switch (exit) {
#define X(name, status, text)                                                                      \
	case name:                                                                                 \
		return text;
		CLI_EXITS(X)
#undef X
	}
	return "";
}
