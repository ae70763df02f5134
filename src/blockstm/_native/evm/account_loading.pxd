"""Accounts as Python has them, put into a table location by location."""
from blockstm._native.table cimport Table

cdef int load_account(Table* table, object address, object account) except -1
