"""What the embedder adds to a fork: opcodes and precompiled contracts."""
