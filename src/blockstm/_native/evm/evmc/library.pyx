"""EVMs from shared libraries, by EVMC; see the ``.pxd``."""
from cpython.bytes cimport PyBytes_AS_STRING
from libc.stdint cimport uint64_t, uintptr_t


cdef class EvmcLibrary:
    """The instances of an EVM in a shared library, which stays loaded.

    Thread-safety: immutable after construction; blocks on all threads take their instances from it.

    Args:
        create: the address of the library's function that gives an instance.
        options: pairs of a name and a value as bytes, for each instance.
    """

    def __cinit__(self, uintptr_t create, options):
        cdef EvmcOption option
        self.kept = [(bytes(name), bytes(value)) for name, value in options]
        self.instances = new EvmcInstances(<EvmcCreate>create)
        for name, value in self.kept:
            option.name, option.value = PyBytes_AS_STRING(name), PyBytes_AS_STRING(value)
            if not self.instances.add_option(option):
                raise MemoryError
        self.name = self.version = ""

    def open(self) -> tuple[int, int]:
        """Make the first instance, and read what it says of itself: what is wrong (0: nothing; an EvmcFault of
        instances.hpp), and the place of the option that it refuses, if that is it."""
        cdef EvmcFault fault = <EvmcFault>0
        cdef evmc_vm* vm = self.instances.take(fault)
        if vm == NULL:
            return <uint64_t>fault, self.instances.refused_option()
        self.name = (<bytes>vm.name).decode("utf-8", "replace")
        self.version = (<bytes>vm.version).decode("utf-8", "replace")
        self.capabilities = EvmcInstances.capabilities_of(vm)
        self.instances.give_back(vm)
        return 0, 0

    def __dealloc__(self):
        del self.instances
