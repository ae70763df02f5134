"""Chains as clients write them down: the official files, every spelling, and what is refused."""

from __future__ import annotations

import json
import lzma
import tarfile
from contextlib import suppress
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fixtures import fixtures

from blockstm.errors import BlockstmError, ConfigError, DecodeError
from blockstm.ethereum.chains import Chain
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.codecs.rlp import encode
from blockstm.ethereum.genesis import Genesis, parse_genesis
from blockstm.vm.forks import BPO1, CANCUN, FORKS, OSAKA, PRAGUE, BlobSchedule

ADDRESS = "11" * 20
TO_LONDON = [
    *("homesteadBlock", "eip150Block", "eip155Block", "eip158Block", "byzantiumBlock"),
    *("constantinopleBlock", "petersburgBlock", "istanbulBlock", "berlinBlock", "londonBlock"),
]
TO_CANCUN = dict.fromkeys([*TO_LONDON, "shanghaiTime", "cancunTime"], 0)
OWN = {"target": 1, "max": 2, "baseFeeUpdateFraction": 1_112_826}
HOODI = "bbe312868b376a3001692a646dd2d7d1e4406380dfd86b98aa8a34d1557c971b"
SEPOLIA = "25a5cc106eea7138acab33231d7160d69cb777ee0c2c553fcddf5138993e6dd9"


@cache
def official() -> dict[str, Any]:
    """The official files by name."""
    with lzma.open(fixtures() / "genesis.tar.xz") as raw, tarfile.open(fileobj=raw) as archive:
        return {
            member.name.rpartition("/")[2]: json.load(found)
            for member in archive
            if (found := archive.extractfile(member)) is not None
        }


def chain_of(config: dict[str, Any]) -> Chain:
    chain = parse_genesis({"config": config, "alloc": {}}).chain
    assert chain is not None
    return chain


def starts(genesis: Genesis) -> list[tuple[str, int | None, int | None, int | None]]:
    assert genesis.chain is not None
    return [
        (each.fork.name, each.block, each.timestamp, each.total_difficulty)
        for each in genesis.chain.activations
    ]


# ---- official files


@pytest.mark.parametrize(
    ("name", "block_hash", "state_root"),
    [
        ("hoodi-genesis.json", HOODI, "da87d7f5f91c51508791bbcbd4aa5baf04917830"),
        ("besu_hoodi.json", HOODI, "da87d7f5f91c51508791bbcbd4aa5baf04917830"),
        ("hoodi-chainspec.json", HOODI, "da87d7f5f91c51508791bbcbd4aa5baf04917830"),
        ("sepolia-genesis.json", SEPOLIA, "5eb6e371a698b8d68f665192350ffcecbbbf3229"),
        ("sepolia-besu.json", SEPOLIA, "5eb6e371a698b8d68f665192350ffcecbbbf3229"),
        (
            "besu_lukso.json",
            "5df88817dfb9b00d8ef142370671e8a9bc00c548ab78fbaf205df53db2b24a26",
            "c5029d9940f62a897b231b3ccdb71c1bb79ecce0",
        ),
    ],
)
def test_the_first_block_of_a_public_chain(name: str, block_hash: str, state_root: str) -> None:
    genesis = parse_genesis(official()[name])
    assert genesis.block.hash.hex() == block_hash
    assert genesis.block.header.state_root.hex().startswith(state_root)


@pytest.mark.parametrize(
    ("name", "places"),
    [
        (
            "besu_hoodi.json",
            {
                (0, 1_742_212_800, 0): "cancun",
                (1, 1_742_999_831, 1): "cancun",
                (1, 1_742_999_832, 1): "prague",
                (1, 1_761_677_592, 1): "osaka",
                (1, 1_762_365_720, 1): "bpo1",
                (1, 1_762_955_544, 1): "bpo2",
            },
        ),
        (
            "sepolia-besu.json",
            {
                (0, 1_633_267_481, 0): "london",
                (1_450_408, 1_655_000_000, 17 * 10**15 - 1): "london",
                (1_450_409, 1_655_000_000, 17 * 10**15): "paris",
                (3_000_000, 1_677_557_088, 17 * 10**15): "shanghai",
                (5_200_000, 1_706_655_072, 17 * 10**15): "cancun",
                (7_836_331, 1_741_159_776, 17 * 10**15): "prague",
            },
        ),
        (
            "besu_lukso.json",
            {
                (1, 1_687_969_197, 1): "paris",
                (1, 1_687_969_198, 1): "shanghai",
                (1, 1_732_119_595, 1): "cancun",
                (1, 1_758_126_000, 1): "prague",
            },
        ),
    ],
)
def test_the_forks_of_a_public_chain(name: str, places: dict[Any, str]) -> None:
    chain = parse_genesis(official()[name]).chain
    assert chain is not None
    assert {place: chain.fork_at(*place).name for place in places} == places


