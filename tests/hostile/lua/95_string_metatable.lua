-- SPDX-License-Identifier: MIT
setmetatable("", { __index = function() return "PWNED" end })
