"""Bounds: `at_least` and `try_add`, which learn an answer about a number and not the number.

What a run has learnt of a location by such answers is an interval; that the number lies in it is
the run's condition there. A bound is kept relative to the value below the run's own delta.
"""
from libc.stdint cimport int32_t, uint32_t, uint64_t
from libc.string cimport memset

from blockstm._native.abi cimport (
    BLOCKSTM_BAD_NUMBER, BLOCKSTM_NUMBERS_I64, BLOCKSTM_NUMBERS_OBJECT, BLOCKSTM_NUMBERS_U256,
    BLOCKSTM_OK, blockstm_number,
)
from blockstm._native.engine.mvmemory.interner cimport location_at
from blockstm._native.engine.mvmemory.locations cimport Location
from blockstm._native.engine.mvmemory.numbers cimport (
    ABOVE_ALL, FITS, NOT_INTEGERS, Fit, Numbers, compare, join_deltas, number_size, read_number,
    subtract,
)
from blockstm._native.engine.mvmemory.store cimport store_final, store_is_added_to
from blockstm._native.engine.mvmemory.values cimport (
    PAYLOAD_DELTA, Payload, payload_delta, payload_number,
)
from blockstm._native.engine.view.accesses cimport (
    NOT_INTEGERS_HERE, Access, View, access_add_delta, access_of,
)
from blockstm._native.engine.view.reads cimport read_access


cdef inline blockstm_number zero() noexcept nogil:
    cdef blockstm_number number
    memset(&number, 0, sizeof(number))
    return number


cdef inline void keep_lower(View* view, Access* access, const blockstm_number* bound) noexcept nogil:
    """The value is ``bound`` or more: all that the run has to know of it so far."""
    if not access.has_lower or compare(&view.store.numbers, bound, &access.lower) > 0:
        access.lower = bound[0]
        access.has_lower = 1


cdef inline void keep_upper(View* view, Access* access, const blockstm_number* bound) noexcept nogil:
    """The value is ``bound`` or less."""
    if not access.has_upper or compare(&view.store.numbers, bound, &access.upper) < 0:
        access.upper = bound[0]
        access.has_upper = 1


cdef inline Fit bound_below(const Numbers* numbers, const blockstm_number* limit, const blockstm_number* delta,
                            blockstm_number* bound) noexcept nogil:
    """``bound`` = limit - delta: the limit for the value below a delta, which may be NULL."""
    if delta == NULL:
        bound[0] = limit[0]
        return FITS
    return subtract(numbers, limit, delta, bound)


cdef inline bint lies_within(const Numbers* numbers, const blockstm_number* value, const blockstm_number* bound,
                             Fit fit, bint is_lower) noexcept nogil:
    """Whether value >= bound, or value <= bound of an upper one; a bound that does not fit is beyond all numbers."""
    cdef int order
    if fit != FITS:
        return is_lower != (fit == ABOVE_ALL)
    order = compare(numbers, value, bound)
    return order >= 0 if is_lower else order <= 0


cdef inline int check_limit(View* view, Access* access, const blockstm_number* value, const blockstm_number* limit,
                            const blockstm_number* delta, bint is_lower, int32_t* holds) noexcept nogil:
    """``holds`` = (value + delta >= limit), or <= of an upper limit; and the condition that it stays so."""
    cdef const Numbers* numbers = &view.store.numbers
    cdef blockstm_number bound = zero()
    cdef blockstm_number beyond
    cdef Fit fit = bound_below(numbers, limit, delta, &bound)
    if fit == NOT_INTEGERS:
        return NOT_INTEGERS_HERE
    holds[0] = lies_within(numbers, value, &bound, fit, is_lower)
    if fit != FITS or view.final_prefix:
        return BLOCKSTM_OK
    if not holds[0]:  # then the value is at least one number beyond the bound
        beyond = zero()
        if subtract(numbers, &bound, &numbers.one if is_lower else &numbers.minus_one, &beyond) != FITS:
            return NOT_INTEGERS_HERE
        bound = beyond
    if (holds[0] != 0) == is_lower:
        keep_lower(view, access, &bound)
    else:
        keep_upper(view, access, &bound)
    return BLOCKSTM_OK


cdef inline int access_number(View* view, Access* access, blockstm_number* value) noexcept nogil:
    """The number below the written delta, or the written number. OK, or what to return."""
    cdef const Payload* payload = access.written
    cdef int status
    if payload == NULL or payload.kind == PAYLOAD_DELTA:
        status = read_access(view, access)
        if status != BLOCKSTM_OK:
            return status
        payload = access.seen
    if read_number(&view.store.numbers, payload, value):
        if payload == access.seen:  # even an answer that holds for every number needs one
            access.numeric = 1
        return BLOCKSTM_OK
    if view.store.numbers.domain == BLOCKSTM_NUMBERS_OBJECT:
        return NOT_INTEGERS_HERE  # the caller goes on with `view_get`, which records the value
    if payload == access.seen:
        access.exact = 1
    return BLOCKSTM_BAD_NUMBER