def test_a_chain_specification_says_the_same_as_the_genesis_file() -> None:
    genesis, spec = (parse_genesis(official()[f"hoodi-{x}.json"]) for x in ("genesis", "chainspec"))
    assert (spec.block, spec.accounts) == (genesis.block, genesis.accounts)
    assert starts(spec) == starts(genesis)
    assert spec.chain is not None
    assert genesis.chain is not None
    assert spec.chain.chain_id == genesis.chain.chain_id == 560_048
    assert [each.fork.blobs for each in spec.chain.activations] == [
        each.fork.blobs for each in genesis.chain.activations
    ]


def test_a_fork_without_an_entry_has_the_blobs_of_the_newest_entry_before_it() -> None:
    chain = parse_genesis(official()["besu_hoodi.json"]).chain
    assert chain is not None
    blobs = {each.fork.name: each.fork.blobs for each in chain.activations}
    assert blobs["osaka"] == BlobSchedule(6, 9, 5_007_716)
    assert blobs["bpo1"] == BlobSchedule(10, 15, 8_346_193)
    own = {**TO_CANCUN, "pragueTime": 0, "osakaTime": 9}
    for schedule in ({"cancun": OWN, "prague": OWN}, {"prague": OWN}, {"cancun": OWN}):
        chain = chain_of({**own, "blobSchedule": schedule})
        assert chain.fork_at(0, 9).blobs == BlobSchedule(1, 2, 1_112_826)
        assert chain.fork_at(0, 9) == OSAKA
    assert chain_of(own).fork_at(0, 9).blobs == OSAKA.blobs


def test_gnosis_begins_with_accounts_that_are_known_and_is_sealed_by_others() -> None:
    document = official()["gnosis-genesis.json"]
    with pytest.raises(ConfigError, match="authorityRound"):
        parse_genesis(document)
    ours = {
        "engine": {"Ethash": {}},
        "params": {"networkID": 100},
        "genesis": {k: v for k, v in document["genesis"].items() if k != "seal"},
        "accounts": document["accounts"],
    }
    header = parse_genesis(ours).block.header
    root = "40cf4430ecaa733787d1a65154a3b9efb560c95d9e324a23b97f0609b539133b"
    assert header.state_root.hex() == root
    sealed = [header.parent_hash, header.ommers_hash, header.coinbase, header.state_root]
    sealed += [header.transactions_root, header.receipts_root, header.logs_bloom]
    numbers = [header.difficulty, header.number, header.gas_limit, 0, header.timestamp]
    gnosis = keccak(encode([*sealed, *numbers, header.extra_data, 0, bytes(65)]))
    assert gnosis.hex() == "4f1dd23188aab3a76b463e4af801b52b1248ef073c648cbdc4c9333d3da79756"


@pytest.mark.parametrize("name", ["besu_dev.json", "besu_future.json"])
def test_a_development_chain_with_rules_of_its_own_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"config\.(contractSizeLimit|futureEipsTime)"):
        parse_genesis(official()[name])


# ---- spellings


