"""Recordings: what a block took and touched in order, the same as its accesses and its gas."""

from __future__ import annotations

import pytest
from tests.fixtures import mainnet_block

import blockstm
from blockstm.bench.blocks.workloads import block_workload
from blockstm.errors import InputError
from blockstm.ethereum import read_block_file
from blockstm.insight.recording import Steps, record, record_file

BLOCK = 12_300_570


def test_a_block_file_is_recorded() -> None:
    file = read_block_file(mainnet_block(BLOCK))
    recording = record_file(file, repeats=1)
    executed = blockstm.execute_block(
        file.block, file.state(), "evm", block_hashes=file.block_hashes, accesses=True
    )
    assert executed.accesses is not None
    assert len(recording) == len(file.block.transactions)
    assert list(recording.accesses) == list(executed.accesses)
    assert recording.dependencies == executed.dependencies
    assert sum(recording.gas) == executed.gas_used
    assert all(each > 0 for each in recording.run_ns + recording.commit_ns)


def test_the_steps_of_a_workload_are_recorded() -> None:
    workload = block_workload("pool-chain", gas=1_000_000)
    places = range(len(workload.steps))
    steps = Steps(workload.name, workload.steps, workload.state, workload.evm, places)
    recording = record(steps, repeats=1)
    assert recording.dependencies == ((), *((n - 1,) for n in places[1:]))


def test_the_list_of_a_workload_counts_its_transactions_from_one() -> None:
    """As that of any block: what is before them has the index 0, whether or not it is there."""
    workload = block_workload("pool-chain", gas=1_000_000)
    places = range(len(workload.steps))
    steps = Steps(workload.name, workload.steps, workload.state, workload.evm, places)
    recording = record(steps, repeats=1)
    nonces = {each.address: each.nonce_changes for each in recording.access_list.accounts}
    changed = {index: nonce for found in nonces.values() for index, nonce in found}
    assert sorted(changed) == [place + 1 for place in places]


def test_a_block_is_timed_once_or_more() -> None:
    with pytest.raises(InputError, match="once or more"):
        record_file(read_block_file(mainnet_block(BLOCK)), repeats=0)
