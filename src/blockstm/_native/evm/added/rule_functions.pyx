"""Functions of a chain's own rules; see the ``.pxd``."""
from cpython.bool cimport PyBool_Check
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memcpy

from blockstm._native.base.integers cimport read_word, write_word

from blockstm.errors import InputError
from blockstm.messages import brief

FEES_MAX = OWN_FEES_MAX


class RunOver(BaseException):
    """The run of which a function is a part does not count any more: what it returns is ignored."""


cdef Address address_of(value) except *:
    cdef Address address
    if type(value) is not bytes or PyBytes_GET_SIZE(value) != sizeof(Address):
        raise InputError(f"an address is 20 bytes, not {brief(value)}")
    memcpy(&address, PyBytes_AS_STRING(value), sizeof(Address))
    return address


cdef u256 word_of(value, str what) except *:
    cdef u256 word
    if PyBool_Check(value) or not write_word(value, <uint8_t*>word.limb):
        raise InputError(f"{what} is an int from 0 to 2**256-1, not {brief(value)}")
    return word


cdef object number_of(const u256& word):
    return read_word(<const uint8_t*>word.limb, 32, True)


cdef class RuleView:
    """The state as a function of a chain's own rules sees it, for as long as the function runs.

    What it reads is what the transactions before it left, in their order; what it writes, those after it see. Of one
    thread: the function's.
    """

    cdef OwnCall* call(self) except NULL:
        if self.of == NULL:
            raise InputError("this view was a function's that has returned")
        return self.of

    cdef OwnCall* writing(self) except NULL:
        cdef OwnCall* call = self.call()
        if not call.may_write:
            raise InputError("a fee's function only reads: what a transaction pays is what it returns")
        return call

    @property
    def number(self) -> int:
        """Of the block."""
        return self.call().number

    @property
    def timestamp(self) -> int:
        """Of the block, in s since 1970."""
        return self.call().timestamp

    def balance(self, address) -> int:
        """Of an account, in wei."""
        cdef OwnCall* call = self.call()
        cdef Address at = address_of(address)
        cdef u256 value
        if not call.access.balance(call[0], at, value):
            raise RunOver
        return number_of(value)

    def nonce(self, address) -> int:
        """Of an account."""
        cdef OwnCall* call = self.call()
        cdef Address at = address_of(address)
        cdef uint64_t value = 0
        if not call.access.nonce(call[0], at, value):
            raise RunOver
        return value

    def code(self, address) -> bytes:
        """Of an account; empty where it has none."""
        cdef OwnCall* call = self.call()
        cdef Address at = address_of(address)
        cdef Span value
        if not call.access.code(call[0], at, value):
            raise RunOver
        return PyBytes_FromStringAndSize(<const char*>value.data, value.size)

    def storage(self, address, slot) -> int:
        """The value of an account's slot."""
        cdef OwnCall* call = self.call()
        cdef Address at = address_of(address)
        cdef u256 key = word_of(slot, "a slot"), value
        if not call.access.load(call[0], at, key, value):
            raise RunOver
        return number_of(value)

    def credit(self, address, amount) -> None:
        """Add to a balance, in wei. That conflicts with nobody who does the same."""
        cdef OwnCall* call = self.writing()
        cdef Address at = address_of(address)
        cdef u256 wei = word_of(amount, "an amount")
        if not call.access.credit(call[0], at, wei):
            raise RunOver

    def debit(self, address, amount) -> bool:
        """Take from a balance, in wei; False, and nothing is taken, where it is less."""
        cdef OwnCall* call = self.writing()
        cdef Address at = address_of(address)
        cdef u256 wei = word_of(amount, "an amount")
        cdef bool can_pay = False
        if not call.access.debit(call[0], at, wei, can_pay):
            raise RunOver
        return can_pay

    def set_nonce(self, address, nonce) -> None:
        """Put an account's nonce."""
        cdef OwnCall* call = self.writing()
        cdef Address at = address_of(address)
        cdef u256 value = word_of(nonce, "a nonce")
        if value.limb[1] or value.limb[2] or value.limb[3]:
            raise InputError(f"a nonce is an int from 0 to 2**64-1, not {brief(nonce)}")
        if not call.access.set_nonce(call[0], at, value.limb[0]):
            raise RunOver

    def set_code(self, address, code) -> None:
        """Put an account's code."""
        cdef OwnCall* call = self.writing()
        cdef Address at = address_of(address)
        cdef Span span
        if type(code) is not bytes:
            raise InputError(f"a code is bytes, not {brief(code)}")
        span.data, span.size = <const uint8_t*>PyBytes_AS_STRING(code), PyBytes_GET_SIZE(code)
        if not call.access.set_code(call[0], at, span):
            raise RunOver

    def set_storage(self, address, slot, value) -> None:
        """Put the value of an account's slot."""
        cdef OwnCall* call = self.writing()
        cdef Address at = address_of(address)
        cdef u256 key = word_of(slot, "a slot"), word = word_of(value, "a slot's value")
        if not call.access.store(call[0], at, key, word):
            raise RunOver


