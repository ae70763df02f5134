"""`DevNode`: a node to develop against."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Collection

from blockstm.chain import DevChain
from blockstm.rpc.dev.mining import Miner
from blockstm.rpc.dev.wallet import Wallet
from blockstm.rpc.limits import Limits
from blockstm.rpc.node import Node
from blockstm.types import Hash32

__all__ = ["DevNode"]


class DevNode(Node):
    """A `Node` that builds blocks, keeps keys, and lets its state be edited.

    What ``hardhat``, ``anvil`` and ``ganache`` let test suites ask beside ``eth``, it answers too:
    `blockstm.rpc.dev.table` lists it. Not for anybody's money: every client may do everything.

    Thread-safety: any thread may use it; what changes it takes turns.

    Attributes:
        wallet, miner: its keys, and what builds its blocks.
        instance: 32 bytes that no other node has.

    Args:
        chain: see `blockstm.rpc.dev.dev_chain`; it stays the caller's to close, after this.
        wallet: keys that the node has; by default those of the usual mnemonic.
        limits, namespaces: see `Node`.
        clock: the time in s since 1970, for the headers.
    """

    chain: DevChain

    def __init__(
        self,
        chain: DevChain,
        wallet: Wallet | None = None,
        limits: Limits | None = None,
        *,
        namespaces: Collection[str] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(chain, limits, namespaces=namespaces)
        self.wallet = Wallet.of() if wallet is None else wallet
        self.miner = Miner(chain, self.pool, clock)
        self.instance = secrets.token_bytes(32)
        self._interval: _Interval | None = None

    def close(self) -> None:
        """Mine no more by itself; may be called twice."""
        self.mine_every(0)

    def mine_sent(self, transaction_hash: Hash32) -> None:
        """See `Miner.mine_sent`; and tell who listens."""
        try:
            self.miner.mine_sent(transaction_hash)
        finally:
            self.announce()

    def mine_every(self, seconds: float) -> None:
        """Mine a block again and again, from now on; 0: no longer."""
        with self.miner.turn:
            before, self._interval = self._interval, None
            if seconds > 0:
                self._interval = _Interval(seconds, self._mine_once)
        if before is not None:
            before.end()

    @property
    def interval(self) -> float:
        """Between the blocks that it mines by itself, in s; 0 where it mines none."""
        interval = self._interval
        return 0 if interval is None else interval.seconds

    def _mine_once(self) -> None:
        self.miner.mine()
        self.announce()


class _Interval:
    """A thread that does something every so many seconds."""

    def __init__(self, seconds: float, work: Callable[[], None]) -> None:
        self.seconds = seconds
        self._work = work
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="blockstm-rpc-interval", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._end.wait(self.seconds):
            self._work()

    def end(self) -> None:
        """Wait for what runs; it is not done again."""
        self._end.set()
        if self._thread is not threading.current_thread():
            self._thread.join()
