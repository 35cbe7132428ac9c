// Fenced blocks of a Markdown text (CommonMark's rules: backticks or tildes, three or more, closed by at least as
// many).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kerf {

struct FencedBlock {
  std::string info;  // first word behind the opening fence, in lower case: "cpp", "diff"
  std::string text;  // ends in a newline, unless it is empty
  int line = 1;      // of the first line of `text` in the whole text
  bool closed = true;
};

struct Markdown {
  std::vector<FencedBlock> blocks;
  std::string prose;  // the lines outside
};

[[nodiscard]] Markdown read_markdown(std::string_view text);

}  // namespace kerf
