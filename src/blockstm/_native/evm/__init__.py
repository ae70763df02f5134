"""The native EVM."""
