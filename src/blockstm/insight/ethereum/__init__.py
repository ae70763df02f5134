"""Blocks of Ethereum transactions to measure with: what parallel chains are built for, and what hurts."""
