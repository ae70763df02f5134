// Logs of ether; see transfer_logs.hpp.
#include "evm/journal/transfer_logs.hpp"

namespace blockstm::evm {

namespace {

// The address of these logs is that of the system.
constexpr Address SYSTEM = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                             0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe}};
// keccak("Transfer(address,address,uint256)")
constexpr Hash32 TRANSFER = {{0xdd, 0xf2, 0x52, 0xad, 0x1b, 0xe2, 0xc8, 0x9b, 0x69, 0xc2, 0xb0,
                              0x68, 0xfc, 0x37, 0x8d, 0xaa, 0x95, 0x2b, 0xa7, 0xf1, 0x63, 0xc4,
                              0xa1, 0x16, 0x28, 0xf5, 0x5a, 0x4d, 0xf5, 0x23, 0xb3, 0xef}};

Hash32 topic_of(const Address& address) noexcept { return to_hash(from_address(address)); }

}  // namespace

bool log_transfer(Journal& journal, const Address& payer, const Address& receiver, const u256& amount) noexcept {
    if (amount.is_zero()) return true;
    const Hash32 topics[] = {TRANSFER, topic_of(payer), topic_of(receiver)};
    const Hash32 data = to_hash(amount);
    return journal.log(SYSTEM, topics, 3, {data.bytes, sizeof data.bytes});
}

}  // namespace blockstm::evm
