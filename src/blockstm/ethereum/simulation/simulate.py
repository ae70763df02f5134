"""`simulate`: blocks of calls, one after another, on a state that stays as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blockstm.errors import ConfigError, InputError
from blockstm.ethereum.blocks.header import Header
from blockstm.ethereum.calls.message import GAS_CAP
from blockstm.ethereum.chains.chain import MAINNET, Chain
from blockstm.ethereum.execution.arguments import check_header
from blockstm.ethereum.execution.vms import check_fork
from blockstm.ethereum.simulation.chain_state import ChainState
from blockstm.ethereum.simulation.one_block import OneBlock
from blockstm.ethereum.simulation.requested import BlockCalls, chained
from blockstm.ethereum.simulation.results import SimulatedBlock
from blockstm.messages import brief
from blockstm.state.located import located
from blockstm.types import Hash32
from blockstm.values import is_int
from blockstm.vm.forks import Fork

__all__ = ["simulate"]


def simulate(
    parent: Header,
    blocks: Sequence[BlockCalls],
    state: Any,
    *,
    chain: Chain = MAINNET,
    fork: Fork | str | None = None,
    validation: bool = False,
    trace_transfers: bool = False,
    block_hashes: Mapping[int, Hash32] | None = None,
    total_difficulty: int | None = None,
    gas_cap: int = GAS_CAP,
) -> list[SimulatedBlock]:
    """Run blocks of calls after ``parent``; each call sees what those before it changed.

    It means what ``eth_simulateV1`` does (ethereum/execution-apis; where that leaves something
    open, what go-ethereum does). Blocks begin and end as their fork wants it, and have complete
    headers; gaps between their numbers are filled with empty blocks.

    Args:
        parent: the header of the block before.
        blocks: the calls of each, and what they find in the state and of their block.
        state: the state after ``parent``; it is not changed, and must know its root.
        chain, fork: see `blockstm.execute_block`.
        validation: whether nonces and fees are checked, and the base fee follows from the parent's
            where it is not overridden; else calls without a price are free, and it is zero.
            Signatures and the sender's code (EIP-3607) are not asked for in any case.
        trace_transfers: whether ether that moves is told as logs of the address 0xeeee...ee.
        block_hashes: number → hash of the blocks before the parent, for BLOCKHASH.
        total_difficulty: of the parent; see `blockstm.execute_block`.
        gas_cap: how much gas all calls may use together, in gas.

    Returns:
        The blocks, those that fill gaps among them.

    Raises:
        SimulationError: numbers or times are out of order, or a call cannot begin: ``code`` is that
            of the specification.
        InputError, ConfigError: something passed is of the wrong kind.
        StateError, TransactionError: see `call`.

    Deterministic, and thread-safe where the state is.
    """
    check_header(parent, "parent")
    if not isinstance(chain, Chain):
        raise ConfigError(f"chain is a blockstm.ethereum.Chain, not {brief(chain)}")
    if not is_int(gas_cap) or not 0 < gas_cap < 1 << 63:
        raise ConfigError(f"gas_cap is an int from 1 to 2**63-1, not {brief(gas_cap)}")
    if block_hashes is not None and not isinstance(block_hashes, Mapping):
        raise InputError(f"block_hashes map numbers to hashes, and are not {brief(block_hashes)}")
    chain = chain if fork is None else chain.under(fork)
    if total_difficulty is None and chain.needs_total_difficulty:
        total_difficulty = chain.total_difficulty_before(
            parent.difficulty, parent.number, parent.difficulty
        )
    moving = ChainState(located(state))
    hashes = dict(block_hashes or {})
    if parent.number:
        hashes[parent.number - 1] = parent.parent_hash
    done = []
    for place, block in enumerate(chained(blocks, parent)):
        rules = chain.fork_at(block.number, block.timestamp, total_difficulty)
        check_fork("evm", rules)
        one = OneBlock(
            place,
            block,
            parent,
            chain,
            rules,
            hashes,
            moving,
            is_validated=validation,
            traces_transfers=trace_transfers,
        )
        simulated, gas_cap = one.run(gas_cap)
        parent = simulated.block.header
        hashes[parent.number] = parent.hash
        done.append(simulated)
    return done
