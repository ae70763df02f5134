"""Nethermind's chain specification, the format that Parity began: EIP by EIP.

``params`` has the start of each EIP, ``engine`` the consensus, ``genesis`` the first header and
``accounts`` the state. A fork here is all its EIPs at once, so a file that starts them at
different places, or some and not the others, is of another chain: an error, as is every member
that asks for rules that are not Ethereum's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from blockstm.errors import ConfigError, DecodeError
from blockstm.ethereum.chains.chain import Activation, Chain
from blockstm.ethereum.chains.dao import DAO_REFUND_CONTRACT
from blockstm.ethereum.codecs.loose_fields import LooseFields, loose_number, names
from blockstm.ethereum.genesis.chain_members import (
    BLOB_PARAMETER_FORKS,
    blob_schedule,
    chain_with,
    one_start,
    paris,
    schedules_by_fork,
)
from blockstm.messages import brief
from blockstm.vm import forks
from blockstm.vm.forks import BlobSchedule, Fork

__all__ = ["chain_of_spec", "is_chainspec"]

# The EIPs of each fork that begins at a block. Those of prices of precompiled contracts may
# be absent: older files have them beside the contract.
_BLOCKS: Final = (
    (forks.TANGERINE_WHISTLE, "150"),
    (forks.SPURIOUS_DRAGON, "155 160 161abc 161d"),
    (forks.BYZANTIUM, "140 211 214 658"),
    (forks.CONSTANTINOPLE, "145 1014 1052 1283"),
    (forks.ISTANBUL, "1344 1884 2028 2200"),
    (forks.BERLIN, "2929 2930"),
    (forks.LONDON, "1559 3198 3529 3541"),
)
_BESIDE: Final = {
    forks.SPURIOUS_DRAGON: ("eip158Transition", "maxCodeSizeTransition"),
    forks.ISTANBUL: ("eip152Transition", "eip1108Transition"),
    forks.BERLIN: ("eip2565Transition",),
}
_TIMES: Final = (
    (forks.SHANGHAI, "3651 3855 3860 4895"),
    (forks.CANCUN, "1153 4788 4844 5656 6780"),
    (forks.PRAGUE, "2537 2935 6110 7002 7251 7623 7702"),
    (forks.OSAKA, "7594 7823 7825 7883 7918 7934 7939 7951"),
)
_FROM_THE_FIRST_BLOCK: Final = (
    forks.TANGERINE_WHISTLE,
    forks.SPURIOUS_DRAGON,
)  # where they are not named

_KNOWN: Final = names("name description dataDir engine params genesis accounts nodes")
_GENESIS: Final = names(
    "seal author difficulty gasLimit timestamp parentHash extraData baseFeePerGas blobGasUsed "
    "excessBlobGas parentBeaconBlockRoot stateRoot"
)
_NO_RULES: Final = names(
    "networkid chainid registrar accountstartnonce maximumextradatasize "
    "mergeforkidtransition minhistoryretentionepochs beaconchaingenesistimestamp "
    "terminalpowblocknumber forkblock forkcanonhash validatechainidtransition "
    "validatereceiptstransition eip3607transition"
)
_READ: Final = names(
    "terminaltotaldifficulty depositcontractaddress blobschedule eip1283disabletransition "
    "eip1283reenabletransition eip1706transition"
)
_FIXED: Final = {
    "gaslimitbounddivisor": 1024,
    "mingaslimit": 5000,
    "maxcodesize": 24_576,
    "eip1559basefeemaxchangedenominator": 8,
    "eip1559elasticitymultiplier": 2,
    "eip1559basefeeinitialvalue": 10**9,
    "eip4844minblobgasprice": 1,
}
_ETHASH_FIXED: Final = {
    "minimumdifficulty": 131_072,
    "difficultybounddivisor": 2048,
    "durationlimit": 13,
}
_ETHASH_READ: Final = names(
    "homesteadtransition eip100btransition daohardforktransition daohardforkbeneficiary "
    "daohardforkaccounts blockreward difficultybombdelays"
)
# By how many blocks in all the bomb is put off, and which fork did nothing else.
_GLACIERS: Final = {
    9_000_000: forks.MUIR_GLACIER,
    10_700_000: forks.ARROW_GLACIER,
    11_400_000: forks.GRAY_GLACIER,
}
_BOMB_ONLY: Final = frozenset(_GLACIERS.values())


def is_chainspec(document: LooseFields) -> bool:
    """Whether a JSON object looks like a chain specification."""
    return "params" in document and ("engine" in document or "accounts" in document)


def chain_of_spec(document: LooseFields) -> tuple[Chain, LooseFields, LooseFields]:
    """The chain, the members of its first header, and its accounts, as a genesis file has them.

    Raises:
        DecodeError: a member is missing or malformed.
        ConfigError: a member asks for rules that are not known here.
    """
    document.refuse_unknown(_KNOWN, "a chain specification")
    params, ethash = document.loose("params"), _ethash(document.loose("engine"))
    activations = sorted(_activations(params, ethash), key=lambda each: each.fork.age)
    schedules, timed = _schedules(params, activations)
    _check_params(params)
    chain_id = params.number("chainID", params.number("networkID", 1))
    chain = chain_with(params, chain_id, [*activations, *timed], schedules)
    _check_work(ethash, chain)
    return chain, _header(document.loose("genesis")), _accounts(document.loose("accounts"))


def _header(genesis: LooseFields) -> LooseFields:
    """The members of the first header under the names of a genesis file."""
    genesis.refuse_unknown(_GENESIS, "the genesis of a chain specification")
    members = {
        "coinbase" if name.lower() == "author" else name: genesis.member(name)
        for name in genesis.written_names()
        if name.lower() != "seal"
    }
    seal = genesis.loose("seal")
    seal.refuse_unknown({"ethereum"}, "a seal of Ethereum")
    ethereum = seal.loose("ethereum")
    ethereum.refuse_unknown({"nonce", "mixhash"}, "a seal")
    members |= {name: ethereum.member(name) for name in ethereum.written_names()}
    return LooseFields(members, genesis.place)


def _accounts(accounts: LooseFields) -> LooseFields:
    """The accounts without the precompiled contracts, which are described beside them."""
    kept = {}
    for name, value, place in accounts.items():
        account = LooseFields(value, place)
        if "constructor" in account:
            raise ConfigError(f"{place}: code that is run to make an account is not known here")
        rest = {
            each: account.member(each)
            for each in account.written_names()
            if each.lower() != "builtin"
        }
        if rest or "builtin" not in account:
            kept[name] = rest
    return LooseFields(kept, accounts.place)


# ---- rules


def _ethash(engine: LooseFields) -> LooseFields:
    """The parameters of proof of work.

    Raises:
        ConfigError: others seal the blocks.
    """
    for name in engine.unknown({"ethash"}):
        raise ConfigError(
            f"{engine.place_of(name)}: blocks are sealed by {brief(name)}; only chains of proof of "
            "work (Ethash) and of stake are executed here"
        )
    ethash = engine.loose("Ethash")
    params = ethash.loose("params") if "params" in ethash else ethash
    _check_fixed(params, _ETHASH_FIXED, _ETHASH_READ)
    return params


def _check_params(params: LooseFields) -> None:
    eips = {f"eip{eip}transition" for _, group in _BLOCKS for eip in group.split()}
    eips |= {name.lower() for listed in _BESIDE.values() for name in listed}
    eips |= {f"eip{eip}transitiontimestamp" for _, group in _TIMES for eip in group.split()}
    _check_fixed(params, _FIXED, _NO_RULES | _READ | eips)


def _check_fixed(params: LooseFields, fixed: dict[str, int], known: frozenset[str]) -> None:
    """Raise unless a member of no meaning here has the one value that is Ethereum's rule."""
    for name in params.unknown(known):
        place, rule = params.place_of(name), fixed.get(name.lower())
        if rule is None:
            raise ConfigError(f"{place}: no such rule of Ethereum is known")
        if params.number(name) != rule:
            shown = brief(params.member(name))
            raise ConfigError(f"{place}: {shown} is not the rule of Ethereum, {rule}")


