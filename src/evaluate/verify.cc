#include "evaluate/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "evaluate/diagnosis.h"
#include "evaluate/judge_patterns.h"
#include "evaluate/outputs.h"

namespace kerf {
namespace {

const std::string* fact(const Error& error, std::string_view key) {
  for (const auto& [name, value] : error.facts) {
    if (name == key) return &value;
  }
  return nullptr;
}

const TensorSpec& spec_of(const Arena& outputs, const std::string& name) {
  for (const auto& t : outputs.tensors) {
    if (t.name == name) return t.spec;
  }
  return outputs.tensors.front().spec;
}

std::string inputs_of(const Workload& workload) {
  std::string text;
  for (const auto& t : workload.tensors) {
    if (t.role == Role::input) text += (text.empty() ? "" : ", ") + t.name + " " + to_string(t.spec);
  }
  return text;
}

const char* name_of(Placement placement) { return placement == Placement::front ? "front" : "back"; }
const char* name_of(TaskOrder order) { return order == TaskOrder::dynamic ? "dynamic" : "descending"; }

// One process of the candidate on one workload, and what its passes found.
class WorkloadCheck {
 public:
  WorkloadCheck(const VerifyTools& tools, const Source& source, const Workload& workload, const std::string& what,
                Random& random)
      : tools_(tools), source_(source), workload_(workload), what_(what), random_(random) {}

  Result<Verification> operator()(const Image& image, const TunePoint& point, const std::vector<Pass>& passes) {
    const LoadRequest request{
        .source = &source_, .image = &image, .workload = &workload_, .tune = point, .threads = tools_.threads};
    std::unique_ptr<RunnerInstance> instance;
    for (std::size_t i = 0; i < passes.size() && !result_.finding;) {
      if (!instance) {
        auto loaded = tools_.runner.load(request);
        if (!loaded) {
          TRY(blame(std::move(loaded).error(), "load", {}));
          break;
        }
        instance = std::move(*loaded);
      }
      const std::size_t checks = result_.checks.size();
      TRY(check(*instance, passes[i]));
      if (company_may_explain()) {
        result_.finding.reset();
        result_.checks.resize(checks);
        instance.reset();
        continue;
      }
      if (passes[i].order == TaskOrder::dynamic) ran_dynamic_ = true;
      ++i;
    }
    return std::move(result_);
  }

 private:
  // A run that was too slow while others used the machine: it gets another try, once for all passes.
  bool company_may_explain() {
    if (!result_.finding || result_.finding->verdict != Verdict::timed_out || patience_ > 1) return false;
    patience_ = patience_factor(tools_.runner, tools_.watch, tools_.threads);
    return patience_ > 1;
  }

  nlohmann::json context(const Pass& pass) const {
    return {{"workload", what_},
            {"sizes", to_json(workload_.sizes)},
            {"distribution", pass.distribution},
            {"placement", name_of(pass.placement)},
            {"order", name_of(pass.order)}};
  }
  std::string where(const Pass& pass) const {
    std::string text = what_ == "primary" ? "" : " (" + what_ + ": " + inputs_of(workload_) + ")";
    if (pass.distribution != "own") text += " on inputs drawn \"" + pass.distribution + "\"";
    return text;
  }

  void found(Finding finding, nlohmann::json detail) {
    detail["message"] = finding.message;
    result_.checks.push_back({.name = finding.rule, .passed = false, .detail = std::move(detail)});
    if (!finding.at) {
      for (std::size_t i = workload_.outputs.size(); i-- > 0 && !finding.at;) {
        finding.at = last_writer(source_.plan, workload_.output_name(i));
      }
    }
    result_.finding = std::move(finding);
  }

  Result<> blame(Error error, const char* doing, const Pass& pass) {
    Finding finding = TRY(finding_of(std::move(error)));
    finding.message += where(pass);
    if (finding.verdict == Verdict::timed_out && pass.order == TaskOrder::descending && ran_dynamic_) {
      finding.rule = "task_order";
      for (const auto& step : source_.plan.steps) {
        if (step.kind != Step::Kind::launch) continue;
        if (const auto loop = waiting_loop(source_.candidate.text, step.target.text)) finding.at = loop;
      }
      finding.message =
          "it ends when tasks are handed out in ascending order and hangs in descending order: a task waits "
          "for another, and none may" +
          where(pass);
    }
    auto detail = context(pass);
    detail["during"] = doing;
    found(std::move(finding), std::move(detail));
    return {};
  }

