local s = ("a"):rep(3e5)
s:find(("a-"):rep(30) .. "b")
