// Families: codes that are the same program with other immutables. Pools, proxies and clones are made from one
// source, and their codes differ in a few addresses and numbers that PUSHes carry; one translation serves them
// all, in which such a PUSH reads the code that runs (SET_IMMUTABLE).
//
// The first code of a kind is translated for itself, its constants folded in. The second one, of the same size and
// different only in what PUSH20 to PUSH32 carry, gets a program in which those are immutables; all that follow and
// differ nowhere else share that. Comparing takes about as long as copying the code.
//
// A small table remembers programs by size and variant, without keeping them. Any thread.
#pragma once

#include "evm/compile/code.hpp"

namespace blockstm::evm {

// One that the code can run, made if there is none; with a reference. Null where memory ran out.
Program* find_program(const Code& code) noexcept;

// It is on its way out: nobody finds it any more.
void forget_program(const Program* program) noexcept;

}  // namespace blockstm::evm
