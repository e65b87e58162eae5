-- SPDX-License-Identifier: MIT
local s = ("é"):rep(100000) while true do for _, c in utf8.codes(s) do end end
