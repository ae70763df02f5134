"""Chains to import: how long a block takes that is kept on disk, beside one in memory.

Imports point down::

    measurement  a chain imported in several ways, in turn
    geth         the same chain, imported by go-ethereum
    folders      the folder that a generated chain starts from
    generated    a large state, and blocks on it
"""
