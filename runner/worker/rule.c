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

#include "runner/worker/binding.h"
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

void worker_rule_file_unref(struct worker_rule_file *file)
{
	if (file == NULL || --file->refs != 0)
		return;
	for (size_t i = 0; i < file->modules_n; i++)
		buf_done(&file->modules[i].code);
	free(file->modules);
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
		worker_rule_file_unref(file);
	}
}

static bool is_named(const struct worker_rule_file *file, struct slice hash)
{
	size_t n = strlen(file->hash);
	return hash.n == n + 2 && memcmp(hash.p + 1, file->hash, n) == 0;
}

struct worker_rule_file *worker_rules_find(const struct worker_rules *rules, struct slice hash)
{
	struct worker_rule_file *file = rules->first;
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
	worker_rule_file_unref(gone);
}

struct loading { /* what the protected part needs */
	struct worker_rule_file *file;
	struct slice source, modules; /* modules: JSON, a list of {"file","source"} */
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

/* Compiles a file called name in messages into code. */
static void compile_one(lua_State *L, const char *name, struct slice source, struct buf *code)
{
	char chunk[NAME_N + 2];
	source = skip_preface(source);
	snprintf(chunk, sizeof(chunk), "=%s", name);
	if (luaL_loadbufferx(L, source.p != NULL ? source.p : "", source.n, chunk, "t") != LUA_OK)
		lua_error(L);
	enum rc rc = kit_dump(L, KIT_LINES_KEPT, code);
	if (rc != RC_OK)
		luaL_error(L, "%s:1: %s", name, rc_text(rc));
	lua_pop(L, 1);
}

/* "lib/owners.lua" is the module owners. */
static void name_module(const char *file, struct worker_module *module)
{
	const char *slash = strrchr(file, '/');
	snprintf(module->name, sizeof(module->name), "%s", slash != NULL ? slash + 1 : file);
	char *dot = strrchr(module->name, '.');
	if (dot != NULL)
		*dot = '\0';
}

static void compile_modules(lua_State *L, struct loading *loading)
{
	struct worker_rule_file *file = loading->file;
	size_t n = 0;
	if (loading->modules.n == 0)
		return;
	json_decode(L, loading->modules, JSON_PLAIN, "the modules");
	luaL_checktype(L, -1, LUA_TTABLE);
	int list = lua_gettop(L);
	size_t most = lua_rawlen(L, list);
	file->modules = calloc(most + 1, sizeof(*file->modules));
	if (file->modules == NULL)
		luaL_error(L, "no memory for modules");
	for (; n < most; n++) {
		struct worker_module *module = &file->modules[n];
		struct slice source;
		buf_init(&module->code, CODE_MAX);
		file->modules_n = n + 1;
		lua_rawgeti(L, list, (lua_Integer)n + 1);
		luaL_checktype(L, -1, LUA_TTABLE);
		lua_getfield(L, -1, "file");
		const char *name = luaL_checkstring(L, -1);
		lua_getfield(L, -2, "source");
		source.p = luaL_checklstring(L, -1, &source.n);
		name_module(name, module);
		compile_one(L, name, source, &module->code);
		lua_settop(L, list);
	}
}

static int compile(lua_State *L)
{
	struct loading *loading = lua_touserdata(L, 1);
	compile_one(L, loading->file->file, loading->source, &loading->file->code);
	compile_modules(L, loading);
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
	file->refs = 1;
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
	worker_rule_file_unref(file);
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
	static const char *const names[] = {"hash", "file", "source", "modules"};
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
		struct loading loading = {file, buf_slice(&source), values[3], &head};
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
		worker_rule_file_unref(file);
	buf_done(&source);
	buf_done(&head);
	buf_done(&why);
	return rc;
}
