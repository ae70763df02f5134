// The bytes of an instruction and of a program: a header of 96 bytes, references to codes, operands. docs/ai.md is the
// specification. Header fields are big-endian, numbers in tensors little-endian. Plain data of one call.
#pragma once

#include <cstdint>

#include "base/bytes.hpp"

namespace blockstm::ai {

namespace opcode {
inline constexpr uint8_t PRODUCT = 1;
inline constexpr uint8_t CONVOLUTION = 2;
inline constexpr uint8_t REQUANTISE = 3;
inline constexpr uint8_t ADD = 4;
inline constexpr uint8_t CLIP = 5;
inline constexpr uint8_t TABLE = 6;
inline constexpr uint8_t MAX_POOL = 7;
inline constexpr uint8_t MEAN_POOL = 8;
inline constexpr uint8_t TOP = 9;
inline constexpr uint8_t SOFTMAX = 10;
inline constexpr uint8_t GELU = 11;
inline constexpr uint8_t LAYER_NORM = 12;
inline constexpr uint8_t TRANSPOSE = 13;
inline constexpr uint8_t MULTIPLY = 14;  // from version 2 on
inline constexpr uint8_t JOIN = 15;      // from version 2 on
inline constexpr uint8_t RUN = 16;
}  // namespace opcode

// Of the instruction set. What a version holds, the later ones hold with the same meaning.
inline constexpr int VERSIONS = 2;

// Where an operand lies.
inline constexpr uint8_t ABSENT = 0;
inline constexpr uint8_t INLINE = 1;     // behind the header and its references
inline constexpr uint8_t CODES = 2;      // in the codes, one behind the other
inline constexpr uint8_t REGISTER = 16;  // from here on: a register, in programs

inline constexpr int REGISTERS = 32;
inline constexpr int OPERANDS = 3;
inline constexpr int PARAMETERS = 16;
inline constexpr uint64_t HEADER_BYTES = 96;
inline constexpr uint64_t REFERENCE_BYTES = 52;
inline constexpr uint64_t PROGRAM_HEADER_BYTES = 16;

struct Instruction {
    uint8_t opcode;
    uint8_t code_count;
    uint8_t sources[OPERANDS];
    uint8_t destination;
    uint32_t offsets[OPERANDS];
    int32_t parameters[PARAMETERS];
};

// A code, by the account that has it and by what it must be.
struct Reference {
    uint8_t address[20];
    uint8_t hash[32];
};

// A program's own header; references and instructions follow it.
struct ProgramHeader {
    uint8_t version;
    uint8_t code_count;
    uint16_t instruction_count;
    uint32_t input_bytes;
    uint8_t output;
};

// Of data that has HEADER_BYTES; false where what must be zero is not.
bool parse_instruction(const uint8_t* data, Instruction& instruction) noexcept;
// False where the code holds no program: it ends with the last instruction.
bool parse_program(Span code, ProgramHeader& header) noexcept;

}  // namespace blockstm::ai
