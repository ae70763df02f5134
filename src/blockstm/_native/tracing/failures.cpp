// Why calls failed; see failures.hpp.
#include "tracing/failures.hpp"

#include <cstdio>
#include <cstring>

#include "evm/forks/opcodes.hpp"
#include "evm/run/frame.hpp"

namespace blockstm::tracing {

using evm::Failure;
using evm::Fork;

namespace {

constexpr int64_t SENTRY_GAS = 2300;  // that SSTORE does not go below (EIP-2200)

const char* words_of(Failure failure) noexcept {
    switch (failure) {
        case Failure::None: return "";
        case Failure::OutOfGas: return "out of gas";
        case Failure::StackUnderflow: return "stack underflow";
        case Failure::StackOverflow: return "stack limit reached";
        case Failure::InvalidJump: return "invalid jump destination";
        case Failure::InvalidOpcode: return "invalid opcode: INVALID";
        case Failure::WriteProtection: return "write protection";
        case Failure::OutOfBounds: return "return data out of bounds";
        case Failure::InvalidCode: return "invalid code: must not begin with 0xef";
        case Failure::CodeTooLarge: return "max code size exceeded";
        case Failure::InitcodeTooLarge: return "max initcode size exceeded";
        case Failure::AddressCollision: return "contract address collision";
        case Failure::NonceOverflow: return "nonce uint64 overflow";
        case Failure::InsufficientBalance: return "insufficient balance for transfer";
        case Failure::DepthExceeded: return "max call depth exceeded";
        case Failure::PrecompileFailure: return "out of gas";
        case Failure::Reverted: return "execution reverted";
    }
    return "";
}

template <class... Values>
Words formed(const char* format, Values... values) noexcept {
    Words words;
    const int size = std::snprintf(words.text, sizeof words.text, format, values...);
    words.size = size < 0 ? 0 : static_cast<uint64_t>(size);
    if (words.size >= Words::MAX) words.size = Words::MAX - 1;
    return words;
}

Words plain(const char* words) noexcept { return formed("%s", words); }

// Those that go-ethereum refuses in a static call while it is asking what they cost.
bool is_paid_late(uint8_t opcode) noexcept {
    return opcode == evm::op::SSTORE || opcode == evm::op::CREATE || opcode == evm::op::CALL ||
           opcode == evm::op::CREATE2 || opcode == evm::op::SELFDESTRUCT;
}

const char* defined_name(uint8_t opcode) noexcept {
    return opcode == evm::op::PREVRANDAO ? "DIFFICULTY" : evm::OPCODES[opcode].name;
}

Words invalid_opcode(uint8_t opcode) noexcept {
    if (const char* name = defined_name(opcode)) return formed("invalid opcode: %s", name);
    return formed("invalid opcode: opcode 0x%x not defined", opcode);
}

// Whether one of the words of an input is no element of the field of BN254.
bool is_beyond_field(Span data) noexcept {
    static constexpr uint8_t FIELD[32] = {
        0x30, 0x64, 0x4E, 0x72, 0xE1, 0x31, 0xA0, 0x29, 0xB8, 0x50, 0x45, 0xB6, 0x81, 0x81, 0x58, 0x5D,
        0x97, 0x81, 0x6A, 0x91, 0x68, 0x71, 0xCA, 0x8D, 0x3C, 0x20, 0x8C, 0x16, 0xD8, 0x7C, 0xFD, 0x47,
    };
    for (uint64_t place = 0; place < data.size; place += sizeof FIELD) {
        uint8_t word[32] = {};
        const uint64_t left = data.size - place;
        std::memcpy(word, data.data + place, left < sizeof word ? left : sizeof word);
        if (std::memcmp(word, FIELD, sizeof word) >= 0) return true;
    }
    return false;
}

Span first_of(Span data, uint64_t size) noexcept { return {data.data, data.size < size ? data.size : size}; }

const char* curve_failure(Span coordinates) noexcept {
    return is_beyond_field(coordinates) ? "invalid fp.Element encoding" : "point is not on curve";
}

const char* pairing_failure(Span data) noexcept {
    constexpr uint64_t PAIR = 192;
    if (data.size % PAIR != 0) return "bad elliptic curve pairing size";
    return is_beyond_field(data) ? "invalid fp.Element encoding" : "point is not in correct subgroup";
}

// As far as its input tells; most fail for want of gas.
const char* precompile_failure(const CallBegan& began, Fork fork) noexcept {
    constexpr uint64_t PAIR = 192, BLAKE_INPUT = 213;
    constexpr int64_t POINT_EVALUATION_GAS = 50'000;
    const u256 number = from_address(began.code_address);
    const Span data = began.input;
    const int64_t gas = began.gas;
    const bool is_cheap = fork >= Fork::Istanbul;
    const auto pairs = static_cast<int64_t>(data.size / PAIR);
    if (number == u256{6} && gas >= (is_cheap ? 150 : 500)) return curve_failure(first_of(data, 128));
    if (number == u256{7} && gas >= (is_cheap ? 6'000 : 40'000)) return curve_failure(first_of(data, 64));
    if (number == u256{8} && gas >= (is_cheap ? 45'000 + pairs * 34'000 : 100'000 + pairs * 80'000)) {
        return pairing_failure(data);
    }
    if (number == u256{9}) {
        if (data.size != BLAKE_INPUT) return "invalid input length";
        if (gas >= static_cast<int64_t>(load_be(data.data, 4).limb[0])) return "invalid final flag";
    }
    if (number == u256{10} && gas >= POINT_EVALUATION_GAS) {
        return data.size == PAIR ? "error verifying kzg proof" : "invalid input length";
    }
    return "out of gas";
}

}  // namespace

Words opcode_name(uint8_t opcode) noexcept {
    Words words;
    if (const char* name = defined_name(opcode)) {
        std::memcpy(words.text, name, words.size = std::strlen(name));
        return words;
    }
    return formed("opcode 0x%x not defined", opcode);
}

Words step_failure(Failure failure, const Fault& fault, Fork fork) noexcept {
    const evm::Opcode& traits = evm::OPCODES[fault.opcode];
    const char* const words = words_of(failure);
    if (failure == Failure::OutOfGas && fault.opcode == evm::op::SSTORE && fault.gas <= SENTRY_GAS &&
        fork >= Fork::Istanbul) {
        return formed("%s: not enough gas for reentrancy sentry", words);
    }
    if (failure == Failure::WriteProtection && is_paid_late(fault.opcode)) return formed("out of gas: %s", words);
    if (failure == Failure::StackUnderflow) {
        return formed("%s (%d <=> %d)", words, int{fault.height}, int{traits.inputs});
    }
    if (failure == Failure::StackOverflow) {
        return formed("%s %d (%d)", words, int{fault.height}, evm::STACK_SIZE_MAX + traits.inputs - traits.outputs);
    }
    if (failure == Failure::InvalidOpcode) return invalid_opcode(fault.opcode);
    return plain(words);
}

Words call_failure(Failure failure, const Fault* fault, Fork fork, const CallBegan& began) noexcept {
    if (failure == Failure::PrecompileFailure) return plain(precompile_failure(began, fork));
    if (fault != nullptr) return step_failure(failure, *fault, fork);
    if (began.creates() && failure == Failure::OutOfGas) return plain("contract creation code storage out of gas");
    return plain(words_of(failure));
}

Span parity_words(Span words) noexcept {
    struct Pair {
        const char* ours;
        const char* theirs;
    };
    static constexpr Pair WHOLE[] = {
        {"contract creation code storage out of gas", "Out of gas"},
        {"out of gas", "Out of gas"},
        {"gas uint64 overflow", "Out of gas"},
        {"max code size exceeded", "Out of gas"},
        {"invalid jump destination", "Bad jump destination"},
        {"execution reverted", "Reverted"},
        {"return data out of bounds", "Out of bounds"},
        {"stack limit reached 1024 (1023)", "Out of stack"},
        {"precompiled failed", "Built-in failed"},
        {"invalid input length", "Built-in failed"},
    };
    static constexpr Pair BEGINNINGS[] = {
        {"out of gas:", "Out of gas"},
        {"invalid opcode:", "Bad instruction"},
        {"stack underflow", "Stack underflow"},
    };
    const auto begins = [&](const char* text) noexcept {
        const uint64_t size = std::strlen(text);
        return words.size >= size && std::memcmp(words.data, text, size) == 0;
    };
    const auto as_span = [](const char* text) noexcept {
        return Span{reinterpret_cast<const uint8_t*>(text), std::strlen(text)};
    };
    for (const Pair& each : WHOLE) {
        if (words.size == std::strlen(each.ours) && begins(each.ours)) return as_span(each.theirs);
    }
    for (const Pair& each : BEGINNINGS) {
        if (begins(each.ours)) return as_span(each.theirs);
    }
    return words;
}

}  // namespace blockstm::tracing
