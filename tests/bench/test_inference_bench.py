"""The network in opcodes answers as by instructions, and its table has both."""

from __future__ import annotations

import pytest
from bench.inference_table import inference_section

from blockstm.bench.inference import Network, compare


@pytest.mark.parametrize("shape", [(4, 1, 2), (5, 3, 4)])
def test_both_ways_answer_the_same(shape: tuple[int, int, int]) -> None:
    """`compare` checks it; the places differ, so more than a constant is compared."""
    found = compare(Network.drawn(*shape), readings=6, rounds=1)
    assert len(set(found.answers)) > 1
    assert found.gas < found.plain_gas


def test_the_table_has_networks_and_kernels() -> None:
    network = {
        "network": "small", "work": 9, "plain_gas": 2000, "gas": 100, "plain_ms": 5.0, "ms": 0.02,
        "faster": 250.0,
    }  # fmt: skip
    kernel = {"product": "1x1x1", "kernel": "plain", "gigamacs": 2.5, "megagas": 100.0}
    section = inference_section([{"inference": network}, {"inference_kernel": kernel}])
    assert "| small | 9 | 2,000 | 100 | 5.00 | 0.020 | 250x |  |" in section
    assert "| 1x1x1 | plain | 2.5 | 100 |  |" in section
    assert inference_section([]) == ""
