/* SPDX-License-Identifier: MIT */
/* The rules that a text declares: rule "name" { .. }. */
#ifndef MOONHOOK_RUNNER_CHECK_RULE_H
#define MOONHOOK_RUNNER_CHECK_RULE_H

#include "runner/check/scope.h"

struct check_pass;

#define CHECK_OBJECTS_MAX 4 /* of one rule, beyond that it is any */

struct check_rule { /* BORROWS from the tree */
	struct check_rule *next;
	struct check_node *call; /* rule "name" { .. } */
	struct check_node *name; /* STRING; NULL: it is computed */
	struct check_node *head; /* TABLE; NULL: it is no table that is written here */
	struct slice objects[CHECK_OBJECTS_MAX]; /* "person": of `on`; n 0: any, or none */
	size_t objects_n;
	bool timer, hook, clock; /* on = "timer", on = "hook:..", every or cron */
	bool whole;              /* all of `on` is written here */
};

/* A FUNCTION that is handed an event: run, when or key of a rule. */
struct check_handler {
	struct check_handler *next;
	const struct check_node *function;
	const struct check_rule *rule;
	bool shared; /* by several rules */
	bool run;    /* else when or key, which can make no calls */
};

/* In the order of the text, the last first. */
struct check_rules {
	struct check_rule *first;
	struct check_handler *handlers;
};

void check_rules_find(
	const struct check_tree *tree, struct check_arena *arena, struct check_rules *ret_rules);
/* The handler whose first parameter this is; NULL: none's. */
const struct check_handler *check_handler_of(
	const struct check_rules *rules, const struct check_symbol *symbol);
/* The function that a value is: written there, or a local function. NULL: nobody knows. */
struct check_node *check_function_of(struct check_node *value);

#endif
