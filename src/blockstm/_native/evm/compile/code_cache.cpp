// The cache of codes; see the header.
#include "evm/compile/code_cache.hpp"

#include <cstdlib>
#include <new>

#include "base/index.hpp"

namespace blockstm::evm {

namespace {

uint64_t number_of(Variant variant) noexcept {
    const auto fork = static_cast<uint64_t>(variant.fork), tier = static_cast<uint64_t>(variant.tier);
    return fork << 1 | tier | uint64_t{variant.opcodes} << 8;
}

// The hash is Keccak's; the seed keeps the makers of contracts from choosing where they lie.
uint64_t hash_of(const CodeKey& key) noexcept {
    const TableSeed& seed = table_seed();
    uint64_t words[2];
    std::memcpy(words, key.hash.bytes, sizeof words);
    return fold(words[0] ^ seed.word[0] ^ number_of(key.variant) << 40, words[1] ^ seed.word[1]);
}

bool has_key(const Code& code, const CodeKey& key) noexcept {
    return code.variant == key.variant && code.hash == key.hash;
}

CodeKey key_of(const Code& code) noexcept { return {code.hash, code.variant}; }

// A caller that takes a reference has one already, or the shard's lock: nothing has to become visible by it.
CachedCode* hold(CachedCode* entry) noexcept {
    entry->references.count_up(1);
    return entry;
}

}  // namespace

CodeCache& shared_codes() noexcept {
    // Never destroyed: workers may hold references when the process ends.
    alignas(CodeCache) static unsigned char memory[sizeof(CodeCache)];
    static CodeCache* cache = new (memory) CodeCache();
    return *cache;
}

CodeCache::CodeCache(uint64_t limit_bytes) noexcept : shard_limit_(limit_bytes / SHARDS) {}

CodeCache::~CodeCache() {
    for (Shard& shard : shards_) {
        for (uint64_t place = 0; place < shard.capacity; ++place) {
            if (shard.entries[place] != nullptr) release(shard.entries[place]);
        }
        std::free(shard.entries);
    }
}

void CodeCache::release(CachedCode* entry) noexcept {
    if (entry->references.leave() != 1) return;
    free_code(entry->code);
    entry->~CachedCode();
    std::free(entry);
}

// Where the key is, or the free place where it belongs.
uint64_t CodeCache::place_of(const Shard& shard, uint64_t key_hash, const CodeKey& key) noexcept {
    const uint64_t mask = shard.capacity - 1;
    uint64_t place = key_hash & mask;
    while (shard.entries[place] != nullptr && !has_key(*shard.entries[place]->code, key)) {
        place = (place + 1) & mask;
    }
    return place;
}

CachedCode* CodeCache::find(const CodeKey& key) noexcept {
    const uint64_t key_hash = hash_of(key);
    Shard& shard = shard_of(key_hash);
    const std::lock_guard<ForkMutex> guard(shard.lock);
    if (shard.bytes > shard_limit_.peek() / 2) shard.frequencies.count(key_hash);  // a setting; any moment's will do
    if (shard.capacity == 0) return nullptr;
    CachedCode* entry = shard.entries[place_of(shard, key_hash, key)];
    if (entry == nullptr) return nullptr;
    entry->was_used.suggest(true);
    recount(shard, entry);
    return hold(entry);
}

CachedCode* CodeCache::add(Code* code) noexcept {
    auto* memory = static_cast<CachedCode*>(std::malloc(sizeof(CachedCode)));
    if (memory == nullptr) {
        free_code(code);
        return nullptr;
    }
    const CodeKey key = key_of(*code);
    const uint64_t key_hash = hash_of(key);
    auto* entry = new (memory) CachedCode{code, key_hash, 0, {true}, false, {1}};
    Shard& shard = shard_of(key_hash);
    {
        const std::lock_guard<ForkMutex> guard(shard.lock);
        if (!reserve(shard)) return entry;  // the caller's alone
        const uint64_t place = place_of(shard, key_hash, key);
        if (shard.entries[place] == nullptr) {
            shard.entries[place] = hold(entry);
            entry->is_cached = true;
            ++shard.count;
            recount(shard, entry);
            admit(shard, entry, key);
            return entry;
        }
        memory = entry;
        entry = hold(shard.entries[place]);
    }
    release(memory);
    return entry;
}

bool CodeCache::reserve(Shard& shard) noexcept {
    if ((shard.count + 1) * 2 <= shard.capacity) return true;
    const uint64_t capacity = shard.capacity == 0 ? 16 : shard.capacity * 2;
    auto** entries = static_cast<CachedCode**>(std::calloc(capacity, sizeof(CachedCode*)));
    if (entries == nullptr) return false;
    for (uint64_t old = 0; old < shard.capacity; ++old) {
        if (shard.entries[old] == nullptr) continue;
        uint64_t place = shard.entries[old]->key_hash & (capacity - 1);
        while (entries[place] != nullptr) place = (place + 1) & (capacity - 1);
        entries[place] = shard.entries[old];
    }
    std::free(shard.entries);
    shard.entries = entries;
    shard.capacity = capacity;
    shard.hand = 0;
    return true;
}

// Code grows when it is first run, part by part.
void CodeCache::recount(Shard& shard, CachedCode* entry) noexcept {
    const uint64_t bytes = sizeof(CachedCode) + footprint(*entry->code);
    shard.bytes += bytes - entry->counted;
    entry->counted = bytes;
}

void CodeCache::recount_all(Shard& shard) noexcept {
    for (uint64_t place = 0; place < shard.capacity; ++place) {
        if (shard.entries[place] != nullptr) recount(shard, shard.entries[place]);
    }
}

void CodeCache::count_again(CachedCode* entry) noexcept {
    Shard& shard = shard_of(entry->key_hash);
    const std::lock_guard<ForkMutex> guard(shard.lock);
    if (!entry->is_cached) return;
    recount(shard, entry);
    make_room(shard, entry);
}

// Removes the entry there and moves up those behind it that could not lie where they belong.
void CodeCache::remove(Shard& shard, uint64_t place) noexcept {
    const uint64_t mask = shard.capacity - 1;
    shard.bytes -= shard.entries[place]->counted;
    --shard.count;
    shard.entries[place]->is_cached = false;
    release(shard.entries[place]);
    uint64_t hole = place;
    for (uint64_t next = (hole + 1) & mask; shard.entries[next] != nullptr; next = (next + 1) & mask) {
        const uint64_t home = shard.entries[next]->key_hash & mask;
        if (((next - home) & mask) < ((next - hole) & mask)) continue;
        shard.entries[hole] = shard.entries[next];
        hole = next;
    }
    shard.entries[hole] = nullptr;
}

// The clock: an entry used since the hand came by is spared once. The entry at the hand that is not; null where
// none is within the steps.
CachedCode* CodeCache::next_victim(Shard& shard, const CachedCode* kept, uint64_t& steps) noexcept {
    for (; steps != 0; --steps) {
        CachedCode* entry = shard.entries[shard.hand];
        if (entry != nullptr && entry != kept) {
            if (!entry->was_used.peek()) return entry;
            entry->was_used.suggest(false);
            recount(shard, entry);
        }
        shard.hand = (shard.hand + 1) & (shard.capacity - 1);
    }
    return nullptr;
}

// `kept` stays even if it alone is too big.
void CodeCache::make_room(Shard& shard, const CachedCode* kept) noexcept {
    const uint64_t limit = shard_limit_.peek();  // as above
    uint64_t steps = 3 * shard.capacity;  // twice around, and a step for each that goes
    while (shard.bytes > limit && next_victim(shard, kept, steps) != nullptr) {
        remove(shard, shard.hand);  // another may have moved up to here: the hand stays
    }
}

// A new entry stays if there is room, or while those that would have to go were asked for less often. By how much is
// such that codes met in turn are even.
void CodeCache::admit(Shard& shard, CachedCode* entry, const CodeKey& key) noexcept {
    const uint64_t limit = shard_limit_.peek();  // as above
    const int frequency = shard.frequencies.of(entry->key_hash);
    uint64_t steps = 3 * shard.capacity;
    while (shard.bytes > limit) {
        const CachedCode* victim = next_victim(shard, entry, steps);
        if (victim == nullptr || frequency <= shard.frequencies.of(victim->key_hash) + 1) {
            remove(shard, place_of(shard, entry->key_hash, key));
            shard.hand = (shard.hand + 1) & (shard.capacity - 1);  // the next one is measured against another
            return;
        }
        remove(shard, shard.hand);
    }
}

void CodeCache::set_limit(uint64_t bytes) noexcept {
    shard_limit_.suggest(bytes / SHARDS);
    for (Shard& shard : shards_) {
        const std::lock_guard<ForkMutex> guard(shard.lock);
        if (shard.capacity == 0) continue;
        recount_all(shard);
        make_room(shard, nullptr);
    }
}

uint64_t CodeCache::bytes() noexcept {
    uint64_t sum = 0;
    for (Shard& shard : shards_) {
        const std::lock_guard<ForkMutex> guard(shard.lock);
        recount_all(shard);
        sum += shard.bytes;
    }
    return sum;
}

uint64_t CodeCache::count() noexcept {
    uint64_t sum = 0;
    for (Shard& shard : shards_) {
        const std::lock_guard<ForkMutex> guard(shard.lock);
        sum += shard.count;
    }
    return sum;
}

bool CodeCache::list(Array<CodeListing>& listed) noexcept {
    for (Shard& shard : shards_) {
        const std::lock_guard<ForkMutex> guard(shard.lock);
        for (uint64_t place = 0; place < shard.capacity; ++place) {
            if (shard.entries[place] == nullptr) continue;
            const Code& code = *shard.entries[place]->code;
            if (!listed.push({key_of(code), code.bytes.size, parts_of_footprint(code)})) return false;
        }
    }
    return true;
}

// ------------------------------------------------------------------------------ one worker's front

CodeFront::~CodeFront() {
    end();
    for (CachedCode* entry : places_) {
        if (entry != nullptr) CodeCache::release(entry);
    }
}

CachedCode*& CodeFront::place_of(const CodeKey& key) noexcept {
    return places_[(key.hash.bytes[0] ^ number_of(key.variant)) % PLACES];
}

const Code* CodeFront::find(const CodeKey& key) noexcept {
    CachedCode* kept = place_of(key);
    if (kept != nullptr && has_key(*kept->code, key)) {
        if (!kept->was_used.peek()) kept->was_used.suggest(true);
        return kept->code;
    }
    CachedCode* entry = shared_codes().find(key);
    return entry == nullptr ? nullptr : keep(entry, key);
}

const Code* CodeFront::add(Code* code) noexcept {
    CachedCode* entry = shared_codes().add(code);
    return entry == nullptr ? nullptr : keep(entry, key_of(*entry->code));
}

// Takes over the reference. What lay there stays alive until the transaction has ended.
const Code* CodeFront::keep(CachedCode* entry, const CodeKey& key) noexcept {
    CachedCode*& place = place_of(key);
    if (place != nullptr && !displaced_.push(place)) {
        CodeCache::release(entry);
        return nullptr;
    }
    place = entry;
    ++kept_since_check_;
    fresh_.push(entry);  // without memory for it, it is counted again when somebody else asks for it
    return entry->code;
}

void CodeFront::end() noexcept {
    for (CachedCode* entry : fresh_) shared_codes().count_again(entry);
    fresh_.clear();
    for (CachedCode* entry : displaced_) CodeCache::release(entry);
    displaced_.clear();
    if (kept_since_check_ >= PLACES / 4) empty_if_large();
}

void CodeFront::empty_if_large() noexcept {
    kept_since_check_ = 0;
    uint64_t bytes = 0;
    for (CachedCode* entry : places_) bytes += entry == nullptr ? 0 : footprint(*entry->code);
    if (bytes <= KEPT_BYTES) return;
    for (CachedCode*& entry : places_) {
        if (entry != nullptr) CodeCache::release(entry);
        entry = nullptr;
    }
}

}  // namespace blockstm::evm
