-- SPDX-License-Identifier: MIT
twenty.people:create { ["a\0b"] = 1 }
