// The root of a whole state at once: Records (account.hpp) in, 32 bytes out. What a record leaves out is
// zero. Memory: about 200 bytes an account, and what the largest storage needs. Pure; any thread.
#pragma once

#include "trie/account.hpp"
#include "trie/status.hpp"

namespace blockstm::trie {

// BadInput: the layout is not followed, or an address or a slot of one address stands there twice.
Status state_root(Bytes records, uint8_t out[HASH_SIZE]) noexcept;

}  // namespace blockstm::trie
