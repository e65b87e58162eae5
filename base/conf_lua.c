/* SPDX-License-Identifier: MIT */
/*
 * Evaluates the configuration file: Lua with nothing but env, file and source, bounded in
 * instructions and memory. The outcome is a flat list of leaves with their lines.
 * From: conf.c. To: conf_check.c, which knows what may be set. Fails with "file:line: sentence".
 * Invariant: Lua errors cross only the functions of this file that run below lua_pcall, and none of
 * them holds C memory that is not owned by the evaluation. It judges no setting.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <lauxlib.h>
#include <lua.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf_set.h"
#include "base/file.h"

#define MEMORY_MAX (8u << 20) /* bytes the file may use while it runs */
#define STEP_N 10000          /* instructions between looks at the clock of steps */
#define STEPS_MAX 1000        /* 10 million instructions in all */
#define DEPTH_MAX 6           /* tables in tables */
#define CHUNK "conf"          /* stands for the path in Lua's messages, which cuts long ones */

struct evaluation { /* reached through the allocator's user data */
	struct conf_file *file;
	struct slice text;
	size_t used; /* bytes */
	int steps;
	struct err *err;
};

/* Registry tables of one evaluation. */
static const char settings_key[] = "settings"; /* global name -> value */
static const char lines_key[] = "lines";       /* global name or source.NAME -> line */
static const char sources_key[] = "sources";   /* name -> table */

static void *allocate(void *ud, void *p, size_t old, size_t n)
{
	struct evaluation *e = ud;
	if (p == NULL)
		old = 0;
	if (n == 0) {
		free(p);
		e->used -= old;
		return NULL;
	}
	if (n > old && e->used + (n - old) > MEMORY_MAX)
		return NULL;
	void *q = realloc(p, n);
	if (q != NULL)
		e->used += n - old;
	return q;
}

static struct evaluation *evaluation_of(lua_State *L)
{
	void *ud;
	lua_getallocf(L, &ud);
	return ud;
}

static void count_steps(lua_State *L, lua_Debug *ar)
{
	if (++evaluation_of(L)->steps <= STEPS_MAX)
		return;
	int line = lua_getinfo(L, "l", ar) != 0 ? ar->currentline : 0;
	lua_pushfstring(L,
		CHUNK ":%d: this runs for too long; a configuration is a list of settings, not a "
		      "program",
		line);
	lua_error(L);
}

static int line_of_caller(lua_State *L)
{
	lua_Debug ar;
	if (lua_getstack(L, 1, &ar) == 0 || lua_getinfo(L, "l", &ar) == 0)
		return 0;
	return ar.currentline;
}

/* [-0, +0] registry[table][name] = line of the Lua code that called us */
static void keep_line(lua_State *L, const char *name)
{
	lua_getfield(L, LUA_REGISTRYINDEX, lines_key); /* lines */
	lua_pushinteger(L, line_of_caller(L));         /* lines, line */
	lua_setfield(L, -2, name);                     /* lines */
	lua_pop(L, 1);
}

/* env "NAME": its value or nil. */
static int take_env(lua_State *L)
{
	const char *name = luaL_checkstring(L, 1);
	const char *value = conf_env_read(name);
	if (value != NULL && strlen(value) > CONF_VALUE_MAX)
		return luaL_error(L, "the environment variable %s is too long", name);
	lua_pushstring(L, value); /* nil for NULL */
	return 1;
}

/* The path of `name` as seen from the configuration file. */
static int push_beside(lua_State *L, const char *path, const char *name)
{
	const char *slash = strrchr(path, '/');
	if (name[0] == '/' || slash == NULL)
		lua_pushstring(L, name);
	else
		lua_pushfstring(
			L, "%s%s", lua_pushlstring(L, path, (size_t)(slash - path) + 1), name);
	return 1;
}

