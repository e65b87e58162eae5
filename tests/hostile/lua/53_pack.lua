-- SPDX-License-Identifier: MIT
return #string.pack("!16 i16 s8",1,("x"):rep(100)), pcall(string.rep,"ab",1<<62), pcall(string.packsize,("i16"):rep(1000))
