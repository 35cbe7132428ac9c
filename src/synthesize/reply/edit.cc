#include "synthesize/reply/edit.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "synthesize/reply/lines.h"

namespace kerf {
namespace {

std::unexpected<Error> bad(std::string message, std::size_t line) {
  return fail(ErrorKind::candidate, std::move(message), Location{static_cast<int>(line), 1});
}

// A marker is a run of exactly seven characters, behind nothing and before nothing but white space and its word.
bool marks(std::string_view line, char character, std::string_view word) {
  line = without_trailing_space(line);
  if (line.size() < 7 || line.substr(0, 7) != std::string(7, character)) return false;
  line.remove_prefix(7);
  if (word.empty()) return line.empty();
  return line.size() > 1 && line[0] == ' ' && line.substr(1) == word;
}
bool opens(std::string_view line) { return marks(line, '<', "SEARCH"); }
bool divides(std::string_view line) { return marks(line, '=', ""); }
bool closes(std::string_view line) { return marks(line, '>', "REPLACE"); }

// "@@ -12,3 +12,4 @@ whatever"; "@@" and "@@ … @@" say nothing. Counts that are not written are 1.
struct HunkHeader {
  bool is = false;
  std::optional<std::size_t> line;
  std::ptrdiff_t removed = 0, added = 0;
};
HunkHeader hunk_header(std::string_view text) {
  HunkHeader header;
  if (!text.starts_with("@@")) return header;
  header.is = true;
  const char* const end = text.data() + text.size();
  const auto range = [&](char sign, std::ptrdiff_t& count) -> std::optional<std::size_t> {
    const std::size_t at = text.find(std::string(" ") + sign);
    if (at == std::string_view::npos) return std::nullopt;
    std::size_t line = 0;
    const auto [behind, code] = std::from_chars(text.data() + at + 2, end, line);
    if (code != std::errc{}) return std::nullopt;
    count = 1;
    if (behind != end && *behind == ',') std::from_chars(behind + 1, end, count);
    return line;
  };
  header.line = range('-', header.removed);
  range('+', header.added);
  return header;
}

// First line that says something, for messages.
std::string named(const std::vector<std::string>& lines) {
  for (const std::string& line : lines) {
    const std::string_view text = without_trailing_space(line);
    const std::size_t first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) continue;
    return fmt::format("'{}'", text.substr(first, 80));
  }
  return "an empty line";
}

}  // namespace

bool has_search_replace(std::string_view text) { return std::ranges::any_of(split_lines(text), opens); }

Result<std::vector<Replacement>> read_search_replace(std::string_view text) {
  enum class Where : std::uint8_t { outside, before, after };
  Where where = Where::outside;
  std::vector<Replacement> edits;
  std::size_t number = 0, opened = 0;
  for (const std::string_view line : split_lines(text)) {
    ++number;
    if (opens(line)) {
      if (where != Where::outside)
        return bad(fmt::format("edit {} is not ended by '>>>>>>> REPLACE' before the next one", edits.size()), opened);
      where = Where::before;
      opened = number;
      edits.emplace_back();
    } else if (where == Where::before && divides(line)) {
      where = Where::after;
    } else if (where == Where::after && closes(line)) {
      where = Where::outside;
      if (edits.back().before.empty())
        return bad(fmt::format("edit {} has no lines to look for between '<<<<<<< SEARCH' and '======='", edits.size()),
                   opened);
    } else if (where != Where::outside) {
      (where == Where::before ? edits.back().before : edits.back().after).emplace_back(line);
    }
  }
  if (where != Where::outside) {
    return bad(fmt::format("edit {} is not ended: '{}' is missing", edits.size(),
                           where == Where::before ? "=======" : ">>>>>>> REPLACE"),
               opened);
  }
  if (edits.empty()) return bad("there is no '<<<<<<< SEARCH' line", 1);
  return edits;
}

bool is_unified_diff(std::string_view text) {
  for (const std::string_view line : split_lines(text)) {
    if (hunk_header(line).is) return true;
    const bool preamble = line.starts_with("--- ") || line.starts_with("+++ ") || line.starts_with("diff ") ||
                          line.starts_with("index ") || without_trailing_space(line).empty();
    if (!preamble) return false;
  }
  return false;
}

