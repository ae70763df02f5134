// Codes: see code.hpp.

#include "evm/compile/code.hpp"

#include <new>

#include "evm/compile/code_memory.hpp"
#include "evm/compile/families.hpp"
#include "evm/compile/program.hpp"

namespace blockstm::evm {

Code* make_code(Span bytes, const Hash32& hash, Variant variant) noexcept {
    if (bytes.size > PLACE_END) return nullptr;
    auto* memory = static_cast<uint8_t*>(code_memory().take(sizeof(Code) + bytes.size + CODE_PADDING));
    if (memory == nullptr) return nullptr;
    uint8_t* copy = memory + sizeof(Code);
    if (bytes.size != 0) std::memcpy(copy, bytes.data, bytes.size);
    std::memset(copy + bytes.size, 0, CODE_PADDING);
    Code* code = new (memory) Code{hash, {copy, bytes.size}, variant, false, {}, {nullptr}, {1}};
    if (variant.fork >= Fork::Prague && bytes.size == DELEGATION_SIZE &&
        std::memcmp(copy, DELEGATION_PREFIX, sizeof DELEGATION_PREFIX) == 0) {
        code->is_delegation = true;
        std::memcpy(code->delegate.bytes, copy + sizeof DELEGATION_PREFIX, sizeof code->delegate.bytes);
    }
    return code;
}

void free_code(Code* code) noexcept {
    if (code == nullptr) return;
    Program::release(code->program.observe());
    code->program.prepare(nullptr);
    drop_code(*code);
}

void keep_code(const Code& code) noexcept {
    code.keepers.count_up(1);
}

void drop_code(const Code& code) noexcept {
    if (code.keepers.leave() != 1) return;
    const uint64_t size = sizeof(Code) + code.bytes.size + CODE_PADDING;
    code.~Code();
    code_memory().give_back(const_cast<Code*>(&code), size);
}

Program* program_of(const Code& code) noexcept {
    Program* program = code.program.observe();
    if (program != nullptr) [[likely]] return program;
    Program* found = find_program(code);
    if (found == nullptr) return nullptr;
    Program* expected = nullptr;
    if (code.program.replace(expected, found)) return found;
    Program::release(found);  // another worker was first
    return expected;
}

Footprint parts_of_footprint(const Code& code) noexcept {
    const uint64_t own = CodeMemory::size_of_block(sizeof(Code) + code.bytes.size + CODE_PADDING);
    Program* program = code.program.observe();
    return {own, program == nullptr ? 0 : program->footprint() / program->users() + 1};
}

uint64_t footprint(const Code& code) noexcept {
    const Footprint parts = parts_of_footprint(code);
    return parts.own + parts.program;
}

}  // namespace blockstm::evm
