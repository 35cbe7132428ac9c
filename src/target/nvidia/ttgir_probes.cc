// Probes put into Triton's GPU dialect, and what they wrote.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "target/nvidia/ttgir.h"

namespace kerf {
namespace {

constexpr std::string_view clock_of_sm = "mov.u64 $0, %clock64;", nanoseconds = "mov.u64 $0, %globaltimer;",
                           processor = "{ .reg .u32 s; mov.u32 s, %smid; cvt.u64.u32 $0, s; }";

// Writes the changed text. Values of its own begin with %kerf_; those of a partition, which sees none from outside but
// what is handed to it, with %kerf_pN_.
class Prober {
 public:
  Prober(const Ttgir& ir, const ProbeLimits& limits)
      : ir_(ir),
        rounds_(std::max(1, limits.rounds)),
        lines_(ir.lines),
        counted_(ir.loops.size(), false),
        plan_{.events = {}, .programs = limits.programs} {}

  Result<> probe(std::size_t index) {
    constexpr std::int64_t most_words = 4096;
    if (index >= ir_.ops.size()) return user_error("a probe for an operation that is not there");
    const TtgirOp& op = ir_.ops[index];
    for (const char* last : {"tt.return", "scf.yield", "ttg.warp_yield", "ttg.warp_return"})
      if (op.name == last) return user_error(fmt::format("nothing can be read after {}", op.name));
    const std::int64_t word = plan_.words_of_program();
    for (int round = 0; round < (op.loop < 0 ? 1 : rounds_); ++round)
      plan_.events.push_back({.op = index, .round = round});
    if (plan_.words_of_program() > most_words) return user_error("too many probes for one kernel");
    if (op.partition >= 0) partitions_.insert(static_cast<std::size_t>(op.partition));
    const std::string pad = pad_of(op.first_line), in = prefix(op.partition);
    const std::string name = fmt::format("%kerf_o{}", plan_.events.size());
    std::string mask = in + "records";
    std::string& ahead = before_[op.first_line];
    if (op.loop < 0) {
      ahead += fmt::format("{0}{1} = arith.constant {2} : i64\n", pad, name, word);
    } else {
      count(op.loop, in);
      ahead += fmt::format("{0}{1}c = arith.constant {2} : i64\n{0}{1} = arith.addi {1}c, %kerf_w{3} : i64\n", pad,
                           name, word, op.loop);
      mask = fmt::format("%kerf_m{}", op.loop);
    }
    ahead += fmt::format("{0}{1}n = arith.addi {1}, {2}one : i64\n", pad, name, in);
    ahead += reading(pad, in, clock_of_sm, name, mask);
    // Of operations that end on one line the innermost comes first.
    std::string& behind = after_[op.last_line];
    behind = reading(pad, in, clock_of_sm, name + "n", mask) + behind;
    return {};
  }

  ProbedTtgir text() && {
    const std::string pad = pad_of(ir_.return_line), in = prefix(-1);
    add(ir_.parameters, in + "words: !tt.ptr<i64>");
    after_[ir_.parameters.line] = prologue(pad, in) + reading(pad, in, nanoseconds, in + "zero", in + "records") +
                                  reading(pad, in, processor, in + "two", in + "records") +
                                  reading(pad, in, clock_of_sm, in + "one", in + "records") +
                                  after_[ir_.parameters.line];
    before_[ir_.return_line] += reading(pad, in, clock_of_sm, in + "three", in + "records");
    hand_to_partitions();
    ProbedTtgir out{.text = {}, .plan = plan_};
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      if (const auto at = before_.find(i); at != before_.end()) out.text += at->second;
      out.text += lines_[i] + "\n";
      if (const auto at = after_.find(i); at != after_.end()) out.text += at->second;
    }
    return out;
  }

 private:
  static std::string prefix(int partition) { return partition < 0 ? "%kerf_" : fmt::format("%kerf_p{}_", partition); }

  [[nodiscard]] std::string pad_of(std::size_t line) const {
    const std::string& text = ir_.lines[line];
    return text.substr(0, std::min(text.find_first_not_of(' '), text.size()));
  }

  // Stores one 64-bit reading at the word `offset` (an i64 value), where `mask` (an i1 value) holds.
  std::string reading(std::string_view pad, std::string_view in, std::string_view assembly, const std::string& offset,
                      const std::string& mask) {
    const int n = reads_++;
    return fmt::format(
        "{0}%kerf_v{1} = tt.elementwise_inline_asm \"{2}\" {{constraints = \"=l,r,~{{memory}}\", packed_element = 1 : "
        "i32, pure = false}} {5}x : i32 -> i64\n"
        "{0}%kerf_a{1} = tt.addptr {5}mine, {3} : !tt.ptr<i64>, i64\n"
        "{0}tt.store %kerf_a{1}, %kerf_v{1}, {4} : !tt.ptr<i64>\n",
        pad, n, assembly, offset, mask, in);
  }