@pytest.mark.parametrize(
    ("config", "number", "name"),
    [
        ({"homesteadBlock": 0, "eip150Block": 1, "eip155Block": 2}, 2, "spurious_dragon"),
        ({"tangerineWhistleBlock": 1, "spuriousDragonBlock": 2}, 1, "tangerine_whistle"),
        ({"eip155Block": 2, "eip158Block": 2}, 2, "spurious_dragon"),
        ({"constantinopleBlock": 3, "constantinopleFixBlock": 5}, 4, "constantinople"),
        ({"constantinopleBlock": 3, "constantinopleFixBlock": 5}, 5, "petersburg"),
        ({"istanbulBlock": 0, "muirglacierblock": "0x2"}, 2, "muir_glacier"),
        ({"LONDONBLOCK": "7"}, 7, "london"),
        ({"londonBlock": 7, "londonblock": 7}, 7, "london"),
        ({"homesteadBlock": 1, "daoForkBlock": 5, "eip150Block": 9}, 5, "dao_fork"),
        ({"daoForkBlock": 5, "daoForkSupport": True}, 5, "dao_fork"),
        ({"daoForkBlock": 5, "daoForkSupport": False}, 5, "frontier"),
        ({"daoForkBlock": 0}, 0, "frontier"),  # to Besu, 0 is none
        ({"daoForkBlock": 0, "daoForkSupport": True}, 0, "dao_fork"),
        ({"londonBlock": 1, "grayGlacierBlock": None, "bogotaTime": None}, 1, "london"),
    ],
)
def test_a_fork_is_found_under_every_name(config: Any, number: int, name: str) -> None:
    assert chain_of(config).fork_at(number, 0).name == name


@pytest.mark.parametrize(
    ("spelled", "plain"),
    [
        ({"mixhash": "0x" + "63" * 32}, {"mixHash": "0x" + "63" * 32}),
        ({"MIXHASH": "63" * 32}, {"mixHash": "0x" + "63" * 32}),
        ({"extraData": ""}, {"extraData": "0x"}),
        ({"extraData": "abcd"}, {"extraData": "0xABcd"}),
        ({"gaslimit": "5000"}, {"gasLimit": 5000}),
        ({"gasLimit": "0x1388"}, {"gasLimit": 5000}),
        ({"nonce": "0x000000000000042"}, {"nonce": 0x42}),
        ({"nonce": "0x"}, {"nonce": 0}),
        ({"baseFeePerGas": None}, {}),
        ({"_remark": 5, "comment": "6"}, {}),
    ],
)
def test_a_member_of_the_header_is_found_in_every_form(spelled: Any, plain: Any) -> None:
    assert (
        parse_genesis({"alloc": {}, **spelled}).block == parse_genesis({"alloc": {}, **plain}).block
    )


@pytest.mark.parametrize(
    "account",
    [
        {"balance": "16", "nonce": 1, "code": "0x00", "storage": {"0x01": "0x02"}},
        {"balance": "0x10", "nonce": "1", "code": "00", "storage": {"1": "2"}},
        {"wei": 16, "Nonce": "0x1", "code": "0x00", "storage": {"0" * 63 + "1": 2}},
        {
            "balance": "16",
            "nonce": 1,
            "code": "00",
            "storage": {"0x1": "0x2"},
            "privateKey": "ab",
            "comment": "a remark",
        },
    ],
)
@pytest.mark.parametrize("address", [ADDRESS, f"0x{ADDRESS}", f"0X{ADDRESS}"])
def test_an_account_is_read_in_every_form(account: Any, address: str) -> None:
    (found,) = parse_genesis({"alloc": {address: account}}).accounts.values()
    assert (found.balance, found.nonce, found.code) == (16, 1, b"\0")
    assert found.storage == {1: 2}


def test_a_chain_without_accounts_begins_with_none() -> None:
    genesis = parse_genesis({"config": {"londonBlock": 0}, "gasLimit": 5000})
    assert not genesis.accounts
    assert (
        genesis.block
        == parse_genesis({"config": {"londonBlock": 0}, "gasLimit": 5000, "alloc": None}).block
    )


def test_what_a_file_says_follows_from_it_is_compared() -> None:
    plain = {"alloc": {ADDRESS: {"balance": 1}}, "gasLimit": 5000}
    header = parse_genesis(plain).block.header
    right = {"hash": header.hash.hex(), "stateRoot": f"0x{header.state_root.hex()}"}
    assert parse_genesis({**plain, **right}).block.header == header
    for name in ("hash", "stateRoot", "bloom", "transactionsTrie", "withdrawalsRoot"):
        with pytest.raises(DecodeError, match=f"^{name}: .*does not follow"):
            parse_genesis({**plain, name: "0x" + "01" * 32})


# ---- what is refused


