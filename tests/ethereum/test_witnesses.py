"""Witnesses as clients print them: read strictly, tied to their block, verified."""

from __future__ import annotations

import json
import random
import tarfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fixtures import fixtures, mainnet_block, mainnet_index, needed_witness

import blockstm
from blockstm._native.evm.prepared import CODE_CACHE_LIMIT, code_cache
from blockstm.errors import BlockError, DecodeError, MissingHeader, MissingNode
from blockstm.ethereum import (
    MAINNET,
    Block,
    Chain,
    StatelessFile,
    Witness,
    WitnessState,
    parse_witness,
    read_stateless_file,
    read_witness,
)
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.witnesses import make_witness

WITNESSED = sorted(number for number, block in mainnet_index().items() if block["witness"])
DEVNET = replace(MAINNET.under("osaka"), chain_id=3_151_908)


@cache
def archived(name: str) -> bytes:
    """A file of the archive of other clients' witnesses."""
    with tarfile.open(fixtures() / "witness-formats.tar.xz") as files:
        found = files.extractfile(f"witness-formats/{name}")
        assert found is not None
        return found.read()


@pytest.fixture
def devnet(tmp_path: Path) -> tuple[Block, dict[str, Any]]:
    """A block of a development network, and the answer about its witness."""
    path = tmp_path / "block.json"
    path.write_bytes(archived("zevm-block.json"))
    return read_stateless_file(path).block, json.loads(archived("zevm-witness.json"))


def verify(
    file: StatelessFile, witness: Witness, chain: Chain = MAINNET, workers: int = 2
) -> blockstm.ethereum.ExecutedBlock:
    parent, hashes = witness.ancestry(file.block)
    return blockstm.execute_block(
        file.block,
        WitnessState(witness, file.codes),
        "evm",
        chain=chain,
        parent=parent,
        block_hashes={**file.block_hashes, **hashes},
        workers=workers,
    )


@pytest.mark.parametrize("number", WITNESSED)
def test_a_mainnet_block_is_verified_by_its_witness(number: int) -> None:
    file = read_stateless_file(mainnet_block(number))
    executed = verify(file, read_witness(needed_witness(number)))
    assert executed.state_root == file.block.header.state_root


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("name", ["scroll-23587691.json", "zisk-reth-24628607_66_7.bin"])
def test_a_file_of_a_stateless_client_is_verified(name: str, workers: int, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(archived(name))
    file = read_stateless_file(tmp_path / name)
    assert file.witness is not None
    executed = verify(file, file.witness, workers=workers)
    assert executed.state_root == file.block.header.state_root
    assert len(file.block.transactions) in (40, 66)


def test_a_node_s_answers_are_verified(devnet: tuple[Block, dict[str, Any]]) -> None:
    block, answer = devnet
    witness = parse_witness(answer)
    assert witness == parse_witness(answer["result"])
    executed = verify(StatelessFile(block), witness, DEVNET)
    assert executed.state_root == block.header.state_root
    assert parse_witness(witness.to_json()).to_json() == witness.to_json()


@pytest.mark.parametrize("form", ["repeated", "by hash", "JSON headers", "no codes' order"])
def test_the_forms_of_one_witness_are_one(form: str, devnet: tuple[Block, dict[str, Any]]) -> None:
    block, answer = devnet
    document, plain = dict(answer["result"]), parse_witness(answer)
    match form:
        case "repeated":
            document = {name: [*each[::-1], *each] for name, each in document.items()}
        case "by hash":
            for name in ("state", "codes"):
                document[name] = {
                    "0x" + keccak(bytes.fromhex(each[2:])).hex(): each for each in document[name]
                }
        case "JSON headers":
            document["headers"] = [
                each.to_json() | {"hash": "0x" + each.hash.hex()} for each in plain.headers
            ]
        case _:
            document["codes"].reverse()
    witness = parse_witness(document)
    assert witness.to_json() == plain.to_json()
    assert verify(StatelessFile(block), witness, DEVNET).state_root == block.header.state_root


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"state": None}, "parentStateRoot"),
        ({"state": ["0x8"]}, "state[0]"),
        ({"state": {"0x" + "00" * 32: "0x80"}}, f"state[0x{'00' * 32}]"),
        ({"codes": ["00"]}, "codes[0]"),
        ({"keys": [7]}, "keys[0]"),
        ({"headers": []}, "headers"),
        ({"headers": ["0xc0"]}, "headers[0].parentHash"),
        ({"headers": [{}]}, "headers[0].parentHash"),
    ],
)
def test_a_malformed_answer_is_refused_where_it_is_wrong(
    changes: dict[str, Any], place: str, devnet: tuple[Block, dict[str, Any]]
) -> None:
    with pytest.raises(DecodeError) as caught:
        parse_witness(devnet[1]["result"] | changes)
    assert caught.value.place == place


