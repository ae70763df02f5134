"""The forks of Ethereum: what each one changed about a block.

A fork is its predecessor with a few things changed, and forks compare by age: ``fork >= LONDON``
asks whether London has happened. The names are those of the Ethereum execution specifications;
`fork_named` knows those of the official tests too. Source: the meta-EIPs of each fork.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final

from blockstm.errors import ConfigError
from blockstm.messages import brief
from blockstm.values import is_int

__all__ = [
    "AMSTERDAM",
    "ARROW_GLACIER",
    "BERLIN",
    "BPO1",
    "BPO2",
    "BPO3",
    "BPO4",
    "BPO5",
    "BYZANTIUM",
    "CANCUN",
    "CONSTANTINOPLE",
    "DAO_FORK",
    "FORKS",
    "FRONTIER",
    "GRAY_GLACIER",
    "HOMESTEAD",
    "ISTANBUL",
    "LONDON",
    "MUIR_GLACIER",
    "OSAKA",
    "OSAKA_ACCESS_LISTS",
    "PARIS",
    "PETERSBURG",
    "PRAGUE",
    "SHANGHAI",
    "SPURIOUS_DRAGON",
    "TANGERINE_WHISTLE",
    "BlobSchedule",
    "Fork",
    "fork_named",
]

_ETHER: Final = 10**18


@dataclass(frozen=True, slots=True)
class BlobSchedule:
    """How many blobs a block has, in blobs, and how fast their price follows (EIP-7840).

    Attributes:
        target: above it the price rises, below it falls; from 0 to ``max``.
        max: what a block may have; 1 or more.
        base_fee_update_fraction: the greater, the slower the price moves; in blob gas, 1 or more.

    Raises:
        ConfigError: one of them is no int, or not in its range.
    """

    target: int
    max: int
    base_fee_update_fraction: int

    def __post_init__(self) -> None:
        least = {"target": 0, "max": 1, "base_fee_update_fraction": 1}
        for name, low in least.items():
            number = getattr(self, name)
            if not is_int(number) or not low <= number < 1 << 64:
                raise ConfigError(
                    f"the {name} of a blob schedule is an int from {low} to 2**64-1, "
                    f"not {brief(number)}"
                )
        if self.target > self.max:
            raise ConfigError(f"a target of {self.target} blobs is above the max, {self.max}")


@dataclass(frozen=True, slots=True, order=True)
class Fork:
    """The rules of a fork; ordered by age, and equal by age alone.

    Attributes:
        age: its place among the forks, from 0.
        name: its name, in snake case.
        rules: what the EVM calls its rules of execution, in snake case; several forks share
            one where they differ in nothing that execution sees (``_native/evm/forks/forks.hpp``).
        block_reward: what the beneficiary is paid, in wei; 0 from Paris on.
        bomb_delay: by how many blocks the difficulty bomb is put off; None from Paris on.
        newest_transaction_type: transactions of this type and of those before it are allowed.
        header_members: how many members a header has.
        blobs: None before Cancun. A chain may have its own: ``replace(fork, blobs=...)``.
    """

    age: int
    name: str = field(compare=False)
    rules: str = field(compare=False)
    block_reward: int = field(compare=False, default=0)
    bomb_delay: int | None = field(compare=False, default=None)
    newest_transaction_type: int = field(compare=False, default=0)
    header_members: int = field(compare=False, default=15)
    blobs: BlobSchedule | None = field(compare=False, default=None)

    def __str__(self) -> str:
        return self.name


_forks: list[Fork] = []


def _fork(name: str, **changed: Any) -> Fork:
    """The next fork: the one before it with these things changed."""
    changed = {"age": len(_forks), "name": name, "rules": name, **changed}
    fork = replace(_forks[-1], **changed) if _forks else Fork(**changed)
    _forks.append(fork)
    return fork


FRONTIER: Final = _fork("frontier", block_reward=5 * _ETHER, bomb_delay=0)
HOMESTEAD: Final = _fork("homestead")
DAO_FORK: Final = _fork("dao_fork", rules="homestead")
TANGERINE_WHISTLE: Final = _fork("tangerine_whistle")
SPURIOUS_DRAGON: Final = _fork("spurious_dragon")
BYZANTIUM: Final = _fork("byzantium", block_reward=3 * _ETHER, bomb_delay=3_000_000)
CONSTANTINOPLE: Final = _fork("constantinople", block_reward=2 * _ETHER, bomb_delay=5_000_000)
"""Constantinople as planned, with EIP-1283 (EIP-1013): only test networks had it."""
PETERSBURG: Final = _fork("petersburg")
"""Constantinople without EIP-1283 (EIP-1716), as mainnet got it."""
ISTANBUL: Final = _fork("istanbul")
MUIR_GLACIER: Final = _fork("muir_glacier", rules="istanbul", bomb_delay=9_000_000)
BERLIN: Final = _fork("berlin", newest_transaction_type=1)
LONDON: Final = _fork("london", newest_transaction_type=2, header_members=16, bomb_delay=9_700_000)
ARROW_GLACIER: Final = _fork("arrow_glacier", rules="london", bomb_delay=10_700_000)
GRAY_GLACIER: Final = _fork("gray_glacier", rules="london", bomb_delay=11_400_000)
PARIS: Final = _fork("paris", block_reward=0, bomb_delay=None)
SHANGHAI: Final = _fork("shanghai", header_members=17)
CANCUN: Final = _fork(
    "cancun", newest_transaction_type=3, header_members=20, blobs=BlobSchedule(3, 6, 3_338_477)
)
PRAGUE: Final = _fork(
    "prague", newest_transaction_type=4, header_members=21, blobs=BlobSchedule(6, 9, 5_007_716)
)
OSAKA: Final = _fork("osaka")
BPO1: Final = _fork("bpo1", rules="osaka", blobs=BlobSchedule(10, 15, 8_346_193))
BPO2: Final = _fork("bpo2", rules="osaka", blobs=BlobSchedule(14, 21, 11_684_671))
# Mainnet has not decided on the next three: these are the official tests' figures.
BPO3: Final = _fork("bpo3", rules="osaka", blobs=BlobSchedule(21, 32, 20_609_697))
BPO4: Final = _fork("bpo4", rules="osaka", blobs=BlobSchedule(14, 21, 13_739_630))
BPO5: Final = _fork("bpo5", rules="osaka")
OSAKA_ACCESS_LISTS: Final = _fork(
    "osaka_access_lists",
    rules="osaka",
    header_members=22,
    blobs=BlobSchedule(14, 21, 11_684_671),
)
"""Osaka with block-level access lists (EIP-7928) and nothing else of Amsterdam: a devnet's."""
AMSTERDAM: Final = _fork("amsterdam", header_members=23)

