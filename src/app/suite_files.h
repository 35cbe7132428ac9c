// Where suite runs are kept: beside the store, so that a run that was started with one store is found with it.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/process.h"
#include "session/suite.h"

namespace kerf {

// The file of a run that need not exist. An error if `id` is no name.
[[nodiscard]] Result<std::filesystem::path> suite_file(const std::string& store, const std::string& id);
[[nodiscard]] Result<SuiteRun> load_run(const std::filesystem::path& path);
// By name, `last`, or path.
[[nodiscard]] Result<SuiteRun> find_run(const std::string& store, const std::string& run);
// The names of the shards of `id` that are kept.
[[nodiscard]] Result<std::vector<std::string>> shards_of(const std::string& store, const std::string& id);
// Held while the run is worked on; an error if another process does.
[[nodiscard]] Result<Fd> lock_run(const std::filesystem::path& file);

// A JSON document as it is printed and written.
[[nodiscard]] std::string document_text(const nlohmann::json& json);

}  // namespace kerf
