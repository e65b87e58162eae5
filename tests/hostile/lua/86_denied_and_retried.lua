-- SPDX-License-Identifier: MIT
local t = {} while true do pcall(function() t[#t + 1] = ("x"):rep(4 << 20) .. #t end) end
