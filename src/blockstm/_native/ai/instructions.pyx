# distutils: sources = src/blockstm/_native/ai/constants.cpp src/blockstm/_native/ai/elementwise_avx2.cpp src/blockstm/_native/ai/elementwise_avx512.cpp src/blockstm/_native/ai/elementwise_plain.cpp src/blockstm/_native/ai/functions.cpp src/blockstm/_native/ai/kernels.cpp src/blockstm/_native/ai/layout.cpp src/blockstm/_native/ai/machine.cpp src/blockstm/_native/ai/operations.cpp src/blockstm/_native/ai/pools.cpp src/blockstm/_native/ai/product_avx2.cpp src/blockstm/_native/ai/product_plain.cpp src/blockstm/_native/ai/product_vnni.cpp src/blockstm/_native/ai/products.cpp src/blockstm/_native/ai/shapes.cpp
"""The integer instructions as precompiles of the EVM, and called by themselves; see ``machine.hpp``."""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.pycapsule cimport PyCapsule_New
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy
from libcpp cimport bool as cbool

from blockstm._native.base.precompile_table cimport (
    BLOCKSTM_PRECOMPILE_ABI_VERSION,
    BLOCKSTM_PRECOMPILE_CAPSULE,
    BLOCKSTM_PRECOMPILE_FAILED,
    BLOCKSTM_PRECOMPILE_NO_MEMORY,
    BLOCKSTM_PRECOMPILE_SUCCESS,
    blockstm_precompile,
    blockstm_precompile_call,
    blockstm_precompile_code,
)

from blockstm.messages import brief

cdef extern from "base/bytes.hpp" namespace "blockstm" nogil:
    cdef cppclass Bytes:
        const uint8_t* data()
        uint64_t size()
        cbool append(const uint8_t* data, uint64_t size)

cdef extern from "ai/kernels.hpp" namespace "blockstm::ai" nogil:
    cdef enum class Kernel(uint8_t):
        Plain
        Avx2
        Vnni

    cbool has_kernel(Kernel kernel)
    Kernel best_kernel()

cdef extern from "ai/machine.hpp" namespace "blockstm::ai" nogil:
    cdef struct Callee:
        uint8_t opcode
        Kernel kernel
        uint8_t version

    int32_t run_call "blockstm::ai::run"(void* callee, blockstm_precompile_call* call) noexcept

cdef enum:
    OPCODE_COUNT = 32
    KERNEL_COUNT = 3
    VERSION_COUNT = 2

KERNELS = ("plain", "avx2", "vnni")

# What capsules lead to: as long as the process, for blocks that outlive their capsules.
cdef Callee callees[VERSION_COUNT][KERNEL_COUNT][OPCODE_COUNT]
cdef blockstm_precompile tables[VERSION_COUNT][KERNEL_COUNT][OPCODE_COUNT]


cdef void fill_tables() noexcept:
    cdef int version, kernel, opcode
    for version in range(VERSION_COUNT):
        for kernel in range(KERNEL_COUNT):
            for opcode in range(OPCODE_COUNT):
                callees[version][kernel][opcode] = Callee(
                    <uint8_t>opcode, <Kernel><uint8_t>kernel, <uint8_t>(version + 1))
                tables[version][kernel][opcode] = blockstm_precompile(
                    BLOCKSTM_PRECOMPILE_ABI_VERSION, sizeof(blockstm_precompile), &callees[version][kernel][opcode],
                    run_call)

fill_tables()


def kernels() -> tuple[str, ...]:
    """Those that this processor can run, the fastest last."""
    return tuple([name for number, name in enumerate(KERNELS) if has_kernel(<Kernel><uint8_t>number)])


cdef int number_of(str kernel) except -1:
    if kernel is None:
        return <int>best_kernel()
    if kernel not in kernels():
        raise ValueError(f"this processor has the kernels {', '.join(kernels())}, not {brief(kernel)}")
    return KERNELS.index(kernel)


cdef int place_of(uint8_t opcode) except -1:
    if opcode >= OPCODE_COUNT:
        raise ValueError(f"an opcode is less than {OPCODE_COUNT}, not {opcode}")
    return opcode


cdef int place_of_version(int version) except -1:
    if not 1 <= version <= VERSION_COUNT:
        raise ValueError(f"the instruction set has the versions 1 to {<int>VERSION_COUNT}, not {version}")
    return version - 1


def capsule(uint8_t opcode, str kernel=None, int version=VERSION_COUNT):
    """A precompile (``blockstm/precompile.h``) of an instruction, by the fastest kernel or by this one.

    Raises:
        ValueError: there can be no such opcode, or no such kernel or version.
    """
    cdef blockstm_precompile* table = &tables[place_of_version(version)][number_of(kernel)][place_of(opcode)]
    return PyCapsule_New(table, BLOCKSTM_PRECOMPILE_CAPSULE, NULL)


cdef struct Call:
    blockstm_precompile_call of  # first, so that a pointer to one is one to the other
    Bytes* output
    void* codes


cdef int32_t write_output(blockstm_precompile_call* call, const uint8_t* data, uint64_t size) noexcept nogil:
    cdef Bytes* output = (<Call*>call).output
    return BLOCKSTM_PRECOMPILE_SUCCESS if output.append(data, size) else BLOCKSTM_PRECOMPILE_NO_MEMORY


cdef int32_t find_code(
    blockstm_precompile_call* call, const uint8_t* address, blockstm_precompile_code* code
) noexcept with gil:
    """By the caller's mapping, which keeps the bytes for as long as the call."""
    cdef bytes data, digest
    try:
        data, digest = (<dict>(<Call*>call).codes)[PyBytes_FromStringAndSize(<const char*>address, 20)]
    except (KeyError, TypeError):  # none, or something else than bytes
        return BLOCKSTM_PRECOMPILE_FAILED
    except MemoryError:
        return BLOCKSTM_PRECOMPILE_NO_MEMORY
    code.data, code.size = <const uint8_t*>PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data)
    memcpy(code.hash, PyBytes_AS_STRING(digest), 32)
    return BLOCKSTM_PRECOMPILE_SUCCESS


def call(uint8_t opcode, bytes data, dict codes, int64_t gas, str kernel=None, int version=VERSION_COUNT):
    """What an instruction gives by itself, and its gas; None where the call fails. Works without the GIL.

    Args:
        codes: address → a code and its hash. Reading one costs nothing here.

    Raises:
        ValueError: there can be no such opcode, or no such kernel or version.
        MemoryError: there is none for the operands.
    """
    cdef Bytes output
    cdef Call made
    cdef int32_t status
    cdef void* callee = &callees[place_of_version(version)][number_of(kernel)][place_of(opcode)]
    made.of.input, made.of.size = <const uint8_t*>PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data)
    made.of.gas, made.of.gas_used = gas, 0
    made.of.write, made.of.code = write_output, find_code
    made.output, made.codes = &output, <void*>codes
    with nogil:
        status = run_call(callee, &made.of)
    if status == BLOCKSTM_PRECOMPILE_NO_MEMORY:
        raise MemoryError
    if status != BLOCKSTM_PRECOMPILE_SUCCESS:
        return None
    return PyBytes_FromStringAndSize(<const char*>output.data(), output.size()), made.of.gas_used
