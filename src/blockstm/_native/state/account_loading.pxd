"""Accounts as Python has them, put into a table location by location."""
from blockstm._native.base.table cimport Table

# A trusted account is known to have been checked when it was made: its code has its hash.
cdef int load_account(Table* table, object address, object account, bint is_trusted) except -1
