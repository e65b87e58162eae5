-- SPDX-License-Identifier: MIT
local t = {}
for i = 1, 62 do t = { t } end
twenty.people:create { x = t }
