/* SPDX-License-Identifier: MIT */
/*
 * Everything that a rule can reach from its globals, against the list in globals.txt: a name more
 * is a door that nobody decided to open. Walks tables and metatables; runs in a real worker.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/file.h"
#include "runner/worker/worker.h"
#include "tests/harness/peer.h"

#define LIST "tests/hostile/globals.txt"
#define WAIT_MS 20000

/* One line per name; at the end what is reached through values that are no tables. */
static const char walk[] =
	"rule 'walk' { on = 'person.created', run = function(event)\n"
	"  local seen = {}\n"
	"  local function visit(path, t)\n"
	"    if seen[t] then return end\n"
	"    seen[t] = true\n"
	"    for k, v in pairs(t) do\n"
	"      local p = path .. tostring(k)\n"
	"      log.info(p, type(v))\n"
	"      if type(v) == 'table' then visit(p .. '.', v) end\n"
	"      local m = getmetatable(v)\n"
	"      if m then log.info(p .. '<meta>', type(m)) visit(p .. '<meta>.', m) end\n"
	"    end\n"
	"  end\n"
	"  visit('', _G)\n"
	"  visit('twenty.people.', twenty.people)\n"
	"  for name, v in pairs { string = '', number = 1, func = pairs, null = json.null,\n"
	"      list = json.array(), record = event.record, twenty = twenty, people = twenty.people "
	"} do\n"
	"    log.info('<meta ' .. name .. '>', tostring(getmetatable(v)))\n"
	"  end\n"
	"  local _, e = pcall(function() twenty.people:get('x') end)\n"
	"  visit('error.', e)\n"
	"  log.info('<meta error>', tostring(getmetatable(e)))\n"
	"end }";

static void put_line(struct buf *found, const json_t *log)
{
	const char *text = json_string_value(json_object_get(log, "text"));
	cr_assert_eq(buf_put_text(found, text != NULL ? text : "?"), RC_OK);
	cr_assert_eq(buf_put_text(found, "\n"), RC_OK);
}

/* Runs the walk; found gets its lines. */
static void collect(struct buf *found)
{
	struct peer p;
	struct peer_frame f = {.kind = FRAME_BEAT};
	cr_assert(peer_start(&p, worker_main));
	json_decref(peer_load(&p, "walk", "walk.lua", walk));
	cr_assert(peer_send(&p, FRAME_START, 1, 1,
		json_pack("{s:s, s:s, s:{s:{s:s}}}", "hash", "walk", "rule", "walk", "event",
			"record", "id", "r")));
	while (f.kind != FRAME_END) {
		cr_assert(peer_receive(&p, WAIT_MS, &f));
		if (f.kind == FRAME_LOG)
			put_line(found, f.payload);
		else if (f.kind == FRAME_CALL)
			cr_assert(peer_send(&p, FRAME_RESUME, 1, 1,
				json_pack("{s:s, s:{s:s, s:s, s:i, s:b}}", "path", "1", "error",
					"code", "c", "message", "m", "status", 400, "retryable",
					0)));
		else
			cr_expect_str_eq(json_string_value(json_object_get(f.payload, "outcome")),
				"done", "%s",
				json_string_value(json_object_get(
					json_object_get(f.payload, "error"), "message")));
		json_decref(f.payload);
	}
	peer_stop(&p);
}

Test(worker_globals, a_rule_reaches_what_is_listed_and_nothing_else)
{
	struct buf found, listed;
	buf_init(&found, 1 << 20);
	buf_init(&listed, 1 << 20);
	collect(&found);
	cr_assert_eq(file_read(-100, LIST, FILE_LINKS_REFUSED, &listed, NULL), RC_OK, LIST);
	char *left = found.p, *right = listed.p;
	while (*left != '\0' || *right != '\0') {
		size_t n = strcspn(left, "\n"), m = strcspn(right, "\n");
		cr_assert(n == m && memcmp(left, right, n) == 0,
			"a rule reaches `%.*s` where the list has `%.*s`", (int)n, left, (int)m,
			right);
		left += n + (left[n] != '\0');
		right += m + (right[m] != '\0');
	}
	buf_done(&found);
	buf_done(&listed);
}

Test(worker_globals, the_doors_are_not_there)
{
	static const char *const doors[] = {"os", "io", "debug", "load", "loadstring", "loadfile",
		"dofile", "require", "package", "coroutine", "collectgarbage", "print", "warn",
		"_VERSION"};
	struct buf listed;
	buf_init(&listed, 1 << 20);
	cr_assert_eq(file_read(-100, LIST, FILE_LINKS_REFUSED, &listed, NULL), RC_OK);
	for (size_t i = 0; i < sizeof(doors) / sizeof(doors[0]); i++) {
		char line[64];
		snprintf(line, sizeof(line), "\n%s ", doors[i]);
		cr_expect_null(strstr(listed.p, line), "%s", doors[i]);
	}
	cr_expect_null(strstr(listed.p, "string.dump"));
	cr_expect_null(strstr(listed.p, "randomseed"));
	buf_done(&listed);
}