cdef inline bint is_surely_above(View* view, Access* access, const blockstm_number* bound) noexcept nogil:
    """Ahead of the frontier, where others add to a number all the time: whether the committed value suffices.

    If so, the speculative deltas need not be folded one by one. If they take too much away, the
    recorded condition fails. False: read the value.
    """
    cdef const Numbers* numbers = &view.store.numbers
    cdef Location* location
    cdef blockstm_number value, shift
    cdef blockstm_number least = bound[0]
    if (view.final_prefix or access.seen != NULL or numbers.domain == BLOCKSTM_NUMBERS_OBJECT
            or (access.written != NULL and access.written.kind != PAYLOAD_DELTA)):
        return False
    location = location_at(&view.store.interner, access.location)
    if not store_is_added_to(location) or not read_number(numbers, store_final(location), &value):
        return False
    if access.written != NULL:
        shift = payload_number(access.written)
        if subtract(numbers, bound, &shift, &least) != FITS:
            return False
    if compare(numbers, &value, &least) < 0:
        return False
    keep_lower(view, access, &least)
    access.numeric = 1
    return True


cdef inline int access_at_least(View* view, uint32_t location, const blockstm_number* bound,
                       int32_t* holds) noexcept nogil:
    cdef Access* access = access_of(view, location)
    cdef blockstm_number value = zero()
    cdef blockstm_number shift = zero()
    cdef int status
    if access == NULL:
        return view.fault
    if is_surely_above(view, access, bound):
        holds[0] = 1
        return BLOCKSTM_OK
    status = access_number(view, access, &value)
    if status != BLOCKSTM_OK:
        return status
    if access.written == NULL:
        return check_limit(view, access, &value, bound, NULL, True, holds)
    if access.written.kind == PAYLOAD_DELTA:
        shift = payload_number(access.written)
        return check_limit(view, access, &value, bound, &shift, True, holds)
    holds[0] = compare(&view.store.numbers, &value, bound) >= 0
    return BLOCKSTM_OK


cdef inline blockstm_number domain_lowest(const Numbers* numbers) noexcept nogil:
    cdef blockstm_number number = zero()
    if numbers.domain == BLOCKSTM_NUMBERS_I64:
        number.limb[0] = <uint64_t>1 << 63
    return number


cdef inline blockstm_number domain_highest(const Numbers* numbers) noexcept nogil:
    cdef blockstm_number number = zero()
    memset(number.limb, 255, sizeof(number.limb))
    if numbers.domain == BLOCKSTM_NUMBERS_I64:
        number.limb[0] = ~(<uint64_t>1 << 63)
    return number


cdef inline int written_try_add(View* view, Access* access, const blockstm_number* value,
                                const blockstm_number* delta, const blockstm_number* lower,
                                const blockstm_number* upper, int32_t* done) noexcept nogil:
    """try_add on a value that this run has put itself: there is nothing to record."""
    cdef const Numbers* numbers = &view.store.numbers
    cdef blockstm_number bound = zero()
    cdef Fit fit
    done[0] = 0
    if lower != NULL:
        fit = bound_below(numbers, lower, delta, &bound)
        if fit == NOT_INTEGERS:
            return NOT_INTEGERS_HERE
        if not lies_within(numbers, value, &bound, fit, True):
            return BLOCKSTM_OK
    if upper != NULL:
        fit = bound_below(numbers, upper, delta, &bound)
        if fit == NOT_INTEGERS:
            return NOT_INTEGERS_HERE
        if not lies_within(numbers, value, &bound, fit, False):
            return BLOCKSTM_OK
    done[0] = 1
    return access_add_delta(view, access, delta)


cdef inline int unwritten_try_add(View* view, Access* access, const blockstm_number* value,
                                  const blockstm_number* delta, const blockstm_number* lower,
                                  const blockstm_number* upper, int32_t* done) noexcept nogil:
    """try_add on a value below the run: the answer is recorded as a condition."""
    cdef const Numbers* numbers = &view.store.numbers
    cdef blockstm_number total
    cdef Payload added
    cdef int status
    payload_delta(&added, delta, number_size(numbers))
    if access.written != NULL:
        total = payload_number(access.written)
        if join_deltas(numbers, &added, &total):
            done[0] = 0  # no number of 256 bits has room for such a sum
            return BLOCKSTM_OK if numbers.domain == BLOCKSTM_NUMBERS_U256 else BLOCKSTM_BAD_NUMBER
    total = payload_number(&added)
    done[0] = 1
    if lower != NULL:
        status = check_limit(view, access, value, lower, &total, True, done)
        if status != BLOCKSTM_OK or not done[0]:
            return status
    if upper != NULL:
        status = check_limit(view, access, value, upper, &total, False, done)
        if status != BLOCKSTM_OK or not done[0]:
            return status
    return access_add_delta(view, access, delta)


cdef inline int access_try_add(View* view, uint32_t location, const blockstm_number* delta,
                               const blockstm_number* lower, const blockstm_number* upper,
                               int32_t* done) noexcept nogil:
    cdef const Numbers* numbers = &view.store.numbers
    cdef Access* access = access_of(view, location)
    cdef blockstm_number value = zero()
    cdef blockstm_number lowest, highest
    cdef int status
    if access == NULL:
        return view.fault
    status = access_number(view, access, &value)
    if status != BLOCKSTM_OK:
        return status
    if numbers.domain != BLOCKSTM_NUMBERS_OBJECT:  # the domain's range is a bound, too
        lowest, highest = domain_lowest(numbers), domain_highest(numbers)
        if lower == NULL or compare(numbers, lower, &lowest) < 0:
            lower = &lowest
        if upper == NULL or compare(numbers, upper, &highest) > 0:
            upper = &highest
    if access.written != NULL and access.written.kind != PAYLOAD_DELTA:
        return written_try_add(view, access, &value, delta, lower, upper, done)
    return unwritten_try_add(view, access, &value, delta, lower, upper, done)
