#include "wire/receipt_list.hpp"

#include <algorithm>
#include <memory>
#include <new>

#include "base/atomics.hpp"
#include "base/threads.hpp"
#include "trie/ordered_root.hpp"

namespace blockstm {
namespace {

uint64_t topics_payload(const LogView& log) noexcept {
    return log.topics.size() / TOPIC_SIZE * (1 + TOPIC_SIZE);
}

uint64_t log_payload(const LogView& log) noexcept {
    return 1 + LOG_ADDRESS_SIZE + rlp::list_size(topics_payload(log)) + rlp::string_size(log.data);
}

uint8_t* put_log(uint8_t* out, const LogView& log) noexcept {
    out = rlp::put_list_header(out, log_payload(log));
    out = rlp::put_string(out, log.address);
    out = rlp::put_list_header(out, topics_payload(log));
    for (uint64_t place = 0; place < log.topics.size(); place += TOPIC_SIZE) {
        out = rlp::put_string(out, log.topics.subspan(place, TOPIC_SIZE));
    }
    return rlp::put_string(out, log.data);
}

uint64_t payload_size(const ReceiptInput& input, uint64_t logs_payload) noexcept {
    constexpr uint64_t BLOOM_STRING_SIZE = 3 + BLOOM_SIZE;
    return rlp::string_size(input.outcome) + rlp::number_size(input.cumulative_gas_used) + BLOOM_STRING_SIZE +
           rlp::list_size(logs_payload);
}

// Of a receipt's logs and of all of it, in bytes.
struct Sizes {
    uint64_t logs_payload;
    uint64_t all;
};

// False: the logs do not follow their layout.
bool measure(const ReceiptInput& input, Sizes& sizes) noexcept {
    sizes.logs_payload = 0;
    LogView log;
    LogReader reader(input.logs);
    while (reader.next(log)) sizes.logs_payload += rlp::list_size(log_payload(log));
    sizes.all = (input.type != 0) + rlp::list_size(payload_size(input, sizes.logs_payload));
    return reader.is_good();
}

void put_receipt(uint8_t* place, const ReceiptInput& input, uint64_t logs_payload, BloomFilter& filter,
                 uint8_t block_bloom[BLOOM_SIZE]) noexcept {
    uint8_t bloom[BLOOM_SIZE] = {};
    LogView log;
    for (LogReader reader(input.logs); reader.next(log);) filter.add(log, bloom);
    if (input.type != 0) *place++ = input.type;
    place = rlp::put_list_header(place, payload_size(input, logs_payload));
    place = rlp::put_string(place, input.outcome);
    place = rlp::put_number(place, input.cumulative_gas_used);
    place = rlp::put_string(place, {bloom, BLOOM_SIZE});
    place = rlp::put_list_header(place, logs_payload);
    for (LogReader again(input.logs); again.next(log);) place = put_log(place, log);
    for (uint64_t index = 0; index < BLOOM_SIZE; ++index) block_bloom[index] |= bloom[index];
}

// What each thread sets bits with.
struct Blooms {
    BloomFilter filter;
    uint8_t of_block[BLOOM_SIZE] = {};
};

}  // namespace

trie::Status encode_receipts(const ReceiptInput* inputs, uint64_t count, uint32_t threads,
                             BlockReceipts& out) noexcept {
    constexpr uint64_t STEP = 128;
    const uint64_t steps = (count + STEP - 1) / STEP;
    if (count < SHARED_MIN || threads < 1) threads = 1;
    if (threads > THREADS_MAX) threads = THREADS_MAX;
    Array<Sizes> sizes;
    Array<ByteView> items;
    const std::unique_ptr<Blooms[]> blooms(new (std::nothrow) Blooms[threads]);
    if (sizes.extend(count) == nullptr && count != 0) return trie::Status::OutOfMemory;
    if (blooms == nullptr || !items.reserve(count) || !out.sizes.reserve(count)) {
        return trie::Status::OutOfMemory;
    }

    Atomic<uint64_t> first_bad{count};
    run_parts(threads, steps, [&](uint64_t step, uint32_t) noexcept {
        for (uint64_t index = step * STEP; index < std::min((step + 1) * STEP, count); ++index) {
            if (measure(inputs[index], sizes[index])) continue;
            uint64_t bad = first_bad.peek();
            while (index < bad && !first_bad.adjust(bad, index)) {}
        }
    });
    out.bad_index = first_bad.read_plain();
    if (out.bad_index != count) return trie::Status::BadInput;

    uint64_t size = 0;
    for (const Sizes& each : sizes) size += each.all;
    const uint8_t* place = out.encodings.extend(size);
    if (place == nullptr && size != 0) return trie::Status::OutOfMemory;
    for (const Sizes& each : sizes) {
        items.push({place, each.all});
        out.sizes.push(each.all);
        place += each.all;
    }
    run_parts(threads, steps, [&](uint64_t step, uint32_t thread) noexcept {
        for (uint64_t index = step * STEP; index < std::min((step + 1) * STEP, count); ++index) {
            uint8_t* const at = out.encodings.data() + (items[index].data() - out.encodings.data());
            put_receipt(at, inputs[index], sizes[index].logs_payload, blooms[thread].filter,
                        blooms[thread].of_block);
        }
    });
    std::memset(out.bloom, 0, BLOOM_SIZE);
    for (uint32_t thread = 0; thread < threads; ++thread) {
        for (uint64_t index = 0; index < BLOOM_SIZE; ++index) out.bloom[index] |= blooms[thread].of_block[index];
    }
    return trie::ordered_root(items.data(), count, threads, out.root);
}

trie::Status logs_bloom(ByteView logs, uint8_t bloom[BLOOM_SIZE]) noexcept {
    BloomFilter filter;
    LogView log;
    LogReader reader(logs);
    std::memset(bloom, 0, BLOOM_SIZE);
    while (reader.next(log)) filter.add(log, bloom);
    return reader.is_good() ? trie::Status::Ok : trie::Status::BadInput;
}

}  // namespace blockstm
