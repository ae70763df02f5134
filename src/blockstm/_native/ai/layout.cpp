// See layout.hpp.
#include "ai/layout.hpp"

namespace blockstm::ai {
namespace {

constexpr uint8_t MAGIC[4] = {0, 'A', 'I', 'P'};  // STOP, so that nobody runs it; the version's digit follows

uint32_t read_u32(const uint8_t* data) noexcept {
    return uint32_t{data[0]} << 24 | uint32_t{data[1]} << 16 | uint32_t{data[2]} << 8 | uint32_t{data[3]};
}

bool is_zero(const uint8_t* data, int size) noexcept {
    uint8_t all = 0;
    for (int place = 0; place < size; ++place) all |= data[place];
    return all == 0;
}

}  // namespace

bool parse_instruction(const uint8_t* data, Instruction& instruction) noexcept {
    instruction.opcode = data[0];
    instruction.code_count = data[1];
    instruction.destination = data[5];
    for (int number = 0; number < OPERANDS; ++number) {
        instruction.sources[number] = data[2 + number];
        instruction.offsets[number] = read_u32(data + 8 + 4 * number);
        if (instruction.sources[number] == ABSENT && instruction.offsets[number] != 0) return false;
    }
    for (int number = 0; number < PARAMETERS; ++number) {
        instruction.parameters[number] = static_cast<int32_t>(read_u32(data + 32 + 4 * number));
    }
    return is_zero(data + 6, 2) && is_zero(data + 20, 12);
}

bool parse_program(Span code, ProgramHeader& header) noexcept {
    if (code.size < PROGRAM_HEADER_BYTES || std::memcmp(code.data, MAGIC, sizeof MAGIC) != 0) return false;
    header.version = static_cast<uint8_t>(code.data[4] - '0');
    header.code_count = code.data[5];
    header.instruction_count = static_cast<uint16_t>(code.data[6] << 8 | code.data[7]);
    header.input_bytes = read_u32(code.data + 8);
    header.output = code.data[12];
    const uint64_t size = PROGRAM_HEADER_BYTES + header.code_count * REFERENCE_BYTES +
                          header.instruction_count * HEADER_BYTES;
    const bool has_version = header.version >= 1 && header.version <= VERSIONS;
    return has_version && is_zero(code.data + 13, 3) && header.instruction_count != 0 && code.size == size;
}

}  // namespace blockstm::ai
