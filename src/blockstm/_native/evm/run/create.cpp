// Creations; see create.hpp.
#include "evm/run/create.hpp"

#include <utility>

#include "crypto/keccak.hpp"
#include "evm/forks/code_size.hpp"

namespace blockstm::evm {

namespace {

constexpr int64_t CODE_DEPOSIT_BYTE = 200;
constexpr uint8_t RESERVED_FIRST_BYTE = 0xef;  // EIP-3541

Address last_20_bytes(const uint8_t hash[32]) noexcept {
    Address address;
    std::memcpy(address.bytes, hash + 12, sizeof address.bytes);
    return address;
}

}  // namespace

// keccak(rlp([creator, nonce]))
Address creation_address(const Address& creator, uint64_t nonce) noexcept {
    uint8_t encoded[1 + 21 + 9];
    uint64_t size = 1;
    encoded[size++] = 0x80 + 20;
    std::memcpy(encoded + size, creator.bytes, 20);
    size += 20;
    uint8_t digits[8];
    store_be64(nonce, digits);
    uint64_t first = 0;
    while (first < 8 && digits[first] == 0) ++first;
    if (nonce == 0 || nonce >= 0x80) encoded[size++] = static_cast<uint8_t>(0x80 + (8 - first));
    std::memcpy(encoded + size, digits + first, 8 - first);
    size += 8 - first;
    encoded[0] = static_cast<uint8_t>(0xc0 + (size - 1));
    uint8_t hash[32];
    keccak256(encoded, size, hash);
    return last_20_bytes(hash);
}

Address creation_address(const Address& creator, const u256& salt, Span initcode) noexcept {
    uint8_t preimage[1 + 20 + 32 + 32];
    preimage[0] = 0xff;
    std::memcpy(preimage + 1, creator.bytes, 20);
    store_be(salt, preimage + 21);
    keccak256(initcode.data, initcode.size, preimage + 53);
    uint8_t hash[32];
    keccak256(preimage, sizeof preimage, hash);
    return last_20_bytes(hash);
}

// ------------------------------------------------------------------------------ beginning

namespace {

// EIP-684; EIP-7610 until Amsterdam, which declines it: what storage there is goes then.
bool is_taken(Journal& journal, Account* account, bool& taken) noexcept {
    uint64_t nonce = 0;
    if (!journal.nonce(account, nonce) || !journal.has_code(account, taken)) return false;
    taken = taken || nonce != 0;
    return taken || journal.fork() >= Fork::Amsterdam || journal.has_storage(account, taken);
}

Entry begin_creation(Machine& machine, Frame& frame, Account* payer, Span initcode, ExecutionResult& result) noexcept {
    Journal& journal = machine.journal;
    bool taken = false;
    if (!is_taken(journal, frame.self, taken)) return Entry::Over;
    if (taken) return refuse(machine, 0, Failure::AddressCollision, result);
    if (!journal.enter(frame.checkpoint) || !journal.create(frame.self)) return Entry::Over;
    if (!transfer(machine, payer, frame.self, frame.value)) return Entry::Over;
    frame.initcode = make_code(initcode, Hash32{}, journal.variant());
    if (frame.initcode == nullptr) {
        journal.stop(BLOCKSTM_NO_MEMORY);
        return Entry::Over;
    }
    frame.code = frame.initcode;
    return push_frame(machine, frame);
}

}  // namespace

namespace {

// What a creation that is asked for comes to before its address matters; None where it may begin.
bool find_obstacle(Machine& machine, Failure& obstacle) noexcept {
    Journal& journal = machine.journal;
    const Frame& caller = machine.frames.back();
    obstacle = Failure::DepthExceeded;
    if (caller.depth >= CALL_DEPTH_MAX) return true;
    obstacle = Failure::InsufficientBalance;
    const u256& value = machine.request.value;
    bool holds = true;
    if (!value.is_zero() && !journal.can_pay(caller.self, value, holds)) return false;
    if (!holds) return true;
    uint64_t nonce = 0;
    if (!journal.nonce(caller.self, nonce)) return false;
    obstacle = nonce == UINT64_MAX ? Failure::NonceOverflow : Failure::None;
    return true;
}

Span initcode_of(Machine& machine) noexcept {
    const Request& request = machine.request;
    if (request.input_size == 0) return {};
    return {machine.memory.at(machine.frames.back().memory_base + request.input_offset), request.input_size};
}

// The account where the topmost frame creates what it asks for; it becomes warm.
bool find_created(Machine& machine, Account*& created) noexcept {
    const Request& request = machine.request;
    const Frame& caller = machine.frames.back();
    uint64_t nonce = 0;
    if (!machine.journal.nonce(caller.self, nonce)) return false;
    const Address address = request.kind == CallKind::Create2
                                ? creation_address(caller.address, request.salt, initcode_of(machine))
                                : creation_address(caller.address, nonce);
    bool was_cold = false;
    return machine.journal.account(address, created) && machine.journal.access(created, was_cold);
}

}  // namespace

bool is_made_by_creation(Machine& machine, bool& made) noexcept {
    Failure obstacle{};
    made = false;
    if (!find_obstacle(machine, obstacle)) return false;
    if (obstacle != Failure::None) return true;
    Account*& created = machine.request.account;
    return find_created(machine, created) && machine.journal.is_empty(created, made);
}

Entry enter_creation(Machine& machine, ExecutionResult& result) noexcept {
    Journal& journal = machine.journal;
    const Request& request = machine.request;
    machine.return_data.clear();
    Failure obstacle{};
    if (!find_obstacle(machine, obstacle)) return Entry::Over;
    if (obstacle != Failure::None) return refuse(machine, request.gas, obstacle, result);
    Account* created = std::exchange(machine.request.account, nullptr);
    if (created == nullptr && !find_created(machine, created)) return Entry::Over;
    Frame* next = next_frame(machine);
    if (next == nullptr) return Entry::Over;
    Frame& frame = *next;
    const Frame& caller = machine.frames.back();
    uint64_t nonce = 0;
    if (!journal.nonce(caller.self, nonce) || !journal.set_nonce(caller.self, nonce + 1)) return Entry::Over;
    frame.self = created;
    frame.address = created->address;
    frame.gas = request.gas;
    frame.caller = caller.address;
    frame.value = request.value;
    frame.kind = request.kind;
    frame.made_account = request.made_account;
    return begin_creation(machine, frame, caller.self, initcode_of(machine), result);
}

Entry enter_first_creation(Machine& machine, const Message& message, ExecutionResult& result) noexcept {
    Account* payer = nullptr;
    Frame* frame = first_frame(machine, message, payer);
    return frame == nullptr ? Entry::Over : begin_creation(machine, *frame, payer, message.input, result);
}

// ------------------------------------------------------------------------------ ending

namespace {

// The gas left; less than none where it does not suffice.
int64_t pay_deposit(Machine& machine, int64_t size, int64_t gas) noexcept {
    if (!machine.meters_state()) return gas - size * CODE_DEPOSIT_BYTE;
    gas -= (size + 31) / 32 * amsterdam_gas::CODE_HASH_WORD;
    return gas < 0 ? gas : machine.state_gas.charge(size * amsterdam_gas::STATE_BYTE, gas);
}

}  // namespace

bool deposit_code(Machine& machine, const Frame& frame, ExecutionResult& result) noexcept {
    const Fork fork = machine.fork();
    const Bytes& code = machine.output;
    const auto fail = [&](Failure failure) {
        result = {false, 0, failure};
        return true;
    };
    if (fork >= Fork::London && !code.empty() && code[0] == RESERVED_FIRST_BYTE) return fail(Failure::InvalidCode);
    if (code.size() > code_size_max(fork)) return fail(Failure::CodeTooLarge);
    const int64_t gas_left = pay_deposit(machine, static_cast<int64_t>(code.size()), result.gas_left);
    if (gas_left < 0) {
        if (fork >= Fork::Homestead) return fail(Failure::OutOfGas);
        machine.output.clear();  // EIP-2 ended this: the account stays, without code
        return true;
    }
    result.gas_left = gas_left;
    const bool goes_on = code.empty() || machine.journal.set_code(frame.self, {code.data(), code.size()});
    machine.output.clear();
    return goes_on;
}

void resume_after_creation(Machine& machine, const Address& created, const ExecutionResult& result) noexcept {
    Frame& caller = machine.frames.back();
    machine.return_data.swap(machine.output);  // of a creation that was reverted; otherwise empty
    *caller.top++ = result.succeeded ? from_address(created) : u256{};
}

}  // namespace blockstm::evm
