/* SPDX-License-Identifier: MIT */
/*
 * The table of subcommands. Dispatch, help, completion and the manual page are made from it; each
 * verb lives in the file it is named after.
 */
#ifndef MOONHOOK_CLI_VERB_H
#define MOONHOOK_CLI_VERB_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/exit.h"

struct args;

struct verb_flag {         /* STATIC */
	const char *name;  /* without its dashes: "limit" */
	const char *value; /* what follows: "N"; NULL: nothing does */
	const char *help;
};

struct verb {                          /* STATIC */
	const char *noun;              /* "events", or NULL for the daily ones */
	const char *name;              /* "list" */
	const char *operands;          /* "[FILTER..]" or "" */
	const char *summary;           /* one line */
	const char *text;              /* a paragraph, lines of at most 80 columns; may be NULL */
	const char *examples[4];       /* three, NULL-terminated; the word moonhook included */
	const struct verb_flag *flags; /* its own; the common ones are in verb.c */
	size_t flags_n;
	bool hidden;                         /* not in help */
	bool reports;                        /* -o tap and -o junit, too */
	bool takes_anything;                 /* operands and flags are the verb's own business */
	enum cli_exit exits[8];              /* that it may end with, CLI_OK last */
	int (*run)(const struct args *args); /* answers the exit status */
};

extern const struct verb *const verbs[];           /* NULL-terminated */
extern const struct verb_flag verb_common_flags[]; /* NULL name at the end */

/* The verb that the first words of argv name; *ret_words: how many they are. NULL: none. */
const struct verb *verb_find(int argc, char *const *argv, int *ret_words);
/* "events list" or "serve"; STATIC, good until the next call. */
const char *verb_title(const struct verb *verb);
const char *verb_exit_text(enum cli_exit exit);

extern const struct verb verb_serve, verb_room, verb_doctor, verb_events_list, verb_events_show,
	verb_runs_list, verb_runs_show, verb_status, verb_tail, verb_reload, verb_reconcile,
	verb_trigger, verb_why, verb_config_print, verb_config_sample, verb_webhook_add,
	verb_webhook_list, verb_webhook_remove, verb_version, verb_help, verb_completion, verb_man;
extern const struct verb verb_pause, verb_resume, verb_backup, verb_erase, verb_events_retry,
	verb_events_purge, verb_runs_retry, verb_runs_purge, verb_rules_list, verb_rules_pause,
	verb_rules_resume, verb_issues_list, verb_issues_ack, verb_audit_list, verb_check,
	verb_schema, verb_types, verb_init, verb_test, verb_timers_list, verb_timers_cancel,
	verb_store_copy, verb_store_check, verb_store_release;

#endif
