"""Whether what a chain keeps fits together: the state, its tries, the changes, the blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from blockstm.chain.blocks import Blocks
from blockstm.chain.importing import Head
from blockstm.chain.working import WorkingState
from blockstm.errors import BlockstmError, ChainError
from blockstm.ethereum import Header, StateTrie
from blockstm.ethereum.blocks.receipt import receipts_root
from blockstm.types import Hash32

__all__ = ["Audit", "audit"]


@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit looked at, and what it found.

    Attributes:
        head: hash of the block whose state was computed anew.
        number: of that block.
        blocks: how many blocks were read, hashed and compared with their headers.
        states: of how many blocks the state was reached by the changes that are kept.
        findings: what is wrong, a line each; none if all is well.
    """

    head: Hash32
    number: int
    blocks: int
    states: int
    findings: tuple[str, ...]

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings


def audit(blocks: Blocks, head: Head, oldest: int, working: WorkingState) -> Audit:
    """Compare everything with everything; ``working`` stands at the head."""
    findings: list[str] = []
    root = working.flat_root()
    if root != head.header.state_root:
        findings.append(
            f"the accounts of block {head.number} have the root 0x{root.hex()}, and its header "
            f"says 0x{head.header.state_root.hex()}"
        )
    count = 0
    for found in _blocks(blocks, head.number):
        count += 1
        if found:
            findings.append(found)
    states, wrong = _states(blocks, head, oldest, working)
    return Audit(head.hash, head.number, count, states, (*findings, *wrong))


def _blocks(blocks: Blocks, number: int) -> Iterator[str]:
    """For each canonical block from the head down what is wrong with it, or no words."""
    parent: Hash32 | None = None
    while number >= 0:
        block_hash = blocks.canonical(number)
        if block_hash is None or (parent is not None and block_hash != parent):
            yield f"block {number} among the head's ancestors is not the parent of {number + 1}"
            return
        try:
            parent = blocks.header(block_hash).parent_hash
            yield _block(blocks, block_hash)
        except BlockstmError as error:
            yield f"block {number}: {error}"
            if parent is None:
                return
        number -= 1


def _block(blocks: Blocks, block_hash: Hash32) -> str:
    block = blocks.block(block_hash)
    header, number = block.header, block.header.number
    if header.hash != block_hash:
        return f"block {number}: its header has the hash 0x{header.hash.hex()}"
    if block.transactions_root != header.transactions_root:
        return f"block {number}: its transactions are not those of its header"
    if block.withdrawals_root != header.withdrawals_root:
        return f"block {number}: its withdrawals are not those of its header"
    if receipts_root(blocks.receipts(block)) != header.receipts_root:
        return f"block {number}: its receipts are not those of its header"
    for index, transaction in enumerate(block.transactions):
        if blocks.place_of(transaction.hash) != (number, index):
            return f"block {number}: transaction {index} is not found by its hash"
    return ""


def _states(
    blocks: Blocks, head: Head, oldest: int, working: WorkingState
) -> tuple[int, list[str]]:
    """Go back to the oldest state and forth to the head, comparing each root with its header's."""
    now = working.trie(head.hash)
    if now is None:
        return 0, ["the tries of the head are not there"]
    if now.root != head.header.state_root:
        return 0, [f"the tries of block {head.number} have the root 0x{now.root.hex()}"]
    trie = now.copy()
    way: list[tuple[Hash32, Header]] = []
    findings: list[str] = []
    block_hash, header = head.hash, head.header
    try:
        while header.number > oldest:
            way.append((block_hash, header))
            trie.apply(blocks.undoing(block_hash), None)
            block_hash, header = header.parent_hash, blocks.header(header.parent_hash)
            findings += _compared(trie, header, "back")
        for block_hash, header in reversed(way):
            trie.apply(blocks.doing(block_hash), None)
            findings += _compared(trie, header, "forth")
    except ChainError as error:
        findings.append(f"the changes of block {header.number}: {error}")
    return len(way) + 1, findings


def _compared(trie: StateTrie, header: Header, way: str) -> list[str]:
    if trie.root == header.state_root:
        return []
    return [f"going {way} to block {header.number} by the changes kept gives another state root"]
