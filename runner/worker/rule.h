/* SPDX-License-Identifier: MIT */
/*
 * The rule files that this worker knows, by the hash of their source: compiled once, kept as
 * bytecode that nobody but this worker has written.
 */
#ifndef MOONHOOK_RUNNER_WORKER_RULE_H
#define MOONHOOK_RUNNER_WORKER_RULE_H

#include <lua.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "runner/worker/frame.h"

struct kit;
struct outbox;

struct worker_module {
	char name[64];   /* "owners" */
	struct buf code; /* bytecode; its name in messages is inside */
};

struct worker_rule_file {
	struct worker_rule_file *next;
	unsigned refs;     /* the list, and every state that was made of it */
	char *hash, *file; /* file: the name in messages */
	struct buf code;   /* bytecode */
	struct worker_module *modules;
	size_t modules_n;
};

struct worker_rules {
	struct worker_rule_file *first;
};

/* Answers LOAD with HEAD: the declarations, or what is wrong with the file; only a good one is
 * kept. RC_PARSE: the frame is broken; RC_NOMEM. */
enum rc worker_rules_load(struct worker_rules *rules, struct kit *kit, struct outbox *box,
	const struct frame *frame, struct err *err) must_check;
void worker_rules_drop(struct worker_rules *rules, const struct frame *frame);
/* hash: the JSON text of the member. NULL where it is not known. */
struct worker_rule_file *worker_rules_find(const struct worker_rules *rules, struct slice hash);
void worker_rules_done(struct worker_rules *rules);
/* Gives up what state->rules refers to. Accepts NULL. */
void worker_rule_file_unref(struct worker_rule_file *file);

/* --- for run.c and head.c, called protected -------------------------------------------------- */

/* Runs a file's chunk in L, which is furnished, so that its rules are declared. */
void rule_declare(lua_State *L, struct worker_rule_file *file);
/* Pushes the list of what `rule` declared: {name =, line =, head = {..}}. */
void rule_push_list(lua_State *L);
/* Pushes the head of the rule called name, nil where there is none. */
void rule_push_head(lua_State *L, struct slice name);

#endif
