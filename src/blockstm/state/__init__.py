"""States: the values that a block starts from.

Imports point down::

    accounts  Ethereum accounts as a state, one location for each thing to look at
    overlay   changes on top of a state
    located   a state of one's own, as the engine reads it
    protocol  what a block needs of the state that it starts from
    tries     the tries of a state, kept from block to block
    changes   what a block does to accounts
    account   an account as a block finds it
    memory    a state in native memory
"""
