#include "evaluate/profile/line_samples.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/paths.h"
#include "evaluate/profile/gpu_diagnosis.h"

namespace kerf {

Result<LineTables> line_tables_of(const Image& image, const std::vector<LaunchSamples>& samples) {
  LineTables tables;
  for (const LaunchSamples& launch : samples) {
    if (tables.contains(launch.cubin)) continue;
    if (launch.cubin.empty() || launch.cubin.find('/') != std::string::npos)
      return fail(ErrorKind::unavailable, "unavailable: the samples are of no cubin of this image");
    const std::string folder = image.path.substr(0, image.path.rfind('/') + 1);
    const auto bytes = read_file(folder + launch.cubin);
    auto table = bytes ? read_line_table(*bytes) : Result<LineTable>(std::unexpected(bytes.error()));
    if (!table)
      return fail(ErrorKind::unavailable,
                  fmt::format("unavailable: the lines of {}: {}", launch.cubin, table.error().message));
    if (table->functions.empty())
      return fail(ErrorKind::unavailable, fmt::format("unavailable: {} says nothing of lines", launch.cubin));
    tables.emplace(launch.cubin, *std::move(table));
  }
  return tables;
}

SampledLines sampled_lines(const std::vector<LaunchSamples>& samples, const LineTables& tables, std::string_view file,
                           const std::function<double(int step)>& executions) {
  SampledLines out;
  double all = 0;
  std::map<int, std::map<std::string, double>> by_line;
  for (const LaunchSamples& launch : samples) {
    const double weight = std::max(1.0, executions(launch.step));
    const auto table = tables.find(launch.cubin);
    out.lost += launch.lost;
    for (const LaunchSamples::At& at : launch.at) {
      const auto line = table == tables.end() ? std::nullopt : table->second.line_of(at.function, at.offset, file);
      for (const auto& [stall, count] : at.stalls) {
        if (count <= 0) continue;
        out.samples += count;
        all += weight * static_cast<double>(count);
        if (line) by_line[*line][stall] += weight * static_cast<double>(count);
      }
    }
  }
  for (auto& [line, stalls] : by_line) {
    double sum = 0;
    for (const auto& [stall, count] : stalls) sum += count;
    for (auto& [stall, count] : stalls) count /= sum;
    out.lines.push_back({.line = line, .share = sum / all, .waits = std::move(stalls)});
  }
  std::ranges::stable_sort(out.lines, std::greater(), &SampledLine::share);
  return out;
}

std::vector<HotSpot> hot_lines(const SampledLines& sampled, std::size_t most) {
  constexpr double least_share = 0.03, least_wait = 0.1;
  std::vector<HotSpot> spots;
  for (const SampledLine& line : sampled.lines) {
    if (spots.size() >= most || line.share < least_share) break;
    KernelProfile stalls;
    for (const auto& [stall, share] : line.waits) stalls.metrics["stall." + stall] = share;
    std::string waits;
    for (const auto& [stall, share] : top_stalls(stalls)) {
      if (share >= least_wait)
        waits +=
            fmt::format("{}{} ({:.0f} %)", waits.empty() ? ", waiting for " : ", ", words_of_stall(stall), 100 * share);
    }
    spots.push_back({.line = line.line,
                     .what = fmt::format("{:.0f} % of the time of all warps is spent here{}", 100 * line.share, waits),
                     .evidence = Evidence::silicon,
                     .share = line.share,
                     .waits = line.waits});
  }
  return spots;
}

}  // namespace kerf
