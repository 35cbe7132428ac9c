// Exported files, and a bare Python that runs them.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "base/paths.h"
#include "base/process.h"
#include "candidate/export.h"
#include "evaluate/oracle_client.h"
#include "target/nvidia/cuda.h"

namespace kerf {

class Export : public testing::Test {
 protected:
  static void SetUpTestSuite() { oracle = make_oracle(); }
  static void TearDownTestSuite() { oracle.reset(); }

  static std::string prelude() {
    return read_file(std::filesystem::path(KERF_SOURCE) / "src/target/cpu/prelude/prelude.h").value();
  }

  static Problem problem_of(std::string text, Sizes sizes = {}) {
    return {.id = "test/1", .name = "test", .source = std::move(text), .path = "test.py", .sizes = std::move(sizes)};
  }

  Result<std::string> exported(ExportFormat format, const std::string& candidate, const Problem& problem,
                               Language language = Language::cpp) {
    const Understood understood = TRY(oracle->admit(problem, 0));
    const Source source = TRY(read_source({.text = candidate, .language = language, .name = "candidate"}));
    const std::vector<TunePoint> points = TRY(tune_points(source));
    ExportRequest request{.source = &source,
                          .tune = points.at(0),
                          .problem = &problem,
                          .workload = &understood.workloads.at(0),
                          .prelude = prelude(),
                          .headline = "a test"};
    if (language == Language::cuda) {
      request.prelude = TRY(cuda_prelude());
      request.flags = {cuda_standard};
    }
    return export_candidate(format, request);
  }

  // What `driver` prints, given the exported file and an argument; environment as bare as it gets.
  Finished run(const std::string& text, const char* driver, const std::string& argument,
               const std::map<std::string, std::string>& more = {}) {
    std::ofstream(folder.path() / "exported.py") << text;
    std::ofstream(folder.path() / "driver.py") << driver;
    std::map<std::string, std::string> environment = {{"PATH", "/usr/bin:/bin"},
                                                      {"XDG_CACHE_HOME", folder.path().string()}};
    for (const auto& [key, value] : more) environment[key] = value;
    return kerf::run({.argv = {python(), "-I", (folder.path() / "driver.py").string(),
                               (folder.path() / "exported.py").string(), argument},
                      .environment = environment,
                      .directory = folder.path().string()},
                     std::chrono::minutes(2))
        .value();
  }

  TemporaryDirectory folder = TemporaryDirectory::create("kerf-export-test").value();
  static inline std::unique_ptr<Oracle> oracle;
};

}  // namespace kerf
