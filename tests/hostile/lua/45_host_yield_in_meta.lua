-- SPDX-License-Identifier: MIT
local t=setmetatable({}, {__index=function() return host_get() end}); return t.x
