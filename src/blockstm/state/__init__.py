"""States: the values that a block starts from."""
