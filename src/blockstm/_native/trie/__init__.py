"""The Merkle Patricia trie."""
