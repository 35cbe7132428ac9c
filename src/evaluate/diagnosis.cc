#include "evaluate/diagnosis.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "candidate/bind.h"

namespace kerf {
namespace {

constexpr std::size_t most_hot_spots = 8;

void touch(StepShape& step, std::vector<Touch>& touches, const BoundTensor& tensor, std::vector<TensorId>& seen,
           TensorId id) {
  if (std::ranges::find(seen, id) != seen.end()) return;
  seen.push_back(id);
  if (!tensor.spec) return;
  const auto elements = static_cast<double>(tensor.spec->numel());
  const auto storage = static_cast<double>(tensor.spec->storage_bytes());
  const double bytes = std::min(elements * static_cast<double>(size_of(tensor.spec->dtype)), storage);
  step.bytes += bytes;
  touches.push_back({.storage = tensor.storage, .bytes = bytes});
}

std::string megabytes(double bytes) {
  return bytes >= 1e5 ? fmt::format("{:.1f} MB", bytes * 1e-6) : fmt::format("{:.1f} kB", bytes * 1e-3);
}

class Doctor {
 public:
  explicit Doctor(const DiagnosisInput& input)
      : in_(input), time_(input.receipt.time_us.median), step_us_(plan_step_us()) {}

  Diagnosis operator()() {
    measure();
    steps();
    classify();
    causes();
    spots();
    advise();
    return std::move(out_);
  }

 private:
  void metric(const std::string& name, double value, const char* unit, Evidence evidence) {
    if (std::isfinite(value)) out_.metrics[name] = {.value = value, .unit = unit, .evidence = evidence};
  }

  std::vector<double> plan_step_us() const {
    const auto n = in_.source.plan.steps.size();
    if (in_.step_us.size() == n) return in_.step_us;
    if (!in_.shape || in_.step_us.size() != in_.shape->owner.size()) return {};
    std::vector<double> sums(n, 0.0);
    for (std::size_t i = 0; i < in_.step_us.size(); ++i)
      sums[static_cast<std::size_t>(in_.shape->owner[i])] += in_.step_us[i];
    return sums;
  }

  void measure() {
    const auto bytes = static_cast<double>(in_.workload.bytes);
    metric("time.cold", time_, "us", Evidence::silicon);
    if (in_.receipt.warm_us && in_.receipt.warm_us->median > 0) {
      metric("time.warm", in_.receipt.warm_us->median, "us", Evidence::silicon);
    }
    if (in_.receipt.prepare_us) metric("time.prepare", in_.receipt.prepare_us->median, "us", Evidence::silicon);
    metric("bytes.memory.least", bytes, "B", Evidence::statically);
    metric("operations.least", in_.workload.operations, "FLOP", Evidence::statically);
    if (bytes > 0) metric("intensity", in_.workload.operations / bytes, "FLOP/B", Evidence::statically);
    if (time_ <= 0) return;
    metric("bandwidth.memory", bytes / time_ * 1e-3, "GB/s", Evidence::silicon);
    metric("arithmetic", in_.workload.operations / time_ * 1e-3, "GFLOP/s", Evidence::silicon);
    if (in_.limits.bytes_per_us > 0) {
      memory_us_ = bytes / in_.limits.bytes_per_us;
      metric("fraction.bandwidth", memory_us_ / time_, "1", Evidence::silicon);
    }
    if (in_.limits.operations_per_us > 0) {
      compute_us_ = in_.workload.operations / in_.limits.operations_per_us;
      metric("fraction.arithmetic", compute_us_ / time_, "1", Evidence::silicon);
    }
    if (in_.shape) {
      for (const auto& step : in_.shape->steps) {
        (step.launch ? launches_ : calls_) += step.count;
        planned_bytes_ += step.bytes * step.count;
      }
      metric("bytes.memory.planned", planned_bytes_, "B", Evidence::modelled);
      for (const CacheRoom& cache : in_.limits.caches) {
        beyond_ = bytes_beyond(in_.shape->touches, cache.bytes);
        metric(fmt::format("bytes.beyond.l{}", cache.level), *beyond_, "B", Evidence::modelled);
      }
      metric("steps.launches", launches_, "1", Evidence::statically);
      metric("steps.calls", calls_, "1", Evidence::statically);
      if (in_.limits.bytes_per_us > 0) {
        metric("fraction.planned_bandwidth", planned_bytes_ / in_.limits.bytes_per_us / time_, "1", Evidence::modelled);
      }
    }
  }

