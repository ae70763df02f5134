"""Native transactions on Python views; see the ``.pxd``."""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.exc cimport PyErr_CheckSignals
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t

from blockstm._native.abi cimport (
    BLOCKSTM_ABSENT, BLOCKSTM_BAD_NUMBER, BLOCKSTM_NUMBERS_I64, BLOCKSTM_OK, BLOCKSTM_STATE_ERROR,
    BLOCKSTM_SUCCESS, BLOCKSTM_VM_ABI_VERSION, BLOCKSTM_VM_CAPSULE, BLOCKSTM_VM_WRAPS,
    blockstm_bytes, blockstm_location, blockstm_number,
    blockstm_view, blockstm_view_api, blockstm_vm,
)

from blockstm._native.base.codec import at_key
from blockstm.values import Int64Delta, OutOfRange, Uint256Delta, WrappingDelta


cdef class Bridge:
    """A Python view as a `blockstm_view`, for one run of one transaction.

    Args:
        view: what the transaction sees.
        block: the NativeBlock, for its codecs and its numbers.
    """

    def __cinit__(self, view, block):
        capsule = block.vm
        self.vm = <const blockstm_vm*>PyCapsule_GetPointer(capsule, BLOCKSTM_VM_CAPSULE)
        self.view = view
        self.decode_key = block.keys.decode
        self.encode_value = at_key(block.values, "encode")
        self.decode_value = at_key(block.values, "decode")
        self.delta_type = Int64Delta if self.vm.numbers == BLOCKSTM_NUMBERS_I64 else Uint256Delta
        if self.vm.flags & BLOCKSTM_VM_WRAPS:
            self.delta_type = WrappingDelta
        self.keys, self.locations, self.kept = [], {}, []
        self.output = b""
        self.c_view.base.api = &API
        self.c_view.base.index = view.index
        self.c_view.bridge = <void*>self

    cdef blockstm_view* c(self) noexcept:
        """For a caller that runs a VM itself; then `finish` has the result."""
        return &self.c_view.base

    cdef int32_t locate(self, bytes data) except -1:
        found = self.locations.get(data)
        if found is None:
            found = self.locations[data] = len(self.keys)
            self.keys.append(self.decode_key(data))
        return found

    cdef object finish(self, object block, int32_t status):
        """The value of the transaction; raises what it ended with."""
        if self.error is not None:
            raise self.error
        if status == BLOCKSTM_SUCCESS:
            return block.value(self.output)
        raise block.error(self.c_view.base.index, status, self.output)


cdef inline Bridge bridge_of(blockstm_view* view):
    return <Bridge>(<BridgeView*>view).bridge


cdef void failed(Bridge bridge, object error) noexcept:
    """Keep the first error; the run is over."""
    if bridge.error is None:
        bridge.error = error


cdef object number_of(Bridge bridge, const blockstm_number* number):
    """A Python int."""
    if bridge.vm.numbers == BLOCKSTM_NUMBERS_I64:
        return <int64_t>number.limb[0]
    magnitude = int.from_bytes(PyBytes_FromStringAndSize(<const char*>number.limb, 32), "little")
    return -magnitude if number.negative else magnitude


cdef int32_t bridge_locate(blockstm_view* view, const uint8_t* key, uint64_t size,
                           blockstm_location* location) noexcept with gil:
    cdef int32_t status = BLOCKSTM_STATE_ERROR
    bridge = bridge_of(view)
    try:
        location[0] = bridge.locate(PyBytes_FromStringAndSize(<const char*>key, size))
        status = BLOCKSTM_OK
    except BaseException as error:
        failed(bridge, error)
    return status


cdef int32_t bridge_get(blockstm_view* view, blockstm_location location,
                        blockstm_bytes* value) noexcept with gil:
    cdef bytes data
    cdef int32_t status = BLOCKSTM_STATE_ERROR
    bridge = bridge_of(view)
    try:
        key = bridge.keys[location]
        found = bridge.view.get(key)
        if found is not None:
            data = bridge.encode_value(key, found)
            bridge.kept.append(data)
            value.data, value.size = <const uint8_t*>PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data)
        status = BLOCKSTM_ABSENT if found is None else BLOCKSTM_OK
    except OutOfRange:
        status = BLOCKSTM_BAD_NUMBER
    except BaseException as error:
        failed(bridge, error)
    return status


cdef int32_t bridge_put(blockstm_view* view, blockstm_location location, const uint8_t* data,
                        uint64_t size) noexcept with gil:
    cdef int32_t status = BLOCKSTM_STATE_ERROR
    bridge = bridge_of(view)
    try:
        key = bridge.keys[location]
        bridge.view.put(key, bridge.decode_value(key, PyBytes_FromStringAndSize(<const char*>data, size)))
        status = BLOCKSTM_OK
    except BaseException as error:
        failed(bridge, error)
    return status


cdef int32_t bridge_remove(blockstm_view* view, blockstm_location location) noexcept with gil:
    cdef int32_t status = BLOCKSTM_STATE_ERROR
    bridge = bridge_of(view)
    try:
        bridge.view.delete(bridge.keys[location])
        status = BLOCKSTM_OK
    except BaseException as error:
        failed(bridge, error)
    return status


