"""Simulation: blocks of calls, one after another, on a state that stays as it is.

Imports point down::

    simulate      `simulate`
    one_block     one simulated block: its start, its calls, its end
    headers       the header of a simulated block
    results       what simulated blocks came to
    chain_state   the state with all that the blocks so far have changed
    requested     the blocks that are to be simulated, in order and without gaps
    call_logs     the logs of a simulated call, ether that moves among them
"""

from blockstm.ethereum.simulation.call_logs import TRANSFERS, NumberedLog
from blockstm.ethereum.simulation.requested import BLOCKS_MAX, BlockCalls
from blockstm.ethereum.simulation.results import SimulatedBlock, SimulatedCall
from blockstm.ethereum.simulation.simulate import simulate

__all__ = [
    "BLOCKS_MAX",
    "TRANSFERS",
    "BlockCalls",
    "NumberedLog",
    "SimulatedBlock",
    "SimulatedCall",
    "simulate",
]
