-- SPDX-License-Identifier: MIT
local o = twenty.people
o.object = "../metadata"
o:get("x")
twenty.people.get({ object = "../metadata" }, "x")
