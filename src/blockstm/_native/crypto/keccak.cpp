#include "crypto/keccak.hpp"

#include <bit>
#include <cstring>

#include "crypto/keccak_rounds.hpp"

namespace blockstm {
namespace {

// The suffix of Keccak's own padding: one bit after the message, one at the end of the block.
constexpr uint8_t FIRST_PAD = 0x01;
constexpr uint8_t LAST_PAD = 0x80;

void permute_plain(uint64_t* lanes) noexcept {
    keccak_rounds<PlainLane>(*reinterpret_cast<uint64_t(*)[25]>(lanes));
}

#if defined(__x86_64__)
// The same with ANDN and RORX, which spare chi its complements and rho its moves.
[[gnu::target("bmi,bmi2")]] void permute_bmi(uint64_t* lanes) noexcept {
    keccak_rounds<PlainLane>(*reinterpret_cast<uint64_t(*)[25]>(lanes));
}
#endif

using Permutation = void (*)(uint64_t*) noexcept;

Permutation choose_permutation() noexcept {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2")) return permute_bmi;
#endif
    return permute_plain;
}

const Permutation permute = choose_permutation();

uint64_t load_lane(const uint8_t* bytes) noexcept {
    uint64_t lane;
    std::memcpy(&lane, bytes, sizeof lane);
    if constexpr (std::endian::native == std::endian::big) lane = __builtin_bswap64(lane);
    return lane;
}

void absorb(uint64_t* lanes, const uint8_t* block) noexcept {
    for (uint64_t place = 0; place < KECCAK_RATE / 8; ++place) lanes[place] ^= load_lane(block + 8 * place);
    permute(lanes);
}

// The rest of the message, less than a block, with its padding.
void absorb_last(uint64_t* lanes, const uint8_t* data, uint64_t size) noexcept {
    uint64_t place = 0;
    for (; size >= 8; size -= 8, data += 8) lanes[place++] ^= load_lane(data);
    uint8_t tail[8] = {};
    for (uint64_t index = 0; index < size; ++index) tail[index] = data[index];
    tail[size] = FIRST_PAD;
    lanes[place] ^= load_lane(tail);
    lanes[KECCAK_RATE / 8 - 1] ^= static_cast<uint64_t>(LAST_PAD) << 56;
    permute(lanes);
}

void squeeze(const uint64_t* lanes, uint8_t out[32]) noexcept {
    for (int place = 0; place < 4; ++place) {
        const uint64_t lane = load_lane(reinterpret_cast<const uint8_t*>(lanes + place));
        std::memcpy(out + 8 * place, &lane, sizeof lane);
    }
}

}  // namespace

void keccak_permute(uint64_t lanes[25]) noexcept { permute(lanes); }

void keccak256(const uint8_t* data, uint64_t size, uint8_t out[32]) noexcept {
    uint64_t lanes[25] = {};
    for (; size >= KECCAK_RATE; size -= KECCAK_RATE, data += KECCAK_RATE) absorb(lanes, data);
    absorb_last(lanes, data, size);
    squeeze(lanes, out);
}

void Keccak256::reset() noexcept {
    std::memset(lanes_, 0, sizeof lanes_);
    waiting_size_ = 0;
}

void Keccak256::update(const uint8_t* data, uint64_t size) noexcept {
    if (waiting_size_ != 0) {
        const uint64_t room = KECCAK_RATE - waiting_size_;
        const uint64_t taken = size < room ? size : room;
        if (taken != 0) std::memcpy(waiting_ + waiting_size_, data, taken);
        waiting_size_ += taken;
        data += taken;
        size -= taken;
        if (waiting_size_ < KECCAK_RATE) return;
        absorb(lanes_, waiting_);
        waiting_size_ = 0;
    }
    for (; size >= KECCAK_RATE; size -= KECCAK_RATE, data += KECCAK_RATE) absorb(lanes_, data);
    if (size != 0) std::memcpy(waiting_, data, size);
    waiting_size_ = size;
}

void Keccak256::finish(uint8_t out[32]) noexcept {
    absorb_last(lanes_, waiting_, waiting_size_);
    squeeze(lanes_, out);
}

}  // namespace blockstm
