"""The block that calls see, to be changed field by field: ``boa.env.evm.patch``."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from blockstm.types import Address, BlockNumber, Hash32
from blockstm.vm.context import BlockContext

__all__ = ["GAS_LIMIT", "Patch"]

GAS_LIMIT: Final = 100_000_000
"""Of a call that does not say how much gas it has, as titanoboa's block has."""

_NO_HASH: Final = bytes(32)


class Patch:
    """Fields of the block, by titanoboa's names.

    Attributes:
        block_number, timestamp, coinbase, difficulty, chain_id, gas_limit: as code sees them.
        prevrandao: 32 bytes.
        prev_hashes: of the blocks before, the parent's first.
        code_size_limit: kept, and without effect: the fork's holds.
    """

    def __init__(self) -> None:
        self.block_number = 1
        self.timestamp = int(time.time())
        self.coinbase = bytes(20)
        self.difficulty = 0
        self.prevrandao = _NO_HASH
        self.chain_id = 1
        self.gas_limit = GAS_LIMIT
        self.prev_hashes: list[bytes] = [_NO_HASH]
        self.code_size_limit = 24_576

    @contextmanager
    def anchor(self) -> Iterator[None]:
        """What is changed inside is taken back at the end."""
        before = dict(vars(self))
        try:
            yield
        finally:
            vars(self).update(before)

    def context(self) -> BlockContext:
        """The block as the EVM takes it."""
        hashes = {
            BlockNumber(self.block_number - 1 - place): Hash32(each)
            for place, each in enumerate(self.prev_hashes[:256])
            if place < self.block_number
        }
        return BlockContext(
            number=BlockNumber(self.block_number),
            timestamp=self.timestamp,
            coinbase=Address(bytes(self.coinbase)),
            gas_limit=self.gas_limit,
            difficulty=self.difficulty,
            mix_hash=Hash32(self._randomness()),
            base_fee_per_gas=0,
            blob_base_fee=1,
            chain_id=self.chain_id,
            parent_hash=Hash32(self.prev_hashes[0] if self.prev_hashes else _NO_HASH),
            block_hashes=hashes,
        )

    def _randomness(self) -> bytes:
        given: Any = self.prevrandao
        return given.to_bytes(32, "big") if isinstance(given, int) else bytes(given)
