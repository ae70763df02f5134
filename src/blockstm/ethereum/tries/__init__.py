"""Merkle Patricia tries: the roots of lists and of states, and a state of which a witness is known.

Imports point down::

    witness     a state of which only a witness is at hand, against its root
    state_trie  the root of a state, kept up to date as blocks change it
    list_root   the root of a list
"""
