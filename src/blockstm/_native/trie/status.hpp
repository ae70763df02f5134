// How an operation on a trie ends.
#pragma once

namespace blockstm::trie {

enum class Status {
    Ok,
    Missing,      // a node is needed that the store lacks; the trie is as before
    Malformed,    // a node or an account is not what the specification says; the trie is as before
    OutOfMemory,  // the trie is as before
    Unreadable,   // where a node lies could not be read, which its source knows more of; the trie is as before
    BadInput,     // the bytes handed in do not follow their layout
};

}  // namespace blockstm::trie
