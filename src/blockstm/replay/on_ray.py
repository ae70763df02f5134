"""Tasks on a Ray cluster, as many at a time as it has cores.

Ray retries nothing here: what is tried again is decided in one place for all workplaces.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from blockstm import __version__
from blockstm.cluster import answer_of, is_lost, ready_of
from blockstm.errors import BlockstmError, ClusterError
from blockstm.messages import said_by
from blockstm.replay.records import BlockRecord
from blockstm.replay.task import Settings, Task
from blockstm.replay.workplace import Died, Done, checked

__all__ = ["RayCluster"]


class RayCluster:
    """A cluster that this process is connected to; see `Workplace`.

    Args:
        ray: the module, connected; see `blockstm.cluster`.
    """

    def __init__(self, ray: Any, settings: Settings) -> None:
        self._ray = ray
        cores = int(answer_of(ray.cluster_resources).get("CPU", 1))
        self._count = max(cores // settings.workers, 1)
        self._settings = answer_of(lambda: ray.put(settings))
        self._run = ray.remote(_run).options(max_retries=0, num_cpus=min(settings.workers, cores))
        self._busy: dict[Any, Task] = {}

    @property
    def is_free(self) -> bool:
        """See `Workplace`."""
        return len(self._busy) < self._count

    def submit(self, task: Task) -> None:
        """See `Workplace`."""
        try:
            shipped = task.shipped()
        except OSError:
            shipped = task  # which says so when it is run
        given = shipped, self._settings, __version__
        self._busy[answer_of(lambda: self._run.remote(*given))] = task

    def wait(self) -> Sequence[Done | Died]:
        """See `Workplace`."""
        if not self._busy:
            return ()
        return [self._over(each) for each in ready_of(self._ray, list(self._busy))]

    def _over(self, reference: Any) -> Done | Died:
        task = self._busy.pop(reference)
        try:
            return checked(task, answer_of(lambda: self._ray.get(reference)))
        except self._ray.exceptions.RayTaskError as error:
            cause = error.cause
            if isinstance(cause, BlockstmError):
                raise cause from error
            raise ClusterError(f"a task failed on the cluster: {said_by(error)}") from error
        except self._ray.exceptions.RayError as error:  # its process or its machine is gone
            return Died(task, f"{type(error).__name__} on the cluster")

    def close(self) -> None:
        """See `Workplace`."""
        for reference in () if is_lost() else self._busy:
            self._ray.cancel(reference, force=True)
        self._busy = {}


def _run(task: Task, settings: Settings, version: str) -> list[BlockRecord]:
    """Runs a task, on a machine of the cluster."""
    if version != __version__:
        raise ClusterError(
            f"a machine of the cluster has blockstm {__version__}, and this one {version}: have "
            "the same on all"
        )
    return list(task.run(settings))
