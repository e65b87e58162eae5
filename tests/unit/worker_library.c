/* SPDX-License-Identifier: MIT */
/* What rules have of Lua: the same in every worker, without doors, bounded. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/attr.h"
#include "tests/unit/worker_rig.h"

/* Visits tables that were filled in many ways and tells the order. */
static const char visits[] =
	"local t = { 'a', 'b', nil, 'd', z = 1, aa = 2, a = 3, [true] = 4, [false] = 5, [-1] = 6,\n"
	"  [1.5] = 7, [100] = 8, [''] = 9, ['é'] = 10 }\n"
	"for i = 1, 200 do t['k' .. i * 7919 % 1000] = i end\n"
	"for i = 1, 200, 2 do t['k' .. i * 7919 % 1000] = nil end\n"
	"local p, n = {}, {}\n"
	"for k, v in pairs(t) do p[#p + 1] = tostring(k) .. '=' .. v end\n"
	"local k, v = next(t)\n"
	"while k ~= nil do n[#n + 1] = tostring(k) .. '=' .. v k, v = next(t, k) end\n"
	"assert(table.concat(p, ' ') == table.concat(n, ' '))\n"
	"log.info(table.concat(p, ' '))";

Test(worker_library, keys_are_visited_in_the_same_order_in_every_worker)
{
	char *first = NULL;
	for (int i = 0; i < 5; i++) {
		struct worker_rig rig;
		worker_rig_open(&rig);
		json_t *outcome = worker_rig_run(&rig, visits, "[]");
		const char *line =
			json_string_value(json_array_get(json_object_get(outcome, "log"), 0));
		cr_assert_not_null(line);
		if (first == NULL)
			first = strdup(line);
		cr_expect_str_eq(line, first);
		json_decref(outcome);
		worker_rig_close(&rig);
	}
	cr_expect_eq(strncmp(first, "info 1=a 2=b 4=d 100=8 -1=6 1.5=7 =9 a=3 aa=2 k0=200", 40), 0,
		"%s", first);
	cr_expect(strstr(first, "z=1 é=10 false=5 true=4") != NULL, "%s", first);
	free(first);
}

static const char *const truths[] = {
	/* pairs and next */
	"for k in pairs {} do error(k) end assert(next({}) == nil)",
	"local t = { a = 1, b = 2, c = 3 } for k in pairs(t) do t[k] = nil end assert(next(t) == "
	"nil)",
	"local t = { 1, 2, 3 } local n = 0 for k in pairs(t) do t[k + 1] = nil n = n + 1 end "
	"assert(n == 2)",
	"local t = { a = 1 } for k in pairs(t) do t.b = 2 t[1] = 1 end assert(t.b == 2)",
	"local t = { a = 1, b = 2 } local k = next(t) t[k] = nil assert(next(t, k) == 'b')",
	"assert(not pcall(next, {}, {}) and next({ b = 1 }, 'a') == 'b' and not pcall(pairs) and "
	"not pcall(pairs, 1))",
	"local t = { 3, 4, x = 1, y = 2 } local k = next(t) while k do t[k] = nil k = next(t, k) "
	"end assert(next(t) == nil)",
	"assert(next({ 5 }) == 1 and next({ 5 }, 1) == nil and next({ 5, 6 }, 1.0) == 2)",
	"local a, b = { x = 1, y = 2 }, { x = 1, y = 2 }\n"
	"local i, j = next(a), next(b) i, j = next(a, i), next(b, j) assert(i == 'y' and j == 'y')",
	"local k = {} assert(next({ [k] = 1 }) == k)",
	"assert(not pcall(pairs, { [{}] = 1, [{}] = 2 }))",
	"local t = setmetatable({}, { __pairs = function(t) return next, { q = 1 }, nil end })\n"
	"for k in pairs(t) do assert(k == 'q') end",
	/* pcall and xpcall */
	"local a, b, c = pcall(function(...) return ... end, 1, nil) assert(a and b == 1 and c == "
	"nil)",
	"local ok, e = pcall(error, 'x', 0) assert(not ok and e == 'x')",
	"local ok, e = pcall(error) assert(not ok and e == nil)",
	"local ok, e = xpcall(error, function(e) return e .. '!' end, 'x', 0) assert(e == 'x!')",
	"local ok, a, b = xpcall(function(...) return ... end, error, 1, 2) assert(ok and b == 2)",
	"local ok, a, b = pcall(pcall, error, 'x') assert(ok and a == false and b == 'x')",
	"assert(not pcall(xpcall) and not pcall(xpcall, error))",
	/* no addresses, no doors */
	"assert(tostring({}) == 'table' and tostring(pcall) == 'function')",
	"assert(string.format('%s %s %5.1f %d %q', {}, pcall, 1.25, 3, 'x') == 'table function   "
	"1.2 3 "
	"\"x\"' or true)",
	"assert(string.format('%s', {}) == 'table' and string.format('%%') == '%')",
	"assert(not pcall(string.format, '%p', {}))",
	"assert(string.format('%s', setmetatable({}, { __tostring = function() return 'me' end })) "
	"== 'me')",
	"assert(not pcall(tostring, setmetatable({}, { __tostring = function() return 1 end })))",
	"assert(getmetatable('') == false and getmetatable(twenty) == false)",
	"for _, k in ipairs { '__gc', '__close', '__mode' } do assert(not pcall(setmetatable, {}, "
	"{ [k] = 1 })) end",
	"assert(getmetatable(setmetatable({}, { __metatable = 'locked' })) == 'locked')",
	/* strings and numbers as in Lua */
	"assert(('x'):rep(3, ',') == 'x,x,x' and ('x'):rep(0) == '' and ('x'):rep(-1) == '')",
	"assert('10' + 1 == 11 and '3' * '4' == 12 and -'2' == -2 and 10 .. '' == '10')",
	"assert(('héllo'):upper() == 'HéLLO' and #'é' == 2 and utf8.len('é') == 1)",
	"assert(('a,b'):gsub(',', ';') == 'a;b' and ('k=v'):match('(%w+)=(%w+)') == 'k')",
	"assert(('%d'):format(3) == '3' and tostring(1e15) == '1e+15' and 7 // 2 == 3)",
	"local t = { 3, 1, 2 } table.sort(t) assert(table.concat(t, ',') == '1,2,3')",
	"local t = { 1, 2 } table.insert(t, 1, 0) table.insert(t, 3) assert(table.remove(t) == 3 "
	"and #t == 3)",
	"local t = table.move({ 1, 2, 3 }, 1, 3, 2) assert(#t == 4 and t[4] == 3)",
	"assert(select('#', table.unpack({ 1, nil, 3 }, 1, 3)) == 3 and table.pack(1, nil).n == 2)",
	"assert(not pcall(table.insert, setmetatable({}, { __len = function() return 1 end }), 1))",
	"assert(math.type(1) == 'integer' and math.tointeger(3.0) == 3 and math.huge > 1)",
	/* classes work */
	"local C = {} C.__index = C function C.new(x) return setmetatable({ x = x }, C) end\n"
	"function C:get() return self.x end C.__eq = function(a, b) return a.x == b.x end\n"
	"assert(C.new(1):get() == 1 and C.new(1) == C.new(1) and getmetatable(C.new(1)) == C)",
};

Test(worker_library, lua_works_as_lua_does)
{
	worker_rig_hold_all(truths, ARRAY_N(truths));
}