@pytest.mark.parametrize(
    ("config", "what"),
    [
        ({"bogotaTime": 0}, "bogotaTime"),
        ({"shanghaiBlock": 0}, "shanghaiBlock"),
        ({"futureEipsTime": 1}, "futureEipsTime"),
        ({"bpo6Time": 1}, "bpo6Time"),
        ({"verkleTime": 1}, "verkleTime"),
        ({"enableVerkleAtGenesis": True}, "enableVerkleAtGenesis"),
        ({"ecip1017EraRounds": 1}, "ecip1017EraRounds"),
        ({"mysteriousSwitch": True}, "mysteriousSwitch"),
        ({"optimism": {"eip1559Elasticity": 6}}, "optimism.*another chain"),
        ({"arbitrum": {"EnableArbOS": True}}, "arbitrum.*another chain"),
        ({"clique": {"period": 15}}, "clique.*another chain"),
        ({"ibft2": {}}, "ibft2.*another chain"),
        ({"qbft": {}}, "qbft.*another chain"),
        ({"parlia": {}}, "parlia.*another chain"),
        ({"bor": {}}, "bor.*another chain"),
        ({"consensus": "aura"}, "consensus: is 'aura'"),
        ({"isQuorum": True}, "isQuorum"),
        ({"zeroBaseFee": True}, "zeroBaseFee"),
        ({"contractSizeLimit": 2**31 - 1}, "contractSizeLimit: is 2147483647, not 24576"),
        ({"evmStackSize": 64}, "evmStackSize"),
        ({"ethash": {"fixeddifficulty": 100}}, "fixeddifficulty"),
        ({"withdrawalRequestContractAddress": "0x" + "11" * 20}, "withdrawalRequest"),
        ({"eip155Block": 1, "eip158Block": 2}, "the same fork"),
        ({"petersburgBlock": 1, "constantinopleFixBlock": 2}, "the same fork"),
        ({"berlinBlock": 5, "londonBlock": 4}, "london begins at 4, before berlin at 5"),
        ({"cancunTime": 5, "pragueTime": 4}, "prague begins at 4, before cancun at 5"),
        ({"bpo3Time": 5}, "no entry for bpo3"),
        ({"bpo1Time": 5, "blobSchedule": {"cancun": OWN}}, "no entry for bpo1"),
    ],
)
def test_rules_that_are_not_known_are_refused(config: Any, what: str) -> None:
    with pytest.raises(ConfigError, match=what):
        chain_of(config)


def test_rules_that_are_the_usual_ones_are_no_other_rules() -> None:
    config = {
        **TO_CANCUN,
        "contractSizeLimit": 24_576,
        "evmStackSize": "1024",
        "zeroBaseFee": False,
        "consensus": "ethash",
        "ethash": {},
        "consolidationRequestContractAddress": "0x0000bbddc7ce488642fb579f8b00f3a590007251",
        "mergeNetsplitBlock": 5,
    }
    assert chain_of(config) == chain_of(TO_CANCUN)
    assert (chain_of(config).netsplit_block, chain_of(TO_CANCUN).netsplit_block) == (5, None)


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ({"name": "nothing else"}, "alloc"),
        ({"alloc": {}, "gasLimitt": 5}, "gasLimitt"),
        ({"alloc": {}, "mixHash": "0x" + "00" * 32, "mixhash": "0x" + "01" * 32}, "mixhash"),
        ({"alloc": {}, "gasLimit": -1}, "gasLimit"),
        ({"alloc": {}, "gasLimit": 1e6}, "gasLimit"),
        ({"alloc": {}, "gasLimit": "1_000"}, "gasLimit"),
        ({"alloc": {}, "gasLimit": "٣"}, "gasLimit"),
        ({"alloc": {}, "gasLimit": 10**5000}, "gasLimit"),
        ({"alloc": {}, "extraData": "0x0"}, "extraData"),
        ({"alloc": {}, "config": {"daoForkBlock": 1, "daoForkSupport": "yes"}}, "config.daoF"),
        ({"alloc": {}, "config": {"terminalTotalDifficulty": "x"}}, "config.terminal"),
        ({"alloc": {ADDRESS: {"balence": "5"}}}, f"alloc[{ADDRESS}].balence"),
        ({"alloc": {ADDRESS: {"balance": "5", "wei": "5"}}}, f"alloc[{ADDRESS}]"),
        ({"alloc": {ADDRESS: {"constructor": "0x00"}}}, f"alloc[{ADDRESS}].constructor"),
        ({"alloc": {ADDRESS: {}, f"0x{ADDRESS}": {}}}, f"alloc[0x{ADDRESS}]"),
        ({"alloc": {ADDRESS: {"storage": {"0x1": "1", "0x01": "2"}}}}, f"alloc[{ADDRESS}]"),
        ({"alloc": {"x" * 10**6: {}}}, "alloc['xxx"),
        ({"alloc": {"\ud800": {}}}, "alloc['\\ud800']"),
    ],
)
def test_what_would_be_passed_over_is_an_error_at_its_place(document: Any, place: str) -> None:
    with pytest.raises(DecodeError) as caught:
        parse_genesis(document)
    assert caught.value.place.startswith(place)
    assert len(str(caught.value)) < 500
    assert str(caught.value).encode()


