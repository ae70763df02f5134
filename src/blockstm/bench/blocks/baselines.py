"""Other EVMs on a workload, one transaction after another: how long each takes for one, in s.

The newest revm runs the whole block, as a program of its own (revm.py). An older one (through
pyrevm) and py-evm get the same accounts and the same calls. They run the first few of a workload's
transactions, as their loops are in Python and a whole block would take them minutes; ours is
measured on all of it. Each must use the gas that ours uses, or it has not done the same work:
pyrevm keeps slots warm from call to call and takes what they held before the first for their
original values, so it can be compared only where no two of a workload's transactions meet at a
slot.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from blockstm.bench.bare_blocks import BASE_FEE
from blockstm.bench.blocks.fixture import GAS_PRICE
from blockstm.bench.blocks.revm import revm_seconds
from blockstm.bench.blocks.workloads import BlockWorkload
from blockstm.executor import execute_block
from blockstm.extras import need
from blockstm.vm.evm import Signed

__all__ = ["BASELINES"]

_PYREVM_TRANSACTIONS = 5_000
_PYEVM_TRANSACTIONS = 200


def _signed(workload: BlockWorkload, count: int) -> list[Signed]:
    """The first transactions of a workload."""
    return [step for step in workload.steps[:count] if isinstance(step, Signed)]


def _ours(workload: BlockWorkload, count: int) -> list[int]:
    """The gas that each of the first transactions must use."""
    result = execute_block(workload.steps[:count], workload.state, workload.evm, workers=1)
    return [outcome.gas_used for outcome in result.outcomes]


def _pyrevm(workload: BlockWorkload) -> float | None:
    need("pyrevm", "pyrevm")
    import pyrevm  # an optional extra

    block = workload.evm.block
    evm = pyrevm.EVM(gas_limit=block.gas_limit, spec_id="CANCUN")
    evm.set_block_env(
        pyrevm.BlockEnv(
            number=block.number,
            coinbase=_hex(block.coinbase),
            timestamp=block.timestamp,
            prevrandao=bytes(32),
            basefee=BASE_FEE,
            gas_limit=block.gas_limit,
            excess_blob_gas=0,
        )
    )
    steps = _signed(workload, _PYREVM_TRANSACTIONS)
    wanted = _ours(workload, len(steps))
    touched = _touched(workload, steps)
    for address, account in workload.state.accounts():
        if address not in touched:
            continue
        info = pyrevm.AccountInfo(
            balance=account.balance, nonce=account.nonce, code=account.code or b""
        )
        evm.insert_account_info(_hex(address), info)
        for slot, value in account.storage.items():
            before = evm.snapshot()  # else the slots count as warm
            evm.insert_account_storage(_hex(address), slot, value)
            evm.revert(before)
    prepared = [
        (
            _hex(step.sender),
            _hex(step.transaction.to),
            step.transaction.data,
            step.transaction.value,
            step.transaction.gas,
        )
        for step in steps
    ]

    def run(step: tuple[str, str, bytes, int, int]) -> int:
        sender, to, data, value, gas = step
        evm.message_call(sender, to, data, value=value, gas=gas, gas_price=GAS_PRICE)
        return int(evm.result.gas_used)

    begin = time.perf_counter()
    used = [run(step) for step in prepared]
    taken = time.perf_counter() - begin
    return taken / len(used) if used == wanted else None


def _touched(workload: BlockWorkload, steps: Iterable[Signed]) -> set[bytes]:
    """The accounts that these transactions can touch: senders, receivers, contracts."""
    contracts = {address for address, account in workload.state.accounts() if account.code}
    people = {step.sender for step in steps} | {step.transaction.to for step in steps}
    return contracts | people


def _hex(address: bytes) -> str:
    return "0x" + address.hex()


def _pyevm(workload: BlockWorkload) -> float:
    from blockstm.vm.pyevm import PyEvm  # an optional extra

    steps = _signed(workload, _PYEVM_TRANSACTIONS)
    wanted = _ours(workload, len(steps))
    vm = PyEvm("prague", workload.evm.block)
    transactions = [vm.decode(step.transaction.encode(), step.sender) for step in steps]
    begin = time.perf_counter()
    result = execute_block(transactions, workload.state, vm, workers=1)
    taken = time.perf_counter() - begin
    if [outcome.gas_used for outcome in result.outcomes] != wanted:
        raise AssertionError("py-evm uses other gas than ours")
    return taken / len(steps)


BASELINES: Mapping[str, Callable[[BlockWorkload], float | None]] = MappingProxyType(
    {"revm": revm_seconds, "pyrevm": _pyrevm, "py-evm": _pyevm}
)
"""Name → seconds for a transaction of a workload; None where it cannot be given the same work."""
