"""Train the network that sets fees: ``python -m examples.ai_dex.training`` (needs NumPy).

It learns from swaps at a pool with a fixed fee to tell how wildly the price elsewhere is going to
move. The fee that it is to name is about twice that. What it learned becomes int8 and is written to
where the package finds it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from examples.ai_dex.market import new_pool
from examples.ai_dex.orders import Moment, arbitrage, moments
from examples.ai_dex.pool import FEES

import blockstm.bench.blocks

__all__ = ["examples_of", "main", "trained"]

_TARGET = Path(blockstm.bench.blocks.__file__).with_name("fee_network.json")
_AHEAD = 16  # blocks, over which the price's moves are measured
_HIDDEN = 16
_FIXED = 30


class _Noted:
    """Names the fixed fee, and keeps what the network would have been given."""

    def __init__(self) -> None:
        self.given: list[bytes] = []

    def __call__(self, signals: bytes) -> int:
        self.given.append(signals)
        return _FIXED


def examples_of(seed: int, blocks: int) -> tuple[Any, Any]:
    """What the network is given at each swap, and the place of the fee that it is to name."""
    happening = list(moments(blocks, seed))
    pool, given, places = new_pool(_FIXED), [], []
    ask = pool.fee_of
    for at, moment in enumerate(happening[: blocks - _AHEAD]):
        pool.fee_of = ask
        found = arbitrage(pool, moment.price, moment.time)
        pool.fee_of = noted = _Noted()
        for order in (*([found] if found else []), *moment.orders):
            pool.swap(*order, moment.time)
        given += noted.given
        places += [_fee_for(happening, at)] * len(noted.given)
    numbers = np.frombuffer(b"".join(given), np.int8).reshape(len(given), -1)
    return numbers.astype(np.float64), np.array(places)


def _fee_for(happening: Sequence[Moment], at: int) -> int:
    prices = [each.price for each in happening[at : at + _AHEAD + 1]]
    moves = [math.log(after / before) * 1e4 for before, after in pairwise(prices)]
    typical = math.sqrt(sum(each**2 for each in moves) / len(moves))
    return min(range(len(FEES)), key=lambda place: abs(FEES[place] - 2 * typical))


def trained(given: Any, places: Any, rounds: int = 40) -> list[dict[str, Any]]:
    """Two layers by gradient descent with momentum, as integers."""
    rng = np.random.default_rng(1)
    arrays = [
        rng.normal(0, 0.5, (_HIDDEN, given.shape[1])), np.zeros(_HIDDEN),
        rng.normal(0, 0.5, (len(FEES), _HIDDEN)), np.zeros(len(FEES)),
    ]  # fmt: skip
    speeds = [np.zeros_like(each) for each in arrays]
    given = given / 32
    for turn in range(rounds):
        rate = 0.05 if turn < rounds // 2 else 0.01
        for batch in np.array_split(rng.permutation(len(given)), len(given) // 64):
            changes = _slopes(arrays, given[batch], places[batch])
            for array, speed, change in zip(arrays, speeds, changes, strict=True):
                speed *= 0.9
                speed -= rate * change
                array += speed
    return _integers(arrays, given)


def _slopes(arrays: Sequence[Any], given: Any, places: Any) -> list[Any]:
    hidden = np.maximum(given @ arrays[0].T + arrays[1], 0)
    numbers = hidden @ arrays[2].T + arrays[3]
    slope = np.exp(numbers - numbers.max(axis=1, keepdims=True))
    slope /= slope.sum(axis=1, keepdims=True)
    slope[np.arange(len(places)), places] -= 1
    slope /= len(places)
    below = slope @ arrays[2] * (hidden > 0)
    return [below.T @ given, below.sum(axis=0), slope.T @ hidden, slope.sum(axis=0)]


def _integers(arrays: Sequence[Any], given: Any) -> list[dict[str, Any]]:
    """The layers in int8: a hidden number of 127 is about the largest that there was."""
    first = np.abs(arrays[0]).max() / 127  # what 1 means in a weight
    sums = first / 32  # and in a sum, as signals are divided by 32
    hidden = np.maximum(given @ arrays[0].T + arrays[1], 0)
    bits = round(math.log2(np.quantile(hidden, 0.999) / 127 / sums))
    second = np.abs(arrays[2]).max() / 127
    outputs = second * sums * 2**bits
    return [
        _layer(arrays[0] / first, arrays[1] / sums, 30 + bits),
        _layer(arrays[2] / second, arrays[3] / outputs, 30),
    ]


def _layer(weights: Any, biases: Any, shift: int) -> dict[str, Any]:
    return {
        "weights": np.rint(weights).astype(int).tolist(),
        "biases": np.rint(biases).astype(int).tolist(),
        "shift": shift,
    }


def main() -> None:
    """Train, and write the network."""
    parts = [examples_of(seed, 4_000) for seed in range(10, 16)]
    given = np.concatenate([part[0] for part in parts])
    layers = trained(given, np.concatenate([part[1] for part in parts]))
    _TARGET.write_text(json.dumps({"fees": FEES, "layers": layers}) + "\n")
    print(f"{len(given):,} swaps; written to {_TARGET}")


if __name__ == "__main__":
    main()
