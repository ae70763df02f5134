"""A chain from the ``config`` of a genesis file, as go-ethereum, Besu and Erigon write it.

The chain follows all of ``config``, or it is an error: an unknown fork, another chain's rules and a
limit of the EVM that is not the usual one are never passed over. Source: the clients' own files,
and EIP-7840 and EIP-7892 for ``blobSchedule``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

from blockstm.errors import ConfigError, DecodeError
from blockstm.ethereum.chains.chain import MAINNET_DEPOSIT_CONTRACT, Activation, Chain
from blockstm.ethereum.chains.forks import (
    AMSTERDAM,
    ARROW_GLACIER,
    BERLIN,
    BPO1,
    BPO2,
    BPO3,
    BPO4,
    BPO5,
    BYZANTIUM,
    CANCUN,
    CONSTANTINOPLE,
    DAO_FORK,
    FRONTIER,
    GRAY_GLACIER,
    HOMESTEAD,
    ISTANBUL,
    LONDON,
    MUIR_GLACIER,
    OSAKA,
    PARIS,
    PETERSBURG,
    PRAGUE,
    SHANGHAI,
    SPURIOUS_DRAGON,
    TANGERINE_WHISTLE,
    BlobSchedule,
    Fork,
    fork_named,
)
from blockstm.ethereum.codecs.loose_fields import LooseFields, names
from blockstm.messages import brief
from blockstm.types import Address

__all__ = ["blob_schedule", "chain_of", "checked_chain", "with_schedules"]

_PETERSBURG: Final = ("petersburgBlock", "constantinopleFixBlock")
# The members that say where a fork begins, oldest first; behind the first name, other clients'.
_BLOCKS: Final = (
    (HOMESTEAD, ("homesteadBlock",)),
    (DAO_FORK, ("daoForkBlock",)),
    (TANGERINE_WHISTLE, ("eip150Block", "tangerineWhistleBlock")),
    (SPURIOUS_DRAGON, ("eip158Block", "eip155Block", "spuriousDragonBlock")),
    (BYZANTIUM, ("byzantiumBlock",)),
    (CONSTANTINOPLE, ("constantinopleBlock",)),
    (PETERSBURG, _PETERSBURG),
    (ISTANBUL, ("istanbulBlock",)),
    (MUIR_GLACIER, ("muirGlacierBlock",)),
    (BERLIN, ("berlinBlock",)),
    (LONDON, ("londonBlock",)),
    (ARROW_GLACIER, ("arrowGlacierBlock",)),
    (GRAY_GLACIER, ("grayGlacierBlock",)),
)
_TIMES: Final = (
    (SHANGHAI, ("shanghaiTime",)),
    (CANCUN, ("cancunTime",)),
    (PRAGUE, ("pragueTime",)),
    (OSAKA, ("osakaTime",)),
    (BPO1, ("bpo1Time",)),
    (BPO2, ("bpo2Time",)),
    (BPO3, ("bpo3Time",)),
    (BPO4, ("bpo4Time",)),
    (BPO5, ("bpo5Time",)),
    (AMSTERDAM, ("amsterdamTime",)),
)
_BLOB_PARAMETER_FORKS: Final = (BPO1, BPO2, BPO3, BPO4, BPO5)
_SCHEDULE: Final = ("target", "max", "baseFeeUpdateFraction")
_DECIDED: Final = (BPO1, BPO2)  # mainnet's figures are known

# What says nothing about what a block means: networking, pruning, marks on the way to Paris.
_NO_RULES: Final = names(
    "chainname checkpoint clnetworkid discovery eip150hash mergeforkblock mergeheight "
    "mergenetsplitblock networkid noprunecontracts premergeforkblock "
    "terminaltotaldifficultypassed"
)
_READ: Final = names(
    "chainid daoforksupport terminaltotaldifficulty depositcontractaddress blobschedule"
) | {name.lower() for _, listed in (*_BLOCKS, *_TIMES) for name in listed}

# Consensus engines and chains other than Ethereum's.
_OTHER_CHAINS: Final = names(
    "arbitrum aura authorityround autonity bor bsc celo clique congress ibft ibft2 "
    "isquorum lubanblock optimism parlia qbft satoshi scroll taiko zksync"
)
# Members with the one value that is the rule here.
_FIXED_NUMBERS: Final = {"contractsizelimit": 24_576, "evmstacksize": 1024}
_FIXED_FLAGS: Final = {"zerobasefee": False, "isquorum": False, "enableverkleatgenesis": False}
_FIXED_ADDRESSES: Final = {
    "withdrawalrequestcontractaddress": "00000961ef480eb55e80d19ad83579a64c007002",
    "consolidationrequestcontractaddress": "0000bbddc7ce488642fb579f8b00f3a590007251",
}


def chain_of(config: LooseFields) -> Chain:
    """The chain that a ``config`` describes.

    Raises:
        DecodeError: a member is malformed.
        ConfigError: a member asks for rules that are not known here, or the forks are no chain's.
    """
    _check_rules(config)
    schedules = None
    if "blobSchedule" in config:
        schedules = dict(_schedules(config.loose("blobSchedule")))
    activations = with_schedules([*_activations(config)], schedules, config.place)
    contract = MAINNET_DEPOSIT_CONTRACT
    if "depositContractAddress" in config:
        contract = config.loose_address("depositContractAddress")
    return checked_chain(config.number("chainId", 1), activations, contract, config.place)


def checked_chain(
    chain_id: int, activations: Sequence[Activation], contract: Address, place: str
) -> Chain:
    """A chain, if its forks come in their order.

    Raises:
        ConfigError: a fork begins before an older one.
    """
    for before, after in pairwise(activations):
        for start, last in ((after.block, before.block), (after.timestamp, before.timestamp)):
            if start is not None and last is not None and start < last:
                raise ConfigError(
                    f"{place}: {after.fork} begins at {start}, before {before.fork} at {last}"
                )
    return Chain(chain_id, tuple(activations), contract)


# ---- rules


def _check_rules(config: LooseFields) -> None:
    """Refuse whatever has a meaning that is not followed here."""
    for name in config.written_names():
        folded, value, place = name.lower(), config.member(name), config.place_of(name)
        if folded in _READ or folded in _NO_RULES:
            continue
        if folded == "ethash":
            _check_ethash(config.loose(name))
        elif folded == "consensus":
            if not isinstance(value, str) or value.lower() != "ethash":
                raise _other_rules(place, f"is {brief(value)}, and only 'ethash' is known")
        elif folded in _FIXED_NUMBERS:
            if config.number(name) != _FIXED_NUMBERS[folded]:
                raise _other_rules(place, f"is {brief(value)}, not {_FIXED_NUMBERS[folded]}")
        elif folded in _FIXED_FLAGS:
            if value is not _FIXED_FLAGS[folded]:
                raise _other_rules(place, f"is {brief(value)}")
        elif folded in _FIXED_ADDRESSES:
            if config.loose_address(name).hex() != _FIXED_ADDRESSES[folded]:
                raise _other_rules(place, f"is {brief(value)}, not 0x{_FIXED_ADDRESSES[folded]}")
        else:
            raise _unknown(name, folded, place)


def _unknown(name: str, folded: str, place: str) -> ConfigError:
    if folded in _OTHER_CHAINS:
        return _other_rules(place, "names another chain's rules")
    if folded.endswith(("block", "time")):
        return ConfigError(f"{place}: no fork is known that begins at {brief(name)}")
    return ConfigError(
        f"{place}: no member of a chain's config is known as {brief(name)}; take it out if it "
        "changes nothing about what a block means"
    )


def _other_rules(place: str, what: str) -> ConfigError:
    return ConfigError(
        f"{place}: {what}; blocks are executed by the rules of Ethereum, of proof of work (ethash) "
        "and of stake, and no other"
    )


def _check_ethash(ethash: LooseFields) -> None:
    for name in ethash.unknown(()):
        raise _other_rules(ethash.place_of(name), f"is {brief(ethash.member(name))}")


# ---- forks


def _activations(config: LooseFields) -> Iterator[Activation]:
    """The forks that ``config`` names, oldest first, with Frontier before them."""
    yield Activation(FRONTIER, block=0)
    for fork, spellings in _BLOCKS:
        block = _start(config, spellings)
        if block is None or (fork == DAO_FORK and not _supports_dao_fork(config, block)):
            continue
        if fork == CONSTANTINOPLE and _start(config, _PETERSBURG) is None:
            fork = PETERSBURG  # a client without the correction's name has its rules
        yield Activation(fork, block=block)
    if "terminalTotalDifficulty" in config:
        yield Activation(PARIS, total_difficulty=config.number("terminalTotalDifficulty"))
    for fork, spellings in _TIMES:
        timestamp = _start(config, spellings)
        if timestamp is not None:
            yield Activation(fork, timestamp=timestamp)


def _start(config: LooseFields, spellings: Sequence[str]) -> int | None:
    """The start of a fork of several names; None where it has none."""
    given = {name: config.number(name, bits=64) for name in spellings if name in config}
    if len(set(given.values())) > 1:
        told = " and ".join(f"{name} {number}" for name, number in given.items())
        raise ConfigError(f"{config.place}: {told} are the same fork, which begins once")
    return next(iter(given.values()), None)


def _supports_dao_fork(config: LooseFields, block: int) -> bool:
    """Besu and Erigon have ``daoForkBlock`` alone, and there 0 is none; go-ethereum says no."""
    if "daoForkSupport" not in config:
        return block > 0
    supports = config.member("daoForkSupport")
    if not isinstance(supports, bool):
        place = config.place_of("daoForkSupport")
        raise DecodeError(f"{place}: expected true or false, not {brief(supports)}", place)
    return supports


# ---- blobs


def with_schedules(
    activations: Sequence[Activation], schedules: Mapping[str, BlobSchedule] | None, place: str
) -> list[Activation]:
    """The forks, each with the blob parameters that its chain gives it.

    A fork without an entry has those of the newest entry before it, or mainnet's where there is
    none. Those that change nothing but blob parameters (EIP-7892) must have their entry.

    Args:
        activations: oldest first.
        schedules: fork's name → its entry; None where the chain gives none at all.
        place: of the chain.

    Raises:
        ConfigError: a fork lacks its entry.
    """
    newest: BlobSchedule | None = None
    result = []
    for each in activations:
        fork = each.fork
        newest = (schedules or {}).get(fork.name, newest)
        if fork in _BLOB_PARAMETER_FORKS and (schedules is not None or fork not in _DECIDED):
            _check_has_entry(fork, schedules or {}, place)
        if newest is not None and fork >= CANCUN:
            each = replace(each, fork=replace(fork, blobs=newest))
        result.append(each)
    return result


def _check_has_entry(fork: Fork, schedules: Mapping[str, BlobSchedule], place: str) -> None:
    if fork.name not in schedules:
        raise ConfigError(
            f"{place}.blobSchedule: no entry for {fork.name}, which begins and sets blob parameters"
        )


def _schedules(entries: LooseFields) -> Iterator[tuple[str, BlobSchedule]]:
    for fork, value, place in entries.by_key(_fork_of, "fork"):
        yield fork.name, blob_schedule(LooseFields(value, place))


def _fork_of(name: object, place: str) -> Fork:
    try:
        return fork_named(str(name))
    except ConfigError as error:
        raise DecodeError(f"{place}: {error}", place) from error


def blob_schedule(entry: LooseFields, *beside: str) -> BlobSchedule:
    """The blob parameters that an entry has; ``beside`` them it may have other members.

    Raises:
        DecodeError: a member is missing, malformed or unknown, or they are no parameters.
    """
    entry.refuse_unknown({*map(str.lower, _SCHEDULE), *beside}, "a blob schedule's entry")
    for name in _SCHEDULE:
        if name not in entry:
            raise DecodeError(f"{entry.place_of(name)}: missing", entry.place_of(name))
    try:
        return BlobSchedule(*(entry.number(name, bits=64) for name in _SCHEDULE))
    except ConfigError as error:
        raise DecodeError(f"{entry.place}: {error}", entry.place) from error
