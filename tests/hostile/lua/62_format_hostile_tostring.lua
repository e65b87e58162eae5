-- SPDX-License-Identifier: MIT
local t = setmetatable({}, { __tostring = function() return ("x"):rep(1 << 20) end })
local s = "" while true do s = s .. string.format("%s%s", t, t) end