FORKS: Final = tuple(_forks)
"""Every fork, oldest first."""

# What else the official tests and other clients call them.
_OTHER_NAMES: Final = {
    "dao": DAO_FORK,
    "eip150": TANGERINE_WHISTLE,
    "eip158": SPURIOUS_DRAGON,
    "constantinople_uncorrected": CONSTANTINOPLE,
    "constantinople_fix": PETERSBURG,
    "merge": PARIS,
}


def _loose(name: str) -> str:
    return name.replace("_", "").lower()


_BY_NAME: Final = {
    _loose(name): fork for name, fork in ({f.name: f for f in FORKS} | _OTHER_NAMES).items()
}


def fork_named(name: str) -> Fork:
    """The fork of this name.

    Names are the specifications' ("tangerine_whistle"), those in CamelCase ("TangerineWhistle"),
    and those of the official tests and other clients ("EIP150", "ConstantinopleFix", "Merge"), in
    any case. One name differs: the specifications call Petersburg "constantinople", which is
    elsewhere, and here, the fork as it was planned.

    Raises:
        ConfigError: there is none.
    """
    found = _BY_NAME.get(_loose(name)) if isinstance(name, str) else None
    if found is None:
        raise ConfigError(
            f"no fork {brief(name)} is known, only {', '.join(f.name for f in FORKS)}"
        )
    return found
