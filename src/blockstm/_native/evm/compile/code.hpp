// Code that can run: its bytes, and the program that they are translated into when they first run.
//
// A Code is made for one variant (of forks, gas differs) and is shared by all workers. Everything in it is fixed when
// `make_code` returns, but `program`: the first to run the code publishes it, once, by compare-and-swap;
// who comes second frees its own. Which codes stay is the cache's to say (code_cache.hpp). A program grows while
// it runs (program.hpp says how); nobody but the interpreter looks into it. Codes that differ only in immutables
// share one (families.hpp), which keeps the memory of the first of them.
#pragma once

#include "base/atomics.hpp"
#include "base/bytes.hpp"
#include "evm/forks/forks.hpp"

namespace blockstm::evm {

class Program;

// How code is translated.
enum class Tier : uint8_t {
    Plain,
    Stepped,  // a STEP ahead of every instruction, for an inspector that follows them
};

// What a translation depends on, beside the code's bytes.
struct Variant {
    Fork fork = Fork::Frontier;
    Tier tier = Tier::Plain;
    uint16_t opcodes = 0;  // the number of a set that the embedder adds (added_opcodes.hpp); 0 for none

    friend bool operator==(const Variant&, const Variant&) = default;
};

// EIP-7702: these three bytes and an address are no code but a pointer to one.
inline constexpr uint8_t DELEGATION_PREFIX[3] = {0xef, 0x01, 0x00};
inline constexpr uint64_t DELEGATION_SIZE = 23;

// Code ends in STOPs, and in zeros for a PUSH, without end: as many of them as one opcode may look at.
inline constexpr uint64_t CODE_PADDING = 33;

// Places in codes take 31 bits: no code is as long.
inline constexpr uint64_t PLACE_END = INT32_MAX;

struct Code {
    Hash32 hash;         // as given; zero for initcode that nobody hashed
    Span bytes;          // the code's own copy; CODE_PADDING zeros follow
    Variant variant;
    bool is_delegation;  // from Prague on
    Address delegate;    // whose code runs instead, if so
    mutable Atomic<Program*> program;  // null until the code first runs
    mutable Atomic<uint32_t> keepers;  // who made it, and programs that read its bytes
};

// A Code with a copy of `bytes`; null where memory ran out, or they reach beyond PLACE_END. Cheap: translation waits
// for the first run.
Code* make_code(Span bytes, const Hash32& hash, Variant variant) noexcept;

// Nobody else may be running it. Null is fine.
void free_code(Code* code) noexcept;

// Keeps the memory of a code that somebody keeps already, and lets it go.
void keep_code(const Code& code) noexcept;
void drop_code(const Code& code) noexcept;

// The program, made now if nobody did before; null where memory ran out. From any thread.
Program* program_of(const Code& code) noexcept;

// Bytes that the code holds by now, for a cache's account of its memory: itself, and of a program that several codes
// run its part. From any thread.
struct Footprint {
    uint64_t own;      // its bytes, and what is known of them
    uint64_t program;  // its translation, and what finds one's way in it
};
Footprint parts_of_footprint(const Code& code) noexcept;
uint64_t footprint(const Code& code) noexcept;

}  // namespace blockstm::evm
