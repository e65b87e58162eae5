-- SPDX-License-Identifier: MIT
local mt={} mt.__tostring=function(x) return tostring(setmetatable({},mt)) end; tostring(setmetatable({},mt))
