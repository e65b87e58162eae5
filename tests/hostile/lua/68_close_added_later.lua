-- SPDX-License-Identifier: MIT
local mt = {} local x <close> = setmetatable({}, { __index = mt, __tostring = error })