@pytest.mark.parametrize(
    ("entry", "place"),
    [
        ({"target": 3, "max": 6}, ".baseFeeUpdateFraction"),
        ({"target": 0, "max": 0, "baseFeeUpdateFraction": 1}, ""),
        ({"target": 0, "max": 6, "baseFeeUpdateFraction": 0}, ""),
        ({"target": 7, "max": 6, "baseFeeUpdateFraction": 1}, ""),
        ({**OWN, "maxx": 1}, ".maxx"),
        ({**OWN, "max": 2**64}, ".max"),
        ([], ""),
    ],
)
def test_blob_parameters_are_checked_where_they_are_read(entry: Any, place: str) -> None:
    with pytest.raises(DecodeError) as caught:
        chain_of({"cancunTime": 0, "blobSchedule": {"cancun": entry}})
    assert caught.value.place.startswith(f"config.blobSchedule[cancun]{place}")


@pytest.mark.parametrize(
    "numbers",
    [
        (0, 0, 1),
        (0, 1, 0),
        (2, 1, 1),
        (-1, 1, 1),
        (1.0, 2, 1),
        (True, 2, 1),
        (0, 2**64, 1),
        ("1", 2, 1),
    ],
)
def test_blob_parameters_that_nothing_can_be_divided_by_are_refused(numbers: Any) -> None:
    with pytest.raises(ConfigError):
        BlobSchedule(*numbers)


# ---- chain specifications

EIPS = {
    **dict.fromkeys(["eip150Transition"], 3),
    **dict.fromkeys([f"eip{e}Transition" for e in ("155", "160", "161abc", "161d")], 4),
    **dict.fromkeys([f"eip{e}Transition" for e in (140, 211, 214, 658)], 5),
    **dict.fromkeys([f"eip{e}Transition" for e in (145, 1014, 1052, 1283)], 6),
    "eip1283DisableTransition": 7,
    **dict.fromkeys([f"eip{e}Transition" for e in (152, 1108, 1344, 1884, 2028)], 8),
    **dict.fromkeys(["eip1283ReenableTransition", "eip1706Transition"], "0x8"),
    **dict.fromkeys([f"eip{e}Transition" for e in (2565, 2929, 2930)], 10),
    **dict.fromkeys([f"eip{e}Transition" for e in (1559, 3198, 3529, 3541)], 11),
    "terminalTotalDifficulty": "0x64",
    **dict.fromkeys([f"eip{e}TransitionTimestamp" for e in (3651, 3855, 3860, 4895)], 100),
    **dict.fromkeys([f"eip{e}TransitionTimestamp" for e in (1153, 4788, 4844, 5656, 6780)], 200),
    "chainID": "0x5",
    "networkID": 6,
}
ETHASH = {
    "minimumDifficulty": "0x20000",
    "homesteadTransition": 1,
    "daoHardforkTransition": 2,
    "daoHardforkBeneficiary": "0xbf4ed7b27f1d666546e30d74d50d173d20bca754",
    "daoHardforkAccounts": [],
    "eip100bTransition": 5,
    "blockReward": {"0": "0x4563918244f40000", "5": 3 * 10**18, "6": 2 * 10**18},
    "difficultyBombDelays": {
        "5": 3_000_000,
        "6": 2_000_000,
        "9": 4_000_000,
        "11": 700_000,
        "12": 1_000_000,
        "13": "0xaae60",
    },
}


def spec(
    params: dict[str, Any] | None = None, ethash: dict[str, Any] | None = None, **more: Any
) -> Any:
    engine = {"Ethash": {"params": {**ETHASH, **(ethash or {})}}}
    document = {"name": "ours", "engine": engine, "params": {**EIPS, **(params or {})}}
    return {**document, "genesis": {"difficulty": "0x20000"}, "accounts": {}, **more}


