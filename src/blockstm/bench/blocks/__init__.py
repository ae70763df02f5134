"""Blocks for the EVM to be measured with: what parallel chains are built for, what hurts."""
