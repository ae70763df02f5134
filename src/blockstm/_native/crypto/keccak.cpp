#include "crypto/keccak.hpp"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstring>

#include "crypto/keccak_rounds.hpp"

#if defined(__x86_64__)
#include "crypto/keccak_lines.hpp"
#include "crypto/keccak_registers.hpp"
#endif

namespace blockstm {
namespace {

// Keccak's own padding: a bit after the message, and one at the end of the block.
constexpr uint64_t FIRST_PAD = 0x01;
constexpr uint64_t LAST_PAD = uint64_t{0x80} << 56;

constexpr uint64_t BLOCK_LANES = KECCAK_RATE / 8;
constexpr uint64_t WIDTH_MAX = 8;

uint64_t load_lane(const uint8_t* bytes) noexcept {
    uint64_t lane;
    std::memcpy(&lane, bytes, sizeof lane);
    if constexpr (std::endian::native == std::endian::big) lane = __builtin_bswap64(lane);
    return lane;
}

// Adds a block to the state whose lanes are `stride` apart.
void absorb(uint64_t* lanes, uint64_t stride, const uint8_t* block) noexcept {
    for (uint64_t place = 0; place < BLOCK_LANES; ++place) {
        lanes[stride * place] ^= load_lane(block + 8 * place);
    }
}

// Adds the rest of the message, less than a block, with its padding.
void absorb_last(uint64_t* lanes, uint64_t stride, const uint8_t* data, uint64_t size) noexcept {
    uint64_t place = 0;
    for (; size >= 8; size -= 8, data += 8) lanes[stride * place++] ^= load_lane(data);
    uint64_t tail = FIRST_PAD << (8 * size);
    for (uint64_t index = 0; index < size; ++index) tail |= static_cast<uint64_t>(data[index]) << (8 * index);
    lanes[stride * place] ^= tail;
    lanes[stride * (BLOCK_LANES - 1)] ^= LAST_PAD;
}

void squeeze(const uint64_t* lanes, uint64_t stride, uint8_t out[32]) noexcept {
    for (uint64_t place = 0; place < 4; ++place) {
        uint64_t lane = lanes[stride * place];
        if constexpr (std::endian::native == std::endian::big) lane = __builtin_bswap64(lane);
        std::memcpy(out + 8 * place, &lane, sizeof lane);
    }
}

// What is left of a message behind a state, or behind none, lane by lane.
template <void (*permute_state)(uint64_t*) noexcept>
void finish(const uint64_t* state, const uint8_t* data, uint64_t size, uint8_t out[32]) noexcept {
    uint64_t lanes[25] = {};
    if (state != nullptr) std::memcpy(lanes, state, sizeof lanes);
    for (; size >= KECCAK_RATE; size -= KECCAK_RATE, data += KECCAK_RATE) {
        absorb(lanes, 1, data);
        permute_state(lanes);
    }
    absorb_last(lanes, 1, data, size);
    permute_state(lanes);
    squeeze(lanes, 1, out);
}

[[gnu::always_inline]] inline void permute_numbers(uint64_t* state) noexcept {
    uint64_t lanes[25];
#pragma GCC unroll 25
    for (int place = 0; place < 25; ++place) lanes[place] = state[place];
    keccak_rounds(lanes);
#pragma GCC unroll 25
    for (int place = 0; place < 25; ++place) state[place] = lanes[place];
}

void permute_plain(uint64_t* state) noexcept { permute_numbers(state); }

#if defined(__x86_64__)
template <int width>
using Vector [[gnu::vector_size(8 * width)]] = uint64_t;

template <int width, int stride>
[[gnu::always_inline]] inline void permute_vectors(uint64_t* states) noexcept {
    Vector<width> lanes[25];
#pragma GCC unroll 25
    for (int place = 0; place < 25; ++place) {
        lanes[place] = *reinterpret_cast<const Vector<width>*>(states + stride * place);
    }
    keccak_rounds(lanes);
#pragma GCC unroll 25
    for (int place = 0; place < 25; ++place) {
        *reinterpret_cast<Vector<width>*>(states + stride * place) = lanes[place];
    }
}

// ANDN and RORX spare chi its complements and rho its moves.
[[gnu::target("bmi,bmi2")]] void permute_bmi(uint64_t* state) noexcept { permute_numbers(state); }

[[gnu::target("avx2")]] void permute_four(uint64_t* states) noexcept { permute_vectors<4, 4>(states); }

[[gnu::target("avx512f")]] void permute_eight(uint64_t* states) noexcept { permute_vectors<8, 8>(states); }

// The first four of eight, in less time than eight take.
[[gnu::target("avx512f,avx512vl")]] void permute_half(uint64_t* states) noexcept {
    permute_vectors<4, 8>(states);
}

[[gnu::target("avx512f,avx512vl")]] void permute_one(uint64_t* state) noexcept { keccak_in_registers(state); }
#endif

// What this processor runs, and of it the best for one state, for a few and for many.
struct Permutations : KeccakPermutations {
    KeccakPermutation one, few, many;

