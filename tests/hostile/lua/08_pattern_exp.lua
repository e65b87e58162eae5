-- SPDX-License-Identifier: MIT
local n=34; return string.find(("a"):rep(n), ("a?"):rep(n)..("a"):rep(n))
