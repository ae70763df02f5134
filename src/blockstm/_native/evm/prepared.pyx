"""A block prepared for the EVM: Python's blocks and transactions as the plain structs of block.hpp.

Everything here holds the GIL; what it builds is read by the workers without it. The structs point
into the `bytes` that they were made from, which are kept.
"""
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.pycapsule cimport PyCapsule_New
from libc.stdint cimport UINT32_MAX, UINT64_MAX, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp
from libcpp cimport bool
from libcpp.vector cimport vector

from blockstm._native.abi cimport (
    BLOCKSTM_FAILED, BLOCKSTM_NUMBERS_U256, BLOCKSTM_SUCCESS, BLOCKSTM_VM_ABI_VERSION, BLOCKSTM_VM_ADMITS,
    BLOCKSTM_VM_ASKS, BLOCKSTM_VM_CAPSULE, BLOCKSTM_VM_WATCHES, BLOCKSTM_VM_WRAPS, blockstm_vm,
)
from blockstm._native.base.chunks cimport chunk_store, use_chunks
from blockstm._native.base.integers cimport read_word
from blockstm._native.crypto.libraries cimport shared_libraries, use_libraries
from blockstm._native.evm.evmc.library cimport EvmcLibrary
from blockstm._native.evm.fields cimport copy_bytes, short, word
from blockstm._native.evm.forks.tables cimport fork_of
from blockstm._native.evm.forks.tables import FORKS
from blockstm._native.evm.own_steps cimport charge, own_calls, set_own
from blockstm._native.evm.transaction_fields cimport (
    set_access_list, set_blob_hashes, set_message, set_plain_call, set_signed,
)
from blockstm._native.vm.bridge cimport Bridge
from blockstm._native.vm.session cimport Session
from blockstm._native.wire.signers cimport Senders
from blockstm._native.wire.transaction cimport Transaction, TransactionType
from blockstm._native.wire.transaction_list cimport TransactionList
from blockstm._native.state.locations import LOCATION_VALUES, LOCATIONS
from blockstm.errors import InputError, TraceTooLarge
from blockstm.messages import brief

cdef bytes PRECOMPILE_RAISED = b"\x07"  # the kind of a failure, see execute.hpp

use_libraries(shared_libraries())
use_chunks(chunk_store())


cdef int32_t committed_prepared(void* context, int64_t index) noexcept with gil:
    """`blockstm_vm.committed` of a block that records."""
    return (<EvmBlock>(<PreparedBlock*>context).reader).told(index)


cdef bytes address_at(const Address* address):
    return PyBytes_FromStringAndSize(<const char*>address.bytes, sizeof(Address))


cdef bytes hash_at(const Hash32* hash):
    return PyBytes_FromStringAndSize(<const char*>hash.bytes, sizeof(Hash32))


cdef object number_of(const u256* word):
    return read_word(<const uint8_t*>word.limb, 32, True)


cdef int gather_senders(senders, vector[Address]& addresses) except -1:
    cdef size_t place, count = len(senders)
    addresses.resize(count)
    if isinstance(senders, Senders):
        for place in range(count):
            addresses[place] = (<Senders>senders).found[place].address
        return 0
    for place in range(count):
        copy_bytes(&addresses[place], senders[place], 20, "a sender")
    return 0


cdef class OutcomeReader:
    """What makes outcomes of the EVM's outputs, without the block; see NativeBlock."""

    cdef readonly object value
    cdef readonly object error

    def __init__(self, value, error):
        self.value, self.error = value, error


