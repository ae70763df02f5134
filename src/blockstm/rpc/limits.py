"""`Limits`: how large a request may be, and how much work it may ask for."""

from __future__ import annotations

from dataclasses import dataclass, fields

from blockstm.errors import ConfigError
from blockstm.messages import brief
from blockstm.values import is_int

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one request may ask for at most; each is 1 or more.

    Attributes:
        request_bytes: of its body.
        response_bytes: of its answer.
        batch: how many requests one body may have.
        gas: of a call, a simulated block's calls together, an estimate; in gas.
        log_blocks: how many blocks ``eth_getLogs`` looks through.
        logs: how many logs it finds.
        fee_blocks: how many blocks ``eth_feeHistory`` tells of.
        slots: how many slots one request reads or proves.
        trace_bytes: what is recorded of a transaction that is traced, before its trace is made.
        traced_bytes: of all transactions that a request traces together.
        filters: how many filters there are, and subscriptions of one connection.
        dump_bytes: of a state that a node to develop against loads, as JSON.
        mined: how many blocks one request has a node mine that somebody develops on.
        pool: how many transactions wait.
        pool_of_sender: how many of one sender.

    Raises:
        ConfigError: one of them is no int, or below 1.
    """

    request_bytes: int = 5 << 20
    response_bytes: int = 64 << 20
    batch: int = 100
    gas: int = 50_000_000
    log_blocks: int = 10_000
    logs: int = 20_000
    fee_blocks: int = 1024
    slots: int = 1024
    trace_bytes: int = 256 << 20
    traced_bytes: int = 1 << 30
    filters: int = 1024
    dump_bytes: int = 256 << 20
    mined: int = 100_000
    pool: int = 4096
    pool_of_sender: int = 64

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if not is_int(value) or value < 1:
                raise ConfigError(f"the limit {each.name} is an int from 1, not {brief(value)}")
