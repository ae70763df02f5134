"""One transition from JSON to JSON, for the command and the server."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from blockstm.errors import ConfigError, DecodeError
from blockstm.ethereum.chains.chain import Chain, chain_named
from blockstm.ethereum.chains.rules import NO_RULES, Rules
from blockstm.ethereum.codecs.fields import shown
from blockstm.ethereum.codecs.loose_fields import LooseFields, loose_bytes
from blockstm.ethereum.tracing import Tracer
from blockstm.ethereum.transition import (
    Environment,
    GivenTransaction,
    Transition,
    accounts_from,
    accounts_to_json,
    body_of,
    result_to_json,
    transactions_from_json,
    transactions_from_rlp,
    transition,
)
from blockstm.executor import Executor
from blockstm.messages import brief
from blockstm.state.accounts import AccountState
from blockstm.vm.evm.inspection import Recorder
from blockstm.vm.forks import BlobSchedule

__all__ = ["Answer", "Request"]

_REWARD_MAX = 1 << 128


@dataclass(frozen=True, slots=True)
class Answer:
    """What a transition came to, as JSON."""

    alloc: dict[str, Any]
    result: dict[str, Any]
    body: str
    made: Transition


@dataclass(frozen=True, slots=True)
class Request:
    """A transition to be made.

    Attributes:
        fork: the name of the fork, or of a change from one to another.
        chain_id: whose transactions fit.
        reward: in wei; negative: nobody is rewarded.
        alloc, env, txs: as JSON; ``txs`` may be RLP in hex.
        blob_params: ``target``, ``max`` and ``baseFeeUpdateFraction``; None: those of the fork.
        with_witness: whether the result has the ``executionWitness``.
        rules: what the chain has beside the fork, its types of transactions among it.
    """

    fork: str
    chain_id: int
    reward: int
    alloc: Any
    env: Any
    txs: Any
    blob_params: Any = None
    with_witness: bool = False
    rules: Rules = NO_RULES

    def answer(
        self,
        executor: Executor,
        tracer: Tracer | None = None,
        recorder: Recorder | None = None,
    ) -> Answer:
        """Make the transition.

        Raises:
            DecodeError: something of the input is missing or malformed.
            ConfigError: there is no such fork.
            StateError: BLOCKHASH asks for a hash that is not given.
        """
        chain = self._chain()
        environment = Environment.from_json(self.env)
        state = AccountState(accounts_from(self.alloc))
        reward = None if self.reward < 0 else self.reward
        made = transition(
            executor.execute_block,
            environment,
            self._transactions(),
            state,
            chain,
            reward,
            tracer,
            recorder,
            with_witness=self.with_witness,
        )
        state.apply(made.executed.writes)
        body = shown(body_of(made.block.transactions))
        return Answer(accounts_to_json(state.accounts()), result_to_json(made), body, made)

    def _transactions(self) -> list[GivenTransaction]:
        if isinstance(self.txs, str):
            return transactions_from_rlp(loose_bytes(self.txs, "txs"), rules=self.rules)
        return transactions_from_json(self.txs, self.chain_id)

    def _chain(self) -> Chain:
        for name, number, least in (
            ("chain id", self.chain_id, 0),
            ("reward", self.reward, -1),
        ):
            if not least <= number < _REWARD_MAX:
                raise ConfigError(f"the {name} is {least} or more, not {brief(number)}")
        name = self.fork.partition("+")[0]  # what stands behind it are EIPs for experiments
        if name != self.fork:
            raise ConfigError(f"fork {brief(self.fork)}: no EIP can be added to a fork")
        chain = chain_named(name, self.chain_id)
        if self.rules:  # whose forks are another matter: here it is the flag that names one
            chain = replace(chain, rules=replace(self.rules, activations=()))
        if self.blob_params is None:
            return chain
        blobs = _blob_schedule(LooseFields(self.blob_params, "blobParams"))
        activations = tuple(
            replace(each, fork=replace(each.fork, blobs=blobs)) if each.fork.blobs else each
            for each in chain.activations
        )
        return replace(chain, activations=activations)


def _blob_schedule(fields: LooseFields) -> BlobSchedule:
    for name in ("target", "max", "baseFeeUpdateFraction"):
        fields.member(name)  # or it is missing
    try:
        return BlobSchedule(
            fields.number("target", bits=64),
            fields.number("max", bits=64),
            fields.number("baseFeeUpdateFraction", bits=64),
        )
    except ConfigError as error:
        raise DecodeError(f"blobParams: {error}", "blobParams") from error
