"""The witness of a transition: what its block asks of the state, with its proof."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from blockstm import engine
from blockstm.errors import InternalError
from blockstm.ethereum.execution.on_evm import BlockOnEvm
from blockstm.ethereum.execution.state_roots import (
    roots_after_transactions,
    state_root_after,
    trie_of,
)
from blockstm.ethereum.witnesses.making import make_witness_without_headers
from blockstm.ethereum.witnesses.unknown_codes import no_code_known, on_fresh_thread
from blockstm.ethereum.witnesses.witness import Witness
from blockstm.state.located import located
from blockstm.types import Hash32
from blockstm.vm.forks import BYZANTIUM

__all__ = ["witness_of"]


def witness_of(prepared: BlockOnEvm, root: Hash32) -> Witness:
    """The witness of a block that was made of a transition, without headers.

    Args:
        prepared: the block, on a complete state.
        root: of the state after it.
    """
    state = prepared.state
    trie = trie_of(state, 1)
    assert trie is not None  # the state is complete
    alone = partial(engine.run, workers=1)

    def run(on: Any) -> None:
        on_fresh_thread(_run_on, on)

    def _run_on(on: Any) -> None:
        again = replace(prepared, state=located(on))
        executed = again.run(alone)
        if prepared.fork < BYZANTIUM:
            roots_after_transactions(again, alone, 1)
        if state_root_after(on, executed.writes, 1) != root:
            raise InternalError("a block has another root on its witness")

    with no_code_known():
        return make_witness_without_headers(state, trie, run)
