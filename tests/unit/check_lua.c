/* SPDX-License-Identifier: MIT */
/* Our parser takes what Lua's takes and refuses what Lua's refuses. The one test that sees Lua. */
#include <criterion/criterion.h>
#include <criterion/logging.h>
#include <dirent.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <lua.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "runner/check/parser.h"
#include "runner/check/scope.h"

#define MUTANTS 1500 /* of all files together */

static bool lua_takes(struct slice text)
{
	lua_State *L = luaL_newstate();
	bool takes = luaL_loadbufferx(L, text.p, text.n, "=x", "t") == LUA_OK;
	lua_close(L);
	return takes;
}

static bool we_take(struct slice text, struct check_findings *findings)
{
	struct check_arena arena;
	struct check_source source;
	struct check_tree tree = {.block = NULL};
	struct check_scope scope;
	check_arena_init(&arena, 256u << 20);
	cr_assert(check_source_init(&source, "x", text, &arena));
	source.begin = 0;
	check_parse(&source, &arena, findings, &tree);
	bool good = tree.block != NULL &&
		    (tree.deep || check_scope_find(&tree, &arena, findings, &scope));
	cr_assert(!arena.poor);
	cr_assert_eq(
		good, findings->n == 0, "a text that is refused has a finding, another has none");
	check_arena_done(&arena);
	return good;
}

static void compare(struct slice text)
{
	struct check_findings findings = {0};
	bool theirs = lua_takes(text), ours = we_take(text, &findings);
	cr_assert_eq(ours, theirs, "Lua %s this, we do not (%s):\n%.*s",
		theirs ? "takes" : "refuses", findings.n > 0 ? findings.p[0].text : "", (int)text.n,
		text.p);
	check_findings_done(&findings);
}

