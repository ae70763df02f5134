"""EIP-7685 (Prague): what a block asks of the beacon chain, behind types, in one hash."""

from __future__ import annotations

from hashlib import sha256

import pytest
from eth_typing import Address
from tests.eips.request_contracts import CONSOLIDATIONS, WITHDRAWALS
from tests.eips.rules import refusal
from tests.eips.whole_blocks import block_with, executed, with_header, world
from tests.ethereum.made import block_of

from blockstm.bench.evm.assembly import assemble
from blockstm.ethereum import Account, Reason
from blockstm.ethereum.rules.requests import requests_hash

FORKS = ["prague", "osaka", "amsterdam"]


def gives(output: bytes) -> Account:
    """A contract that returns so many bytes, up to 32."""
    if not output:
        return Account(0, 1, b"\0")
    word = output.ljust(32, b"\0").hex()
    return Account(0, 1, assemble(f"PUSH32 0x{word} 0 MSTORE {len(output)} 0 RETURN"))


def hash_of(*requests: bytes) -> bytes:
    """The EIP's program."""
    digests = sha256()
    for request in requests:
        if len(request) > 1:
            digests.update(sha256(request).digest())
    return digests.digest()


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize(
    ("withdrawals", "consolidations", "requests"),
    [
        (b"", b"", ()),
        (b"w", b"", (b"\x01w",)),
        (b"", b"cc", (b"\x02cc",)),
        (b"w" * 32, b"\x00", (b"\x01" + b"w" * 32, b"\x02\x00")),
    ],
)
def test_each_list_stands_behind_its_type(
    fork: str, withdrawals: bytes, consolidations: bytes, requests: tuple[bytes, ...]
) -> None:
    accounts: dict[Address, Account] = {
        WITHDRAWALS: gives(withdrawals),
        CONSOLIDATIONS: gives(consolidations),
    }
    done = executed(fork, [], accounts)
    assert done.requests == requests
    state = world(accounts)
    block = block_with(fork, [], state)
    assert block.header.requests_hash == hash_of(*requests)
    assert refusal(block, state, fork) is None
    wrong = hash_of(*requests, b"\x03x")
    assert refusal(with_header(block, requests_hash=wrong), state, fork) is Reason.REQUESTS_HASH


@pytest.mark.parametrize("fork", FORKS)
def test_the_order_is_part_of_the_hash(fork: str) -> None:
    state = world({WITHDRAWALS: gives(b"a"), CONSOLIDATIONS: gives(b"b")})
    block = block_with(fork, [], state)
    for wrong in (
        hash_of(b"\x02b", b"\x01a"),
        hash_of(b"\x01b", b"\x02a"),
        sha256(b"\x01a\x02b").digest(),
        sha256(b"").digest(),
    ):
        assert refusal(with_header(block, requests_hash=wrong), state, fork) is (
            Reason.REQUESTS_HASH
        )


def test_no_requests_hash_is_that_of_nothing() -> None:
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert block_with("prague", [], world()).header.requests_hash == bytes.fromhex(empty)


def test_before_it_a_header_had_no_such_hash() -> None:
    state = world()
    assert executed("cancun", []).requests is None
    assert refusal(block_with("prague", [], state), state, "cancun") is Reason.HEADER_MEMBERS
    assert refusal(block_of((), "cancun"), state, "prague") is Reason.HEADER_MEMBERS


def test_a_request_that_is_only_its_type_does_not_count() -> None:
    nothing = sha256(b"").digest()
    assert requests_hash(()) == requests_hash((b"\x00", b"\x02")) == nothing
    listed = (b"\x00", b"\x01\x0a", b"\x02")
    assert requests_hash(listed) == sha256(sha256(b"\x01\x0a").digest()).digest()
