/* SPDX-License-Identifier: MIT */
/* How deep JSON may be: read and written up to a level, an error that can be caught behind it. */
#include <criterion/criterion.h>

#include "tests/unit/worker_rig.h"

Test(worker_depth, json_is_read_up_to_128_levels)
{
	struct worker_rig rig;
	worker_rig_open(&rig);
	worker_rig_holds(&rig, "local function nested(n) return ('['):rep(n) .. (']'):rep(n) end\n"
			       "assert(pcall(json.decode, nested(128)))\n"
			       "assert(not pcall(json.decode, nested(129)))\n"
			       "assert(not pcall(json.decode, nested(100000)))\n"
			       "local deep = ('{\"a\":'):rep(129) .. '1' .. ('}'):rep(129)\n"
			       "assert(not pcall(json.decode, deep))\n");
	worker_rig_close(&rig);
}

Test(worker_depth, json_is_written_up_to_64_levels)
{
	struct worker_rig rig;
	worker_rig_open(&rig);
	worker_rig_holds(&rig,
		"local function nested(n)\n"
		"  local t = 1\n  for i = 1, n do t = { t } end\n  return t\nend\n"
		"assert(json.encode(nested(64)) == ('['):rep(64) .. '1' .. (']'):rep(64))\n"
		"assert(not pcall(json.encode, nested(65)))\n"
		"local ring = {}\nring.ring = ring\n"
		"assert(not pcall(json.encode, ring))\n");
	worker_rig_close(&rig);
}
