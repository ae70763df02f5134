"""What happens when a block runs on so many workers, in simulated time.

The rules are the engine's (docs/engine.md), without its memory: a worker advances the frontier,
validates again what a write has made wrong, runs what has not run, in batches, or takes over from
another worker's batch. Whether a run is right follows from when the transactions that it must have
read from published. A transaction is taken to read halfway through its run.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence

from blockstm.insight.simulation.model import Costs, Phase, Simulated, Transaction, Worker
from blockstm.insight.simulation.policies import Policy
from blockstm.insight.simulation.throttle import Throttle

__all__ = ["simulate"]

Event = Callable[[int, int], None]
"""What happens to a worker, by number, and a transaction."""

_BATCH_NS = 100_000
_BATCH_MAX = 64
_FIRST_BATCHES = 4
_READ_AT = 0.5  # of a run
_INCARNATIONS_MAX = 8
_SAMPLED = 40  # transactions
_SHARED_TASK_NS = 450
_SHARING_PROFIT_NS_MIN = 250_000


def simulate(run_ns: Sequence[float], policy: Policy, costs: Costs, workers: int) -> Simulated:
    """Run a block on simulated workers. Deterministic.

    Args:
        run_ns: what each transaction takes on one worker.
    """
    if workers == 1 or not _is_worth_sharing(run_ns):
        total = sum(run_ns) + len(run_ns) * (costs.claim_ns + costs.commit_ns)
        return Simulated((costs.fixed_ns + total) / 1e9, len(run_ns), 1.0)
    return _Simulation(run_ns, policy, costs, workers).run()


def _is_worth_sharing(run_ns: Sequence[float]) -> bool:
    """What the engine's profitability check says of the first transactions."""
    first = run_ns[:_SAMPLED]
    mean = sum(first) / max(len(first), 1)
    return (mean - _SHARED_TASK_NS) * (len(run_ns) - 1) >= _SHARING_PROFIT_NS_MIN


