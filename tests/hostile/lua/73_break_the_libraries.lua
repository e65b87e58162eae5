-- SPDX-License-Identifier: MIT
string.rep = nil table.insert = nil pairs = nil type = nil math.huge = nil select = nil
json.null = 1 rawset(_G, "_G", nil) rawset(twenty, "people", nil)
return twenty.people:list { where = { a = 1 } }