  void steps() {
    if (step_us_.empty()) return;
    const double sum = std::accumulate(step_us_.begin(), step_us_.end(), 0.0);
    double calls = 0;
    for (std::size_t i = 0; i < step_us_.size(); ++i) {
      metric(fmt::format("step.{}", i), step_us_[i], "us", Evidence::silicon);
      if (in_.source.plan.steps[i].kind == Step::Kind::call) calls += step_us_[i];
    }
    if (sum > 0) {
      dominating_ = static_cast<std::size_t>(std::ranges::max_element(step_us_) - step_us_.begin());
      dominating_share_ = step_us_[*dominating_] / sum;
      metric("share.calls", calls / sum, "1", Evidence::silicon);
      metric("share.dominating_step", dominating_share_, "1", Evidence::silicon);
    }
    if (time_ > 0) {
      outside_ = std::max(0.0, 1 - sum / time_);
      metric("share.outside_steps", outside_, "1", Evidence::silicon);
    }
  }

  // First rule that applies; docs/diagnosis.md lists them in this order.
  void classify() {
    if (time_ <= 0 || memory_us_ + compute_us_ <= 0) return;
    const double light = std::max(memory_us_, compute_us_);
    if (light / time_ >= 0.8) {
      out_.bound = Bound::none;
    } else if (in_.limits.launch_us > 0 && launches_ * in_.limits.launch_us / time_ > 0.4) {
      out_.bound = Bound::launch;
    } else if (outside_ > 0.4) {
      out_.bound = Bound::host;
    } else if (compute_us_ > memory_us_ && compute_us_ / time_ > 0.35) {
      out_.bound = Bound::compute;
    } else if (std::max(memory_us_, in_.limits.bytes_per_us > 0 ? planned_bytes_ / in_.limits.bytes_per_us : 0) /
                   time_ >
               0.45) {
      out_.bound = Bound::memory;
    } else {
      // Neither the memory nor the units are busy: instructions wait for each other, or are not the wide ones.
      out_.bound = Bound::latency;
    }
    if (in_.limits.launch_us > 0)
      metric("share.launch_overhead", launches_ * in_.limits.launch_us / time_, "1", Evidence::modelled);
  }

  // What the plan's steps ask of memory that no cache spares them.
  void causes() {
    const auto bytes = static_cast<double>(in_.workload.bytes);
    if (out_.bound != Bound::memory || !beyond_ || bytes <= 0 || *beyond_ <= 1.4 * bytes) return;
    // What an endless cache would let through: everything once.
    if (*beyond_ <= 1.3 * bytes_beyond(in_.shape->touches, std::numeric_limits<double>::infinity())) return;
    out_.causes.push_back({.name = "round_trips",
                           .what = fmt::format("the steps pass {} through memory where {} must move: no cache holds "
                                               "what one leaves for the next",
                                               megabytes(*beyond_), megabytes(bytes)),
                           .evidence = Evidence::modelled});
  }

  void spots() {
    std::optional<std::pair<int, int>> heart;
    const auto& text = in_.source.candidate.text;
    if (dominating_ && in_.source.plan.steps[*dominating_].kind == Step::Kind::launch) {
      heart = lines_of_kernel(text, in_.source.plan.steps[*dominating_].target.text);
      if (heart) {
        out_.hot_spots.push_back(
            {.line = heart->first,
             .what = fmt::format("{} takes {:.0f} % of the time of all steps",
                                 in_.source.plan.steps[*dominating_].target.text, 100 * dominating_share_),
             .evidence = Evidence::silicon});
      }
    } else if (dominating_) {
      const auto& target = in_.source.plan.steps[*dominating_].target;
      out_.hot_spots.push_back({.line = target.at.line,
                                .what = fmt::format("the call {} takes {:.0f} % of the time of all steps", target.text,
                                                    100 * dominating_share_),
                                .evidence = Evidence::silicon});
    }
    std::vector<const CompilerRemark*> missed;
    for (const auto& remark : in_.remarks) {
      if (remark.missed && remark.line > 0) missed.push_back(&remark);
    }
    const auto in_heart = [&](const CompilerRemark* r) {
      return heart && heart->first <= r->line && r->line <= heart->second;
    };
    std::ranges::stable_partition(missed, in_heart);
    for (const auto* remark : missed) {
      if (out_.hot_spots.size() >= most_hot_spots) break;
      const std::string what = remark->pass + ": " + remark->text;
      const bool known = std::ranges::any_of(
          out_.hot_spots, [&](const HotSpot& s) { return s.line == remark->line && s.what == what; });
      if (!known) out_.hot_spots.push_back({.line = remark->line, .what = what, .evidence = Evidence::statically});
      if (in_heart(remark) && remark->pass.find("vect") != std::string::npos && !unvectorized_) unvectorized_ = remark;
    }
  }

