-- SPDX-License-Identifier: MIT
local t = { "x" } for i = 1, 40 do t = { t, t } end return json.encode(t)
