#include "store/disk_nodes.hpp"

#include "store/rows.hpp"

namespace blockstm::store {
NodeKey::NodeKey(trie::Owner owner, trie::Path path) noexcept {
    uint8_t* place = bytes_;
    if (owner != nullptr) place = put_bytes(place, {owner, HASH_SIZE});
    *place++ = static_cast<uint8_t>(path.size);
    for (uint32_t nibble = 0; nibble < path.size; nibble += 2) {
        const uint8_t low = nibble + 1 < path.size ? path[nibble + 1] : 0;
        *place++ = static_cast<uint8_t>(path[nibble] << 4 | low);
    }
    size_ = static_cast<uint64_t>(place - bytes_);
}

trie::Status DiskNodes::read(trie::Owner owner, trie::Path path, trie::NodeReading& reading) noexcept {
    reads_.count_up(1);
    if (path.size > trie::STORED_PATH_MAX) return trie::Status::Malformed;
    const auto* const known = static_cast<const Rows*>(reading.left.get());
    if (reading.weight != trie::KEPT && known != nullptr && known->have(moves_, owner, path)) {
        return known->encode(path, reading);
    }
    Failure failure;
    const std::shared_lock guard(snapshot_->closing());
    if (!snapshot_->is_open()) {
        failure.set(CODE_CLOSED);
        return unreadable(failure);
    }
    Reader& reader = snapshot_->take();
    const trie::Status status = read_by(reader, owner, path, reading, failure);
    reader.lock.unlock();
    return status == trie::Status::Unreadable ? unreadable(failure) : status;
}

trie::Status DiskNodes::unreadable(const Failure& failure) noexcept {
    const std::lock_guard guard(failing_);
    if (failure_.is_none()) failure_ = failure;
    return trie::Status::Unreadable;
}

// Whether a topmost node is kept is told by its being there; of any other the one above it knows.
trie::Status DiskNodes::read_by(Reader& reader, trie::Owner owner, trie::Path path, trie::NodeReading& reading,
                                Failure& failure) noexcept {
    if (reading.weight != trie::KEPT) return derive(reader, owner, path, reading, failure);
    const trie::Status status = find(reader, owner, path, reading, failure);
    if (status != trie::Status::Missing || path.size != 0) return status;
    return derive(reader, owner, path, reading, failure);
}

trie::Status DiskNodes::find(Reader& reader, trie::Owner owner, trie::Path path, trie::NodeReading& reading,
                             Failure& failure) noexcept {
    const NodeKey key(owner, path);
    ByteView found;
    const int code = reader.find(owner == nullptr ? tables_.accounts : tables_.storages, key.view(), found, failure);
    if (code == CODE_NOT_FOUND) return trie::Status::Missing;
    if (code != CODE_OK) return trie::Status::Unreadable;
    if (found.size() < sizeof reading.below) return trie::Status::Malformed;
    const ByteView node = found.first(found.size() - sizeof reading.below);
    std::memcpy(reading.below, node.data() + node.size(), sizeof reading.below);
    reading.weight = trie::KEPT;
    return reading.encoding.append(node.data(), node.size()) ? trie::Status::Ok : trie::Status::OutOfMemory;
}

// The node that the rows make whose keys begin with a path; they are left for those below it.
trie::Status DiskNodes::derive(Reader& reader, trie::Owner owner, trie::Path path, trie::NodeReading& reading,
                               Failure& failure) noexcept {
    if (reading.left == nullptr) reading.left.reset(new (std::nothrow) Rows);
    auto* const rows = static_cast<Rows*>(reading.left.get());
    if (rows == nullptr) return trie::Status::OutOfMemory;
    const uint32_t table = owner == nullptr ? tables_.account_rows : tables_.slot_rows;
    const RowPrefix& prefix = rows->begin(owner, path);
    Pair pair;
    int code = reader.find_from(table, prefix.view(), pair, failure);
    for (; code == CODE_OK && prefix.begins(pair.key); code = reader.next(table, pair, failure)) {
        if (rows->count() == trie::DERIVED_MAX) return trie::Status::Missing;  // so many are below a node that is kept
        if (!rows->add(pair)) {
            failure.set(CODE_BAD_CHECKSUM, table, pair.key);
            return trie::Status::Unreadable;
        }
    }
    if (code != CODE_OK && code != CODE_NOT_FOUND) return trie::Status::Unreadable;
    rows->end(moves_);
    return rows->encode(path, reading);
}

Failure DiskNodes::take_failure() noexcept {
    const std::lock_guard guard(failing_);
    const Failure taken = failure_;
    failure_ = Failure{};
    return taken;
}

}  // namespace blockstm::store
