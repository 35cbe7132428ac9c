#include "evaluate/loop_diagnosis.h"

#include <fmt/format.h>

#include <algorithm>

namespace kerf {

namespace {

struct LoopVerdict {
  std::string name, what, advice;
};

// The move that answers a port full of `work`.
const char* answer_to(LoopWork work) {
  switch (work) {
    case LoopWork::arithmetic:
      return "tile: the arithmetic units are full in this loop; only fewer operations, or wider vectors, make it "
             "faster";
    case LoopWork::loads:
      return "tile: loads fill the ports; keep what is used again in registers, so that one load serves several "
             "operations";
    case LoopWork::stores:
      return "tile: stores fill the port; keep results in registers until they are final";
    case LoopWork::shuffles:
      return "layout: moving elements within registers fills the port; let vectors run along the axis that is "
             "contiguous";
    case LoopWork::divisions:
      return "reciprocal: divisions and roots fill their unit; multiply by a reciprocal that is computed once";
    case LoopWork::integer:
      return "unroll: counting and addresses fill the ports; do more vectors a round";
  }
  return "";
}

std::vector<LoopVerdict> verdicts_on(const HotLoop& loop, const std::string& kernel) {
  const LoopModel& m = loop.model;
  std::vector<LoopVerdict> found;
  if (loop.code.calls > 0) {
    found.push_back(
        {"calls_in_loop",
         fmt::format("the inner loop of {} calls {} function{} a round", kernel, loop.code.calls,
                     loop.code.calls == 1 ? "" : "s"),
         "vectorize: a call stands in the inner loop and handles one number; use the prelude's vector functions"});
  }
  if (loop.code.scalar > loop.code.vector) {
    found.push_back({"scalar_loop",
                     fmt::format("{} of {} floating-point instructions of {}'s inner loop work on a single number",
                                 loop.code.scalar, loop.code.scalar + loop.code.vector, kernel),
                     "vectorize: the inner loop works on single numbers"});
  }
  if (m.waits()) {
    found.push_back(
        {"dependency_chain",
         fmt::format("a round of {}'s inner loop takes {:.1f} cycles where its instructions alone need {:.1f}: "
                     "each waits for one before it",
                     kernel, m.cycles, m.port_cycles),
         fmt::format("accumulators: rounds of the inner loop wait for each other; {:.0f} independent ones would "
                     "fill the time",
                     std::clamp(m.cycles / m.port_cycles, 2.0, 16.0))});
  } else if (m.port_use > 0.8) {
    found.push_back({"port_pressure",
                     fmt::format("{} fill {} in {:.0f} % of the cycles of {}'s inner loop", to_string(m.port_work),
                                 m.port, 100 * m.port_use, kernel),
                     answer_to(m.port_work)});
  }
  return found;
}

}  // namespace

const Step* dominating_launch(const Plan& plan, const Diagnosis& diagnosis) {
  const Step* most = nullptr;
  double longest = 0;
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    const auto found = diagnosis.metrics.find(fmt::format("step.{}", i));
    if (found == diagnosis.metrics.end() || found->second.value <= longest) continue;
    longest = found->second.value;
    most = &plan.steps[i];
  }
  return most != nullptr && most->kind == Step::Kind::launch ? most : nullptr;
}

void add_loop(Diagnosis& diagnosis, const HotLoop& loop, const std::string& kernel, int line) {
  const auto put = [&diagnosis](const char* name, double value, const char* unit) {
    diagnosis.metrics[name] = {.value = value, .unit = unit, .evidence = Evidence::statically};
  };
  const LoopModel& m = loop.model;
  put("loop.cycles", m.cycles, "cycles");
  put("loop.cycles.ports", m.port_cycles, "cycles");
  put("loop.instructions", m.instructions, "1");
  put("loop.port", m.port_use, "1");
  put("loop.vector_bits", loop.code.vector_bits, "bit");
  put("loop.scalar", loop.code.scalar, "1");
  put("loop.vector", loop.code.vector, "1");
  put("loop.calls", loop.code.calls, "1");
  // The model knows no cache: what memory or launches bound, it explains nothing of.
  if (diagnosis.bound != Bound::latency && diagnosis.bound != Bound::compute) return;
  const std::vector<LoopVerdict> verdicts = verdicts_on(loop, kernel);
  if (verdicts.empty()) return;
  std::vector<std::string> advice;
  for (const LoopVerdict& v : verdicts) {
    diagnosis.causes.push_back({.name = v.name, .what = v.what, .evidence = Evidence::statically});
    advice.push_back(v.advice);
  }
  // What was said of the same move without having looked at the code gives way.
  std::erase_if(diagnosis.advice, [&](const std::string& old) {
    const std::string move = old.substr(0, old.find(':') + 1);
    const bool general = move == "unroll:" || move == "tile:";
    return general &&
           std::ranges::any_of(advice, [&](const std::string& a) { return a.starts_with(move) || move == "unroll:"; });
  });
  diagnosis.advice.insert(diagnosis.advice.begin(), advice.begin(), advice.end());
  diagnosis.hot_spots.insert(
      diagnosis.hot_spots.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(1, diagnosis.hot_spots.size())),
      {.line = line, .what = verdicts.front().what, .evidence = Evidence::statically});
}

Result<> explain_loop(Diagnosis& diagnosis, const Source& source, const std::string& object,
                      const LoopModeller& model) {
  const Step* const step = dominating_launch(source.plan, diagnosis);
  if (step == nullptr) return {};
  const std::string& kernel = step->target.text;
  const HotLoop loop = TRY(model(object, kernel));
  const auto lines = lines_of_kernel(source.candidate.text, kernel);
  add_loop(diagnosis, loop, kernel, lines ? lines->first : step->target.at.line);
  return {};
}

}  // namespace kerf
