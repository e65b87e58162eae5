/* SPDX-License-Identifier: MIT */
/*
 * Hints for globals that are not there.
 * From: trace.c, the sentence of an error that nobody caught. To: people. A global that is not set
 * stays nil, as in any Lua; only the use of it as a function or a table, which is an error anyway,
 * is explained. Looks at the text alone, so nothing of the rule's can run; cannot fail.
 */
#include "runner/worker/hint.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/conf.h"
#include "runner/worker/binding.h"
#include "runner/worker/kit.h"

#define WORDS_MAX 64

static const char calling[] = "attempt to call a nil value (global '";
static const char indexing[] = "attempt to index a nil value (global '";

/* What Lua has and rules have not. */
static const struct {
	const char *name, *hint;
} absent[] = {
	{"print", "use log.info"},
	{"warn", "use log.warn"},
	{"os", "rules have no os; now() gives the time, ago and ahead others"},
	{"io", "rules have no io; they reach Twenty, and log"},
	{"require", "rules have no require; use \"name\" takes a module of lib"},
	{"package", "rules have no package; use \"name\" takes a module of lib"},
	{"dofile", "rules have no dofile; use \"name\" takes a module of lib"},
	{"loadfile", "rules have no loadfile; use \"name\" takes a module of lib"},
	{"load", "rules have no load; write the code itself"},
	{"loadstring", "rules have no loadstring; write the code itself"},
	{"debug", "rules have no debug; use log.info"},
	{"coroutine", "rules have no coroutine; a call suspends the rule by itself, parallel "
		      "makes several at once"},
	{"collectgarbage", "rules have no collectgarbage; memory is freed by itself"},
	{"unpack", "use table.unpack"},
};

/* Names of the rule language that this version does not have yet. */
static const char *const later[] = {"test"};

static const char *const libraries[] = {
	"http", "json", "kv", "log", "math", "string", "table", "text", "twenty", "utf8", NULL};

/* The names of all global functions; NULL behind them. */
static void list_functions(const char *words[static WORDS_MAX])
{
	static const struct {
		const char *library, *name;
	} stock[] = {
#define X(library, function, bounded) {#library, #function},
		KIT_STOCK(X)
#undef X
	};
	const luaL_Reg *const lists[] = {rule_functions, predicate_functions, outcome_functions,
		value_functions, time_functions, use_functions, timer_functions, parallel_functions,
		secret_functions, base_functions};
	size_t n = 0;
	for (size_t i = 0; i < ARRAY_N(lists); i++)
		for (const luaL_Reg *f = lists[i]; f->name != NULL && n + 1 < WORDS_MAX; f++)
			words[n++] = f->name;
	for (size_t i = 0; i < ARRAY_N(stock) && n + 1 < WORDS_MAX; i++)
		if (strcmp(stock[i].library, "_G") == 0)
			words[n++] = stock[i].name;
	words[n] = NULL;
}

static void hint_of(const char *name, bool called, char *ret_hint, size_t size)
{
	const char *words[WORDS_MAX];
	ret_hint[0] = '\0';
	for (size_t i = 0; i < ARRAY_N(absent); i++)
		if (strcmp(absent[i].name, name) == 0)
			snprintf(ret_hint, size, ": %s", absent[i].hint);
	for (size_t i = 0; i < ARRAY_N(later); i++)
		if (strcmp(later[i], name) == 0)
			snprintf(ret_hint, size, ": %s is not there in this version", name);
	if (ret_hint[0] != '\0')
		return;
	list_functions(words);
	const char *near = conf_nearest(name, called ? words : libraries);
	if (near != NULL)
		snprintf(ret_hint, size, ": did you mean `%s`?", near);
}

void hint_put(char *text, size_t size)
{
	char name[32], hint[120];
	const char *at = strstr(text, calling);
	bool called = at != NULL;
	if (!called)
		at = strstr(text, indexing);
	if (at == NULL)
		return;
	at += called ? sizeof(calling) - 1 : sizeof(indexing) - 1;
	size_t n = strcspn(at, "'");
	if (strcmp(at + n, "')") != 0 || n >= sizeof(name)) /* not the end of Lua's sentence */
		return;
	memcpy(name, at, n);
	name[n] = '\0';
	hint_of(name, called, hint, sizeof(hint));
	size_t end = strlen(text);
	if (end + strlen(hint) < size)
		snprintf(text + end, size - end, "%s", hint);
}
