"""The examples do what they say."""

from __future__ import annotations

import importlib
import runpy
from dataclasses import replace
from pathlib import Path

import pytest
from examples.c_vm.payments import Payments, compiled

import blockstm
from blockstm.bench.blocks.perceptrons import drawn_network
from blockstm.cli import main
from blockstm.ethereum import prepare_file

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_the_vm_in_c_pays_and_refuses(tmp_path: Path) -> None:
    vm = Payments(compiled(tmp_path))
    result = blockstm.execute_block([(1, 2, 5), (2, 3, 4), (2, 3, 4)], {1: 10}, vm)
    assert [outcome.status for outcome in result.outcomes] == ["success", "success", "reverted"]
    assert str(result.outcomes[2].error) == "insufficient funds"
    assert result.writes == {1: 5, 2: 1, 3: 4}


def test_the_vm_in_c_is_equal_on_two_workers(tmp_path: Path) -> None:
    vm = Payments(compiled(tmp_path))
    block = [(index % 7, (index * 3 + 1) % 7, index % 5 + 1) for index in range(2_000)]
    state = dict.fromkeys(range(7), 20)
    alone = blockstm.execute_block(block, state, vm, workers=1)
    together = blockstm.execute_block(block, state, vm, workers=2)
    assert together.writes == alone.writes
    assert [each.status for each in together.outcomes] == [each.status for each in alone.outcomes]


def test_the_shards_of_the_example_receive_all_that_they_send(
    capsys: pytest.CaptureFixture[str],
) -> None:
    module = importlib.import_module("examples.shards")
    assert len(set(module.main(rounds=2))) == module.SHARDS
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith(f"round 1: {module.SHARDS * len(module.KEYS)} messages sent, ")
    assert printed[-1] == "everything has arrived: 0 wei in flight"


def test_the_demo_runs_and_compares(capsys: pytest.CaptureFixture[str]) -> None:
    demo = runpy.run_path(str(EXAMPLES / "demo.py"))
    demo["main"](numbers=(46147, 1150000, 19426587), gas=10**7)
    printed = capsys.readouterr().out
    for block in ("46147", "1150000", "19426587"):
        assert block in printed
    assert printed.count("state root") == 2
    assert "the receipts are equal" in printed
    assert "Equal: every output, log and write" in printed


def test_the_demo_fails_where_a_block_differs_from_its_header() -> None:
    demo = runpy.run_path(str(EXAMPLES / "demo.py"))
    file = demo["file_of"](19426587)
    header = replace(file.block.header, state_root=bytes(32))
    prepared = prepare_file(replace(file, block=replace(file.block, header=header)))
    with blockstm.Executor(workers=1) as executor:
        run = prepared.run(executor.execute_block)
    with pytest.raises(AssertionError, match="state_root"):
        demo["checked"](prepared, run)


def test_an_inference_in_a_block_is_proved_to_somebody_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("eth_keys", reason="it comes with py-evm")
    example = runpy.run_path(str(EXAMPLES / "proved_inference.py"))
    bundle = example["main"](drawn_network([64, 32, 10]), tmp_path)
    path, genesis = str(tmp_path / "inference.bundle"), str(tmp_path / "genesis.json")
    verify = ["verify", path, "--genesis", genesis, "--ai"]
    root = f"0x{bundle.witness.parent_state_root.hex()}"
    assert main([*verify, "--parent-root", root]) == 0
    for part in ("start", "0", "end"):
        assert main([*verify, "--transaction", part]) == 0
    assert main(["verify", path, "--genesis", genesis]) == 1  # a chain without the instructions
    assert "INVALID" in capsys.readouterr().out


def test_the_digits_are_read_on_chain_as_off_chain(tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="no wheels for this Python")
    pytest.importorskip("sklearn", reason="no wheels for this Python")
    reports = importlib.import_module("examples.digits.main").main(3, 100, tmp_path)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["cnn.onnx", "mlp.onnx"]
    for report in reports.values():
        assert report.is_equal
        assert report.real > 0.85
        assert abs(report.on_chain - report.off_chain) <= 0.01
        assert report.off_chain >= report.real - 0.03


def test_the_inspector_counts_what_the_block_does() -> None:
    seen = runpy.run_path(str(EXAMPLES / "inspector.py"))["main"]()
    assert sum(seen.called.values()) == 40
    assert seen.slots.most_common(1)[0][1] == 80  # one counter, read and written by each
    assert sorted(seen.slots.values())[:-1] == [5] * 8


def test_the_example_of_building_counts_what_was_paid_for() -> None:
    value, built = runpy.run_path(str(EXAMPLES / "building.py"))["main"](blocks=2)
    assert value == 2 * (1 + 2 + 3)
    assert [len(each.block.transactions) for each in built] == [3, 3]
    assert [each.rejected[0].reason for each in built] == ["nonce_too_high"] * 2


def test_the_example_of_a_chain_of_ones_own_has_its_rules(
    capsys: pytest.CaptureFixture[str],
) -> None:
    fees = runpy.run_path(str(EXAMPLES / "own_chain.py"))["main"](blocks=3)
    assert fees == [996_000_000, 992_016_000, 988_047_936]
    assert "abc backwards is cba" in capsys.readouterr().out


def test_the_market_of_compute_comes_to_what_it_means(capsys: pytest.CaptureFixture[str]) -> None:
    ways = importlib.import_module("examples.compute_market.main").main(
        epochs=2, gas=2 * 10**6, times=1
    )
    assert [*ways] == ["one worker", "two workers", "two, with hints"]
    printed = capsys.readouterr().out
    assert printed.count("each number as meant") == 2
    assert "a block of jobs: 32 transactions" in printed


def test_pools_trade_on_chain_as_in_python(capsys: pytest.CaptureFixture[str]) -> None:
    books = importlib.import_module("examples.ai_dex.main").main(blocks=60)
    assert [*books] == [0, 5, 30, 60, 100]
    for fee, book in books.items():
        assert book.swaps > 0
        assert book.fee_average == fee or not fee
        assert book.fees > 0
    assert books[5].lost > books[100].lost  # a low fee leaves more to arbitrage
    assert "every swap gave on chain what it gave here" in capsys.readouterr().out


def test_the_network_of_fees_tells_wild_times_from_quiet_ones() -> None:
    np = pytest.importorskip("numpy", reason="no wheels for this Python")
    training = importlib.import_module("examples.ai_dex.training")
    given, places = training.examples_of(99, 300)
    ask = importlib.import_module("examples.ai_dex.market").new_pool(0).fee_of
    fees = np.array([ask(row.astype(np.int8).tobytes()) for row in given])
    assert fees[places >= 4].mean() > 1.3 * fees[places < 4].mean()
    layers = training.trained(given, places, rounds=2)
    assert [len(layer["weights"]) for layer in layers] == [16, 8]
    assert all(-128 <= each <= 127 for layer in layers for row in layer["weights"] for each in row)


def test_agents_spread_when_they_see_the_signals() -> None:
    signals = importlib.import_module("examples.agents.main").main(agents=400, blocks=3)
    first, *later = signals
    assert all(each.longest_chain < first.longest_chain / 1.5 for each in later)
    assert all(each.failures == 0 and each.transactions == 400 for each in signals)
