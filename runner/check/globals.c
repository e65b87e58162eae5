/* SPDX-License-Identifier: MIT */
/*
 * Names that are no locals: are they there?
 * From: check.c. To: interface.c, which knows what is. A name that the file itself makes a global
 * is known in all of it; making one is allowed, and told as what it is: seldom meant. A name that
 * is not there reads as nil, and calling or indexing that ends the run.
 */
#include <stdio.h>

#include "runner/check/interface.h"
#include "runner/check/pass.h"

#define WORDS_MAX 1000
#define MADE_MAX 200
#define PATH_BYTES 120
#define PARTS_MAX 4

struct looker {
	const struct check_pass *pass;
	struct slice made[MADE_MAX]; /* globals, and members of them, that the file makes */
	size_t made_n;
};

/* "kv.shared.get" of such a node; n 0: it is no path that begins with a global. */
static struct slice path_of(const struct check_node *n, char *out)
{
	if (n->kind == NODE_NAME && n->symbol == NULL)
		return n->text.n < PATH_BYTES ? n->text : (struct slice){0};
	if (n->kind != NODE_INDEX || !n->flag || n->depth > PARTS_MAX)
		return (struct slice){0};
	struct slice before = path_of(n->a, out);
	if (before.n == 0 || before.n + 1 + n->b->text.n >= PATH_BYTES)
		return (struct slice){0};
	if (before.p != out)
		memcpy(out, before.p, before.n);
	out[before.n] = '.';
	memcpy(out + before.n + 1, n->b->text.p, n->b->text.n);
	return (struct slice){out, before.n + 1 + n->b->text.n};
}

static bool is_made(const struct looker *l, struct slice path)
{
	for (size_t i = 0; i < l->made_n; i++)
		if (slice_equal(l->made[i], path))
			return true;
	return l->made_n == MADE_MAX; /* more than are remembered: nothing is sure */
}

/* --- what the file makes ---------------------------------------------------------------------- */

static void make(struct looker *l, struct check_node *target)
{
	char out[PATH_BYTES];
	struct slice path = path_of(target, out);
	if (path.n == 0 || is_made(l, path))
		return;
	char *copy = check_arena_copy(l->pass->arena, path.p, path.n);
	if (copy != NULL)
		l->made[l->made_n++] = (struct slice){copy, path.n};
	if (target->kind != NODE_NAME || interface_find(path) != NULL)
		return;
	struct check_finding *f = check_say(l->pass, CHECK_ASSIGN, target,
		"this makes a global of '%.*s'", CHECK_WORD(target->text));
	check_suggest(f, "write local %.*s", CHECK_WORD(target->text));
}

static void find_made(void *ctx, struct check_node *n)
{
	if (n->kind == NODE_ASSIGN)
		for (struct check_node *target = n->a; target != NULL; target = target->next)
			make(ctx, target);
	if (n->kind == NODE_FUNCTION_NAMED)
		make(ctx, n->a);
	check_node_each(n, find_made, ctx);
}

/* --- what it reads ---------------------------------------------------------------------------- */

static size_t put_locals(const struct looker *l, const char **words, size_t n, size_t max)
{
	for (const struct check_symbol *s = l->pass->text->scope.symbols; s != NULL && n < max;
		s = s->next) {
		const char *copy = check_arena_copy(l->pass->arena, s->name.p, s->name.n);
		if (copy != NULL)
			words[n++] = copy;
	}
	return n;
}

static void unknown_global(const struct looker *l, const struct check_node *n)
{
	const char *words[WORDS_MAX + 1];
	const char *instead = interface_absent(n->text);
	struct check_finding *f =
		check_say(l->pass, CHECK_GLOBAL, n, "there is no '%.*s'", CHECK_WORD(n->text));
	if (f == NULL)
		return; /* enough is told */
	if (instead != NULL) {
		check_suggest(f, "%s", instead);
		return;
	}
	if (slice_equal(n->text, slice_of("event"))) {
		check_suggest(f,
			"it is the parameter of run, when and key: function(event) .. end; "
			"hand it to functions that need it");
		return;
	}
	size_t count = interface_members("", words, WORDS_MAX);
	count = put_locals(l, words, count, WORDS_MAX);
	words[count] = NULL;
	check_suggest_nearest(f, n->text, words);
	if (check_nearest(n->text, words) != NULL)
		return;
	words[interface_absents(words, WORDS_MAX)] = NULL;
	const char *near = check_nearest(n->text, words);
	if (near != NULL)
		check_suggest(f, "%s", interface_absent(slice_of(near)));
}