def test_a_chain_specification_names_every_fork() -> None:
    genesis = parse_genesis(spec())
    assert genesis.chain is not None
    assert genesis.chain.chain_id == 5
    at_blocks = {name: block for name, block, _, _ in starts(genesis) if block is not None}
    assert at_blocks == {
        "frontier": 0,
        "homestead": 1,
        "dao_fork": 2,
        "tangerine_whistle": 3,
        "spurious_dragon": 4,
        "byzantium": 5,
        "constantinople": 6,
        "petersburg": 7,
        "istanbul": 8,
        "muir_glacier": 9,
        "berlin": 10,
        "london": 11,
        "arrow_glacier": 12,
        "gray_glacier": 13,
    }
    later = [("paris", None, None, 100), ("shanghai", None, 100, None), ("cancun", None, 200, None)]
    assert starts(genesis)[-3:] == later
    assert genesis.chain.dao_fork_block == 2


def test_blob_parameters_by_time_make_forks_of_their_own() -> None:
    eips = (2537, 2935, 6110, 7002, 7251, 7623, 7702)
    params = dict.fromkeys([f"eip{e}TransitionTimestamp" for e in eips], "0x12c")
    entries = [
        {"timestamp": "0xc8", **OWN},
        {"timestamp": 400, "target": "0x3", "max": 5, "baseFeeUpdateFraction": "7"},
    ]
    chain = parse_genesis(spec({**params, "blobSchedule": entries})).chain
    assert chain is not None
    forks = [chain.fork_at(99, time, 100) for time in (200, 300, 400)]
    assert forks == [CANCUN, PRAGUE, BPO1]
    assert [fork.blobs for fork in forks] == [
        BlobSchedule(1, 2, 1_112_826),
        BlobSchedule(1, 2, 1_112_826),
        BlobSchedule(3, 5, 7),
    ]


@pytest.mark.parametrize(
    ("document", "what"),
    [
        (spec({"eip2930Transition": 9}), "berlin begins with all its EIPs"),
        (spec({"eip2930Transition": None}), "eip2930Transition is missing"),
        (spec({"eip7928TransitionTimestamp": 5}), "eip7928TransitionTimestamp"),
        (spec({"eip1559FeeCollector": "0x" + "11" * 20}), "eip1559FeeCollector"),
        (spec({"transactionPermissionContract": "0x" + "11" * 20}), "transactionPermission"),
        (spec({"maxCodeSize": 5}), "maxCodeSize"),
        (spec(ethash={"durationLimit": 5}), "durationLimit"),
        (spec(ethash={"eip100bTransition": 6}), "eip100bTransition"),
        (spec(ethash={"blockReward": {"0": 1}}), "blockReward"),
        (spec(ethash={"blockReward": "0x0"}), "blockReward"),
        (spec(ethash={"difficultyBombDelays": {"5": 1}}), "difficultyBombDelays"),
        (spec(ethash={"daoHardforkBeneficiary": "0x" + "11" * 20}), "daoHardforkBeneficiary"),
        (spec(engine={"clique": {}}), "sealed by 'clique'"),
        (spec(engine={"Optimism": {}}), "sealed by 'Optimism'"),
        (spec(accounts={ADDRESS: {"constructor": "0x00"}}), "code that is run"),
        (spec(genesis={"seal": {"authorityRound": {}}}), "authorityRound"),
        (spec(oops=1), "oops"),
    ],
)
def test_a_chain_specification_of_other_rules_is_refused(document: Any, what: str) -> None:
    with pytest.raises((ConfigError, DecodeError), match=what):
        parse_genesis(document)


# ---- whatever comes

names = st.sampled_from(
    [*TO_CANCUN, "config", "alloc", "params", "engine", "genesis", "accounts", "blobSchedule"]
    + [fork.name for fork in FORKS]
    + [*EIPS, *ETHASH, "Ethash", "gasLimit", "storage", "balance", ADDRESS, "mixHash", "seal"]
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**300),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["0x", "0x1", "1", "", "0x" + "00" * 32, ADDRESS]),
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(names | st.text(max_size=5), inner, max_size=5)
    ),
    max_leaves=20,
)


@given(st.dictionaries(names, values, max_size=6))
def test_any_document_is_read_or_refused_by_type(document: Any) -> None:
    for each in (document, {"config": document}, {"params": document, "engine": document}):
        with suppress(BlockstmError):
            parse_genesis(each)
