#include "problem/suite.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <tuple>

#include "base/paths.h"
#include "problem/glob.h"
#include "problem/json_fields.h"
#include "problem/literal.h"
#include "problem/suite_text.h"

namespace kerf {
namespace {

namespace fs = std::filesystem;

// Splits "a, b" at commas; parts are trimmed.
std::vector<std::string_view> parts_of(std::string_view list) {
  std::vector<std::string_view> parts;
  while (!list.empty()) {
    const auto comma = std::min(list.find(','), list.size());
    std::string_view part = list.substr(0, comma);
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    if (!part.empty()) parts.push_back(part);
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return parts;
}

std::optional<std::int64_t> leading_number(std::string_view text) {
  std::int64_t value = 0;
  std::size_t i = 0;
  for (; i < text.size() && i < 9 && text[i] >= '0' && text[i] <= '9'; ++i) value = value * 10 + (text[i] - '0');
  return i > 0 ? std::optional(value) : std::nullopt;
}

// Orders "kernelbench/1/9" before "kernelbench/1/10".
auto order_of(const std::string& id) {
  const auto last = id.rfind('/');
  const auto before = last == std::string::npos || last == 0 ? std::string::npos : id.rfind('/', last - 1);
  const auto level =
      last == std::string::npos ? std::string_view{} : std::string_view(id).substr(before + 1, last - before - 1);
  const auto number = std::string_view(id).substr(last + 1);
  return std::tuple(leading_number(level).value_or(INT64_MAX), leading_number(number).value_or(INT64_MAX), id);
}

void sort_by_id(std::vector<Problem>& problems) {
  std::ranges::sort(problems, {}, [](const Problem& p) { return order_of(p.id); });
}

bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

std::unexpected<Error> not_found(const fs::path& path) {
  return user_error(
      fmt::format("there is no {}: give a problem as FILE.py, SUITE.jsonl#LEVEL/ID or FOLDER#LEVEL/ID", path.string()));
}

Result<std::string> text_of(const fs::path& path) {
  std::error_code error;
  if (!fs::exists(path, error)) return not_found(path);
  auto text = read_file(path);
  if (!text) return user_error(fmt::format("cannot read {}: {}", path.string(), text.error().message));
  if (text->find('\0') != std::string::npos) {
    return user_error(fmt::format("{} is not a text file: expected a PyTorch problem in Python", path.string()));
  }
  return text;
}

Result<Problem> problem_in_file(const fs::path& path) {
  Problem problem{.source = TRY(text_of(path)), .path = path.string()};
  std::tie(problem.id, problem.name) = names_of_file(path.string());
  return problem;
}

Result<std::vector<Problem>> all_of_folder(const fs::path& folder) {
  std::vector<Problem> problems;
  std::error_code error;
  auto entries = fs::recursive_directory_iterator(folder, fs::directory_options::skip_permission_denied, error);
  if (error) return user_error(fmt::format("cannot read the folder {}: {}", folder.string(), error.message()));
  for (; entries != fs::recursive_directory_iterator(); entries.increment(error)) {
    if (error) return user_error(fmt::format("cannot read the folder {}: {}", folder.string(), error.message()));
    const fs::path& path = entries->path();
    const auto name = path.filename().string();
    if (entries.depth() > 3 || name.starts_with('.') || name.starts_with("__")) {
      entries.disable_recursion_pending();
      continue;
    }
    if (path.extension() == ".py" && entries->is_regular_file(error)) problems.push_back(TRY(problem_in_file(path)));
  }
  if (problems.empty()) return user_error(fmt::format("the folder {} holds no problem (*.py)", folder.string()));
  sort_by_id(problems);
  return problems;
}

Result<std::vector<Problem>> all_of(const fs::path& path) {
  if (is_folder(path)) return all_of_folder(path);
  if (path.extension() == ".py") {
    std::vector<Problem> one;
    one.push_back(TRY(problem_in_file(path)));
    return one;
  }
  return parse_suite(TRY(text_of(path)), path.string());
}

bool selected(const Problem& problem, const std::vector<std::string_view>& globs) {
  const auto tail = last_two_parts(problem.id);
  return std::ranges::any_of(globs, [&](std::string_view glob) {
    return glob_matches(glob, tail) || glob_matches(glob, problem.id) || glob_matches(glob, problem.name);
  });
}

}  // namespace

std::string last_two_parts(std::string_view id) {
  const auto last = id.rfind('/');
  if (last == std::string_view::npos || last == 0) return std::string(id);
  const auto before = id.rfind('/', last - 1);
  return std::string(before == std::string_view::npos ? id : id.substr(before + 1));
}

std::pair<std::string, std::string> names_of_file(std::string_view path) {
  const fs::path file(path);
  const std::string stem = file.stem().string();
  const std::string folder = file.parent_path().filename().string();
  const auto number = leading_number(stem);
  if (number && folder.starts_with("level") && leading_number(std::string_view(folder).substr(5))) {
    return {fmt::format("kernelbench/{}/{}", *leading_number(std::string_view(folder).substr(5)), *number), stem};
  }
  return {stem, stem};
}

Result<std::vector<Problem>> parse_suite(std::string_view text, std::string_view path) {
  std::vector<Problem> problems;
  std::vector<std::string> seen;
  int line = 0;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string_view record = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++line;
    if (record.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const auto where = fmt::format("{} line {}", path, line);
    const auto in_line = [&](Error error) {
      if (!error.message.starts_with(where)) error.message = fmt::format("{}: {}", where, error.message);
      error.message += "; a suite holds one {\"level\", \"problem_id\", \"name\", \"code\"} a line";
      return error;
    };
    const auto read = [&]() -> Result<Problem> {
      const auto json = TRY(parse_json(record, where));
      Problem problem{.id = fmt::format("kernelbench/{}/{}", TRY(integer_field(json, "level")),
                                        TRY(integer_field(json, "problem_id"))),
                      .name = TRY(text_field(json, "name")),
                      .source = TRY(text_field(json, "code"))};
      problem.path = fmt::format("{}#{}", path, last_two_parts(problem.id));
      return problem;
    };
    auto problem = read();
    if (!problem) return std::unexpected(in_line(std::move(problem).error()));
    if (std::ranges::find(seen, problem->id) != seen.end()) {
      return user_error(
          fmt::format("{}: {} stands in this suite twice; remove one", where, last_two_parts(problem->id)));
    }
    seen.push_back(problem->id);
    problems.push_back(*std::move(problem));
  }
  if (problems.empty()) return user_error(fmt::format("the suite {} is empty", path));
  sort_by_id(problems);
  return problems;
}

Result<Sizes> parse_sizes(std::string_view text, std::string_view path, const Problem& problem) {
  const auto json = TRY(parse_json(text, path));
  const auto wrong = [&](std::string_view what) {
    return user_error(fmt::format("{}: {}; expected {{\"1/19\": {{\"batch_size\": 16}}, …}}", path, what));
  };
  if (!json.is_object()) return wrong("it is no object");
  const auto key = last_two_parts(problem.id);
  const auto found = json.find(key);
  if (found == json.end()) return Sizes{};
  if (!found->is_object()) return wrong(fmt::format("the entry of {} is no object", key));
  Sizes sizes;
  for (const auto& [name, value] : found->items()) {
    auto read = value_from_json(value);
    if (!read) return wrong(fmt::format("{} of {}: {}", name, key, read.error().message));
    sizes.emplace(name, *std::move(read));
  }
  return sizes;
}

Result<Problem> load_problem(std::string_view spec) {
  const auto hash = spec.rfind('#');
  if (hash == std::string_view::npos) {
    const fs::path path(spec);
    if (is_folder(path) || path.extension() == ".jsonl") {
      const auto all = TRY(all_of(path));
      return user_error(fmt::format("{0} is a suite: name one of its problems ({1} in all), such as {0}#{2}", spec,
                                    all.size(), last_two_parts(all.front().id)));
    }
    return problem_in_file(path);
  }
  const fs::path path(spec.substr(0, hash));
  const std::string_view wanted = spec.substr(hash + 1);
  std::error_code error;
  if (!fs::exists(path, error)) return not_found(path);
  auto all = TRY(all_of(path));
  for (Problem& problem : all) {
    if (problem.id == wanted || last_two_parts(problem.id) == wanted || problem.name == wanted)
      return std::move(problem);
  }
  return user_error(fmt::format("{} holds no problem {}: it has {} to {} ({} in all)", path.string(), wanted,
                                last_two_parts(all.front().id), last_two_parts(all.back().id), all.size()));
}

Result<std::vector<Problem>> load_suite(std::string_view path, std::string_view select) {
  auto all = TRY(all_of(fs::path(path)));
  const auto globs = parts_of(select);
  if (globs.empty()) return all;
  const auto count = all.size();
  std::erase_if(all, [&](const Problem& problem) { return !selected(problem, globs); });
  if (all.empty()) {
    return user_error(
        fmt::format("none of the {} problems of {} matches \"{}\": patterns look like 1/*,2/1?", count, path, select));
  }
  return all;
}

Result<std::pair<std::string, Value>> parse_set(std::string_view text) {
  const auto equals = text.find('=');
  std::string_view name = text.substr(0, std::min(equals, text.size()));
  while (name.ends_with(' ')) name.remove_suffix(1);
  const auto word = [](char c) {
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  if (equals == std::string_view::npos || name.empty() || !std::ranges::all_of(name, word) ||
      (name[0] >= '0' && name[0] <= '9')) {
    return user_error(fmt::format("--set {}: expected NAME=VALUE, such as batch_size=16", text));
  }
  auto value = parse_literal(text.substr(equals + 1));
  if (!value) return user_error(fmt::format("--set {}: {}", name, value.error().message));
  return std::pair(std::string(name), *std::move(value));
}

Result<Sizes> sizes_for(const std::string& json_path, const Problem& problem) {
  auto text = read_file(json_path);
  if (!text) return user_error(fmt::format("cannot read the sizes file {}: {}", json_path, text.error().message));
  return parse_sizes(*text, json_path, problem);
}

}  // namespace kerf
