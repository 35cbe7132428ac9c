#include "synthesize/reply/lines.h"

#include <fmt/format.h>

#include <algorithm>

namespace kerf {
namespace {

constexpr std::ptrdiff_t max_edits = 1'000;

struct Change {
  char kind = ' ';  // ' ', '-', '+'
  std::size_t from = 0, to = 0;
};

using Lines = std::vector<std::string_view>;

// Myers' greedy algorithm, keeping the furthest points of each round to walk back along.
std::vector<Change> changes_between(const Lines& a, const Lines& b, std::size_t begin, std::size_t a_end,
                                    std::size_t b_end) {
  const auto n = static_cast<std::ptrdiff_t>(a_end - begin), m = static_cast<std::ptrdiff_t>(b_end - begin);
  const auto equal = [&](std::ptrdiff_t x, std::ptrdiff_t y) {
    return a[begin + static_cast<std::size_t>(x)] == b[begin + static_cast<std::size_t>(y)];
  };
  std::vector<Change> changes;
  const auto add = [&](char kind, std::ptrdiff_t x, std::ptrdiff_t y) {
    changes.push_back({kind, begin + static_cast<std::size_t>(x), begin + static_cast<std::size_t>(y)});
  };
  const std::ptrdiff_t limit = std::min(n + m, max_edits);
  std::vector<std::ptrdiff_t> furthest(static_cast<std::size_t>(2 * limit + 3), 0);
  const auto at = [&](std::vector<std::ptrdiff_t>& v, std::ptrdiff_t k) -> std::ptrdiff_t& {
    return v[static_cast<std::size_t>(k + limit + 1)];
  };
  std::vector<std::vector<std::ptrdiff_t>> rounds;
  bool found = false;
  for (std::ptrdiff_t d = 0; d <= limit && !found; ++d) {
    rounds.push_back(furthest);
    for (std::ptrdiff_t k = -d; k <= d; k += 2) {
      const bool down = k == -d || (k != d && at(furthest, k - 1) < at(furthest, k + 1));
      std::ptrdiff_t x = down ? at(furthest, k + 1) : at(furthest, k - 1) + 1;
      while (x < n && x - k < m && equal(x, x - k)) ++x;
      at(furthest, k) = x;
      if (x >= n && x - k >= m) {
        found = true;
        break;
      }
    }
  }
  if (!found) {
    for (std::ptrdiff_t x = 0; x < n; ++x) add('-', x, 0);
    for (std::ptrdiff_t y = 0; y < m; ++y) add('+', n, y);
    return changes;
  }
  std::ptrdiff_t x = n, y = m;
  for (auto d = static_cast<std::ptrdiff_t>(rounds.size()) - 1; d >= 0; --d) {
    auto& before = rounds[static_cast<std::size_t>(d)];
    const std::ptrdiff_t k = x - y;
    const bool down = k == -d || (k != d && at(before, k - 1) < at(before, k + 1));
    const std::ptrdiff_t from_x = down ? at(before, k + 1) : at(before, k - 1);
    const std::ptrdiff_t from_y = from_x - (down ? k + 1 : k - 1);
    while (x > from_x && y > from_y) {
      --x;
      --y;
      add(' ', x, y);
    }
    if (d == 0) break;
    add(down ? '+' : '-', from_x, from_y);
    x = from_x;
    y = from_y;
  }
  std::ranges::reverse(changes);
  return changes;
}

}  // namespace

std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

std::string_view without_trailing_space(std::string_view line) {
  const std::size_t last = line.find_last_not_of(" \t\r\f\v");
  return last == std::string_view::npos ? std::string_view() : line.substr(0, last + 1);
}

std::string unified_diff(std::string_view from, std::string_view to, std::size_t context) {
  const Lines a = split_lines(from), b = split_lines(to);
  std::size_t begin = 0, a_end = a.size(), b_end = b.size();
  while (begin < a_end && begin < b_end && a[begin] == b[begin]) ++begin;
  while (a_end > begin && b_end > begin && a[a_end - 1] == b[b_end - 1]) --a_end, --b_end;
  if (begin == a_end && begin == b_end) return {};

  std::vector<Change> all;
  for (std::size_t i = 0; i < begin; ++i) all.push_back({' ', i, i});
  for (const Change& c : changes_between(a, b, begin, a_end, b_end)) all.push_back(c);
  for (std::size_t i = 0; a_end + i < a.size(); ++i) all.push_back({' ', a_end + i, b_end + i});

  std::string out;
  for (std::size_t i = 0; i < all.size();) {
    if (all[i].kind == ' ') {
      ++i;
      continue;
    }
    // A hunk: from `context` lines before the first change to `context` lines behind the last one that is near.
    const std::size_t first = i > context ? i - context : 0;
    std::size_t last = i;
    for (std::size_t k = i; k < all.size() && k <= last + 2 * context + 1; ++k)
      if (all[k].kind != ' ') last = k;
    const std::size_t end = std::min(all.size(), last + context + 1);
    std::size_t removed = 0, added = 0, from_line = 0, to_line = 0;
    std::string body;
    for (std::size_t k = 0; k < end; ++k) {
      const Change& c = all[k];
      if (k < first) {
        from_line += c.kind != '+';
        to_line += c.kind != '-';
        continue;
      }
      removed += c.kind != '+';
      added += c.kind != '-';
      body += c.kind;
      body += c.kind == '+' ? b[c.to] : a[c.from];
      body += '\n';
    }
    // A range of no lines is named by the line before it.
    out += fmt::format("@@ -{},{} +{},{} @@\n", from_line + (removed > 0), removed, to_line + (added > 0), added);
    out += body;
    i = end;
  }
  return out;
}

}  // namespace kerf
