"""titanoboa's EVM: ``pip install 'blockstm[boa]'``, then ``blockstm.compat.boa.use()``.

Imports point down::

    evm           `Evm`: what ``boa.env.evm`` is
    reading       computations, from what was recorded of a call
    computations  calls as titanoboa looks at them: py-evm's words for frames
    patch         the block that calls see, to be changed field by field
"""

from blockstm.extras import need

need("boa", "blockstm.compat.boa")

from typing import Any

from boa.environment import Env

from blockstm.compat.boa.evm import Evm

__all__ = ["Evm", "use"]


def use(env: Any = None, *, fork: str = "osaka") -> Any:
    """Have titanoboa run contracts on this EVM from now on; gives its environment.

    Args:
        env: a `boa.Env`; None: the one that ``boa.env`` is. What it has deployed is not taken over.
        fork: whose rules hold.

    Raises:
        ConfigError: there is no such fork.
    """
    env = Env.get_singleton() if env is None else env
    env.evm = Evm(env, fork=fork)
    return env
