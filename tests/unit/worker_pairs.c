/* SPDX-License-Identifier: MIT */
/* Every key is visited, once and in its place, whatever the table looks like inside. */
#include <criterion/criterion.h>

#include "tests/unit/worker_rig.h"

#define VISITS                                                                                     \
	"local function visits(t)\n"                                                               \
	"  local out, again = {}, {}\n"                                                            \
	"  for k, v in pairs(t) do out[#out + 1] = tostring(k) .. '=' .. tostring(v) end\n"        \
	"  for k, v in next, t do again[#again + 1] = tostring(k) .. '=' .. tostring(v) end\n"     \
	"  local text = table.concat(out, ' ')\n"                                                  \
	"  assert(text == table.concat(again, ' '), 'next: ' .. table.concat(again, ' '))\n"       \
	"  return text\nend\n"                                                                     \
	"local function is(t, wanted)\n"                                                           \
	"  local got = visits(t)\n  assert(got == wanted, got)\nend\n"

Test(worker_pairs, holes_order_and_kinds_of_keys_lose_nothing)
{
	struct worker_rig rig;
	worker_rig_open(&rig);
	worker_rig_holds(&rig, VISITS "is({}, '')\n"
				      "is({ 'a', 'b' }, '1=a 2=b')\n"
				      "is({ 'a', nil, 'c' }, '1=a 3=c')\n"
				      "is({ [3] = 'c', [1] = 'a' }, '1=a 3=c')\n"
				      "is({ [10] = 'j', [2] = 'b' }, '2=b 10=j')\n"
				      "is({ [2] = 'b', [3] = 'c' }, '2=b 3=c')\n"
				      "is({ [0] = 'z', [1] = 'a' }, '1=a 0=z')\n"
				      "is({ [-1] = 'm', [1] = 'a' }, '1=a -1=m')\n"
				      "is({ 'a', x = 1, b = 2, B = 3 }, '1=a B=3 b=2 x=1')\n");
	worker_rig_holds(&rig, VISITS "local t = { 'a', 'b', 'c', 'd' }\n"
				      "t[2] = nil\n"
				      "is(t, '1=a 3=c 4=d')\n"
				      "local n, big = 0, {}\n"
				      "for i = 1, 1000 do big[i * 7 % 1009] = i end\n"
				      "for k, v in pairs(big) do\n"
				      "  n = n + 1\n  assert(v * 7 % 1009 == k)\nend\n"
				      "assert(n == 1000, n)\n");
	worker_rig_close(&rig);
}
