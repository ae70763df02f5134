"""Blocks executed again and compared: by processes of this machine, or on a Ray cluster.

Imports point down::

    replaying    `replay`: a range of blocks, by whatever runs its tasks
    outcome      `Replay`: what all of it came to
    metrics      a table with a row for each block, as Parquet or CSV
    on_ray       tasks on a Ray cluster
    processes    tasks in processes of this machine
    workplace    where tasks run, and what becomes of them
    progress     what has been done, in a file to go on from
    dispatch     which task is next, and which is tried again
    sources      which blocks there are, and the tasks that they make
    from_chain   tasks of a chain: checkpoints in a folder, or witnesses that it makes
    segments     a chain of states from a checkpoint on, and where it leaves the headers
    from_files   tasks of block files
    comparing    one block executed and compared with its header
    task         what is executed in one piece
    records      what is said of a block
"""

from blockstm.replay.metrics import write_metrics
from blockstm.replay.outcome import Replay
from blockstm.replay.records import BlockRecord, Verdict
from blockstm.replay.replaying import replay
from blockstm.replay.sources import ChainBlocks, FileBlocks, FolderBlocks

__all__ = [
    "BlockRecord",
    "ChainBlocks",
    "FileBlocks",
    "FolderBlocks",
    "Replay",
    "Verdict",
    "replay",
    "write_metrics",
]
