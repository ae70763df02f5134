"""Pools whose fee a network on chain sets, swap by swap: see `main`."""