def test_a_header_with_another_s_hash_is_refused(devnet: tuple[Block, dict[str, Any]]) -> None:
    document = devnet[1]["result"]
    header = parse_witness(document).headers[0].to_json() | {"hash": "0x" + "11" * 32}
    with pytest.raises(DecodeError, match=r"headers\[0\]\.hash"):
        parse_witness(document | {"headers": [header]})


def test_a_node_that_found_nothing_is_quoted() -> None:
    with pytest.raises(DecodeError, match="header not found"):
        parse_witness({"jsonrpc": "2.0", "id": 1, "error": {"message": "header not found"}})


@pytest.mark.parametrize("name", ["zisk", "zevm"])
def test_a_witness_made_from_another_client_s_has_nothing_else(
    name: str, tmp_path: Path, devnet: tuple[Block, dict[str, Any]]
) -> None:
    """Reth has given both: a block of mainnet, and one of a development network."""
    if name == "zisk":
        path = tmp_path / "a.bin"
        path.write_bytes(archived("zisk-reth-24628607_66_7.bin"))
        block, given_witness, chain = *unpacked(read_stateless_file(path)), MAINNET
    else:
        block, given_witness, chain = devnet[0], parse_witness(devnet[1]), DEVNET
    state = WitnessState(given_witness)

    def run(on: Any, block_hashes: Any, /) -> Any:
        with ThreadPoolExecutor(1) as fresh:  # which has run no code yet
            arguments: Any = {"chain": chain, "block_hashes": block_hashes, "workers": 1}
            return fresh.submit(blockstm.execute_block, block, on, "evm", **arguments).result()

    [parent] = given_witness.headers
    code_cache(0)
    try:
        made = make_witness(block, Plain(state), state.trie, run, lambda _: parent, lambda _: None)
    finally:
        code_cache(CODE_CACHE_LIMIT)
    assert set(made.nodes) < set(given_witness.nodes)
    assert set(made.codes) <= set(given_witness.codes)
    assert made.codes
    assert made.headers == (parent,)
    executed = verify(StatelessFile(block), made, chain)
    assert executed.state_root == block.header.state_root


def unpacked(file: StatelessFile) -> tuple[Block, Witness]:
    assert file.witness is not None
    return file.block, file.witness


class Plain:
    """A `State` with nothing else."""

    def __init__(self, state: WitnessState) -> None:
        self.account, self.storage, self.code = state.account, state.storage, state.code


# ---- headers


def test_headers_lead_from_the_parent_back(devnet: tuple[Block, dict[str, Any]]) -> None:
    block, answer = devnet
    witness = parse_witness(answer)
    [parent] = witness.headers
    assert witness.ancestry(block) == (parent, {0: parent.hash})
    nowhere = replace(parent, extra_data=b"other")
    with pytest.raises(DecodeError, match=r"headers\[1\]: of no block before"):
        replace(witness, headers=(parent, nowhere)).ancestry(block)
    with pytest.raises(DecodeError, match=r"headers\[0\]: of no block before"):
        replace(witness, headers=(nowhere,)).ancestry(block)
    with pytest.raises(DecodeError) as caught:
        replace(witness, parent_state_root=parent.hash).ancestry(block)
    assert caught.value.place == "parentStateRoot"


def test_a_gap_between_headers_is_named(devnet: tuple[Block, dict[str, Any]]) -> None:
    block, answer = devnet
    witness = parse_witness(answer)
    [oldest] = witness.headers
    middle = replace(oldest, number=oldest.number + 1, parent_hash=oldest.hash)
    top = replace(oldest, number=oldest.number + 2, parent_hash=middle.hash)
    header = replace(block.header, number=top.number + 1, parent_hash=top.hash)
    child = replace(block, header=header, hash=header.hash)
    headers = (oldest, middle, top)
    assert replace(witness, headers=headers).ancestry(child) == (
        top,
        {0: oldest.hash, 1: middle.hash, 2: top.hash},
    )
    for missing, number in ((middle, 1), (top, 2)):
        lacking = tuple(each for each in headers if each != missing)
        with pytest.raises(MissingHeader, match=f"header of block {number}") as caught:
            replace(witness, headers=lacking).ancestry(child)
        assert caught.value.hash == missing.hash


def test_without_headers_the_block_says_its_parent_s_hash() -> None:
    block = read_stateless_file(mainnet_block(1_150_000)).block
    witness = read_witness(needed_witness(1_150_000))
    assert witness.ancestry(block) == (None, {1_149_999: block.header.parent_hash})


# ---- files


