"""States: the values that a block starts from.

Imports point down::

    accounts  Ethereum accounts as a state, one location for each thing to look at
    tries     the tries of a state, kept from block to block
    changes   what a block does to accounts
    account   an account as a block finds it
    memory    a state in native memory
"""
