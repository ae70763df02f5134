"""Steps by a chain's own rules."""
from blockstm._native.evm.added.rule_functions cimport OwnStep, RuleFunctions
from blockstm._native.evm.fields cimport Kept
from blockstm._native.evm.forks.tables cimport Fork
from blockstm._native.evm.prepared cimport Step


# A transaction of a type of the chain's own: who sent it is no question of a signature.
cdef int set_own(Step* step, Kept kept, transaction, sender, bint is_prepaid, Fork fork) except -1
# Has a step, if it pays for gas, pay the chain's own fees, too, if there are any; ``own`` is room for that.
cdef int charge(Step* step, OwnStep* own, transaction, RuleFunctions rules) except -1
# What a chain's own rules do around the transactions; NULL for nothing. Each is a function, or a call's (sender,
# target, input, gas, whether it must succeed).
cdef OwnStep* own_calls(calls, RuleFunctions rules, Kept kept) except? NULL
