-- SPDX-License-Identifier: MIT
return load("return "..("("):rep(100000))
