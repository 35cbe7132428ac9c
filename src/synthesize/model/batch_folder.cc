#include "synthesize/model/batch_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/paths.h"
#include "problem/json_fields.h"

namespace kerf {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::string_view requests = "requests-", answers = "answers-";

template <class Visit>
void each_line(std::string_view text, Visit visit) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (const std::string_view line = text.substr(0, end); !line.empty()) visit(line);
    text = end == text.npos ? std::string_view{} : text.substr(end + 1);
  }
}

}  // namespace

Result<> BatchFolder::open() {
  std::error_code code;
  fs::create_directories(folder_, code);
  if (code) return user_error(fmt::format("cannot create {}: {}", folder_.string(), code.message()));
  for (const std::string& batch : batches()) {
    last_ = std::max(last_, std::atoi(batch.c_str() + requests.size()));
    const std::string text = TRY(read_file(file(batch, ".jsonl")));
    each_line(text, [&](std::string_view line) {
      const Json json = read_json(line);
      if (json.is_object() && json.contains("custom_id") && json["custom_id"].is_string())
        asked_[json["custom_id"].get<std::string>()] = batch;
    });
  }
  return {};
}

std::vector<std::string> BatchFolder::batches() const {
  std::error_code code;
  std::vector<std::string> found;
  for (const auto& entry : fs::directory_iterator(folder_, code)) {
    const fs::path& path = entry.path();
    if (path.extension() == ".jsonl" && path.filename().string().starts_with(requests))
      found.push_back(path.stem().string());
  }
  std::ranges::sort(found);
  return found;
}

std::optional<std::string> BatchFolder::batch_of(const std::string& id) const {
  const auto found = asked_.find(id);
  return found == asked_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::string> BatchFolder::unsettled() const {
  for (const std::string& batch : batches())
    if (exists(batch, ".sending") && !exists(batch, ".sent")) return batch;
  return std::nullopt;
}

Result<> BatchFolder::add(const std::map<std::string, std::string>& lines) {
  const std::string batch = fmt::format("{}{:04}", requests, ++last_);
  std::string text;
  for (const auto& [id, line] : lines) text += line + '\n';
  TRY(write_file(file(batch, ".jsonl"), text));
  for (const auto& [id, line] : lines) asked_[id] = batch;
  return {};
}

fs::path BatchFolder::file(const std::string& batch, const char* extension) const {
  return folder_ / (batch + extension);
}

bool BatchFolder::exists(const std::string& batch, const char* extension) const {
  std::error_code code;
  return fs::exists(file(batch, extension), code);
}

std::vector<Json> BatchFolder::new_answers() {
  std::error_code code;
  std::vector<fs::path> fresh;
  for (const auto& entry : fs::directory_iterator(folder_, code)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("answers") || entry.path().extension() != ".jsonl") continue;
    const auto size = fs::file_size(entry.path(), code);
    if (const auto seen = read_.find(name); seen != read_.end() && seen->second == size) continue;
    read_[name] = size;
    fresh.push_back(entry.path());
  }
  std::ranges::sort(fresh);
  std::vector<Json> lines;
  for (const fs::path& path : fresh)
    if (const auto text = read_file(path))
      each_line(*text, [&](std::string_view line) { lines.push_back(read_json(line)); });
  return lines;
}

Result<> BatchFolder::keep_answers(const std::string& batch, const std::string& text) const {
  return write_file(folder_ / fmt::format("{}{}.jsonl", answers, batch.substr(requests.size())), text);
}

}  // namespace kerf
