/* SPDX-License-Identifier: MIT */
/*
 * Rule files by their hash: compiled, their heads told, their bytecode kept.
 * From: worker.c (LOAD, DROP). To: run.c, which makes a state of a file for each run. A file that
 * cannot be compiled, or whose declarations are wrong, is answered with the reason and not kept.
 * The file's own code runs once here, under its own limits.
 */
#include "runner/worker/rule.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "runner/worker/head.h"
#include "runner/worker/json_text.h"
#include "runner/worker/kit.h"
#include "runner/worker/limit.h"
#include "runner/worker/outbox.h"
#include "runner/worker/state.h"
#include "runner/worker/trace.h"

#define CODE_MAX (64u << 20)
#define HEAD_MAX (1u << 20)
#define LOAD_BUDGET (64u << 20) /* bytes of memory to compile and declare */
#define LOAD_CPU_US 500000
#define NAME_N 200 /* bytes of a hash or a file's name */

static void file_free(struct worker_rule_file *file)
{
	if (file == NULL)
		return;
	free(file->hash);
	free(file->file);
	buf_done(&file->code);
	free(file);
}

void worker_rules_done(struct worker_rules *rules)
{
	while (rules->first != NULL) {
		struct worker_rule_file *file = rules->first;
		rules->first = file->next;
		file_free(file);
	}
}

static bool is_named(const struct worker_rule_file *file, struct slice hash)
{
	size_t n = strlen(file->hash);
	return hash.n == n + 2 && memcmp(hash.p + 1, file->hash, n) == 0;
}

const struct worker_rule_file *worker_rules_find(
	const struct worker_rules *rules, struct slice hash)
{
	const struct worker_rule_file *file = rules->first;
	while (file != NULL && !is_named(file, hash))
		file = file->next;
	return file;
}

void worker_rules_drop(struct worker_rules *rules, const struct frame *frame)
{
	static const char *const names[] = {"hash"};
	struct slice hash;
	if (!json_text_members(frame->payload, names, &hash, 1))
		return;
	struct worker_rule_file **at = &rules->first;
	while (*at != NULL && !is_named(*at, hash))
		at = &(*at)->next;
	if (*at == NULL)
		return;
	struct worker_rule_file *gone = *at;
	*at = gone->next;
	file_free(gone);
}

struct loading { /* what the protected part needs */
	struct worker_rule_file *file;
	struct slice source;
	struct buf *head;
};

/* A byte order mark and a first line for the shell are no Lua. */
static struct slice skip_preface(struct slice source)
{
	if (source.n >= 3 && memcmp(source.p, "\xef\xbb\xbf", 3) == 0)
		source = (struct slice){source.p + 3, source.n - 3};
	if (source.n > 0 && source.p[0] == '#') {
		const char *end = memchr(source.p, '\n', source.n);
		size_t n = end != NULL ? (size_t)(end - source.p) : source.n;
		source = (struct slice){source.p + n, source.n - n};
	}
	return source;
}

static int compile(lua_State *L)
{
	struct loading *loading = lua_touserdata(L, 1);
	struct slice source = skip_preface(loading->source);
	char name[NAME_N + 2];
	snprintf(name, sizeof(name), "=%s", loading->file->file);
	if (luaL_loadbufferx(L, source.p != NULL ? source.p : "", source.n, name, "t") != LUA_OK)
		return lua_error(L);
	enum rc rc = kit_dump(L, KIT_LINES_KEPT, &loading->file->code);
	if (rc != RC_OK)
		return luaL_error(L, "%s:1: %s", loading->file->file, rc_text(rc));
	lua_settop(L, 1);
	kit_furnish(L);
	rule_declare(L, loading->file);
	rule_head_put(L, loading->file->file, loading->head);
	return 0;
}

/* Compiles and declares; the reason for a failure goes to ret_why as an error object. */
static enum rc read_head(
	struct loading *loading, struct kit *kit, struct buf *ret_why, struct err *err)
{
	struct state state;
	enum rc rc = state_open(&state, kit, STATE_HEAD, LOAD_BUDGET, err);
	if (rc != RC_OK)
		return rc;
	state_place(&state, loading->file->file, 1);
	lua_pushcfunction(state.L, trace_note);
	lua_pushcfunction(state.L, compile);
	lua_pushlightuserdata(state.L, loading);
	limit_enter(state.L, LOAD_CPU_US);
	int status = lua_pcall(state.L, 1, 0, 1);
	limit_leave();
	if (status != LUA_OK)
		rc = trace_put(ret_why, state.L, status,
			"reading the file took more than 500 ms of processor time");
	state_close(&state);
	return rc;
}

