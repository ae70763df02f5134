// prestateTracer's forms: accounts before a transaction, or what it changed of them.
#include "tracing/trace_forms.hpp"
#include "trie/account.hpp"

namespace blockstm::tracing {
namespace {

class PreState {
public:
    PreState(const SeenAccounts& seen, const CodeSpans& codes, const TraceOptions& options, JsonWriter& out) noexcept
        : seen_(seen), codes_(codes), options_(options), out_(out) {}

    void write() noexcept {
        JsonObject accounts(out_);
        for (const SeenAccount& each : seen_) {
            if (is_shown_before(each, options_)) write_before(each, true, accounts.member(each.address));
        }
    }

    void write_differences() noexcept {
        out_.text("{\"pre\":");
        write_old();
        out_.text(",\"post\":");
        write_new();
        out_.text("}");
    }

    static bool is_shown_before(const SeenAccount& account, const TraceOptions& options) noexcept {
        return options.has_empty || !account.before.is_empty();
    }

    // An account that came to nothing is one that changed, whatever it was.
    static bool has_changed(const SeenAccounts& seen, const SeenAccount& account,
                            const TraceOptions& options) noexcept {
        const AccountState &before = account.before, &after = account.after;
        bool changed = account.is_gone || is_nothing_now(seen, account) || !(before.balance == after.balance) ||
                       before.nonce != after.nonce || !(before.code_hash == after.code_hash);
        if (options.has_storage) {
            seen.each_slot(account, [&](const SeenSlot& slot) noexcept { changed = changed || slot.has_changed(); });
        }
        return changed;
    }

private:
    // Since empty accounts are none (EIP-161).
    static bool is_nothing_now(const SeenAccounts& seen, const SeenAccount& account) noexcept {
        return seen.fork() >= evm::Fork::SpuriousDragon && account.after.is_empty();
    }

    void write_old() noexcept {
        JsonObject accounts(out_);
        for (const SeenAccount& each : seen_) {
            if (each.before.is_empty() || !has_changed(seen_, each, options_)) continue;
            write_before(each, each.is_gone, accounts.member(each.address));
        }
    }

    void write_new() noexcept {
        JsonObject accounts(out_);
        for (const SeenAccount& each : seen_) {
            if (each.is_gone || !has_changed(seen_, each, options_)) continue;
            write_after(each, accounts.member(each.address));
        }
    }

    // Of its slots all, or those that changed and were not zero.
    void write_before(const SeenAccount& account, bool has_all_slots, JsonWriter& out) noexcept {
        const AccountState& before = account.before;
        JsonObject members(out);
        members.member("balance").quantity(before.balance);
        if (before.nonce != 0) members.member("nonce").decimal(before.nonce);
        if (!(before.code_hash == NO_CODE)) {
            if (options_.has_code) members.member("code").data(codes_.find(before.code_hash));
            members.member("codeHash").data(before.code_hash);
        }
        write_slots(members, account, &SeenSlot::before, has_all_slots);
    }

    // What is different.
    void write_after(const SeenAccount& account, JsonWriter& out) noexcept {
        const AccountState &before = account.before, &after = account.after;
        const bool has_other_code = !(before.code_hash == after.code_hash);
        const bool has_code = !(after.code_hash == NO_CODE);
        JsonObject members(out);
        if (!(before.balance == after.balance)) members.member("balance").quantity(after.balance);
        if (before.nonce != after.nonce && after.nonce != 0) members.member("nonce").decimal(after.nonce);
        if (is_nothing_now(seen_, account)) {
            members.member("codeHash").data(NO_CODE);
        } else if (has_other_code) {
            members.member("codeHash").data(has_code ? after.code_hash.bytes : trie::EMPTY_CODE_HASH, sizeof(Hash32));
        }
        if (has_other_code && options_.has_code) {
            JsonWriter& code = members.member("code");
            if (has_code) code.data(codes_.find(after.code_hash));
            else code.text("\"0x\"");
        }
        write_slots(members, account, &SeenSlot::after, false);
    }

    void write_slots(JsonObject& members, const SeenAccount& account, const uint8_t* SeenSlot::*value,
                     bool has_all) noexcept {
        if (!options_.has_storage) return;
        bool has_one = false;
        seen_.each_slot(account, [&](const SeenSlot& slot) noexcept {
            if (!has_all && !(slot.has_changed() && !is_zero(slot.*value))) return;
            if (has_one) out_.text(",");
            else members.member("storage").text("{");
            has_one = true;
            out_.data(slot.key, sizeof(Hash32)).text(":").data(slot.*value, sizeof(Hash32));
        });
        if (has_one) out_.text("}");
    }

    static bool is_zero(const uint8_t* word) noexcept { return std::memcmp(word, NO_CODE.bytes, sizeof(Hash32)) == 0; }

    const SeenAccounts& seen_;
    const CodeSpans& codes_;
    const TraceOptions& options_;
    JsonWriter& out_;
};

}  // namespace

void write_pre_state(const SeenAccounts& seen, const CodeSpans& codes, const TraceOptions& options,
                     JsonWriter& out) noexcept {
    PreState state(seen, codes, options, out);
    if (options.is_diff) state.write_differences();
    else state.write();
}

bool list_shown_codes(const SeenAccounts& seen, const TraceOptions& options, Array<Hash32>& hashes) noexcept {
    if (!options.has_code) return true;
    for (const SeenAccount& each : seen) {
        const bool is_shown = options.is_diff ? PreState::has_changed(seen, each, options)
                                              : PreState::is_shown_before(each, options);
        if (!is_shown) continue;
        const Hash32 &before = each.before.code_hash, &after = each.after.code_hash;
        if (!(before == NO_CODE) && !hashes.push(before)) return false;
        if (options.is_diff && !(after == before) && !(after == NO_CODE) && !hashes.push(after)) return false;
    }
    return true;
}

}  // namespace blockstm::tracing