/* file "path": its text without the newlines at its end. */
static int take_file(lua_State *L)
{
	struct evaluation *e = evaluation_of(L);
	const char *name = luaL_checkstring(L, 1);
	push_beside(L, e->file->path, name); /* path */
	struct buf text;
	struct err err = {.msg = ""};
	buf_init(&text, CONF_VALUE_MAX);
	enum rc rc = file_read(AT_FDCWD, lua_tostring(L, -1), FILE_LINKS_FOLLOWED, &text, &err);
	if (rc != RC_OK) {
		buf_done(&text);
		if (e->file->partial)
			return 0;
		return luaL_error(L, "%s", err.msg);
	}
	while (text.n != 0 && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
		text.n--;
	/* The copy may raise for lack of memory: the bytes then stay behind until the process
	 * ends, so the room for them is made sure of first. */
	if (e->used + 2 * text.n + 4096 > MEMORY_MAX) {
		buf_done(&text);
		return luaL_error(L, "the files that are read are too large together");
	}
	lua_pushlstring(L, text.p != NULL ? text.p : "", text.n);
	buf_done(&text);
	return 1;
}

static bool source_name_valid(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_");
	return n != 0 && n <= 63 && name[n] == '\0';
}

/* The second half of source "name" {..}; upvalue: the name. */
static int take_source_table(lua_State *L)
{
	const char *name = lua_tostring(L, lua_upvalueindex(1));
	char key[80];
	if (!lua_istable(L, 1))
		return luaL_error(L, "source \"%s\" wants a table: source \"%s\" { scheme = .. }",
			name, name);
	lua_getfield(L, LUA_REGISTRYINDEX, sources_key); /* t, sources */
	if (lua_getfield(L, -1, name) != LUA_TNIL)       /* t, sources, old */
		return luaL_error(L, "source \"%s\" is there twice", name);
	lua_pushvalue(L, 1); /* t, sources, nil, t */
	lua_setfield(L, -3, name);
	snprintf(key, sizeof(key), "source.%s", name);
	keep_line(L, key);
	return 0;
}

static int take_source(lua_State *L)
{
	const char *name = luaL_checkstring(L, 1);
	if (!source_name_valid(name))
		return luaL_error(L,
			"the source's name \"%s\" should be made of a-z, 0-9, - and _ (it is part "
			"of "
			"its address)",
			name);
	lua_settop(L, 1);
	lua_pushcclosure(L, take_source_table, 1);
	return 1;
}

/* __newindex of the environment: a setting. Arguments: environment, key, value. */
static int take_setting(lua_State *L)
{
	if (lua_type(L, 2) != LUA_TSTRING)
		return luaL_error(L, "a setting has a name");
	keep_line(L, lua_tostring(L, 2));
	lua_getfield(L, LUA_REGISTRYINDEX, settings_key); /* .., settings */
	lua_replace(L, 1);                                /* settings, key, value */
	lua_rawset(L, 1);
	return 0;
}

/* __index of the environment: the three functions, then settings made before. */
static int find_name(lua_State *L)
{
	static const luaL_Reg known[] = {
		{"env", take_env}, {"file", take_file}, {"source", take_source}, {NULL, NULL}};
	const char *name = lua_tostring(L, 2);
	for (const luaL_Reg *k = known; name != NULL && k->name != NULL; k++) {
		if (strcmp(k->name, name) == 0) {
			lua_pushcfunction(L, k->func);
			return 1;
		}
	}
	lua_getfield(L, LUA_REGISTRYINDEX, lines_key); /* .., lines */
	lua_pushvalue(L, 2);                           /* .., lines, key */
	if (lua_rawget(L, -2) == LUA_TNIL)             /* .., lines, line */
		return luaL_error(L,
			"unknown name `%s`; here are env \"NAME\", file \"path\" and source "
			"\"name\" "
			"{..}, and texts want quotes",
			name != NULL ? name : "?");
	lua_getfield(L, LUA_REGISTRYINDEX, settings_key); /* .., settings */
	lua_pushvalue(L, 2);                              /* .., settings, key */
	lua_rawget(L, -2);
	return 1;
}

/* --- from Lua's tables to leaves ---------------------------------------------------------------
 */

static noreturn_ void refuse(lua_State *L, int line, const char *fmt, const char *key)
{
	char text[256];
	char sentence[200];
	snprintf(sentence, sizeof(sentence), "%s", key);
	lua_pushfstring(L, fmt, sentence);
	snprintf(text, sizeof(text), "%s", lua_tostring(L, -1));
	lua_pushfstring(L, CHUNK ":%d: %s", line, text);
	lua_error(L);
	abort(); /* lua_error does not return, its declaration does not say so */
}

static void add_raw(lua_State *L, const char *key, const char *text, enum conf_kind kind, int line)
{
	struct conf_file *f = evaluation_of(L)->file;
	if (f->raws_n == CONF_SETTINGS_MAX)
		refuse(L, line, "`%s` is one setting too many", key);
	if (f->raws_n == f->raws_cap) {
		size_t cap = f->raws_cap != 0 ? 2 * f->raws_cap : 64;
		struct conf_raw *p = realloc(f->raws, cap * sizeof(*p));
		if (p == NULL)
			luaL_error(L, "out of memory");
		f->raws = p;
		f->raws_cap = cap;
	}
	struct conf_raw raw = {
		.key = strdup(key), .text = strdup(text), .kind = kind, .line = line};
	if (raw.key == NULL || raw.text == NULL) {
		free(raw.key);
		free(raw.text);
		luaL_error(L, "out of memory");
	}
	f->raws[f->raws_n++] = raw;
}

/* The line to name for a key: where the text mentions it, else where its statement is. */
static int line_for(lua_State *L, const char *key, int statement_line)
{
	const struct conf_place *place = conf_file_place(evaluation_of(L)->file, key);
	return place != NULL ? place->line : statement_line;
}

static void flatten_table(lua_State *L, const char *key, int line, int depth);

/* The value on top of the stack is a leaf or a table; it stays there. */
static void flatten(lua_State *L, const char *key, int line, int depth)
{
	char text[48];
	size_t n;
	switch (lua_type(L, -1)) {
	case LUA_TTABLE:
		flatten_table(L, key, line, depth);
		return;
	case LUA_TBOOLEAN:
		add_raw(L, key, lua_toboolean(L, -1) != 0 ? "true" : "false", CONF_KIND_BOOL, line);
		return;
	case LUA_TNUMBER:
		if (lua_isinteger(L, -1) != 0)
			snprintf(text, sizeof(text), "%" PRId64, (int64_t)lua_tointeger(L, -1));
		else
			snprintf(text, sizeof(text), "%.14g", lua_tonumber(L, -1));
		add_raw(L, key, text, lua_isinteger(L, -1) != 0 ? CONF_KIND_INT : CONF_KIND_FLOAT,
			line);
		return;
	case LUA_TSTRING:
		n = lua_rawlen(L, -1);
		if (n > CONF_VALUE_MAX)
			refuse(L, line, "the text of `%s` is too long", key);
		if (strlen(lua_tostring(L, -1)) != n)
			refuse(L, line, "the text of `%s` has a NUL character inside", key);
		add_raw(L, key, lua_tostring(L, -1), CONF_KIND_TEXT, line);
		return;
	default:
		refuse(L, line, "`%s` should be a text, number, boolean or table", key);
	}
}

/* Appends the key on the stack at index to `key`; list places count from 1 without holes. */
static void name_element(
	lua_State *L, const char *key, int line, lua_Integer place, char out[static CONF_KEY_N])
{
	int n;
	if (lua_type(L, -2) == LUA_TSTRING) {
		const char *name = lua_tostring(L, -2);
		if (name[0] == '\0' || strchr(name, '.') != NULL ||
			strlen(name) != lua_rawlen(L, -2))
			refuse(L, line, "`%s` has a key that is empty or has a dot in it", key);
		n = snprintf(out, CONF_KEY_N, "%s.%s", key, name);
	} else {
		n = snprintf(out, CONF_KEY_N, "%s.%d", key, (int)place);
	}
	if (n < 0 || n >= CONF_KEY_N)
		refuse(L, line, "`%s` has a key that is too long", key);
}

/* The table on top: its list part in order, then what has names. */
static void flatten_table(lua_State *L, const char *key, int line, int depth)
{
	char below[CONF_KEY_N];
	lua_Integer place = 0, last = 0;
	luaL_checkstack(L, 8, NULL);
	if (depth >= DEPTH_MAX)
		refuse(L, line, "`%s` has tables in tables in tables", key);
	for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) /* t, k, v */
		if (lua_isinteger(L, -2) != 0 && lua_tointeger(L, -2) > last)
			last = lua_tointeger(L, -2);
	if (last > CONF_SETTINGS_MAX)
		refuse(L, line, "the list `%s` is too long", key);
	for (lua_Integer i = 1; i <= last; i++) {
		lua_pushinteger(L, i);                   /* t, i */
		if (lua_rawgeti(L, -2, i) != LUA_TNIL) { /* t, i, v */
			name_element(L, key, line, ++place, below);
			flatten(L, below, line, depth + 1);
		}
		lua_pop(L, 2);
	}
	size_t named = 0;
	for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) { /* t, k, v */
		if (lua_isinteger(L, -2) != 0 && lua_tointeger(L, -2) > 0)
			continue;
		if (lua_type(L, -2) != LUA_TSTRING)
			refuse(L, line, "`%s` has a key that is no name", key);
		name_element(L, key, line, 0, below);
		flatten(L, below, line_for(L, below, line), depth + 1);
		named++;
	}
	if (place == 0 && named == 0)
		add_raw(L, key, "", CONF_KIND_EMPTY, line);
}