def _check_work(ethash: LooseFields, chain: Chain) -> None:
    """Raise unless rewards and bomb are those of the forks, on a chain from before Paris."""
    if any(each.total_difficulty == 0 for each in chain.activations):
        return
    if "blockReward" in ethash:
        for block, reward in _steps(ethash, "blockReward", 0):
            if reward != chain.fork_at(block, 0, 0).block_reward:
                place = ethash.place_of("blockReward")
                raise ConfigError(f"{place}: {reward} from block {block} on is no reward of a fork")
    delay = 0
    for block, more in _steps(ethash, "difficultyBombDelays"):
        delay += more
        if delay != chain.fork_at(block, 0, 0).bomb_delay:
            place = ethash.place_of("difficultyBombDelays")
            raise ConfigError(f"{place}: {delay} from block {block} on is no delay of a fork")


def _steps(ethash: LooseFields, name: str, first: int | None = None) -> list[tuple[int, int]]:
    """Block → number, by ascending block; a number alone is of block ``first``."""
    if name not in ethash:
        return []
    if first is not None and not isinstance(ethash.member(name), dict):
        return [(first, ethash.number(name))]
    steps = ethash.loose(name).by_key(lambda key, place: loose_number(key, place, 64), "block")
    return sorted((block, loose_number(value, place)) for block, value, place in steps)


# ---- forks


