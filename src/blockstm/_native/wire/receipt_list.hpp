// The receipts of a block from flat logs (Yellow Paper 4.3.1, EIP-658, EIP-2718): encodings, root and Bloom.
// Pure; any thread.
#pragma once

#include "trie/status.hpp"
#include "wire/logs.hpp"

namespace blockstm {

struct ReceiptInput {
    uint8_t type;
    ByteView outcome;  // the status as a number (nothing or one byte), or before Byzantium the state root
    uint64_t cumulative_gas_used;
    ByteView logs;  // flat
};

struct BlockReceipts {
    Array<uint8_t> encodings;  // one behind the other; empty where they are not kept
    Array<uint64_t> ends;      // of each among them
    uint8_t root[HASH_SIZE];
    uint8_t bloom[BLOOM_SIZE];
    uint64_t bad_index;  // BadInput: the first whose logs do not follow the layout
};

// `threads` share what is much. Encodings are kept where all of them have no more than `kept_max` bytes.
trie::Status encode_receipts(const ReceiptInput* inputs, uint64_t count, uint32_t threads, uint64_t kept_max,
                             BlockReceipts& out) noexcept;

// BadInput: the layout is not followed.
trie::Status logs_bloom(ByteView logs, uint8_t bloom[BLOOM_SIZE]) noexcept;

}  // namespace blockstm
