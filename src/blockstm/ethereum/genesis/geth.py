"""A chain from the ``config`` of a genesis file, as go-ethereum, Besu and Erigon write it.

The chain follows all of ``config``, or it is an error: an unknown fork, another chain's rules and a
limit of the EVM that is not the usual one are never passed over. Source: the clients' own files,
and EIP-7840 and EIP-7892 for ``blobSchedule``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from blockstm.errors import ConfigError, DecodeError
from blockstm.ethereum.chains.chain import Activation, Chain
from blockstm.ethereum.codecs.loose_fields import LooseFields, names
from blockstm.ethereum.genesis.chain_members import chain_with, one_start, paris, schedules_by_fork
from blockstm.messages import brief
from blockstm.vm import forks

__all__ = ["chain_of"]

_PETERSBURG: Final = ("petersburgBlock", "constantinopleFixBlock")
# The members that say where a fork begins, oldest first; behind the first name, other clients'.
_BLOCKS: Final = (
    (forks.HOMESTEAD, ("homesteadBlock",)),
    (forks.DAO_FORK, ("daoForkBlock",)),
    (forks.TANGERINE_WHISTLE, ("eip150Block", "tangerineWhistleBlock")),
    (forks.SPURIOUS_DRAGON, ("eip158Block", "eip155Block", "spuriousDragonBlock")),
    (forks.BYZANTIUM, ("byzantiumBlock",)),
    (forks.CONSTANTINOPLE, ("constantinopleBlock",)),
    (forks.PETERSBURG, _PETERSBURG),
    (forks.ISTANBUL, ("istanbulBlock",)),
    (forks.MUIR_GLACIER, ("muirGlacierBlock",)),
    (forks.BERLIN, ("berlinBlock",)),
    (forks.LONDON, ("londonBlock",)),
    (forks.ARROW_GLACIER, ("arrowGlacierBlock",)),
    (forks.GRAY_GLACIER, ("grayGlacierBlock",)),
)
_TIMES: Final = (
    (forks.SHANGHAI, ("shanghaiTime",)),
    (forks.CANCUN, ("cancunTime",)),
    (forks.PRAGUE, ("pragueTime",)),
    (forks.OSAKA, ("osakaTime",)),
    (forks.BPO1, ("bpo1Time",)),
    (forks.BPO2, ("bpo2Time",)),
    (forks.BPO3, ("bpo3Time",)),
    (forks.BPO4, ("bpo4Time",)),
    (forks.BPO5, ("bpo5Time",)),
    (forks.AMSTERDAM, ("amsterdamTime",)),
)

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
        schedules = schedules_by_fork(config.loose("blobSchedule"))
    return chain_with(config, config.number("chainId", 1), [*_activations(config)], schedules)


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
    yield Activation(forks.FRONTIER, block=0)
    for fork, spellings in _BLOCKS:
        block = _start(config, spellings)
        if block is None or (fork == forks.DAO_FORK and not _supports_dao_fork(config, block)):
            continue
        if fork == forks.CONSTANTINOPLE and _start(config, _PETERSBURG) is None:
            fork = forks.PETERSBURG  # a client without the correction's name has its rules
        yield Activation(fork, block=block)
    yield from paris(config)
    for fork, spellings in _TIMES:
        timestamp = _start(config, spellings)
        if timestamp is not None:
            yield Activation(fork, timestamp=timestamp)


def _start(config: LooseFields, spellings: Sequence[str]) -> int | None:
    """The start of a fork of several names; None where it has none."""
    return one_start(config, spellings, "these names are of the same fork, which begins once")


def _supports_dao_fork(config: LooseFields, block: int) -> bool:
    """Besu and Erigon have ``daoForkBlock`` alone, and there 0 is none; go-ethereum says no."""
    if "daoForkSupport" not in config:
        return block > 0
    supports = config.member("daoForkSupport")
    if not isinstance(supports, bool):
        place = config.place_of("daoForkSupport")
        raise DecodeError(f"{place}: expected true or false, not {brief(supports)}", place)
    return supports
