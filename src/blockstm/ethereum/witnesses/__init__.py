"""Stateless execution: a block and a witness of it are all that is needed.

Imports point down::

    joined_parts     what only all parts of a bundle's block tell
    parts            a transaction of a bundle checked by itself
    stateless_files  files that hold a block, or a block with its witness
    stateless_input  the stateless input of EIP-8025
    bundle           a block with all that it is checked by, and all that it came to
    commitment       a Merkle commitment over chunks of bytes
    making           the witness of a block, made on a state that is at hand
    unknown_codes    runs that ask the state for every code
    collapses        nodes that removals from a trie need beside the paths to what is removed
    reading          a witness from JSON
    state            the state behind a witness
    witness          what a witness is, and how it belongs to its block
"""

from typing import TYPE_CHECKING

from blockstm import lazy_names

__all__ = [
    "Bundle",
    "CheckedPart",
    "ChunkProof",
    "StatelessFile",
    "Witness",
    "WitnessState",
    "check_part",
    "join_chunks",
    "join_parts",
    "make_witness",
    "parse_witness",
    "read_stateless_file",
    "read_witness",
    "verify_part",
]

if TYPE_CHECKING:
    from blockstm.ethereum.witnesses.bundle import Bundle
    from blockstm.ethereum.witnesses.commitment import ChunkProof, join_chunks
    from blockstm.ethereum.witnesses.joined_parts import join_parts
    from blockstm.ethereum.witnesses.making import make_witness
    from blockstm.ethereum.witnesses.parts import CheckedPart, check_part, verify_part
    from blockstm.ethereum.witnesses.reading import parse_witness, read_witness
    from blockstm.ethereum.witnesses.state import WitnessState
    from blockstm.ethereum.witnesses.stateless_files import StatelessFile, read_stateless_file
    from blockstm.ethereum.witnesses.witness import Witness
else:  # to a type checker, a module with this function has every name there could be
    __getattr__, __dir__ = lazy_names.of(
        __name__,
        {
            "bundle": "Bundle",
            "commitment": "ChunkProof join_chunks",
            "joined_parts": "join_parts",
            "making": "make_witness",
            "parts": "CheckedPart check_part verify_part",
            "reading": "parse_witness read_witness",
            "state": "WitnessState",
            "stateless_files": "StatelessFile read_stateless_file",
            "witness": "Witness",
        },
    )
