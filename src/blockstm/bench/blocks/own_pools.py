"""Swaps on Uniswap V3, each with pool, tokens and router of its own: what meeting code costs.

The contracts are the real ones, compiled by others, so they are read from a folder or an archive
that has them. A deployment's immutables stand in its code: three codes of each swap (a pool of 22
kB, a router of 10, a contract of 3 that calls it) differ from all others in a few addresses, and
only the token's is shared.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from blockstm.bench.blocks.fixture import CALL_GAS, Fixture
from blockstm.bench.blocks.workloads import BlockWorkload
from blockstm.errors import ConfigError, DecodeError
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.messages import brief
from blockstm.types import Address
from blockstm.vm.evm import Signed

__all__ = ["ABOUT", "NAME", "SWAP_GAS", "own_pools"]

NAME = "own-pools"
ABOUT = "Uniswap V3, each swap in contracts of its own"
SWAP_GAS = 155_934
"""The gas of one of these swaps, about."""

_FILES = ("ERC20Token", "SingleSwap", "SwapRouter", "UniswapV3Pool")
# What stands in the compiled codes in place of each immutable.
_TOKEN_0 = "261d8c5e9742e6f7f1076fa1f560894524e19cad"
_TOKEN_1 = "ce3478a9e0167a6bc5716dc39dbbbfac38f27623"
_POOL_FACTORY = "cba6b9a951749b8735c603e7ffc5151849248772"
_POOL = "d495d5e5cab2567777fff988c4fcd71328b17c9d"
_ROUTER_WETH = "6509f2a854ba7441039fce3b959d5badd2ffcfcd"
_ROUTER_FACTORY = "d787a42ee3ac477c46dd6c912e7af795d44453d5"
_ROUTER_POOL_HASH = "636fcf59d7fdf3a03833dba1c6d936c9d7c6730057c8c4c8e5059feaeab60e04"
_SWAP_ROUTER = "e7cfcccb38ce07ba9d8d13431afe8cf6172de031"

_SELL_TOKEN_0 = bytes.fromhex("c92b0891")
_SOLD = 2000
_FEE = 3000  # of the pool, in millionths
_TICK_SPACING = 60
_TICK_MAX = 600_000  # where the one position of the pool ends, on either side
_LIQUIDITY = 111_111_000_000_010_412_955_141
_DEPTH = 111_111 * 10**18
_FUNDS = 10**18
_INITIALISED = 1 << 248


def own_pools(contracts: Path, *, gas: int) -> BlockWorkload:
    """Make the workload.

    Args:
        contracts: a folder, or a ``.tar.xz`` archive, with ``ERC20Token.hex``, ``SingleSwap.hex``,
            ``SwapRouter.hex`` and ``UniswapV3Pool.hex``: runtime code with the addresses that
            pevm's tests know in place of immutables.
        gas: about how much gas the block uses.

    Raises:
        ConfigError: less gas than two swaps use.
        DecodeError: one of the files is missing, or is no hexadecimal code.
        OSError: the folder or archive cannot be read.
    """
    count = -(-gas // SWAP_GAS)
    if count < 2:
        raise ConfigError(f"gas is {2 * SWAP_GAS} or more for {NAME}, not {gas}")
    codes = _codes(contracts)
    fixture = Fixture()
    steps = [_swap(fixture, codes, number) for number in range(count)]
    return BlockWorkload(NAME, ABOUT, steps, fixture.state(), fixture.evm())


# ---------------------------------------------------------------- one swap and its contracts


@dataclass(frozen=True)
class _Cluster:
    """The addresses of one swap's contracts."""

    token_0: Address
    token_1: Address
    factory: Address
    weth: Address
    pool: Address
    router: Address
    swap: Address