/* Each corner of the grammar, right and wrong. */
static const char *const corners[] = {"", ";", ";;;", "return", "return;", "return 1,2;",
	"return;;", "return return", "local x", "local x =", "local x <const> = 1",
	"local x <const> = 1; x = 2", "local x <close> = nil", "local x <cool> = 1",
	"local a <close>, b <close> = nil, nil",
	"local x <const> = 1; local function f() x = 2 end", "local function f() end",
	"local function f.a() end", "function f.a.b:c() return self end", "function f:a.b() end",
	"function f[1]() end", "a.b = 1", "a.b", "a.b()", "(a).b = 1", "(a) = 1", "a() = 1",
	"a:b = 1", "a:b()", "a:b{}", "a:b''", "a:b[[x]]", "a 'x' {} 'y'", "a, b = 1", "a, b() = 1",
	"a, = 1", "a = b = c", "a == b", "1 = 2", "x = 1 1", "x = 'a' 'b'", "x = ('a'):b()",
	"x = 'a':b()", "f\n(1)", "do end", "do", "end", "while x do end", "while x do break end",
	"break", "while x do local function f() break end end", "repeat local x until x",
	"repeat until", "if x then end", "if x then else end", "if x then elseif y then else end",
	"if x then else elseif y then end", "if x end", "if x = 1 then end", "for i = 1 do end",
	"for i = 1, 2 do end", "for i = 1, 2, 3 do end", "for i = 1, 2, 3, 4 do end",
	"for i, j = 1, 2 do end", "for i, j in x do end", "for i in x, y, z, u do end",
	"for i. in x do end", "goto a", "::a:: goto a", "goto a; ::a::", "goto a; local x; ::a::",
	"goto a; local x; ::a:: ; ::b::", "goto a; local x; ::a:: print(x)",
	"::a:: ::a::", "do ::a:: end ::a::", "::a:: do ::a:: end",
	"do goto a end ::a::", "do goto a end do ::a:: end",
	"repeat goto c; local x; ::c:: until x", "repeat local x; goto c; ::c:: until x",
	"for i = 1, 2 do goto c; local x; ::c:: end", "goto = 1", "::a", "::a:", "goto 1",
	"function f() goto a end ::a::", "x = function(...) return ... end",
	"x = function() return ... end", "return ...", "x = function(a, ...) end",
	"x = function(..., a) end", "x = function(a,) end", "x = function(a b) end", "x = {1,2;3,}",
	"x = {,}", "x = {a=1,[2]=3,'x';}", "x = {a.b=1}", "x = {[1]}", "x = {a=}", "x = {1 2}",
	"x = {f() g()}", "x = {...}", "x = a and b or not c", "x = not", "x = - - 1", "x = --1\n 2",
	"x = ~1 ~ 2", "x = 1 ~= 2", "x = 1 != 2", "x = 2^-3^4", "x = #a .. #b", "x = a .. b .. c",
	"x = 1..2", "x = 1 ..2", "x = 1 .. 2", "x = .5", "x = 5.", "x = 5.e", "x = 5.e3",
	"x = 5e+3", "x = 5e+", "x = 0x", "x = 0x1p4", "x = 0x.8p1", "x = 0x1p", "x = 0xg",
	"x = 0x.p1", "x = 1e5e5", "x = 1.2.3", "x = 3x", "x = 0x1P-2", "x = 1E5", "x = 08",
	"x = 3..4", "x = 0xep1", "x = 0xe+1", "x = 1_000", "x = 99999999999999999999",
	"x = 0xffffffffffffffffffff", "x = 1 // 2", "x = 1 << 2 >> 3 & 4 | 5", "x = 'a\\n\\t\\\\'",
	"x = 'a\nb'", "x = 'a\\\nb'", "x = 'a\\z   \n  b'", "x = '\\x41'", "x = '\\x4'",
	"x = '\\xg1'", "x = '\\65\\065\\255'", "x = '\\256'", "x = '\\u{41}\\u{7FFFFFFF}'",
	"x = '\\u{80000000}'", "x = '\\u{}'", "x = '\\u41'", "x = '\\u{41'", "x = '\\q'", "x = '",
	"x = '\\", "x = \"\\\"", "x = [[a\nb]]", "x = [==[ ]] ]=] ]==]", "x = [==[ ]=]", "x = [=x",
	"x = [=", "x = [[", "x = a[[[x]]]", "x = a[ [[x]] ]", "--[[ x", "--[[ x ]]",
	"--[==[ ]] ]==] x = 1", "--[= x", "-- x", "--", "x = 1 --[[y]] + 2", "# x", "x = 1 # 2",
	"x = @", "x = $", "x = `a`", "x = a?b", "x = \\", "x \\ y", "\xc2\xa0x = 1", "x = '\xff'",
	"\xff", "x = a:b", "x = a:b.c", "x = a.1", "x = a.", "x = a.end", "x = {end = 1}",
	"x = function f() end", "function() end", "function f( end", "function f) end", "f(", "f)",
	"f(,)", "f(a,)", "f(a b)", "f{", "f}", "f[", "f]", "f[]", "f[1]", "f[1] = 2", "(f)()",
	"(f)", "((f))()", "(f)(g)(h)", "local a, b, c = f()", "local a, 1 = f()", "local 'a'",
	"local", "local a.b = 1", "in", "then", "x = nil()", "x = ({}).a", "x = {}.a", "({}).a = 1",
	"('x').a = 1", "'x'.a = 1", "x = (function() end)()", "x = function() end()",
	"a.b:c().d = 1", "a.b:c() = 1", "x++", "x += 1", "x = y ? 1 : 2", "else", "elseif",
	"until x", "do return end", "do return 1 end x = 2", "return 1 x = 2",
	"local x <const>, y <close> = 1", "for i = 1, 2 do i = 3 end", "x = a < b < c",
	"x = a <= b >= c == d", "x = <", "x = a <", "local x < const > = 1", "local x <const = 1",
	"local function f() end f = 1", "x = 0x7fffffffffffffff + 1", "\r\nx = 1\n\rx = 2\r",
	"x = 'a\\\r\nb'", "local _ENV = {}; x = 1", "_ENV.x = 1", "x, y = y, x", "x.y, z[1] = 1, 2",
	"x;y()", "x();;y()", "return function() return function() end end",
	"if x then return else return end", "while true do return end x()", "repeat return until x",
	"::a::", ":: a ::", "goto a ::a::", "goto continue; local b = 1; ::continue:: return"};

Test(check_lua, each_corner_of_the_grammar_is_taken_or_refused_as_lua_does)
{
	for (size_t i = 0; i < ARRAY_N(corners); i++)
		compare(slice_of(corners[i]));
	const char nul[] = "x = 'a\0b'", bare[] = "x = \0";
	compare((struct slice){nul, sizeof(nul) - 1});
	compare((struct slice){bare, sizeof(bare) - 1});
}

/* --- limits ----------------------------------------------------------------------------------- */

