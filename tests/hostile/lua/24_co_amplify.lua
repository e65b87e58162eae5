-- SPDX-License-Identifier: MIT
local function burn() for i=1,300 do local x=i end end; while true do coroutine.wrap(burn)() end
