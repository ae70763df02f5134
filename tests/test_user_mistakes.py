"""What somebody does wrong on the first day, and what they are told: what was given, what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.ethereum.documents import block_document

import blockstm
from blockstm.ethereum import (
    AccountState,
    Activation,
    Block,
    Header,
    Receipt,
    Transaction,
    Withdrawal,
    fork_named,
)

EMPTY = AccountState({})


def some_block() -> Block:
    from blockstm.ethereum.files.block_files import parse_block_file

    return parse_block_file(block_document()).block


def execute(*block: Any, **options: Any) -> Any:
    return blockstm.execute_block(*block, **options)


def transaction(**members: Any) -> Transaction:
    given = {"type": 0, "nonce": 0, "gas": 21_000, "to": bytes(20), "value": 0, "data": b""}
    return Transaction(**given | {"v": 27, "r": 1, "s": 1, "gas_price": 1} | members)


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        (lambda: execute(some_block(), EMPTY, "EVM"), "'EVM'; did you mean 'evm'?"),
        (lambda: execute(some_block(), EMPTY, "pyevm"), "'pyevm'; did you mean 'py-evm'?"),
        (lambda: execute([], {}, print, worker=2), "'worker'; did you mean 'workers'?"),
        (lambda: execute([], {}, print, onInvalid="skip"), "did you mean 'on_invalid'?"),
        (lambda: execute(some_block(), EMPTY, "evm", parents=1), "did you mean 'parent'?"),
        (
            lambda: execute(some_block(), EMPTY, "evm", parent=some_block()),
            "pass parent.header",
        ),
        (
            lambda: blockstm.Executor().execute_block([], {}, print, workers=2),
            "Executor(workers=...)",
        ),
        (lambda: Block.decode("0xf90201"), "bytes.fromhex(digits.removeprefix('0x'))"),
        (lambda: Transaction.decode("0xf8"), "transaction: an encoding is bytes, not '0xf8'"),
        (lambda: Header.decode("0xf8"), "header: an encoding is bytes, not '0xf8'"),
        (lambda: Receipt.decode("0xf8"), "receipt: an encoding is bytes, not '0xf8'"),
        (lambda: Withdrawal.decode("0xf8"), "an encoding is bytes, not '0xf8'"),
        (lambda: Block.decode(None), "block: an encoding is bytes, not None"),
        (lambda: transaction(data="0x").encode(), "transaction.data is bytes, not '0x'"),
        (lambda: Activation(fork_named("london")), "block=, timestamp= or total_difficulty="),
    ],
)
def test_a_mistake_is_told_with_its_mending(mistake: Callable[[], object], words: str) -> None:
    with pytest.raises(blockstm.UsageError) as told:
        mistake()
    assert words in str(told.value)