static int statement_line(lua_State *L, const char *key)
{
	lua_getfield(L, LUA_REGISTRYINDEX, lines_key); /* lines */
	lua_getfield(L, -1, key);                      /* lines, line */
	int line = (int)lua_tointeger(L, -1);
	lua_pop(L, 2);
	return line_for(L, key, line);
}

/* Flattens a registry table of settings, each under prefix. */
static void flatten_all(lua_State *L, const char *registry_key, const char *prefix)
{
	lua_getfield(L, LUA_REGISTRYINDEX, registry_key);           /* all */
	for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) { /* all, name, value */
		const char *name = lua_tostring(L, -2);
		char key[CONF_KEY_N];
		int n = snprintf(key, sizeof(key), "%s%s", prefix, name);
		if (n < 0 || n >= (int)sizeof(key) || strchr(name, '.') != NULL)
			luaL_error(L, "a setting's name is too long");
		flatten(L, key, statement_line(L, key), 0);
	}
	lua_pop(L, 1);
}

static void new_registry_table(lua_State *L, const char *key)
{
	lua_newtable(L);
	lua_setfield(L, LUA_REGISTRYINDEX, key);
}

/* Everything that can raise, in one protected call. */
static int evaluate(lua_State *L)
{
	struct evaluation *e = evaluation_of(L);
	new_registry_table(L, settings_key);
	new_registry_table(L, lines_key);
	new_registry_table(L, sources_key);
	if (luaL_loadbufferx(L, e->text.p, e->text.n, "=" CHUNK, "t") != LUA_OK) /* f */
		return lua_error(L);
	lua_newtable(L); /* f, env */
	lua_newtable(L); /* f, env, meta */
	lua_pushcfunction(L, take_setting);
	lua_setfield(L, -2, "__newindex");
	lua_pushcfunction(L, find_name);
	lua_setfield(L, -2, "__index");
	lua_setmetatable(L, -2);  /* f, env */
	lua_setupvalue(L, -2, 1); /* f */
	lua_sethook(L, count_steps, LUA_MASKCOUNT, STEP_N);
	lua_call(L, 0, 0);
	lua_sethook(L, NULL, 0, 0);
	flatten_all(L, settings_key, "");
	flatten_all(L, sources_key, "source.");
	return 0;
}

