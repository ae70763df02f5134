"""Whether what a chain keeps fits together: the state, its tries, the changes, the blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from blockstm.chain.blocks import Blocks
from blockstm.chain.heads import Head
from blockstm.chain.working import WorkingState
from blockstm.errors import BlockstmError, ChainError, StoreDamaged
from blockstm.ethereum import Header, StateTrie
from blockstm.ethereum.blocks.receipt import receipts_root
from blockstm.types import Hash32

__all__ = ["Audit", "audit"]

_FINDINGS_MAX: Final = 1000


@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit looked at, and what it found.

    Attributes:
        head: hash of the block whose state was computed anew.
        number: of that block.
        blocks: how many blocks were read, hashed and compared with their headers.
        states: of how many blocks the state was reached by the changes that are kept.
        findings: what is wrong, a line each, up to 1,000; none if all is well.
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
    """Compare everything with everything; ``working`` stands at the head.

    In memory for what the blocks of the window changed, whatever the state and the chain hold.
    """
    findings = _Findings()
    _check_flat(head, working, findings)
    count = 0
    for found in _blocks(blocks, head.number):
        count += 1
        if found:
            findings.add(found)
    states = _check_states(blocks, head, oldest, working, findings)
    return Audit(head.hash, head.number, count, states, tuple(findings.listed))


class _Findings:
    """The first findings, and that there are more."""

    def __init__(self) -> None:
        self.listed: list[str] = []

    def add(self, finding: str) -> None:
        if len(self.listed) < _FINDINGS_MAX:
            self.listed.append(finding)
        elif len(self.listed) == _FINDINGS_MAX:
            self.listed.append("and more, which are not listed")


def _check_flat(head: Head, working: WorkingState, findings: _Findings) -> None:
    nodes = _Findings()
    try:
        root = working.flat_root(nodes.add)
    except StoreDamaged as error:
        findings.add(str(error))
        return
    if root != head.header.state_root:
        findings.add(
            f"the accounts of block {head.number} have the root 0x{root.hex()}, and its header "
            f"says 0x{head.header.state_root.hex()}"
        )
        return  # nodes above others differ, too
    for each in nodes.listed:
        findings.add(each)


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


def _check_states(
    blocks: Blocks, head: Head, oldest: int, working: WorkingState, findings: _Findings
) -> int:
    """Go back to the oldest state and forth to the head, comparing each root with its header's.

    Returns how many states were compared.
    """
    now = working.trie(head.hash)
    if now is None:
        findings.add("the tries of the head are not there")
        return 0
    if now.root != head.header.state_root:
        findings.add(f"the tries of block {head.number} have the root 0x{now.root.hex()}")
        return 0
    trie, number = now.copy(), head.number
    try:
        block_hash, header = head.hash, head.header
        while number > oldest:
            trie.apply(blocks.undoing(block_hash), None)
            block_hash, number = header.parent_hash, number - 1
            header = blocks.header(block_hash)
            _compare(trie, header, "back", findings)
        while number < head.number:
            number += 1
            block_hash = _canonical(blocks, number)
            trie.apply(blocks.doing(block_hash), None)
            _compare(trie, blocks.header(block_hash), "forth", findings)
    except ChainError as error:
        findings.add(f"the changes of block {number}: {error}")
    return int(head.number - oldest) + 1


def _canonical(blocks: Blocks, number: int) -> Hash32:
    block_hash = blocks.canonical(number)
    if block_hash is None:
        raise StoreDamaged(f"which block {number} is among the head's ancestors is not said")
    return block_hash


def _compare(trie: StateTrie, header: Header, way: str, findings: _Findings) -> None:
    if trie.root != header.state_root:
        findings.add(
            f"going {way} to block {header.number} by the changes kept gives another state root"
        )
