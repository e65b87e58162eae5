-- SPDX-License-Identifier: MIT
return os.exit(), io.open("/etc/passwd"), debug.getregistry(), require("os"), load("x"), dofile("x")