  Result<> check(RunnerInstance& instance, const Pass& pass) {
    const auto trial = TRY(tools_.trials.pick(workload_, pass.distribution, pass.placement, random_));
    // Lives longest, so that on a device its memory is the next outputs': the runner has it open.
    Arena second;
    Arena first = TRY(tools_.oracle.make_outputs(workload_, pass.placement));
    TRY(run_and_judge(instance, pass, *trial, first));
    if (!pass.repeat || result_.finding) return {};
    second = TRY(tools_.oracle.make_outputs(workload_, pass.placement));
    const auto sentinel = TRY(run_once(instance, pass, *trial, second));
    if (result_.finding) return {};
    auto detail = context(pass);
    if (const auto difference = TRY(tools_.oracle.find_difference(first, second))) {
      detail["output"] = difference->name;
      detail["first"] = difference->first;
      detail["differ"] = difference->count;
      // Different is not wrong: sums in another order differ. Both have to be within the budget.
      if (auto finding = TRY(judged(*trial, second, sentinel, pass, false))) {
        finding->message +=
            fmt::format("; a second run on the same inputs differs from the first in {} elements", difference->count);
        finding->rule = "differs_between_runs";
        found(std::move(*finding), std::move(detail));
        return {};
      }
      detail["note"] = "two runs on the same inputs differ, both within the error budget";
    }
    result_.checks.push_back({.name = "repeatable", .passed = true, .detail = std::move(detail)});
    return {};
  }

  [[nodiscard]] std::chrono::milliseconds limit(const Pass& pass) const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(patience_ * tools_.slowdown *
                                                                 run_limit(workload_, pass.order, tools_.threads));
  }

  // The sentinel of the run; result_.finding if it failed or wrote where it must not.
  Result<std::uint64_t> run_once(RunnerInstance& instance, const Pass& pass, const Trial& trial, Arena& outputs) {
    const auto sentinel = make_sentinel(random_);
    TRY(tools_.oracle.fill(outputs, sentinel));
    const auto report = instance.run(
        {.trial = &trial, .outputs = &outputs, .sentinel = sentinel, .order = pass.order, .limit = limit(pass)});
    if (!report) {
      TRY(blame(report.error(), "run", pass));
      return sentinel;
    }
    if (!TRY(tools_.oracle.is_intact(trial))) {
      tools_.trials.clear();  // the next candidate must not meet what this one left
      found({.verdict = Verdict::wrong,
             .rule = "writes_input",
             .message = "writes to an input or a parameter, which are read-only" + where(pass),
             .at = std::nullopt},
            context(pass));
      return sentinel;
    }
    if (const auto hit = TRY(tools_.oracle.find_margin_hit(outputs, sentinel))) {
      auto detail = context(pass);
      detail["output"] = hit->name;
      detail["bytes"] = hit->distance;
      found({.verdict = Verdict::wrong,
             .rule = "out_of_bounds_write",
             .message =
                 fmt::format("writes outside {}: {} bytes {} it{}", hit->name, hit->distance + (hit->behind ? 0 : 1),
                             hit->behind ? "behind" : "in front of", where(pass)),
             .at = last_writer(source_.plan, hit->name)},
            std::move(detail));
    }
    return sentinel;
  }

  Result<std::optional<Finding>> judged(const Trial& trial, const Arena& outputs, std::uint64_t sentinel,
                                        const Pass& pass, bool record) {
    const auto judgement = TRY(tools_.oracle.judge(trial, outputs, sentinel, false));
    std::optional<Finding> finding;
    for (const auto& o : judgement.outputs) {
      const auto& spec = spec_of(outputs, o.name);
      auto detail = judgement_detail(o, spec);
      detail.update(context(pass));
      if (record || !o.right) {
        result_.checks.push_back({.name = "fp64_error", .passed = o.right, .detail = std::move(detail)});
      }
      if (o.right || finding) continue;
      const auto pattern = find_pattern(o, spec).name;
      finding = Finding{.verdict = Verdict::wrong,
                        .rule = pattern == "unwritten" || pattern == "nonfinite" ? pattern : "fp64_error",
                        .message = describe_wrong(o, spec) + where(pass),
                        .at = last_writer(source_.plan, o.name)};
    }
    if (!judgement.right && !finding) {
      finding = Finding{
          .verdict = Verdict::wrong, .rule = "fp64_error", .message = "the outputs are wrong" + where(pass), .at = {}};
    }
    return finding;
  }

