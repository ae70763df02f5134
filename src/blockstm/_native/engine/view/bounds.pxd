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
from blockstm._native.engine.mvmemory.values cimport PAYLOAD_DELTA, Payload, payload_delta, payload_number
from blockstm._native.engine.view.reads cimport look_at
from blockstm._native.engine.view.slots cimport NOT_INTEGERS_HERE, Slot, View, slot_add_delta, slot_of


cdef inline blockstm_number zero() noexcept nogil:
    cdef blockstm_number number
    memset(&number, 0, sizeof(number))
    return number


cdef inline void keep_lower(View* view, Slot* slot, const blockstm_number* bound) noexcept nogil:
    """The value is ``bound`` or more: all that the run has to know of it so far."""
    if not slot.has_lower or compare(&view.store.numbers, bound, &slot.lower) > 0:
        slot.lower = bound[0]
        slot.has_lower = 1


cdef inline void keep_upper(View* view, Slot* slot, const blockstm_number* bound) noexcept nogil:
    """The value is ``bound`` or less."""
    if not slot.has_upper or compare(&view.store.numbers, bound, &slot.upper) < 0:
        slot.upper = bound[0]
        slot.has_upper = 1


cdef inline int is_above(View* view, Slot* slot, const blockstm_number* value, const blockstm_number* lower,
                  const blockstm_number* shift, int32_t* holds) noexcept nogil:
    """``holds`` = (value + shift >= lower), and the condition that it stays so."""
    cdef const Numbers* numbers = &view.store.numbers
    cdef blockstm_number bound = zero()
    cdef blockstm_number below = zero()
    cdef Fit fit = FITS
    if shift == NULL:
        bound = lower[0]
    else:
        fit = subtract(numbers, lower, shift, &bound)
    if fit == NOT_INTEGERS:
        return NOT_INTEGERS_HERE
    if fit != FITS:
        holds[0] = fit != ABOVE_ALL
        return BLOCKSTM_OK
    holds[0] = compare(numbers, value, &bound) >= 0
    if view.final_prefix:
        return BLOCKSTM_OK
    if holds[0]:
        keep_lower(view, slot, &bound)
    else:
        if subtract(numbers, &bound, &numbers.one, &below) != FITS:
            return NOT_INTEGERS_HERE
        keep_upper(view, slot, &below)
    return BLOCKSTM_OK


cdef inline int is_below(View* view, Slot* slot, const blockstm_number* value, const blockstm_number* upper,
                  const blockstm_number* shift, int32_t* holds) noexcept nogil:
    """``holds`` = (value + shift <= upper), and the condition that it stays so."""
    cdef const Numbers* numbers = &view.store.numbers
    cdef blockstm_number bound = zero()
    cdef blockstm_number above = zero()
    cdef Fit fit = FITS
    if shift == NULL:
        bound = upper[0]
    else:
        fit = subtract(numbers, upper, shift, &bound)
    if fit == NOT_INTEGERS:
        return NOT_INTEGERS_HERE
    if fit != FITS:
        holds[0] = fit == ABOVE_ALL
        return BLOCKSTM_OK
    holds[0] = compare(numbers, value, &bound) <= 0
    if view.final_prefix:
        return BLOCKSTM_OK
    if holds[0]:
        keep_upper(view, slot, &bound)
    else:
        if subtract(numbers, &bound, &numbers.minus_one, &above) != FITS:
            return NOT_INTEGERS_HERE
        keep_lower(view, slot, &above)
    return BLOCKSTM_OK


cdef inline int slot_number(View* view, Slot* slot, blockstm_number* value) noexcept nogil:
    """The number below the own delta, or of the own value. OK, or what to answer."""
    cdef const Payload* payload = slot.own
    cdef int status
    if payload == NULL or payload.kind == PAYLOAD_DELTA:
        status = look_at(view, slot)
        if status != BLOCKSTM_OK:
            return status
        payload = slot.seen
    if read_number(&view.store.numbers, payload, value):
        if payload == slot.seen:  # even an answer that holds for every number needs one
            slot.numeric = 1
        return BLOCKSTM_OK
    if view.store.numbers.domain == BLOCKSTM_NUMBERS_OBJECT:
        return NOT_INTEGERS_HERE  # the caller goes on with `view_get`, which records the value
    if payload == slot.seen:
        slot.exact = 1
    return BLOCKSTM_BAD_NUMBER


