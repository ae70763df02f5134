"""The proof of work of a header before Paris (Yellow Paper 4.3.4 and appendix J).

The proof is a nonce, found by trying, and the mix hash that the nonce gives; both together must
lead to a number small enough for the block's difficulty. Checking it takes some milliseconds, and
about a second for the first of each 30,000 blocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from blockstm._native.crypto.ethash_caches import EPOCH_BLOCKS, EPOCHS, EthashCache
from blockstm.ethereum.blocks.header import Header
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.rules.reasons import Reason, Violation

__all__ = ["proof_of_work_violation"]


def proof_of_work_violation(header: Header) -> Violation | None:
    """The rule that the proof of work of a header before Paris breaks; None if it holds.

    Thread-safety: any thread may call it; it works without the GIL. The caches of the last two
    epochs are kept, up to 80 MB each.
    """
    return next(_violations(header), None)


def _violations(header: Header) -> Iterator[Violation]:
    epoch = header.number // EPOCH_BLOCKS
    if epoch >= EPOCHS:
        yield Violation(Reason.PROOF_OF_WORK, f"no work is defined for block {header.number}")
    mix, result = _cache(epoch).work(keccak(header.encode_unsealed()), header.nonce)
    if mix != header.mix_hash:
        yield Violation(
            Reason.PROOF_OF_WORK,
            f"the nonce gives the mix hash 0x{mix.hex()}, not 0x{header.mix_hash.hex()}",
        )
    if int.from_bytes(result, "big") * header.difficulty > 1 << 256:
        yield Violation(
            Reason.PROOF_OF_WORK,
            f"0x{result.hex()} is too little work for difficulty {header.difficulty}",
        )


@lru_cache(maxsize=2)
def _cache(epoch: int) -> EthashCache:
    return EthashCache(epoch)
