"""``blockstm ai``: models compiled, inferences proved and verified."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.ai.networks import Network

from blockstm.cli import main


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A quantised model of one layer in a file."""
    network = Network([1, 24])
    value = network.rounded("given", 0.03, 117)
    made = network.node("Gemm", value, network.weights(10, 24, scales=10), transB=1)
    path = tmp_path / "one_layer.onnx"
    path.write_bytes(network.model(network.rounded(made, 0.05, 120)).SerializeToString())
    return path


def test_a_model_becomes_transactions_and_a_contract(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deployer = "0x" + "11" * 20
    assert main(["ai", "compile", str(model), "--deployer", deployer, "--nonce", "5"]) == 0
    folder = model.with_suffix("")
    transactions = json.loads((folder / "transactions.json").read_text())
    assert [each["nonce"] for each in transactions] == ["0x5", "0x6", "0x7"]
    assert {each["from"] for each in transactions} == {deployer}
    described = json.loads((folder / "model.json").read_text())
    assert described["input"]["shape"] == [24]
    assert described["multiplyAccumulates"] == 240
    assert described["program"]["hash"] in capsys.readouterr().out
    assert "def infer" in (folder / "contract.vy").read_text()


def test_an_inference_is_proved_and_verified(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = tmp_path / "given.bin"
    given.write_bytes(bytes(range(24)))
    bundle = tmp_path / "given.inference"
    assert main(["ai", "prove", str(model), str(given)]) == 0
    proved = capsys.readouterr().out.partition("model ")[2]
    assert main(["ai", "verify", str(bundle), "--model", proved.partition(",")[0]]) == 0
    verified = capsys.readouterr().out
    assert "verified in" in verified
    assert verified.endswith(proved)
    changed = bytearray(bundle.read_bytes())
    changed[-1] ^= 1
    bundle.write_bytes(changed)
    assert main(["ai", "verify", str(bundle)]) == 1
    assert "NOT VERIFIED" in capsys.readouterr().out


def test_the_hash_that_compiling_tells_is_that_of_an_inference(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = tmp_path / "given.bin"
    given.write_bytes(bytes(24))
    assert main(["ai", "prove", str(model), str(given)]) == 0
    for deployer in ("0x" + "11" * 20, "0x" + "22" * 20):  # the deployer changes nothing
        capsys.readouterr()
        assert main(["ai", "compile", str(model), "--deployer", deployer]) == 0
        told = json.loads((model.with_suffix("") / "model.json").read_text())["hash"]
        assert f"model {told}" in capsys.readouterr().out
        verify = ["ai", "verify", str(given.with_suffix(".inference")), "--model"]
        assert main([*verify, told]) == 0
    assert main([*verify, "0x" + "00" * 32]) == 1


def test_what_cannot_be_compiled_or_read_is_said(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    network = Network([1, 24])
    output = network.node("Erf", network.rounded("given", 0.03, 117))
    model.write_bytes(network.model(output).SerializeToString())
    assert main(["ai", "compile", str(model)]) == 2
    assert "layer erf_2: there is no instruction for Erf" in capsys.readouterr().err
    short = tmp_path / "short"
    short.write_bytes(b"\xc0")
    assert main(["ai", "verify", str(short)]) == 2
    assert "an inference is five items" in capsys.readouterr().err
    assert main(["ai", "verify", str(tmp_path / "none")]) == 2
    assert "none" in capsys.readouterr().err
