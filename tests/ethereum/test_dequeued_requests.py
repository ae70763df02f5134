"""What access lists say of requests that leave their queues at the end of blocks (EIP-7928).

The queues of EIP-7002, EIP-7251 and EIP-8282 over several blocks: more requests than a block lets
out, the rest in the next one, then none. What is expected is put together from the queues' layout:
four control slots (excess, count, head, tail), and behind them the records, of some slots each.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pytest
from eth_typing import Address
from tests.ethereum.official import documents
from tests.evm.world_blocks import COINBASE, context, contract, transaction, world

from blockstm import execute_block, reference
from blockstm.cli.fixtures import values
from blockstm.ethereum.blocks.access_list import AccountAccess
from blockstm.ethereum.results.accesses import fold_accesses
from blockstm.ethereum.rules.requests import (
    BUILDER_DEPOSIT_CONTRACT,
    BUILDER_EXIT_CONTRACT,
    CONSOLIDATION_CONTRACT,
    WITHDRAWAL_CONTRACT,
    request_contracts,
)
from blockstm.state.accounts import Account, AccountState, balance_of
from blockstm.vm.evm import BlockEnd, Evm
from blockstm.vm.forks import AMSTERDAM

ARCHIVE = "eest-amsterdam-glamsterdam-devnet-8.tar.xz"
A = Address(b"\x0a" * 20)
EXCESS, COUNT, HEAD, TAIL = range(4)
TRANSACTION, END = 1, 2  # block access indexes, where a block has one transaction
ETHER = 10**18
BROKEN_MAX = 100  # bytes of code: some tests replace a contract by one that fails


@dataclass(frozen=True)
class Queue:
    """A contract that collects requests.

    Attributes:
        data: of a request.
        value: that comes with it, in wei.
        most: that a block lets out.
        output: where the requests are among the system outputs.
    """

    contract: Address
    data: bytes
    value: int
    most: int
    output: str


QUEUES = {
    "withdrawals": Queue(WITHDRAWAL_CONTRACT, b"\x11" * 56, 99, 16, "withdrawal_requests"),
    "consolidations": Queue(CONSOLIDATION_CONTRACT, b"\x11" * 96, 99, 2, "consolidation_requests"),
    "builder deposits": Queue(
        BUILDER_DEPOSIT_CONTRACT,
        b"\x11" * 80 + (10**9).to_bytes(8, "big") + b"\x11" * 96,
        ETHER + 99,
        64,
        "builder_deposit_requests",
    ),
    "builder exits": Queue(BUILDER_EXIT_CONTRACT, b"\x11" * 48, 99, 16, "builder_exit_requests"),
}


@cache
def system_contracts() -> dict[Address, Account]:
    """The contracts as the official tests have them, without storage."""
    for _, document in documents(ARCHIVE, "blockchain_tests/amsterdam/eip8282"):
        for test in document.values():
            accounts = values.accounts(test["pre"], "pre")
            wanted = request_contracts(AMSTERDAM)
            codes = [accounts[each].code or b"" for each in wanted if each in accounts]
            if len(codes) == len(wanted) and min(map(len, codes)) > BROKEN_MAX:
                return {each: replace(accounts[each], storage={}) for each in wanted}
    raise AssertionError("no test has them all")


def sends(queue: Queue, count: int) -> str:
    """A contract that makes so many requests of its call data."""
    request = f"0 0 CALLDATASIZE 0 {queue.value} 0x{queue.contract.hex()} GAS CALL POP "
    return "CALLDATASIZE 0 0 CALLDATACOPY " + request * count


def run_block(state: AccountState, steps: list[Any], execute: Any) -> tuple[AccountAccess, Any]:
    """What a block's list says of its accounts, and the outputs of its end; the state moves on."""
    block = replace(context("amsterdam"), has_access_list=True, gas_limit=10**9)
    before = state.copy()
    steps = [*steps, BlockEnd(collects_requests=True)]
    result = execute(steps, state, Evm("amsterdam", block))
    assert all(outcome.succeeded for outcome in result.outcomes)
    reports = [b"", *(outcome.value.accesses for outcome in result.outcomes)]
    if len(steps) == 1:
        reports.insert(0, b"")  # so that a block's end has the same index in all blocks here
    listed = fold_accesses(reports, lambda address: before.get(balance_of(address), 0))
    state.apply(result.writes)
    return {each.address: each for each in listed.accounts}, result.outcomes[-1].value


