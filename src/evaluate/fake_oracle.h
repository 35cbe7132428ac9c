// A scripted oracle for engines' tests: no process, no PyTorch. What it is asked is written down, what it answers is
// set by the test; left alone it admits a one-tensor problem, draws arenas of zeros and finds every output right.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "evaluate/oracle.h"

namespace kerf {

// y = relu(x) on f32[rows, columns]: the smallest understood problem.
[[nodiscard]] inline Workload fake_workload(std::int64_t rows = 4, std::int64_t columns = 8) {
  const TensorSpec spec{.dtype = Dtype::f32, .shape = {rows, columns}, .stride = {columns, 1}};
  Workload workload;
  workload.id = fmt::format("fake-{}x{}", rows, columns);
  workload.sizes = {{"rows", Value{rows}}, {"columns", Value{columns}}};
  workload.tensors = {{.name = "x", .role = Role::input, .spec = spec, .drawn = "randn"}};
  workload.outputs = {spec};
  GraphNode node{.name = "relu", .op = "aten.relu.default"};
  node.args.push_back(Argument{TensorRef{.name = "x"}});
  node.results = {spec};
  workload.exported.nodes = {node};
  workload.exported.outputs = {TensorRef{.name = "relu"}};
  workload.core = workload.exported;
  workload.bytes = 2 * static_cast<std::int64_t>(spec.storage_bytes());
  workload.operations = static_cast<double>(spec.numel());
  workload.eager_us = 1;
  return workload;
}

[[nodiscard]] inline Understood fake_understood(Problem problem = {}) {
  if (problem.id.empty()) problem = {.id = "fake/1/1", .name = "relu", .source = "# relu", .path = "relu.py"};
  Understood understood{.problem = std::move(problem)};
  understood.admission = {.admitted = true, .distributions = {"own", "heavy_tailed"}};
  understood.workloads = {fake_workload(), fake_workload(3, 7)};
  understood.module_sizes = {{"rows", Value{std::int64_t{4}}}, {"columns", Value{std::int64_t{8}}}};
  return understood;
}

class FakeOracle final : public Oracle {
 public:
  // Answers, to be replaced by a test.
  std::function<Result<Understood>(const Problem&)> on_admit = [](const Problem& problem) -> Result<Understood> {
    return fake_understood(problem);
  };
  // Fills a fresh trial's tensors; zeros if left alone.
  std::function<void(Trial&)> on_draw = [](Trial&) {};
  std::function<Result<Judgement>(const Trial&, const Arena&, std::uint64_t, bool)> on_judge =
      [](const Trial&, const Arena& outputs, std::uint64_t, bool) -> Result<Judgement> {
    Judgement judgement{.right = true};
    for (const Placed& placed : outputs.tensors)
      judgement.outputs.push_back({.name = placed.name, .right = true, .allowed = 1e-6});
    return judgement;
  };
  std::function<Result<>(const std::string&, Baseline)> on_prepare = [](const std::string&, Baseline) {
    return Result<>();
  };
  std::function<Result<double>(const Trial&, Baseline, bool)> on_time = [](const Trial&, Baseline baseline,
                                                                           bool) -> Result<double> {
    return baseline == Baseline::eager ? 100.0 : 80.0;
  };
  bool shows_host = true;
  std::function<void(Baseline)> on_await = [](Baseline) {};
  std::function<bool(const Trial&)> on_intact = [](const Trial&) { return true; };
  std::function<void()> on_refresh = [] {};  // from whichever thread it is asked
  // Every call, in order: "admit fake/1/1", "draw fake-4x8 own", "judge trial-1", "prepare … eager", "time trial-1
  // eager cold".
  std::vector<std::string> calls;
  std::vector<bool> prepared_while_held = {};  // of each "prepare"
  // Workloads that draw() knows, by id. admit() adds its own.
  std::map<std::string, Workload> workloads;

  Result<Understood> trace(const Problem& problem, int) override { return on_admit(problem); }
  Result<Understood> admit(const Problem& problem, int) override {
    calls.push_back("admit " + problem.id);
    auto understood = on_admit(problem);
    if (understood) {
      for (const Workload& workload : understood->workloads) workloads[workload.id] = workload;
    }
    return understood;
  }
  Result<Trial> draw(const TrialRequest& request) override {
    calls.push_back(fmt::format("draw {} {}", request.workload, request.distribution));
    const auto found = workloads.find(request.workload);
    if (found == workloads.end())
      return fail(ErrorKind::internal, "draw of a workload that was never admitted: " + request.workload);
    std::vector<std::pair<std::string, TensorSpec>> tensors;
    for (const NamedTensor& tensor : found->second.tensors) tensors.emplace_back(tensor.name, tensor.spec);
    Trial trial{.id = fmt::format("trial-{}", ++trials_),
                .workload = request.workload,
                .distribution = request.distribution,
                .arena = TRY(make_arena("fake trial", tensors, request.placement))};
    on_draw(trial);
    return trial;
  }
  Result<Judgement> judge(const Trial& trial, const Arena& outputs, std::uint64_t sentinel,
                          bool inputs_changed) override {
    calls.push_back("judge " + trial.id);
    return on_judge(trial, outputs, sentinel, inputs_changed);
  }
  Result<bool> is_intact(const Trial& trial) override { return on_intact(trial); }
  void await_baseline(const std::string&, Baseline baseline) override { on_await(baseline); }
  Result<> prepare_baseline(const std::string& workload, Baseline baseline, bool held) override {
    calls.push_back(fmt::format("prepare {} {}", workload, to_string(baseline)));
    prepared_while_held.push_back(held);
    return on_prepare(workload, baseline);
  }
  Result<double> time_baseline(const Trial& trial, Baseline baseline, bool cold) override {
    calls.push_back(fmt::format("time {} {} {}", trial.id, to_string(baseline), cold ? "cold" : "warm"));
    return on_time(trial, baseline, cold);
  }
  bool baseline_shows_host() override { return shows_host; }
  Result<> refresh(Trial& trial, const std::vector<std::string>& names, Arena& outputs, std::uint64_t sentinel,
                   Random& random) override {
    on_refresh();
    return Oracle::refresh(trial, names, outputs, sentinel, random);
  }
  void forget(const std::string& trial) override { calls.push_back("forget " + trial); }
  nlohmann::json versions() override { return {{"torch", "fake"}}; }

 private:
  int trials_ = 0;
};

}  // namespace kerf
