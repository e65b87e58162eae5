-- SPDX-License-Identifier: MIT
rule "another" { on = "person.created", run = function() end }
