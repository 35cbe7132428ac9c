// What the memory operator recalls of the tree.
#include <fmt/format.h>

#include <cmath>

#include "synthesize/prompt/feedback.h"
#include "synthesize/prompt/fence.h"
#include "synthesize/prompt/parts.h"
#include "synthesize/reply/lines.h"

namespace kerf {
namespace {

bool right(const Recalled& node) { return node.evaluation.verdict == Verdict::measured && node.evaluation.receipt; }

std::string outcome(const Recalled& node) {
  const Evaluation& e = node.evaluation;
  if (right(node)) {
    std::string out = fmt::format("{:.4g} us, {:.3f}x eager", e.receipt->time_us.median, std::exp(node.log_speedup));
    if (e.diagnosis.bound) out += fmt::format(", bound by {}", to_string(*e.diagnosis.bound));
    return out;
  }
  std::string out = to_string(e.verdict);
  if (e.rule) out += fmt::format(" ({})", quote(*e.rule, 60));
  if (e.message && !e.message->empty()) out += fmt::format(": {}", quote(split_lines(*e.message).front(), 200));
  return out;
}

std::string line(const Recalled& node) {
  return fmt::format("- node {}: {}: {}", node.node, node.rationale.empty() ? "no reason given" : quote(node.rationale),
                     outcome(node));
}

// What a step did to the time.
std::string effect(const Recalled& before, const Recalled& after) {
  if (!right(before) || !right(after)) return {};
  return fmt::format("; {:.3f}x as fast as node {}", std::exp(after.log_speedup - before.log_speedup), before.node);
}

std::string change(const Recalled& before, const Recalled& after, std::size_t most) {
  if (most == 0) return {};
  const std::string diff = unified_diff(before.candidate.text, after.candidate.text, 0);
  const auto lines = split_lines(diff);
  if (lines.size() > 2 * most + 20) return fmt::format("  (rewritten: {} lines of difference)\n", lines.size());
  std::string shown;
  for (std::size_t i = 0; i < lines.size() && i < most; ++i) shown += std::string(lines[i].substr(0, 160)) + "\n";
  if (lines.size() > most) shown += fmt::format("… {} more lines\n", lines.size() - most);
  return shown.empty() ? std::string() : fence(shown, "diff");
}

// Lines of difference that a step shows for each node.
std::size_t diff_lines(int step) { return step == 0 ? 40 : step == 1 ? 12 : 0; }

class AncestorsPart final : public PromptPart {
 public:
  std::string_view name() const override { return "ancestors"; }
  PromptPlace place() const override { return PromptPlace::call; }
  int priority() const override { return 20; }
  int steps(const SynthesisRequest& request) const override { return request.ancestors.size() < 2 ? 0 : 4; }
  std::string missing(const SynthesisRequest& request, int step) const override {
    if (step == 1) return "differences longer than 12 lines";
    if (step == 2) return "all differences";
    return step == 3 && request.ancestors.size() > few
               ? fmt::format("{} of {} ancestors, all differences", request.ancestors.size() - few,
                             request.ancestors.size())
           : step == 3 ? "all differences"
                       : "all ancestors but the parent";
  }
  std::string write(const SynthesisRequest& request, int step) const override {
    const auto& chain = request.ancestors;  // the parent first
    if (chain.size() < 2 || step > 3) return {};
    std::string out = "# How the parent came about\nEach was built on the one before it; the last one is the parent.\n";
    const std::size_t shown = step == 3 ? std::min(chain.size(), few) : chain.size();
    for (std::size_t i = shown; i-- > 0;) {
      const bool first = i + 1 == chain.size();
      out += line(chain[i]) + (first ? "" : effect(chain[i + 1], chain[i])) + "\n";
      if (!first) out += change(chain[i + 1], chain[i], diff_lines(step));
    }
    return out;
  }

 private:
  static constexpr std::size_t few = 4;
};

class SiblingsPart final : public PromptPart {
 public:
  std::string_view name() const override { return "siblings"; }
  PromptPlace place() const override { return PromptPlace::call; }
  int priority() const override { return 25; }
  int steps(const SynthesisRequest& request) const override { return any(request) ? 4 : 0; }
  std::string missing(const SynthesisRequest& request, int step) const override {
    if (step == 1) return "differences longer than 12 lines";
    if (step == 2) return "all differences";
    const std::size_t n = request.siblings.size();
    return step == 3 && n > few ? fmt::format("{} of {} siblings, all differences", n - few, n)
           : step == 3          ? "all differences"
                                : "all siblings";
  }
  std::string write(const SynthesisRequest& request, int step) const override {
    if (!any(request) || step > 3) return {};
    std::string out = "# What was tried on the parent already\nDo something else than these, the best last:\n";
    const std::size_t n = request.siblings.size();
    for (std::size_t i = step == 3 && n > few ? n - few : 0; i < n; ++i) {
      const Recalled& sibling = request.siblings[i];
      out += line(sibling);
      if (!request.ancestors.empty()) out += effect(request.ancestors.front(), sibling);
      out += "\n";
      if (!request.ancestors.empty()) out += change(request.ancestors.front(), sibling, diff_lines(step));
    }
    return out;
  }

