#include "synthesize/memory.h"

namespace kerf {

const char* to_string(MemoryOperator memory) {
  switch (memory) {
    case MemoryOperator::inherit:
      return "inherit";
    case MemoryOperator::siblings:
      return "siblings";
    case MemoryOperator::combine:
      return "combine";
    case MemoryOperator::fresh:
      return "fresh";
  }
  return "?";
}

}  // namespace kerf
