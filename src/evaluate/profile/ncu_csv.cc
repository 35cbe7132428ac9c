#include "evaluate/profile/ncu_csv.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <iterator>
#include <map>
#include <optional>
#include <string>

namespace kerf {
namespace {

// One row of quoted cells; nullopt if it is none. A quote within a cell is doubled (RFC 4180).
std::optional<std::vector<std::string>> cells_of(std::string_view line) {
  std::vector<std::string> cells;
  std::size_t at = 0;
  while (true) {
    if (at >= line.size() || line[at] != '"') return std::nullopt;
    std::string cell;
    for (++at;; ++at) {
      if (at >= line.size()) return std::nullopt;
      if (line[at] == '"') {
        if (at + 1 >= line.size() || line[at + 1] != '"') break;
        ++at;
      }
      cell += line[at];
    }
    cells.push_back(std::move(cell));
    if (++at == line.size()) return cells;
    if (line[at++] != ',') return std::nullopt;
  }
}

std::optional<double> number_of(std::string_view cell) {
  std::string digits;
  std::ranges::copy_if(cell, std::back_inserter(digits), [](char c) { return c != ','; });
  double value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

// To nanoseconds and bytes: ncu scales where it is not told otherwise (--print-units base).
double scale_of(std::string_view unit) {
  struct Unit {
    std::string_view name;
    double scale;
  };
  constexpr std::array units{Unit{"us", 1e3},      Unit{"usecond", 1e3},     Unit{"ms", 1e6},
                             Unit{"msecond", 1e6}, Unit{"s", 1e9},           Unit{"second", 1e9},
                             Unit{"Kbyte", 1e3},   Unit{"Mbyte", 1e6},       Unit{"Gbyte", 1e9},
                             Unit{"Tbyte", 1e12},  Unit{"Kbyte/block", 1e3}, Unit{"Mbyte/block", 1e6}};
  const auto* const found = std::ranges::find(units, unit, &Unit::name);
  return found == units.end() ? 1 : found->scale;
}

}  // namespace

Result<std::vector<NcuLaunch>> read_ncu_launches(std::string_view text) {
  std::vector<std::string> names;
  std::vector<std::string> units;
  std::vector<NcuLaunch> launches;
  std::size_t kernel = 0;
  for (int line = 1; !text.empty(); ++line) {
    const auto end = std::min(text.find('\n'), text.size());
    auto row = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (row.ends_with('\r')) row.remove_suffix(1);
    if (names.empty() && !row.starts_with("\"ID\",")) continue;
    if (!row.starts_with('"')) continue;
    auto cells = cells_of(row);
    if (!cells || (!names.empty() && cells->size() != names.size())) {
      return fail(ErrorKind::user,
                  fmt::format("line {} of the profile does not fit its header: expected {} quoted cells; write it with "
                              "ncu --csv --page raw",
                              line, names.empty() ? "" : std::to_string(names.size())),
                  Location{.line = line, .column = 1});
    }
    if (names.empty()) {
      names = *std::move(cells);
      const auto found = std::ranges::find(names, "Kernel Name");
      if (found == names.end()) {
        return user_error("the profile has no column \"Kernel Name\"; write it with ncu --csv --page raw");
      }
      kernel = static_cast<std::size_t>(found - names.begin());
    } else if (units.empty()) {
      units = *std::move(cells);
    } else {
      std::map<std::string, double> counters;
      for (std::size_t i = 0; i < names.size(); ++i) {
        if (const auto value = number_of((*cells)[i])) counters[names[i]] = *value * scale_of(units[i]);
      }
      launches.push_back({.kernel = (*cells)[kernel], .counters = std::move(counters)});
    }
  }
  if (names.empty()) {
    return user_error("no table of Nsight Compute was found; write it with ncu --csv --page raw");
  }
  return launches;
}

Result<std::vector<KernelProfile>> read_ncu_csv(std::string_view text) {
  std::vector<KernelProfile> profiles;
  for (const NcuLaunch& launch : TRY(read_ncu_launches(text)))
    profiles.push_back(from_nvidia_counters(launch.kernel, launch.counters));
  return profiles;
}

std::string error_of_ncu(std::string_view log) {
  constexpr std::string_view mark = "==ERROR== ";
  const auto at = log.find(mark);
  if (at == log.npos) return {};
  std::string line(
      log.substr(at + mark.size(), std::min<std::size_t>(log.find('\n', at), log.size()) - at - mark.size()));
  std::ranges::replace_if(line, [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return line.substr(0, 300);
}

Result<> take_ncu(std::string_view log, ProfileAnswer& answer) {
  if (const std::string why = error_of_ncu(log); !why.empty())
    return fail(ErrorKind::unavailable, "unavailable: Nsight Compute: " + why);
  auto launches = read_ncu_launches(log);
  if (!launches) return fail(ErrorKind::unavailable, "unavailable: Nsight Compute: " + launches.error().message);
  if (launches->size() != answer.launches.size()) {
    return fail(ErrorKind::unavailable, fmt::format("unavailable: Nsight Compute measured {} launches of {}",
                                                    launches->size(), answer.launches.size()));
  }
  for (std::size_t i = 0; i < launches->size(); ++i) answer.launches[i].counters = std::move((*launches)[i].counters);
  return {};
}

}  // namespace kerf
