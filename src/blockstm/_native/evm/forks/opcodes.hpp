// The opcodes of the EVM (Yellow Paper, appendix H.2, and the EIPs since): value, mnemonic, words taken
// from the stack, words put there, and the fork that brought it. What they cost is in gas.cpp, what
// they do in instructions/.
#pragma once

#include <cstdint>

#include "evm/forks/forks.hpp"

namespace blockstm::evm {

// clang-format off
// All but those that only move words around on the stack.
#define BLOCKSTM_OPCODES_OF_WORK(OPCODE) \
    OPCODE(0x00, STOP,           0, 0, Frontier) \
    OPCODE(0x01, ADD,            2, 1, Frontier) \
    OPCODE(0x02, MUL,            2, 1, Frontier) \
    OPCODE(0x03, SUB,            2, 1, Frontier) \
    OPCODE(0x04, DIV,            2, 1, Frontier) \
    OPCODE(0x05, SDIV,           2, 1, Frontier) \
    OPCODE(0x06, MOD,            2, 1, Frontier) \
    OPCODE(0x07, SMOD,           2, 1, Frontier) \
    OPCODE(0x08, ADDMOD,         3, 1, Frontier) \
    OPCODE(0x09, MULMOD,         3, 1, Frontier) \
    OPCODE(0x0a, EXP,            2, 1, Frontier) \
    OPCODE(0x0b, SIGNEXTEND,     2, 1, Frontier) \
    OPCODE(0x10, LT,             2, 1, Frontier) \
    OPCODE(0x11, GT,             2, 1, Frontier) \
    OPCODE(0x12, SLT,            2, 1, Frontier) \
    OPCODE(0x13, SGT,            2, 1, Frontier) \
    OPCODE(0x14, EQ,             2, 1, Frontier) \
    OPCODE(0x15, ISZERO,         1, 1, Frontier) \
    OPCODE(0x16, AND,            2, 1, Frontier) \
    OPCODE(0x17, OR,             2, 1, Frontier) \
    OPCODE(0x18, XOR,            2, 1, Frontier) \
    OPCODE(0x19, NOT,            1, 1, Frontier) \
    OPCODE(0x1a, BYTE,           2, 1, Frontier) \
    OPCODE(0x1b, SHL,            2, 1, Constantinople) /* EIP-145 */ \
    OPCODE(0x1c, SHR,            2, 1, Constantinople) \
    OPCODE(0x1d, SAR,            2, 1, Constantinople) \
    OPCODE(0x1e, CLZ,            1, 1, Osaka)          /* EIP-7939 */ \
    OPCODE(0x20, KECCAK256,      2, 1, Frontier) \
    OPCODE(0x30, ADDRESS,        0, 1, Frontier) \
    OPCODE(0x31, BALANCE,        1, 1, Frontier) \
    OPCODE(0x32, ORIGIN,         0, 1, Frontier) \
    OPCODE(0x33, CALLER,         0, 1, Frontier) \
    OPCODE(0x34, CALLVALUE,      0, 1, Frontier) \
    OPCODE(0x35, CALLDATALOAD,   1, 1, Frontier) \
    OPCODE(0x36, CALLDATASIZE,   0, 1, Frontier) \
    OPCODE(0x37, CALLDATACOPY,   3, 0, Frontier) \
    OPCODE(0x38, CODESIZE,       0, 1, Frontier) \
    OPCODE(0x39, CODECOPY,       3, 0, Frontier) \
    OPCODE(0x3a, GASPRICE,       0, 1, Frontier) \
    OPCODE(0x3b, EXTCODESIZE,    1, 1, Frontier) \
    OPCODE(0x3c, EXTCODECOPY,    4, 0, Frontier) \
    OPCODE(0x3d, RETURNDATASIZE, 0, 1, Byzantium)      /* EIP-211 */ \
    OPCODE(0x3e, RETURNDATACOPY, 3, 0, Byzantium) \
    OPCODE(0x3f, EXTCODEHASH,    1, 1, Constantinople) /* EIP-1052 */ \
    OPCODE(0x40, BLOCKHASH,      1, 1, Frontier) \
    OPCODE(0x41, COINBASE,       0, 1, Frontier) \
    OPCODE(0x42, TIMESTAMP,      0, 1, Frontier) \
    OPCODE(0x43, NUMBER,         0, 1, Frontier) \
    OPCODE(0x44, PREVRANDAO,     0, 1, Frontier)       /* DIFFICULTY until Paris: EIP-4399 */ \
    OPCODE(0x45, GASLIMIT,       0, 1, Frontier) \
    OPCODE(0x46, CHAINID,        0, 1, Istanbul)       /* EIP-1344 */ \
    OPCODE(0x47, SELFBALANCE,    0, 1, Istanbul)       /* EIP-1884 */ \
    OPCODE(0x48, BASEFEE,        0, 1, London)         /* EIP-3198 */ \
    OPCODE(0x49, BLOBHASH,       1, 1, Cancun)         /* EIP-4844 */ \
    OPCODE(0x4a, BLOBBASEFEE,    0, 1, Cancun)         /* EIP-7516 */ \
    OPCODE(0x4b, SLOTNUM,        0, 1, Amsterdam)      /* EIP-7843 */ \
    OPCODE(0x51, MLOAD,          1, 1, Frontier) \
    OPCODE(0x52, MSTORE,         2, 0, Frontier) \
    OPCODE(0x53, MSTORE8,        2, 0, Frontier) \
    OPCODE(0x54, SLOAD,          1, 1, Frontier) \
    OPCODE(0x55, SSTORE,         2, 0, Frontier) \
    OPCODE(0x56, JUMP,           1, 0, Frontier) \
    OPCODE(0x57, JUMPI,          2, 0, Frontier) \
    OPCODE(0x58, PC,             0, 1, Frontier) \
    OPCODE(0x59, MSIZE,          0, 1, Frontier) \
    OPCODE(0x5a, GAS,            0, 1, Frontier) \
    OPCODE(0x5b, JUMPDEST,       0, 0, Frontier) \
    OPCODE(0x5c, TLOAD,          1, 1, Cancun)         /* EIP-1153 */ \
    OPCODE(0x5d, TSTORE,         2, 0, Cancun) \
    OPCODE(0x5e, MCOPY,          3, 0, Cancun)         /* EIP-5656 */ \
    OPCODE(0xa0, LOG0,           2, 0, Frontier) \
    OPCODE(0xa1, LOG1,           3, 0, Frontier) \
    OPCODE(0xa2, LOG2,           4, 0, Frontier) \
    OPCODE(0xa3, LOG3,           5, 0, Frontier) \
    OPCODE(0xa4, LOG4,           6, 0, Frontier) \
    OPCODE(0xf0, CREATE,         3, 1, Frontier) \
    OPCODE(0xf1, CALL,           7, 1, Frontier) \
    OPCODE(0xf2, CALLCODE,       7, 1, Frontier) \
    OPCODE(0xf3, RETURN,         2, 0, Frontier) \
    OPCODE(0xf4, DELEGATECALL,   6, 1, Homestead)      /* EIP-7 */ \
    OPCODE(0xf5, CREATE2,        4, 1, Constantinople) /* EIP-1014 */ \
    OPCODE(0xfa, STATICCALL,     6, 1, Byzantium)      /* EIP-214 */ \
    OPCODE(0xfd, REVERT,         2, 0, Byzantium)      /* EIP-140 */ \
    OPCODE(0xfe, INVALID,        0, 0, Frontier)       /* EIP-141 */ \
    OPCODE(0xff, SELFDESTRUCT,   1, 0, Frontier)

// Those that only move words; DUPn and SWAPn reach n and n + 1 words deep.
#define BLOCKSTM_OPCODES_OF_ORDER(OPCODE) \
    OPCODE(0x50, POP,    1, 0, Frontier) OPCODE(0x5f, PUSH0,  0, 1, Shanghai) /* EIP-3855 */ \
    OPCODE(0x60, PUSH1,  0, 1, Frontier) OPCODE(0x61, PUSH2,  0, 1, Frontier) \
    OPCODE(0x62, PUSH3,  0, 1, Frontier) OPCODE(0x63, PUSH4,  0, 1, Frontier) \
    OPCODE(0x64, PUSH5,  0, 1, Frontier) OPCODE(0x65, PUSH6,  0, 1, Frontier) \
    OPCODE(0x66, PUSH7,  0, 1, Frontier) OPCODE(0x67, PUSH8,  0, 1, Frontier) \
    OPCODE(0x68, PUSH9,  0, 1, Frontier) OPCODE(0x69, PUSH10, 0, 1, Frontier) \
    OPCODE(0x6a, PUSH11, 0, 1, Frontier) OPCODE(0x6b, PUSH12, 0, 1, Frontier) \
    OPCODE(0x6c, PUSH13, 0, 1, Frontier) OPCODE(0x6d, PUSH14, 0, 1, Frontier) \
    OPCODE(0x6e, PUSH15, 0, 1, Frontier) OPCODE(0x6f, PUSH16, 0, 1, Frontier) \
    OPCODE(0x70, PUSH17, 0, 1, Frontier) OPCODE(0x71, PUSH18, 0, 1, Frontier) \
    OPCODE(0x72, PUSH19, 0, 1, Frontier) OPCODE(0x73, PUSH20, 0, 1, Frontier) \
    OPCODE(0x74, PUSH21, 0, 1, Frontier) OPCODE(0x75, PUSH22, 0, 1, Frontier) \
    OPCODE(0x76, PUSH23, 0, 1, Frontier) OPCODE(0x77, PUSH24, 0, 1, Frontier) \
    OPCODE(0x78, PUSH25, 0, 1, Frontier) OPCODE(0x79, PUSH26, 0, 1, Frontier) \
    OPCODE(0x7a, PUSH27, 0, 1, Frontier) OPCODE(0x7b, PUSH28, 0, 1, Frontier) \
    OPCODE(0x7c, PUSH29, 0, 1, Frontier) OPCODE(0x7d, PUSH30, 0, 1, Frontier) \
    OPCODE(0x7e, PUSH31, 0, 1, Frontier) OPCODE(0x7f, PUSH32, 0, 1, Frontier) \
    OPCODE(0x80, DUP1,  1, 2, Frontier)   OPCODE(0x81, DUP2,  2, 3, Frontier) \
    OPCODE(0x82, DUP3,  3, 4, Frontier)   OPCODE(0x83, DUP4,  4, 5, Frontier) \
    OPCODE(0x84, DUP5,  5, 6, Frontier)   OPCODE(0x85, DUP6,  6, 7, Frontier) \
    OPCODE(0x86, DUP7,  7, 8, Frontier)   OPCODE(0x87, DUP8,  8, 9, Frontier) \
    OPCODE(0x88, DUP9,  9, 10, Frontier)  OPCODE(0x89, DUP10, 10, 11, Frontier) \
    OPCODE(0x8a, DUP11, 11, 12, Frontier) OPCODE(0x8b, DUP12, 12, 13, Frontier) \
    OPCODE(0x8c, DUP13, 13, 14, Frontier) OPCODE(0x8d, DUP14, 14, 15, Frontier) \
    OPCODE(0x8e, DUP15, 15, 16, Frontier) OPCODE(0x8f, DUP16, 16, 17, Frontier) \
    OPCODE(0x90, SWAP1,  2, 2, Frontier)   OPCODE(0x91, SWAP2,  3, 3, Frontier) \
    OPCODE(0x92, SWAP3,  4, 4, Frontier)   OPCODE(0x93, SWAP4,  5, 5, Frontier) \
    OPCODE(0x94, SWAP5,  6, 6, Frontier)   OPCODE(0x95, SWAP6,  7, 7, Frontier) \
    OPCODE(0x96, SWAP7,  8, 8, Frontier)   OPCODE(0x97, SWAP8,  9, 9, Frontier) \
    OPCODE(0x98, SWAP9,  10, 10, Frontier) OPCODE(0x99, SWAP10, 11, 11, Frontier) \
    OPCODE(0x9a, SWAP11, 12, 12, Frontier) OPCODE(0x9b, SWAP12, 13, 13, Frontier) \
    OPCODE(0x9c, SWAP13, 14, 14, Frontier) OPCODE(0x9d, SWAP14, 15, 15, Frontier) \
    OPCODE(0x9e, SWAP15, 16, 16, Frontier) OPCODE(0x9f, SWAP16, 17, 17, Frontier) \
    OPCODE(0xe6, DUPN,   0, 1, Amsterdam)  OPCODE(0xe7, SWAPN,  1, 1, Amsterdam) /* EIP-8024: they and */ \
    OPCODE(0xe8, EXCHANGE, 0, 0, Amsterdam) /* the byte behind them say which words */
// clang-format on

#define BLOCKSTM_OPCODES(OPCODE) BLOCKSTM_OPCODES_OF_WORK(OPCODE) BLOCKSTM_OPCODES_OF_ORDER(OPCODE)

// The opcodes' values: `op::ADD`.
namespace op {
#define OPCODE(value, name, inputs, outputs, fork) inline constexpr uint8_t name = value;
BLOCKSTM_OPCODES(OPCODE)
#undef OPCODE
}  // namespace op

struct Opcode {
    const char* name = nullptr;  // null where no fork defines it
    uint8_t inputs = 0;
    uint8_t outputs = 0;
    Fork since = Fork::Frontier;

