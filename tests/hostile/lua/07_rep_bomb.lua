-- SPDX-License-Identifier: MIT
return string.rep("x", 1<<33)
