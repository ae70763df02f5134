"""Chains: which fork a block is under, and whose chain it is.

A chain of one's own is a `Chain` of any forks at any places::

    Chain(1337, (Activation(BERLIN, block=0), Activation(CANCUN, timestamp=1_700_000_000)))

A fork with other blob parameters, or another reward, is ``dataclasses.replace(fork, blobs=...)``.
What no fork has is its `Rules`: precompiled contracts, opcodes, types of transactions, what a block
does by itself, fees, a base fee, a rule of headers. Four of them, the oldest, are keywords of the
chain, too. Functions among them are called in any thread, and must answer alike each time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from blockstm.errors import ConfigError
from blockstm.ethereum.chains.activations import Activation, check_fork
from blockstm.ethereum.chains.mainnet import MAINNET_BY_NUMBER, MAINNET_BY_TIMESTAMP
from blockstm.ethereum.chains.rules import NO_RULES, Rules, check_code
from blockstm.ethereum.codecs.members import address, word
from blockstm.messages import brief
from blockstm.types import Address
from blockstm.vm.forks import DAO_FORK, BlobSchedule, Fork, fork_named

__all__ = ["MAINNET", "MAINNET_DEPOSIT_CONTRACT", "Activation", "Chain", "chain_named"]

MAINNET_DEPOSIT_CONTRACT: Final = Address(bytes.fromhex("00000000219ab540356cbb839cbe05303d7705fa"))
"""The contract whose logs are deposits (EIP-6110)."""


@dataclass(frozen=True, slots=True)
class Chain:
    """What is fixed for all blocks of a chain. Immutable; safe from any thread.

    Attributes:
        chain_id: what transactions sign (EIP-155).
        activations: its forks, oldest first; the first is there from block 0 on. Or ``rules`` has
            them.
        deposit_contract: whose logs are deposits, from Prague on.
        checks_seals: whether headers before Paris must prove work. That takes milliseconds a
            header and seconds for the first, and is not needed where a chain's hashes are known.
        fork: whose rules hold in every block, wherever it begins; None: those of the fork that the
            block is under. See `under`.
        precompiles: address → precompiled contracts of the chain's own, in all its blocks, beside
            those of its forks or in their place; see `blockstm.vm.evm.Precompile`. Only the native
            EVM has them.
        opcodes: number → opcodes of the chain's own, in all its blocks, where their fork has none;
            see `blockstm.vm.evm.Opcode`. Only the native EVM has them.
        base_fee: a parent's `Header` → the base fee of the block after it, in wei per gas, from
            London on; None: EIP-1559's. The parent of London's first block has no base fee.
        header_rule: the `Header` of a block and its parent's → what is wrong with it, in words, or
            None: a rule of the chain's own, checked after its fork's. Ommers must keep it, too.
        rules: what the chain has beside its forks; what stands there is ``precompiles``,
            ``opcodes``, ``base_fee`` and ``header_rule`` of the chain, too.
        netsplit_block: where nodes that missed the merge part from the others by their fork
            identifier (EIP-3675). No rule of a block depends on it, nor does equality.

    Raises:
        ConfigError: the forks are none, not in order, or do not begin at block 0; an attribute is
            of the wrong kind, or another one than in ``rules``.
    """

    chain_id: int
    activations: tuple[Activation, ...] = ()
    deposit_contract: Address = MAINNET_DEPOSIT_CONTRACT
    checks_seals: bool = False
    fork: Fork | None = None
    precompiles: Mapping[Address, Any] = field(default_factory=dict, hash=False)
    netsplit_block: int | None = field(default=None, compare=False)
    opcodes: Mapping[int, Any] = field(default_factory=dict, hash=False)
    base_fee: Callable[[Any], int] | None = field(default=None, hash=False)
    header_rule: Callable[[Any, Any], str | None] | None = field(default=None, hash=False)
    rules: Rules = field(default=NO_RULES, hash=False)

    def __post_init__(self) -> None:
        self._take_rules()
        check_code(self, "of a chain")
        for name, kind in (("chain_id", word), ("deposit_contract", address)):
            if expected := kind(getattr(self, name)):
                given = brief(getattr(self, name))
                raise ConfigError(f"the {name} of a chain is {expected}, not {given}")
        if not isinstance(self.activations, list | tuple) or not all(
            isinstance(each, Activation) for each in self.activations
        ):
            given = brief(self.activations)
            raise ConfigError(f"the activations of a chain are a tuple of Activation, not {given}")
        if self.fork is not None:
            check_fork(self.fork)
        forks = [activation.fork for activation in self.activations]
        if not forks or forks != sorted(set(forks)):
            raise ConfigError("the forks of a chain are one or more, each once, oldest first")
        if not self.activations[0].has_come(0, 0, 0):
            raise ConfigError(f"a chain begins under its first fork, not before {forks[0]}")

    def _take_rules(self) -> None:
        """Have as the chain's own what its rules have."""
        if not isinstance(self.rules, Rules):
            raise ConfigError(f"the rules of a chain are Rules, not {brief(self.rules)}")
        for name in ("activations", "precompiles", "opcodes", "base_fee", "header_rule"):
            given, ruled = getattr(self, name), getattr(self.rules, name)
            if not ruled:
                continue
            if given and given != ruled:
                raise ConfigError(f"a chain has its {name} by itself or in its rules, not in both")
            object.__setattr__(self, name, ruled)

    def fork_at(self, number: int, timestamp: int, total_difficulty: int | None = None) -> Fork:
        """The fork that a block is under.

        A fork begins only after all that stand before it: time decides nothing on a chain that
        has not reached the blocks of its older forks.

        Args:
            number: of the block.
            timestamp: of the block, in s since 1970.
            total_difficulty: of its parent, all blocks up to it summed up; needed only where
                a fork begins at one.

        Raises:
            ConfigError: a fork begins at a total difficulty, and none is given.
        """
        if self.fork is not None:
            return self.fork
        fork = self.activations[0].fork
        for activation in self.activations:
            if not activation.has_come(number, timestamp, total_difficulty):
                break
            fork = activation.fork
        return fork

    def under(self, fork: Fork | str) -> Chain:
        """The same chain with the rules of one fork in all its blocks, and nothing else changed.

        Args:
            fork: the fork. One that is named has the blob parameters that this chain has for it,
                or for its newest fork before it where these are its own; a `Fork` holds as it is.

        Raises:
            ConfigError: there is no such fork.
        """
        if isinstance(fork, str):
            fork = self._with_own_blobs(fork_named(fork))
        if not isinstance(fork, Fork):
            raise ConfigError(f"fork is a name or a Fork, not {type(fork).__name__}")
        return replace(self, fork=fork)

    def _with_own_blobs(self, fork: Fork) -> Fork:
        before = [each.fork for each in self.activations if each.fork <= fork and each.fork.blobs]
        if not before or before[-1].blobs == fork_named(before[-1].name).blobs:
            return fork
        return replace(fork, blobs=before[-1].blobs)

    @property
    def dao_fork_block(self) -> int | None:
        """The block that moves the DAO's ether (EIP-779); None on a chain that never does."""
        for activation in self.activations:
            if activation.fork == DAO_FORK:
                return activation.block
        return None

    @property
    def needs_total_difficulty(self) -> bool:
        """Whether which fork a block is under depends on a total difficulty."""
        return self.fork is None and any(
            each.total_difficulty is not None for each in self.activations
        )

    def total_difficulty_before(
        self, difficulty: int, parent_number: int | None = None, parent_difficulty: int = 0
    ) -> int:
        """A total difficulty of a block's parent that fits what the headers say of the merge.

        From the merge on a header's difficulty is 0, and before it never (EIP-3675), so that for
        all blocks but those at the merge itself it tells as much as the total difficulty.

        Args:
            difficulty: of the block.
            parent_number: of its parent; None where that is not known.
            parent_difficulty: of its parent.
        """
        ends = [each.total_difficulty for each in self.activations if each.total_difficulty]
        if not ends:
            return 0
        if parent_number == 0:
            return parent_difficulty  # the chain's first block is all there is before it
        is_merged = difficulty == 0 or (parent_number is not None and parent_difficulty == 0)
        return max(ends) if is_merged else min(ends) - 1