  Result<> run_and_judge(RunnerInstance& instance, const Pass& pass, const Trial& trial, Arena& outputs) {
    const auto sentinel = TRY(run_once(instance, pass, trial, outputs));
    if (result_.finding) return {};
    result_.finding = TRY(judged(trial, outputs, sentinel, pass, true));
    return {};
  }

  const VerifyTools& tools_;
  const Source& source_;
  const Workload& workload_;
  const std::string& what_;
  Random& random_;
  Verification result_;
  bool ran_dynamic_ = false;
  double patience_ = 1;
};

// Index of every hidden variant that the candidate supports.
Result<std::vector<std::size_t>> supported_variants(const Understood& problem, const Source& source) {
  std::vector<std::size_t> supported;
  for (std::size_t i = 1; i < problem.workloads.size(); ++i) {
    // Another number of outputs has other names: no plan that names those of the primary workload can run there.
    if (problem.workloads[i].outputs.size() != problem.workloads.front().outputs.size()) continue;
    // An expression that cannot be evaluated there does not admit the variant.
    if (const auto yes = supports(source, problem.workloads[i]); yes && *yes) supported.push_back(i);
  }
  return supported;
}

std::optional<std::size_t> smallest(const Understood& problem, const std::vector<std::size_t>& supported) {
  if (supported.empty()) return std::nullopt;
  return *std::ranges::min_element(supported, {}, [&](std::size_t i) { return problem.workloads[i].bytes; });
}

std::string variant_name(std::size_t i) { return "variant " + std::to_string(i); }

// Two runs at least. Where tasks come in the order that the device likes, a second order is nothing that could be asked
// for: then the second run has other inputs, or the same ones again.
std::vector<Pass> passes_for_variant(const Understood& problem, bool repeat, bool ordered, Random& random) {
  const auto& distributions = problem.admission.distributions;
  const auto other = distributions.empty() ? "own" : distributions[random.below(distributions.size())];
  if (!ordered) {
    std::vector<Pass> passes{{.distribution = "own", .repeat = repeat || other == "own"}};
    if (other != "own") passes.push_back({.distribution = other, .placement = Placement::back});
    return passes;
  }
  return {{.distribution = "own", .placement = Placement::front, .order = TaskOrder::dynamic, .repeat = repeat},
          {.distribution = other, .placement = Placement::back, .order = TaskOrder::descending}};
}

void append(Verification& to, Verification from) {
  to.finding = std::move(from.finding);
  std::ranges::move(from.checks, std::back_inserter(to.checks));
}

}  // namespace

Result<Finding> finding_of(Error error) {
  if (error.kind != ErrorKind::candidate) return std::unexpected(std::move(error));
  const auto* verdict = fact(error, "verdict");
  const auto* rule = fact(error, "rule");
  Finding finding{.verdict = verdict ? verdict_from(*verdict).value_or(Verdict::rejected) : Verdict::rejected,
                  .rule = "",
                  .message = std::move(error.message),
                  .at = error.at};
  finding.rule = rule ? *rule : to_string(finding.verdict);
  return finding;
}

std::optional<Location> last_writer(const Plan& plan, const std::string& output) {
  for (std::size_t i = plan.steps.size(); i-- > 0;) {
    const auto& step = plan.steps[i];
    bool writes = std::ranges::any_of(step.out, [&](const Located& out) { return out.text == output; });
    for (const auto& argument : step.args) writes |= step.kind == Step::Kind::launch && mentions(argument, output);
    if (writes) return step.target.at;
  }
  return std::nullopt;
}

