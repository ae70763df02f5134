// Elements by the instructions that every processor has; see elementwise.hpp.
#define BLOCKSTM_WITHOUT_WIDE_PRODUCTS
#include "ai/elementwise.hpp"

namespace blockstm::ai {

const Elementwise& elementwise_plain() noexcept { return TABLE; }

}  // namespace blockstm::ai
