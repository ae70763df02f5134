"""The names and signatures of pyrevm 0.3.7 (``from blockstm.compat.pyrevm import EVM``).

Imports point down::

    evm           `EVM`
    results       what a call came to, and the words of its errors
    environment   blocks, transactions, configuration
    accounts      accounts, and points to come back to
    specs         the names of rules
"""

from blockstm.compat.pyrevm.accounts import AccountInfo, JournalCheckpoint
from blockstm.compat.pyrevm.environment import (
    BlockEnv,
    CfgEnv,
    Env,
    TxEnv,
    fake_exponential,
)
from blockstm.compat.pyrevm.evm import EVM
from blockstm.compat.pyrevm.results import ExecutionResult, Log

__all__ = [
    "EVM",
    "AccountInfo",
    "BlockEnv",
    "CfgEnv",
    "Env",
    "ExecutionResult",
    "JournalCheckpoint",
    "Log",
    "TxEnv",
    "fake_exponential",
]