    Permutations() noexcept : KeccakPermutations{{}, 0} {
        one = few = many = add({"plain", 1, 1, permute_plain, finish<permute_plain>});
#if defined(__x86_64__)
        if (__builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2")) {
            one = few = many = add({"bmi", 1, 1, permute_bmi, finish<permute_bmi>});
        }
        if (__builtin_cpu_supports("avx2")) few = many = add({"avx2", 4, 4, permute_four, nullptr});
        if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")) {
            one = add({"avx512 one", 1, 1, permute_one, finish<permute_one>});
            if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("bmi2")) {
                one = faster(one, add({"avx512 lines", 1, 1, lines::permute_state, lines::finish}));
            }
            few = add({"avx512 half", 4, 8, permute_half, nullptr});
            many = add({"avx512", 8, 8, permute_eight, nullptr});
        }
#endif
    }

    const KeccakPermutation& add(const KeccakPermutation& permutation) noexcept {
        return entries[count++] = permutation;
    }

    // Which of them is depends on the processor, and on no other property of it that one could ask for. The least of a
    // few tries: something else may run in between. Microseconds.
    static const KeccakPermutation& faster(const KeccakPermutation& a, const KeccakPermutation& b) noexcept {
        return time_of(b) < time_of(a) ? b : a;
    }
    static std::chrono::nanoseconds time_of(const KeccakPermutation& permutation) noexcept {
        using Clock = std::chrono::steady_clock;
        uint64_t state[25] = {};
        auto least = std::chrono::nanoseconds::max();
        for (int attempt = 0; attempt < 5; ++attempt) {
            const Clock::time_point begin = Clock::now();
            for (int count = 0; count < 6; ++count) permutation.permute(state);
            least = std::min<std::chrono::nanoseconds>(least, Clock::now() - begin);
        }
        return least;
    }

    // The widest of at most this width whose states lie close together.
    const KeccakPermutation* narrower(uint64_t width_max) const noexcept {
        const KeccakPermutation* found = &one;
        for (int place = 0; place < count; ++place) {
            const KeccakPermutation& entry = entries[place];
            if (entry.width != entry.stride || entry.width > width_max) continue;
            if (entry.width > found->width) found = &entry;
        }
        return found;
    }
};

// Before whatever else of this module is made when it is loaded.
[[gnu::init_priority(200)]] const Permutations permutations;

void permute(uint64_t* lanes) noexcept { permutations.one.permute(lanes); }

// Several sponges side by side, each with a task of its own and, when that ends, the next one.
class Row {
public:
    Row(const KeccakPermutation& few_states, const KeccakPermutation& many_states, const KeccakTask* tasks,
        uint64_t count) noexcept
        : few(few_states), many(many_states), next_(tasks), end_(tasks + count) {
        while (busy_ < many.width && take(busy_)) ++busy_;
    }