    constexpr bool is_in(Fork fork) const noexcept { return name != nullptr && fork >= since; }
};

struct OpcodeTable {
    Opcode opcodes[256];

    constexpr OpcodeTable() noexcept {
#define OPCODE(value, name, inputs, outputs, fork) opcodes[value] = {#name, inputs, outputs, Fork::fork};
        BLOCKSTM_OPCODES(OPCODE)
#undef OPCODE
    }
    constexpr const Opcode& operator[](uint8_t opcode) const noexcept { return opcodes[opcode]; }
};

inline constexpr OpcodeTable OPCODES{};

constexpr bool is_push(uint8_t opcode) noexcept { return opcode >= op::PUSH1 && opcode <= op::PUSH32; }

// Bytes of code that follow the opcode and belong to it.
constexpr uint32_t immediate_size(uint8_t opcode) noexcept {
    return is_push(opcode) ? opcode - op::PUSH1 + 1u : 0u;
}

// The byte behind DUPN, SWAPN and EXCHANGE (EIP-8024). It never looks like a JUMPDEST or a PUSH, so that
// where jumps may lead does not depend on it; a byte that does is not one of theirs, and they fail.
constexpr bool is_depth(uint8_t byte) noexcept { return byte <= 90 || byte >= 128; }
constexpr int depth_of(uint8_t byte) noexcept { return static_cast<uint8_t>(byte + 145); }  // 17 to 235

// Two words below the topmost, the nearer one first.
struct DepthPair {
    int near, far;
};
constexpr bool is_depth_pair(uint8_t byte) noexcept { return byte <= 81 || byte >= 128; }
constexpr DepthPair depths_of(uint8_t byte) noexcept {
    const int high = (byte ^ 143) / 16, low = (byte ^ 143) % 16;
    return high < low ? DepthPair{high + 1, low + 1} : DepthPair{low + 1, 29 - high};
}

}  // namespace blockstm::evm