cdef class RuleFunction(Callable):
    cdef int run(self, OwnCall* call, RuleView view, list transactions) except -1:
        """Raises what the function raises, or what is wrong with what it gave."""
        if call.may_write:
            self.target(view)
            return 0
        if call.is_refund:
            self.give_back(call, view, transactions)
            return 0
        given = self.target(transactions[call.transaction], view)
        call.amount = word_of(given, "what a fee's function gives, in wei,")
        return 0

    cdef int give_back(self, OwnCall* call, RuleView view, list transactions) except -1:
        paid = number_of(call.amount)
        given = self.target(transactions[call.transaction], view, call.gas_used)
        cdef u256 back = word_of(given, "what a fee's refund gives, in wei,")
        if number_of(back) > paid:
            raise InputError(f"of a fee of {paid} wei no {brief(given)} come back")
        call.amount = back
        return 0


cdef class RuleFunctions:
    """Those of one block. Filled before it runs; then its workers call them, and leave errors.

    Args:
        fees: of (recipient, function of a transaction and a `RuleView`, None or a function of these and the gas used).
        base_fee_recipient: who gets the base fee; None: it is burnt.
        contracts_may_send: whether EIP-3607 does not hold.
        raised: where functions leave what they raise.
    """

    def __init__(self, fees, base_fee_recipient, bint contracts_may_send, Raised raised not None):
        cdef OwnFee* fee
        self.functions, self.transactions, self.raised = [], [], raised
        self.rules.functions.context = <void*>self
        self.rules.functions.run = run_function
        self.rules.fee_count = 0
        self.rules.contracts_may_send = contracts_may_send
        self.rules.keeps_base_fee = base_fee_recipient is not None
        if base_fee_recipient is not None:
            self.rules.base_fee_recipient = address_of(base_fee_recipient)
        for recipient, function, refund in fees:
            if self.rules.fee_count == OWN_FEES_MAX:
                raise InputError(f"there are up to {OWN_FEES_MAX} fees, not more")
            fee = &self.rules.fees[self.rules.fee_count]
            fee.recipient, fee.function = address_of(recipient), self.place_of(function)
            fee.has_refund = refund is not None
            fee.refund = self.place_of(refund) if fee.has_refund else 0
            self.rules.fee_count += 1

    cdef bint charges(self):
        """Whether transactions that pay for gas pay anything by these rules."""
        return self.rules.fee_count != 0 or self.rules.keeps_base_fee

    cdef uint64_t place_of(self, target) except? 0:
        """Where a function is kept from here on."""
        cdef RuleFunction function = RuleFunction()
        function.target, function.raised = target, self.raised
        self.functions.append(function)
        return <uint64_t>len(self.functions) - 1

    cdef uint64_t tell_of(self, transaction) except? 0:
        """The place at which functions are told of a transaction."""
        self.transactions.append(transaction)
        return <uint64_t>len(self.transactions) - 1


cdef OwnStatus run_function(void* context, uint64_t place, OwnCall& call) noexcept with gil:
    """`OwnFunctions.run`."""
    cdef RuleFunctions of = <RuleFunctions>context
    cdef RuleFunction function = <RuleFunction>of.functions[place]
    cdef RuleView view = None
    cdef OwnStatus status = OwnStatus.Raised
    try:
        view = RuleView()
        view.of = &call
        function.run(&call, view, of.transactions)
        status = OwnStatus.Done
    except RunOver:
        pass
    except BaseException as error:
        call.error = function.keep(error, "a function of a chain's own rules raises an error of its own")
    if view is not None:
        view.of = NULL
    return status