/* A member of one of our tables. */
static void look_at_member(const struct looker *l, const struct check_node *n)
{
	char out[PATH_BYTES];
	const char *words[WORDS_MAX + 1];
	struct slice table = path_of(n->a, out), path;
	const struct interface_name *known = table.n > 0 ? interface_find(table) : NULL;
	if (known == NULL || known->type == INTERFACE_OBJECTS ||
		slice_equal(table, slice_of("_G")) || is_made(l, table))
		return;
	path = path_of(n, out);
	if (path.n == 0 || interface_find(path) != NULL || is_made(l, path))
		return;
	const char *instead = interface_absent(path);
	if (known->type != INTERFACE_TABLE) {
		check_say_at(l->pass, CHECK_MEMBER, n->b->at, n->end,
			"%s is a %s, it has no members", known->path,
			known->type == INTERFACE_FUNCTION ? "function" : "value");
		return;
	}
	struct check_finding *f = check_say_at(l->pass, CHECK_MEMBER, n->b->at, n->end,
		"%s has no '%.*s'", known->path, CHECK_WORD(n->b->text));
	if (instead != NULL) {
		check_suggest(f, "%s", instead);
		return;
	}
	words[interface_members(known->path, words, WORDS_MAX)] = NULL;
	check_suggest_nearest(f, n->b->text, words);
}

/* log:info(..) */
static void look_at_colon(const struct looker *l, const struct check_node *n)
{
	char out[PATH_BYTES], whole[2 * PATH_BYTES];
	struct slice table = path_of(n->a, out);
	const struct interface_name *known = table.n > 0 ? interface_find(table) : NULL;
	if (known == NULL || known->type != INTERFACE_TABLE || is_made(l, table) ||
		slice_equal(table, slice_of("_G")))
		return;
	int size = snprintf(whole, sizeof(whole), "%s.%.*s", known->path, CHECK_WORD(n->text));
	struct slice path = {whole, (size_t)size};
	if (is_made(l, path))
		return;
	if (interface_find(path) != NULL) {
		struct check_finding *f = check_say_at(l->pass, CHECK_COLON, n->mark - 1,
			n->mark + (uint32_t)n->text.n, "%s is called with a dot", whole);
		check_suggest(f, "write %s(..)", whole);
		return;
	}
	const char *words[WORDS_MAX + 1];
	words[interface_members(known->path, words, WORDS_MAX)] = NULL;
	struct check_finding *f =
		check_say_at(l->pass, CHECK_MEMBER, n->mark, n->mark + (uint32_t)n->text.n,
			"%s has no '%.*s'", known->path, CHECK_WORD(n->text));
	check_suggest_nearest(f, n->text, words);
}

/* os.time: told by the whole of it. */
static bool look_at_absent(const struct looker *l, const struct check_node *n)
{
	char out[PATH_BYTES];
	struct slice path = path_of(n, out);
	const char *instead = path.n > 0 ? interface_absent(path) : NULL;
	if (instead == NULL || n->a->kind != NODE_NAME || interface_find(n->a->text) != NULL ||
		is_made(l, n->a->text))
		return false;
	struct check_finding *f =
		check_say(l->pass, CHECK_GLOBAL, n, "there is no '%.*s'", CHECK_WORD(path));
	check_suggest(f, "%s", instead);
	return true;
}

static void look(void *ctx, struct check_node *n)
{
	const struct looker *l = ctx;
	if (n->kind == NODE_NAME && n->symbol == NULL && interface_find(n->text) == NULL &&
		!is_made(l, n->text))
		unknown_global(l, n);
	if (n->kind == NODE_INDEX && n->flag) {
		if (look_at_absent(l, n))
			return;
		look_at_member(l, n);
	}
	if (n->kind == NODE_METHOD)
		look_at_colon(l, n);
	check_node_each(n, look, ctx);
}

void check_globals(const struct check_pass *pass)
{
	struct looker l = {.pass = pass, .made = {{"_ENV", 4}}, .made_n = 1};
	for (const struct check_symbol *s = pass->text->scope.symbols; s != NULL; s = s->next)
		if (slice_equal(s->name, slice_of("_ENV")))
			return; /* its globals are its own affair */
	const char *const *words = interface_test_names();
	for (; pass->text->role == CHECK_TEST_FILE && *words != NULL; words++)
		l.made[l.made_n++] = slice_of(*words);
	find_made(&l, pass->text->tree.block);
	look(&l, pass->text->tree.block);
}
