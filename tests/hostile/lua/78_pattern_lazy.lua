-- SPDX-License-Identifier: MIT
return string.find(("a"):rep(200000), ".-.-.-b")
