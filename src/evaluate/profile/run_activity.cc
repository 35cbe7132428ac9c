#include "evaluate/profile/run_activity.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include <fmt/format.h>

namespace kerf {
namespace {

using json = nlohmann::json;
using Kind = DeviceActivity::Kind;

constexpr std::size_t longest_name = 200;

// Names come from a candidate's code: what is no printable ASCII would not get into every document.
std::string words_of(const DeviceActivity& activity) {
  if (activity.kind != Kind::kernel) return activity.kind == Kind::copy ? "copy" : "fill";
  std::string name = activity.name.substr(0, longest_name);
  std::ranges::replace_if(name, [](char c) { return c < ' ' || c > '~'; }, '?');
  return name;
}

double us_between(std::uint64_t from, std::uint64_t to) {
  return to >= from ? static_cast<double>(to - from) * 1e-3 : -static_cast<double>(from - to) * 1e-3;
}

}  // namespace

Result<RunActivity> run_activity(const std::vector<DeviceActivity>& records, std::size_t most) {
  const auto unknown = [](const char* why) {
    return fail(ErrorKind::unavailable, fmt::format("unavailable: CUPTI's records of activity {}", why));
  };
  if (std::ranges::any_of(records, [](const auto& r) { return r.begin_ns == 0 || r.end_ns < r.begin_ns; }))
    return unknown("lack times");
  const auto is_mark = [](const DeviceActivity& r) { return r.kind == Kind::fill && r.bytes == mark_bytes; };
  const auto first = std::ranges::find_if(records, is_mark);
  if (first == records.end()) return unknown("do not show where the run began");
  auto last = first;  // a filling of the candidate's may be as large: its end is the last one on the stream
  for (auto at = first; at != records.end(); ++at)
    if (is_mark(*at) && at->stream == first->stream && at->begin_ns >= last->begin_ns) last = at;
  if (last == first) return unknown("do not show where the run ended");

  RunActivity out{.stream = first->stream, .span_us = us_between(first->end_ns, last->begin_ns)};
  std::uint64_t busy_until = first->end_ns;
  for (auto at = records.begin(); at != records.end(); ++at) {
    const DeviceActivity& r = *at;
    if (at == first || at == last) continue;
    const bool beside = r.stream != out.stream;
    // What the run began behind, on its own stream: the wait in which launches are handed over.
    if (!beside && r.end_ns <= first->begin_ns) continue;
    if (beside && (r.begin_ns < first->end_ns || r.end_ns > last->begin_ns)) {
      Error error{.kind = ErrorKind::candidate,
                  .message = fmt::format("{} ran on another stream than the one that is timed, which did not wait for "
                                         "it: {:.1f} us of it lie outside the run",
                                         words_of(r),
                                         std::max(0.0, us_between(r.begin_ns, first->end_ns)) +
                                             std::max(0.0, us_between(last->begin_ns, r.end_ns))),
                  .at = std::nullopt,
                  .facts = {{"verdict", "rejected"}, {"rule", "other_stream"}}};
      return std::unexpected(std::move(error));
    }
    const double gap = std::max(0.0, us_between(busy_until, r.begin_ns));
    busy_until = std::max(busy_until, r.end_ns);
    out.idle_us += gap;
    out.longest_gap_us = std::max(out.longest_gap_us, gap);
    ++out.count;
    if (beside) ++out.beside;
    if (out.events.size() >= most) continue;
    out.events.push_back({.what = words_of(r),
                          .stream = r.stream,
                          .begin_us = us_between(first->end_ns, r.begin_ns),
                          .us = us_between(r.begin_ns, r.end_ns),
                          .gap_us = gap,
                          .grid = r.grid,
                          .block = r.block,
                          .registers = r.registers,
                          .shared_bytes = r.shared_bytes,
                          .bytes = r.bytes});
  }
  out.idle_us += std::max(0.0, us_between(busy_until, last->begin_ns));
  return out;
}

json to_json(const RunActivity& a) {
  json events = json::array();
  for (const auto& e : a.events)
    events.push_back({{"what", e.what},
                      {"stream", e.stream},
                      {"begin_us", e.begin_us},
                      {"us", e.us},
                      {"gap_us", e.gap_us},
                      {"grid", e.grid},
                      {"block", e.block},
                      {"registers", e.registers},
                      {"shared_bytes", e.shared_bytes},
                      {"bytes", e.bytes}});
  return {{"stream", a.stream},   {"count", a.count},     {"beside", a.beside},
          {"span_us", a.span_us}, {"idle_us", a.idle_us}, {"longest_gap_us", a.longest_gap_us},
          {"events", events}};
}

RunActivity run_activity_from(const json& j) {
  RunActivity a{.stream = j.at("stream").get<std::int64_t>(),
                .events = {},
                .count = j.at("count").get<std::int64_t>(),
                .beside = j.at("beside").get<std::int64_t>(),
                .span_us = j.at("span_us").get<double>(),
                .idle_us = j.at("idle_us").get<double>(),
                .longest_gap_us = j.at("longest_gap_us").get<double>()};
  for (const auto& e : j.at("events"))
    a.events.push_back({.what = e.at("what").get<std::string>(),
                        .stream = e.at("stream").get<std::int64_t>(),
                        .begin_us = e.at("begin_us").get<double>(),
                        .us = e.at("us").get<double>(),
                        .gap_us = e.at("gap_us").get<double>(),
                        .grid = e.at("grid").get<std::array<std::int64_t, 3>>(),
                        .block = e.at("block").get<std::array<std::int64_t, 3>>(),
                        .registers = e.at("registers").get<int>(),
                        .shared_bytes = e.at("shared_bytes").get<std::int64_t>(),
                        .bytes = e.at("bytes").get<std::int64_t>()});
  return a;
}

}  // namespace kerf
