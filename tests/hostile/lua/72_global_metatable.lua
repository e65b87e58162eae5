-- SPDX-License-Identifier: MIT
setmetatable(_G, { __index = function(t, k) return t[k .. "x"] end }) return missing
