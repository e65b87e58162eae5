-- SPDX-License-Identifier: MIT
for i = 1, 1000000 do log.info("line", i) end
