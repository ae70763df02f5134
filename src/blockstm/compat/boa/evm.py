"""`Evm`: what ``boa.env.evm`` is, on this package's EVM."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, Final

from boa.util.abi import Address
from boa.util.eip1167 import extract_eip1167_address, is_eip1167_contract
from boa.vm import py_evm
from boa.vm.gas_meters import GasMeter
from eth.exceptions import VMError

from blockstm import types
from blockstm.compat.boa.computations import Computation
from blockstm.compat.boa.patch import Patch
from blockstm.compat.boa.reading import MASK, Reader
from blockstm.errors import ConfigError, PrecompileFailure
from blockstm.ethereum.blocks.transaction import Transaction
from blockstm.ethereum.calls.session import CallSession
from blockstm.ethereum.remote import RpcState
from blockstm.ethereum.rules.intrinsic_gas import intrinsic_gas
from blockstm.vm.forks import fork_named

__all__ = ["Evm"]

_NO_CHANGES: Final[dict[Any, Any]] = {}


class Evm:
    """Accounts, and calls on them one after another, as `boa.Env` asks its EVM for them.

    A call records what it does, its memory included, and gives a computation: a frame with a trace,
    children, logs and an error. What titanoboa runs without an EVM (its fast mode) is run here like
    all else. Thread-safety: one thread at a time.

    Args:
        env: the `boa.Env`; its traces of hashes and of storage are filled.
        fork: whose rules hold.
    """

    def __init__(self, env: Any, *, fork: str = "osaka") -> None:
        self.env = env
        self.patch = Patch()
        self._fork = fork_named(fork)
        self._forked: RpcState | None = None
        self._meter_class: type = GasMeter
        self._session = self._new_session()

    def _new_session(self) -> CallSession:
        self._precompiles: dict[bytes, Any] = {}
        return CallSession(self._forked, fork=self._fork, block=self.patch.context())

    # ---- forks of a node's chain

    def fork_rpc(self, rpc: Any, block_identifier: Any, debug: bool = False, **_: Any) -> None:
        """Go on from a block of a node: accounts that are not here are read from there.

        Raises:
            ConfigError: the RPC is none that has a URL.
            NodeError: the node does not answer.
        """
        url = getattr(rpc, "_rpc_url", None)
        if not isinstance(url, str):
            raise ConfigError("blockstm.compat.boa forks from an EthereumRPC, which has a URL")
        self._forked = RpcState(url, block_identifier)
        header = self._forked.header
        self.patch.timestamp, self.patch.block_number = header.timestamp, header.number
        self.patch.prev_hashes = [bytes(header.parent_hash)]
        self.patch.chain_id = int(self._forked.client.ask("eth_chainId"), 16)
        self._session = self._new_session()

    @property
    def is_forked(self) -> bool:
        """Whether accounts are read from a node."""
        return self._forked is not None

    @property
    def is_state_dirty(self) -> bool:
        """Whether anything was changed."""
        return self._session.writes() != _NO_CHANGES

    # ---- titanoboa's switches

    def enable_fast_mode(self, flag: bool = True) -> None:
        """Without effect: this EVM is what it is."""

    def get_gas_meter_class(self) -> type:
        """titanoboa's class: here it says only what titanoboa does with the gas."""
        return self._meter_class

    def set_gas_meter_class(self, cls: type) -> None:
        """See `get_gas_meter_class`."""
        self._meter_class = cls

    def get_gas_limit(self) -> int:
        """Of a call that does not say how much gas it has."""
        return self.patch.gas_limit

    def reset_access_counters(self) -> None:
        """Without effect: each call is a transaction of its own, and begins with cold accounts."""

    @property
    def vm(self) -> Any:
        """What titanoboa asks for opcodes, to have its own around them (`boa.deal`)."""
        opcodes = dict.fromkeys(range(256), _did)
        return SimpleNamespace(
            state=SimpleNamespace(computation_class=SimpleNamespace(opcodes=opcodes))
        )

    # ---- accounts

    def get_balance(self, address: Any) -> int:
        """In wei."""
        return self._session.balance(address.canonical_address)

    def set_balance(self, address: Any, value: int) -> None:
        """Give an account so much, in wei."""
        self._session.set_balance(address.canonical_address, value)

    def get_code(self, address: Any) -> bytes:
        """The code of an account; empty for none."""
        return self._session.code(address.canonical_address)

    def set_code(self, address: Any, code: bytes) -> None:
        """Have an account run this."""
        self._session.set_code(address.canonical_address, code)

    def get_storage(self, address: Any, slot: int) -> int:
        """The value of a slot."""
        return self._session.storage(address.canonical_address, slot)

    def set_storage(self, address: Any, slot: int, value: int) -> None:
        """Set a slot."""
        self._session.set_storage(address.canonical_address, slot, value)

    def get_storage_slot(self, address: Any, slot: int) -> bytes:
        """The value of a slot as 32 bytes."""
        return self.get_storage(address, slot).to_bytes(32, "big")

    def snapshot(self) -> Any:
        """A point to come back to."""
        return self._session.mark()

    def revert(self, snapshot_id: Any) -> None:
        """Take back everything since."""
        self._session.revert(snapshot_id)

    def generate_create_address(self, sender: Any) -> Any:
        """Where the sender's next contract goes; its nonce moves on."""
        account = sender.canonical_address
        created = self._session.created_by(account)
        self._session.set_nonce(account, self._session.nonce(account) + 1)
        return Address(created)

    # ---- calls

    def deploy_code(
        self,
        sender: Any,
        origin: Any,
        target_address: Any,
        gas: int | None,
        gas_price: int,
        value: int,
        bytecode: bytes,
    ) -> Computation:
        """Create a contract at an address that `generate_create_address` gave, or at any other."""
        account = sender.canonical_address
        nonce = self._session.nonce(account)
        if nonce > 0:
            self._session.set_nonce(account, nonce - 1)
            if self._session.created_by(account) == target_address.canonical_address:
                done = self._run(account, None, bytecode, value, gas, gas_price)
                self._session.set_nonce(account, self._session.nonce(account) + 1)
                return done
            self._session.set_nonce(account, nonce)
        return self._deploy_at(account, target_address, bytecode, value, gas, gas_price)

    def _deploy_at(
        self, sender: bytes, target: Any, initcode: bytes, value: int, gas: Any, gas_price: int
    ) -> Computation:
        """At an address that no creation leads to: its initcode is called there."""
        place = target.canonical_address
        before = self._session.mark()
        self._session.set_code(place, initcode)
        done = self._run(sender, place, b"", value, gas, gas_price)
        if done.is_error:
            self._session.revert(before)
        else:
            self._session.set_code(place, done.output)
            self._session.set_nonce(place, 1)
        done.msg.is_create, done.msg.to, done.msg.code_address = True, b"", b""
        done.msg.code = initcode
        self._register(done)
        return done

    def execute_code(
        self,
        sender: Any,
        to: Any,
        gas: int,
        gas_price: int,
        value: int,
        bytecode: bytes,
        data: bytes,
        is_static: bool,
        fake_codesize: int | None,
        start_pc: int,
        ir_executor: Any,
        contract: Any,
    ) -> Computation:
        """Call a contract, with other code than its own where ``bytecode`` is."""
        with self._running(to.canonical_address, bytecode):
            done = self._run(
                *(sender.canonical_address, to.canonical_address, data, value, gas, gas_price),
                is_static=is_static,
            )
        done.msg._contract = contract
        return done

    @contextmanager
    def _running(self, address: bytes, bytecode: bytes) -> Iterator[None]:
        """An account has this code for one call."""
        own = self._session.code(address)
        if bytecode == own:
            yield
            return
        self._session.set_code(address, bytecode)
        try:
            yield
        finally:
            self._session.set_code(address, own)

    def _run(
        self,
        sender: bytes,
        to: bytes | None,
        data: bytes,
        value: int,
        gas: int | None,
        gas_price: int,
        *,
        is_static: bool = False,
    ) -> Computation:
        """Run a call or, where nobody is called, a creation; neither nonce nor fees are touched."""
        session = self._session
        session.block = self.patch.context()
        if self._precompiles != py_evm._precompiles:
            self._precompiles = dict(py_evm._precompiles)
            session.precompiles = {at: _adapted(each) for at, each in self._precompiles.items()}
        limit = self.patch.gas_limit if gas is None else gas
        limit += intrinsic_gas(_as_transaction(to, data), self._fork).total
        codes: dict[bytes, bytes] = {}

        def code_of(address: bytes) -> bytes:
            if address not in codes:
                codes[address] = session.code(address)
            return codes[address]

        call = (sender, to, value, data, limit, gas_price, (), (), is_static, True, False)
        reader = Reader(
            self.env, self._meter_class, code_of, py_evm._opcode_overrides, self._shown_with
        )
        computation = reader.read(session.run_recorded(call, MASK)[1])
        for each in reader.ended:
            self._register(each)
        return computation

    def _shown_with(self, contract: Any, slots: Mapping[tuple[bytes, int], int]) -> str:
        """A contract as titanoboa shows it, while slots have other values than now."""
        before = self._session.mark()
        for (address, slot), value in slots.items():
            self._session.set_storage(address, slot, value)
        try:
            return repr(contract)
        finally:
            self._session.revert(before)

    def _register(self, computation: Computation) -> None:
        """Have the environment know contracts that are blueprints' or minimal proxies."""
        if not computation.msg.is_create:
            return
        env, address = self.env, computation.msg.storage_address
        known = env._code_registry.get(computation.msg.code)
        if known is None and is_eip1167_contract(computation.output):
            known = env.lookup_contract(extract_eip1167_address(computation.output))
        if known is None or not hasattr(known, "deployer"):
            return
        contract = known.deployer.at(Address(address))
        if hasattr(contract, "created_from"):
            contract.created_from = Address(computation.msg.sender)
        env.register_contract(Address(address), contract)


