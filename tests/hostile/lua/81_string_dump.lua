-- SPDX-License-Identifier: MIT
return string.dump(function() end)
