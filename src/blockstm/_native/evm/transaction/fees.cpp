// Fees; see fees.hpp.
#include "evm/transaction/fees.hpp"

#include <algorithm>

#include "evm/forks/amsterdam.hpp"

namespace blockstm::evm {

namespace {

namespace table = intrinsic_gas_table;

constexpr uint64_t other_byte(Fork fork) noexcept {
    return fork >= Fork::Istanbul ? table::OTHER_BYTE : table::OTHER_BYTE_AT_FIRST;
}

uint64_t count_zeros(Span data) noexcept {
    uint64_t zeros = 0;
    for (uint64_t place = 0; place < data.size; ++place) zeros += data.data[place] == 0;
    return zeros;
}

uint64_t initcode_gas(const Transaction& transaction) noexcept {
    return table::INITCODE_WORD * ((transaction.data.size + 31) / 32);
}

uint64_t access_list_gas(const Transaction& transaction) noexcept {
    uint64_t gas = transaction.access_count * table::LISTED_ADDRESS;
    for (uint64_t place = 0; place < transaction.access_count; ++place) {
        gas += transaction.access_list[place].slot_count * table::LISTED_SLOT;
    }
    return gas;
}

}  // namespace

namespace {

// EIP-2780: what a transaction does is paid for apart; what that comes to in the state is charged when it runs.
uint64_t transaction_gas_of_amsterdam(const Transaction& transaction) noexcept {
    using namespace amsterdam_gas;
    if (transaction.creates) return TRANSACTION + TRANSACTION_CREATION;
    if (transaction.to == transaction.sender) return TRANSACTION;
    return TRANSACTION + TRANSACTION_RECIPIENT + (transaction.value.is_zero() ? 0 : TRANSACTION_VALUE);
}

// EIP-7976: a byte costs the same at the floor, whatever it is. EIP-7981: so does a byte of an access list, and
// it is paid for in any case.
IntrinsicGas intrinsic_gas_of_amsterdam(const Transaction& transaction, uint64_t data_gas) noexcept {
    using namespace amsterdam_gas;
    uint64_t slots = 0;
    for (uint64_t place = 0; place < transaction.access_count; ++place) {
        slots += transaction.access_list[place].slot_count;
    }
    const uint64_t listed_bytes = FLOOR_BYTE * (20 * transaction.access_count + 32 * slots);
    const uint64_t base = transaction_gas_of_amsterdam(transaction) + listed_bytes;
    uint64_t gas = base + data_gas;
    gas += transaction.access_count * amsterdam_gas::LISTED_ADDRESS + slots * amsterdam_gas::LISTED_SLOT;
    gas += transaction.authorization_count * AUTHORIZATION;
    if (transaction.creates) gas += initcode_gas(transaction);
    return {gas, base + FLOOR_BYTE * transaction.data.size};
}

}  // namespace

IntrinsicGas intrinsic_gas(const Transaction& transaction, const BlockEnv& block) noexcept {
    const Fork fork = block.fork;
    const uint64_t zeros = count_zeros(transaction.data);
    const uint64_t others = transaction.data.size - zeros;
    const uint64_t data_gas = zeros * table::ZERO_BYTE + others * other_byte(fork);
    if (fork >= Fork::Amsterdam) return intrinsic_gas_of_amsterdam(transaction, data_gas);
    uint64_t gas = table::TRANSACTION + data_gas;
    if (transaction.creates && fork >= Fork::Homestead) gas += table::CREATION;
    if (transaction.creates && fork >= Fork::Shanghai) gas += initcode_gas(transaction);
    gas += access_list_gas(transaction);
    gas += transaction.authorization_count * table::AUTHORIZATION;
    uint64_t floor = 0;
    if (fork >= Fork::Prague) {
        floor = table::TRANSACTION + table::FLOOR_TOKEN * (zeros + others * table::TOKENS_OF_OTHER_BYTE);
    }
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
