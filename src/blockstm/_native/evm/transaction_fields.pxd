"""Python's transactions in the native struct, which points into what is kept of them."""
from libc.stdint cimport uint64_t

from blockstm._native.evm.fields cimport Kept
from blockstm._native.wire.transaction cimport Transaction


# What a transaction and a message that nobody signed have in common; ``authorities``: who signed each of its
# authorizations, or None.
cdef int set_message(Transaction* target, Kept kept, message, sender, authorities) except -1
# All of a transaction. Its members are those of `blockstm.ethereum.transaction.Transaction`.
cdef int set_signed(Transaction* target, Kept kept, transaction, sender, authorities) except -1
cdef int set_access_list(Transaction* target, Kept kept, entries) except -1
cdef int set_blob_hashes(Transaction* target, Kept kept, hashes) except -1
# A call that names no more than sender, receiver, value, data and gas; 0: it names more, is none of a class, or may be
# wrong.
cdef int set_plain_call(Transaction* target, Kept kept, message, kind, uint64_t gas_cap) except -1