Result<std::vector<Replacement>> read_unified_diff(std::string_view text) {
  std::vector<Replacement> edits;
  std::size_t number = 0;
  bool in_hunk = false;
  std::ptrdiff_t removed = 0, added = 0;  // that the header still promises
  const std::vector<std::string_view> lines = split_lines(text);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    std::string_view line = lines[i];
    ++number;
    if (const HunkHeader header = hunk_header(line); header.is) {
      edits.push_back({.before = {}, .after = {}, .line = header.line});
      in_hunk = true;
      removed = header.removed;
      added = header.added;
      continue;
    }
    // The next file's header, if the hunk has all its lines; else a line "-- …" is taken away.
    if (in_hunk && removed <= 0 && added <= 0 && line.starts_with("--- ") && i + 2 < lines.size() &&
        lines[i + 1].starts_with("+++ ") && hunk_header(lines[i + 2]).is)
      in_hunk = false;
    if (!in_hunk || line.starts_with("\\")) continue;
    const char kind = line.empty() || line == "\r" ? ' ' : line[0];
    if (kind != ' ' && kind != '-' && kind != '+')
      return bad(fmt::format("line {} of the diff begins with '{}': ' ', '-', '+' or '@@' were expected", number,
                             line.substr(0, 1)),
                 number);
    if (!line.empty() && line != "\r") line.remove_prefix(1);
    removed -= kind != '+';
    added -= kind != '-';
    if (kind != '+') edits.back().before.emplace_back(line);
    if (kind != '-') edits.back().after.emplace_back(line);
  }
  if (edits.empty()) return bad("the diff has no '@@' line", 1);
  return edits;
}

Result<std::string> apply_edits(const std::vector<Replacement>& edits, std::string_view text) {
  std::vector<std::string> lines;
  for (const std::string_view line : split_lines(text)) lines.emplace_back(line);
  std::ptrdiff_t moved = 0;  // by how many lines the edits so far have pushed down what follows them
  std::size_t number = 0;
  for (const Replacement& edit : edits) {
    ++number;
    std::vector<std::size_t> places;
    const std::size_t length = edit.before.size();
    if (length == 0) {
      // Only a diff can add lines without any around them: where its header says, behind that line.
      const std::ptrdiff_t meant = edit.line ? static_cast<std::ptrdiff_t>(*edit.line) + moved : -1;
      if (meant < 0 || meant > static_cast<std::ptrdiff_t>(lines.size()))
        return bad(
            fmt::format("edit {} adds {} and does not say where: add lines around it", number, named(edit.after)),
            number);
      places.push_back(static_cast<std::size_t>(meant));
    }
    for (std::size_t at = 0; length > 0 && at + length <= lines.size(); ++at) {
      std::size_t k = 0;
      while (k < length && without_trailing_space(lines[at + k]) == without_trailing_space(edit.before[k])) ++k;
      if (k == length) places.push_back(at);
    }
    if (places.empty())
      return bad(fmt::format("edit {} looks for {} and the {} lines that begin there are not in the text: copy them "
                             "exactly, with their indentation",
                             number, named(edit.before), length),
                 number);
    if (places.size() > 1 && edit.line) {
      const std::ptrdiff_t meant = static_cast<std::ptrdiff_t>(*edit.line) - 1 + moved;
      std::erase_if(places, [&](std::size_t place) { return static_cast<std::ptrdiff_t>(place) != meant; });
      if (places.empty())
        return bad(fmt::format("edit {} looks for {}, which stands in several places, and none is the line of its "
                               "header: add lines around it",
                               number, named(edit.before)),
                   number);
    }
    if (places.size() > 1)
      return bad(fmt::format("edit {} looks for {}, which stands in {} places (lines {} and {}): add lines around it",
                             number, named(edit.before), places.size(), places[0] + 1, places[1] + 1),
                 number);
    const auto begin = lines.begin() + static_cast<std::ptrdiff_t>(places[0]);
    // Lines that stay are kept as they are in the text, whatever white space the edit shows at their ends.
    std::vector<std::string> after = edit.after;
    std::size_t head = 0;
    while (head < length && head < after.size() && edit.before[head] == after[head]) {
      after[head] = lines[places[0] + head];
      ++head;
    }
    for (std::size_t tail = 1; tail + head <= std::min(length, after.size()); ++tail) {
      if (edit.before[length - tail] != after[after.size() - tail]) break;
      after[after.size() - tail] = lines[places[0] + length - tail];
    }
    lines.insert(lines.erase(begin, begin + static_cast<std::ptrdiff_t>(length)), after.begin(), after.end());
    moved += static_cast<std::ptrdiff_t>(after.size()) - static_cast<std::ptrdiff_t>(length);
  }
  std::string out;
  for (const std::string& line : lines) out += line + "\n";
  if (!out.empty() && !text.empty() && !text.ends_with('\n')) out.pop_back();
  return out;
}

}  // namespace kerf
