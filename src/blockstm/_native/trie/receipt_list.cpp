#include "trie/receipt_list.hpp"

#include "trie/ordered_root.hpp"

namespace blockstm::trie {
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

// Appends one receipt and sets its bits in the block's Bloom filter, too.
Status encode_receipt(const ReceiptInput& input, BloomFilter& filter, BlockReceipts& out) noexcept {
    uint8_t bloom[BLOOM_SIZE] = {};
    uint64_t logs = 0;
    LogView log;
    LogReader reader(input.logs);
    while (reader.next(log)) {
        filter.add(log, bloom);
        logs += rlp::list_size(log_payload(log));
    }
    if (!reader.is_good()) return Status::BadInput;
    const uint64_t payload = rlp::string_size(input.outcome) + rlp::number_size(input.cumulative_gas_used) +
                             rlp::string_size({bloom, BLOOM_SIZE}) + rlp::list_size(logs);
    const uint64_t size = (input.type != 0) + rlp::list_size(payload);
    uint8_t* place = out.encodings.extend(size);
    if (place == nullptr || !out.sizes.push(size)) return Status::OutOfMemory;
    if (input.type != 0) *place++ = input.type;
    place = rlp::put_list_header(place, payload);
    place = rlp::put_string(place, input.outcome);
    place = rlp::put_number(place, input.cumulative_gas_used);
    place = rlp::put_string(place, {bloom, BLOOM_SIZE});
    place = rlp::put_list_header(place, logs);
    for (LogReader again(input.logs); again.next(log);) place = put_log(place, log);
    for (uint64_t index = 0; index < BLOOM_SIZE; ++index) out.bloom[index] |= bloom[index];
    return Status::Ok;
}

}  // namespace

Status encode_receipts(const ReceiptInput* inputs, uint64_t count, BlockReceipts& out) noexcept {
    BloomFilter filter;
    std::memset(out.bloom, 0, BLOOM_SIZE);
    for (uint64_t index = 0; index < count; ++index) {
        out.bad_index = index;
        const Status status = encode_receipt(inputs[index], filter, out);
        if (status != Status::Ok) return status;
    }
    Buffer<Bytes> items;
    if (!items.reserve(count)) return Status::OutOfMemory;
    const uint8_t* place = out.encodings.data();
    for (const uint64_t size : out.sizes) {
        items.push({place, size});
        place += size;
    }
    return ordered_root(items.data(), count, out.root);
}

Status logs_bloom(Bytes logs, uint8_t bloom[BLOOM_SIZE]) noexcept {
    BloomFilter filter;
    LogView log;
    LogReader reader(logs);
    std::memset(bloom, 0, BLOOM_SIZE);
    while (reader.next(log)) filter.add(log, bloom);
    return reader.is_good() ? Status::Ok : Status::BadInput;
}

}  // namespace blockstm::trie
