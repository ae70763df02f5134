"""Handwritten digits read on chain: two networks trained, quantised, compiled, deployed, called.

Accuracy as real numbers, as ONNX Runtime computes the quantised model, and as the chain does; what
the chain answers is compared with what the same program gives off chain, bit for bit. Needs the
extra ``ai``, scikit-learn and onnxruntime.

Run it: ``python -m examples.digits.main``. With the name of a folder it writes both there, .onnx.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import onnxruntime
from examples.digits.exporting import quantised
from examples.digits.training import apply, dataset, train

import blockstm
from blockstm import ai
from blockstm.ai.compiling import compile_onnx
from blockstm.ethereum import Account, AccountState, Transaction
from blockstm.types import Address
from blockstm.vm.evm import BlockContext, Evm, Signed

__all__ = ["Report", "main", "read_on_chain"]

DEPLOYER, CALLER = Address(b"\x01" * 20), Address(b"\x02" * 20)
BLOCK = BlockContext(
    number=1, timestamp=1, coinbase=bytes(20), gas_limit=500_000_000, base_fee_per_gas=0
)


class Report(NamedTuple):
    """Of one network: shares of digits that are read right, and the gas of reading one."""

    real: float
    off_chain: float
    on_chain: float
    gas: int
    is_equal: bool


def transaction(to: Address | None, data: bytes, nonce: int, gas: int) -> Transaction:
    """One that pays nothing for gas and whose sender is taken at his word."""
    return Transaction(
        type=0, nonce=nonce, gas=gas, to=to, value=0, data=data, v=0, r=0, s=0, gas_price=0
    )


def read_on_chain(
    model: ai.Model, inputs: list[bytes], *, gas: int = 1_000_000, block: BlockContext = BLOCK
) -> list[Any]:
    """One block that deploys a model and calls it with each input; what the calls came to.

    ``gas`` is what each call has.
    """
    deployment = ai.Deployment(model, DEPLOYER)
    steps = [
        Signed(transaction(None, step.initcode, step.nonce, step.gas), sender=DEPLOYER)
        for step in deployment.steps
    ]
    steps += [
        Signed(transaction(deployment.contract, data, nonce, gas), sender=CALLER)
        for nonce, data in enumerate(inputs)
    ]
    state = AccountState({DEPLOYER: Account(10**18), CALLER: Account(10**18)})
    evm = Evm("cancun", block, precompiles=ai.precompiles())
    result = blockstm.execute_block(steps, state, evm, workers=2)
    return [outcome.value for outcome in result.outcomes[-len(inputs) :]]


def by_onnxruntime(model: Any, images: Any) -> Any:
    """The ten numbers for each image."""
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return np.concatenate(
        [session.run(None, {"image": image[None].astype(np.float32)})[0] for image in images]
    )


def report(kind: str, rounds: int, count: int, folder: Path | None = None) -> Report:
    """Train a network and read the first so many digits that it has not seen; write it to a folder,
    if one is given."""
    images, digits, unseen, answers = dataset()
    unseen, answers = unseen[:count], answers[:count]
    layers = train(kind, images, digits, rounds)
    exported = quantised(layers, images, kind)
    if folder is not None:
        folder.mkdir(exist_ok=True)
        onnx.save(exported, folder / f"{kind}.onnx")
    model = compile_onnx(exported)
    inputs = [model.quantised(image.reshape(-1)) for image in unseen]
    calls = read_on_chain(model, inputs)
    numbers = np.array([model.real(call.output) for call in calls])

    def share(given: Any) -> float:
        return float((given.argmax(axis=1) == answers).mean())

    return Report(
        share(apply(layers, unseen)),
        share(by_onnxruntime(exported, unseen)),
        share(numbers),
        calls[0].gas_used,
        [call.output for call in calls] == [model.run(data) for data in inputs],
    )


def main(rounds: int = 12, count: int = 400, folder: Path | None = None) -> dict[str, Report]:
    """Both networks."""
    print(f"{'network':8} {'real':>6} {'ONNX Runtime':>13} {'on chain':>9} {'gas':>9}  bit for bit")
    reports = {}
    for kind in ("mlp", "cnn"):
        found = reports[kind] = report(kind, rounds, count, folder)
        print(
            f"{kind:8} {found.real:6.1%} {found.off_chain:13.1%} {found.on_chain:9.1%} "
            f"{found.gas:9,}  {'equal' if found.is_equal else 'DIFFERENT'}"
        )
    return reports


if __name__ == "__main__":
    main(folder=Path(sys.argv[1]) if len(sys.argv) > 1 else None)
