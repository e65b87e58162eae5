-- SPDX-License-Identifier: MIT
local t={} for i=1,400000 do t[i]={i} end; while true do collectgarbage() end
