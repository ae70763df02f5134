"""How chains begin: the official genesis tests, and chains as go-ethereum writes them down."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from tests.ethereum.official import documents, official_chains

from blockstm.errors import DecodeError
from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.chains import MAINNET
from blockstm.ethereum.chains.mainnet import MAINNET_BY_NUMBER, MAINNET_BY_TIMESTAMP
from blockstm.ethereum.genesis import parse_genesis, read_genesis
from blockstm.vm.forks import BlobSchedule

ARCHIVE = "ethereum-tests-basic.tar.xz"
MAINNET_CONFIG = {
    "chainId": 1,
    "homesteadBlock": 1150000,
    "daoForkBlock": 1920000,
    "daoForkSupport": True,
    "eip150Block": 2463000,
    "eip155Block": 2675000,
    "eip158Block": 2675000,
    "byzantiumBlock": 4370000,
    "constantinopleBlock": 7280000,
    "petersburgBlock": 7280000,
    "istanbulBlock": 9069000,
    "muirGlacierBlock": 9200000,
    "berlinBlock": 12244000,
    "londonBlock": 12965000,
    "arrowGlacierBlock": 13773000,
    "grayGlacierBlock": 15050000,
    "terminalTotalDifficulty": 58750000000000000000000,
    "shanghaiTime": 1681338455,
    "cancunTime": 1710338135,
    "pragueTime": 1746612311,
    "osakaTime": 1764798551,
    "bpo1Time": 1765290071,
    "bpo2Time": 1767747671,
    "depositContractAddress": "0x00000000219ab540356cbb839cbe05303d7705fa",
    "ethash": {},
}


def test_the_official_first_blocks() -> None:
    ((_, document),) = documents(ARCHIVE, "GenesisTests/")
    for name, test in document.items():
        genesis = parse_genesis(test)
        assert genesis.block.encode().hex() == test["result"], name
        assert genesis.chain is None
    ((_, mainnet),) = documents(ARCHIVE, "genesishashestest.json")
    block = Block.decode(bytes.fromhex(mainnet["genesis_rlp_hex"]))
    assert block.hash.hex() == mainnet["genesis_hash"]


@pytest.mark.parametrize(
    "archive", ["eest-shanghai.tar.xz", "eest-bpo2toamsterdam-glamsterdam-devnet-8attime15k.tar.xz"]
)
def test_first_blocks_of_later_forks(archive: str) -> None:
    """The blockchain tests' first blocks, from their accounts."""
    forks = ["homesteadBlock", "eip150Block", "eip158Block", "byzantiumBlock"]
    forks += ["petersburgBlock", "istanbulBlock", "berlinBlock", "londonBlock", "shanghaiTime"]
    if "bpo2" in archive:
        forks += ["cancunTime", "pragueTime", "osakaTime", "bpo1Time", "bpo2Time"]
    config = dict.fromkeys(forks, 0) | {"terminalTotalDifficulty": "0"}
    seen = 0
    for path, document in documents(archive, "blockchain_tests"):
        for test in document.values():
            said = test["genesisBlockHeader"]
            genesis = parse_genesis({**said, "config": config, "alloc": test["pre"]})
            assert f"0x{genesis.block.hash.hex()}" == said["hash"], path
            seen += 1
    assert seen > 5
    assert any(official_chains(archive))


def test_mainnet_as_go_ethereum_writes_it_down(tmp_path: Path) -> None:
    document = {"config": MAINNET_CONFIG, "alloc": {}, "difficulty": "17179869184"}
    (tmp_path / "genesis.json.gz").write_bytes(gzip.compress(json.dumps(document).encode()))
    chain = read_genesis(tmp_path / "genesis.json.gz").chain
    assert chain is not None
    terminal = MAINNET_CONFIG["terminalTotalDifficulty"]
    for number, name in MAINNET_BY_NUMBER[:-1]:
        assert chain.fork_at(number, 0, 0).name == name
    assert chain.fork_at(15_537_394, 0, terminal).name == "paris"  # type: ignore[arg-type]  # a number
    for timestamp, name in MAINNET_BY_TIMESTAMP:
        assert chain.fork_at(2 * 10**7, timestamp, terminal).name == name  # type: ignore[arg-type]  # a number
    assert chain.dao_fork_block == 1_920_000
    assert (chain.chain_id, chain.deposit_contract) == (1, MAINNET.deposit_contract)


def test_a_chain_has_its_own_blob_parameters() -> None:
    schedule = {"target": 1, "max": "0x2", "baseFeeUpdateFraction": "3"}
    config = {"chainId": "0x539", "cancunTime": 0, "blobSchedule": {"cancun": schedule}}
    genesis = parse_genesis({"config": config, "alloc": {}})
    assert genesis.chain is not None
    assert genesis.chain.chain_id == 1337
    assert genesis.chain.fork_at(0, 0).blobs == BlobSchedule(1, 2, 3)
    assert genesis.block.header.excess_blob_gas == 0
    assert genesis.block.header.requests_hash is None


@pytest.mark.parametrize(
    ("config", "name"),
    [
        ({"constantinopleBlock": 0}, "petersburg"),
        ({"constantinopleBlock": 0, "petersburgBlock": None}, "petersburg"),
        ({"constantinopleBlock": 0, "petersburgBlock": 1}, "constantinople"),
        ({"daoForkBlock": 0, "daoForkSupport": False}, "frontier"),
        ({"daoForkBlock": 0}, "frontier"),
        ({"homesteadBlock": 1}, "frontier"),
        ({"londonBlock": 0, "terminalTotalDifficulty": 0, "shanghaiTime": 1}, "paris"),
    ],
)
def test_which_fork_a_chain_begins_under(config: Any, name: str) -> None:
    chain = parse_genesis({"config": config, "alloc": {}}).chain
    assert chain is not None
    assert chain.fork_at(0, 0, 0).name == name


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ([], ""),
        ({}, "alloc"),
        ({"alloc": []}, "alloc"),
        ({"alloc": {"12": {}}}, "alloc[12]"),
        ({"alloc": {"0x" + "11" * 20: []}}, "alloc[0x"),
        ({"alloc": {"11" * 20: {"balance": "-1"}}}, "alloc[1"),
        ({"alloc": {"11" * 20: {"balance": 1.5}}}, "alloc[1"),
        ({"alloc": {"11" * 20: {"balance": True}}}, "alloc[1"),
        ({"alloc": {"11" * 20: {"balance": "9" * 79}}}, "alloc[1"),
        ({"alloc": {"11" * 20: {"nonce": 2**64}}}, "alloc[1"),
        ({"alloc": {"11" * 20: {"code": "0x1"}}}, "alloc[1"),
        ({"alloc": {"11" * 20: {"storage": {"0x": "0x1"}}}}, "alloc[1"),
        ({"alloc": {}, "nonce": "0x10000000000000000"}, "nonce"),
        ({"alloc": {}, "extraData": "horse"}, "extraData"),
        ({"alloc": {}, "coinbase": "0x00"}, "coinbase"),
        ({"alloc": {}, "config": []}, "config"),
        ({"alloc": {}, "config": {"londonBlock": "soon"}}, "config.londonBlock"),
        ({"alloc": {}, "config": {"blobSchedule": {"moon": {}}}}, "config.blobSchedule[moon]"),
    ],
)
def test_a_malformed_file_is_an_error_that_names_the_place(document: Any, place: str) -> None:
    with pytest.raises(DecodeError) as caught:
        parse_genesis(document)
    assert caught.value.place.startswith(place)
