-- SPDX-License-Identifier: MIT
local a, b = {}, {} for i = 1, 5000 do a["a" .. i] = i b["b" .. i] = i end
while true do local k, l = next(a), next(b) while k do k = next(a, k) l = l and next(b, l) end end
