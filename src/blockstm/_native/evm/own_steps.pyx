"""Steps by a chain's own rules; see the ``.pxd``."""
from blockstm._native.evm.added.rule_functions cimport SystemCall
from blockstm._native.evm.fields cimport copy_bytes, short, word
from blockstm._native.evm.forks.tables cimport fork_of
from blockstm._native.evm.prepared cimport StepKind
from blockstm._native.evm.transaction_fields cimport set_access_list
from blockstm._native.wire.transaction cimport Transaction, TransactionType

cdef Fork LONDON = fork_of("london")


cdef int set_own(Step* step, Kept kept, transaction, sender, bint is_prepaid, Fork fork) except -1:
    cdef Transaction* target = &step.transaction
    cdef OwnStep* own
    copy_bytes(&target.sender, sender, 20, "a sender")
    target.creates = transaction.to is None
    if not target.creates:
        copy_bytes(&target.to, transaction.to, 20, "a receiver")
    target.value = word(transaction.value, "a value")
    target.gas_limit = short(transaction.gas, "a gas limit")
    target.data = kept.span(transaction.data)
    if is_prepaid:
        own = <OwnStep*>kept.array(1, sizeof(OwnStep))
        own.mint = word(transaction.mint, "what is minted")
        step.kind, step.own = StepKind.Prepaid, own
        return 0
    # What it pays is what an ordinary one of this fork pays.
    target.type = <TransactionType>(2 if fork >= LONDON else 0)
    target.nonce = short(transaction.nonce, "a nonce")
    target.max_fee_per_gas = word(transaction.max_fee_per_gas, "a max fee")
    target.max_priority_fee_per_gas = word(transaction.max_priority_fee_per_gas, "a priority fee")
    if transaction.access_list:
        set_access_list(target, kept, transaction.access_list)
    return 0


cdef int charge(Step* step, OwnStep* own, transaction, RuleFunctions rules) except -1:
    if rules.charges() and step.kind == StepKind.Transaction:
        own.transaction = rules.tell_of(transaction)
        step.kind, step.own = StepKind.Charged, own
    return 0


cdef OwnStep* own_calls(calls, RuleFunctions rules, Kept kept) except? NULL:
    cdef OwnStep* own
    cdef SystemCall* room
    cdef size_t place
    if not calls:
        return NULL
    own = <OwnStep*>kept.array(1, sizeof(OwnStep))
    room = <SystemCall*>kept.array(len(calls), sizeof(SystemCall))
    for place, call in enumerate(calls):
        if not isinstance(call, tuple):
            room[place].is_function, room[place].function = True, rules.place_of(call)
            continue
        sender, target, data, gas, must_succeed = call
        copy_bytes(&room[place].sender, sender, 20, "a sender")
        copy_bytes(&room[place].target, target, 20, "a receiver")
        room[place].input, room[place].gas = kept.span(data), gas
        room[place].must_succeed = must_succeed
    own.calls, own.call_count = room, len(calls)
    return own