cdef class EvmBlock:
    """The steps of one block and the fields they run under; a NativeBlock.

    Steps are added in order, before the block is run. Thread-safety: adding is for one thread; a
    block that is being run is read by any.

    Args:
        fork: one of `FORKS`.
        context: a `blockstm.vm.context.BlockContext`.
        value, error: what outcomes are made with, see NativeBlock.
    """

    def __cinit__(self, str fork, context, *rest):
        self.prepared = new PreparedBlock()
        self.kept, self.raised = Kept(), Raised()
        self.keys, self.values = LOCATIONS, LOCATION_VALUES
        self.table.abi_version = BLOCKSTM_VM_ABI_VERSION
        self.table.struct_size = sizeof(blockstm_vm)
        self.table.numbers = BLOCKSTM_NUMBERS_U256
        self.table.context = self.prepared
        self.table.flags = BLOCKSTM_VM_ADMITS | BLOCKSTM_VM_WRAPS
        self.table.execute = execute_prepared
        self.table.admit, self.table.count = admit_prepared, count_prepared
        self.vm = PyCapsule_New(&self.table, BLOCKSTM_VM_CAPSULE, NULL)
        self.prepared.env.fork = fork_of(fork)

    def __init__(self, str fork, context, value, error):
        cdef BlockEnv* env = &self.prepared.env
        self.value, self.error_of = value, error
        self.outcomes = OutcomeReader(value, error)
        env.number = short(context.number, "a block's number")
        env.timestamp = short(context.timestamp, "a block's timestamp")
        env.gas_limit = short(context.gas_limit, "a block's gas limit")
        env.slot_number = short(context.slot_number, "a block's slot number")
        env.blobs_max = UINT64_MAX if context.blobs_max is None else short(
            context.blobs_max, "the most blobs of a block")
        env.records_accesses = context.has_access_list
        copy_bytes(&env.coinbase, context.coinbase, 20, "a coinbase")
        copy_bytes(&env.parent_hash, context.parent_hash, 32, "a parent hash")
        copy_bytes(&env.parent_beacon_root, context.parent_beacon_block_root or bytes(32), 32,
                   "a parent beacon root")
        env.chain_id = word(context.chain_id, "a chain id")
        env.difficulty = word(context.difficulty, "a difficulty")
        env.prev_randao = word(int.from_bytes(context.mix_hash, "big"), "a mix hash")
        env.base_fee = word(context.base_fee_per_gas or 0, "a base fee")
        env.blob_base_fee = word(context.blob_base_fee or 0, "a blob base fee")
        self.set_hashes(context.block_hashes)
        self.kept_of_block = len(self.kept.objects)

    def __dealloc__(self):
        del self.prepared

    cdef int add(self, const Step& step) except -1:
        if not self.prepared.steps.push(step):
            raise MemoryError
        self.count += 1
        return 0

    def set_hashes(self, hashes):
        """The hashes of the blocks before, by number, as far as they are known."""
        cdef size_t place = 0
        cdef BlockHash* room = <BlockHash*>self.kept.array(len(hashes), sizeof(BlockHash))
        for number in sorted(hashes):
            room[place].number = short(number, "a block's number")
            copy_bytes(&room[place].hash, hashes[number], 32, "a block's hash")
            place += 1
        self.prepared.env.hashes, self.prepared.env.hash_count = room, place

    # ---- what the embedder adds

    def add_precompiles(self, targets):
        """Precompiles of the embedder's own: address → a callable or a capsule; or the address of the fork's that is
        there, or None for none (`added/precompiles.pyx`)."""
        self.precompiles = Precompiles(<int>self.prepared.env.fork, targets, self.raised)
        self.prepared.env.added_precompiles = &self.precompiles.added

    def add_opcodes(self, targets):
        """Opcodes of the embedder's own: number → (inputs, outputs, gas, callable or capsule)."""
        self.opcodes = Opcodes(targets, self.raised)
        self.opcodes.added.set = number_of_set(self.opcodes.added.traits)
        if self.opcodes.added.set == 0:
            raise InputError("there are too many different sets of opcodes in this process: at most 255")
        self.prepared.env.added_opcodes = &self.opcodes.added

    def add_rules(self, fees, base_fee_recipient, own_types, bint contracts_may_send=False):
        """A chain's own rules, before there are steps: its fees and who gets the base fee (`added/rule_functions.pyx`);
        type → whether transactions of it were paid for elsewhere; whether EIP-3607 does not hold."""
        self.rules = RuleFunctions(fees, base_fee_recipient, contracts_may_send, self.raised)
        self.own_types = own_types
        self.prepared.env.own_rules = &self.rules.rules

    def run_on(self, EvmcLibrary library not None):
        """Have another EVM run the code, by EVMC."""
        self.evmc, self.prepared.evmc = library, library.instances
        self.table.execute = execute_on_evmc

    def record(self, uint16_t mask, tell, only=None, room=None):
        """Have every run recorded (`inspect/recorder.hpp`), when all steps are there; or only those of some steps.

        ``tell(index, events)`` is called for each step that becomes final, in order, by any worker; what it
        raises ends the block before that step. This object is for one run of the block then. ``room``: bytes
        that all runs together may hold, and each by itself; one that finds no room ends as a `TraceTooLarge`.
        """
        self.set_recording(mask, only, room)
        self.tell = tell
        self.table.committed = committed_prepared

    def keep(self, uint16_t mask, only=None, room=None, bytes_max=None):
        """Have runs recorded as `record` does, and the recordings of those that become final stay here.

        Nothing takes the GIL for it. ``bytes_max``: of all that is kept, and of each step; more ends the block as a
        `TraceTooLarge`.
        """
        all_max, each_max = (UINT64_MAX, UINT64_MAX) if bytes_max is None else bytes_max
        self.set_recording(mask, only, room)
        if not self.prepared.keep(all_max, each_max):
            raise MemoryError
        self.recorded_only = only
        self.table.committed = keep_prepared

    cdef int set_recording(self, uint16_t mask, only, room) except -1:
        if room is not None:
            self.prepared.room.limit(room[0], room[1])
        if not self.prepared.record(mask, <void*>self) or (only is not None and not self.prepared.unwatch_all()):
            raise MemoryError
        for index in () if only is None else only:
            if not 0 <= index < self.count:
                raise InputError(f"there is no step {brief(index)} to be recorded")
            self.prepared.watch(index)
        self.table.execute = execute_recorded
        self.table.flags |= BLOCKSTM_VM_WATCHES | BLOCKSTM_VM_ASKS
        self.table.answer = answer_prepared
        return 0

    def kept_steps(self):
        """The places of the steps whose recordings are kept."""
        return range(self.count) if self.recorded_only is None else self.recorded_only

    def kept_recording(self, int64_t index) -> bytes:
        """What was recorded of the run of a step that became final, when the block has run."""
        cdef const Bytes* kept = self.prepared.kept()
        if kept == NULL or not 0 <= index < self.count:
            raise KeyError(index)
        return PyBytes_FromStringAndSize(<const char*>kept[index].data(), kept[index].size())

    def take_recording(self, int64_t index) -> bytes:
        """The events of the last run of a step."""
        cdef Bytes events
        self.prepared.take_recording(index, events)
        return PyBytes_FromStringAndSize(<const char*>events.data(), events.size())

    cdef int32_t told(self, int64_t index) noexcept:
        try:
            self.tell(index, self.take_recording(index))
        except BaseException as error:
            self.tell_error = error
            return BLOCKSTM_FAILED
        return BLOCKSTM_SUCCESS

    def error(self, int64_t index, int status, bytes output):
        """See NativeBlock."""
        if status == BLOCKSTM_FAILED and self.tell_error is not None:
            return self.tell_error
        if status == BLOCKSTM_FAILED and self.prepared.exceeded():
            return TraceTooLarge(f"more is recorded than a tracer's bytes_max, {self.prepared.exceeded()}")
        if status == BLOCKSTM_FAILED and output[:1] == PRECOMPILE_RAISED:
            return self.raised.error(int.from_bytes(output[1:], "little"))
        return self.error_of(index, status, output)

    # ---- steps

    def add_transaction(self, transaction, sender, authorities):
        """A transaction, who signed it, and who signed each of its authorizations (or None)."""
        cdef Step step = Step()
        self.set_transaction(&step, transaction, sender, authorities)
        if self.rules is not None:
            charge(&step, <OwnStep*>self.kept.array(1, sizeof(OwnStep)), transaction, self.rules)
        self.add(step)

    cdef int set_transaction(self, Step* step, transaction, sender, authorities) except -1:
        step.kind = StepKind.Transaction
        if self.own_types and getattr(transaction, "type", None) in self.own_types:
            return set_own(step, self.kept, transaction, sender, self.own_types[transaction.type],
                           self.prepared.env.fork)
        return set_signed(&step.transaction, self.kept, transaction, sender, authorities)

    def add_call(self, message, gas, authorities, bint is_validated, bint keeps_changes):
        """A transaction that nobody signed: the members of one that are no signature's, and a sender.

        ``gas``: how much it has, whatever it says. ``is_validated``: its nonce and its fees are checked.
        ``keeps_changes``: steps after it see what it does.
        """
        cdef Step step = Step()
        step.kind = StepKind.Call
        step.is_validated, step.keeps_changes = is_validated, keeps_changes
        set_message(&step.transaction, self.kept, message, message.sender, authorities)
        step.transaction.gas_limit = short(message.gas if gas is None else gas, "a gas limit")
        step.transaction.nonce = 0 if message.nonce is None else short(message.nonce, "a nonce")
        self.add(step)

    def add_calls(self, list messages, kind, uint64_t gas_cap):
        """What `add_call` does for each message of a list, at one go.

        False: one of them is none of this class, or may be wrong, or names more than sender, receiver, value, data and
        gas; this block is of no use then.
        """
        cdef Py_ssize_t place, count = len(messages)
        cdef Step* steps = self.prepared.steps.extend_kept(count)
        cdef Step step
        if steps == NULL:
            raise MemoryError
        step.kind = StepKind.Call
        step.transaction.type = <TransactionType>2
        for place in range(count):
            steps[place] = step
            if not set_plain_call(&steps[place].transaction, self.kept, messages[place], kind, gas_cap):
                return False
        self.count += count
        return True

    def creations(self):
        """The places of the steps that create a contract."""
        cdef Py_ssize_t place
        cdef Step room = Step()
        return [place for place in range(self.count) if self.prepared.steps.at(place, room).transaction.creates]

    # ---- one call after another, on a session

    cdef int set_call(self, Session session, call) except -1:
        """Make a call the only step of this block."""
        cdef Step step = Step()
        cdef Transaction* target = &step.transaction
        sender, to, value, data, gas, gas_price, access_list, blob_hashes, is_static, spares, keeps_transient = call
        step.kind, step.keeps_changes, step.is_static, step.spares_sender = StepKind.Call, True, is_static, spares
        step.transient = &session.view.transient if keeps_transient else NULL
        self.prepared.steps.clear()
        del self.kept.objects[self.kept_of_block:]
        self.count = 0
        target.type = <TransactionType>2  # code sees blob hashes all the same, and nobody pays for blobs
        copy_bytes(&target.sender, sender, 20, "a sender")
        target.creates = to is None
        if not target.creates:
            copy_bytes(&target.to, to, 20, "a receiver")
        target.value = word(value, "a value")
        target.max_fee_per_gas = word(gas_price, "a gas price")
        target.max_priority_fee_per_gas = target.max_fee_per_gas
        target.gas_limit = short(gas, "a gas limit")
        target.data = self.kept.span(data)
        if access_list:
            set_access_list(target, self.kept, access_list)
        if blob_hashes:
            set_blob_hashes(target, self.kept, blob_hashes)
        return self.add(step)

    def call_on(self, Session session not None, call, write=None, uint16_t recorded=0):
        """Run a call by itself on a session, and have what it changes stay there; for a block without other steps.

        ``call`` is a tuple: sender, to (None: it creates), value, data, gas, gas price, access list, blob hashes, and
        as in block.hpp is_static, spares_sender, and whether it finds and leaves transient storage. ``write``: takes
        its EIP-3155 lines. ``recorded``: has these events recorded (`inspect/recorder.hpp`), without a trace; see
        `take_recording`. Returns the outcome's value, or raises what it ended with.
        """
        cdef int32_t status
        cdef uint64_t start
        cdef Bytes lines
        cdef bool is_whole = True
        cdef bint is_traced = write is not None
        session.enter()
        try:
            self.set_call(session, call)
            if recorded and not self.prepared.record(recorded, <void*>self):
                raise MemoryError
            start = session.view.mark()
            session.view.begin(0)
            with nogil:
                if is_traced:
                    status = execute_traced(self.prepared[0], session.view.c(), 0, lines, is_whole)
                elif recorded:
                    status = execute_recorded(self.prepared, session.view.c(), 0)
                else:
                    status = execute_alone(self.prepared, session.view.c(), 0)
                if status != BLOCKSTM_SUCCESS:
                    session.view.revert(start)
            if is_traced and status != BLOCKSTM_FAILED:
                write(PyBytes_FromStringAndSize(<const char*>lines.data(), lines.size()))
            return session.finish(self, 0, status)
        finally:
            session.view.leave()

    def add_overrides(self, writes):
        """Values in place of those in the state: pairs of a key and a value as bytes, empty for none."""
        cdef Step step = Step()
        cdef Around* around = <Around*>self.kept.array(1, sizeof(Around))
        cdef Write* room = <Write*>self.kept.array(len(writes), sizeof(Write))
        cdef size_t place
        step.kind = StepKind.Overrides
        for place, (key, value) in enumerate(writes):
            room[place].key, room[place].value = self.kept.span(key), self.kept.span(value)
        around.writes, around.write_count = room, len(writes)
        step.around = around
        self.add(step)

    def add_transactions(self, transactions, senders, authorities, uint32_t threads=1):
        """What `add_transaction` does for each, quicker for those that carry their own encoding.

        ``transactions`` may be a `TransactionList`. ``authorities`` has a sequence of authorities for each, or
        is empty where nobody gave any. ``threads`` share what is much.
        """
        cdef TransactionList listed
        cdef vector[Address] addresses
        cdef vector[uint8_t] is_filled
        cdef Step* step
        cdef Py_ssize_t place, count = len(transactions)
        cdef uint64_t first = self.prepared.steps.size()
        cdef bint has_room
        if len(senders) != count or (authorities and len(authorities) != count):
            raise InputError("there is one sender, and one sequence of authorities, to each transaction")
        listed = transactions if isinstance(transactions, TransactionList) else TransactionList(transactions)
        gather_senders(senders, addresses)
        is_filled.resize(count)
        if not self.prepared.steps.extend(count):
            raise MemoryError
        with nogil:
            has_room = fill_transactions(listed.spans.data(), addresses.data(), count, threads, first,
                                         self.prepared.steps, is_filled.data())
        if not has_room:
            raise MemoryError
        self.kept.objects.append(listed)  # the steps point into its encodings
        for place in range(count):
            if not is_filled[place]:
                each = authorities[place] if authorities else ()
                step = self.prepared.steps.kept(first + place)
                if step == NULL:
                    raise MemoryError
                self.set_transaction(step, listed.transactions[place], senders[place], each)
        if self.rules is not None:
            self.charge_all(first, listed.transactions)
        self.count += count

    cdef int charge_all(self, uint64_t first, transactions) except -1:
        cdef OwnStep* own
        cdef Step* step
        cdef uint64_t place
        if not self.rules.charges():
            return 0
        own = <OwnStep*>self.kept.array(len(transactions), sizeof(OwnStep))
        for place, transaction in enumerate(transactions):
            step = self.prepared.steps.unpacked(first + place)
            if step == NULL:
                raise MemoryError
            charge(step, own + place, transaction, self.rules)
        return 0

    def transaction_at(self, uint64_t index) -> tuple:
        """What the EVM sees of a transaction, lists by their lengths; for tests."""
        cdef Step room = Step()
        cdef const Transaction* at = &self.prepared.steps.at(index, room).transaction
        return (
            <int>at.type, at.creates != 0, address_at(&at.sender), address_at(&at.to), at.nonce, at.gas_limit,
            number_of(&at.value), number_of(&at.max_fee_per_gas), number_of(&at.max_priority_fee_per_gas),
            number_of(&at.max_fee_per_blob_gas),
            PyBytes_FromStringAndSize(<const char*>at.data.data, at.data.size),
            at.access_count, at.blob_count, at.authorization_count,
            number_of(&at.chain_id) if at.names_chain else None, at.has_high_s != 0,
        )

    def validation_error_at(self, uint64_t index) -> tuple[int, int, int]:
        """What is wrong with a transaction by itself: a code of validation_error.hpp, have, want."""
        cdef Step room = Step()
        cdef ValidationError error = form_of(self.prepared.steps.at(index, room), self.prepared.env)
        return <int>error.reason, number_of(&error.have), number_of(&error.want)

    def add_start(self, drained, refund_contract, calls=()):
        """What happens before the transactions; ``drained`` accounts pay all to the contract; see `own_calls`."""
        cdef Step step = Step()
        cdef Around* around = <Around*>self.kept.array(1, sizeof(Around))
        cdef Address* room = <Address*>self.kept.array(len(drained), sizeof(Address))
        cdef size_t place
        step.kind = StepKind.BlockStart
        for place, address in enumerate(drained):
            copy_bytes(&room[place], address, 20, "a drained account")
        around.drained, around.drained_count = room, len(drained)
        if drained:
            copy_bytes(&around.refund_contract, refund_contract, 20, "a refund contract")
        step.around = around
        step.own = own_calls(calls, self.rules, self.kept)
        self.add(step)

    def add_end(self, withdrawals, rewards, bint collects_requests, calls=()):
        """What happens after the transactions: two lists of (address, wei), and system calls; see `own_calls`."""
        cdef Step step = Step()
        cdef Around* around = <Around*>self.kept.array(1, sizeof(Around))
        around.collects_requests = collects_requests
        around.withdrawals, around.withdrawal_count = self.payments(withdrawals), len(withdrawals)
        around.rewards, around.reward_count = self.payments(rewards), len(rewards)
        step.kind, step.around = StepKind.BlockEnd, around
        step.own = own_calls(calls, self.rules, self.kept)
        self.add(step)

    def trace(self, int64_t index, view, write):
        """Run a step on a Python view; its EIP-3155 lines go to ``write``, in one call, as bytes.

        Returns the outcome's value, or raises what the step ended with; the lines come first.
        """
        cdef Bridge bridge = Bridge(view, self)
        cdef Bytes lines
        cdef bool is_whole = True
        cdef int32_t status = execute_traced(self.prepared[0], bridge.c(), index, lines, is_whole)
        if lines.size():
            write(PyBytes_FromStringAndSize(<const char*>lines.data(), lines.size()))
        if not is_whole:
            raise MemoryError
        return bridge.finish(self, status)

    cdef Payment* payments(self, listed) except NULL:
        cdef Payment* room = <Payment*>self.kept.array(len(listed), sizeof(Payment))
        cdef size_t place
        for place, (address, amount) in enumerate(listed):
            copy_bytes(&room[place].address, address, 20, "a receiver")
            room[place].amount = word(amount, "an amount")
        return room