 private:
  static constexpr std::size_t few = 6;
  static bool any(const SynthesisRequest& request) {
    return request.memory == MemoryOperator::siblings && !request.siblings.empty();
  }
};

class BranchPart final : public PromptPart {
 public:
  std::string_view name() const override { return "branch"; }
  PromptPlace place() const override { return PromptPlace::call; }
  int priority() const override { return 40; }
  int steps(const SynthesisRequest& request) const override { return any(request) ? 2 : 0; }
  std::string missing(const SynthesisRequest&, int step) const override {
    return step == 1 ? "the diagnosis of the other branch" : "the other branch's source and diagnosis";
  }
  std::string write(const SynthesisRequest& request, int step) const override {
    if (!any(request)) return {};
    std::string out = "# Another branch\nGood in its own way, and not built on the parent:\n";
    for (const Recalled& node : request.siblings) out += line(node) + "\n";
    const Recalled& other = request.siblings.front();
    if (step < 2)
      out += fmt::format("The source of node {}:\n{}", other.node,
                         fence(other.candidate.text, to_string(other.candidate.language)));
    if (step < 1) out += fmt::format("\nWhat was found out about it:\n{}", feedback(other.evaluation, other.candidate));
    return out;
  }

 private:
  static bool any(const SynthesisRequest& request) {
    return request.memory == MemoryOperator::combine && !request.siblings.empty();
  }
};

class ParentPart final : public PromptPart {
 public:
  std::string_view name() const override { return "parent"; }
  PromptPlace place() const override { return PromptPlace::call; }
  int priority() const override { return 90; }
  int steps(const SynthesisRequest&) const override { return 0; }
  std::string missing(const SynthesisRequest&, int) const override { return {}; }
  std::string write(const SynthesisRequest& request, int) const override {
    if (request.ancestors.empty()) return {};
    const Recalled& parent = request.ancestors.front();
    return fmt::format("# The parent (node {})\n{}", parent.node,
                       fence(parent.candidate.text, to_string(parent.candidate.language)));
  }
};

class NotePart final : public PromptPart {
 public:
  std::string_view name() const override { return "note"; }
  PromptPlace place() const override { return PromptPlace::call; }
  int priority() const override { return 80; }
  int steps(const SynthesisRequest&) const override { return 0; }
  std::string missing(const SynthesisRequest&, int) const override { return {}; }
  std::string write(const SynthesisRequest& request, int) const override {
    if (request.ancestors.empty()) return {};
    const Recalled& parent = request.ancestors.front();
    return fmt::format("# {}\n{}", right(parent) ? "A colleague's note on the parent" : "What is wrong with the parent",
                       feedback(parent.evaluation, parent.candidate));
  }
};

class AskPart final : public PromptPart {
 public:
  std::string_view name() const override { return "ask"; }
  PromptPlace place() const override { return PromptPlace::call; }
  int priority() const override { return 100; }
  int steps(const SynthesisRequest&) const override { return 0; }
  std::string missing(const SynthesisRequest&, int) const override { return {}; }
  std::string write(const SynthesisRequest& request, int) const override {
    std::string what;
    if (request.ancestors.empty() || request.memory == MemoryOperator::fresh) {
      what =
          "Write a candidate from scratch: the fastest design that you can think of for this problem on this machine.";
    } else if (!right(request.ancestors.front())) {
      what = "Repair the parent: keep its idea, mend what is wrong.";
    } else if (request.memory == MemoryOperator::siblings) {
      what = "Change the parent in a way that was not tried yet, so that it becomes faster.";
    } else if (request.memory == MemoryOperator::combine) {
      what = "Write a candidate that joins what is good about the parent with what is good about the other branch.";
    } else {
      what = "Take the next step: change what holds the parent back most, so that it becomes faster.";
    }
    return "# Now\n" + what + "\n";
  }
};

}  // namespace

std::unique_ptr<PromptPart> make_ancestors_part() { return std::make_unique<AncestorsPart>(); }
std::unique_ptr<PromptPart> make_siblings_part() { return std::make_unique<SiblingsPart>(); }
std::unique_ptr<PromptPart> make_branch_part() { return std::make_unique<BranchPart>(); }
std::unique_ptr<PromptPart> make_parent_part() { return std::make_unique<ParentPart>(); }
std::unique_ptr<PromptPart> make_note_part() { return std::make_unique<NotePart>(); }
std::unique_ptr<PromptPart> make_ask_part() { return std::make_unique<AskPart>(); }

}  // namespace kerf