def check_control(entry: AccountAccess, now: dict[int, int], state: AccountState) -> None:
    """Each control slot is changed to what it is now, or was read."""
    changed = dict(entry.storage_changes)
    account = state.account(entry.address)
    for slot in (EXCESS, COUNT, HEAD, TAIL):
        assert (slot in changed) != (slot in entry.storage_reads)
        assert account.storage.get(slot, 0) == now.get(slot, account.storage.get(slot, 0))
        if slot in changed:
            assert changed[slot][-1][1] == account.storage.get(slot, 0)


@pytest.mark.parametrize("workers", [0, 1, 2])
@pytest.mark.parametrize("name", QUEUES)
@pytest.mark.parametrize("over", [-1, 0, 1, 2])
def test_a_queue_over_several_blocks(name: str, over: int, workers: int) -> None:
    """``over`` requests more than a block lets out; workers: 0 is the reference."""
    queue = QUEUES[name]

    def execute(steps: list[Any], state: AccountState, vm: Any) -> Any:
        if workers == 0:
            return reference.execute_block(steps, state, vm)
        return execute_block(steps, state, vm, workers=workers)

    count = queue.most + over
    sender = contract(sends(queue, count), balance=100 * ETHER)
    state = AccountState(world({**system_contracts(), A: sender, COINBASE: Account(balance=1)}))
    first = [transaction(0, A, data=queue.data, gas=100_000_000)]

    entries, outputs = run_block(state, first, execute)
    entry = entries[queue.contract]
    record = len(getattr(outputs, queue.output)) // min(count, queue.most)
    records = [slot for slot, _ in entry.storage_changes if slot > TAIL]
    size, remainder = divmod(len(records), count)
    assert size >= 2
    assert remainder == 0
    assert all(
        [index for index, _ in changes] == [TRANSACTION]
        for slot, changes in entry.storage_changes
        if slot in records
    )
    left = max(over, 0)
    assert [slot for slot in entry.storage_reads if slot > TAIL] == []  # they are changes already
    changes = dict(entry.storage_changes)
    assert changes[COUNT] == ((TRANSACTION, count), (END, 0))
    assert changes.get(HEAD, ()) == (((END, queue.most),) if left else ())
    emptied = () if left else ((END, 0),)
    assert changes[TAIL] == ((TRANSACTION, count), *emptied)
    check_control(entry, {COUNT: 0}, state)

    most = queue.most
    while left:
        entries, outputs = run_block(state, [], execute)
        entry, out = entries[queue.contract], min(left, most)
        assert len(getattr(outputs, queue.output)) == out * record
        begin = len(records) - left * size
        looked_at = [slot for slot in entry.storage_reads if slot > TAIL]
        assert looked_at == records[begin : begin + out * size]
        left -= out
        expected = {HEAD: 0, TAIL: 0} if not left else {HEAD: count - left, TAIL: count}
        check_control(entry, expected, state)
        assert [slot for slot, _ in entry.storage_changes if slot > TAIL] == []

    entries, outputs = run_block(state, [], execute)
    assert getattr(outputs, queue.output) == b""
    check_control(entries[queue.contract], {COUNT: 0, HEAD: 0, TAIL: 0}, state)
    others = set(request_contracts(AMSTERDAM)) - {queue.contract}
    for address in others:
        assert entries[address].storage_reads == (EXCESS, COUNT, HEAD, TAIL)
        assert entries[address].storage_changes == ()


@pytest.mark.parametrize("missing", QUEUES)
def test_a_block_without_a_queues_contract_is_invalid(missing: str) -> None:
    contracts = dict(system_contracts())
    del contracts[QUEUES[missing].contract]
    block = replace(context("amsterdam"), has_access_list=True)
    with pytest.raises(Exception, match="system contract missing"):
        execute_block(
            [BlockEnd(collects_requests=True)],
            AccountState(world(contracts)),
            Evm("amsterdam", block),
        )
