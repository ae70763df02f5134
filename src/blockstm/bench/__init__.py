"""The machinery of ``blockstm bench`` and ``make bench``; nothing else needs it.

Imports point down::

    sharded      shards that send each other messages
    chains       a chain imported, on disk and in memory
    blocks       blocks on the EVM in parallel
    inference    a network in opcodes and by integer instructions
    evm          EVMs on one long call
    engine       the engine on small transactions
    bare_blocks  what generated blocks have in common
    benchmark    candidates timed in turn
    machine      what a figure was measured on
    peak         how much memory a piece of work takes at its highest
"""
