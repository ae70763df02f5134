// Codes: see code.hpp.

#include "evm/compile/code.hpp"

#include <new>

#include "evm/compile/program.hpp"

namespace blockstm::evm {

Code* make_code(Span bytes, const Hash32& hash, Variant variant) noexcept {
    auto* memory = static_cast<uint8_t*>(std::malloc(sizeof(Code) + bytes.size));
    if (memory == nullptr) return nullptr;
    uint8_t* copy = memory + sizeof(Code);
    if (bytes.size != 0) std::memcpy(copy, bytes.data, bytes.size);
    Code* code = new (memory) Code{hash, {copy, bytes.size}, variant, false, {}, {nullptr}};
    if (variant.fork >= Fork::Prague && bytes.size == DELEGATION_SIZE &&
        std::memcmp(copy, DELEGATION_PREFIX, sizeof DELEGATION_PREFIX) == 0) {
        code->is_delegation = true;
        std::memcpy(code->delegate.bytes, copy + sizeof DELEGATION_PREFIX, sizeof code->delegate.bytes);
    }
    return code;
}

void free_code(Code* code) noexcept {
    if (code == nullptr) return;
    Program::free(code->program.observe());
    code->~Code();
    std::free(code);
}

Program* program_of(const Code& code) noexcept {
    Program* program = code.program.observe();
    if (program != nullptr) [[likely]] return program;
    Program* made = Program::make(code);
    if (made == nullptr) return nullptr;
    Program* expected = nullptr;
    if (code.program.replace(expected, made)) return made;
    Program::free(made);  // another worker was first
    return expected;
}

uint64_t footprint(const Code& code) noexcept {
    Program* program = code.program.observe();
    return sizeof(Code) + code.bytes.size + (program == nullptr ? 0 : program->footprint());
}

}  // namespace blockstm::evm
