-- SPDX-License-Identifier: MIT
-- wrk script: sends prepared requests of equal length from the file ACKS_FILE (tests/bench/sign.c),
-- ACKS_LENGTH bytes each, from its begin; each thread of wrk takes every n-th. The same script loads
-- the bare server and the receiver.
local path, length = os.getenv("ACKS_FILE"), tonumber(os.getenv("ACKS_LENGTH"))
local threads = {}

function setup(thread)
	thread:set("number", #threads)
	threads[#threads + 1] = thread
end

function init()
	file = assert(io.open(path, "rb"))
	file:setvbuf("full", 1048576)
	ended = 0
end

function request()
	local text = file:read(length)
	if not text or #text < length then
		ended = ended + 1
		file:seek("set", 0)
		text = file:read(length)
	end
	return text
end

function done(summary, latency)
	local wrapped = 0
	for _, thread in ipairs(threads) do
		wrapped = wrapped + thread:get("ended")
	end
	io.write(string.format("acks %d us %d p50 %d p99 %d max %d non2xx %d errors %d wrapped %d\n",
		summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
		latency.max, summary.errors.status, summary.errors.connect + summary.errors.read +
		summary.errors.write + summary.errors.timeout, wrapped))
end
