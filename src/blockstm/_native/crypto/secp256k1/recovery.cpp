#include "crypto/secp256k1/recovery.hpp"

#include <algorithm>
#include <cstring>

#include "base/threads.hpp"
#include "crypto/keccak.hpp"
#include "crypto/secp256k1/recovery_lanes.hpp"
#include "crypto/secp256k1/recovery_plain.hpp"

namespace blockstm::secp256k1 {
namespace {

constexpr size_t CHUNK = size_t{LANE_TASKS_MAX} * RECOVERY_LANES;
constexpr size_t LANES_WORTH_MIN = 3;  // fewer are quicker one by one
constexpr size_t KEY_SIZE = 64;

bool is_scalar(const Limbs& value) noexcept { return !is_zero(value) && is_below(value, N); }

// False where no key can have signed with these numbers.
bool read(const SignatureTask& task, Recovery& out) noexcept {
    out = {from_bytes(task.compact), from_bytes(task.compact + 32), from_bytes(task.hash), task.parity == 1};
    if (!is_below(out.message, N)) subtract(out.message, N);
    return task.parity <= 1 && is_scalar(out.r) && is_scalar(out.s);
}

void write_key(const PublicKey& key, uint8_t bytes[KEY_SIZE]) noexcept {
    to_bytes(key.x, bytes);
    to_bytes(key.y, bytes + 32);
}

// Those of a chunk that have a place in a lane.
struct Chunk {
    SignatureTask* task[CHUNK];
    Recovery recovery[CHUNK];
    size_t count = 0;

    // A message of zero asks for no multiple of the generator, and so for other steps than the rest.
    explicit Chunk(SignatureTask* tasks, size_t size) noexcept {
        for (size_t place = 0; place < size; ++place) {
            Recovery& next = recovery[count];
            tasks[place].is_known = false;
            if (!read(tasks[place], next)) continue;
            if (is_zero(next.message)) {
                recover_signature(tasks[place]);
            } else {
                task[count++] = &tasks[place];
            }
        }
    }
};

// s / r and - message / r of each, by one inversion for all (P. Montgomery's trick).
void write_scalars(const Chunk& chunk, LaneTask* lanes) noexcept {
    Scalar product[CHUNK];
    for (size_t place = 0; place < chunk.count; ++place) {
        const Scalar r = Scalar::from(chunk.recovery[place].r);
        product[place] = place > 0 ? product[place - 1] * r : r;
    }
    Scalar inverse = product[chunk.count - 1].inverse();
    for (size_t place = chunk.count; place-- > 0;) {
        const Recovery& recovery = chunk.recovery[place];
        const Scalar own = place > 0 ? inverse * product[place - 1] : inverse;
        inverse = inverse * Scalar::from(recovery.r);
        LaneTask& lane = lanes[place / RECOVERY_LANES];
        const size_t column = place % RECOVERY_LANES;
        const Halves halves = split_odd((Scalar::from(recovery.s) * own).number());
        write_half_digits(halves.one, &lane.digits[0][column], RECOVERY_LANES);
        write_half_digits(halves.other, &lane.image_digits[0][column], RECOVERY_LANES);
        const Limbs of_generator = (-(Scalar::from(recovery.message) * own)).number();
        write_generator_digits(of_generator, &lane.generator_digits[0][column], RECOVERY_LANES);
    }
}

void write_points(const Chunk& chunk, LaneTask* lanes) noexcept {
    for (size_t place = 0; place < chunk.count; ++place) {
        LaneTask& lane = lanes[place / RECOVERY_LANES];
        const size_t column = place % RECOVERY_LANES;
        for (int word = 0; word < 4; ++word) lane.x[word][column] = chunk.recovery[place].r.limb[word];
        lane.odd_lanes |= static_cast<uint8_t>(chunk.recovery[place].is_odd << column);
    }
}

// The keys' hashes; what met an exceptional case is recovered anew.
void read_results(const Chunk& chunk, const LaneResult* results) noexcept {
    uint8_t keys[CHUNK][KEY_SIZE], digests[CHUNK][32];
    KeccakTask hashes[CHUNK];
    SignatureTask* known[CHUNK];
    size_t count = 0;
    for (size_t place = 0; place < chunk.count; ++place) {
        const LaneResult& result = results[place / RECOVERY_LANES];
        const size_t column = place % RECOVERY_LANES;
        if (!(result.on_curve >> column & 1)) continue;
        if (!(result.computed >> column & 1)) {
            recover_signature(*chunk.task[place]);
            continue;
        }
        PublicKey key;
        for (int word = 0; word < 4; ++word) {
            key.x.limb[word] = result.x[word][column];
            key.y.limb[word] = result.y[word][column];
        }
        write_key(key, keys[count]);
        hashes[count] = {keys[count], KEY_SIZE, digests[count]};
        known[count++] = chunk.task[place];
    }
    keccak256_many(hashes, count);
    for (size_t place = 0; place < count; ++place) {
        known[place]->is_known = true;
        std::memcpy(known[place]->address, digests[place] + 12, sizeof known[place]->address);
    }
}

void recover_chunk(SignatureTask* tasks, size_t size) noexcept {
    const Chunk chunk(tasks, size);
    if (chunk.count == 0) return;
    LaneTask lanes[LANE_TASKS_MAX];
    LaneResult results[LANE_TASKS_MAX];
    const size_t used = (chunk.count + RECOVERY_LANES - 1) / RECOVERY_LANES;
    std::memset(lanes, 0, used * sizeof *lanes);  // the results of lanes without a task are not read
    write_scalars(chunk, lanes);
    write_points(chunk, lanes);
    recover_lanes(lanes, results, static_cast<int>(used));
    read_results(chunk, results);
}

}  // namespace

void recover_signature(SignatureTask& task) noexcept {
    Recovery recovery;
    PublicKey key;
    task.is_known = read(task, recovery) && recover_plain(recovery, key);
    if (!task.is_known) return;
    uint8_t bytes[KEY_SIZE], digest[32];
    write_key(key, bytes);
    keccak256(bytes, KEY_SIZE, digest);
    std::memcpy(task.address, digest + 12, sizeof task.address);
}

void recover_signatures(SignatureTask* tasks, size_t count, bool with_lanes) noexcept {
    if (!with_lanes || count < LANES_WORTH_MIN || !has_lanes()) {
        for (size_t place = 0; place < count; ++place) recover_signature(tasks[place]);
        return;
    }
    for (size_t first = 0; first < count; first += CHUNK) {
        recover_chunk(tasks + first, std::min(CHUNK, count - first));
    }
}

void recover_signatures_by(uint32_t threads, SignatureTask* tasks, size_t count, bool with_lanes) noexcept {
    const auto act = [=](uint64_t first, uint64_t size) noexcept {
        recover_signatures(tasks + first, size, with_lanes);
    };
    run_even_parts<RECOVERY_THREADS_MAX>(threads, count, SIGNATURES_PER_PART_MIN, act);
}

}  // namespace blockstm::secp256k1
