// Fees; see fees.hpp.
#include "evm/fees.hpp"

#include <algorithm>

#include "evm/state_gas.hpp"

namespace blockstm::evm {

namespace {

constexpr uint64_t BASE = 21000;
constexpr uint64_t CREATION = 32000;
constexpr uint64_t INITCODE_WORD = 2;
constexpr uint64_t ZERO_BYTE = 4;
constexpr uint64_t TOKENS_OF_OTHER_BYTE = 4;  // EIP-7623: a zero byte is one token
constexpr uint64_t FLOOR_TOKEN = 10;
constexpr uint64_t LISTED_ADDRESS = 2400;
constexpr uint64_t LISTED_SLOT = 1900;

constexpr uint64_t other_byte(Fork fork) noexcept { return fork >= Fork::Istanbul ? 16 : 68; }  // EIP-2028

uint64_t count_zeros(Span data) noexcept {
    uint64_t zeros = 0;
    for (uint64_t place = 0; place < data.size; ++place) zeros += data.data[place] == 0;
    return zeros;
}

uint64_t access_list_gas(const Transaction& transaction) noexcept {
    uint64_t gas = transaction.access_count * LISTED_ADDRESS;
    for (uint64_t place = 0; place < transaction.access_count; ++place) {
        gas += transaction.access_list[place].slot_count * LISTED_SLOT;
    }
    return gas;
}

}  // namespace

namespace {

// EIP-7976: a byte is four tokens, whatever it is. EIP-7981: so is a byte of an access list, and they are paid
// for. EIP-8037: what the state grows by is paid for by the byte.
IntrinsicGas intrinsic_gas_of_amsterdam(const Transaction& transaction, const BlockEnv& block,
                                        uint64_t data_gas) noexcept {
    constexpr uint64_t CREATION_REGULAR = 9000, AUTHORIZATION_REGULAR = 7500;
    constexpr uint64_t FLOOR_BYTE = 4 * 16;  // tokens, and gas for each
    uint64_t listed_bytes = 20 * transaction.access_count;
    for (uint64_t place = 0; place < transaction.access_count; ++place) {
        listed_bytes += 32 * transaction.access_list[place].slot_count;
    }
    uint64_t gas = BASE + data_gas + access_list_gas(transaction) + FLOOR_BYTE * listed_bytes;
    gas += transaction.authorization_count * AUTHORIZATION_REGULAR;
    uint64_t state_bytes = transaction.authorization_count * (NEW_ACCOUNT_BYTES + DELEGATION_BYTES);
    if (transaction.creates) {
        gas += CREATION_REGULAR + INITCODE_WORD * ((transaction.data.size + 31) / 32);
        state_bytes += NEW_ACCOUNT_BYTES;
    }
    const uint64_t floor = BASE + FLOOR_BYTE * (transaction.data.size + listed_bytes);
    if (state_bytes == 0) return {gas, floor};
    return {gas, floor, state_bytes * static_cast<uint64_t>(state_byte_cost(block.gas_limit))};
}

}  // namespace

IntrinsicGas intrinsic_gas(const Transaction& transaction, const BlockEnv& block) noexcept {
    const Fork fork = block.fork;
    const uint64_t zeros = count_zeros(transaction.data);
    const uint64_t others = transaction.data.size - zeros;
    const uint64_t data_gas = zeros * ZERO_BYTE + others * other_byte(fork);
    if (fork >= Fork::Amsterdam) return intrinsic_gas_of_amsterdam(transaction, block, data_gas);
    uint64_t gas = BASE + data_gas;
    if (transaction.creates && fork >= Fork::Homestead) gas += CREATION;
    if (transaction.creates && fork >= Fork::Shanghai) gas += INITCODE_WORD * ((transaction.data.size + 31) / 32);
    gas += access_list_gas(transaction);
    gas += transaction.authorization_count * AUTHORIZATION_NEW_ACCOUNT;
    uint64_t floor = 0;
    if (fork >= Fork::Prague) floor = BASE + FLOOR_TOKEN * (zeros + others * TOKENS_OF_OTHER_BYTE);
    return {gas, floor};
}

GasPrice gas_price(const Transaction& transaction, const BlockEnv& block) noexcept {
    const u256 above_base = transaction.max_fee_per_gas - block.base_fee;
    const u256 priority = std::min(transaction.max_priority_fee_per_gas, above_base);
    return {block.base_fee + priority, priority};
}

bool multiply(const u256& value, uint64_t factor, u256& product) noexcept {
    uint64_t carry = 0;
    for (int place = 0; place < 4; ++place) {
        const u128 wide = static_cast<u128>(value.limb[place]) * factor + carry;
        product.limb[place] = static_cast<uint64_t>(wide);
        carry = static_cast<uint64_t>(wide >> 64);
    }
    return carry == 0;
}

bool cost_max(const Transaction& transaction, u256& cost) noexcept {
    u256 gas_cost, blob_cost;
    return multiply(transaction.max_fee_per_gas, transaction.gas_limit, gas_cost) &&
           multiply(transaction.max_fee_per_blob_gas, blob_gas(transaction), blob_cost) &&
           add(gas_cost, blob_cost, cost) == 0 && add(cost, transaction.value, cost) == 0;
}

}  // namespace blockstm::evm
