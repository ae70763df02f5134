"""States in native memory: bytes, and Ethereum's accounts."""
