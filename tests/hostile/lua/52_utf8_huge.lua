-- SPDX-License-Identifier: MIT
return #utf8.char(0x7FFFFFFF), pcall(utf8.codepoint,"\xff")