  // What the readings of one region use: constants, whether this program records, where its words are.
  [[nodiscard]] std::string prologue(const std::string& pad, const std::string& in) const {
    std::string text;
    for (const auto& [name, value] : {std::pair<const char*, std::int64_t>{"zero", 0},
                                      {"one", 1},
                                      {"two", 2},
                                      {"three", 3},
                                      {"rounds", rounds_},
                                      {"size", plan_.words_of_program()}})
      text += fmt::format("{}{}{} = arith.constant {} : i64\n", pad, in, name, value);
    for (const char* axis : {"x", "y", "z"})
      text += fmt::format("{0}{1}{2} = tt.get_program_id {2} : i32\n", pad, in, axis);
    for (const char* axis : {"x", "y"})
      text += fmt::format("{0}{1}n{2} = tt.get_num_programs {2} : i32\n", pad, in, axis);
    return text + fmt::format(
                      "{0}{1}zy = arith.muli {1}z, {1}ny : i32\n"
                      "{0}{1}yz = arith.addi {1}zy, {1}y : i32\n"
                      "{0}{1}row = arith.muli {1}yz, {1}nx : i32\n"
                      "{0}{1}program = arith.addi {1}row, {1}x : i32\n"
                      "{0}{1}programs = arith.constant {2} : i32\n"
                      "{0}{1}records = arith.cmpi ult, {1}program, {1}programs : i32\n"
                      "{0}{1}wide = arith.extui {1}program : i32 to i64\n"
                      "{0}{1}first = arith.muli {1}wide, {1}size : i64\n"
                      "{0}{1}mine = tt.addptr {1}words, {1}first : !tt.ptr<i64>, i64\n",
                      pad, in, plan_.programs);
  }

  // Which round of the loop it is, and whether it is recorded: at its begin, once.
  void count(int index, const std::string& in) {
    const auto at = static_cast<std::size_t>(index);
    if (counted_[at]) return;
    counted_[at] = true;
    const TtgirLoop& l = ir_.loops[at];
    const std::string pad = pad_of(l.first_line) + "  ";
    std::string& text = after_[l.first_line];
    text +=
        fmt::format("{0}%kerf_d{1} = arith.subi {2}, {3} : {4}\n{0}%kerf_q{1} = arith.divsi %kerf_d{1}, {5} : {4}\n",
                    pad, index, l.counter, l.from, l.type, l.step);
    const char* widen = l.type == "i32" ? "arith.extsi" : l.type == "index" ? "arith.index_cast" : nullptr;
    if (widen != nullptr) {
      text += fmt::format("{0}%kerf_r{1} = {2} %kerf_q{1} : {3} to i64\n", pad, index, widen, l.type);
    } else {
      text += fmt::format("{0}%kerf_r{1} = arith.addi %kerf_q{1}, {2}zero : i64\n", pad, index, in);
    }
    text += fmt::format(
        "{0}%kerf_e{1} = arith.cmpi slt, %kerf_r{1}, {2}rounds : i64\n"
        "{0}%kerf_m{1} = arith.andi %kerf_e{1}, {2}records : i1\n"
        "{0}%kerf_w{1} = arith.muli %kerf_r{1}, {2}two : i64\n",
        pad, index, in);
  }

  void add(const TtgirList& list, const std::string& what) {
    lines_[list.line].insert(list.end, (list.empty ? "" : ", ") + what);
  }

  // All partitions of an operation take the same, also those without a probe.
  void hand_to_partitions() {
    std::set<std::size_t> given;
    for (const std::size_t probed : partitions_) given.insert(ir_.partitions[probed].specialization);
    for (const std::size_t each : given) {
      add(ir_.specializations[each].operands, "%kerf_words");
      add(ir_.specializations[each].types, "!tt.ptr<i64>");
    }
    for (std::size_t i = 0; i < ir_.partitions.size(); ++i) {
      const TtgirPartition& partition = ir_.partitions[i];
      if (!given.contains(partition.specialization)) continue;
      const std::string in = prefix(static_cast<int>(i));
      add(partition.parameters, in + "words: !tt.ptr<i64>");
      std::string& text = after_[partition.parameters.line];
      if (partitions_.contains(i)) text = prologue(pad_of(partition.parameters.line) + "  ", in) + text;
    }
  }

  const Ttgir& ir_;
  const int rounds_;
  std::vector<std::string> lines_;
  std::map<std::size_t, std::string> before_, after_;  // by line
  std::vector<bool> counted_;                          // by loop
  std::set<std::size_t> partitions_;                   // with probes in them
  ProbePlan plan_;
  int reads_ = 0;
};

}  // namespace

Result<ProbedTtgir> insert_probes(const Ttgir& ir, std::span<const std::size_t> ops, const ProbeLimits& limits) {
  Prober prober(ir, limits);
  for (const std::size_t index : ops) TRY(prober.probe(index));
  return std::move(prober).text();
}

std::vector<TimelineEvent> timeline(const ProbePlan& plan, std::span<const std::uint64_t> words, double mhz) {
  std::vector<TimelineEvent> events;
  if (mhz <= 0) return events;
  const auto size = static_cast<std::size_t>(plan.words_of_program());
  std::optional<std::uint64_t> origin;
  for (std::size_t at = 0; at + size <= words.size(); at += size)
    if (words[at] != 0 && (!origin || words[at] < *origin)) origin = words[at];
  if (!origin) return events;
  int program = 0;
  for (std::size_t at = 0; at + size <= words.size(); at += size, ++program) {
    const auto mine = words.subspan(at, size);
    if (mine[0] == 0 || program >= plan.programs) continue;
    const auto first = events.size();
    const auto ns = [&](std::uint64_t cycles) {
      return static_cast<double>(mine[0] - *origin) + static_cast<double>(cycles - mine[1]) * 1e3 / mhz;
    };
    for (std::size_t e = 0; e < plan.events.size(); ++e) {
      const std::uint64_t begin = mine[ProbePlan::head_words + 2 * e], end = mine[ProbePlan::head_words + 2 * e + 1];
      if (begin == 0 || end < begin || begin < mine[1]) continue;
      events.push_back({.program = program,
                        .sm = static_cast<int>(mine[2]),
                        .op = plan.events[e].op,
                        .round = plan.events[e].round,
                        .begin_ns = ns(begin),
                        .end_ns = ns(end)});
    }
    std::stable_sort(events.begin() + static_cast<std::ptrdiff_t>(first), events.end(),
                     [](const TimelineEvent& a, const TimelineEvent& b) { return a.begin_ns < b.begin_ns; });
  }
  return events;
}

}  // namespace kerf
