#include "app/suite_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <system_error>

#include "app/wiring.h"
#include "base/paths.h"
#include "problem/json_fields.h"

namespace kerf {

namespace fs = std::filesystem;

namespace {

Result<fs::path> suites_folder(const std::string& store) {
  const fs::path path = TRY(store_path(store));
  const fs::path folder = path.parent_path() / (path.stem().string() + "-suites");
  std::error_code code;
  fs::create_directories(folder, code);
  if (code) return user_error(fmt::format("cannot create {} ({})", folder.string(), code.message()));
  return folder;
}

}  // namespace

Result<fs::path> suite_file(const std::string& store, const std::string& id) {
  const fs::path folder = TRY(suites_folder(store));
  if (id.empty() || id.find('/') != std::string::npos || id.starts_with('.') || id == "last")
    return user_error(fmt::format("\"{}\" is no name of a suite run", id));
  return folder / (id + ".json");
}

Result<SuiteRun> load_run(const fs::path& path) {
  const std::string text = TRY(read_file(path));
  const nlohmann::json json = TRY(parse_json(text, path.string()));
  auto run = suite_run_from_json(json);
  if (!run) return user_error(fmt::format("{} is no suite run: {}", path.string(), run.error().message));
  return run;
}

Result<SuiteRun> find_run(const std::string& store, const std::string& name) {
  std::error_code code;
  if (name != "last") {
    if (fs::is_regular_file(name, code)) return load_run(name);
    if (name.find('/') != std::string::npos) return user_error(fmt::format("there is no file {}", name));
    const fs::path path = TRY(suite_file(store, name));
    if (fs::exists(path, code)) return load_run(path);
    const std::vector<std::string> shards = TRY(shards_of(store, name));
    if (!shards.empty())
      return user_error(fmt::format("of suite run {} there are {}: kerf suite merge {} joins them", name,
                                    fmt::join(shards, ", "), name));
    return user_error(fmt::format("there is no suite run {}; they lie in {}", name, path.parent_path().string()));
  }
  const fs::path folder = TRY(suites_folder(store));
  std::optional<fs::path> newest;
  for (const auto& entry : fs::directory_iterator(folder, code)) {
    if (entry.path().extension() != ".json") continue;
    if (!newest || fs::last_write_time(entry.path(), code) > fs::last_write_time(*newest, code)) newest = entry.path();
  }
  if (!newest) return user_error("there is no suite run yet: kerf suite run SUITE starts one");
  return load_run(*newest);
}

Result<std::vector<std::string>> shards_of(const std::string& store, const std::string& id) {
  const fs::path folder = TRY(suites_folder(store));
  std::vector<std::string> names;
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(folder, code)) {
    const std::string name = entry.path().stem().string();
    if (entry.path().extension() != ".json" || !name.starts_with(id + "-")) continue;
    std::string part = name.substr(id.size() + 1);
    const std::size_t of = part.find("of");
    if (of == std::string::npos || !parse_shard(part.replace(of, 2, "/"))) continue;
    names.push_back(name);
  }
  std::ranges::sort(names);
  return names;
}

Result<Fd> lock_run(const fs::path& file) {
  const fs::path path = file.string() + ".lock";
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!fd)
    return user_error(fmt::format("cannot write {} ({})", path.string(), std::generic_category().message(errno)));
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0)
    return user_error(fmt::format("another kerf works on suite run {}", file.stem().string()));
  return fd;
}

std::string document_text(const nlohmann::json& json) {
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace kerf
