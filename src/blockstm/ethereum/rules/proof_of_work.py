"""Seals: the work that a header before Paris proves (Yellow Paper 4.3.4 and appendix J).

A seal is a nonce, found by trying, and the mix hash that the nonce gives; both together must lead
to a number small enough for the block's difficulty. Checking one takes some milliseconds, and
about a second for the first of each 30,000 blocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from blockstm._native.crypto.seals import EPOCH_BLOCKS, EPOCHS, EthashCache
from blockstm.ethereum.blocks.header import Header
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.rules.reasons import Flaw, Reason

__all__ = ["seal_flaw"]


def seal_flaw(header: Header) -> Flaw | None:
    """What is wrong with the seal of a header before Paris; None if nothing is.

    Thread-safety: any thread may call it; it works without the GIL. The caches of the last two
    epochs are kept, up to 80 MB each.
    """
    return next(_flaws(header), None)


def _flaws(header: Header) -> Iterator[Flaw]:
    epoch = header.number // EPOCH_BLOCKS
    if epoch >= EPOCHS:
        yield Flaw(Reason.PROOF_OF_WORK, f"no work is defined for block {header.number}")
    mix, result = _cache(epoch).work(keccak(header.encode_unsealed()), header.nonce)
    if mix != header.mix_hash:
        yield Flaw(
            Reason.PROOF_OF_WORK,
            f"the nonce gives the mix hash 0x{mix.hex()}, not 0x{header.mix_hash.hex()}",
        )
    if int.from_bytes(result, "big") * header.difficulty > 1 << 256:
        yield Flaw(
            Reason.PROOF_OF_WORK,
            f"0x{result.hex()} is too little work for difficulty {header.difficulty}",
        )


@lru_cache(maxsize=2)
def _cache(epoch: int) -> EthashCache:
    return EthashCache(epoch)
