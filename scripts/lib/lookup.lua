-- SPDX-License-Identifier: MIT
--
-- Asks a service about something, once: what it answers is kept in kv, also that it knows nothing.
--
--   local lookup = use "lookup"
--   local known = lookup.ask(service, { domain = "acme.io" }, event.at)
--   known["metrics.employees"]  --> 40, or nil
--
-- A service is { url =, headers =, wanted =, keep =, per_day =, patience = }, see enrich_people.lua. Where it
-- cannot answer now (it is down, has enough of us, talks nonsense), the run is tried again later, for as long
-- as the service's patience lasts; then nothing is known. One request at a time asks about one thing; when
-- one has failed, the others wait with it. A refused key or a wrong address are errors: somebody has to act.

local lookup = {}

local WAIT = "5m" -- after a request that failed

-- Only text, numbers and yes or no go into a record; texts without blanks around them.
local function plain(value)
	if type(value) == "string" then
		value = value:match "^%s*(.-)%s*$"
		return value ~= "" and #value <= 2000 and value or nil
	end
	return (type(value) == "number" or type(value) == "boolean") and value or nil
end

-- "metrics.employees" of an answer or a record; "data.1.name" takes the first of a list.
function lookup.at(value, path)
	for part in path:gmatch "[^.]+" do
		if type(value) ~= "table" then
			return nil
		end
		local inner = value[part]
		if inner == nil and tonumber(part) then
			inner = value[tonumber(part)]
		end
		value = inner
	end
	return value
end

-- The url with "{domain}" and its like filled in, as they are or escaped.
local function filled(url, subject, escaped)
	return (url:gsub("{(%w+)}", function(name)
		local value = subject[name] or error("the url of the service has {" .. name .. "}, which is not known here")
		return escaped and value:gsub("[^%w._~-]", function(c) return ("%%%02X"):format(c:byte()) end) or value
	end))
end

-- What stands in the Retry-After of an answer, in seconds; else WAIT.
local function pause_after(err)
	local seconds = tonumber(err.headers and err.headers["retry-after"])
	if not seconds or seconds < 1 then
		return WAIT
	end
	return ("%ds"):format(math.min(math.ceil(seconds), 3600))
end

-- The answer as JSON; {} where the service knows nothing. Else nil, why, and how long to wait.
local function request(service, url)
	local ok, answer = pcall(http.get, url, {
		headers = service.headers,
		timeout = "20s",
		ok = { 404, 410, 422 },
	})
	if not ok then
		if not answer.retryable then
			error(answer)
		end
		return nil, answer.message, pause_after(answer)
	end
	if answer.status ~= 200 then
		return {}
	end
	if type(answer.json) ~= "table" then
		return nil, "its answer is no JSON", WAIT
	end
	return answer.json
end

-- Later; or never, where the event is older than that may be.
local function wait(service, since, delay, why)
	if now() < ahead(service.patience, since) then
		retry_after(delay, why)
	end
	log.warn(why .. "; it was asked for " .. service.patience .. ", that is enough")
	return {}
end

function lookup.ask(service, subject, since)
	local about = filled(service.url, subject)
	if #about > 240 then
		return {} -- no key of kv
	end
	-- What is kept fits the question: who wants another field asks anew.
	local wanted = table.concat(service.wanted, " ")
	local kept = kv.get(about)
	if kept and kept.wanted == wanted then
		return kept.known
	end

	local paused, asking = kv.get "paused", "asking " .. about
	if paused then
		return wait(service, since, WAIT, paused)
	end
	if kv.incr(asking, 1, "1m") > 1 then
		return wait(service, since, "5s", "another run asks the service about the same")
	end
	if kv.incr("requests", 1, "1d") > service.per_day then
		kv.delete(asking)
		return wait(service, since, "1h", "the service has had its " .. service.per_day .. " requests of a day")
	end
	local answer, why, delay = request(service, filled(service.url, subject, true))
	local known = {}
	if answer then
		for _, path in ipairs(service.wanted) do
			known[path] = plain(lookup.at(answer, path))
		end
		kv.set(about, { wanted = wanted, known = known }, service.keep)
	else
		why = "the service does not answer: " .. why
		kv.set("paused", why, delay)
	end
	kv.delete(asking)
	return answer and known or wait(service, since, delay, why)
end

return lookup
