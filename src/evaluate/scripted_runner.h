// A runner for tests of the protocols: no process, no machine code. What a run does is a function over the run's
// request.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "evaluate/runner.h"

namespace kerf {

class ScriptedRunner final : public Runner {
 public:
  using Run = std::function<Result<RunReport>(const RunRequest&, int run)>;  // `run` counts from 0 in each process
  // What the process of a load request does; replaced by the test.
  std::function<Run(const LoadRequest&)> program = [](const LoadRequest&) { return honest(100); };
  std::function<Result<>(const LoadRequest&)> on_load = [](const LoadRequest&) { return Result<>(); };
  std::function<double()> handover = [] { return 20.0; };
  bool orders = true;                 // what keeps_order() says
  bool watching = false;              // what watches() says
  std::vector<Effort> profiled;       // for which efforts profiles were taken
  bool records_activity = false;      // whether the last one was asked for activity
  std::vector<std::string> foreseen;  // "DIGEST screen", "DIGEST confirm"
  // Counters of the steps that are asked for; empty: it has no profiler.
  std::function<Result<ProfileAnswer>(const std::vector<int>& steps)> on_profile;
  std::function<void()> on_expect_profile = {};  // before it
  int loads = 0;
  int runs = 0;

  // Takes `us` and leaves the outputs as they are (a scripted oracle judges them).
  [[nodiscard]] static Run honest(double us) {
    return [us](const RunRequest&, int) -> Result<RunReport> {
      return RunReport{
          .device_us = us, .prepare_us = 0, .parent_us = us + 20, .involuntary_switches = 0, .step_us = {us}};
    };
  }
  [[nodiscard]] static Error failure(const std::string& verdict, const std::string& rule, std::string message) {
    return Error{.kind = ErrorKind::candidate,
                 .message = std::move(message),
                 .at = std::nullopt,
                 .facts = {{"verdict", verdict}, {"rule", rule}}};
  }

  Result<std::unique_ptr<RunnerInstance>> load(const LoadRequest& request) override {
    ++loads;
    if (auto loaded = on_load(request); !loaded) return std::unexpected(std::move(loaded).error());
    return std::make_unique<Instance>(*this, program(request));
  }
  Result<double> handover_us(int /*threads*/) override { return handover(); }
  [[nodiscard]] bool keeps_order() const override { return orders; }
  [[nodiscard]] bool watches() const override { return watching; }
  [[nodiscard]] bool profiles() const override { return static_cast<bool>(on_profile); }
  void foresee_profile(const Image& image, Effort effort) override {
    foreseen.push_back(image.digest + (effort == Effort::confirm ? " confirm" : " screen"));
  }
  void expect_profile(const LoadRequest&, Effort) override {
    if (on_expect_profile) on_expect_profile();
  }
  Result<ProfileAnswer> profile(const LoadRequest& /*load*/, const RunRequest& /*run*/,
                                const ProfileOrder& order) override {
    profiled.push_back(order.effort);
    records_activity = order.activity;
    return on_profile(order.steps);
  }
  [[nodiscard]] std::vector<std::string> isolation() const override { return {"scripted"}; }

 private:
  class Instance final : public RunnerInstance {
   public:
    Instance(ScriptedRunner& runner, Run run) : runner_(runner), run_(std::move(run)) {}
    Result<RunReport> run(const RunRequest& request) override {
      ++runner_.runs;
      return run_(request, count_++);
    }

   private:
    ScriptedRunner& runner_;
    Run run_;
    int count_ = 0;
  };
};

}  // namespace kerf