/* each: a # in it is its number. */
static void compare_many(const char *before, const char *each, const char *behind, int n)
{
	struct buf b;
	buf_init(&b, 8u << 20);
	cr_assert_eq(buf_put_text(&b, before), RC_OK);
	for (int i = 0; i < n; i++)
		for (const char *p = each; *p != '\0'; p++)
			cr_assert_eq(
				*p == '#' ? buf_printf(&b, "%d", i) : buf_put(&b, p, 1), RC_OK);
	cr_assert_eq(buf_put_text(&b, behind), RC_OK);
	compare(buf_slice(&b));
	buf_done(&b);
}

Test(check_lua, the_limits_of_lua_are_ours)
{
	compare_many("", "local a#\n", "", 200);
	compare_many("", "local a#\n", "", 201);
	compare_many("do ", "local a#\n", "end local x", 200);
	compare_many("x = ", "(", "", 100000);
	compare_many("x = ", "{", "", 100000);
	compare_many("x = ", "-", "1", 1000);
	compare_many("x = ", "- ", "1", 100);
	compare_many("x = ", "- ", "1", 100000);
	compare_many("", "do ", "", 100000);
	compare_many("x = ", "function() ", "", 100000);
	compare_many("x = 1", "+ 1", "", 100000);
	compare_many("x = 'a'", ".. 'a'", "", 100000);
	compare_many("x = a", ".b", "", 100000);
	compare_many("a", "()", "", 100000);
	compare_many("x = {", "#,", "}", 100000);
	compare_many("if x then ", "elseif y then ", "end", 20000);
}

/* --- files and their mutants ------------------------------------------------------------------ */

static uint64_t dice = 88172645463325252u;

static size_t roll(size_t n)
{
	dice ^= dice << 13;
	dice ^= dice >> 7;
	dice ^= dice << 17;
	return (size_t)(dice % n);
}

/* One small mistake, as fingers make them, or a word of Lua where none was. */
static void mutate(const struct buf *text, struct buf *out)
{
	static const char *const words[] = {"end", "(", ")", "{", "}", ",", "=", "==", "function",
		"local", "if", "then", "do", "..", "...", ":", "::a::", "goto a", "break", "return",
		"\"", "[[", "]]", "--", "1", "x", "\n", "<const>", "not", "0x", "1e", "\\", "~",
		";"};
	size_t at = roll(text->n), to = at + 1 + roll(6);
	to = to < text->n ? to : text->n;
	buf_clear(out);
	cr_assert_eq(buf_put(out, text->p, at), RC_OK);
	switch (roll(4)) {
	case 0: /* gone */
		break;
	case 1: /* twice */
		cr_assert_eq(buf_put(out, text->p + at, to - at), RC_OK);
		cr_assert_eq(buf_put(out, text->p + at, to - at), RC_OK);
		break;
	case 2: /* a word more */
		cr_assert_eq(buf_printf(out, " %s ", words[roll(ARRAY_N(words))]), RC_OK);
		to = at;
		break;
	default: /* a word instead */
		cr_assert_eq(buf_printf(out, " %s ", words[roll(ARRAY_N(words))]), RC_OK);
	}
	cr_assert_eq(buf_put(out, text->p + to, text->n - to), RC_OK);
}

static size_t try_folder(const char *folder, size_t mutants_each)
{
	struct dirent *entry;
	size_t n = 0;
	DIR *dir = opendir(folder);
	cr_assert_not_null(dir, "%s", folder);
	while ((entry = readdir(dir)) != NULL) {
		char path[600];
		struct buf text, mutant;
		struct err err = {.msg = ""};
		size_t size = strlen(entry->d_name);
		if (size < 5 || strcmp(entry->d_name + size - 4, ".lua") != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		buf_init(&text, 1u << 20);
		buf_init(&mutant, 2u << 20);
		cr_assert_eq(file_read(AT_FDCWD, path, FILE_LINKS_REFUSED, &text, &err), RC_OK,
			"%s", err.msg);
		compare(buf_slice(&text));
		for (size_t i = 0; i < mutants_each; i++, n++) {
			mutate(&text, &mutant);
			compare(buf_slice(&mutant));
		}
		buf_done(&text);
		buf_done(&mutant);
	}
	closedir(dir);
	return n;
}

Test(check_lua, mutants_of_the_shipped_rules_are_taken_or_refused_as_lua_does)
{
	size_t n = try_folder("scripts/rules", MUTANTS / 3);
	cr_log_info("%zu mutants", n);
	cr_assert_geq(n, MUTANTS / 3);
}
