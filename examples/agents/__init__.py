"""Thousands of agents that read a chain's signals, and act: see `main`."""
