// Creations; see create.hpp.
#include "evm/create.hpp"

#include "crypto/keccak.hpp"
#include "evm/code_size.hpp"

namespace blockstm::evm {

namespace {

constexpr int64_t CODE_DEPOSIT_BYTE = 200;
constexpr int64_t HASHED_WORD = 6;            // EIP-8037: what a byte of code costs is state gas then
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

// EIP-684, EIP-7610.
bool is_taken(World& world, Account* account, bool& taken) noexcept {
    uint64_t nonce = 0;
    if (!world.nonce(account, nonce) || !world.has_code(account, taken)) return false;
    taken = taken || nonce != 0;
    return taken || world.has_storage(account, taken);
}

Entry begin_creation(Machine& machine, Frame& frame, Account* payer, Span initcode, Ending& ending) noexcept {
    World& world = machine.world;
    bool taken = false;
    if (!is_taken(world, frame.self, taken)) return Entry::Over;
    if (taken) return refuse(machine, 0, Failure::AddressCollision, ending);
    if (!world.checkpoint(frame.checkpoint) || !world.create(frame.self)) return Entry::Over;
    if (!transfer(machine, payer, frame.self, frame.value)) return Entry::Over;
    frame.initcode = make_code(initcode, Hash32{}, machine.fork(), machine.tracer != nullptr);
    if (frame.initcode == nullptr) {
        world.stop(BLOCKSTM_NO_MEMORY);
        return Entry::Over;
    }
    frame.code = frame.initcode;
    return push_frame(machine, frame);
}

}  // namespace

Entry enter_creation(Machine& machine, Ending& ending) noexcept {
    World& world = machine.world;
    const Request& request = machine.request;
    Account* const creator = machine.frames.back().self;
    machine.return_data.clear();
    if (machine.frames.back().depth >= CALL_DEPTH_MAX) {
        return refuse(machine, request.gas, Failure::DepthExceeded, ending);
    }
    bool holds = true;
    if (!request.value.is_zero() && !world.can_pay(creator, request.value, holds)) return Entry::Over;
    if (!holds) return refuse(machine, request.gas, Failure::InsufficientBalance, ending);
    uint64_t nonce = 0;
    if (!world.nonce(creator, nonce)) return Entry::Over;
    if (nonce == UINT64_MAX) return refuse(machine, request.gas, Failure::NonceOverflow, ending);
    Frame* next = next_frame(machine);
    if (next == nullptr) return Entry::Over;
    Frame& frame = *next;
    const Frame& caller = machine.frames.back();
    Span initcode{nullptr, request.input_size};
    if (initcode.size != 0) initcode.data = machine.memory.at(caller.memory_base + request.input_offset);
    frame.address = request.kind == CallKind::Create2
                        ? creation_address(caller.address, request.salt, initcode)
                        : creation_address(caller.address, nonce);
    if (!world.set_nonce(creator, nonce + 1)) return Entry::Over;
    bool was_cold = false;
    if (!world.account(frame.address, frame.self) || !world.access(frame.self, was_cold)) return Entry::Over;
    frame.gas = request.gas;
    frame.caller = caller.address;
    frame.value = request.value;
    frame.kind = request.kind;
    return begin_creation(machine, frame, creator, initcode, ending);
}

Entry enter_first_creation(Machine& machine, const Message& message, Ending& ending) noexcept {
    Frame* next = next_frame(machine);
    if (next == nullptr) return Entry::Over;
    Frame& frame = *next;
    Account* payer = nullptr;
    if (!machine.world.account(message.caller, payer)) return Entry::Over;
    if (!machine.world.account(message.target, frame.self)) return Entry::Over;
    frame.gas = message.gas;
    frame.address = message.target;
    frame.caller = message.caller;
    frame.value = message.value;
    frame.kind = CallKind::Create;
    return begin_creation(machine, frame, payer, message.input, ending);
}

// ------------------------------------------------------------------------------ ending

namespace {

// The gas left; less than none where it does not suffice.
int64_t pay_deposit(Machine& machine, int64_t size, int64_t gas) noexcept {
    if (!machine.meters_state()) return gas - size * CODE_DEPOSIT_BYTE;
    gas -= (size + 31) / 32 * HASHED_WORD;
    return gas < 0 ? gas : machine.state_gas.charge(size, gas);
}

}  // namespace

bool deposit_code(Machine& machine, const Frame& frame, Ending& ending) noexcept {
    const Fork fork = machine.fork();
    const Bytes& code = machine.output;
    const auto fail = [&](Failure failure) {
        ending = {false, 0, failure};
        return true;
    };
    if (fork >= Fork::London && !code.empty() && code[0] == RESERVED_FIRST_BYTE) return fail(Failure::InvalidCode);
    if (code.size() > code_size_max(fork)) return fail(Failure::CodeTooLarge);
    const int64_t gas_left = pay_deposit(machine, static_cast<int64_t>(code.size()), ending.gas_left);
    if (gas_left < 0) {
        if (fork >= Fork::Homestead) return fail(Failure::OutOfGas);
        machine.output.clear();  // EIP-2 ended this: the account stays, without code
        return true;
    }
    ending.gas_left = gas_left;
    const bool goes_on = code.empty() || machine.world.set_code(frame.self, {code.data(), code.size()});
    machine.output.clear();
    return goes_on;
}

void resume_after_creation(Machine& machine, const Address& created, const Ending& ending) noexcept {
    Frame& caller = machine.frames.back();
    machine.return_data.swap(machine.output);  // of a creation that was reverted; otherwise empty
    caller.gas += ending.gas_left;
    if (!ending.succeeded && machine.meters_state()) machine.state_gas.give_back(NEW_ACCOUNT_BYTES);
    *caller.top++ = ending.succeeded ? from_address(created) : u256{};
}

}  // namespace blockstm::evm
