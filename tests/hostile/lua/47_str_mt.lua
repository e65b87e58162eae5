-- SPDX-License-Identifier: MIT
getmetatable("").__index=function() return function() return "PWNED" end end; return ("x"):upper()