MAINNET: Final = Chain(
    1,
    (
        *(Activation(fork_named(name), block=start) for start, name in MAINNET_BY_NUMBER),
        *(Activation(fork_named(name), timestamp=start) for start, name in MAINNET_BY_TIMESTAMP),
    ),
)
"""Ethereum's main chain."""

_NAME_LENGTH_MAX: Final = 100
_TRANSITION = re.compile(
    r"(?P<before>\w+?)To(?P<after>\w+?)At"
    r"(?:(?P<block>\d+)|Time(?P<time>\d+)(?P<kilo>k?)|Diff(?P<difficulty>[0-9a-fA-F]+))"
)


def chain_named(
    name: str, chain_id: int = 1, blob_schedules: Mapping[str, BlobSchedule] | None = None
) -> Chain:
    """The chain that the official tests call ``name``.

    It is one fork from the first block on ("Cancun"), or two: "BerlinToLondonAt5" changes at a
    block, "ShanghaiToCancunAtTime15k" at a timestamp, "ArrowGlacierToParisAtDiffC0000" at a total
    difficulty. "Mainnet" is mainnet with all its forks.

    Args:
        name: of the network.
        chain_id: of the network.
        blob_schedules: fork's name → its blob parameters, where they are not the usual ones.

    Raises:
        ConfigError: the name, or a fork in it or in ``blob_schedules``, is unknown.
    """
    schedules = {fork_named(n).name: blobs for n, blobs in (blob_schedules or {}).items()}

    def fork(fork_name: str) -> Fork:
        found = fork_named(fork_name)
        return replace(found, blobs=schedules.get(found.name, found.blobs))

    if name.lower() == "mainnet":
        activations = tuple(replace(a, fork=fork(a.fork.name)) for a in MAINNET.activations)
        return Chain(chain_id, activations)
    # No network has a longer name, and the pattern would try each "To" in it with each "At".
    parts = _TRANSITION.fullmatch(name) if len(name) <= _NAME_LENGTH_MAX else None
    if parts is None:
        return Chain(chain_id, (Activation(fork(name), block=0),))
    before, after = Activation(fork(parts["before"]), block=0), fork(parts["after"])
    if parts["block"]:
        return Chain(chain_id, (before, Activation(after, block=int(parts["block"]))))
    if parts["time"]:
        timestamp = int(parts["time"]) * (1000 if parts["kilo"] else 1)
        return Chain(chain_id, (before, Activation(after, timestamp=timestamp)))
    difficulty = int(parts["difficulty"], 16)
    return Chain(chain_id, (before, Activation(after, total_difficulty=difficulty)))
