#include "candidate/case_reader.h"

#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/text.h"
#include "problem/json_fields.h"

namespace kerf {
namespace {

std::vector<std::string> split(std::string_view text, std::string_view by) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t at = text.find(by);
    parts.emplace_back(trimmed(text.substr(0, at)));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + by.size());
  }
}

// The first word, and what follows it.
std::pair<std::string, std::string> word(std::string_view text) {
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos) return {std::string(text), {}};
  return {std::string(text.substr(0, space)), std::string(trimmed(text.substr(space)))};
}

Result<std::vector<std::int64_t>> integers(std::string_view text) {
  std::vector<std::int64_t> result;
  if (trimmed(text).empty()) return result;
  for (const std::string& part : split(text, ",")) {
    std::int64_t value = 0;
    const auto [stop, error] = std::from_chars(part.data(), part.data() + part.size(), value);
    if (error != std::errc() || stop != part.data() + part.size())
      return user_error(fmt::format("`{}` is no integer", part));
    result.push_back(value);
  }
  return result;
}

struct Reader {
  CandidateCase& into;

  Result<> tensor(Role role, const std::string& rest) const {
    const auto [name, spec] = word(rest);
    into.workload.tensors.push_back({.name = name, .role = role, .spec = TRY(parse_spec(spec)), .drawn = "randn"});
    return {};
  }

  Result<> expect(const std::string& rest) const {
    if (rest == "ok") return {};
    into.expects_error = true;
    const auto [place, behind] = word(rest);
    const auto [rule, fragment] = word(behind);
    const auto parts = split(place, ":");
    if (parts.size() != 2) return user_error("expected LINE:COLUMN RULE FRAGMENT");
    const auto line = TRY(integers(parts[0])), column = TRY(integers(parts[1]));
    into.at = {static_cast<int>(line.at(0)), static_cast<int>(column.at(0))};
    into.rule = rule;
    into.fragment = fragment;
    return {};
  }

  // "aten::t f32[5, 3]{1, 5} of 0 & nothing"
  Result<> answer(const std::string& rest) const {
    const auto [op, specs] = word(rest);
    std::vector<CallResult> results;
    for (const std::string& each : split(specs, "&")) {
      if (each == "nothing") {
        results.emplace_back();
        continue;
      }
      const std::size_t of = each.find(" of ");
      CallResult result{.spec = TRY(parse_spec(each.substr(0, of))), .alias_of = std::nullopt};
      if (of != std::string::npos) result.alias_of = static_cast<TensorId>(TRY(integers(each.substr(of + 4))).at(0));
      results.push_back(std::move(result));
    }
    into.machine.add_answer(op, std::move(results));
    return {};
  }

  Result<> line(const std::string& key, const std::string& rest) const {
    if (key == "expect") return expect(rest);
    if (key == "input") return tensor(Role::input, rest);
    if (key == "parameter") return tensor(Role::parameter, rest);
    if (key == "buffer") return tensor(Role::buffer, rest);
    if (key == "answer") return answer(rest);
    if (key == "log") {
      into.log.push_back(rest);
      return {};
    }
    if (key == "output") {
      into.workload.outputs.push_back(TRY(parse_spec(rest)));
      return {};
    }
    if (key == "init") {
      const auto [name, json] = word(rest);
      const nlohmann::json parsed = read_json(json);
      into.workload.init.emplace_back(name, TRY(value_from_json(parsed)));
      return {};
    }
    if (key == "schema") {
      into.machine.add_schema(rest);
      return {};
    }
    if (key == "prototype") {
      const auto [kernel, types] = word(rest);
      into.machine.add_prototype(kernel, split(types, ","));
      return {};
    }
    return user_error(fmt::format("unknown key `{}`", key));
  }
};

}  // namespace

Result<TensorSpec> parse_spec(std::string_view text) {
  text = trimmed(text);
  const std::size_t open = text.find('['), close = text.find(']');
  const auto dtype = dtype_from(trimmed(text.substr(0, open)));
  if (open == std::string_view::npos || close == std::string_view::npos || !dtype) {
    return user_error(fmt::format("`{}` is no tensor: expected DTYPE[SHAPE] or DTYPE[SHAPE]{{STRIDES}}", text));
  }
  TensorSpec spec{.dtype = *dtype, .shape = TRY(integers(text.substr(open + 1, close - open - 1))), .stride = {}};
  const std::string_view rest = trimmed(text.substr(close + 1));
  spec.stride = rest.starts_with('{') && rest.ends_with('}') ? TRY(integers(rest.substr(1, rest.size() - 2)))
                                                             : contiguous_strides(spec.shape);
  if (spec.stride.size() != spec.shape.size()) return user_error(fmt::format("`{}`: as many strides as extents", text));
  return spec;
}

Result<> read_case(std::string_view text, CandidateCase& into) {
  std::istringstream lines{std::string(text)};
  const Reader reader{into};
  for (std::string line; std::getline(lines, line);) {
    std::string_view rest = line;
    if (rest.starts_with("//: ")) {
      rest.remove_prefix(4);
    } else if (rest.starts_with("#: ")) {
      rest.remove_prefix(3);
    } else {
      break;
    }
    const auto [key, value] = word(trimmed(rest));
    if (auto read = reader.line(key, value); !read)
      return user_error(fmt::format("{}: {}", line, read.error().message));
  }
  return {};
}

Result<Program> bind_case(const Candidate& candidate, CandidateCase& with) {
  const Source source = TRY(read_source(candidate));
  const std::vector<TunePoint> points = TRY(tune_points(source));
  if (!TRY(supports(source, with.workload))) return std::unexpected(not_supported(source, with.workload));
  const BindRequest request{.source = &source, .workload = &with.workload, .tune = points.front(), .threads = 2};
  return bind(request, with.machine);
}

}  // namespace kerf
