// See machine.hpp. What a call costs is known, and charged, before anything is computed or allocated for it: its
// price follows from parameters, and they are all checked first.
#include "ai/machine.hpp"

#include <algorithm>
#include <iterator>
#include <memory>
#include <new>
#include <utility>

#include "ai/constants.hpp"
#include "ai/operations.hpp"
#include "base/per_thread.hpp"

namespace blockstm::ai {
namespace {

constexpr int32_t SUCCESS = BLOCKSTM_PRECOMPILE_SUCCESS;
constexpr int32_t FAILED = BLOCKSTM_PRECOMPILE_FAILED;
constexpr int32_t NO_MEMORY = BLOCKSTM_PRECOMPILE_NO_MEMORY;

// How long each place is that operands may lie in. -1: there is no such place.
class PlaceSizes {
public:
    PlaceSizes() noexcept { std::fill_n(sizes_, std::size(sizes_), int64_t{-1}); }
    int64_t& operator[](uint8_t source) noexcept { return sizes_[source]; }
    bool has(uint8_t source) const noexcept { return source < std::size(sizes_) && sizes_[source] >= 0; }
    bool holds(uint8_t source, uint64_t end) const noexcept {
        return has(source) && end <= static_cast<uint64_t>(sizes_[source]);
    }
    uint64_t in_registers() const noexcept {
        uint64_t sum = 0;
        for (int place = 0; place < REGISTERS; ++place) sum += std::max<int64_t>(sizes_[REGISTER + place], 0);
        return sum;
    }

private:
    int64_t sizes_[REGISTER + REGISTERS];
};

// An instruction that was found to be right, and its price.
struct Step {
    Instruction instruction;
    uint64_t operand_bytes[OPERANDS];  // 0: not there
    uint64_t output_bytes;
    uint64_t gas;
};

bool check(const Instruction& instruction, int version, const PlaceSizes& places, Step& step) noexcept {
    Shape shape;
    if (!shape_of(instruction, version, shape)) return false;
    uint64_t moved = shape.output_bytes;
    for (int number = 0; number < OPERANDS; ++number) {
        const uint8_t source = instruction.sources[number];
        uint64_t bytes = shape.operand_bytes[number];
        if (source == ABSENT) {
            if (bytes != 0 && number != shape.optional) return false;
            bytes = 0;
        } else if (bytes == 0 || !places.holds(source, instruction.offsets[number] + bytes)) {
            return false;
        }
        step.operand_bytes[number] = bytes;
        moved += bytes;
    }
    step.instruction = instruction;
    step.output_bytes = shape.output_bytes;
    step.gas = gas_of(shape.work, moved);
    return true;
}

// Where operands are while instructions run.
struct Places {
    Span input;  // of an instruction
    Constants constants;
    Bytes registers[REGISTERS];
    Bytes output;
    Workspace workspace;
    Array<Step> steps;

    static constexpr uint64_t KEPT_MAX = uint64_t{1} << 20;  // bytes, of a buffer that holds nothing

    // Forgets a call. An unusual one's memory is given back.
    void trim() noexcept {
        auto forget = [](auto&... buffers) { ((buffers.clear(), buffers.release_above(KEPT_MAX)), ...); };
        constants.clear();
        forget(output, steps, workspace.left, workspace.right, workspace.windows, workspace.numbers);
        for (Bytes& each : registers) forget(each);
        for (Bytes& each : workspace.operands) forget(each);
    }
};

// Buffers that the next call of the thread finds again: what the allocator gives back to the system, page by page,
// takes longer than most instructions. A call within a call, of a state that asks for code by running some, finds none.
class KeptPlaces {
public:
    KeptPlaces() noexcept : place_(kept.get()) {
        if (place_ != nullptr) places_ = std::move(*place_);
        if (places_ == nullptr) places_.reset(new (std::nothrow) Places);
    }
    KeptPlaces(const KeptPlaces&) = delete;
    KeptPlaces& operator=(const KeptPlaces&) = delete;
    ~KeptPlaces() {
        if (places_ == nullptr) return;
        places_->trim();
        if (place_ != nullptr) *place_ = std::move(places_);
    }
    Places* get() noexcept { return places_.get(); }  // null where memory ran out

private:
    using Owned = std::unique_ptr<Places>;

