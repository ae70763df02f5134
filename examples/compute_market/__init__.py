"""A market of compute, run on chain: see `main`."""
