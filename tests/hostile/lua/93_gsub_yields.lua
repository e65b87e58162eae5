-- SPDX-License-Identifier: MIT
return ("abc"):gsub(".", function(c) return twenty.people:get(c) end)
