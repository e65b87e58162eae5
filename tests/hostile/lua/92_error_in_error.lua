-- SPDX-License-Identifier: MIT
return xpcall(error, function(e) error(e) end, "x"), error(function() end)
