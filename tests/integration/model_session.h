// Whole sessions of the real binary with models, whose every process is searched for the key.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gateway.h"

namespace kerf {

// Every process below `root` that is there now.
inline std::set<int> descendants(int root) {
  std::map<int, int> parents;
  std::error_code code;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", code)) {
    const std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != name.npos) continue;
    const std::string stat = read_file(entry.path() / "stat").value_or("");
    const std::size_t behind = stat.rfind(')');
    if (behind == stat.npos) continue;
    std::istringstream fields(stat.substr(behind + 1));
    char state = 0;
    int parent = 0;
    fields >> state >> parent;
    parents[std::stoi(name)] = parent;
  }
  std::set<int> found{root};
  for (std::size_t before = 0; before != found.size();) {
    before = found.size();
    for (const auto& [pid, parent] : parents)
      if (found.contains(parent)) found.insert(pid);
  }
  found.erase(root);
  return found;
}

struct ModelSession : testing::Test {
  static inline const std::string problem = std::string(KERF_CASES) + "/problems/softsign_row_mean.py";
  static constexpr std::chrono::minutes patience{15};

  TemporaryDirectory folder = TemporaryDirectory::create("kerf-model").value();
  std::map<std::string, std::string> environment;
  std::vector<std::string> said;
  int children = 0;                   // whose environment was looked at
  std::vector<std::string> told_key;  // those that held the key

  void TearDown() override {
    if (!HasFailure()) return;
    for (const std::string& each : said) std::cerr << each;
  }
  void set_price(const std::string& host) const {
    std::error_code code;
    std::filesystem::create_directories(folder.path() / "config", code);
    ASSERT_TRUE(write_file(folder.path() / "config" / "prices.toml",
                           "[\"" + host + "\"]\n\"*\" = { input = 3, output = 15, batch = 0.5 }\n"));
  }
  Command command(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), std::string(KERF_BUILD) + "/kerf");
    Command c{.argv = std::move(arguments), .environment = clean_environment(), .directory = folder.path()};
    c.environment["KERF_HOME"] = folder.path() / "home";
    c.environment["KERF_CONFIG"] = folder.path() / "config";
    c.environment["KERF_PYTHON"] = python();
    for (const auto& [name, value] : environment) c.environment[name] = value;
    return c;
  }
  // Runs it to its end and meanwhile looks for the key in the environments of all that it starts.
  Finished kerf(const std::vector<std::string>& arguments) {
    std::atomic<bool> over = false;
    const int self = ::getpid();
    std::thread watch([&] {
      std::set<std::pair<int, std::string>> seen;  // a process that becomes another program is looked at again
      while (!over) {
        for (const int pid : descendants(self)) {
          std::error_code code;
          const std::filesystem::path program =
              std::filesystem::read_symlink("/proc/" + std::to_string(pid) + "/exe", code);
          // Of another user, or gone: nothing to read. kerf itself is given the key.
          if (code || program.filename() == "kerf" || seen.contains({pid, program.string()})) continue;
          const std::string text = read_file("/proc/" + std::to_string(pid) + "/environ").value_or("");
          if (text.empty()) continue;
          seen.emplace(pid, program.string());
          ++children;
          if (text.find(Gateway::key) != text.npos) told_key.push_back(program.string());
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
      }
    });
    auto finished = run(command(arguments), patience);
    over = true;
    watch.join();
    EXPECT_TRUE(finished) << finished.error().message;
    if (!finished) return {};
    std::string line = "kerf";
    for (const std::string& argument : arguments) line += " " + argument;
    said.push_back(line + ": " + finished->describe() + "\n" + finished->errors.substr(0, 4000) +
                   finished->output.substr(0, 4000) + "\n");
    return *finished;
  }
  nlohmann::json kerf_json(std::vector<std::string> arguments) {
    arguments.emplace_back("--json");
    return nlohmann::json::parse(kerf(arguments).output, nullptr, false);
  }
  // Every file below the folder that holds `text`; how many there are is in `files`.
  std::vector<std::string> holding(const std::string& text, int& files) const {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path())) {
      if (!entry.is_regular_file()) continue;
      ++files;
      if (read_file(entry.path()).value_or("").find(text) != std::string::npos) found.push_back(entry.path());
    }
    return found;
  }
};

}  // namespace kerf
