-- SPDX-License-Identifier: MIT
return #tostring(tonumber(("9"):rep(1000000),10))
