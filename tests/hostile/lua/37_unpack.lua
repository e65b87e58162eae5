-- SPDX-License-Identifier: MIT
return select("#",table.unpack({},1,1e8))
