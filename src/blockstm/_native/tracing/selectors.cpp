// 4byteTracer's form: selector and length of arguments, and how often.
#include <algorithm>
#include <cstring>

#include "tracing/trace_forms.hpp"

namespace blockstm::tracing {
namespace {

constexpr uint32_t SELECTOR = 4;

struct Called {
    uint8_t selector[SELECTOR];
    uint32_t size;   // of the arguments
    uint64_t first;  // place among the calls
    uint64_t count;
};

bool is_same(const Called& left, const Called& right) noexcept {
    return left.size == right.size && std::memcmp(left.selector, right.selector, SELECTOR) == 0;
}

bool is_before(const Called& left, const Called& right) noexcept {
    const int order = std::memcmp(left.selector, right.selector, SELECTOR);
    if (order != 0) return order < 0;
    return left.size != right.size ? left.size < right.size : left.first < right.first;
}

bool add(Array<Called>& calls, const CallBegan& call) noexcept {
    Called called{{}, static_cast<uint32_t>(call.input.size - SELECTOR), calls.size(), 1};
    std::memcpy(called.selector, call.input.data, SELECTOR);
    return calls.push(called);
}

// Each function once, in the order of their first calls.
void count_up(Array<Called>& calls) noexcept {
    std::sort(calls.begin(), calls.end(), is_before);
    uint64_t kept = 0;
    for (uint64_t place = 0; place < calls.size(); ++place) {
        if (kept != 0 && is_same(calls[kept - 1], calls[place])) ++calls[kept - 1].count;
        else calls[kept++] = calls[place];
    }
    calls.truncate(kept);
    const auto by_place = [](const Called& left, const Called& right) noexcept { return left.first < right.first; };
    std::sort(calls.begin(), calls.end(), by_place);
}

void write(const Array<Called>& calls, JsonWriter& out) noexcept {
    out.text("{");
    for (const Called& each : calls) {
        char key[2 * SELECTOR];
        for (uint32_t place = 0; place < SELECTOR; ++place) {
            key[2 * place] = "0123456789abcdef"[each.selector[place] >> 4];
            key[2 * place + 1] = "0123456789abcdef"[each.selector[place] & 15];
        }
        if (&each != calls.begin()) out.text(",");
        out.text("\"0x").copy(key, sizeof key).text("-").decimal(uint64_t{each.size}).text("\":").decimal(each.count);
    }
    out.text("}");
}

}  // namespace

Reading write_selectors(Span events, const TracedPlace& place, JsonWriter& out) noexcept {
    Array<Called> calls;
    EventReader reader(events);
    while (!reader.at_end()) {
        const auto tag = reader.number<uint8_t>();
        if (tag == evm::CALL_END_BIT) {
            read_call_end(reader);
        } else if (tag == evm::CALL_BIT) {
            const CallBegan call = read_call(reader);
            const bool counts =
                !call.creates() && call.input.size >= SELECTOR && !is_precompile(place, call.code_address);
            if (counts && !add(calls, call)) return Reading::NoMemory;
        } else {
            return Reading::Malformed;
        }
        if (!reader.is_well()) return Reading::Malformed;
    }
    count_up(calls);
    write(calls, out);
    return Reading::Done;
}

}  // namespace blockstm::tracing
