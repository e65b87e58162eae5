-- SPDX-License-Identifier: MIT
for _, name in ipairs { "../../metadata", "%2e%2e", "people/x", "", "a b", "people\0x", ("x"):rep(1000) } do
  local ok, why = pcall(function() return twenty[name]:get("x") end)
  assert(not ok, name) log.info(why)
end
