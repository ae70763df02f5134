"""The official TransactionTests: valid or not in each fork, hash, sender and intrinsic gas."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.ethereum.official import documents

from blockstm.cli.fixtures.exceptions import reasons_named
from blockstm.errors import DecodeError
from blockstm.ethereum.blocks.transaction import Transaction
from blockstm.ethereum.rules.intrinsic_gas import intrinsic_gas
from blockstm.ethereum.rules.reasons import Reason
from blockstm.ethereum.rules.transaction_rules import transaction_violation
from blockstm.vm.forks import HOMESTEAD, Fork, fork_named

ARCHIVE = "ethereum-tests-basic.tar.xz"
FOLDERS = (
    "ttAddress",
    "ttData",
    "ttEIP1559",
    "ttEIP2028",
    "ttEIP2930",
    "ttEIP3860",
    "ttGasLimit",
    "ttGasPrice",
    "ttNonce",
    "ttRSValue",
    "ttSignature",
    "ttVValue",
    "ttValue",
    "ttWrongRLP",
)


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_transaction_is_what_the_tests_say(folder: str) -> None:
    cases = 0
    for path, document in documents(ARCHIVE, f"TransactionTests/{folder}/"):
        for name, case in document.items():
            encoding = bytes.fromhex(case["txbytes"][2:])
            for network, expected in case["result"].items():
                cases += 1
                where = f"{path}:{name} {network}"
                _check(encoding, fork_named(network), expected, where)
    assert cases > 20


def _check(encoding: bytes, fork: Fork, expected: dict[str, Any], where: str) -> None:
    found = _refusal(encoding, fork)
    if "exception" in expected:
        assert found in reasons_named(expected["exception"]), where
        return
    assert found is None, where
    transaction = Transaction.decode(encoding)
    assert replace(transaction).encode() == encoding, where  # not from the bytes it keeps
    assert f"0x{transaction.hash.hex()}" == expected["hash"], where
    assert f"0x{_sender(transaction, fork).hex()}" == expected["sender"], where
    gas = intrinsic_gas(transaction, fork).total
    assert gas == int(expected["intrinsicGas"], 16), where


def _refusal(encoding: bytes, fork: Fork) -> Reason | None:
    try:
        transaction = Transaction.decode(encoding)
        violation = transaction_violation(transaction, fork, 1)
        if violation is not None:
            return violation.reason
        _sender(transaction, fork)
    except DecodeError:
        return Reason.MALFORMED
    return None


def _sender(transaction: Transaction, fork: Fork) -> bytes:
    from blockstm.ethereum.execution.senders import recover_senders

    (sender,) = recover_senders([transaction], high_s_allowed=fork < HOMESTEAD)
    return sender