/* Puts the path where Lua says CHUNK. */
static enum rc fail(const struct conf_file *file, lua_State *L, int status, struct err *err)
{
	const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "failed";
	size_t n = strlen(CHUNK);
	if (status == LUA_ERRMEM)
		return err_set(err, RC_INVALID,
			"%s: this needs too much memory; a configuration is a list of settings, "
			"not a "
			"program",
			file->path);
	if (strncmp(text, CHUNK ":", n + 1) == 0)
		return err_set(err, RC_INVALID, "%s%s", file->path, text + n);
	return err_set(err, RC_INVALID, "%s: %s", file->path, text);
}

static int raw_compare(const void *a, const void *b)
{
	const struct conf_raw *x = a, *y = b;
	return x->line != y->line ? (x->line > y->line) - (x->line < y->line)
				  : strcmp(x->key, y->key);
}

enum rc conf_file_run(struct conf_file *file, struct slice text, struct err *err)
{
	struct evaluation e = {.file = file, .text = text, .err = err};
	enum rc rc = conf_file_scan(file, text);
	lua_State *L = rc == RC_OK ? lua_newstate(allocate, &e) : NULL;
	if (L == NULL)
		return err_set(err, RC_NOMEM, "no memory to read %s", file->path);
	lua_pushcfunction(L, evaluate);
	int status = lua_pcall(L, 0, 0, 0);
	if (status != LUA_OK)
		rc = fail(file, L, status, err);
	else if (file->raws_n != 0)
		qsort(file->raws, file->raws_n, sizeof(*file->raws), raw_compare);
	lua_close(L);
	return rc;
}

void conf_file_done(struct conf_file *file)
{
	for (size_t i = 0; i < file->raws_n; i++) {
		if (file->raws[i].text != NULL)
			explicit_bzero(file->raws[i].text, strlen(file->raws[i].text));
		free(file->raws[i].key);
		free(file->raws[i].text);
	}
	free(file->raws);
	free(file->places);
	*file = (struct conf_file){.path = file->path};
}