def _did(computation: Any) -> None:
    """What an opcode does: by the time that patched ones are told of it, it is done."""


class _PrecompileCall:
    """What a precompile of titanoboa's takes for a computation."""

    def __init__(self, data: bytes, gas: int) -> None:
        self.msg = SimpleNamespace(data=data, data_as_bytes=data, gas=gas)
        self.output = b""
        self.gas_used = 0

    def consume_gas(self, amount: int, reason: str = "") -> None:
        """Charge for what it does."""
        self.gas_used += amount


def _adapted(function: Callable[[Any], Any]) -> Callable[[bytes, int], tuple[bytes, int]]:
    """A precompile of titanoboa's as one of this EVM's."""

    def run(data: bytes, gas: int) -> tuple[bytes, int]:
        call = _PrecompileCall(data, gas)
        try:
            function(call)
        except VMError as error:
            raise PrecompileFailure(str(error)) from error
        return call.output, call.gas_used

    return run


def _as_transaction(to: bytes | None, data: bytes) -> Transaction:
    """What intrinsic gas depends on."""
    at = None if to is None else types.Address(to)
    return Transaction(
        type=0,
        nonce=0,
        gas=0,
        to=at,
        value=0,
        data=data,
        chain_id=None,
        gas_price=0,
        v=27,
        r=1,
        s=1,
    )
