// What a new node is told of the tree it grows in.
#pragma once

#include <cstdint>

namespace kerf {

enum class MemoryOperator : std::uint8_t {
  inherit,   // its chain of ancestors, with what each change did to the time
  siblings,  // what was tried beside it, so that it is not tried again
  combine,   // its ancestors and another good branch
  fresh,     // the problem alone
};

[[nodiscard]] const char* to_string(MemoryOperator memory);

}  // namespace kerf
