"""Bytes and JSON to Python values and back, strictly; what a block consists of is not known here.

Imports point down::

    loose_fields  the files that clients are configured with: one value, several spellings
    json_files    JSON documents, plain or compressed
    fields        JSON-RPC objects, strictly
    members       what the members of objects made by hand must be
    rlp           RLP, strictly
    ssz           SSZ, strictly
    solidity      how Solidity's contracts say why they revert
    hashing       keccak-256
"""
