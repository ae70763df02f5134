// The cells of a session and the table that a VM meets it in; see session_view.hpp.
#include "vm/session_view.hpp"

namespace blockstm {
namespace {

SessionView& session(blockstm_view* view) noexcept { return *static_cast<SessionView*>(view); }

u256 magnitude_of(const blockstm_number& number) noexcept {
    return {number.limb[0], number.limb[1], number.limb[2], number.limb[3]};
}

int32_t locate(blockstm_view* view, const uint8_t* key, uint64_t size, blockstm_location* location) noexcept {
    return session(view).find(key, size, *location);
}

int32_t get(blockstm_view* view, blockstm_location location, blockstm_bytes* value) noexcept {
    SessionCell& cell = session(view)[location];
    const int32_t status = session(view).load(cell);
    if (status == BLOCKSTM_OK) *value = {cell.value.data(), cell.value.size};
    return status;
}

int32_t put(blockstm_view* view, blockstm_location location, const uint8_t* data, uint64_t size) noexcept {
    return session(view).put(location, data, size);
}

int32_t remove_value(blockstm_view* view, blockstm_location location) noexcept {
    return session(view).remove(location);
}

int32_t expect(blockstm_view* view, blockstm_location location, const uint8_t* data, uint64_t size,
               int32_t* holds) noexcept {
    SessionCell& cell = session(view)[location];
    const int32_t status = session(view).load(cell);
    *holds = status == BLOCKSTM_OK && cell.value.equals(data, size);
    return status == BLOCKSTM_ABSENT ? BLOCKSTM_OK : status;
}

// Modulo 2^256, as BLOCKSTM_VM_WRAPS says.
int32_t add_number(blockstm_view* view, blockstm_location location, const blockstm_number* delta) noexcept {
    u256 value;
    const int32_t status = session(view).number(location, value);
    if (status != BLOCKSTM_OK) return status;
    const u256 magnitude = magnitude_of(*delta);
    return session(view).put_number(location, delta->negative != 0 ? value - magnitude : value + magnitude);
}

int32_t at_least(blockstm_view* view, blockstm_location location, const blockstm_number* bound,
                 int32_t* holds) noexcept {
    u256 value;
    const int32_t status = session(view).number(location, value);
    if (status == BLOCKSTM_OK) *holds = bound->negative != 0 || !(value < magnitude_of(*bound));
    return status;
}

bool is_above(const u256& value, const blockstm_number* bound) noexcept {
    return bound != nullptr && (bound->negative != 0 || magnitude_of(*bound) < value);
}

bool is_below(const u256& value, const blockstm_number* bound) noexcept {
    return bound != nullptr && bound->negative == 0 && value < magnitude_of(*bound);
}

int32_t try_add(blockstm_view* view, blockstm_location location, const blockstm_number* delta,
                const blockstm_number* lower, const blockstm_number* upper, int32_t* done) noexcept {
    u256 value, total;
    const int32_t status = session(view).number(location, value);
    if (status != BLOCKSTM_OK) return status;
    const u256 magnitude = magnitude_of(*delta);
    const bool leaves = delta->negative != 0 ? subtract(value, magnitude, total) : add(value, magnitude, total);
    *done = !leaves && !is_above(total, upper) && !is_below(total, lower);
    return *done ? session(view).put_number(location, total) : BLOCKSTM_OK;
}

int32_t charge(blockstm_view*, uint64_t) noexcept { return BLOCKSTM_OK; }  // the output says it, too

int32_t take_output(blockstm_view* view, const uint8_t* data, uint64_t size) noexcept {
    Bytes& output = session(view).output;
    output.clear();
    return output.append(data, size) ? BLOCKSTM_OK : BLOCKSTM_NO_MEMORY;
}

int32_t poll(blockstm_view* view) noexcept {
    const SessionView& polled = session(view);
    return polled.ask_whether == nullptr ? BLOCKSTM_OK : polled.ask_whether(polled.asked);
}

uint32_t state_flags(blockstm_view*) noexcept { return 0; }

const blockstm_view_api API = {
    BLOCKSTM_VM_ABI_VERSION, sizeof(blockstm_view_api), locate, get, put, remove_value, add_number, at_least,
    try_add, charge, take_output, expect, poll, nullptr, nullptr, state_flags, nullptr,
};

}  // namespace

SessionView::SessionView() noexcept : blockstm_view{&API, 0, 0} {}

SessionView::~SessionView() {
    forget();
    cells_.each([](SessionCell& cell) {
        std::free(cell.key);
        std::free(cell.value.far);
        return true;
    });
}

// ------------------------------------------------------------------------------ locations

uint64_t SessionView::hash_of(const uint8_t* key, uint64_t size) const noexcept {
    const TableSeed& seed = table_seed();
    uint64_t hash = size ^ seed.word[0];
    for (uint64_t place = 0; place < size; place += 8) {
        uint64_t word = 0;
        std::memcpy(&word, key + place, size - place < 8 ? size - place : 8);
        hash = fold(hash ^ word, seed.word[1]);
    }
    return hash;
}

SessionCell* SessionView::cell_of(const uint8_t* key, uint64_t size) noexcept {
    const uint64_t hash = hash_of(key, size);
    SessionCell* found = index_.find(hash, [=](const SessionCell& cell) {
        return cell.key_size == size && std::memcmp(cell.key, key, size) == 0;
    });
    return found != nullptr ? found : add(key, size, hash);
}

SessionCell* SessionView::add(const uint8_t* key, uint64_t size, uint64_t hash) noexcept {
    auto* copied = static_cast<uint8_t*>(std::malloc(size + 1));
    if (copied == nullptr) return nullptr;
    SessionCell* cell = cells_.take();
    if (cell == nullptr) {
        std::free(copied);
        return nullptr;
    }
    std::memcpy(copied, key, size);
    cell->key = copied;
    cell->key_size = size;
    cell->hash = hash;
    cell->place = cells_.size() - 1;
    return index_.add(hash, cell, [](const SessionCell& other) { return other.hash; }) ? cell : nullptr;
}

int32_t SessionView::find(const uint8_t* key, uint64_t size, blockstm_location& location) noexcept {
    const SessionCell* cell = cell_of(key, size);
    if (cell == nullptr) return BLOCKSTM_NO_MEMORY;
    location = cell->place;
    return BLOCKSTM_OK;
}

// ------------------------------------------------------------------------------ values

bool SessionView::fill(SessionValue& value, const uint8_t* data, uint64_t size) noexcept {
    uint8_t* target = value.near;
    if (size > SessionValue::SHORT_BYTES) {
        target = value.far = static_cast<uint8_t*>(std::malloc(size));
        if (target == nullptr) return false;
    }
    std::memcpy(target, data, size);
    value.size = size;
    return true;
}

int32_t SessionView::load(SessionCell& cell) noexcept {
    if (cell.known == Known::Nothing) {
        blockstm_bytes value{};
        const int32_t status =
            read_below == nullptr ? BLOCKSTM_ABSENT : read_below(below, cell.key, cell.key_size, &value);
        if (status != BLOCKSTM_OK && status != BLOCKSTM_ABSENT) return status;
        if (status == BLOCKSTM_OK && !fill(cell.value, value.data, value.size)) return BLOCKSTM_NO_MEMORY;
        cell.known = status == BLOCKSTM_OK ? Known::Present : Known::Absent;
    }
    return cell.known == Known::Present ? BLOCKSTM_OK : BLOCKSTM_ABSENT;
}

// Moves what a location is into the log; it has no value then.
bool SessionView::change(blockstm_location location) noexcept {
    SessionCell& cell = cells_[location];
    if (!log_.push({location, cell.known, cell.is_written, cell.value})) return false;
    cell.value = {};
    cell.known = Known::Absent;
    cell.is_written = true;
    return true;
}

int32_t SessionView::put(blockstm_location location, const uint8_t* data, uint64_t size) noexcept {
    if (!change(location)) return BLOCKSTM_NO_MEMORY;
    if (!fill(cells_[location].value, data, size)) return BLOCKSTM_NO_MEMORY;
    cells_[location].known = Known::Present;
    return BLOCKSTM_OK;
}

int32_t SessionView::remove(blockstm_location location) noexcept {
    return change(location) ? BLOCKSTM_OK : BLOCKSTM_NO_MEMORY;
}

int32_t SessionView::number(blockstm_location location, u256& value) noexcept {
    SessionCell& cell = cells_[location];
    const int32_t status = load(cell);
    value = u256{};
    if (status != BLOCKSTM_OK) return status == BLOCKSTM_ABSENT ? BLOCKSTM_OK : status;
    if (cell.value.size != sizeof value.limb) return BLOCKSTM_BAD_NUMBER;
    std::memcpy(value.limb, cell.value.data(), sizeof value.limb);
    return BLOCKSTM_OK;
}

int32_t SessionView::put_number(blockstm_location location, const u256& value) noexcept {
    if (value.is_zero()) return remove(location);
    return put(location, reinterpret_cast<const uint8_t*>(value.limb), sizeof value.limb);
}

// ------------------------------------------------------------------------------ taking back

void SessionView::forget() noexcept {
    for (const Change& each : log_) std::free(each.value.far);
    log_.clear();
    log_.release_above(uint64_t{1} << 20);
}

}  // namespace blockstm
