// Accesses that transactions are expected to make, as dependencies: who would read whose write.
//
// Before a block, on the caller's thread. The accesses are sorted, not hashed, so that no choice of locations
// makes it slow.
#pragma once

#include <algorithm>
#include <cstdint>
#include <tuple>
#include <vector>

namespace blockstm {

// In this order within one transaction: what it reads, it reads before it writes.
enum ExpectedKind : uint8_t { EXPECTED_READ = 0, EXPECTED_ADD = 1, EXPECTED_WRITE = 2 };

struct ExpectedAccess {
    int64_t location;
    int32_t index;
    uint8_t kind;
};

// A transaction and an earlier one that it is expected to depend on.
struct ExpectedDependency {
    int32_t index;
    int32_t writer;
};

// A reader depends on the last write below it and on the last delta since: when that one has been executed, those
// before it most likely have been, too. So there are at most two for each read. Throws std::bad_alloc.
inline void dependencies_of_accesses(std::vector<ExpectedAccess>& accesses,
                                     std::vector<ExpectedDependency>& dependencies) {
    const auto place = [](const ExpectedAccess& access) {
        return std::make_tuple(access.location, access.index, access.kind);
    };
    std::sort(accesses.begin(), accesses.end(),
              [&](const ExpectedAccess& left, const ExpectedAccess& right) { return place(left) < place(right); });
    int32_t writer = -1, adder = -1;
    for (size_t at = 0; at < accesses.size(); ++at) {
        const ExpectedAccess& access = accesses[at];
        if (at == 0 || accesses[at - 1].location != access.location) writer = adder = -1;
        if (access.kind == EXPECTED_WRITE) {
            writer = access.index;
            adder = -1;
        } else if (access.kind == EXPECTED_ADD) {
            adder = access.index;
        } else {
            if (writer >= 0 && writer < access.index) dependencies.push_back({access.index, writer});
            if (adder >= 0 && adder < access.index) dependencies.push_back({access.index, adder});
        }
    }
}

// By ascending transaction, each one's from the highest down, without doubles.
inline void sort_dependencies(std::vector<ExpectedDependency>& dependencies) {
    const auto place = [](const ExpectedDependency& each) { return std::make_pair(each.index, -each.writer); };
    std::sort(dependencies.begin(), dependencies.end(),
              [&](const ExpectedDependency& left, const ExpectedDependency& right) {
                  return place(left) < place(right);
              });
    const auto end = std::unique(dependencies.begin(), dependencies.end(),
                                 [&](const ExpectedDependency& left, const ExpectedDependency& right) {
                                     return place(left) == place(right);
                                 });
    dependencies.erase(end, dependencies.end());
}

}  // namespace blockstm