    static inline PerThread<Owned> kept;
    Owned* place_;  // null where the system has no place for it
    Owned places_;
};

const uint8_t* find(Places& places, const Step& step, int number) noexcept {
    const uint8_t source = step.instruction.sources[number];
    const uint64_t offset = step.instruction.offsets[number], size = step.operand_bytes[number];
    if (source == INLINE) return places.input.data + offset;
    if (source == CODES) return places.constants.at(offset, size, places.workspace.operands[number]);
    return places.registers[source - REGISTER].data() + offset;
}

// Into `places.output`.
int32_t compute_step(Places& places, const Step& step, Kernel kernel) noexcept {
    Operands operands{};
    for (int number = 0; number < OPERANDS; ++number) {
        if (step.operand_bytes[number] == 0) continue;
        operands.data[number] = find(places, step, number);
        if (operands.data[number] == nullptr) return NO_MEMORY;
    }
    if (!places.output.resize(step.output_bytes)) return NO_MEMORY;
    switch (compute(step.instruction, operands, places.output.data(), kernel, places.workspace)) {
        case Status::Done: return SUCCESS;
        case Status::Refused: return FAILED;
        case Status::NoMemory: break;
    }
    return NO_MEMORY;
}

// Charges it; false where the call has not so much.
bool charge(blockstm_precompile_call& call, uint64_t gas) noexcept {
    if (gas > static_cast<uint64_t>(call.gas)) return false;
    call.gas_used = static_cast<int64_t>(gas);
    return true;
}

int32_t run_instruction(blockstm_precompile_call& call, const Instruction& instruction, const Callee& callee) noexcept {
    KeptPlaces kept;
    if (kept.get() == nullptr) return NO_MEMORY;
    Places& places = *kept.get();
    const uint8_t* references = call.input + HEADER_BYTES;
    const int32_t status = places.constants.read(call, references, instruction.code_count);
    if (status != SUCCESS) return status;
    const uint64_t begin = HEADER_BYTES + instruction.code_count * REFERENCE_BYTES;
    places.input = {call.input + begin, call.size - begin};
    PlaceSizes sizes;
    sizes[INLINE] = static_cast<int64_t>(places.input.size);
    sizes[CODES] = static_cast<int64_t>(places.constants.size());
    Step step;
    if (!check(instruction, callee.version, sizes, step)) return FAILED;
    uint64_t end = 0;
    for (int number = 0; number < OPERANDS; ++number) {
        if (instruction.sources[number] != INLINE) continue;
        end = std::max(end, instruction.offsets[number] + step.operand_bytes[number]);
    }
    if (end != places.input.size || !charge(call, step.gas)) return FAILED;
    const int32_t computed = compute_step(places, step, callee.kernel);
    return computed == SUCCESS ? call.write(&call, places.output.data(), places.output.size()) : computed;
}

// Whether a header asks for a program and nothing else.
bool asks_for_program(const Instruction& instruction) noexcept {
    const bool has_parameters = std::any_of(instruction.parameters, instruction.parameters + PARAMETERS,
                                            [](int32_t parameter) { return parameter != 0; });
    return instruction.code_count == 1 && instruction.sources[0] == INLINE && instruction.offsets[0] == 0 &&
           instruction.sources[1] == ABSENT && instruction.sources[2] == ABSENT && !has_parameters;
}

// The steps of a program whose constants are of this size, each charged as it is found, on top of `gas`; FAILED where
// one is not right, or where the call has not so much: what is not paid for is not even looked at.
int32_t prepare(blockstm_precompile_call& call, Span code, const ProgramHeader& program, uint64_t constants,
                uint64_t gas, Array<Step>& steps) noexcept {
    PlaceSizes sizes;
    sizes[CODES] = static_cast<int64_t>(constants);
    sizes[REGISTER] = program.input_bytes;
    const uint8_t* data = code.data + PROGRAM_HEADER_BYTES + program.code_count * REFERENCE_BYTES;
    for (int number = 0; number < program.instruction_count; ++number, data += HEADER_BYTES) {
        Instruction instruction;
        Step step;
        if (!parse_instruction(data, instruction) || instruction.code_count != 0) return FAILED;
        const uint8_t destination = instruction.destination;
        if (destination < REGISTER || destination >= REGISTER + REGISTERS) return FAILED;
        if (!check(instruction, program.version, sizes, step) || !charge(call, gas += step.gas)) return FAILED;
        if (!steps.push(step)) return NO_MEMORY;
        sizes[destination] = static_cast<int64_t>(step.output_bytes);
        if (sizes.in_registers() > BYTES_MAX) return FAILED;
    }
    return program.output >= REGISTER && sizes.has(program.output) ? SUCCESS : FAILED;
}

int32_t run_program(blockstm_precompile_call& call, const Callee& callee) noexcept {
    constexpr uint64_t BEGIN = HEADER_BYTES + REFERENCE_BYTES;
    const Span input{call.input + BEGIN, call.size - BEGIN};
    Span code;
    int32_t status = read_reference(call, call.input + HEADER_BYTES, code);
    if (status != SUCCESS) return status;
    ProgramHeader program;
    if (!parse_program(code, program) || program.input_bytes != input.size || input.size == 0) return FAILED;
    if (program.version > callee.version) return FAILED;
    KeptPlaces kept;
    if (kept.get() == nullptr) return NO_MEMORY;
    Places& places = *kept.get();
    status = places.constants.read(call, code.data + PROGRAM_HEADER_BYTES, program.code_count);
    if (status != SUCCESS) return status;
    const uint64_t gas = gas_of(0, code.size + input.size);
    if (!charge(call, gas)) return FAILED;
    status = prepare(call, code, program, places.constants.size(), gas, places.steps);
    if (status != SUCCESS) return status;
    if (!places.registers[0].append(input.data, input.size)) return NO_MEMORY;
    for (const Step& step : places.steps) {
        status = compute_step(places, step, callee.kernel);
        if (status != SUCCESS) return status;
        places.registers[step.instruction.destination - REGISTER].swap(places.output);
        // The limit is on what registers hold. What one held before goes on to the next, and would add up.
        places.output.clear();
        places.output.release_above(Places::KEPT_MAX);
    }
    const Bytes& output = places.registers[program.output - REGISTER];
    return call.write(&call, output.data(), output.size());
}

}  // namespace

int32_t run(void* context, blockstm_precompile_call* call) noexcept {
    const Callee& callee = *static_cast<const Callee*>(context);
    Instruction instruction;
    if (call->size < HEADER_BYTES || !parse_instruction(call->input, instruction)) return FAILED;
    if (instruction.opcode != callee.opcode || instruction.destination != 0) return FAILED;
    if (call->size - HEADER_BYTES < instruction.code_count * REFERENCE_BYTES) return FAILED;
    if (callee.opcode != opcode::RUN) return run_instruction(*call, instruction, callee);
    return asks_for_program(instruction) ? run_program(*call, callee) : FAILED;
}

}  // namespace blockstm::ai