std::optional<Location> waiting_loop(std::string_view text, std::string_view kernel) {
  const auto lines = lines_of_kernel(text, kernel);
  if (!lines) return std::nullopt;
  int line = 1;
  for (std::size_t at = 0; at < text.size(); ++line) {
    const auto end = std::min(text.find('\n', at), text.size());
    const auto row = text.substr(at, end - at);
    at = end + 1;
    if (line < lines->first || line > lines->second) continue;
    const auto loop = std::min(row.find("while"), row.find("for ("));
    const bool looks_at_shared = row.find("__atomic_") != row.npos || row.find("volatile") != row.npos;
    if (loop != row.npos && looks_at_shared) return Location{line, static_cast<int>(loop) + 1};
  }
  return std::nullopt;
}

std::chrono::milliseconds run_limit(const Workload& workload, TaskOrder order, int threads) {
  // A hundred times the library, and time to wake up on a busy machine.
  const double slowdown = order == TaskOrder::descending ? std::max(1, threads) : 1;
  const double ms = 3000 + slowdown * 0.1 * workload.eager_us;
  return std::chrono::milliseconds(static_cast<std::int64_t>(std::min(ms, 60'000.0)));
}

double patience_factor(Runner& runner, MachineWatch& watch, int threads) {
  constexpr double least = 4, most = 6;
  constexpr double slow_handover_us = 2000;  // some fifty times what a quiet machine takes: others we cannot see
  const auto load = watch.look();
  if (load && is_crowded(*load, threads)) return std::clamp(2 * crowding(*load, threads), least, most);
  std::vector<double> handovers;
  for (int i = 0; i < 5; ++i) {
    const auto us = runner.handover_us(threads);
    if (!us) return 1;
    handovers.push_back(*us);
    watch.sleep(std::chrono::milliseconds(2));
  }
  return *std::ranges::max_element(handovers) > slow_handover_us ? least : 1;
}

Result<Verification> verify_workload(const VerifyTools& tools, const Source& source, const Image& image,
                                     const TunePoint& point, const Workload& workload, const std::string& what,
                                     const std::vector<Pass>& passes, Random& random) {
  return WorkloadCheck(tools, source, workload, what, random)(image, point, passes);
}

Result<Verification> verify_small(const VerifyTools& tools, const Understood& problem, const Source& source,
                                  const Image& image, const TunePoint& point, Random& random) {
  const auto supported = TRY(supported_variants(problem, source));
  Verification all{.finding = {},
                   .checks = {},
                   .variants_supported = static_cast<int>(supported.size()),
                   .variants = static_cast<int>(problem.workloads.size()) - 1};
  const auto small = smallest(problem, supported);
  if (!small) return all;
  append(all, TRY(verify_workload(tools, source, image, point, problem.workloads[*small], variant_name(*small),
                                  passes_for_variant(problem, true, tools.runner.keeps_order(), random), random)));
  return all;
}

Result<Verification> verify_all(const VerifyTools& tools, const Understood& problem, const Source& source,
                                const Image& image, const TunePoint& point, Random& random, bool with_small) {
  const auto supported = TRY(supported_variants(problem, source));
  Verification all{.finding = {},
                   .checks = {},
                   .variants_supported = static_cast<int>(supported.size()),
                   .variants = static_cast<int>(problem.workloads.size()) - 1};
  std::vector<Pass> passes{
      {.distribution = "own", .placement = Placement::front, .order = TaskOrder::dynamic, .repeat = true}};
  for (const auto& distribution : problem.admission.distributions) {
    if (distribution == "own") continue;
    passes.push_back(
        {.distribution = distribution, .placement = passes.size() % 2 == 1 ? Placement::back : Placement::front});
  }
  if (tools.runner.keeps_order())
    passes.push_back({.distribution = "own", .placement = Placement::back, .order = TaskOrder::descending});
  append(all, TRY(verify_workload(tools, source, image, point, problem.workloads.front(), "primary", passes, random)));
  const auto small = smallest(problem, supported);
  for (const auto i : supported) {
    if (all.finding) break;
    if (i == small && !with_small) continue;
    append(all, TRY(verify_workload(tools, source, image, point, problem.workloads[i], variant_name(i),
                                    passes_for_variant(problem, false, tools.runner.keeps_order(), random), random)));
  }
  return all;
}

}  // namespace kerf
