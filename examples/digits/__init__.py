"""Handwritten digits, read on chain: see `main`."""
