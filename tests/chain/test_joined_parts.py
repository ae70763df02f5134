"""All parts of a bundle joined: what none of them tells by itself, and the whole refuses, too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from tests.chain.test_bundle_parts import BLOCKS, grown, many, parts_of, with_list
from tests.chain.test_bundles import verified
from tests.ethereum.made import signed

from blockstm.chain import Chain, prove_block
from blockstm.errors import BlockError, DecodeError, InputError, InvalidBlock
from blockstm.ethereum import Bundle, CheckedPart, check_part, join_parts
from blockstm.ethereum.blocks.access_list import AccountAccess, BlockAccessList
from blockstm.ethereum.tries.list_root import list_root
from blockstm.types import Address


@pytest.fixture(scope="module", params=["cancun", "amsterdam"])
def chain(request: pytest.FixtureRequest) -> Iterator[Chain]:
    with grown(request.param) as chain:
        yield chain


@pytest.fixture(scope="module")
def amsterdam() -> Iterator[Chain]:
    with grown("amsterdam") as chain:
        yield chain


def checked(bundle: Bundle, chain: Chain) -> list[CheckedPart]:
    return [check_part(bundle, part, chain=chain.spec) for part in parts_of(bundle)]


def with_header(bundle: Bundle, **members: Any) -> Bundle:
    header = replace(bundle.block.header, **members)
    return replace(bundle, block=replace(bundle.block, header=header))


def test_all_parts_of_a_valid_block_join(chain: Chain) -> None:
    for number in range(1, BLOCKS + 1):
        bundle = prove_block(chain, number)
        parts = checked(bundle, chain)
        join_parts(bundle, parts)
        join_parts(bundle, iter(parts[::-1]))
        dimensions = (
            sum(part.execution_gas for part in parts),
            sum(part.state_gas for part in parts),
        )
        if bundle.block.header.block_access_list_hash is not None:
            assert max(dimensions) == bundle.block.header.gas_used
        else:
            assert sum(part.gas_used for part in parts) == bundle.block.header.gas_used


def ghosts(listed: BlockAccessList) -> Iterator[tuple[str, BlockAccessList]]:
    """Lists with a name that nobody has accessed, and what is said of it."""
    nobody = AccountAccess(Address(b"\xff" * 20))
    yield f"account 0x{nobody.address.hex()}", BlockAccessList((*listed.accounts, nobody))
    for at, account in enumerate(listed.accounts):
        slot = 1 << 255
        more = replace(account, storage_reads=(*account.storage_reads, slot))
        accounts = (*listed.accounts[:at], more, *listed.accounts[at + 1 :])
        yield f"account 0x{account.address.hex()} storageReads", BlockAccessList(accounts)


def test_what_nobody_has_accessed_is_named(chain: Chain) -> None:
    bundle = many(chain)
    found = 0
    for said, lie in ghosts(BlockAccessList.decode(bundle.access_list)):
        wrong = with_list(bundle, lie)
        parts = checked(wrong, chain)  # each of them is valid
        with pytest.raises(DecodeError, match=rf"accessList: {said}.*: expected none, given"):
            join_parts(wrong, parts)
        with pytest.raises((BlockError, DecodeError)):
            verified(wrong, chain.spec)
        found += 1
    assert found > 5


def test_the_gas_of_a_block_of_amsterdam_is_that_of_its_parts(amsterdam: Chain) -> None:
    bundle = many(amsterdam)
    for more in (-1, 1, 1000):
        wrong = with_header(bundle, gas_used=bundle.block.header.gas_used + more)
        with pytest.raises(InvalidBlock, match=r"gas used, the header says"):
            join_parts(wrong, checked(wrong, amsterdam))
        with pytest.raises(InvalidBlock, match=r"gas used, the header says"):
            verified(wrong, amsterdam.spec)


def asking_for(bundle: Bundle, gas: int) -> Bundle:
    """The bundle of the block whose last transaction asks for so much gas."""
    block = bundle.block
    *others, old = block.transactions
    members = {"gas_price": old.gas_price, "to": old.to, "value": old.value, "gas": gas}
    listed = (*others, signed(3, nonce=old.nonce, **members))
    root = list_root([each.encode() for each in listed])
    header = replace(block.header, transactions_root=root)
    return replace(bundle, block=replace(block, header=header, transactions=listed))


def test_a_transaction_for_which_amsterdam_has_no_room_is_named(amsterdam: Chain) -> None:
    """Its gas is over what those before it left, though not over the block's."""
    bundle = many(amsterdam)
    before = checked(bundle, amsterdam)[1:-2]
    used = [sum(part.execution_gas for part in before), sum(part.state_gas for part in before)]
    left = bundle.block.header.gas_limit - max(used)
    right, wrong = asking_for(bundle, left), asking_for(bundle, left + 1)
    join_parts(right, checked(right, amsterdam))
    verified(right, amsterdam.spec)
    parts = checked(wrong, amsterdam)  # each of them is valid
    with pytest.raises(InvalidBlock, match="gas above block") as caught:
        join_parts(wrong, parts)
    assert caught.value.index == len(before)
    with pytest.raises(InvalidBlock, match="gas above block"):
        verified(wrong, amsterdam.spec)


def test_gas_for_the_state_has_room_of_its_own(amsterdam: Chain) -> None:
    """Of what others are believed to have used: more of it than this block did."""
    bundle = many(amsterdam)
    parts = checked(bundle, amsterdam)
    limit, last = bundle.block.header.gas_limit, bundle.block.transactions[-1].gas
    for used, is_valid in ((limit - last, True), (limit - last + 1, False)):
        others = [replace(part, execution_gas=0, state_gas=0) for part in parts]
        others[1] = replace(others[1], state_gas=used)
        header = replace(bundle.block.header, gas_used=used)
        made = replace(bundle, block=replace(bundle.block, header=header))
        claim = check_part(made, "start", chain=amsterdam.spec).claim
        others = [replace(part, claim=claim) for part in others]
        if is_valid:
            join_parts(made, others)
        else:
            with pytest.raises(InvalidBlock, match="gas above block"):
                join_parts(made, others)


def test_requests_are_compared_by_the_end(amsterdam: Chain) -> None:
    bundle = many(amsterdam)
    wrong = with_header(bundle, requests_hash=b"\1" * 32)
    for part in parts_of(wrong)[:-1]:
        check_part(wrong, part, chain=amsterdam.spec)
    with pytest.raises(InvalidBlock, match="the requests hash is"):
        check_part(wrong, "end", chain=amsterdam.spec)
    with pytest.raises(InvalidBlock, match="the requests hash is"):
        verified(wrong, amsterdam.spec)


def test_parts_that_are_not_those_of_the_bundle_are_refused(chain: Chain) -> None:
    bundle = many(chain)
    parts = checked(bundle, chain)
    for given, said in (
        (parts[:-1], "'end' is there 0 times"),
        ([*parts[:1], *parts[2:]], "part 0 is there 0 times"),
        ([*parts, parts[1]], "part 0 is there 2 times"),
        ([], "'start' is there 0 times"),
        ([*parts[:-1], None], "what check_part gives"),
    ):
        with pytest.raises(InputError, match=said):
            join_parts(bundle, given)
    other = with_header(bundle, extra_data=b"other")
    with pytest.raises(InputError, match="another bundle"):
        join_parts(other, parts)
    listed = BlockAccessList.decode(bundle.access_list)
    ghost = next(iter(ghosts(listed)))[1]
    with pytest.raises(InputError, match="another bundle"):
        join_parts(replace(bundle, access_list=ghost.encode()), parts)