cdef int32_t bridge_add(blockstm_view* view, blockstm_location location,
                        const blockstm_number* delta) noexcept with gil:
    cdef int32_t status = BLOCKSTM_STATE_ERROR
    bridge = bridge_of(view)
    try:
        bridge.view.add(bridge.keys[location], bridge.delta_type(number_of(bridge, delta)))
        status = BLOCKSTM_OK
    except (TypeError, OutOfRange):
        status = BLOCKSTM_BAD_NUMBER
    except BaseException as error:
        failed(bridge, error)
    return status


cdef int32_t bridge_at_least(blockstm_view* view, blockstm_location location,
                             const blockstm_number* bound, int32_t* holds) noexcept with gil:
    cdef int32_t status = BLOCKSTM_STATE_ERROR
    bridge = bridge_of(view)
    try:
        holds[0] = bridge.view.at_least(bridge.keys[location], number_of(bridge, bound))
        status = BLOCKSTM_OK
    except TypeError:
        status = BLOCKSTM_BAD_NUMBER
    except BaseException as error:
        failed(bridge, error)
    return status


cdef int32_t bridge_try_add(blockstm_view* view, blockstm_location location,
                            const blockstm_number* delta, const blockstm_number* lower,
                            const blockstm_number* upper, int32_t* done) noexcept with gil:
    """The range of numbers bounds every sum."""
    cdef int32_t status = BLOCKSTM_STATE_ERROR
    bridge = bridge_of(view)
    signed = bridge.vm.numbers == BLOCKSTM_NUMBERS_I64
    try:
        low = -2 ** 63 if signed else 0
        high = 2 ** 63 - 1 if signed else 2 ** 256 - 1
        if lower != NULL:
            low = max(low, number_of(bridge, lower))
        if upper != NULL:
            high = min(high, number_of(bridge, upper))
        done[0] = bridge.view.try_add(bridge.keys[location], number_of(bridge, delta), low, high)
        status = BLOCKSTM_OK
    except TypeError:
        status = BLOCKSTM_BAD_NUMBER
    except BaseException as error:
        failed(bridge, error)
    return status


cdef int32_t bridge_charge(blockstm_view* view, uint64_t gas) noexcept with gil:
    cdef int32_t status = BLOCKSTM_STATE_ERROR
    bridge = bridge_of(view)
    try:
        bridge.view.charge(gas)
        status = BLOCKSTM_OK
    except BaseException as error:
        failed(bridge, error)
    return status


cdef int32_t bridge_output(blockstm_view* view, const uint8_t* data, uint64_t size) noexcept with gil:
    cdef int32_t status = BLOCKSTM_STATE_ERROR
    bridge = bridge_of(view)
    try:
        bridge.output = PyBytes_FromStringAndSize(<const char*>data, size)
        status = BLOCKSTM_OK
    except BaseException as error:
        failed(bridge, error)
    return status


cdef int32_t bridge_expect(blockstm_view* view, blockstm_location location, const uint8_t* data,
                           uint64_t size, int32_t* holds) noexcept with gil:
    cdef int32_t status = BLOCKSTM_STATE_ERROR
    bridge = bridge_of(view)
    try:
        key = bridge.keys[location]
        value = bridge.decode_value(key, PyBytes_FromStringAndSize(<const char*>data, size))
        holds[0] = bridge.view.expect(key, value)
        status = BLOCKSTM_OK
    except BaseException as error:
        failed(bridge, error)
    return status


cdef int32_t bridge_poll(blockstm_view* view) noexcept with gil:
    cdef int32_t status = BLOCKSTM_STATE_ERROR
    bridge = bridge_of(view)
    try:
        PyErr_CheckSignals()
        bridge.view.index  # raises where the view's run is over
        status = BLOCKSTM_OK
    except BaseException as error:
        failed(bridge, error)
    return status


cdef uint32_t bridge_state_flags(blockstm_view* base) noexcept nogil:
    return 0  # whatever answers is a Python object


cdef blockstm_view_api API
API.abi_version = BLOCKSTM_VM_ABI_VERSION
API.struct_size = sizeof(blockstm_view_api)
API.locate = bridge_locate
API.get = bridge_get
API.put = bridge_put
API.remove = bridge_remove
API.add = bridge_add
API.at_least = bridge_at_least
API.try_add = bridge_try_add
API.charge = bridge_charge
API.output = bridge_output
API.expect = bridge_expect
API.poll = bridge_poll
API.state_flags = bridge_state_flags


def run_on_view(block, int64_t index, view) -> object:
    """Run transaction ``index`` of a NativeBlock on a Python view; returns the outcome's value.

    Raises what the VM ended with (Revert, Invalid, another error) or what the view raised.
    Thread-safety: that of the view.
    """
    cdef Bridge bridge = Bridge(view, block)
    return bridge.finish(block, bridge.vm.execute(bridge.vm.context, bridge.c(), index))

