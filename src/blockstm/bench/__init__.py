"""The machinery of ``blockstm bench`` and ``make bench``; nothing else needs it.

Imports point down::

    blocks     blocks on the EVM in parallel
    evm        EVMs on one long call
    engine     the engine on small transactions
    benchmark  candidates timed in turn
    machine    what a figure was measured on
"""
