-- SPDX-License-Identifier: MIT
pcall(function() twenty.people:get("a\0b") end)
while true do twenty.people:get("a\0b") end
