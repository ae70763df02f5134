// Logs of ether; see transfer_logs.hpp.
#include "evm/transfer_logs.hpp"

#include <algorithm>

namespace blockstm::evm {

namespace {

// Who logs is the system.
constexpr Address SYSTEM = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                             0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe}};
// keccak("Transfer(address,address,uint256)"), keccak("Burn(address,uint256)")
constexpr Hash32 TRANSFER = {{0xdd, 0xf2, 0x52, 0xad, 0x1b, 0xe2, 0xc8, 0x9b, 0x69, 0xc2, 0xb0,
                              0x68, 0xfc, 0x37, 0x8d, 0xaa, 0x95, 0x2b, 0xa7, 0xf1, 0x63, 0xc4,
                              0xa1, 0x16, 0x28, 0xf5, 0x5a, 0x4d, 0xf5, 0x23, 0xb3, 0xef}};
constexpr Hash32 BURN = {{0xcc, 0x16, 0xf5, 0xdb, 0xb4, 0x87, 0x32, 0x80, 0x81, 0x5c, 0x1e,
                          0xe0, 0x9d, 0xbd, 0x06, 0x73, 0x6c, 0xff, 0xcc, 0x18, 0x44, 0x12,
                          0xcf, 0x7a, 0x71, 0xa0, 0xfd, 0xb7, 0x5d, 0x39, 0x7c, 0xa5}};

Hash32 topic_of(const Address& address) noexcept { return to_hash(from_address(address)); }

bool log_amount(World& world, const Hash32* topics, uint8_t topic_count, const u256& amount) noexcept {
    if (amount.is_zero()) return true;
    const Hash32 data = to_hash(amount);
    return world.log(SYSTEM, topics, topic_count, {data.bytes, sizeof data.bytes});
}

}  // namespace

bool log_transfer(World& world, const Address& payer, const Address& receiver, const u256& amount) noexcept {
    const Hash32 topics[] = {TRANSFER, topic_of(payer), topic_of(receiver)};
    return log_amount(world, topics, 3, amount);
}

bool log_burn(World& world, const Address& account, const u256& amount) noexcept {
    const Hash32 topics[] = {BURN, topic_of(account)};
    return log_amount(world, topics, 2, amount);
}

bool log_burnt_balances(World& world) noexcept {
    Array<Account*> deleted;
    const bool is_listed = world.each_account([&](Account& account) {
        return !account.is(DESTROYED) || deleted.push(&account) || world.stop(BLOCKSTM_NO_MEMORY);
    });
    if (!is_listed) return false;
    std::sort(deleted.begin(), deleted.end(), [](const Account* left, const Account* right) {
        return std::memcmp(left->address.bytes, right->address.bytes, sizeof left->address.bytes) < 0;
    });
    for (Account* account : deleted) {
        u256 balance;
        if (!world.balance(account, balance) || !log_burn(world, account->address, balance)) return false;
    }
    return true;
}

}  // namespace blockstm::evm
