// What each fork charges (Yellow Paper, appendix G, and the EIPs since). The tables themselves, each the
// previous fork's copied and changed, stand in gas.cpp. Constant data; any thread may read it.
#pragma once

#include <cstdint>

#include "evm/forks/forks.hpp"

namespace blockstm::evm {

// How SSTORE counts.
enum class StoreRule : uint8_t {
    Plain,      // by the present value and the new one
    NetMetered, // by the value at the start of the transaction, too (EIP-1283, EIP-2200)
    StateMetered  // ... and what the state grows by is charged for apart (EIP-8037)
};

struct GasTable {
    // What an opcode costs whatever its operands are. Of opcodes that touch an account or a slot: the
    // price where it is warm (EIP-2929).
    uint16_t base[256];

    // Added where an account or a slot is touched for the first time; 0 before Berlin.
    int64_t cold_account;  // to the warm price
    int64_t cold_slot;     // to the warm price of SLOAD
    int64_t cold_store;    // of SSTORE, to whatever else it costs
    int64_t warm_access;
    int64_t cold_beneficiary;  // of SELFDESTRUCT, which has no warm price

    int64_t exp_byte;  // of the exponent
    int64_t memory_word;
    int64_t copy_word;
    int64_t keccak_word;
    int64_t log_byte;

    StoreRule store_rule;
    int64_t store_left_min;  // SSTORE fails with this much gas or less (EIP-2200)
    int64_t store_set;       // zero becomes something
    int64_t store_reset;     // something becomes anything else
    int64_t store_again;     // the slot was changed in this transaction already, or does not change
    int64_t store_clear_refund;

    int64_t call_value;
    int64_t call_stipend;
    int64_t new_account;      // by a call
    int64_t new_beneficiary;  // by a SELFDESTRUCT; 0: that costs nothing
    bool keeps_64th;            // of the gas left, at calls and creations (EIP-150)
    bool new_only_with_value;   // accounts are new where value revives dead ones (EIP-161); before, always
    int64_t selfdestruct_refund;
    bool meters_state;  // EIP-8037: what makes the state grow costs by the byte, see state_gas.hpp

    int64_t initcode_word;       // EIP-3860
    uint64_t initcode_size_max;
    int64_t create2_word;
};

extern const GasTable GAS_TABLES[FORK_COUNT];

inline const GasTable& gas_table(Fork fork) noexcept { return GAS_TABLES[static_cast<int>(fork)]; }

}  // namespace blockstm::evm
