"""A chain that lasts: blocks imported one after another, with the states after each of them.

Imports point down::

    proving        the bundle of a block, by which another party checks it
    files          files of blocks
    archives       blocks with their receipts in e2store files
    dev            `DevChain`: one that is grown and edited by a developer
    chain          `Chain`: what a user has of it
    streaming      many blocks imported, each given once it is durable
    teaching       sources of hints that learn, told of each block
    lookahead      blocks made ready while others run
    derived        tries after any block in reach, from those that the store has
    disk           a chain's folder begun and opened
    opening        how a chain begins
    auditing       whether what is kept fits together
    importing      blocks executed, verified, staged and made durable; the head
    running_ahead  blocks whose roots, and the disk, follow behind
    block_runner   a block run on the state of its parent
    reading_beside  what hints name, read from disk while their block runs
    heads          the block that a chain ends with
    working        the state that blocks run on
    disk_working   the same for a chain on disk
    disk_state     the state at the head of a chain on disk, read below Python
    witnessing     the witness of a block
    nodes          nodes of the tries that a folder has, by their places
    states         the state after a block
    flat           accounts and slots as they stand in their tables
    staging        what an import is about to make durable
    blocks         blocks as a snapshot of the store has them
    spec           the rules of a chain as JSON
    function_names  what a chain's own functions are called in it
    encodings      how blocks and receipts stand in a store
    mdbx_store     a store on disk
    warming        the file of a store read into the page cache
    mdbx_library   the library of the database, found
    memory_store   a store in memory
    store          what a chain keeps its data in
    interruption   steps that Ctrl-C must not end in the middle
"""

from blockstm.chain.auditing import Audit
from blockstm.chain.blocks import FoundTransaction
from blockstm.chain.chain import WINDOW, Chain
from blockstm.chain.dev import DevChain
from blockstm.chain.heads import Head
from blockstm.chain.importing import ImportedBlock
from blockstm.chain.proving import prove_block
from blockstm.chain.states import ChainState

__all__ = [
    "WINDOW",
    "Audit",
    "Chain",
    "ChainState",
    "DevChain",
    "FoundTransaction",
    "Head",
    "ImportedBlock",
    "prove_block",
]
