-- SPDX-License-Identifier: MIT
-- What a *_test.lua file is written with, and the judge of what its rules did. Loaded into the state
-- of a test file before its chunk. Gets, in this order:
--   decode(json), encode(value)  JSON; null is nil on the way in
--   null                         the value of json.null
--   here()                       the line of the test file that is at work
--   fail(text)                   raises with the test file's own place
--   nearest(word, words)         the word that was probably meant, or nil
--   texts                        {name = JSON text} of fixtures, those that were asked for so far
--   the rest                     Lua's own, whatever the file makes of its globals
-- Answers the vocabulary, {name = value}, and serve(what, json), which answers JSON.
local decode, encode, null, here, fail, nearest, texts, type, next, pairs, ipairs, setmetatable, getmetatable,
	tostring, tonumber, format, find, gsub, match, rep, sub, byte, concat, sort, floor = ...

-- The runner writes null so in what it tells; no rule can.
local NULL = "\0null"
local SHOWN = 160 -- bytes of a value in a message

local tests = {}
local needed -- a fixture that is not there yet
local opened -- the test whose stubs are asked
local turns -- stub -> how often it was asked

-- What the vocabulary makes: a table, of which kind stands here, so that no data looks like one.
local marks = {}
local function marked(is, t)
	t = t or {}
	t.line = here()
	marks[t] = is
	return t
end

local function kind_of(value)
	return type(value) == "table" and marks[value] or nil
end

local function a(value)
	return value == nil and "nil" or "a " .. type(value)
end

-- --- durations ---------------------------------------------------------------------------------

local units_ms = { ms = 1, s = 1000, m = 60000, h = 3600000, d = 86400000 }

local function duration(text, what)
	local n, unit = nil, nil
	if type(text) == "string" then n, unit = match(text, "^(%d+)(%a+)$") end
	if not n or not units_ms[unit] then
		fail(what .. " is a duration such as \"10s\", \"5m\", \"2h\" or \"3d\", it is " ..
			(type(text) == "string" and "\"" .. text .. "\"" or a(text)))
	end
	return tonumber(n) * units_ms[unit]
end

