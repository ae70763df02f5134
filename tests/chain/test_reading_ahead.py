"""What a block names, and what the last ones changed, is in memory before it runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.chain.growing import COUNTER, RECIPIENTS, child, genesis, grown
from tests.ethereum.made import KEYS, SENDERS, block_of, signed

from blockstm.chain import Chain
from blockstm.chain.disk_state import DiskState
from blockstm.chain.disk_working import DiskWorking
from blockstm.chain.mdbx_store import MdbxStore
from blockstm.ethereum import Authorization, Block, Transaction, Withdrawal
from blockstm.ethereum.execution.known_senders import KNOWN_SENDERS
from blockstm.types import Address

pytest.importorskip("mdbx")

BLOB = b"\1" + bytes(31)
LISTED = Address(b"\x77" * 20)
ACCESS = [(COUNTER, (1, 2)), (LISTED, ()), (SENDERS[3], (2**256 - 1,))]


def typed(kind: int, key: int, to: Address, **members: Any) -> Transaction:
    given = {"nonce": 0, "gas": 100_000, "to": to, "value": 0, "data": b"", "chain_id": 1}
    unsigned = Transaction(type=kind, v=0, r=0, s=0, **given, **members)
    r, s, parity = KEYS[key].sign(unsigned.signing_hash)
    return replace(unsigned, v=parity, r=r, s=s)


def of_every_type() -> list[Transaction]:
    authorization = Authorization(chain_id=1, address=LISTED, nonce=0, y_parity=0, r=1, s=1)
    return [
        signed(0, nonce=0, to=RECIPIENTS[0], gas_price=10**9),
        signed(1, nonce=0, to=None, gas_price=10**9),
        typed(1, 2, RECIPIENTS[1], gas_price=10**9, access_list=ACCESS[:1]),
        typed(2, 3, RECIPIENTS[2], max_fee_per_gas=10**9, access_list=ACCESS[1:]),
        typed(3, 0, RECIPIENTS[3], max_fee_per_blob_gas=1, blob_hashes=(BLOB,), access_list=ACCESS),
        typed(4, 1, RECIPIENTS[4], authorizations=(authorization,), access_list=ACCESS[1:]),
    ]


def split(joined: bytes, size: int) -> list[bytes]:
    return [joined[at : at + size] for at in range(0, len(joined), size)]


def test_transactions_of_every_type_name_what_they_call_and_list() -> None:
    transactions = of_every_type()
    block = Block.decode(block_of(tuple(transactions), "prague", 1).encode())
    addresses, slots = block.transaction_list.named_locations()
    expected: list[bytes] = []
    keys: list[bytes] = []
    for each in transactions:
        expected += [] if each.to is None else [each.to]
        for address, listed in each.access_list:
            expected.append(address)
            keys += [address + slot.to_bytes(32, "big") for slot in listed]
    assert split(addresses, 20) == expected
    assert split(slots, 52) == keys
    assert len(keys) == 7


def test_what_is_no_transaction_names_nothing() -> None:
    block = block_of((), "prague", 1)
    assert block.transaction_list.named_locations() == (b"", b"")


def misses(state: DiskState) -> tuple[int, int, int]:
    stats = state.stats
    return stats["account_misses"], stats["slot_misses"], stats["code_misses"]


def test_what_a_block_names_is_read_once(tmp_path: Path) -> None:
    with Chain.open(tmp_path, genesis(), workers=1) as chain:
        first, root = chain.head.hash, chain.head.header.state_root
    with MdbxStore.open(tmp_path) as store:
        working = DiskWorking(store, first, root, cache_bytes=1 << 20, workers=1)
        paid = Address(b"\x99" * 20)
        block = block_of(tuple(of_every_type()), "prague", 1)
        block = replace(block, withdrawals=(Withdrawal(0, 0, paid, 1),))
        working.read_ahead(Block.decode(block.encode()))
        before = misses(working.state)
        assert all(before)
        state = working.state
        named = (*SENDERS[:4], *RECIPIENTS[:5], LISTED, COUNTER, paid, block.header.coinbase)
        for address in named:
            state.account(address)
        counter = state.account(COUNTER)
        assert counter is not None
        assert state.code(counter.code_hash)
        assert [state.storage(COUNTER, slot) for slot in (1, 2)] == [1, 2]
        assert state.storage(SENDERS[3], 2**256 - 1) == 0
        assert misses(state) == before


def test_what_the_last_blocks_changed_is_read_when_a_chain_is_opened(tmp_path: Path) -> None:
    with Chain.open(tmp_path, genesis(), workers=1) as chain:
        made = grown(chain, 6)
        following = child(chain)
    KNOWN_SENDERS.clear()
    with Chain.open(tmp_path, workers=1) as chain:
        assert [each.block for each in chain.import_blocks([following])] == [following]
        assert chain._working is not None
        before = misses(chain._working.state)
        for each in made:
            for transaction in each.transactions:
                assert transaction.to is not None
                chain._working.state.account(transaction.to)
        assert misses(chain._working.state) == before
        assert set(chain.hit_rates()) <= {"accounts", "slots", "codes", "nodes"}
