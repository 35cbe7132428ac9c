#include "synthesize/reply/blocks.h"

#include <algorithm>
#include <cctype>

#include "synthesize/reply/lines.h"

namespace kerf {
namespace {

struct Fence {
  char character = 0;  // 0: the line is none
  std::size_t length = 0;
  std::size_t indent = 0;
  std::string info;  // all behind it
};

Fence fence_of(std::string_view line) {
  Fence fence;
  line = without_trailing_space(line);
  // Four spaces would be indented code; replies put blocks under list items, so that more is allowed.
  fence.indent = std::min(line.find_first_not_of(" \t"), line.size());
  line.remove_prefix(fence.indent);
  if (line.empty() || (line[0] != '`' && line[0] != '~')) return fence;
  const std::size_t length = std::min(line.find_first_not_of(line[0]), line.size());
  if (length < 3) return fence;
  const std::string_view info = line.substr(length);
  if (line[0] == '`' && info.find('`') != std::string_view::npos) return fence;  // inline code
  fence.character = line[0];
  fence.length = length;
  fence.info = info;
  return fence;
}

std::string first_word(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t{.");
  if (begin == std::string_view::npos) return {};
  std::string word(text.substr(begin, text.find_first_of(" \t,:}", begin) - begin));
  std::ranges::transform(word, word.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return word;
}

}  // namespace

Markdown read_markdown(std::string_view text) {
  Markdown markdown;
  Fence open;
  int number = 0;
  for (std::string_view line : split_lines(text)) {
    ++number;
    const Fence fence = fence_of(line);
    if (open.character == 0) {
      if (fence.character == 0) {
        markdown.prose += std::string(line) + "\n";
        continue;
      }
      open = fence;
      markdown.blocks.push_back({.info = first_word(fence.info), .text = {}, .line = number + 1, .closed = false});
    } else if (fence.character == open.character && fence.length >= open.length && fence.info.empty()) {
      markdown.blocks.back().closed = true;
      open = {};
    } else {
      // What a fence is indented by, its lines are.
      const std::size_t indent = std::min(line.find_first_not_of(" \t"), line.size());
      line.remove_prefix(std::min(indent, open.indent));
      markdown.blocks.back().text += std::string(line) + "\n";
    }
  }
  return markdown;
}

}  // namespace kerf
