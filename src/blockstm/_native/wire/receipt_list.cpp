#include "wire/receipt_list.hpp"

#include <algorithm>
#include <memory>
#include <new>

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

// False: the logs do not follow their layout.
bool measure(const ReceiptInput& input, uint64_t& size) noexcept {
    uint64_t logs_payload = 0;
    LogView log;
    LogReader reader(input.logs);
    while (reader.next(log)) logs_payload += rlp::list_size(log_payload(log));
    size = (input.type != 0) + rlp::list_size(payload_size(input, logs_payload));
    return reader.is_good();
}

// The bits of its Bloom filter are there when `filter` has finished.
void put_receipt(uint8_t* place, const ReceiptInput& input, BloomFilter& filter) noexcept {
    uint64_t logs_payload = 0;
    LogView log;
    for (LogReader reader(input.logs); reader.next(log);) logs_payload += rlp::list_size(log_payload(log));
    if (input.type != 0) *place++ = input.type;
    place = rlp::put_list_header(place, payload_size(input, logs_payload));
    place = rlp::put_string(place, input.outcome);
    place = rlp::put_number(place, input.cumulative_gas_used);
    constexpr uint8_t EMPTY[BLOOM_SIZE] = {};
    place = rlp::put_string(place, {EMPTY, BLOOM_SIZE});
    uint8_t* const bloom = place - BLOOM_SIZE;
    place = rlp::put_list_header(place, logs_payload);
    for (LogReader again(input.logs); again.next(log);) {
        filter.add(log, bloom);
        place = put_log(place, log);
    }
}

// Where each encoding will end, if all stood one behind the other. False: out of memory, or `bad_index` is one whose
// logs do not follow their layout.
bool measure_all(const ReceiptInput* inputs, uint64_t count, BlockReceipts& out) noexcept {
    out.bad_index = count;
    if (!out.ends.resize(count)) return false;
    uint64_t end = 0;
    for (uint64_t index = 0; index < count; ++index) {
        uint64_t size;
        if (!measure(inputs[index], size)) {
            out.bad_index = index;
            return false;
        }
        out.ends[index] = end += size;
    }
    return true;
}

}  // namespace

trie::Status encode_receipts(const ReceiptInput* inputs, uint64_t count, uint32_t threads, uint64_t kept_max,
                             BlockReceipts& out) noexcept {
    if (!measure_all(inputs, count, out)) {
        return out.bad_index != count ? trie::Status::BadInput : trie::Status::OutOfMemory;
    }
    const auto begin_of = [&](uint64_t index) noexcept { return index == 0 ? 0 : out.ends[index - 1]; };
    const uint64_t all = begin_of(count);
    const bool is_kept = all <= kept_max;
    threads = std::clamp(threads, uint32_t{1}, THREADS_MAX);
    const std::unique_ptr<BloomFilter[]> filters(new (std::nothrow) BloomFilter[threads]);
    if (filters == nullptr || (is_kept && !out.encodings.resize(all))) return trie::Status::OutOfMemory;
    const auto fill = [&](uint64_t first, uint64_t size, uint32_t thread, Array<uint8_t>& room,
                          ByteView* items) noexcept {
        if (!is_kept && !room.resize(begin_of(first + size) - begin_of(first))) return false;
        uint8_t* place = is_kept ? out.encodings.data() + begin_of(first) : room.data();
        for (uint64_t index = first; index < first + size; ++index) {
            put_receipt(place, inputs[index], filters[thread]);
            items[index - first] = {place, out.ends[index] - begin_of(index)};
            place += items[index - first].size();
        }
        filters[thread].finish();
        return true;
    };
    const trie::Status status = trie::ordered_root_of(count, threads, fill, out.root);
    std::memset(out.bloom, 0, BLOOM_SIZE);
    for (uint32_t thread = 0; thread < threads; ++thread) {
        for (uint64_t index = 0; index < BLOOM_SIZE; ++index) out.bloom[index] |= filters[thread].all()[index];
    }
    return status;
}

trie::Status logs_bloom(ByteView logs, uint8_t bloom[BLOOM_SIZE]) noexcept {
    BloomFilter filter;
    LogView log;
    LogReader reader(logs);
    std::memset(bloom, 0, BLOOM_SIZE);
    while (reader.next(log)) filter.add(log, bloom);
    filter.finish();
    return reader.is_good() ? trie::Status::Ok : trie::Status::BadInput;
}

}  // namespace blockstm
