test "a" { event = fixture "nowhere", expect = {} }
