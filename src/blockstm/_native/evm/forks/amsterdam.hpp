// What Amsterdam charges and allows, all in one place, as of Glamsterdam's devnet 8. The next devnet is a change
// of this table and of its counterpart for the rules that need no state, `blockstm/ethereum/amsterdam.py`; a test holds
// the two together. Constants; any thread may read them.
#pragma once

#include <cstdint>

namespace blockstm::evm::amsterdam_gas {

// State gas: what makes the state grow costs by the byte (EIP-8037).
inline constexpr int64_t STATE_BYTE = 1530;
inline constexpr int64_t NEW_ACCOUNT = 120 * STATE_BYTE;
inline constexpr int64_t NEW_SLOT = 64 * STATE_BYTE;
inline constexpr int64_t NEW_DELEGATION = 23 * STATE_BYTE;
inline constexpr int64_t SYSTEM_CALL_RESERVOIR = 16 * NEW_SLOT;

// Access to the state (EIP-8038).
inline constexpr int64_t WARM_ACCESS = 100;
inline constexpr int64_t COLD_ACCOUNT_ACCESS = 3000;
inline constexpr int64_t COLD_STORAGE_ACCESS = 2100;
inline constexpr int64_t ACCOUNT_WRITE = 9000;
inline constexpr int64_t STORAGE_WRITE = 10000;
inline constexpr int64_t STORAGE_CLEAR_REFUND = (STORAGE_WRITE + COLD_STORAGE_ACCESS) * 4800 / 5000;
inline constexpr int64_t CALL_STIPEND = 2300;
inline constexpr int64_t CALL_VALUE = ACCOUNT_WRITE + CALL_STIPEND;
inline constexpr int64_t CREATE_ACCESS = ACCOUNT_WRITE + COLD_ACCOUNT_ACCESS;
inline constexpr int64_t CODE_HASH_WORD = 6;

// A transaction before its first frame (EIP-2780, 7976, 7981).
inline constexpr uint64_t TRANSACTION = 12000;
inline constexpr uint64_t TRANSACTION_VALUE = 6000;
inline constexpr uint64_t TRANSACTION_RECIPIENT = COLD_ACCOUNT_ACCESS;
inline constexpr uint64_t TRANSACTION_CREATION = CREATE_ACCESS;
inline constexpr uint64_t AUTHORIZATION = 101 * 16 + 2 * COLD_ACCOUNT_ACCESS + 2 * WARM_ACCESS;
inline constexpr uint64_t LISTED_ADDRESS = 2900;
inline constexpr uint64_t LISTED_SLOT = 2000;
inline constexpr uint64_t FLOOR_BYTE = 64;

// Sizes of code (EIP-7954).
inline constexpr uint64_t CODE_SIZE_MAX = 65536;

}  // namespace blockstm::evm::amsterdam_gas
