"""What a block came to: outcomes and writes."""
