-- SPDX-License-Identifier: MIT
while true do string.gsub(("ab"):rep(50000), "%f[%w]%w+", string.upper) end
