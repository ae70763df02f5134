// Groups: the connected sets of transactions that are expected to write a location in common.
//
// Before a block, on the caller's thread.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/expected_accesses.hpp"

namespace blockstm {

// Disjoint sets of transactions; the root of a set is its lowest index.
inline int32_t find_root(std::vector<int32_t>& root, int32_t index) {
    while (root[index] != index) index = root[index] = root[root[index]];
    return index;
}

inline void join_sets(std::vector<int32_t>& root, int32_t left, int32_t right) {
    left = find_root(root, left);
    right = find_root(root, right);
    if (left < right) root[right] = left;
    if (right < left) root[left] = right;
}

// Those that write the same location; `accesses` as `dependencies_of_accesses` has sorted them.
inline void join_writers(const std::vector<ExpectedAccess>& accesses, std::vector<int32_t>& root) {
    const ExpectedAccess* writer = nullptr;
    for (const ExpectedAccess& access : accesses) {
        if (access.kind != EXPECTED_WRITE) continue;
        if (writer != nullptr && writer->location == access.location) join_sets(root, writer->index, access.index);
        writer = &access;
    }
}

inline void join_dependencies(const std::vector<ExpectedDependency>& dependencies, std::vector<int32_t>& root) {
    for (const ExpectedDependency& each : dependencies) join_sets(root, each.index, each.writer);
}

// Of each transaction its group and its place in it; of each group the start of its members, which ascend.
struct ExpectedGroups {
    std::vector<int32_t> group, place, first, member;
};

inline void number_groups(std::vector<int32_t>& root, ExpectedGroups& groups) {
    const int32_t count = static_cast<int32_t>(root.size());
    std::vector<int32_t> size;
    groups.group.resize(count);
    groups.place.resize(count);
    for (int32_t index = 0; index < count; ++index) {
        const int32_t lowest = find_root(root, index);
        if (lowest == index) {
            groups.group[index] = static_cast<int32_t>(size.size());
            size.push_back(0);
        } else {
            groups.group[index] = groups.group[lowest];
        }
        groups.place[index] = size[groups.group[index]]++;
    }
    groups.first.assign(size.size() + 1, 0);
    for (size_t each = 0; each < size.size(); ++each) groups.first[each + 1] = groups.first[each] + size[each];
    groups.member.resize(count);
    for (int32_t index = 0; index < count; ++index)
        groups.member[groups.first[groups.group[index]] + groups.place[index]] = index;
}

}  // namespace blockstm
