// What a step looked at and changed, for the block's access list (EIP-7928) and for a caller who asks for it.
// Used by one machine, in blocks whose accesses are recorded.
//
// It is written one record behind the other, numbers little-endian:
//
//   u8 1; 20 bytes address; u8 which of `Field` were looked at: balance, nonce, code; u8 AccountChange; then what
//   that says:
//       Grew, Shrank      32 bytes, by how much: what it was before, only its place in the block tells
//       Nonce             u64, after the step
//       Code              u32 size; code after the step
//   u8 2; 20 bytes address; 32 bytes slot                              looked at
//   u8 3; 20 bytes address; 32 bytes slot; 32 bytes before; 32 bytes after
//
// A step that is several transactions in itself, as a block's start is, has records of each in turn.
#pragma once

#include "evm/run/machine.hpp"

namespace blockstm::evm {

enum AccountChange : uint8_t {
    BALANCE_GREW = 1,
    BALANCE_SHRANK = 2,
    BALANCE_GONE = 4,  // the account was deleted, whatever it had; until EIP-8246
    NONCE_CHANGED = 8,
    CODE_CHANGED = 16,
    MADE_HERE = 32,    // beside BALANCE_GONE: the same transaction had created it
};

// Of the transaction at hand, behind `machine.accesses`, if the block asks for it.
bool record_accesses(Machine& machine) noexcept;
// Then its changes go to the view.
inline bool record_and_flush(Machine& machine) noexcept { return record_accesses(machine) && machine.journal.flush(); }

}  // namespace blockstm::evm
