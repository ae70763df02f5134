#include "store/disk_reading.hpp"

#include <algorithm>

#include "base/per_thread.hpp"

namespace blockstm::store {
namespace {

constexpr uint64_t FIELD_SIZE = ADDRESS_SIZE + 1;

// A number as locations hold it: 32 bytes, little-endian. What is given out is copied before the thread reads again.
struct Word {
    uint8_t bytes[WORD_SIZE];
};
PerThread<Word> words;

int32_t give(blockstm_bytes* value, const uint8_t* data, uint64_t size) noexcept {
    *value = {data, size};
    return BLOCKSTM_OK;
}

int32_t give_number(blockstm_bytes* value, const uint8_t* big_endian) noexcept {
    if (trie::is_zero(big_endian)) return BLOCKSTM_ABSENT;
    Word* const word = words.get();
    if (word == nullptr) return BLOCKSTM_NO_MEMORY;
    std::reverse_copy(big_endian, big_endian + WORD_SIZE, word->bytes);
    return give(value, word->bytes, WORD_SIZE);
}

int32_t give_small(blockstm_bytes* value, uint64_t number) noexcept {
    if (number == 0) return BLOCKSTM_ABSENT;
    Word* const word = words.get();
    if (word == nullptr) return BLOCKSTM_NO_MEMORY;
    *word = {};
    std::memcpy(word->bytes, &number, sizeof number);
    return give(value, word->bytes, WORD_SIZE);
}

int32_t read_stored(DiskReading& reading, const uint8_t* address, blockstm_bytes* value) noexcept {
    Failure failure;
    bool has;
    if (reading.accounts.has_slots(address, has, failure) != CODE_OK) return reading.fail(failure);
    return give_small(value, has ? 1 : 0);
}

int32_t read_field(DiskReading& reading, const uint8_t* key, blockstm_bytes* value) noexcept {
    if (key[ADDRESS_SIZE] == 'e') return BLOCKSTM_ABSENT;  // between blocks no epoch has begun
    FlatAccount account;
    Failure failure;
    const int code = reading.accounts.account(key, account, failure);
    if (code == CODE_NOT_FOUND) return BLOCKSTM_ABSENT;
    if (code != CODE_OK) return reading.fail(failure);
    switch (key[ADDRESS_SIZE]) {
    case 'b': return give_number(value, account.balance);
    case 'n': return give_small(value, account.nonce);
    case 'r': return give_small(value, account.is_empty() ? 1 : 0);
    case 's': return account.nonce != 0 || account.has_code ? BLOCKSTM_ABSENT : read_stored(reading, key, value);
    default: break;
    }
    if (!account.has_code) return BLOCKSTM_ABSENT;
    Word* const word = words.get();
    if (word == nullptr) return BLOCKSTM_NO_MEMORY;
    std::memcpy(word->bytes, account.code_hash, HASH_SIZE);
    return give(value, word->bytes, HASH_SIZE);
}

int32_t read_slot(DiskReading& reading, const uint8_t* key, blockstm_bytes* value) noexcept {
    Failure failure;
    uint8_t found[WORD_SIZE];
    const int code = reading.accounts.slot(key, found, failure);
    return code == CODE_OK ? give_number(value, found) : reading.fail(failure);
}

int32_t read_code(DiskReading& reading, const uint8_t* hash, blockstm_bytes* value) noexcept {
    Failure failure;
    ByteView code;
    const int found = reading.accounts.code(hash, code, failure);
    if (found == CODE_NOT_FOUND) return BLOCKSTM_ABSENT;
    return found == CODE_OK ? give(value, code.data(), code.size()) : reading.fail(failure);
}

}  // namespace

int32_t read_location(void* context, const uint8_t* key, uint64_t size, blockstm_bytes* value) noexcept {
    DiskReading& reading = *static_cast<DiskReading*>(context);
    switch (size) {
    case FIELD_SIZE: return read_field(reading, key, value);
    case SLOT_KEY_SIZE: return read_slot(reading, key, value);
    case HASH_SIZE: return read_code(reading, key, value);
    default: return BLOCKSTM_ABSENT;  // a slot of a later epoch
    }
}

}  // namespace blockstm::store
