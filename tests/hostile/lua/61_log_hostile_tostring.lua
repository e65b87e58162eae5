-- SPDX-License-Identifier: MIT
log.info(setmetatable({}, { __tostring = function() while true do end end }))
