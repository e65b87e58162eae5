-- SPDX-License-Identifier: MIT
for _, e in ipairs { 1, 2.5, "x", true, {}, print or 0, json.null } do pcall(error, e) end
error(setmetatable({}, { __index = function() while true do end end, __concat = function() end }))
