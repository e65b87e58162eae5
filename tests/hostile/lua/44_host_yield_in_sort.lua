-- SPDX-License-Identifier: MIT
local t={3,2,1} table.sort(t,function(a,b) host_get() return a<b end)
