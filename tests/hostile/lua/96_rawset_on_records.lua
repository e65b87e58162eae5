-- SPDX-License-Identifier: MIT
setmetatable(event.record, { __index = function() return "PWNED" end })
