"""Benchmarks of blockstm; see README.md beside this file."""
