// A runner for candidates that can be compiled here and not executed: says why.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "evaluate/runner.h"

namespace kerf {

class UnavailableRunner final : public Runner {
 public:
  explicit UnavailableRunner(std::string why) : why_(std::move(why)) {}  // "unavailable: …"
  Result<std::unique_ptr<RunnerInstance>> load(const LoadRequest&) override {
    return fail(ErrorKind::unavailable, why_);
  }
  Result<double> handover_us() override { return fail(ErrorKind::unavailable, why_); }
  [[nodiscard]] std::vector<std::string> isolation() const override { return {}; }

 private:
  std::string why_;
};

}  // namespace kerf
