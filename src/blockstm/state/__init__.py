"""What a block starts from."""
