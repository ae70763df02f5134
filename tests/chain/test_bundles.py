"""Bundles: a block is checked by one alone, and by no other that says the same."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.chain.growing import child, genesis, random_transactions

import blockstm
from blockstm.chain import Chain, prove_block
from blockstm.cli import main
from blockstm.errors import (
    BlockError,
    DecodeError,
    InputError,
    MissingHeader,
    MissingNode,
    UnknownBlock,
)
from blockstm.ethereum import Bundle, WitnessState, join_chunks
from blockstm.ethereum import Chain as Spec
from blockstm.ethereum.codecs.rlp import decode, encode
from blockstm.ethereum.witnesses.commitment import (
    CHUNK_SIZE,
    ChunkProof,
    commitment,
    prove_chunk,
    prove_chunks,
)

REFUSALS = (BlockError, DecodeError, MissingNode, MissingHeader)
NUMBER = 6


@pytest.fixture(scope="module", params=["london", "shanghai", "amsterdam"])
def chain(request: pytest.FixtureRequest) -> Iterator[Chain]:
    draw = random.Random(9)
    slots = {"slot_number": 1} if request.param == "amsterdam" else {}
    with Chain.in_memory(genesis(request.param), workers=1) as chain:
        for _ in range(8):
            made = random_transactions(chain, chain.head.hash, draw)
            chain.import_block(child(chain, None, made, **slots))
            if slots:
                slots["slot_number"] += 1
        yield chain


def verified(bundle: Bundle, spec: Spec, workers: int = 1) -> None:
    """Execute a bundle's block on its witness, and compare.

    Raises:
        REFUSALS: why it is not found right.
    """
    parent, hashes = bundle.witness.ancestry(bundle.block)
    executed = blockstm.execute_block(
        bundle.block,
        WitnessState(bundle.witness),
        "evm",
        chain=spec,
        parent=parent,
        block_hashes=hashes,
        total_difficulty=bundle.difficulty,
        workers=workers,
        accesses=bundle.hints is not None,
    )
    bundle.compare(executed)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_bundle_is_all_that_is_needed(chain: Chain, workers: int) -> None:
    for number in range(1, 9):
        bundle = prove_block(chain, number)
        data = bundle.encode()
        again = Bundle.decode(data)
        assert again == replace(bundle, block=again.block)  # which has no senders
        assert again.encode() == data == prove_block(chain, chain.block_hash(number)).encode()
        assert again.hash == data[:32]
        assert again.witness.parent_state_root == chain.header(number - 1).state_root
        verified(again, chain.spec, workers)


@pytest.mark.parametrize("depth", [3, 300, 5_000])
def test_a_node_of_boxes_within_boxes_is_no_node(chain: Chain, depth: int) -> None:
    bundle = prove_block(chain, NUMBER)
    for box in (encode, lambda inner: encode([inner])):
        node = bytes(70)
        for _ in range(depth):
            node = box(node)
        nodes = tuple(sorted((*bundle.witness.nodes, node)))
        forged = replace(bundle, witness=replace(bundle.witness, nodes=nodes)).encode()
        with pytest.raises(DecodeError):
            Bundle.decode(forged)


def test_what_was_changed_on_the_way_is_no_bundle(chain: Chain) -> None:
    data, draw = prove_block(chain, NUMBER).encode(), random.Random(3)
    for _ in range(500):
        at, bit = draw.randrange(len(data)), 1 << draw.randrange(8)
        with pytest.raises(DecodeError, match="commits to"):
            Bundle.decode(data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :])
    for cut in (0, 31, 32, len(data) - 1):
        with pytest.raises(DecodeError):
            Bundle.decode(data[:cut])


def test_a_lie_under_a_hash_of_its_own_never_passes(chain: Chain) -> None:
    """But for what made it, for a difficulty that decides no fork, and for other valid blocks."""
    bundle, draw = prove_block(chain, NUMBER), random.Random(4)
    content = bundle.encode()[32:]
    for _ in range(400):
        at, bit = draw.randrange(len(content)), 1 << draw.randrange(8)
        lie = content[:at] + bytes([content[at] ^ bit]) + content[at + 1 :]
        try:
            found = Bundle.decode(commitment(lie) + lie)
            verified(found, chain.spec)
        except REFUSALS:
            continue
        if found.block.hash == bundle.block.hash:
            names = ("engine", "difficulty", "chain_id")
            same = replace(found, **{name: getattr(bundle, name) for name in names})
            assert same.encode() == bundle.encode()


def test_what_differs_is_named(chain: Chain) -> None:
    bundle = next(
        each
        for each in (prove_block(chain, number) for number in range(8, 0, -1))
        if len(each.receipts) > 1
    )
    lies = {
        "receipts[1]": {"receipts": (bundle.receipts[0], bundle.receipts[0])},
        "receipts[0]": {"receipts": ()},
        "changes[0]": {"changes": bundle.changes[1:]},
        f"changes[{len(bundle.changes)}]": {"changes": (*bundle.changes, bundle.changes[0])},
        "accessList": {"access_list": b"\xc0"},
    }
    for place, lie in lies.items():
        with pytest.raises(DecodeError) as caught:
            verified(replace(bundle, **lie), chain.spec)  # type: ignore[arg-type]  # of the right kinds
        assert caught.value.place == place


@pytest.mark.parametrize(
    ("member", "value", "place"),
    [
        (0, 3, "version"),
        (1, b"\xff", "bundle.engine"),
        (5, [b"b", b"a"], "bundle.nodes"),
        (5, [b"\xc0"], "bundle.nodes[0]"),
        (6, [b"code that nobody has"], "bundle.codes[0]"),
        (6, [b"a", b"a"], "bundle.codes"),
        (7, [], "bundle.headers"),
        (9, b"", "bundle.receipts"),
        (10, [], "bundle.hints"),
        (10, [[b"\5"]] * 9, "bundle.hints[0]"),
    ],
)
def test_a_malformed_bundle_is_refused_where_it_is_wrong(
    chain: Chain, member: int, value: object, place: str
) -> None:
    members = decode(prove_block(chain, NUMBER).encode()[32:])
    assert isinstance(members, list)
    members[member] = value  # type: ignore[call-overload]  # whatever it is
    content = encode(members)
    with pytest.raises(DecodeError) as caught:
        Bundle.decode(commitment(content) + content)
    assert caught.value.place == place


def test_the_first_block_has_no_bundle(chain: Chain) -> None:
    with pytest.raises(UnknownBlock):
        prove_block(chain, 0)


# ---- the commitment


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 9 * CHUNK_SIZE), st.integers(0, 2**32))
def test_a_chunk_is_proved_and_no_other(size: int, seed: int) -> None:
    data = random.Random(seed).randbytes(size)
    root, count = commitment(data), -(-size // CHUNK_SIZE)
    index = seed % count
    proof = prove_chunk(data, index)
    proof.check(root)
    assert proof.chunk == data[index * CHUNK_SIZE : (index + 1) * CHUNK_SIZE]
    lies = [
        replace(proof, index=index + 1),
        replace(proof, index=-1),
        replace(proof, size=size + 1),
        replace(proof, size=size + 2 * CHUNK_SIZE),
        replace(proof, chunk=bytes([proof.chunk[0] ^ 1]) + proof.chunk[1:]),
        replace(proof, chunk=proof.chunk[:-1]),
        replace(proof, neighbours=(*proof.neighbours, root)),
        *([replace(proof, neighbours=proof.neighbours[:-1])] if proof.neighbours else []),
    ]
    for lie in lies:
        with pytest.raises(DecodeError):
            lie.check(root)


def test_a_node_is_no_chunk() -> None:
    data = bytes(2 * CHUNK_SIZE)
    proof = prove_chunk(data, 0)
    with pytest.raises(DecodeError):
        ChunkProof(0, 64, proof.neighbours[0] * 2, ()).check(commitment(data))
    for index in (-1, 2):
        with pytest.raises(InputError):
            prove_chunk(data, index)
    with pytest.raises(InputError):
        prove_chunk(b"", 0)


def test_all_chunks_of_many_are_proved_in_one_pass() -> None:
    data = random.Random(5).randbytes(8 << 20)  # one by one they take most of an hour
    root = commitment(data)
    found = list(prove_chunks(data))
    assert [each.index for each in found] == list(range(8 << 10))
    for proof in found[:: 1 << 10]:
        proof.check(root)
    assert found[77] == prove_chunk(data, 77)
    assert list(prove_chunks(data, [9, 3, 9])) == [found[9], found[3], found[9]]
    assert list(prove_chunks(b"")) == []


def test_what_is_no_proof_is_said_to_be_none() -> None:
    data = random.Random(5).randbytes(5_000)
    proof, root = prove_chunk(data, 2), commitment(data)
    wrong: dict[str, Any] = {"index": 2.0, "size": "x", "chunk": None, "neighbours": None}
    for name, value in wrong.items():
        with pytest.raises(DecodeError):
            replace(proof, **{name: value}).check(root)
    for values in ((None,), ["x"], (1, 2)):
        with pytest.raises(DecodeError):
            replace(proof, neighbours=values).check(root)  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(DecodeError):
        replace(proof, size=1 << 70).check(root)
    for bad in (f"0x{root.hex()}", root[:31], None):
        with pytest.raises(InputError, match="32 bytes"):
            proof.check(bad)  # type: ignore[arg-type]  # wrong on purpose
    for index in (True, 1.0, "a", None):
        with pytest.raises(InputError, match="no chunk"):
            prove_chunk(data, index)  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(InputError, match="ChunkProof"):
        join_chunks([1], root)  # type: ignore[list-item]  # wrong on purpose


def test_a_bundle_is_published_in_chunks(chain: Chain) -> None:
    bundle = prove_block(chain, NUMBER)
    data = bundle.encode()[32:]
    count = -(-len(data) // CHUNK_SIZE)
    proofs = [bundle.prove_chunk(index) for index in range(count)]
    for proof in proofs:
        proof.check(bundle.hash)
    assert b"".join(proof.chunk for proof in proofs) == data


# ---- commands


def test_one_party_proves_and_another_verifies(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("mdbx")
    draw = random.Random(2)
    with Chain.open(tmp_path / "data", genesis(), workers=1) as chain:
        for _ in range(3):
            made = random_transactions(chain, chain.head.hash, draw)
            chain.import_block(child(chain, None, made))
    path = tmp_path / "2.bundle"
    arguments = ["prove", "-1", "--datadir", str(tmp_path / "data"), "--output", str(path)]
    assert main([*arguments, "--json"]) == 0
    made_of_it = json.loads(capsys.readouterr().out)
    assert (made_of_it["block"], made_of_it["bytes"]) == (2, path.stat().st_size)

    verify = ["verify", str(path), "--fork", "shanghai", "--json"]
    assert main([*verify, "--parent-root", made_of_it["parentStateRoot"]]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["verdict"], said["bundle"]) == ("valid", made_of_it["bundle"])
    assert main([*verify, "--parent-root", "0x" + "11" * 32]) == 1
    assert json.loads(capsys.readouterr().out)["verdict"] == "malformed"
    assert main([*verify, "--parent-root", "0x11"]) == 2
    capsys.readouterr()

    path.write_bytes(path.read_bytes()[:-1] + b"\0\0")
    assert main(verify) == 2
    assert "commits to" in capsys.readouterr().err