    void run() noexcept {
        while (busy_ > 1) {
            for (uint64_t place = 0; place < busy_; ++place) absorb_block(place);
            (busy_ <= few.width ? few : many).permute(lanes_);
            for (uint64_t place = busy_; place-- > 0;) {
                if (is_last_[place]) end(place);
            }
        }
        if (busy_ == 1) leave(0);
    }

private:
    uint64_t* lanes(uint64_t place) noexcept { return lanes_ + place; }

    // The next task starts at this place, if there is one.
    bool take(uint64_t place) noexcept {
        if (next_ == end_) return false;
        tasks_[place] = *next_++;
        is_last_[place] = false;
        for (uint64_t lane = 0; lane < 25; ++lane) lanes(place)[many.stride * lane] = 0;
        return true;
    }

    void absorb_block(uint64_t place) noexcept {
        KeccakTask& task = tasks_[place];
        if (task.size >= KECCAK_RATE) {
            absorb(lanes(place), many.stride, task.data);
            task.data += KECCAK_RATE;
            task.size -= KECCAK_RATE;
        } else {
            absorb_last(lanes(place), many.stride, task.data, task.size);
            is_last_[place] = true;
        }
    }

    // Where no task is left to follow, the last place moves here.
    void end(uint64_t place) noexcept {
        squeeze(lanes(place), many.stride, tasks_[place].out);
        if (take(place)) return;
        --busy_;
        if (place == busy_) return;
        tasks_[place] = tasks_[busy_];
        is_last_[place] = is_last_[busy_];
        for (uint64_t lane = 0; lane < 25; ++lane) {
            lanes(place)[many.stride * lane] = lanes(busy_)[many.stride * lane];
        }
    }

    void leave(uint64_t place) noexcept {
        uint64_t alone[25];
        for (uint64_t lane = 0; lane < 25; ++lane) alone[lane] = lanes(place)[many.stride * lane];
        permutations.one.finish(alone, tasks_[place].data, tasks_[place].size, tasks_[place].out);
    }

    const KeccakPermutation few, many;  // states of a few lie as those of many do
    alignas(64) uint64_t lanes_[25 * WIDTH_MAX];
    KeccakTask tasks_[WIDTH_MAX];
    bool is_last_[WIDTH_MAX];
    uint64_t busy_ = 0;  // places in use, the first ones
    const KeccakTask* next_;
    const KeccakTask* end_;
};

}  // namespace

void keccak256(const uint8_t* data, uint64_t size, uint8_t out[32]) noexcept {
    permutations.one.finish(nullptr, data, size, out);
}

void keccak256_many(const KeccakTask* tasks, uint64_t count) noexcept {
    keccak256_many_within(WIDTH_MAX, tasks, count);
}

void keccak256_many_within(uint64_t width_max, const KeccakTask* tasks, uint64_t count) noexcept {
    const KeccakPermutation* few = &permutations.few;
    const KeccakPermutation* many = &permutations.many;
    if (many->width > width_max) few = many = permutations.narrower(width_max);
    if (many->width > 1) {
        Row(*few, *many, tasks, count).run();
    } else {
        for (; count != 0; --count, ++tasks) keccak256(tasks->data, tasks->size, tasks->out);
    }
}

const KeccakPermutations& keccak_permutations() noexcept { return permutations; }

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
        absorb(lanes_, 1, waiting_);
        permute(lanes_);
        waiting_size_ = 0;
    }
    for (; size >= KECCAK_RATE; size -= KECCAK_RATE, data += KECCAK_RATE) {
        absorb(lanes_, 1, data);
        permute(lanes_);
    }
    if (size != 0) std::memcpy(waiting_, data, size);
    waiting_size_ = size;
}

void Keccak256::finish(uint8_t out[32]) noexcept { permutations.one.finish(lanes_, waiting_, waiting_size_, out); }

}  // namespace blockstm
