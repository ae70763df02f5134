"""The proof of work before Paris: mainnet's holds, the wrong one of official tests does not."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from tests.ethereum.official import documents, official_chain
from tests.fixtures import mainnet_block, mainnet_index

from blockstm._native.crypto.ethash_caches import EthashCache
from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.blocks.header import Header
from blockstm.ethereum.chains import MAINNET
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.files.block_files import read_block_file
from blockstm.ethereum.rules.header_rules import header_violation
from blockstm.ethereum.rules.ommers import ommers_violation
from blockstm.ethereum.rules.proof_of_work import proof_of_work_violation
from blockstm.ethereum.rules.reasons import Reason

MINED = [number for number in sorted(mainnet_index()) if number < 15_537_394]


@cache
def _cache(epoch: int) -> EthashCache:
    return EthashCache(epoch)


def _header(number: int) -> Header:
    return read_block_file(mainnet_block(number)).block.header


@pytest.mark.parametrize("number", [1, 46_147])
def test_the_work_of_a_mainnet_block_holds(number: int) -> None:
    assert proof_of_work_violation(_header(number)) is None


@pytest.mark.slow
@pytest.mark.parametrize("number", MINED)
def test_the_work_of_every_mainnet_block_holds(number: int) -> None:
    assert proof_of_work_violation(_header(number)) is None


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"nonce": bytes(8)}, "mix hash"),
        ({"mix_hash": bytes(32)}, "mix hash"),
        ({"extra_data": b"changed"}, "mix hash"),
        ({"number": 2048 * 30_000}, "no work"),
    ],
)
def test_a_changed_header_proves_no_work(changed: Any, what: str) -> None:
    violation = proof_of_work_violation(replace(_header(1), **changed))
    assert violation is not None
    assert violation.reason == Reason.PROOF_OF_WORK
    assert what in violation.detail


def test_work_has_to_be_enough() -> None:
    header = _header(1)
    harder = replace(header, difficulty=header.difficulty * 2**20)
    mix, _ = _cache(0).work(keccak(harder.encode_unsealed()), header.nonce)
    violation = proof_of_work_violation(replace(harder, mix_hash=mix))  # type: ignore[arg-type]  # bytes
    assert violation is not None
    assert "too little" in violation.detail


def test_sizes_are_those_of_the_specification() -> None:
    """Yellow Paper, appendix J: the greatest primes of elements below the linear sizes."""
    assert _cache(0).sizes == (16_776_896, 1_073_739_904)
    assert _cache(1).sizes == (16_907_456, 1_082_130_304)
    with pytest.raises(ValueError, match="2048"):
        EthashCache(2048)


@pytest.mark.parametrize("wrong", ["nonceWrong", "wrongMixHash"])
def test_official_ommers_without_work_are_invalid_where_it_is_checked(wrong: str) -> None:
    folder = f"Constantinople/BlockchainTests/InvalidBlocks/bcUncleHeaderValidity/{wrong}"
    ((path, document),) = documents("legacy-tests.tar.xz", folder)
    name, test = next(iter(document.items()))
    official = official_chain(f"{path}:{name}", test)
    chain = replace(official.chain, checks_seals=True)
    ancestors = [official.genesis]
    for each in official.blocks:
        block = Block.decode(each.encoding)
        assert header_violation(block.header, ancestors[0].header, chain) is None
        if each.is_valid:
            ancestors.insert(0, block)
            continue
        assert ommers_violation(block, ancestors, official.chain) is None
        violation = ommers_violation(block, ancestors, chain)
        assert violation is not None
        assert violation.reason == Reason.PROOF_OF_WORK


def test_mainnet_does_not_ask_for_proof_of_work() -> None:
    assert not MAINNET.checks_seals