class _Simulation:
    def __init__(self, run_ns: Sequence[float], policy: Policy, costs: Costs, workers: int) -> None:
        self.run_ns, self.policy, self.costs = run_ns, policy, costs
        self.count = len(run_ns)
        self.tx = [Transaction() for _ in run_ns]
        self.worker = [Worker([], []) for _ in range(workers)]
        self.ready = list(range(self.count))  # a heap
        self.wrong: list[int] = []  # a heap: to be validated again
        self.waiters: dict[int, list[int]] = {}
        self.readers: dict[int, list[int]] = {}
        self.frontier = 0
        self.is_frontier_owned = False
        self.incarnations = 0
        self.now = 0.0
        self.events: list[tuple[float, int, int, Event, int]] = []
        self.order = 0
        self.idle: set[int] = set()
        self.average = sum(run_ns) / max(self.count, 1)
        batch = _BATCH_NS // (self.average + 1)
        self.throttle = Throttle(workers, int(min(512, _FIRST_BATCHES * workers * (batch + 1))))
        # Of the data that a run meets, this part is in other cores' caches.
        self.slower = 1 + (costs.miss - 1) * (1 - 1 / workers)
        for index, needed in enumerate(policy.conflicts):
            for each in needed:
                self.readers.setdefault(each, []).append(index)

    def run(self) -> Simulated:
        for number in range(len(self.worker)):
            at = 0.0 if number == 0 else self.costs.joined_ns
            self._at(at, number, self._free, -1)
        while self.events and self.frontier < self.count:
            self.now, _, number, happens, index = heapq.heappop(self.events)
            happens(number, index)
        busy = sum(each.busy_ns for each in self.worker) / (len(self.worker) * self.now or 1)
        seconds = (self.now + self.costs.fixed_ns) / 1e9
        return Simulated(seconds, self.incarnations, min(busy, 1.0))

    # ---- events

    def _at(self, when: float, number: int, happens: Event, index: int) -> None:
        self.order += 1
        heapq.heappush(self.events, (when, self.order, number, happens, index))

    def _after(self, ns: float, number: int, happens: Event, index: int) -> None:
        self.worker[number].busy_ns += ns
        self._at(self.now + ns, number, happens, index)

    def _free(self, number: int, _: int) -> None:
        """The worker looks for work, most urgent first."""
        if not self._work(number):
            self.idle.add(number)

    def _changed(self) -> None:
        """There may be work for those that have none."""
        for number in sorted(self.idle):
            self.idle.discard(number)
            self._at(self.now, number, self._free, -1)

    def _read(self, number: int, index: int) -> None:
        """A run has come to its reads: right, too early, or of a write known to be coming."""
        each = self.tx[index]
        rest = each.length_ns * (1 - _READ_AT)
        each.is_stale = False
        for needed in self.policy.conflicts[index]:
            writer = self.tx[needed]
            if writer.phase is Phase.FINAL:
                continue
            if writer.phase is not Phase.EXECUTED and writer.incarnations > (
                writer.phase is Phase.RUNNING
            ):
                self._wait(number, index, needed)
                return
            each.is_stale |= writer.phase is not Phase.EXECUTED or writer.is_stale
        self._after(rest + self.costs.publish_ns, number, self._executed, index)

    def _wait(self, number: int, index: int, writer: int) -> None:
        """Abort a run that needs a write known to be coming; it is repeated when that is there."""
        self.tx[index].phase = Phase.WAITING
        self.waiters.setdefault(writer, []).append(index)
        self._free(number, -1)

    def _executed(self, number: int, index: int) -> None:
        each = self.tx[index]
        each.phase = Phase.EXECUTED
        if self.worker[number].batch:
            each.worker = number
            self.worker[number].ran.append(index)
        self._published(index)
        self._free(number, -1)

    def _published(self, index: int) -> None:
        """Its writes are there: wake who waits for them, and find who read too early."""
        for waiter in self.waiters.pop(index, ()):
            if self.tx[waiter].phase is Phase.WAITING:
                self._make_ready(waiter)
        if not self.tx[index].is_stale:
            for reader in self.readers.get(index, ()):
                if self.tx[reader].phase is Phase.EXECUTED and self.tx[reader].is_stale:
                    heapq.heappush(self.wrong, reader)
        self._changed()

    def _committed(self, number: int, index: int) -> None:
        self.tx[index].phase = Phase.FINAL
        self.frontier = index + 1
        self.is_frontier_owned = False
        self.throttle.committed(self.frontier)
        self._published(index)
        self._free(number, -1)

    # ---- work

    def _work(self, number: int) -> bool:
        worker = self.worker[number]
        if self.throttle.sequential_until and number != 0:
            return False
        if worker.batch:
            return self._run_next(number)
        self._release(number)
        return (
            self._advance(number)
            or self._run_wrong(number)
            or self._run_long(number)
            or self._follow(number)
            or self._claim(number)
            or self._steal(number)
        )

    def _release(self, number: int) -> None:
        for index in self.worker[number].ran:
            self.tx[index].worker = -1
        self.worker[number].ran.clear()

    def _run_next(self, number: int) -> bool:
        """The next of the batch; first what was run of it, once the frontier has come to it."""
        worker = self.worker[number]
        if worker.ran and self.frontier >= worker.ran[0]:
            self._release(number)
        if self._advance(number):
            return True
        while worker.batch:
            index = worker.batch.pop(0)
            if self.tx[index].phase is Phase.CLAIMED:
                if self._hold(index):
                    continue
                self._begin(number, index)
                return True
        return self._work(number)

    def _advance(self, number: int) -> bool:
        """Commit at the frontier, if no other worker does."""
        index = self.frontier
        if self.is_frontier_owned or index >= self.count:
            return False
        each = self.tx[index]
        if each.phase is Phase.RUNNING or each.worker not in (-1, number):
            return False
        self.is_frontier_owned = True
        taken = self.costs.commit_ns
        if each.phase is Phase.EXECUTED:
            taken += self.costs.validate_ns
            self.throttle.learn(index, was_right=not each.is_stale, run_ns=self.average)
        if each.phase is not Phase.EXECUTED or each.is_stale:
            taken += self._again(index, number)
        each.phase, each.is_stale = Phase.RUNNING, False
        if self.throttle.sequential_until:
            self._forget()
        self._after(taken, number, self._committed, index)
        return True

    def _forget(self) -> None:
        """The other workers leave: nothing has run ahead of the frontier."""
        self.wrong.clear()
        for index in range(self.frontier + 1, self.count):
            if self.tx[index].phase in (Phase.EXECUTED, Phase.WAITING):
                self.tx[index].worker = -1
                self._make_ready(index)

    def _run_wrong(self, number: int) -> bool:
        while self.wrong:
            index = heapq.heappop(self.wrong)
            each = self.tx[index]
            if each.phase is not Phase.EXECUTED or not each.is_stale:
                continue
            each.worker = -1
            if (self.ready and self.ready[0] < index) or each.incarnations >= _INCARNATIONS_MAX:
                self._make_ready(index)
                continue
            self._begin(number, index, self.costs.validate_ns)
            return True
        return False

    def _run_long(self, number: int) -> bool:
        for index in self.policy.long:
            if self.tx[index].phase is Phase.READY and self._awaited(index) < 0:
                self._begin(number, index)
                return True
        return False

    def _follow(self, number: int) -> bool:
        """Go on with the group whose member this worker ran last."""
        index = self.policy.groups.get(self.worker[number].last, -1)
        if index < 0 or self.tx[index].phase is not Phase.READY or self._awaited(index) >= 0:
            return False
        self._begin(number, index)
        return True

    def _claim(self, number: int) -> bool:
        """A batch of the lowest transactions that are ready, within the window."""
        limit = self.frontier + self.throttle.window
        length = min(
            _BATCH_NS // (self.average + 1),
            _BATCH_MAX,
            self.throttle.window // (2 * len(self.worker)),
        )
        batch = self.worker[number].batch
        while self.ready and len(batch) < max(length, 1):
            index = self.ready[0]
            if self.tx[index].phase is not Phase.READY:
                heapq.heappop(self.ready)
                continue
            if index >= limit:
                if batch or not self.throttle.widen():
                    break
                limit = self.frontier + self.throttle.window
                continue
            heapq.heappop(self.ready)
            self.tx[index].phase = Phase.CLAIMED
            batch.append(index)
        return bool(batch) and self._run_next(number)

    def _steal(self, number: int) -> bool:
        for other in self.worker:
            for index in other.batch:
                if self.tx[index].phase is Phase.CLAIMED and self._awaited(index) < 0:
                    self._begin(number, index)
                    return True
        return False

    # ---- one transaction

    def _make_ready(self, index: int) -> None:
        self.tx[index].phase = Phase.READY
        heapq.heappush(self.ready, index)

    def _awaited(self, index: int) -> int:
        """A transaction that this one is held for; -1: none."""
        for needed in reversed(self.policy.awaited[index]):
            if self.tx[needed].phase not in (Phase.EXECUTED, Phase.FINAL):
                return needed
        return -1

    def _hold(self, index: int) -> bool:
        writer = self._awaited(index)
        if writer < 0:
            return False
        self.tx[index].phase = Phase.WAITING
        self.waiters.setdefault(writer, []).append(index)
        return True

    def _length(self, index: int, number: int) -> float:
        """What a run takes: more, where its data are in other cores' caches."""
        is_near = self.policy.groups.get(self.worker[number].last) == index
        return self.run_ns[index] * (1 if is_near else self.slower)

    def _again(self, index: int, number: int) -> float:
        """What a run at the frontier takes; where it is a repetition, perhaps only a part of it."""
        self.incarnations += 1
        has_run = self.tx[index].phase is Phase.EXECUTED
        part = self.policy.redone[index] if self.policy.redone and has_run else 1.0
        return self._length(index, number) * part

    def _begin(self, number: int, index: int, more_ns: float = 0.0) -> None:
        each = self.tx[index]
        part = self.policy.redone[index] if self.policy.redone and each.incarnations else 1.0
        each.phase = Phase.RUNNING
        each.incarnations += 1
        self.incarnations += 1
        each.length_ns = self._length(index, number)
        until_read = each.length_ns * (part - (1 - _READ_AT))
        self._after(max(until_read, 0) + more_ns + self.costs.claim_ns, number, self._read, index)
        self.worker[number].last = index
