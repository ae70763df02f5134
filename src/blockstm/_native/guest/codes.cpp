// Codes by their bytes; see codes.hpp.
#include "guest/codes.hpp"

#include <new>

namespace blockstm::evm {
namespace {

// Of some of the bytes: which code it is, all of them decide.
uint64_t hash_of(Span bytes) noexcept {
    constexpr uint64_t SAMPLES = 32;
    constexpr uint64_t MULTIPLIER = 0x9e3779b97f4a7c15;
    uint64_t hash = bytes.size * MULTIPLIER;
    const uint64_t words = bytes.size / sizeof(uint64_t);
    const uint64_t step = words / SAMPLES + 1;
    for (uint64_t place = 0; place < words; place += step) {
        uint64_t word;
        std::memcpy(&word, bytes.data + place * sizeof word, sizeof word);
        hash = (hash ^ word ^ hash >> 32) * MULTIPLIER;
    }
    return hash >> 32;
}

bool is_same(const Code& code, Span bytes, Variant variant) noexcept {
    return code.variant == variant && code.bytes.size == bytes.size &&
           (bytes.size == 0 || std::memcmp(code.bytes.data, bytes.data, bytes.size) == 0);
}

void free_entry(CodesByContent::Entry* entry) noexcept {
    free_code(entry->code);
    delete entry;
}

}  // namespace

CodesByContent::~CodesByContent() {
    for (Entry* each : places_) {
        if (each != nullptr) free_entry(each);
    }
}

CodesByContent::Entry* CodesByContent::take(Span bytes, Variant variant) noexcept {
    Entry*& place = places_[hash_of(bytes) % PLACES];
    if (place != nullptr && is_same(*place->code, bytes, variant)) {
        ++place->users;
        return place;
    }
    Code* code = make_code(bytes, Hash32{}, variant);
    if (code == nullptr) return nullptr;
    auto* made = new (std::nothrow) Entry{code, 1, place == nullptr || place->users == 0};
    if (made == nullptr) {
        free_code(code);
        return nullptr;
    }
    if (!made->is_kept) return made;
    if (place != nullptr) free_entry(place);
    return place = made;
}

void CodesByContent::give_back(Entry* entry) noexcept {
    if (--entry->users == 0 && !entry->is_kept) free_entry(entry);
}

}  // namespace blockstm::evm
