test "a" {{ }
