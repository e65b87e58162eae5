-- SPDX-License-Identifier: MIT
return math.random(math.mininteger, math.maxinteger)
