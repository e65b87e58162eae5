-- SPDX-License-Identifier: MIT
local function f() return coroutine.wrap(f)() end; f()
