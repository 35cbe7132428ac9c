#include "evaluate/judge_patterns.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <nlohmann/json.hpp>

namespace kerf {
namespace {

// 24576 -> "24,576"
std::string grouped(std::int64_t value) {
  auto text = std::to_string(value);
  for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3)
    text.insert(static_cast<std::size_t>(at), ",");
  return text;
}

std::string ordinal(std::int64_t n) {
  const auto tens = n % 100;
  const char* suffix = tens >= 11 && tens <= 13 ? "th"
                       : n % 10 == 1            ? "st"
                       : n % 10 == 2            ? "nd"
                       : n % 10 == 3            ? "rd"
                                                : "th";
  return grouped(n) + suffix;
}

struct BoxShape {
  std::vector<std::int64_t> length;
  std::vector<std::size_t> narrow;  // dimensions that the box does not fill
  std::int64_t volume = 1;
};

BoxShape measure(const OutputJudgement& o, const TensorSpec& spec) {
  BoxShape shape;
  for (std::size_t d = 0; d < o.box.size(); ++d) {
    const auto length = o.box[d].second - o.box[d].first + 1;
    shape.length.push_back(length);
    shape.volume *= length;
    if (d < spec.shape.size() && length < spec.shape[d]) shape.narrow.push_back(d);
  }
  return shape;
}

std::string across(std::size_t d, std::size_t dims) {
  return dims == 1 ? std::string() : fmt::format(" of dimension {}", d);
}

// A regular comb along one dimension fills its box with gaps: `wrong` = (other lengths) x ceil(length / step).
std::optional<std::pair<std::size_t, std::int64_t>> comb(const OutputJudgement& o, const BoxShape& box) {
  for (std::size_t back = box.length.size(); back-- > 0;) {
    const auto length = box.length[back], others = box.volume / length;
    if (length < 4 || others == 0 || o.wrong % others != 0) continue;
    const auto teeth = o.wrong / others;
    if (teeth < 2 || (length - 1) % (teeth - 1) != 0) continue;  // the box ends at the last tooth
    if (const auto step = (length - 1) / (teeth - 1); step >= 2) return std::pair(back, step);
  }
  return std::nullopt;
}

std::string number(double value) { return fmt::format("{:.6g}", value); }

}  // namespace

WrongPattern find_pattern(const OutputJudgement& o, const TensorSpec& spec) {
  if (o.right) return {.name = "right", .where = ""};
  const auto all = spec.numel();
  std::string place;
  std::string name;
  const auto box = measure(o, spec);
  const auto dims = spec.shape.size();
  if (o.wrong >= all || o.box.empty()) {
    name = "everything";
    place = all == 1 ? "the only element" : "every element";
  } else if (o.wrong == 1) {
    name = "element";
    place = "one element";
  } else if (o.wrong == box.volume && box.narrow.size() == 1) {
    const auto d = box.narrow[0];
    const auto [low, high] = o.box[d];
    if (high + 1 == spec.shape[d]) {
      name = "tail";
      place = fmt::format("the last {}{}", grouped(box.length[d]), across(d, dims));
    } else if (low == 0) {
      name = "head";
      place = fmt::format("the first {}{}", grouped(box.length[d]), across(d, dims));
    } else if (box.length[d] == 1) {
      name = "row";
      place = fmt::format("index {}{}", low, across(d, dims));
    } else {
      name = "block";
      place = fmt::format("{} to {}{}", low, high, across(d, dims));
    }
  } else if (o.wrong == box.volume) {
    name = dims > 1 && box.narrow.size() + 1 == dims && box.length.back() == spec.shape.back() ? "row" : "block";
    place = fmt::format("the block [{}]", [&] {
      std::string ranges;
      for (const auto& [low, high] : o.box) {
        ranges +=
            (ranges.empty() ? "" : ", ") + (low == high ? std::to_string(low) : fmt::format("{}:{}", low, high + 1));
      }
      return ranges;
    }());
  } else if (const auto regular = comb(o, box)) {
    name = "every";
    place = fmt::format("every {}{}", ordinal(regular->second), across(regular->first, dims));
  } else {
    name = "scattered";
    const bool whole = box.narrow.empty();
    place = whole ? "scattered elements"
                  : fmt::format("scattered elements from index [{}] on", fmt::join(o.first_wrong, ", "));
  }
  if (o.unwritten > 0 && o.unwritten >= o.wrong)
    name = "unwritten";
  else if (o.nonfinite > 0 && o.nonfinite >= o.wrong)
    name = "nonfinite";
  return {.name = std::move(name), .where = std::move(place)};
}

std::string describe_wrong(const OutputJudgement& o, const TensorSpec& spec) {
  if (o.right) return o.name + " is right";
  const auto pattern = find_pattern(o, spec);
  const auto count =
      spec.numel() == 1 ? std::string() : fmt::format(" ({} of {})", grouped(o.wrong), grouped(spec.numel()));
  const auto first = o.first_wrong.empty() ? o.name : fmt::format("{}[{}]", o.name, fmt::join(o.first_wrong, ", "));
  if (pattern.name == "unwritten") return fmt::format("{} is not written: {}{}", o.name, pattern.where, count);
  if (pattern.name == "nonfinite") {
    return fmt::format("{} is NaN or infinite in {}{}: {} is {} where {} is right", o.name, pattern.where, count, first,
                       number(o.got), number(o.expected));
  }
  std::string text = fmt::format("{} is wrong in {}{}: {} is {} where {} is right", o.name, pattern.where, count, first,
                                 number(o.got), number(o.expected));
  text += fmt::format("; largest error {:.2g}, allowed {:.2g}", o.max_error, o.allowed);
  if (o.unwritten > 0) text += fmt::format("; {} elements are not written", grouped(o.unwritten));
  if (o.nonfinite > 0) text += fmt::format("; {} are NaN or infinite", grouped(o.nonfinite));
  return text;
}

nlohmann::json judgement_detail(const OutputJudgement& o, const TensorSpec& spec) {
  const auto finite = [](double v) { return std::isfinite(v) ? nlohmann::json(v) : nlohmann::json(nullptr); };
  const auto pattern = find_pattern(o, spec);
  return {{"output", o.name},
          {"pattern", pattern.name},
          {"where", pattern.where},
          {"wrong", o.wrong},
          {"of", spec.numel()},
          {"unwritten", o.unwritten},
          {"nonfinite", o.nonfinite},
          {"first_wrong", o.first_wrong},
          {"box", o.box},
          {"got", finite(o.got)},
          {"expected", finite(o.expected)},
          {"max_error", finite(o.max_error)},
          {"allowed", finite(o.allowed)},
          {"reference_error", finite(o.reference_error)},
          {"scale", finite(o.scale)}};
}

}  // namespace kerf
