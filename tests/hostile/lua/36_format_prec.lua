-- SPDX-License-Identifier: MIT
return #string.format("%99.99f",1e308)
