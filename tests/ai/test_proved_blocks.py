"""A block that uses the instructions, proved on one machine and verified on another."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.ai.test_deployments import INPUTS, MODEL

from blockstm import ai
from blockstm.bench.blocks.signing import Signer, addresses_of_keys
from blockstm.chain import Chain, prove_block
from blockstm.cli import main
from blockstm.ethereum import (
    Activation,
    BlockAttributes,
    Bundle,
    Transaction,
    build_block,
    fork_named,
)
from blockstm.ethereum import Chain as Spec
from blockstm.ethereum.genesis import parse_genesis

CHAIN_ID = 1337
FORKS = {"chainId": CHAIN_ID, "terminalTotalDifficulty": 0, "londonBlock": 0, "shanghaiTime": 0}
SPEC = Spec(
    CHAIN_ID,
    (Activation(fork_named("shanghai"), block=0),),
    precompiles=ai.precompiles(),
)


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    """Of a block that asks a model which blocks before it have deployed."""
    return proved(SPEC)


def proved(spec: Spec, *others: bytes) -> Bundle:
    """Such a bundle, of a chain with these rules; the block calls other addresses, too."""
    signer = Signer()
    (key,) = signer.new_keys(1)
    (owner,) = addresses_of_keys([key])
    deployment = ai.Deployment(MODEL, owner)

    def signed(nonce: int, to: bytes | None, data: bytes, gas: int) -> Transaction:
        unsigned = Transaction(
            type=2, nonce=nonce, gas=gas, to=to, value=0, data=data, v=0, r=0, s=0,
            chain_id=CHAIN_ID, max_priority_fee_per_gas=1, max_fee_per_gas=10**9,
        )  # fmt: skip
        parity, r, s = signer.sign(unsigned.signing_hash, key)
        return replace(unsigned, v=parity, r=r, s=s)

    made = [signed(each.nonce, None, each.initcode, each.gas) for each in deployment.steps]
    asked = [
        signed(len(made) + place, deployment.contract, data, 2_000_000)
        for place, data in enumerate(INPUTS)
    ]
    nonce = len(made) + len(asked)
    asked += [signed(nonce + place, to, b"", 100_000) for place, to in enumerate(others)]
    document = {
        "gasLimit": hex(200_000_000),
        "baseFeePerGas": "0x7",
        "alloc": {owner.hex(): {"balance": hex(10**20)}},
    }
    with Chain.in_memory(parse_genesis(document, chain=spec)) as chain:
        for time, transactions in enumerate((made, asked), 1):
            built = build_block(
                chain.head.header,
                transactions,
                chain.state_at(chain.head.number),
                attributes=BlockAttributes(timestamp=12 * time),
                chain=spec,
                on_unfit="raise",
            )
            assert all(receipt.succeeded for receipt in built.executed.receipts)
            chain.import_block(built.block)
        return prove_block(chain, 2)


def verdict(folder: Path, bundle: Bundle, capsys: pytest.CaptureFixture[str], *more: str) -> str:
    (folder / "block.bundle").write_bytes(bundle.encode())
    (folder / "genesis.json").write_text(
        json.dumps({"config": FORKS, "gasLimit": "0x1", "alloc": {}})
    )
    command = ["verify", str(folder / "block.bundle"), "--genesis", str(folder / "genesis.json")]
    status = main([*command, *more])
    printed = capsys.readouterr()
    return f"{status} {printed.out}{printed.err}"


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_block_with_inferences_is_verified_alone(
    bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str], workers: str
) -> None:
    said = verdict(tmp_path, bundle, capsys, "--ai", "--workers", workers)
    assert said.startswith("0 "), said


def test_without_the_instructions_it_is_another_block(
    bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = verdict(tmp_path, bundle, capsys)
    assert said.startswith("1 "), said


def test_a_block_is_verified_with_the_instructions_of_its_chain(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where a chain of version 1 has nothing, a later one has an instruction, which takes all gas
    of this call."""
    spec = replace(SPEC, precompiles=ai.precompiles(version=1))
    bundle = proved(spec, ai.ADDRESSES["multiply"])
    for version, status in (("--ai-version=1", 0), ("--ai-version=2", 1), ("--ai", 1)):
        said = verdict(tmp_path, bundle, capsys, version)
        assert said.startswith(f"{status} "), said
    for options in (["--ai", "--ai-version", "1"], ["--ai-version", "1"]):
        assert verdict(tmp_path, bundle, capsys, *options).startswith("0 ")
    said = verdict(tmp_path, bundle, capsys, "--ai-version", "3")
    assert said.startswith("2 "), said
    assert "has the versions 1 to 2, not 3" in said


def test_the_codes_that_are_read_belong_to_the_witness(bundle: Bundle) -> None:
    assert set(MODEL.codes()) <= set(bundle.witness.codes)


def test_a_changed_weight_never_passes(
    bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, *others = sorted(bundle.witness.codes, key=len, reverse=True)
    assert first in MODEL.codes()
    changed = first[:-1] + bytes([first[-1] ^ 1])
    lie = replace(bundle, witness=replace(bundle.witness, codes=tuple(sorted((changed, *others)))))
    said = verdict(tmp_path, lie, capsys, "--ai")
    assert said.startswith("2 ")
    assert "no node refers to it" in said