def reason_named(int code) -> str:
    """The name of why a step is invalid, from its code in validation_error.hpp."""
    return reason_of(code).decode()


def first_tier(hot_after=None) -> int:
    """How often code is entered or comes to a JUMPDEST before it is translated, as it is from now on.

    ``hot_after`` sets it: 0 and all code is translated at once, 2**32-1 and none ever is. No result depends on it.
    """
    if hot_after is not None:
        store_hot_after(min(short(hot_after, "a count"), UINT32_MAX))
    return load_hot_after()


def plain_transfers(apart=None) -> bool:
    """Whether transfers that can run no code have a way of their own, as it is from now on.

    ``apart`` sets it. No result depends on it.
    """
    if apart is not None:
        store_plain_transfers(1 if apart else 0)
    return load_plain_transfers() != 0


def computed_precompiles() -> int:
    """How many outputs of precompiles whose results blocks remember this process has computed, not found; for tests."""
    return load_computed_results()


HOT_AFTER = HOT_AFTER_DEFAULT
"""What `first_tier` is set to when a process starts."""
CODE_CACHE_LIMIT = CODE_CACHE_BYTES
"""Bytes of translated code that a process keeps, at most."""


def code_cache(limit=None) -> tuple[int, int]:
    """How many bytes of translated code this process keeps, and of how many codes.

    ``limit`` sets from now on how many bytes it may be; what is beyond it goes at once.
    """
    if limit is not None:
        shared_codes().set_limit(short(limit, "a limit"))
    return shared_codes().bytes(), shared_codes().count()


def cached_codes() -> list[tuple[bytes, str, bool, int, int, int]]:
    """Of each code that `code_cache` counts: hash, fork, whether it is translated to be followed step by step, length,
    and bytes that it takes by itself and that its translation takes.
    """
    cdef Array[CodeListing] listed
    cdef uint64_t place
    if not shared_codes().list(listed):
        raise MemoryError
    return [
        (
            hash_at(&listed[place].key.hash),
            FORKS[<int>listed[place].key.variant.fork],
            listed[place].key.variant.tier != Tier.Plain,
            listed[place].size,
            listed[place].footprint.own,
            listed[place].footprint.program,
        )
        for place in range(listed.size())
    ]
