// Which line of the source an instruction of a cubin comes from: a reader of .debug_line as NVIDIA's compilers write it
// (DWARF 2 to 4, with an extension that says where inlined code was called). The bytes are untrusted.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace kerf {

class LineTable {
 public:
  // The line of `file` (its name without folders) that the instruction at `offset` bytes from the begin of the
  // function's code comes from. Of what was inlined from another file: the line of `file` that called it. nullopt:
  // neither, or not known.
  [[nodiscard]] std::optional<int> line_of(std::string_view function, std::uint64_t offset,
                                           std::string_view file) const;

  struct Row {
    std::uint64_t address = 0;  // in the function
    std::string file;
    int line = 0;
    std::uint64_t caller = 0;  // of inlined code the row, counted from 1, that it was called at; 0: it is none
    bool end = false;          // of the sequence: no instruction
  };
  std::map<std::string, std::vector<Row>, std::less<>> functions;  // by symbol; rows in their order
};

// Empty where the cubin has no lines. Kind system: no cubin, or one whose lines are damaged.
[[nodiscard]] Result<LineTable> read_line_table(std::string_view cubin);

}  // namespace kerf