  void advise() {
    if (out_.bound == Bound::none) {
      out_.advice.push_back(
          "at the speed of light: only another algorithm, that moves or computes less, would be faster");
      return;
    }
    const auto bytes = static_cast<double>(in_.workload.bytes);
    const auto& plan = in_.source.plan;
    if (out_.bound == Bound::launch) {
      out_.advice.push_back(
          fmt::format("fuse: {:.0f} launches cost about {:.0f} us of {:.0f} us; give one launch more to do", launches_,
                      launches_ * in_.limits.launch_us, time_));
    }
    if (out_.bound == Bound::host) {
      out_.advice.push_back(
          fmt::format("fuse: {:.0f} % of the time is spent between steps; use fewer of them", 100 * outside_));
    }
    if (planned_bytes_ > 1.4 * bytes && bytes > 0) {
      out_.advice.push_back(
          fmt::format("fuse: the steps touch {} where {} must move; do in one pass over memory what now takes several",
                      megabytes(planned_bytes_), megabytes(bytes)));
    }
    if (dominating_ && dominating_share_ > 0.5 && plan.steps[*dominating_].kind == Step::Kind::call) {
      out_.advice.push_back(fmt::format(
          "fuse: the library call {} takes {:.0f} % of the time; a kernel of its own could join its neighbours",
          plan.steps[*dominating_].target.text, 100 * dominating_share_));
    }
    if (dominating_ && in_.shape && plan.steps[*dominating_].kind == Step::Kind::launch) {
      const auto& shape = in_.shape->steps[*dominating_];
      if (shape.tasks > 0 && shape.tasks < in_.limits.threads) {
        out_.advice.push_back(fmt::format("threads: {} has {:.0f} task{} for {} threads; split its work", shape.name,
                                          shape.tasks, shape.tasks == 1 ? "" : "s", in_.limits.threads));
      } else if (shape.tasks > 0 && shape.count > 0 &&
                 step_us_[*dominating_] / (shape.tasks * shape.count) * in_.limits.threads < 0.3) {
        out_.advice.push_back(fmt::format("tile: {} has {:.0f} tasks of less than 0.3 us each; let one task do more",
                                          shape.name, shape.tasks));
      }
    }
    if (unvectorized_ != nullptr) {
      const bool sum = unvectorized_->text.find("reduction") != std::string::npos ||
                       unvectorized_->text.find("reorder") != std::string::npos;
      // The remark says so itself; what is wanted of it is the reason.
      constexpr std::string_view known = "the loop is not vectorised";
      const std::string_view text = unvectorized_->text;
      out_.advice.push_back(fmt::format(
          "{}: the loop at line {} is not vectorised{}", sum ? "accumulators" : "vectorize", unvectorized_->line,
          text.starts_with(known) ? std::string(text.substr(known.size())) : fmt::format(": {}", text)));
    }
    if (out_.bound == Bound::latency) {
      out_.advice.push_back(
          "unroll: neither memory nor arithmetic is busy; keep several independent accumulators in flight");
    }
    if (out_.bound == Bound::compute) {
      out_.advice.push_back(
          "tile: arithmetic bounds it; keep more of each operand in registers so that loads do not interrupt it");
    }
    if (out_.bound == Bound::memory && planned_bytes_ <= 1.4 * bytes) {
      out_.advice.push_back(
          "streaming stores: memory bounds it and every byte is needed; write outputs past the caches");
    }
  }