local function spell(ms)
	for _, unit in ipairs { { 86400000, "d" }, { 3600000, "h" }, { 60000, "m" }, { 1000, "s" } } do
		if ms >= unit[1] and ms % unit[1] == 0 then return format("%d%s", ms // unit[1], unit[2]) end
	end
	return ms == 0 and "0s" or format("%dms", floor(ms))
end

-- --- the vocabulary ----------------------------------------------------------------------------

local words = {}

local known = { event = true, events = true, api = true, http = true, records = true, kv = true,
	kv_shared = true, now = true, lasts = true, rule = true, rules = true, edit = true, skip = true, expect = true }
local known_expect = { outcome = true, logs = true, runs = true, records = true, kv = true, kv_shared = true }

local function check_keys(t, names, what)
	for key in pairs(t) do
		if type(key) ~= "number" and not names[key] then
			local list = {}
			for name in pairs(names) do list[#list + 1] = name end
			sort(list)
			local near = type(key) == "string" and nearest(key, list)
			fail(what .. ": unknown word '" .. tostring(key) .. "', " .. (near and "did you mean '" .. near .. "'?"
				or "there are " .. concat(list, ", ")))
		end
	end
end

local function check_expect(t, name)
	local expect = t.expect
	if type(expect) ~= "table" or kind_of(expect) then
		fail("test \"" .. name .. "\": expect = { .. } says what the rules must do")
	end
	check_keys(expect, known_expect, "expect")
	for i, each in ipairs(expect) do
		local kind = kind_of(each)
		if kind ~= "effect" and kind ~= "at" and kind ~= "no_other_writes" then
			fail("test \"" .. name .. "\": expect[" .. i .. "] is no effect; write update(..), create(..) or " ..
				"no_other_writes")
		end
	end
end

local function check_edit(edit)
	if edit ~= nil and type(edit) ~= "table" then fail("edit = { [\"a text of the rules\"] = \"what stands for it\" }") end
	for from, to in pairs(edit or {}) do
		if type(from) ~= "string" or type(to) ~= "string" then
			fail("edit: a text of the rules and the text that stands for it, it is " .. a(from) .. " and " .. a(to))
		end
	end
end

function words.test(name)
	if type(name) ~= "string" or name == "" then fail("a test has a name: test \"name\" { .. }") end
	local line = here()
	return function(t)
		if type(t) ~= "table" then fail("test \"" .. name .. "\" lacks its table: test \"name\" { .. }") end
		for _, other in ipairs(tests) do
			if other.name == name then fail("the file has another test \"" .. name .. "\"") end
		end
		check_keys(t, known, "test \"" .. name .. "\"")
		if t.lasts ~= nil then duration(t.lasts, "lasts") end
		check_edit(t.edit)
		check_expect(t, name)
		tests[#tests + 1] = { name = name, line = line, t = t }
	end
end

-- Copies over with what over says, tables within tables too.
local function merged(base, over)
	for key, value in pairs(over) do
		if type(value) == "table" and type(base[key]) == "table" and not kind_of(value) and #value == 0 then
			merged(base[key], value)
		else
			base[key] = value
		end
	end
	return base
end

function words.fixture(name, over)
	if type(name) ~= "string" or not match(name, "^[%w_.-]+$") then
		fail("fixture \"name\" is the file fixtures/name.json: letters, digits, _ - and .")
	end
	if not texts[name] then
		if opened then fail("fixture \"" .. name .. "\" is first used while a test runs: use it at the top of the file") end
		needed = needed or name
		fail("fixture \"" .. name .. "\" is not there")
	end
	return merged(decode(texts[name]), over or {})
end

-- The same word is the same id each time: 128 bits of FNV-1a, as a UUID.
local function fnv(text, seed)
	local h = seed
	for i = 1, #text do h = (h ~ byte(text, i)) * 0x100000001b3 end
	h = (h ~ (h >> 29)) * 0x2545F4914F6CDD1D
	return h ~ (h >> 32)
end

function words.id(name)
	if type(name) ~= "string" then fail("id \"ann\" makes a record's id of a word, it is " .. a(name)) end
	local high, low = fnv(name, 0xcbf29ce484222325), fnv(name, 0x84222325cbf29ce4)
	return format("%08x-%04x-4%03x-8%03x-%04x%08x", high >> 32, (high >> 16) & 0xffff, high & 0xfff,
		(low >> 48) & 0xfff, (low >> 32) & 0xffff, low & 0xffffffff)
end

local event_keys = { fields = true, before = true, at = true, headers = true, actor = true, name = true,
	record = true }

function words.event(name, record, more)
	if type(name) ~= "string" or not (match(name, "^%a%w*%.%a+$") or match(name, "^hook:.")) then
		fail("event(\"person.created\", { .. }): the first is the name of an event, it is " .. a(name))
	end
	if record ~= nil and type(record) ~= "table" then fail("event: the record is a table, it is " .. a(record)) end
	if more ~= nil and type(more) ~= "table" then fail("event: the rest is a table, it is " .. a(more)) end
	check_keys(more or {}, event_keys, "event")
	local e = { name = name, record = record or {} }
	return marked("event", merged(e, more or {}))
end

-- Of an event: when it comes. Of an effect: when it must happen. Both from the start of the test.
function words.at(when, what)
	local ms = duration(when, "at: the first")
	local kind = kind_of(what)
	if type(what) ~= "table" or (kind and kind ~= "event" and kind ~= "effect") then
		fail("at(\"10s\", x): x is an event or an effect")
	end
	return marked("at", { ms = ms, what = what })
end

words.any = marked("matcher", { shown = "any", fits = function() return true end })
words.any_id = marked("matcher", { shown = "any_id", fits = function(value)
	return type(value) == "string" and #value == 36 and match(value, "^%x+%-%x+%-%x+%-%x+%-%x+$") ~= nil
end })

function words.partly(t)
	if type(t) ~= "table" then fail("partly { .. }: a table, it is " .. a(t)) end
	return marked("partly", { t = t })
end

function words.matching(pattern)
	if type(pattern) ~= "string" then fail("matching \"pattern\": a pattern of Lua, it is " .. a(pattern)) end
	return marked("matcher", { shown = format("matching %q", pattern), fits = function(value)
		return type(value) == "string" and find(value, pattern) ~= nil
	end })
end

local fail_keys = { status = true, code = true, message = true, retryable = true, unknown = true }

function words.fail(t)
	if type(t) ~= "table" then fail("fail { status = 500 }: a table, it is " .. a(t)) end
	check_keys(t, fail_keys, "fail")
	return marked("fail", { error = { status = t.status or 0, code = t.code, message = t.message,
		retryable = t.retryable, unknown = t.unknown } })
end

function words.in_turn(list)
	if type(list) ~= "table" or #list == 0 then fail("in_turn { one, another }: a list of answers") end
	return marked("in_turn", { list = list })
end

-- --- effects -----------------------------------------------------------------------------------

-- What the arguments of an expected effect are called, in the order in which a rule writes them.
local shapes = {
	create = { "data" }, create_many = { "list" }, ensure = { "where", "data" },
	update = { "id", "data", "options" }, update_many = { "list" },
	update_where = { "where", "data", "options" }, delete = { "id" }, restore = { "id" },
	destroy = { "id" }, erase = { "id" }, merge = { "options" },
}

local function effect(method, object, shape, ...)
	local values, e = { ... }, { method = method, object = object, args = {}, shape = shape }
	for i, name in ipairs(shape) do e.args[name] = values[i] end
	return marked("effect", e)
end

for method, shape in pairs(shapes) do
	words[method] = function(object, ...)
		if type(object) ~= "string" or not match(object, "^%a%w*$") then
			fail(method .. "(\"people\", ..): the first is the plural name of an object, it is " ..
				(type(object) == "string" and "\"" .. object .. "\"" or a(object)))
		end
		return effect(method, object, shape, ...)
	end
end

function words.graphql(query, variables)
	return effect("graphql", "graphql", { "query", "variables" }, query, variables)
end

words.http = {}
for _, method in ipairs { "get", "post", "put", "patch", "delete" } do
	words.http[method] = function(url, options)
		if type(url) ~= "string" and not kind_of(url) then fail("http." .. method .. "(url, { .. }): the first is the address") end
		return effect(method, "http", { "url", "options" }, url, options)
	end
end

-- "48h" is "2d".
local function same_delay(delay)
	return type(delay) == "string" and match(delay, "^%d+%a+$") and spell(duration(delay, "after: the delay")) or delay
end

function words.after(delay, rule, payload)
	return effect("after", "", { "delay", "rule", "payload" }, same_delay(delay), rule, payload)
end

function words.cancel(rule, key)
	return effect("cancel", "", { "rule", "key" }, rule, key)
end

words.no_other_writes = marked("no_other_writes")

words.done = "done"
function words.skipped(why) return marked("outcome", { state = "skipped", why = why }) end
function words.dead(why) return marked("outcome", { state = "dead", why = why }) end

-- --- values, shown and compared ----------------------------------------------------------------

local show

local function show_table(t, room)
	local parts, n = {}, 0
	for i, value in ipairs(t) do
		parts[#parts + 1], n = show(value, room), i
	end
	local keys = {}
	for key in pairs(t) do
		if not (type(key) == "number" and key >= 1 and key <= n) then keys[#keys + 1] = key end
	end
	sort(keys, function(x, y) return tostring(x) < tostring(y) end)
	for _, key in ipairs(keys) do
		local name = type(key) == "string" and match(key, "^[%a_][%w_]*$") and key or "[" .. show(key, room) .. "]"
		parts[#parts + 1] = name .. " = " .. show(t[key], room)
	end
	return #parts == 0 and "{}" or "{ " .. concat(parts, ", ") .. " }"
end

local function cut(text)
	if #text <= SHOWN then return text end
	local n = SHOWN
	while n > 0 and (byte(text, n + 1) & 0xc0) == 0x80 do n = n - 1 end
	return sub(text, 1, n) .. " .."
end

function show(value, depth)
	depth = (depth or 0) + 1
	local kind = kind_of(value)
	if value == NULL or value == null then return "json.null" end
	if kind == "matcher" then return value.shown end
	if kind == "partly" then return "partly " .. show(value.t, depth) end
	if type(value) == "string" then
		return "\"" .. gsub(value, "[%c\"\\]", function(c)
			return c == "\n" and "\\n" or c == "\"" and "\\\"" or c == "\\" and "\\\\" or format("\\x%02x", byte(c))
		end) .. "\""
	end
	if type(value) == "table" then return depth > 6 and "{..}" or show_table(value, depth) end
	if type(value) == "function" then return "a function" end
	return tostring(value)
end

local compare

-- Appends {path, wanted, got} for each difference.
local function compare_tables(wanted, got, path, out, all)
	local keys, seen = {}, {}
	for key in pairs(wanted) do keys[#keys + 1], seen[key] = key, true end
	if all then
		for key in pairs(got) do
			if not seen[key] then keys[#keys + 1] = key end
		end
	end
	sort(keys, function(x, y) return tostring(x) < tostring(y) end)
	for _, key in ipairs(keys) do
		local step = type(key) == "number" and "[" .. key .. "]" or (path == "" and "" or ".") .. tostring(key)
		if wanted[key] == nil then
			out[#out + 1] = { path .. step, "nothing", show(got[key]) }
		else
			compare(wanted[key], got[key], path .. step, out)
		end
	end
end

function compare(wanted, got, path, out)
	local kind = kind_of(wanted)
	if kind == "matcher" then
		if not wanted.fits(got) then out[#out + 1] = { path, wanted.shown, show(got) } end
	elseif type(wanted) == "function" then
		local ok, why = wanted(got)
		if not ok then
			out[#out + 1] = { path, "what the function takes" .. (why and ": " .. tostring(why) or ""), show(got) }
		end
	elseif kind == "partly" then
		if type(got) == "table" then
			compare_tables(wanted.t, got, path, out, false)
		else
			out[#out + 1] = { path, show(wanted), show(got) }
		end
	elseif type(wanted) == "table" and type(got) == "table" then
		compare_tables(wanted, got, path, out, true)
	else
		local same = wanted == got or (wanted == null and (got == NULL or got == nil))
		if not same then out[#out + 1] = { path, show(wanted), show(got) } end
	end
end

local function compared(wanted, got)
	local out = {}
	compare(wanted, got, "", out)
	return out
end

local function diff_text(differences)
	local lines, width = {}, 0
	for _, d in ipairs(differences) do
		if #d[1] > width and #d[1] < 30 then width = #d[1] end
	end
	for i, d in ipairs(differences) do
		if i > 12 then
			lines[#lines + 1] = "  .. and " .. #differences - 12 .. " more"
			break
		end
		local name = d[1] .. rep(" ", width - #d[1])
		lines[#lines + 1] = "  " .. name .. "  expected " .. cut(d[2])
		lines[#lines + 1] = "  " .. rep(" ", #name) .. "  got      " .. cut(d[3])
	end
	return concat(lines, "\n")
end

-- --- judging -----------------------------------------------------------------------------------

local failures

local function blame(line, text)
	failures[#failures + 1] = { line = line, text = text }
end

-- What a rule sent, with its arguments by the names of the shape.
local function args_of(effect, shape)
	local args, found, rest = effect.args, {}, {}
	if effect.method == "after" then
		return { delay = args.delay_ms and spell(args.delay_ms) or args.at, rule = args.rule, payload = args.payload }
	end
	local own = {}
	for _, name in ipairs(shape) do own[name] = true end
	for key, value in pairs(args) do
		if own[key] then found[key] = value else rest[key] = value end
	end
	if own.options and next(rest) ~= nil then found.options = rest end
	return found
end

local function title(method, object, args, shape)
	local parts = {}
	if object == "http" then
		return "http." .. method .. "(" .. show(args.url) .. (args.options and ", " .. show(args.options) or "") .. ")"
	end
	if object ~= "" and object ~= "graphql" then parts[1] = "\"" .. object .. "\"" end
	for _, name in ipairs(shape) do
		if args[name] ~= nil then parts[#parts + 1] = show(args[name]) end
	end
	return method .. "(" .. concat(parts, ", ") .. ")"
end

local function shape_of(effect)
	if effect.object == "http" then return { "url", "options" } end
	if effect.method == "graphql" then return { "query", "variables" } end
	if effect.method == "after" then return { "delay", "rule", "payload" } end
	if effect.method == "cancel" then return { "rule", "key" } end
	return shapes[effect.method] or { "id", "data" }
end

local function told(effect)
	local shape = shape_of(effect)
	return title(effect.method, effect.object, args_of(effect, shape), shape)
end

local function same_call(wanted, got)
	return wanted.method == got.method and wanted.object == got.object
end

-- What the test says of it, {} where all is as it says. Options that it does not name do not matter.
local function effect_differences(wanted, got, at_ms)
	local args = args_of(got, wanted.shape)
	local out, mine = {}, {}
	for key, value in pairs(args) do
		if key ~= "options" or wanted.args.options ~= nil then mine[key] = value end
	end
	for _, name in ipairs(wanted.shape) do
		if wanted.args[name] ~= nil then
			local said = wanted.args[name]
			-- Of options, those that are named.
			if name == "options" and type(said) == "table" and not kind_of(said) and wanted.method ~= "merge" then
				compare_tables(said, mine[name] or {}, "", out, false)
			else
				compare(said, mine[name], name == "data" and "" or name, out)
			end
		elseif mine[name] ~= nil and name ~= "options" and name ~= "payload" and name ~= "key" and name ~= "variables" then
			out[#out + 1] = { name, "nothing", show(mine[name]) }
		end
	end
	if at_ms and (got.at_ms < at_ms - 999 or got.at_ms > at_ms + 999) then
		out[#out + 1] = { "when", "at " .. spell(at_ms), "at " .. spell(got.at_ms) }
	end
	return out
end

local function unwrap(each)
	if kind_of(each) == "at" then return each.what, each.ms, each.line end
	return each, nil, each.line
end

-- The first effect behind `from` that fits; else the first that is the same call, with its differences.
local function look_for(wanted, at_ms, effects, from)
	local near, near_differences
	for i = from, #effects do
		if same_call(wanted, effects[i]) then
			local differences = effect_differences(wanted, effects[i], at_ms)
			if #differences == 0 then return i end
			if not near or #differences < #near_differences then near, near_differences = i, differences end
		end
	end
	return nil, near, near_differences
end

local function judge_effects(expect, effects)
	local used, from, strict = {}, 1, nil
	for _, each in ipairs(expect) do
		if kind_of(each) == "no_other_writes" then
			strict = strict or (expect.no_other_line or 0)
		else
			local wanted, at_ms, line = unwrap(each)
			local found, near, differences = look_for(wanted, at_ms, effects, from)
			local shown = title(wanted.method, wanted.object, wanted.args, wanted.shape)
			if found then
				used[found], from = true, found + 1
			elseif near then
				used[near], from = true, near + 1
				blame(line, cut(shown) .. " was expected, the rule wrote\n" ..
					"  " .. cut(told(effects[near])) .. "\n" .. diff_text(differences))
			else
				local early
				for i = 1, from - 1 do
					if same_call(wanted, effects[i]) and #effect_differences(wanted, effects[i], at_ms) == 0 then early = i end
				end
				blame(line, cut(shown) .. (early and " came earlier than what stands before it" or " did not happen"))
			end
		end
	end
	return used, strict
end

local function list_effects(effects)
	if #effects == 0 then return "the rules wrote nothing" end
	local lines = { "the rules wrote" }
	for i, e in ipairs(effects) do
		if i > 20 then
			lines[#lines + 1] = "  .. and " .. #effects - 20 .. " more"
			break
		end
		lines[#lines + 1] = format("  %d. %s%s", i, cut(told(e)), e.at_ms > 0 and " at " .. spell(e.at_ms) or "")
	end
	return concat(lines, "\n")
end

-- The report on an error, without the id of its event, which is another one each time.
local function report_text(run)
	if not run.detail then return "" end
	return "\n  " .. gsub(gsub(run.detail, "(event [^\n]*), %w+$", "%1"), "\n", "\n  ")
end

local function outcome_text(run)
	return run.state .. (run.error and ": " .. run.error or "")
end

-- nil where the run ended as is said, else what was expected.
local function outcome_differs(wanted, run)
	if type(wanted) == "string" then
		return run.state ~= wanted and wanted or nil
	end
	if type(wanted) == "function" then
		return not wanted(run.state, run.error) and "what the function takes" or nil
	end
	local why, error = wanted.why, run.error or ""
	local fits = run.state == wanted.state
	if fits and type(why) == "string" then
		fits = wanted.state == "dead" and find(error, why, 1, true) ~= nil or error == why
	elseif fits and why ~= nil then
		fits = #compared(why, error) == 0
	end
	return not fits and wanted.state .. (why ~= nil and " " .. show(why) or "") or nil
end

local states = { done = true, skipped = true, dead = true, waiting = true, echo = true, quarantined = true }

local function judge_outcome(wanted, runs, line)
	local list = type(wanted) == "table" and not kind_of(wanted) and wanted or nil
	if list and #list ~= #runs then
		blame(line, format("%d outcomes were expected, there were %d runs", #list, #runs))
		return
	end
	for i, run in ipairs(runs) do
		local one = wanted
		if list then one = list[i] end
		if type(one) == "string" and not states[one] then
			blame(line, "there is no outcome \"" .. one .. "\"; there are done, skipped \"why\", dead \"text\", \"waiting\", \"echo\"")
			return
		end
		local differs = outcome_differs(one, run)
		if differs then
			blame(line, "the run of \"" .. run.rule .. "\" should have been " .. differs .. ", it was\n  " .. outcome_text(run) ..
				report_text(run))
		end
	end
end

local function judge_runs(expect, observed, line)
	local runs = observed.runs
	if type(expect.runs) == "number" and expect.runs ~= #runs then
		local names = {}
		for i, run in ipairs(runs) do names[i] = "\n  \"" .. run.rule .. "\": " .. outcome_text(run) end
		blame(line, format("%d runs were expected, there were %d", expect.runs, #runs) .. concat(names))
	elseif #runs == 0 and expect.runs == nil then
		blame(line, "no rule ran: " .. (observed.why or "none is for these events") ..
			"; say runs = 0 where that is what should happen")
	end
	if expect.outcome ~= nil then
		judge_outcome(expect.outcome, runs, line)
		return
	end
	for _, run in ipairs(runs) do
		if run.state == "dead" or run.state == "quarantined" then
			blame(run.line or line, "the rule \"" .. run.rule .. "\" failed" .. (run.attempts > 1 and " at attempt " .. run.attempts or "") ..
				":\n  " .. (run.error or run.state) .. report_text(run))
		end
	end
end

local function judge_logs(wanted, runs, line)
	local lines, from = {}, 1
	for _, run in ipairs(runs) do
		for _, each in ipairs(run.log) do lines[#lines + 1] = each end
	end
	for _, one in ipairs(type(wanted) == "table" and not kind_of(wanted) and wanted or { wanted }) do
		local found
		for i = from, #lines do
			local whole = lines[i].level .. " " .. lines[i].text
			if not found and (#compared(one, lines[i].text) == 0 or #compared(one, whole) == 0) then found = i end
		end
		if found then
			from = found + 1
		else
			local shown = {}
			for i, each in ipairs(lines) do shown[i] = "\n  " .. each.level .. " " .. each.text end
			blame(line, "the log line " .. show(one) .. " is missing" .. (#lines > 0 and ", there were" .. concat(shown)
				or ", there were none"))
		end
	end
end

local function judge_records(wanted, world, line)
	for object, list in pairs(wanted) do
		for i, record in ipairs(list) do
			local best
			for _, each in ipairs(world[object] or {}) do
				local differences = compared(words.partly(record), each)
				if not best or #differences < #best then best = differences end
			end
			if not best then
				blame(line, format("records.%s[%d]: there is no such record", object, i))
			elseif #best > 0 then
				blame(line, format("records.%s[%d]: no record is like that; the nearest differs in\n", object, i) .. diff_text(best))
			end
		end
	end
end

-- --- what the runner asks ----------------------------------------------------------------------

local serve = {}

function serve.list()
	if needed then return { needs = needed } end
	if #tests == 0 then return { error = "there is no test in this file: test \"name\" { event = .., expect = { .. } }", line = 1 } end
	local list = {}
	for i, test in ipairs(tests) do list[i] = { name = test.name, line = test.line } end
	return { tests = list }
end

local function to_event(each, n)
	local at_ms, e = 0, each
	if kind_of(each) == "at" then at_ms, e = each.ms, each.what end
	local name = type(e) == "table" and (e.eventName or e.name)
	if type(name) ~= "string" or type(e.record) ~= "table" then
		return nil, "event " .. n .. (type(e) == "table" and " has no name and record" or " is " .. a(e)) ..
			"; write event(\"person.created\", { .. }) or fixture \"name\""
	end
	return { at_ms = at_ms, name = name, record = e.record, fields = e.updatedFields or e.fields, before = e.before,
		at = e.at, headers = e.headers, actor = e.actor, raw = e.eventName and e or nil }
end

local function one_or_list(value)
	return type(value) == "string" and { value } or value
end

local function keys_of(t)
	local keys = {}
	for key in pairs(t or {}) do keys[#keys + 1] = tostring(key) end
	return keys
end

function serve.scene(args)
	local test = tests[args.index]
	local t = test.t
	opened, turns = test, {}
	local events = {}
	if t.event ~= nil and t.events ~= nil then return { refused = "either event or events" } end
	for i, each in ipairs(t.events or (t.event ~= nil and { t.event } or {})) do
		local e, why = to_event(each, i)
		if not e then return { refused = why } end
		events[i] = e
	end
	local stubs = {}
	for key in pairs(t.api or {}) do stubs[#stubs + 1] = key end
	for key in pairs(t.http or {}) do stubs[#stubs + 1] = "http " .. key end
	return { events = events, records = t.records, kv = t.kv, kv_shared = t.kv_shared,
		kv_keys = keys_of(t.expect.kv), kv_shared_keys = keys_of(t.expect.kv_shared), now = t.now,
		lasts_ms = t.lasts and duration(t.lasts, "lasts") or nil, rule = one_or_list(t.rule), rules = one_or_list(t.rules),
		edit = t.edit,
		skip = t.skip and tostring(t.skip) or nil, stubs = stubs }
end

-- The arguments of a call as the rule wrote them.
local function positional(method, object, args)
	if object == "http" then return args end
	if method == "get" then return args.id, args end
	if method == "create" then return args.data end
	if method == "create_many" or method == "update_many" then return args.list end
	if method == "ensure" then return args.where, args.data end
	if method == "update" then return args.id, args.data, { only_if = args.only_if } end
	if method == "update_where" then return args.where, args.data, { max = args.max } end
	if method == "delete" or method == "restore" or method == "destroy" or method == "erase" then return args.id end
	if method == "duplicates" then return args.id or args.record or args.list end
	if method == "graphql" then return args.query, args.variables end
	if method == "member" then return args.email end
	return args
end

-- 0: json.null of a rule is nil for a stub.
local function without_null(value)
	if value == NULL then return nil end
	if type(value) ~= "table" then return value end
	local copy = {}
	for key, each in pairs(value) do copy[key] = without_null(each) end
	return copy
end

function serve.stub(args)
	local stubs = args.kind == "http" and opened.t.http or opened.t.api
	local stub = stubs[args.key]
	if kind_of(stub) == "in_turn" then
		local n = (turns[stub] or 0) + 1
		turns[stub] = n
		stub = stub.list[n <= #stub.list and n or #stub.list]
	end
	local value, second = stub, nil
	if type(stub) == "function" then
		value, second = stub(positional(args.method, args.object, without_null(args.args)))
	end
	if kind_of(value) == "fail" then return { error = value.error } end
	return { value = value, second = second, is_nil = value == nil }
end

function serve.judge(args)
	local test = tests[args.index]
	local expect, observed = test.t.expect, args.observed
	failures = {}
	local ok = true
	local used, strict = judge_effects(expect, observed.effects)
	ok = #failures == 0
	if strict then
		for i, e in ipairs(observed.effects) do
			local local_one = e.object == "" and (e.method == "after" or e.method == "cancel")
			if not used[i] and not local_one then
				blame(test.line, "no other write was expected, and there was\n  " .. cut(told(e)) ..
					(e.at_ms > 0 and " at " .. spell(e.at_ms) or ""))
			end
		end
	end
	local before = #failures
	judge_runs(expect, observed, test.line)
	if not ok and #failures == before then blame(test.line, list_effects(observed.effects)) end
	if expect.logs ~= nil then judge_logs(expect.logs, observed.runs, test.line) end
	if expect.records ~= nil then judge_records(expect.records, observed.records or {}, test.line) end
	for _, name in ipairs { "kv", "kv_shared" } do
		local differences = expect[name] ~= nil and compared(words.partly(expect[name]), observed[name] or {}) or {}
		if #differences > 0 then blame(test.line, name .. " differs in\n" .. diff_text(differences)) end
	end
	return { failures = failures }
end

return words, function(what, text)
	return encode(serve[what](text and decode(text) or {}))
end