cdef inline bint is_surely_above(View* view, Slot* slot, const blockstm_number* bound) noexcept nogil:
    """Ahead of the frontier, where others add to a number all the time: whether what is final is enough.

    Then the additions on their way need not be looked through one by one. If they take too much away,
    the condition that is recorded fails. False: look.
    """
    cdef const Numbers* numbers = &view.store.numbers
    cdef Location* location
    cdef blockstm_number value, shift
    cdef blockstm_number least = bound[0]
    if (view.final_prefix or slot.seen != NULL or numbers.domain == BLOCKSTM_NUMBERS_OBJECT
            or (slot.own != NULL and slot.own.kind != PAYLOAD_DELTA)):
        return False
    location = location_at(&view.store.interner, slot.location)
    if not store_is_added_to(location) or not read_number(numbers, store_final(location), &value):
        return False
    if slot.own != NULL:
        shift = payload_number(slot.own)
        if subtract(numbers, bound, &shift, &least) != FITS:
            return False
    if compare(numbers, &value, &least) < 0:
        return False
    keep_lower(view, slot, &least)
    slot.numeric = 1
    return True


cdef inline int slot_at_least(View* view, uint32_t location, const blockstm_number* bound,
                       int32_t* holds) noexcept nogil:
    cdef Slot* slot = slot_of(view, location)
    cdef blockstm_number value = zero()
    cdef blockstm_number shift = zero()
    cdef int status
    if slot == NULL:
        return view.fault
    if is_surely_above(view, slot, bound):
        holds[0] = 1
        return BLOCKSTM_OK
    status = slot_number(view, slot, &value)
    if status != BLOCKSTM_OK:
        return status
    if slot.own == NULL:
        return is_above(view, slot, &value, bound, NULL, holds)
    if slot.own.kind == PAYLOAD_DELTA:
        shift = payload_number(slot.own)
        return is_above(view, slot, &value, bound, &shift, holds)
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


cdef inline int own_try_add(View* view, Slot* slot, const blockstm_number* value, const blockstm_number* delta,
                     const blockstm_number* lower, const blockstm_number* upper,
                     int32_t* done) noexcept nogil:
    """try_add on a value this transaction has put itself: nothing to record."""
    cdef const Numbers* numbers = &view.store.numbers
    cdef blockstm_number bound = zero()
    cdef Fit fit
    done[0] = 0
    if lower != NULL:
        fit = subtract(numbers, lower, delta, &bound)
        if fit == NOT_INTEGERS:
            return NOT_INTEGERS_HERE
        if fit == ABOVE_ALL or (fit == FITS and compare(numbers, value, &bound) < 0):
            return BLOCKSTM_OK
    if upper != NULL:
        fit = subtract(numbers, upper, delta, &bound)
        if fit == NOT_INTEGERS:
            return NOT_INTEGERS_HERE
        if fit != ABOVE_ALL and (fit != FITS or compare(numbers, value, &bound) > 0):
            return BLOCKSTM_OK
    done[0] = 1
    return slot_add_delta(view, slot, delta)


cdef inline int slot_try_add(View* view, uint32_t location, const blockstm_number* delta,
                      const blockstm_number* lower, const blockstm_number* upper,
                      int32_t* done) noexcept nogil:
    cdef const Numbers* numbers = &view.store.numbers
    cdef Slot* slot = slot_of(view, location)
    cdef blockstm_number value = zero()
    cdef blockstm_number lowest, highest, total
    cdef Payload shift
    cdef int status
    if slot == NULL:
        return view.fault
    status = slot_number(view, slot, &value)
    if status != BLOCKSTM_OK:
        return status
    if numbers.domain != BLOCKSTM_NUMBERS_OBJECT:  # the domain's range is a bound, too
        lowest, highest = domain_lowest(numbers), domain_highest(numbers)
        if lower == NULL or compare(numbers, lower, &lowest) < 0:
            lower = &lowest
        if upper == NULL or compare(numbers, upper, &highest) > 0:
            upper = &highest
    if slot.own != NULL and slot.own.kind != PAYLOAD_DELTA:
        return own_try_add(view, slot, &value, delta, lower, upper, done)
    payload_delta(&shift, delta, number_size(numbers))
    if slot.own != NULL:
        total = payload_number(slot.own)
        if join_deltas(numbers, &shift, &total):
            done[0] = 0  # no number of 256 bits has room for such a sum
            return BLOCKSTM_OK if numbers.domain == BLOCKSTM_NUMBERS_U256 else BLOCKSTM_BAD_NUMBER
    total = payload_number(&shift)
    done[0] = 1
    if lower != NULL:
        status = is_above(view, slot, &value, lower, &total, done)
        if status != BLOCKSTM_OK or not done[0]:
            return status
    if upper != NULL:
        status = is_below(view, slot, &value, upper, &total, done)
        if status != BLOCKSTM_OK or not done[0]:
            return status
    return slot_add_delta(view, slot, delta)
