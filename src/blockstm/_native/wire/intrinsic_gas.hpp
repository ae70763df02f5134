// What a transaction costs before it runs, for what it is and holds, and what its blobs cost, before Amsterdam
// (Yellow Paper, appendix G): the one table of all that check it or charge it, in Python too. Amsterdam's figures
// stand in `evm/forks/amsterdam.hpp`.
#pragma once

#include <cstdint>

namespace blockstm::intrinsic_gas_table {

inline constexpr uint64_t TRANSACTION = 21000;
inline constexpr uint64_t CREATION = 32000;             // from Homestead on (EIP-2)
inline constexpr uint64_t ZERO_BYTE = 4;
inline constexpr uint64_t OTHER_BYTE = 16;              // from Istanbul on (EIP-2028) ...
inline constexpr uint64_t OTHER_BYTE_AT_FIRST = 68;     // ... and before
inline constexpr uint64_t INITCODE_WORD = 2;            // from Shanghai on (EIP-3860)
inline constexpr uint64_t LISTED_ADDRESS = 2400;        // EIP-2930
inline constexpr uint64_t LISTED_SLOT = 1900;
inline constexpr uint64_t AUTHORIZATION = 25000;        // EIP-7702
inline constexpr uint64_t FLOOR_TOKEN = 10;             // from Prague on (EIP-7623); a zero byte is a token ...
inline constexpr uint64_t TOKENS_OF_OTHER_BYTE = 4;     // ... and any other byte so many
inline constexpr uint64_t BLOB = uint64_t{1} << 17;     // blob gas (EIP-4844)
inline constexpr uint64_t GAS_CAP = uint64_t{1} << 24;  // of a transaction, from Osaka on (EIP-7825)

}  // namespace blockstm::intrinsic_gas_table
