"""Python's transactions in the native struct, which points into what is kept of them."""
from blockstm._native.evm.fields cimport Kept
from blockstm._native.wire.transaction cimport Transaction


# What a transaction and a message that nobody signed have in common; ``authorities``: who signed each of its
# authorizations, or None.
cdef int set_message(Transaction* target, Kept kept, message, sender, authorities) except -1
# All of a transaction. Its members are those of `blockstm.ethereum.transaction.Transaction`.
cdef int set_signed(Transaction* target, Kept kept, transaction, sender, authorities) except -1
cdef int set_access_list(Transaction* target, Kept kept, entries) except -1
cdef int set_blob_hashes(Transaction* target, Kept kept, hashes) except -1
