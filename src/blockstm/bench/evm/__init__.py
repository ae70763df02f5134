"""EVMs compared on the same bytecode, each call long inside one contract."""
