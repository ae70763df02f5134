"""One network by integer instructions and in plain opcodes: what the instructions are worth.

Imports point down::

    comparison     both asked for the same answers, timed
    plain_network  the network in opcodes
    network        the network: two convolutions, and the place that answers most
"""

from blockstm.bench.inference.comparison import Comparison, compare
from blockstm.bench.inference.network import Network

__all__ = ["Comparison", "Network", "compare"]
