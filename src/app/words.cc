#include "app/words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace kerf {

namespace {

std::string scaled(double value, double step, std::span<const char* const> units) {
  std::size_t unit = 0;
  while (std::abs(value) >= step && unit + 1 < units.size()) {
    value /= step;
    ++unit;
  }
  const double magnitude = std::abs(value);
  const int digits = magnitude >= 100 || (unit == 0 && value == std::floor(value)) ? 0 : magnitude >= 10 ? 1 : 2;
  return fmt::format("{:.{}f} {}", value, digits, units[unit]);
}

}  // namespace

std::string time_words(double us) {
  static constexpr std::array<const char*, 3> units{"us", "ms", "s"};
  return scaled(us, 1000, units);
}

std::string duration_words(double seconds) {
  const auto total = static_cast<std::int64_t>(std::llround(std::max(0.0, seconds)));
  if (total < 60) return seconds > 0 && seconds < 9.95 ? fmt::format("{:.1f} s", seconds) : fmt::format("{} s", total);
  if (total < 3600) return fmt::format("{} min {:02} s", total / 60, total % 60);
  return fmt::format("{} h {:02} min", total / 3600, total / 60 % 60);
}

std::string bytes_words(double bytes) {
  static constexpr std::array<const char*, 5> units{"B", "kB", "MB", "GB", "TB"};
  return scaled(bytes, 1000, units);
}

std::string operations_words(double operations) {
  static constexpr std::array<const char*, 5> units{"FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP"};
  return scaled(operations, 1000, units);
}

std::string usd_words(double usd) {
  return usd == 0 || usd >= 0.995 ? fmt::format("${:.2f}", usd) : fmt::format("${:.2g}", usd);
}

std::string ratio_words(const Ratio& ratio) {
  return fmt::format("{:.2f}x ({:.2f} to {:.2f})", ratio.value, ratio.low, ratio.high);
}

std::string percent_words(double fraction) {
  const double percent = 100 * fraction;
  return fmt::format("{:.{}f} %", percent, percent > 0 && percent < 9.95 ? 1 : 0);
}

std::string count_words(std::int64_t n, std::string_view what) {
  return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
}

std::string short_digest(std::string_view digest) {
  if (digest.starts_with("sha256")) digest.remove_prefix(6);
  if (digest.starts_with(":")) digest.remove_prefix(1);
  return std::string(digest.substr(0, 12));
}

std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : text) line += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  return line;
}

std::size_t columns_of(std::string_view text) {
  // Code points; wide ones do not occur in what kerf writes itself.
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string fit(std::string_view line, std::size_t columns) {
  std::string clean = one_line(line);
  if (columns_of(clean) <= columns) return clean;
  if (columns == 0) return "";
  std::size_t end = 0, seen = 0;
  while (end < clean.size()) {
    const bool starts = (clean[end] & 0xc0) != 0x80;
    if (starts && seen == columns - 1) break;
    if (starts) ++seen;
    ++end;
  }
  return clean.substr(0, end) + "…";
}

std::string table(const std::vector<std::vector<std::string>>& rows, const std::vector<std::size_t>& right) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], columns_of(row[c]));
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t c = 0; c < row.size(); ++c) {
      const std::string gap(widths[c] - columns_of(row[c]), ' ');
      if (c > 0) line += "  ";
      line += std::ranges::find(right, c) != right.end() ? gap + row[c] : row[c] + gap;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string markdown_table(const std::vector<std::vector<std::string>>& rows) {
  std::string text;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    text += "|";
    for (std::string cell : rows[r]) {
      for (std::size_t at = 0; (at = cell.find('|', at)) != std::string::npos; at += 2) cell.insert(at, "\\");
      text += " " + one_line(cell) + " |";
    }
    text += "\n";
    if (r == 0) {
      text += "|";
      for (std::size_t c = 0; c < rows[0].size(); ++c) text += "---|";
      text += "\n";
    }
  }
  return text;
}

}  // namespace kerf