static struct worker_rule_file *file_new(struct slice hash, struct slice name, struct err *err)
{
	struct worker_rule_file *file = calloc(1, sizeof(*file));
	struct buf text;
	buf_init(&text, NAME_N);
	if (file == NULL) {
		err_set(err, RC_NOMEM, "no memory for a rule file");
		return NULL;
	}
	buf_init(&file->code, CODE_MAX);
	enum rc rc = json_text_copy(hash, &text);
	if (rc == RC_OK) {
		file->hash = strdup(text.p != NULL ? text.p : "");
		buf_clear(&text);
		rc = json_text_copy(name, &text);
	}
	if (rc == RC_OK)
		file->file = strdup(text.p != NULL ? text.p : "");
	buf_done(&text);
	if (rc == RC_OK && (file->hash == NULL || file->file == NULL))
		rc = RC_NOMEM;
	if (rc == RC_OK)
		return file;
	err_set(err, rc, "a LOAD names no hash or no file");
	file_free(file);
	return NULL;
}

/* HEAD for a file that is wrong: its sentence and its line, taken from the error object. */
static enum rc put_wrong(struct buf *out, const char *hash, const struct buf *why)
{
	static const char *const names[] = {"message", "line"};
	struct slice values[ARRAY_N(names)];
	if (!json_text_members(buf_slice(why), names, values, ARRAY_N(names)))
		return RC_PARSE;
	enum rc rc = buf_printf(out, "{\"hash\":\"%s\",\"error\":", hash);
	if (rc == RC_OK)
		rc = buf_put(out, values[0].p, values[0].n);
	if (rc == RC_OK)
		rc = buf_printf(out, ",\"line\":%" PRId64 "}", json_text_int(values[1], 0));
	return rc;
}

static enum rc put_answer(
	struct outbox *box, const char *hash, const struct buf *head, const struct buf *why)
{
	buf_clear(&box->text);
	if (why->n > 0)
		return put_wrong(&box->text, hash, why);
	enum rc rc = buf_printf(&box->text, "{\"hash\":\"%s\",\"rules\":", hash);
	if (rc == RC_OK)
		rc = buf_put(&box->text, head->p, head->n);
	return rc == RC_OK ? buf_put(&box->text, "}", 1) : rc;
}

/* Keeps a file in place of an older one of the same hash. */
static void keep(struct worker_rules *rules, struct worker_rule_file *file, const struct frame *f)
{
	worker_rules_drop(rules, f);
	file->next = rules->first;
	rules->first = file;
}

enum rc worker_rules_load(struct worker_rules *rules, struct kit *kit, struct outbox *box,
	const struct frame *frame, struct err *err)
{
	static const char *const names[] = {"hash", "file", "source"};
	struct slice values[ARRAY_N(names)];
	struct buf source, head, why;
	buf_init(&source, FRAME_MAX);
	buf_init(&head, HEAD_MAX);
	buf_init(&why, HEAD_MAX);
	if (!json_text_members(frame->payload, names, values, ARRAY_N(names)))
		return err_set(err, RC_PARSE, "a LOAD is no object");
	struct worker_rule_file *file = file_new(values[0], values[1], err);
	enum rc rc = file != NULL ? json_text_copy(values[2], &source) : err->code;
	if (rc == RC_OK) {
		struct loading loading = {file, buf_slice(&source), &head};
		rc = read_head(&loading, kit, &why, err);
	} else if (file != NULL) {
		err_set(err, rc, "a LOAD brings no source");
	}
	if (rc == RC_OK)
		rc = put_answer(box, file->hash, &head, &why);
	if (rc == RC_OK)
		rc = outbox_put(box, FRAME_HEAD_OF_FILE, frame->run, frame->generation);
	if (rc == RC_OK && why.n == 0)
		keep(rules, file, frame);
	else
		file_free(file);
	buf_done(&source);
	buf_done(&head);
	buf_done(&why);
	return rc;
}
