"""Opcodes of the embedder's own; see the ``.pxd``."""
from cpython.bool cimport PyBool_Check
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.pycapsule cimport PyCapsule_GetPointer, PyCapsule_IsValid
from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memcpy

from blockstm._native.base.integers cimport write_word
from blockstm._native.evm.added.callables cimport Callable, Raised, check_table, checked_gas

from blockstm.errors import ExceptionalHalt, InputError
from blockstm.messages import brief, kind_of

cdef object OFFSET_END = 1 << 64


cdef const blockstm_opcode* checked_table(object capsule) except NULL:
    cdef const blockstm_opcode* table = <const blockstm_opcode*>PyCapsule_GetPointer(
        capsule, BLOCKSTM_OPCODE_CAPSULE)
    check_table("an opcode", table.abi_version, table.struct_size, table.run != NULL,
                BLOCKSTM_OPCODE_ABI_VERSION, BLOCKSTM_OPCODE_ABI_VERSION, sizeof(blockstm_opcode))
    return table


def is_runnable(target) -> bool:
    """Whether this can be run as an opcode; InputError where it is a capsule with a table of another ABI."""
    if PyCapsule_IsValid(target, BLOCKSTM_OPCODE_CAPSULE):
        checked_table(target)
        return True
    return callable(target)


cdef class Memory:
    """The memory of the running frame, for as long as one opcode runs."""

    cdef blockstm_opcode_call* of  # NULL: the opcode has run

    cdef int check(self) except -1:
        if self.of == NULL:
            raise InputError("this memory was an opcode's that has run")
        return 0

    cdef uint8_t* at(self, offset, uint64_t size) except NULL:
        """Grown to hold ``size`` bytes from ``offset`` on, which has been charged."""
        cdef uint8_t* found
        if not isinstance(offset, int) or PyBool_Check(offset) or offset < 0:
            raise InputError(f"an offset in memory is an int of 0 or more, not {brief(offset)}")
        if offset >= OFFSET_END:
            self.of.gas = -1
            raise ExceptionalHalt("no gas lasts for memory that far")
        found = self.of.memory(self.of, offset, size)
        if found == NULL:
            raise ExceptionalHalt("the gas does not last for the memory")
        return found

    def read(self, offset, size):
        """The bytes there."""
        self.check()
        if not isinstance(size, int) or PyBool_Check(size) or size < 0:
            raise InputError(f"a size in memory is an int of 0 or more, not {brief(size)}")
        if size >= OFFSET_END:
            self.of.gas = -1
            raise ExceptionalHalt("no gas lasts for so much memory")
        return PyBytes_FromStringAndSize(<const char*>self.at(offset, size), size) if size else b""

    def write(self, offset, data):
        """Put bytes there."""
        self.check()
        if type(data) is not bytes:
            raise InputError(f"what an opcode writes to memory is bytes, not {kind_of(data)}")
        if data:
            memcpy(self.at(offset, PyBytes_GET_SIZE(data)), PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))


cdef class CallableOpcode(Callable):
    cdef int inputs

    cdef int32_t call(self, blockstm_opcode_call* call, Memory memory) except -1:
        """Raises what the callable raises, or what is wrong with what it gave."""
        cdef uint8_t little[32]
        cdef int place
        operands = tuple([int.from_bytes(PyBytes_FromStringAndSize(<const char*>call.operands + 32 * index, 32), "big")
                          for index in range(self.inputs)])
        given = self.target(operands, call.gas, memory)
        if not isinstance(given, tuple) or len(given) != 2:
            raise InputError(f"an opcode gives (word, gas used), not {brief(given)}")
        word, used = given
        checked_gas("an opcode", used)
        if PyBool_Check(word) or not write_word(word, little):
            raise InputError(f"an opcode's word is an int from 0 to 2**256-1, not {brief(word)}")
        for place in range(32):
            call.result[place] = little[31 - place]
        call.gas = call.gas - used if used <= call.gas else -1
        return BLOCKSTM_OPCODE_SUCCESS


cdef int32_t run_callable(void* context, blockstm_opcode_call* call) noexcept with gil:
    """`blockstm_opcode.run`."""
    cdef CallableOpcode of = <CallableOpcode>context
    cdef Memory memory = None
    cdef int32_t status = BLOCKSTM_OPCODE_RAISED
    try:
        memory = Memory()
        memory.of = call
        status = of.call(call, memory)
    except ExceptionalHalt:
        status = BLOCKSTM_OPCODE_HALTED
    except BaseException as error:
        call.error = of.keep(error, "an opcode halts by an ExceptionalHalt")
    if memory is not None:
        memory.of = NULL
    return status


cdef class Opcodes:
    """Those of one block. Filled before it runs; then its workers read it, and callables leave errors.

    Args:
        targets: number → (inputs, outputs, gas, what `is_runnable`).
        raised: where callables leave what they raise.
    """

    def __init__(self, targets, Raised raised not None):
        self.kept, self.raised = [], raised
        for number, (inputs, outputs, gas, target) in targets.items():
            self.add(number, inputs, outputs, gas, target)

    cdef int add(self, int number, int inputs, int outputs, int gas, target) except -1:
        cdef CallableOpcode wrapped
        cdef AddedOpcode* traits = &self.added.traits.opcodes[number]
        traits.is_there = True
        traits.inputs, traits.outputs, traits.gas = inputs, outputs, gas
        if PyCapsule_IsValid(target, BLOCKSTM_OPCODE_CAPSULE):
            self.added.run[number] = checked_table(target)[0]
            self.kept.append(target)
            return 0
        wrapped = CallableOpcode()
        wrapped.target, wrapped.inputs, wrapped.raised = target, inputs, self.raised
        self.kept.append(wrapped)
        self.added.run[number].context, self.added.run[number].run = <void*>wrapped, run_callable
        return 0
