-- SPDX-License-Identifier: MIT
while true do pcall(log.info, ("x"):rep(10000)) end
