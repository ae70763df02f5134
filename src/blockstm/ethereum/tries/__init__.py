"""Merkle Patricia tries: the roots of lists and of states.

Imports point down::

    state_trie  the root of a state, kept up to date as blocks change it
    list_proof  proofs of a list's items against its root
    list_root   the root of a list
"""
