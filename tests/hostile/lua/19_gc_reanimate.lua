-- SPDX-License-Identifier: MIT
local function f() setmetatable({}, {__gc=f}) end; local mt; mt={__gc=function() setmetatable({},mt) end}; setmetatable({},mt)
