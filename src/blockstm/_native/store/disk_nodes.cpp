#include "store/disk_nodes.hpp"

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

trie::Status DiskNodes::read(trie::Owner owner, trie::Path path, Array<uint8_t>& encoding) noexcept {
    reads_.count_up(1);
    if (path.size > trie::STORED_PATH_MAX) return trie::Status::Malformed;
    const NodeKey key(owner, path);
    const uint32_t table = owner == nullptr ? tables_.accounts : tables_.storages;
    Failure failure;
    ByteView found;
    const std::shared_lock guard(snapshot_->closing());
    int code = CODE_CLOSED;
    if (snapshot_->is_open()) {
        Reader& reader = snapshot_->take();
        code = reader.find(table, key.view(), found, failure);
        reader.lock.unlock();
    }
    if (code == CODE_CLOSED) failure.set(code);
    if (code == CODE_NOT_FOUND) return trie::Status::Missing;
    if (code != CODE_OK) {
        const std::lock_guard guard(failing_);
        if (failure_.is_none()) failure_ = failure;
        return trie::Status::Unreadable;
    }
    return encoding.append(found.data(), found.size()) ? trie::Status::Ok : trie::Status::OutOfMemory;
}

Failure DiskNodes::take_failure() noexcept {
    const std::lock_guard guard(failing_);
    const Failure taken = failure_;
    failure_ = Failure{};
    return taken;
}

}  // namespace blockstm::store
