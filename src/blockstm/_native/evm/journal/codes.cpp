// The journal's codes: the code an account has and the hash it reports come from one read; see journal.hpp.
#include "crypto/keccak.hpp"
#include "evm/journal/journal.hpp"

namespace blockstm::evm {

namespace {

constexpr Hash32 EMPTY_CODE_HASH = {{0xc5, 0xd2, 0x46, 0x01, 0x86, 0xf7, 0x23, 0x3c, 0x92, 0x7e, 0x7d,
                                     0xb2, 0xdc, 0xc7, 0x03, 0xc0, 0xe5, 0x00, 0xb6, 0x53, 0xca, 0x82,
                                     0x27, 0x3b, 0x7b, 0xfa, 0xd8, 0x04, 0x5d, 0x85, 0xa4, 0x70}};

// Asked once for each code that a state gives which does not vouch for it, of our own copy of it: what the cache
// holds is right for whichever state asks next, even if this one lies, or says something else the second time.
bool has_own_hash(const Code& code) noexcept {
    Hash32 hash;
    keccak256(code.bytes.data, code.bytes.size, hash.bytes);
    return hash == code.hash;
}

}  // namespace

bool Journal::load_code_hash(Account* account) noexcept {
    if (account->knows(CODE_HASH)) return true;
    if (!locate(account, CODE_HASH)) return false;
    blockstm_bytes bytes;
    const int32_t status = view_->api->get(view_, account->location[CODE_HASH], &bytes);
    if (status == BLOCKSTM_OK) {
        if (bytes.size != sizeof(Hash32)) return stop(BAD_VALUE);
        std::memcpy(account->code_hash_before.bytes, bytes.data, sizeof(Hash32));
        account->code_hash = account->code_hash_before;
        account->had_code = account->has_code = !(account->code_hash == EMPTY_CODE_HASH);
    } else if (status != BLOCKSTM_ABSENT) {
        return stop_by_view(status);
    }
    account->known |= bit(CODE_HASH);
    return true;
}

bool Journal::code_hash(Account* account, Hash32& hash) noexcept {
    if (!load_code_hash(account)) return false;
    hash = account->has_code ? account->code_hash : EMPTY_CODE_HASH;
    return true;
}

bool Journal::has_code(Account* account, bool& holds) noexcept {
    if (!load_code_hash(account)) return false;
    holds = account->has_code;
    return true;
}

bool Journal::code(Account* account, const Code*& code) noexcept {
    if (account->code == nullptr && !find_code(account)) return false;
    code = account->code;
    return true;
}

bool Journal::find_code(Account* account) noexcept {
    CodeKey key{{}, variant_};
    if (!code_hash(account, key.hash)) return false;
    account->code = codes_.find(key);
    if (account->code != nullptr) return true;
    Span bytes;
    const bool is_of_state = account->new_code < 0 && account->has_code;
    if (account->new_code >= 0) {
        const NewCode& made = new_codes_[static_cast<uint64_t>(account->new_code)];
        bytes = {new_code_bytes_.data() + made.offset, made.size};
    } else if (is_of_state && !read_code(key.hash, bytes)) {
        return false;
    }
    Code* code = make_code(bytes, key.hash, variant_);
    if (code == nullptr) return stop(BLOCKSTM_NO_MEMORY);
    const bool is_hashed = (view_->api->state_flags(view_) & BLOCKSTM_STATE_HASHED) != 0;
    if (is_of_state && !is_hashed && !has_own_hash(*code)) {
        free_code(code);
        faulty_code_ = key.hash;
        return stop(WRONG_CODE);
    }
    account->code = codes_.add(code);
    return account->code != nullptr || stop(BLOCKSTM_NO_MEMORY);
}

// Code is found by its content: what is there under a hash never changes.
bool Journal::read_code(const Hash32& hash, Span& bytes) noexcept {
    blockstm_location location;
    int32_t status = view_->api->locate(view_, hash.bytes, sizeof hash.bytes, &location);
    if (status != BLOCKSTM_OK) return stop_by_view(status);
    blockstm_bytes found;
    status = view_->api->get(view_, location, &found);
    if (status == BLOCKSTM_ABSENT) {
        faulty_code_ = hash;
        return stop(MISSING_CODE);
    }
    if (status != BLOCKSTM_OK) return stop_by_view(status);
    bytes = {found.data, found.size};
    return true;
}

bool Journal::set_code(Account* account, Span bytes) noexcept {
    if (!load_code_hash(account)) return false;
    Undo step{};
    step.kind = UndoKind::CodeHash;
    step.flags = account->has_code ? 1 : 0;
    step.number = static_cast<uint32_t>(account->new_code);
    step.account = account;
    std::memcpy(step.word.limb, account->code_hash.bytes, sizeof(Hash32));
    if (!push(step)) return false;
    account->code = nullptr;
    account->new_code = -1;
    account->has_code = bytes.size != 0;
    if (!account->has_code) return true;
    keccak256(bytes.data, bytes.size, account->code_hash.bytes);
    const NewCode made{new_code_bytes_.size(), bytes.size};
    if (!new_code_bytes_.append(bytes.data, bytes.size) || !new_codes_.push(made)) {
        return stop(BLOCKSTM_NO_MEMORY);
    }
    account->new_code = static_cast<int32_t>(new_codes_.size() - 1);
    return true;
}

}  // namespace blockstm::evm
