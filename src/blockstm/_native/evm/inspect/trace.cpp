// EIP-3155 lines; see trace.hpp.
#include "evm/inspect/trace.hpp"

namespace blockstm::evm {
namespace {

// Appends to a line; what does not fit in memory is left out and noted.
class Writer {
public:
    Writer(bool& is_full, Bytes& out) noexcept : is_full_(is_full), out_(out) {}

    Writer& text(const char* text) noexcept { return bytes(text, std::strlen(text)); }

    Writer& decimal(uint64_t value) noexcept {
        char digits[20];
        int place = sizeof digits;
        do {
            digits[--place] = static_cast<char>('0' + value % 10);
            value /= 10;
        } while (value != 0);
        return bytes(digits + place, sizeof digits - place);
    }

    Writer& hex_number(const u256& value) noexcept { return text("\"").hex_digits(value).text("\""); }

    Writer& hex_digits(const u256& value) noexcept {
        char digits[64];
        int place = sizeof digits;
        u256 rest = value;
        do {
            digits[--place] = HEX[rest.limb[0] & 15];
            rest = shr(rest, uint64_t{4});
        } while (!rest.is_zero());
        return text("0x").bytes(digits + place, sizeof digits - place);
    }

    // With a sign where it is negative, which refunds can be until the transaction ends.
    Writer& hex_number(int64_t value) noexcept {
        const auto magnitude = static_cast<uint64_t>(value);
        if (value >= 0) return text("\"").hex_digits(magnitude).text("\"");
        return text("\"-").hex_digits(-magnitude).text("\"");
    }

    Writer& hex_bytes(const Bytes& value) noexcept {
        text("\"0x");
        for (const uint8_t byte : value) {
            const char digits[2] = {HEX[byte >> 4], HEX[byte & 15]};
            bytes(digits, 2);
        }
        return text("\"");
    }

    Writer& bytes(const void* data, uint64_t size) noexcept {
        if (!out_.append(static_cast<const uint8_t*>(data), size)) is_full_ = true;
        return *this;
    }

private:
    static constexpr char HEX[] = "0123456789abcdef";

    bool& is_full_;
    Bytes& out_;
};

}  // namespace

void StepTracer::step(const Machine& machine, uint8_t opcode, uint32_t place, const u256* top, int64_t gas) noexcept {
    const Frame& frame = machine.frames.back();
    opcode_ = opcode;
    place_ = place;
    gas_ = gas;
    rest_.clear();
    Writer rest(is_full, rest_);
    rest.text(",\"stack\":[");
    for (const u256* word = frame.stack; word < top; ++word) {
        rest.text(word == frame.stack ? "" : ",").hex_number(*word);
    }
    rest.text("],\"depth\":").decimal(static_cast<uint64_t>(frame.depth) + 1);
    rest.text(",\"returnData\":").hex_bytes(machine.return_data);
    rest.text(",\"refund\":").hex_number(machine.journal.refund());
    rest.text(",\"memSize\":").decimal(frame.memory_size);
    rest.text(",\"opName\":\"").text(name_of(opcode, machine.fork())).text("\"");
}

void StepTracer::step_end(const Machine&, int64_t gas, Failure failure) noexcept {
    if (is_full) return;
    Writer line(is_full, lines);
    line.text("{\"pc\":").decimal(place_);
    line.text(",\"op\":").decimal(opcode_);
    line.text(",\"gas\":").hex_number(gas_);
    line.text(",\"gasCost\":").hex_number(gas_ - gas);
    line.bytes(rest_.data(), rest_.size());
    if (failure != Failure::None) line.text(",\"error\":\"").text(name_of(failure)).text("\"");
    line.text("}\n");
}

const char* name_of(uint8_t opcode, Fork fork) noexcept {
    if (opcode == op::PREVRANDAO && fork < Fork::Paris) return "DIFFICULTY";
    const Opcode& traits = OPCODES[opcode];
    return traits.is_in(fork) ? traits.name : "UNDEFINED";
}

const char* name_of(Failure failure) noexcept {
    switch (failure) {
        case Failure::None: return "none";
        case Failure::OutOfGas: return "out of gas";
        case Failure::StackUnderflow: return "stack underflow";
        case Failure::StackOverflow: return "stack overflow";
        case Failure::InvalidJump: return "invalid jump";
        case Failure::InvalidOpcode: return "invalid opcode";
        case Failure::WriteProtection: return "write protection";
        case Failure::OutOfBounds: return "return data out of bounds";
        case Failure::InvalidCode: return "invalid code";
        case Failure::CodeTooLarge: return "code too large";
        case Failure::InitcodeTooLarge: return "initcode too large";
        case Failure::AddressCollision: return "address collision";
        case Failure::NonceOverflow: return "nonce overflow";
        case Failure::InsufficientBalance: return "insufficient balance";
        case Failure::DepthExceeded: return "call depth exceeded";
        case Failure::PrecompileFailure: return "precompile failure";
        case Failure::Reverted: return "reverted";
    }
    return "unknown";
}

}  // namespace blockstm::evm
