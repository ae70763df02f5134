"""Both asked for the same answers, timed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Final

from blockstm.ai import Deployment, precompiles
from blockstm.bench.inference.network import Network
from blockstm.bench.inference.plain_network import plain_contract, weights_code
from blockstm.config import Config
from blockstm.ethereum import Account, AccountState, Transaction
from blockstm.executor import Executor
from blockstm.types import Address
from blockstm.vm.evm import BlockContext, Evm, Signed

__all__ = ["Comparison", "compare"]

_DEPLOYER, _CALLER = Address(b"\x01" * 20), Address(b"\x02" * 20)
_HOLDERS: Final = (Address(b"\xa1" * 20), Address(b"\xa2" * 20))
_PLAIN: Final = Address(b"\xb1" * 20)
_BLOCK: Final = BlockContext(
    number=1, timestamp=1, coinbase=bytes(20), gas_limit=1 << 40, base_fee_per_gas=0
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A reading of one network both ways.

    Attributes:
        work: multiply-accumulates.
        plain_gas, gas: of a transaction.
        plain_ms, ms: each, at the best of the rounds, with one worker.
        answers: the places that both found.
    """

    work: int
    plain_gas: int
    gas: int
    plain_ms: float
    ms: float
    answers: tuple[int, ...]

    @property
    def faster(self) -> float:
        """The time in opcodes over that by instructions."""
        return self.plain_ms / self.ms


def compare(network: Network, *, readings: int = 4, rounds: int = 5) -> Comparison:
    """Blocks of readings, each block only in opcodes or only by instructions, in turn.

    Raises:
        AssertionError: the answers are not the same.
    """
    model = network.model()
    deployment = Deployment(model, _DEPLOYER)
    contracts = {
        _PLAIN: plain_contract(network, _HOLDERS),
        **dict(zip(_HOLDERS, map(weights_code, network.layers), strict=True)),
        **deployment.codes,
    }
    accounts = {at: Account(nonce=1, code=code) for at, code in contracts.items()}
    state = AccountState({**accounts, _CALLER: Account(10**18)})
    evm = Evm("cancun", _BLOCK, precompiles=precompiles())
    rng = random.Random(2)
    images = [rng.randbytes(network.input_bytes) for _ in range(readings)]
    best = {_PLAIN: float("inf"), deployment.contract: float("inf")}
    outcomes: dict[Address, list[Any]] = {}
    with Executor(Config(workers=1)) as executor:
        for _ in range(rounds):
            for contract in best:
                steps = [_asking(contract, image, at) for at, image in enumerate(images)]
                begin = perf_counter()
                result = executor.execute_block(steps, state, evm)
                best[contract] = min(best[contract], perf_counter() - begin)
                outcomes[contract] = [outcome.value for outcome in result.outcomes]
    plain, fast = outcomes[_PLAIN], outcomes[deployment.contract]
    found = [each.output for each in plain]
    assert found == [each.output for each in fast] == [model.run(image) for image in images]
    return Comparison(
        model.work,
        plain[0].gas_used,
        fast[0].gas_used,
        1000 * best[_PLAIN] / readings,
        1000 * best[deployment.contract] / readings,
        tuple(int.from_bytes(each, "big") for each in found),
    )


def _asking(contract: Address, image: bytes, nonce: int) -> Signed:
    transaction = Transaction(
        type=0, nonce=nonce, gas=1 << 32, to=contract, value=0, data=image, v=0, r=0, s=0,
        gas_price=0,
    )  # fmt: skip
    return Signed(transaction, sender=_CALLER)
