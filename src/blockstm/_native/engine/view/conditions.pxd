"""A condition: what must be true of a location for a transaction to have done exactly the same.

    EXACT        the value (or its absence) is the one seen: compared by version, then by value
    RANGE        the number there lies between two bounds: what `at_least` and `try_add` answered
    UNREADABLE   the base decides, and the state fails to give it

A blind write has no condition at all.
"""
from libc.stdint cimport int32_t, uint32_t, uint8_t

from blockstm._native.abi cimport blockstm_number
from blockstm._native.engine.mvmemory.interner cimport location_at
from blockstm._native.engine.mvmemory.locations cimport Location, is_contended
from blockstm._native.engine.mvmemory.numbers cimport compare, read_number, same_payload
from blockstm._native.engine.mvmemory.store cimport (
    FOUND, FOUND_ESTIMATE, FOUND_UNREAD, Folding, Found, Resolved, Store, store_final,
    store_resolve,
)
from blockstm._native.engine.mvmemory.values cimport Payload

cdef enum ConditionKind:
    CONDITION_EXACT = 0
    CONDITION_RANGE = 1
    CONDITION_UNREADABLE = 2

cdef struct Condition:
    uint32_t location
    uint8_t kind
    uint8_t has_lower
    uint8_t has_upper
    const Payload* seen
    const blockstm_number* bounds    # of a RANGE: lower and upper, both inclusive


cdef inline bint is_true_of(Store* store, const Condition* condition, const Payload* value) noexcept nogil:
    cdef blockstm_number number
    if condition.kind == CONDITION_EXACT:
        return same_payload(&store.numbers, value, condition.seen)
    if not read_number(&store.numbers, value, &number):
        return False
    if condition.has_lower and compare(&store.numbers, &number, &condition.bounds[0]) < 0:
        return False
    return not condition.has_upper or compare(&store.numbers, &number, &condition.bounds[1]) <= 0


cdef inline bint condition_fails(Store* store, const Condition* condition, int32_t index,
                                 Folding* folding) noexcept nogil:
    """Whether transaction ``index`` would not see now what it saw then. Any worker may call it.

    An estimate may be replaced by the same value, so it is no failure yet; but at a contended location
    the next value most likely differs.
    """
    cdef const Location* location = location_at(&store.interner, condition.location)
    cdef Resolved resolved = [NULL, 0]
    cdef Found found = store_resolve(store, location, index, folding, &resolved)
    if found == FOUND_ESTIMATE:
        return is_contended(location)
    if condition.kind == CONDITION_UNREADABLE:
        return found != FOUND_UNREAD
    return found != FOUND or not is_true_of(store, condition, resolved.payload)


cdef inline bint condition_is_final(Store* store, const Condition* condition) noexcept nogil:
    """Whether it is true of the final prefix: at the frontier, nothing else can be seen below."""
    cdef const Payload* final = store_final(location_at(&store.interner, condition.location))
    if condition.kind == CONDITION_UNREADABLE:
        return final == NULL
    return final != NULL and is_true_of(store, condition, final)
