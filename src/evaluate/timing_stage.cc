#include "evaluate/timing_stage.h"

#include <algorithm>
#include <utility>

#include "evaluate/judge_patterns.h"
#include "evaluate/outputs.h"

namespace kerf {
namespace {

// Whether values say something by where they stand: offsets, indices that were computed, places in order. Exchanged
// they would be no input of the model.
bool keeps_order(const NamedTensor& t) {
  return t.drawn == "arange" || t.drawn == "linspace" || t.drawn == "ordered" ||
         (t.drawn == "derived" && !is_floating(t.spec.dtype));
}

std::vector<std::string> changing_names(const Workload& workload) {
  std::vector<std::string> names;
  for (const auto& t : workload.tensors) {
    if (keeps_order(t)) continue;
    // Buffers and constants may hold what torch.compile has folded into its code.
    if (t.role == Role::input || t.role == Role::parameter) names.push_back(t.name);
  }
  return names;
}

}  // namespace

TimingStage::TimingStage(const TimingTools& tools, const Source& source, const Workload& workload,
                         std::chrono::microseconds settle, Random& random)
    : tools_(tools),
      source_(source),
      workload_(workload),
      names_(changing_names(workload)),
      settle_(settle),
      random_(random) {}

Result<> TimingStage::open() {
  trial_ = TRY(tools_.trials.changing(workload_, random_));
  outputs_ = TRY(tools_.oracle.make_outputs(workload_, Placement::front));
  return {};
}

Result<std::unique_ptr<RunnerInstance>> TimingStage::load(const Image& image, const TunePoint& point) {
  return tools_.runner.load(
      {.source = &source_, .image = &image, .workload = &workload_, .tune = point, .threads = tools_.threads});
}

Result<> TimingStage::settle() {
  TRY(join());
  if (!std::exchange(changed_, false)) TRY(tools_.oracle.perturb(*trial_, names_, random_));
  // What a device does is not slowed down by threads that spin.
  if (!trial_->arena.device) tools_.watch.sleep(settle_);
  return {};
}

void TimingStage::begin_next() {
  if (!trial_->arena.device || ahead_.valid()) return;
  sentinel_ = make_sentinel(random_);
  ahead_ = std::async(std::launch::async, [this, random = Random(random_.next())]() mutable {
    return tools_.oracle.refresh(*trial_, names_, outputs_, sentinel_, random);
  });
}

Result<RunReport> TimingStage::run(RunnerInstance& instance, bool cold) {
  TRY(join());
  const bool changed = std::exchange(changed_, false), filled = std::exchange(filled_, false);
  if (!filled) sentinel_ = make_sentinel(random_);
  if (!filled && !changed && trial_->arena.device) {
    TRY(tools_.oracle.refresh(*trial_, names_, outputs_, sentinel_, random_));
  } else {
    if (!changed) TRY(tools_.oracle.perturb(*trial_, names_, random_));
    if (!trial_->arena.device) tools_.watch.sleep(settle_);
    if (!filled) TRY(tools_.oracle.fill(outputs_, sentinel_));
  }
  return instance.run({.trial = trial_.get(),
                       .outputs = &outputs_,
                       .sentinel = sentinel_,
                       .timed = true,
                       .cold = cold,
                       .graph = tools_.graph,
                       .limit = run_limit(workload_, TaskOrder::dynamic, tools_.threads)});
}

Result<std::optional<Finding>> TimingStage::judge(std::vector<Check>& checks) {
  if (!TRY(tools_.oracle.is_intact(*trial_))) {
    tools_.trials.clear();  // the next candidate must not meet what this one left
    return Finding{.verdict = Verdict::wrong,
                   .rule = "writes_input",
                   .message = "a timed run writes to an input or a parameter, which are read-only",
                   .at = std::nullopt};
  }
  if (const auto hit = TRY(tools_.oracle.find_margin_hit(outputs_, sentinel_))) {
    return Finding{.verdict = Verdict::wrong,
                   .rule = "out_of_bounds_write",
                   .message = "a timed run writes outside " + hit->name,
                   .at = last_writer(source_.plan, hit->name)};
  }
  const auto judgement = TRY(tools_.oracle.judge(*trial_, outputs_, sentinel_, true));
  for (std::size_t i = 0; i < judgement.outputs.size(); ++i) {
    const auto& o = judgement.outputs[i];
    const auto& spec = outputs_.tensors[std::min(i, outputs_.tensors.size() - 1)].spec;
    checks.push_back({.name = "timed_run", .passed = o.right, .detail = judgement_detail(o, spec)});
    if (o.right) continue;
    return Finding{.verdict = Verdict::wrong,
                   .rule = "timed_run_wrong",
                   .message = "right when it was checked, wrong in a timed run: " + describe_wrong(o, spec),
                   .at = last_writer(source_.plan, o.name)};
  }
  return std::nullopt;
}

Result<> TimingStage::join() {
  if (!ahead_.valid()) return {};
  TRY(ahead_.get());
  changed_ = filled_ = true;
  return {};
}

}  // namespace kerf