def _swap(fixture: Fixture, codes: Mapping[str, str], number: int) -> Signed:
    named = partial(_named, fixture, number)
    token_0, token_1 = sorted((named("token 0"), named("token 1")))
    factory, pool_hash = named("factory"), keccak(b"pool %d" % number)
    there = _Cluster(
        token_0,
        token_1,
        factory,
        named("weth"),
        _pool_address(factory, pool_hash, token_0, token_1),
        named("router"),
        named("swap"),
    )
    trader = fixture.person(f"trader {number}")
    for token in (token_0, token_1):
        fixture.contract_at(token, _code(codes["ERC20Token"]), _token_slots(there, trader))
    pool = _code(
        codes["UniswapV3Pool"],
        (_TOKEN_0, token_0),
        (_TOKEN_1, token_1),
        (_POOL_FACTORY, factory),
        (_POOL, there.pool),
    )
    fixture.contract_at(there.pool, pool, _POOL_SLOTS)
    router = _code(
        codes["SwapRouter"],
        (_ROUTER_WETH, there.weth),
        (_ROUTER_FACTORY, factory),
        (_ROUTER_POOL_HASH, pool_hash),
    )
    fixture.contract_at(there.router, router, {0: 2**256 - 1})
    swap = _code(codes["SingleSwap"], (_SWAP_ROUTER, there.router))
    fixture.contract_at(there.swap, swap, {0: _number(token_0), 1: _FEE << 160 | _number(token_1)})
    return fixture.send(trader, there.swap, _SELL_TOKEN_0 + _SOLD.to_bytes(32, "big"), CALL_GAS)


def _named(fixture: Fixture, number: int, what: str) -> Address:
    return fixture.named(f"{what} {number}")


def _pool_address(factory: Address, pool_hash: bytes, *tokens: Address) -> Address:
    """Where the router looks for the pool: CREATE2 by the factory (EIP-1014)."""
    salt = keccak(b"".join(bytes(12) + token for token in tokens) + _FEE.to_bytes(32, "big"))
    return Address(keccak(b"\xff" + factory + salt + pool_hash)[12:])


def _code(text: str, *immutables: tuple[str, bytes]) -> bytes:
    for placeholder, value in immutables:
        text = text.replace(placeholder, value.hex())
    return bytes.fromhex(text)


# ---------------------------------------------------------------- what they hold


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _word(number: int) -> bytes:
    return (number % 2**256).to_bytes(32, "big")


def _of_mapping(slot: int, *keys: int) -> int:
    """The slot of an element of a mapping, or of a mapping of mappings."""
    for key in keys:
        slot = _number(keccak(_word(key) + _word(slot)))
    return slot


def _token_slots(there: _Cluster, trader: Address) -> dict[int, int]:
    """Balances are mapping 0, allowances mapping 1; the supply and the decimals stand alone."""
    owner = _number(trader)
    return {
        2: 2 * _DEPTH,
        5: 18,
        _of_mapping(0, _number(there.pool)): _DEPTH,
        _of_mapping(0, owner): _FUNDS,
        _of_mapping(1, owner, _number(there.swap)): _FUNDS,
    }


def _pool_slots() -> dict[int, int]:
    """A pool at a price of 1 with one position from end to end."""
    price = 1 << 96
    one_observation = 1 << 200 | 1 << 216
    slots = {0: 1 << 240 | one_observation | price, 4: _LIQUIDITY, 8: _INITIALISED | 1}
    for tick, net in ((-_TICK_MAX, _LIQUIDITY), (_TICK_MAX, -_LIQUIDITY)):
        of_tick = _of_mapping(5, tick)
        slots[of_tick] = net % 2**128 << 128 | _LIQUIDITY
        slots[of_tick + 3] = _INITIALISED
        word, bit = divmod(tick // _TICK_SPACING, 256)
        of_word = _of_mapping(6, word)
        slots[of_word] = slots.get(of_word, 0) | 1 << bit
    return slots


_POOL_SLOTS = _pool_slots()

# ---------------------------------------------------------------- where the codes come from


def _codes(contracts: Path) -> dict[str, str]:
    """The hexadecimal text of each file by its name."""
    found = dict(_texts(contracts))
    missing = [name for name in _FILES if name not in found]
    if missing:
        raise DecodeError(f"there is no {missing[0]}.hex in {contracts}", str(contracts))
    for name, text in found.items():
        try:
            bytes.fromhex(text)
        except ValueError as error:
            raise DecodeError(f"{name}.hex is no code: {brief(text)}", str(contracts)) from error
    return found


def _texts(contracts: Path) -> Iterator[tuple[str, str]]:
    wanted = {f"{name}.hex": name for name in _FILES}
    if contracts.is_dir():
        for path in sorted(contracts.rglob("*.hex")):
            if path.name in wanted:
                yield wanted[path.name], path.read_text().strip()
        return
    with tarfile.open(contracts) as archive:
        for member in archive:
            name = wanted.get(Path(member.name).name)
            file = archive.extractfile(member) if name else None
            if name and file is not None:
                yield name, file.read().decode("ascii", "replace").strip()
