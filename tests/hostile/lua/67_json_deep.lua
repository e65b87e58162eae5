-- SPDX-License-Identifier: MIT
local ok = pcall(json.decode, ("["):rep(1000000)) assert(not ok)
local t = {} for i = 1, 100000 do t = { t } end return json.encode(t)
