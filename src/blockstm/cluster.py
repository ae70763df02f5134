"""A Ray cluster: joined by its address, or started on this machine for as long as it is needed.

Ray is another project's (https://docs.ray.io), and an extra: ``pip install 'blockstm[ray]'``.
"""

from __future__ import annotations

import gc
import re
import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from blockstm.errors import ClusterError
from blockstm.extras import need
from blockstm.messages import brief, said_by

__all__ = ["cluster"]

_STORE_BYTES: Final = 100 << 20  # of a cluster that is started here; a block has a hundredth
_HOST_AND_PORT: Final = re.compile(r"(?:ray://)?\[?([\w.:-]+?)\]?:(\d{1,5})")
_PATIENCE_S: Final = 10.0


@contextmanager
def cluster(address: str | None = None, *, cores: int | None = None) -> Iterator[Any]:
    """The module ``ray``, connected.

    A connection that this process has already is used and left as it is.

    Args:
        address: of a cluster, as ``ray.init`` takes it; None: one is started on this machine, and
            ended with the context.
        cores: of the one that is started; None: those that this process may use.

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


def _end(ray: Any) -> None:
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
