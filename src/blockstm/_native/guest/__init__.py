"""This EVM as one in a shared library, by EVMC. Compiled apart: see `blockstm.vm.evmc.build`."""