def test_a_block_is_read_in_every_form(
    tmp_path: Path, devnet: tuple[Block, dict[str, Any]]
) -> None:
    block = devnet[0]
    encoded = block.encode()
    forms = {
        "raw.rlp": encoded,
        "hex.txt": b"0x" + encoded.hex().encode() + b"\n",
        "hex.json": json.dumps("0x" + encoded.hex()).encode(),
        "block.json": json.dumps(block.to_json()).encode(),
        "answer.json": json.dumps({"jsonrpc": "2.0", "result": block.to_json()}).encode(),
    }
    for name, content in forms.items():
        (tmp_path / name).write_bytes(content)
        found = read_stateless_file(tmp_path / name)
        assert found.witness is None
        assert found.block.encode() == encoded


@pytest.mark.parametrize("cut", [0, 1, 7, 8, 9, 100, 37_240, 37_250, 2_000_000, -1])
def test_frames_that_end_early_are_refused(cut: int, tmp_path: Path) -> None:
    whole = archived("zisk-reth-24628607_66_7.bin")
    (tmp_path / "cut.bin").write_bytes(whole[:cut])
    with pytest.raises(DecodeError):
        read_stateless_file(tmp_path / "cut.bin")
    (tmp_path / "long.bin").write_bytes(whole + b"\0")
    with pytest.raises(DecodeError, match="behind the second frame"):
        read_stateless_file(tmp_path / "long.bin")


def test_a_wrong_scroll_document_is_refused_where_it_is_wrong(tmp_path: Path) -> None:
    document = json.loads(archived("scroll-23587691.json"))
    first = document["transactions"][0]
    for broken in (
        document | {"transactions": [first | {"transaction": {"Eip9": {}}}]},
        document | {"transactions": [first | {"transaction": {}}]},
        document | {"transactions": [first | {"transaction": {"Legacy": {}}}]},
        document | {"header": {}},
        document | {"block_hashes": ["0x"]},
    ):
        (tmp_path / "scroll.json").write_text(json.dumps(broken))
        with pytest.raises(DecodeError) as caught:
            read_stateless_file(tmp_path / "scroll.json")
        assert caught.value.place


# ---- hostile input

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=6)
    | st.binary(max_size=40).map(lambda data: "0x" + data.hex()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=8,
)
NAMES = st.sampled_from(
    [
        *("state", "codes", "keys", "headers", "nodes", "parentStateRoot", "states"),
        *("prev_state_root", "jsonrpc", "result", "error"),
    ]
)


@given(st.dictionaries(NAMES, JSON) | JSON)
def test_whatever_a_document_is_it_is_a_witness_or_refused(document: Any) -> None:
    try:
        witness = parse_witness(document)
    except DecodeError:
        return
    assert isinstance(witness, Witness)


STATELESS = st.sampled_from(
    [
        *("header", "prev_state_root", "transactions", "withdrawals", "block_hashes"),
        *("states", "codes", "block", "pre_state", "hash", "jsonrpc", "result"),
    ]
)


@given(document=st.dictionaries(STATELESS, JSON) | JSON)
@settings(suppress_health_check=list(HealthCheck))
def test_whatever_a_file_is_it_is_a_block_or_refused(document: Any, tmp_path: Path) -> None:
    path = tmp_path / "block.json"
    path.write_text(json.dumps(document))
    with pytest.raises(DecodeError):
        read_stateless_file(path)


@given(data=st.binary(max_size=200), pick=st.sampled_from(["a.bin", "a.rlp", "a.json"]))
@settings(suppress_health_check=list(HealthCheck))
def test_whatever_bytes_are_they_are_refused(data: bytes, pick: str, tmp_path: Path) -> None:
    (tmp_path / pick).write_bytes(data)
    with pytest.raises(DecodeError):
        read_stateless_file(tmp_path / pick)


@given(seed=st.integers(0, 1 << 32))
@settings(max_examples=30, suppress_health_check=list(HealthCheck))
def test_frames_with_a_changed_byte_never_crash(seed: int, tmp_path: Path) -> None:
    """Of the first frame and the beginning of the second: lengths, the block, the first nodes."""
    draw = random.Random(seed)
    data = bytearray(archived("zisk-reth-24628607_66_7.bin"))
    for _ in range(draw.randrange(1, 4)):
        data[
            draw.choice([draw.randrange(16), draw.randrange(32_700), 37_248 + draw.randrange(64)])
        ] ^= 1 << draw.randrange(8)
    (tmp_path / "a.bin").write_bytes(data)
    try:
        file = read_stateless_file(tmp_path / "a.bin")
    except DecodeError:
        return
    assert file.witness is not None
    try:
        executed = verify(file, file.witness)
    except (BlockError, MissingNode, MissingHeader, DecodeError):
        return
    assert executed.state_root == file.block.header.state_root
    assert file.block.hash.hex().startswith("d6edeb11")  # what changed is not used
