-- SPDX-License-Identifier: MIT
local s=("("):rep(300000); return s:gsub("%b()","")
