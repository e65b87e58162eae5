-- SPDX-License-Identifier: MIT
twenty.people:create { jobTitle = "a\0b" }