def _activations(params: LooseFields, ethash: LooseFields) -> Iterator[Activation]:
    yield Activation(forks.FRONTIER, block=0)
    yield Activation(forks.HOMESTEAD, block=ethash.number("homesteadTransition", bits=64))
    if "daoHardforkTransition" in ethash:
        beneficiary = ethash.loose_address("daoHardforkBeneficiary")
        if beneficiary != DAO_REFUND_CONTRACT:
            place = ethash.place_of("daoHardforkBeneficiary")
            raise ConfigError(f"{place}: not 0x{DAO_REFUND_CONTRACT.hex()}, as in EIP-779")
        yield Activation(forks.DAO_FORK, block=ethash.number("daoHardforkTransition", bits=64))
    for fork, eips in _BLOCKS:
        start = _start_of(params, ethash, fork, eips.split())
        if start is not None:
            yield from _at_block(params, fork, start)
    yield from _glaciers(ethash)
    yield from paris(params)
    for fork, eips in _TIMES:
        timestamps = [f"eip{eip}TransitionTimestamp" for eip in eips.split()]
        start = _same_start(params, fork, timestamps, ())
        if start is not None:
            yield Activation(fork, timestamp=start)


def _start_of(params: LooseFields, ethash: LooseFields, fork: Fork, eips: list[str]) -> int | None:
    together = [f"eip{eip}Transition" for eip in eips]
    if fork == forks.ISTANBUL and "eip2200Transition" not in params:
        together[-1:] = ["eip1283ReenableTransition", "eip1706Transition"]  # the same in two halves
    start = _same_start(params, fork, together, _BESIDE.get(fork, ()))
    if start is None and fork in _FROM_THE_FIRST_BLOCK:
        return 0
    if fork == forks.BYZANTIUM and "eip100bTransition" in ethash:
        difficulty = ethash.number("eip100bTransition", bits=64)
        if difficulty != start:
            place = ethash.place_of("eip100bTransition")
            raise ConfigError(f"{place}: {difficulty}, where {fork} begins at {start}")
    return start


def _same_start(
    params: LooseFields, fork: Fork, together: list[str], beside: tuple[str, ...]
) -> int | None:
    """The start of all EIPs of a fork; None where none of them starts.

    Raises:
        ConfigError: they do not begin together.
    """
    why = f"{fork} begins with all its EIPs"
    absent = [name for name in together if name not in params]
    if absent and any(name in params for name in (*together, *beside)):
        raise ConfigError(f"{params.place}: {why}, and {', '.join(absent)} is missing")
    return one_start(params, (*together, *beside), why)


def _at_block(params: LooseFields, fork: Fork, start: int) -> Iterator[Activation]:
    """A fork; Constantinople, with what is left of it where EIP-1283 is disabled."""
    yield Activation(fork, block=start)
    if fork == forks.CONSTANTINOPLE and "eip1283DisableTransition" in params:
        disabled = params.number("eip1283DisableTransition", bits=64)
        yield Activation(forks.PETERSBURG, block=disabled)


def _glaciers(ethash: LooseFields) -> Iterator[Activation]:
    """The forks that only put off the bomb."""
    delay = 0
    for block, more in _steps(ethash, "difficultyBombDelays"):
        delay += more
        if delay in _GLACIERS:
            yield Activation(_GLACIERS[delay], block=block)


# ---- blobs


def _schedules(
    params: LooseFields, activations: list[Activation]
) -> tuple[dict[str, BlobSchedule] | None, list[Activation]]:
    """The blob parameters of each fork, and the forks that begin with them and nothing else.

    They are written as an object, by fork, or as a list, by time.
    """
    if "blobSchedule" not in params:
        return None, []
    value, place = params.member("blobSchedule"), params.place_of("blobSchedule")
    if not isinstance(value, list):
        return schedules_by_fork(params.loose("blobSchedule")), []
    return _by_time(value, place, {each.timestamp: each.fork for each in activations})


def _by_time(
    entries: list[Any], place: str, forks: dict[int | None, Fork]
) -> tuple[dict[str, BlobSchedule], list[Activation]]:
    schedules: dict[str, BlobSchedule] = {}
    timed: list[Activation] = []
    by_time = sorted(
        (LooseFields(entry, f"{place}[{index}]") for index, entry in enumerate(entries)),
        key=lambda entry: entry.number("timestamp", bits=64),
    )
    for entry in by_time:
        timestamp = entry.number("timestamp", bits=64)
        fork = forks.get(timestamp)
        if fork is None:
            if len(timed) == len(BLOB_PARAMETER_FORKS):
                raise ConfigError(f"{place}: more changes of blob parameters than have a name")
            fork = BLOB_PARAMETER_FORKS[len(timed)]
            timed.append(Activation(fork, timestamp=timestamp))
        if fork.name in schedules:
            raise DecodeError(f"{entry.place}: this timestamp is there twice", entry.place)
        schedules[fork.name] = blob_schedule(entry, "timestamp")
    return schedules, timed