  const DiagnosisInput& in_;
  double time_ = 0;
  std::vector<double> step_us_;
  Diagnosis out_;
  double memory_us_ = 0, compute_us_ = 0, planned_bytes_ = 0, launches_ = 0, calls_ = 0;
  double outside_ = 0, dominating_share_ = 0;
  std::optional<double> beyond_;  // the last cache
  std::optional<std::size_t> dominating_;
  const CompilerRemark* unvectorized_ = nullptr;
};

}  // namespace

namespace {

std::optional<double> shortest_us(std::int64_t bytes, double operations, const MachineLimits& limits) {
  if (limits.bytes_per_us <= 0) return std::nullopt;
  const double memory = static_cast<double>(bytes) / limits.bytes_per_us;
  const double compute = limits.operations_per_us > 0 ? operations / limits.operations_per_us : 0;
  const double light = std::max(memory, compute);
  return light > 0 ? std::optional(light) : std::nullopt;
}

}  // namespace

std::optional<double> speed_of_light_us(const Workload& workload, const MachineLimits& limits) {
  return shortest_us(workload.bytes, workload.operations, limits);
}

std::optional<double> shortest_believable_us(const Workload& workload, const MachineLimits& limits) {
  std::int64_t results = 0;
  for (const TensorSpec& output : workload.outputs) results += static_cast<std::int64_t>(output.storage_bytes());
  return shortest_us(workload.bytes - std::min(results, limits.cache_bytes), workload.operations, limits);
}

std::optional<PlanShape> shape_of_plan(const Source& source, const Workload& workload, const TunePoint& point,
                                       int threads) {
  BlindMachine blind;
  const auto program = bind({.source = &source, .workload = &workload, .tune = point, .threads = threads}, blind);
  if (!program) return std::nullopt;
  PlanShape shape;
  for (const auto& step : source.plan.steps) {
    shape.steps.push_back({.launch = step.kind == Step::Kind::launch,
                           .name = step.target.text,
                           .at = step.target.at,
                           .prepare = step.prepare});
  }
  for (const auto& bound : program->steps) {
    auto& step = shape.steps[static_cast<std::size_t>(bound.step)];
    shape.owner.push_back(bound.step);
    StepShape once;
    std::vector<Touch>& touches = shape.touches.emplace_back();
    std::vector<TensorId> seen;
    const auto tensor = [&](TensorId id) {
      if (id >= 0 && static_cast<std::size_t>(id) < program->tensors.size()) {
        touch(once, touches, program->tensors[static_cast<std::size_t>(id)], seen, id);
      }
    };
    if (const auto* launch = std::get_if<BoundLaunch>(&bound.does)) {
      for (const auto& argument : launch->args) {
        if (argument.reaches_memory()) tensor(argument.tensor);
      }
      once.tasks =
          std::accumulate(launch->grid.begin(), launch->grid.end(), 1.0,
                          [](double product, std::int64_t extent) { return product * static_cast<double>(extent); });
    } else if (const auto* call = std::get_if<BoundCall>(&bound.does)) {
      for (const auto& argument : call->args) {
        for (const TensorId id : argument.tensors) tensor(id);
      }
      for (const auto& out : call->outs) tensor(out.tensor);
    }
    step.count += 1;
    step.bytes += (once.bytes - step.bytes) / step.count;  // the mean over a loop's rounds
    step.tasks = std::max(step.tasks, once.tasks);
  }
  return shape;
}

std::optional<std::pair<int, int>> lines_of_kernel(std::string_view text, std::string_view kernel) {
  int line = 1, start = 0;
  for (std::size_t at = 0; at <= text.size(); ++line) {
    const auto end = std::min(text.find('\n', at), text.size());
    const auto row = text.substr(at, end - at);
    at = end + 1;
    if (start == 0) {
      const auto name = row.find(kernel);
      const bool declares = row.find("extern \"C\"") != std::string_view::npos && name != std::string_view::npos &&
                            name + kernel.size() < row.size() && row[name + kernel.size()] == '(' && name > 0 &&
                            row[name - 1] == ' ';
      if (declares) start = line;
      if (declares && row.ends_with('}')) return std::pair(line, line);
    } else if (row.starts_with('}')) {
      return std::pair(start, line);
    }
  }
  return std::nullopt;
}

Diagnosis diagnose(const DiagnosisInput& input) { return Doctor(input)(); }

}  // namespace kerf
