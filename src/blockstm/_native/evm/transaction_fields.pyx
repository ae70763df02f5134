"""Python's transactions in the native struct; see the ``.pxd``."""
from cpython.bytes cimport PyBytes_AS_STRING
from libc.stdint cimport uint64_t
from libc.string cimport memcpy

from blockstm._native.base.bytes cimport Address, Hash32
from blockstm._native.base.u256.u256 cimport u256
from blockstm._native.evm.fields cimport Kept, copy_bytes, short, word
from blockstm._native.wire.transaction cimport AccessEntry, Authorization, Transaction, TransactionType

from blockstm.errors import InputError
from blockstm.messages import brief

cdef object HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0  # of secp256k1


cdef int kind_of(transaction) except -1:
    """The type of what should be a transaction."""
    kind = getattr(transaction, "type", transaction)
    if not isinstance(kind, int) or kind is transaction:
        raise InputError(f"a transaction has the members of blockstm.ethereum.Transaction, unlike {brief(transaction)}")
    if not 0 <= kind <= 4:
        raise InputError(f"a transaction's type is 0 to 4, not {brief(kind)}")
    return kind


def is_access_entry(entry) -> bool:
    """Whether this is a pair of an address and slots, of which the slots are looked at later."""
    return isinstance(entry, (tuple, list)) and len(entry) == 2 and isinstance(entry[1], (tuple, list))


cdef int set_access_list(Transaction* target, Kept kept, entries) except -1:
    cdef AccessEntry* room
    cdef u256* slots
    cdef size_t place, slot
    if not isinstance(entries, (tuple, list)) or not all(map(is_access_entry, entries)):
        raise InputError(f"an access list is pairs of an address and slots, not {brief(entries)}")
    room = <AccessEntry*>kept.array(len(entries), sizeof(AccessEntry))
    for place, (address, keys) in enumerate(entries):
        copy_bytes(&room[place].address, address, 20, "an address in an access list")
        slots = <u256*>kept.array(len(keys), sizeof(u256))
        for slot, key in enumerate(keys):
            slots[slot] = word(key, "a slot in an access list")
        room[place].slots, room[place].slot_count = slots, len(keys)
    target.access_list, target.access_count = room, len(entries)
    return 0


cdef int set_blob_hashes(Transaction* target, Kept kept, hashes) except -1:
    cdef Hash32* room
    cdef size_t place
    if not isinstance(hashes, (tuple, list)):
        raise InputError(f"a transaction's blob hashes are a tuple, not {brief(hashes)}")
    room = <Hash32*>kept.array(len(hashes), sizeof(Hash32))
    for place, each in enumerate(hashes):
        copy_bytes(&room[place], each, 32, "a blob hash")
    target.blob_hashes, target.blob_count = room, len(hashes)
    return 0


cdef int set_authorizations(Transaction* target, Kept kept, authorizations, authorities) except -1:
    cdef Authorization* room
    cdef size_t place
    for listed in (authorizations, authorities):
        if not isinstance(listed, (tuple, list)):
            raise InputError(f"authorizations and authorities are tuples, not {brief(listed)}")
    if len(authorities) != len(authorizations):
        raise InputError("there is one authority, or None, to each authorization")
    room = <Authorization*>kept.array(len(authorizations), sizeof(Authorization))
    for place, (each, authority) in enumerate(zip(authorizations, authorities)):
        room[place].chain_id = word(each.chain_id, "a chain id")
        room[place].nonce = short(each.nonce, "a nonce")
        copy_bytes(&room[place].address, each.address, 20, "an address in an authorization")
        room[place].is_signed = authority is not None
        if authority is not None:
            copy_bytes(&room[place].authority, authority, 20, "an authority")
    target.authorizations, target.authorization_count = room, len(authorizations)
    return 0


cdef int set_signature(Transaction* target, transaction) except -1:
    chain_id = getattr(transaction, "chain_id", None)
    target.names_chain = chain_id is not None
    if target.names_chain:
        target.chain_id = word(chain_id, "a chain id")
    s = getattr(transaction, "s", 0)
    word(s, "a signature's s")
    target.has_high_s = s > HALF_ORDER
    return 0


cdef int set_fees(Transaction* target, transaction, int kind) except -1:
    if kind <= 1:
        target.max_fee_per_gas = word(transaction.gas_price, "a gas price")
        target.max_priority_fee_per_gas = target.max_fee_per_gas
        return 0
    target.max_fee_per_gas = word(transaction.max_fee_per_gas, "a max fee")
    target.max_priority_fee_per_gas = word(transaction.max_priority_fee_per_gas, "a priority fee")
    if kind == 3:
        target.max_fee_per_blob_gas = word(transaction.max_fee_per_blob_gas, "a max blob fee")
    return 0


cdef int set_message(Transaction* target, Kept kept, message, sender, authorities) except -1:
    cdef int kind = kind_of(message)
    target.type = <TransactionType>kind
    copy_bytes(&target.sender, sender, 20, "a sender")
    target.creates = message.to is None
    if not target.creates:
        copy_bytes(&target.to, message.to, 20, "a receiver")
    target.value = word(message.value, "a value")
    set_fees(target, message, kind)
    target.data = kept.span(message.data)
    if message.access_list:
        set_access_list(target, kept, message.access_list)
    if message.blob_hashes:
        set_blob_hashes(target, kept, message.blob_hashes)
    if message.authorizations:
        set_authorizations(target, kept, message.authorizations, authorities)
    return 0


cdef int set_signed(Transaction* target, Kept kept, transaction, sender, authorities) except -1:
    set_message(target, kept, transaction, sender, authorities)
    target.nonce = short(transaction.nonce, "a nonce")
    target.gas_limit = short(transaction.gas, "a gas limit")
    return set_signature(target, transaction)


cdef object WORD_END = 1 << 256, SHORT_END = 1 << 64


cdef int set_plain_call(Transaction* target, Kept kept, message, kind, uint64_t gas_cap) except -1:
    if type(message) is not kind:
        return 0
    sender, to, data, value, gas = message.sender, message.to, message.data, message.value, message.gas
    if type(sender) is not bytes or len(<bytes>sender) != sizeof(Address) or type(data) is not bytes:
        return 0
    if to is not None and (type(to) is not bytes or len(<bytes>to) != sizeof(Address)):
        return 0
    if type(value) is not int or not 0 <= value < WORD_END:
        return 0
    if gas is not None and (type(gas) is not int or not 0 <= gas < SHORT_END):
        return 0
    if names_more(message):
        return 0
    memcpy(&target.sender, PyBytes_AS_STRING(sender), sizeof(Address))
    target.creates = to is None
    if to is not None:
        memcpy(&target.to, PyBytes_AS_STRING(to), sizeof(Address))
    target.value = word(value, "a value")
    target.data = kept.span(data)
    target.gas_limit = gas_cap if gas is None else min(<uint64_t>gas, gas_cap)
    return 1


cdef bint names_more(message):
    """Whether a message names more than sender, receiver, value, data and gas."""
    if message.nonce is not None or message.gas_price is not None or message.access_list != ():
        return True
    if message.blob_hashes is not None or message.authorizations is not None:
        return True
    return not (
        is_zero(message.max_fee_per_gas) and is_zero(message.max_priority_fee_per_gas)
        and is_zero(message.max_fee_per_blob_gas)
    )


cdef inline bint is_zero(number):
    return type(number) is int and not number
