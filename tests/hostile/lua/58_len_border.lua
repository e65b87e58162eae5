-- SPDX-License-Identifier: MIT
local t={} t[1<<62]=1 t[(1<<62)-1]=1 return #t
