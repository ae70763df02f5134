"""The forks of the native EVM."""
