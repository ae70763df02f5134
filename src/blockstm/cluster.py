"""A Ray cluster: joined by its address, or started on this machine for as long as it is needed.

Ray is another project's (https://docs.ray.io), and an extra: ``pip install 'blockstm[ray]'``.
"""

from __future__ import annotations

import atexit
import gc
import re
import socket
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from blockstm.errors import ClusterError
from blockstm.extras import need
from blockstm.messages import brief, said_by

__all__ = ["answer_of", "cluster", "is_lost", "ready_of"]

T = TypeVar("T")

_STORE_BYTES: Final = 100 << 20  # of a cluster that is started here; a block has a hundredth
_HOST_AND_PORT: Final = re.compile(r"(?:ray://)?\[?([\w.:-]+?)\]?:(\d{1,5})")
_PATIENCE_S: Final = 10.0
_SLICE_S: Final = 5.0
_SLICES: Final = 9  # without an answer; Ray ends a process whose cluster is gone for 60 s
_PROBE_BYTES: Final = 1 << 18  # more than Ray keeps within a process
_LOST: Final = threading.Event()


@contextmanager
def cluster(address: str | None = None, *, cores: int | None = None) -> Iterator[Any]:
    """The module ``ray``, connected.

    A connection that this process has already is used and left as it is.

    Args:
        address: of a cluster, as ``ray.init`` takes it; None: one is started on this machine, and
            ended with the context.
        cores: of the one that is started; None: those that this process may use.

    Where the cluster does not answer any more, it is left as it is, and so is the connection: no
    other can be made in this process, which should end.

    Raises:
        MissingExtra: Ray is not installed.
        ClusterError: the cluster cannot be reached, or none can be started here.
    """
    need("ray", "a cluster")
    import ray  # an optional extra

    if ray.is_initialized():
        yield ray
        return
    _connect(ray, address, cores)
    try:
        yield ray
    finally:
        _end(ray)


def is_lost() -> bool:
    """Whether the cluster has not answered: what asks it once more may never come back."""
    return _LOST.is_set()


def answer_of(call: Callable[[], T]) -> T:
    """What a call gives that a cluster answers soon, whatever it has to do.

    Raises:
        ClusterError: there is no answer: the cluster is stopped, or cannot be reached any more.
    """
    answer: Future[T] = Future()

    def ask() -> None:
        try:
            answer.set_result(call())
        except BaseException as error:
            answer.set_exception(error)

    threading.Thread(target=ask, daemon=True).start()
    for _ in range(_SLICES):  # not until a time, which passes while this process is stopped, too
        if wait([answer], _SLICE_S).done:
            return answer.result()
    _LOST.set()
    raise ClusterError(
        f"the Ray cluster has not answered for {_SLICES * _SLICE_S:.0f} s: it is stopped, or "
        "cannot be reached any more"
    )


def ready_of(ray: Any, references: Sequence[Any]) -> Sequence[Any]:
    """Those of some references that are ready, as soon as one is, however long that takes.

    Raises:
        ClusterError: the cluster is gone.
    """
    while True:
        ready, _ = ray.wait(list(references), num_returns=1, timeout=_SLICE_S)
        if ready:
            return list(ready)
        answer_of(lambda: _probe(ray))


def _probe(ray: Any) -> None:
    ray.put(bytes(_PROBE_BYTES))  # asks this machine's part of the cluster
    if not any(node["Alive"] for node in ray.nodes()):  # asks its head
        raise ClusterError("no machine of the Ray cluster is alive any more")


def _end(ray: Any) -> None:
    if is_lost():  # it would be asked for ever, here or at the end of the process
        atexit.unregister(ray.shutdown)
        return
    with warnings.catch_warnings():  # Ray leaves its processes to be collected
        warnings.simplefilter("ignore", ResourceWarning)
        ray.shutdown()
        gc.collect()


def _connect(ray: Any, address: str | None, cores: int | None) -> None:
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if address is None:
        options |= {
            "num_cpus": cores,
            "include_dashboard": False,
            "object_store_memory": _STORE_BYTES,
        }
    else:
        _check_answers(address)
        options["address"] = address
    _LOST.clear()
    try:
        ray.init(**options)
    except Exception as error:  # whatever stands in its way: it has no root for all of them
        _end(ray)  # what has been started
        what = (
            "no Ray cluster can be started here; it needs /dev/shm and processes of its own"
            if address is None
            else f"no Ray cluster answers at {brief(address)}"
        )
        raise ClusterError(f"{what}: {said_by(error)}") from error


def _check_answers(address: str) -> None:
    """Refuse at once where nobody listens: Ray goes on asking for minutes.

    Raises:
        ClusterError: nobody does.
    """
    found = _HOST_AND_PORT.fullmatch(address) if isinstance(address, str) else None
    if found is None:  # a word of Ray's, such as "auto"
        return
    try:
        socket.create_connection((found[1], int(found[2])), timeout=_PATIENCE_S).close()
    except (OSError, OverflowError) as error:
        raise ClusterError(f"no Ray cluster answers at {brief(address)}: {error}") from error
