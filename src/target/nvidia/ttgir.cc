#include "target/nvidia/ttgir.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <utility>

namespace kerf {
namespace {

constexpr std::size_t most_bytes = std::size_t{8} << 20;
constexpr std::size_t no_op = static_cast<std::size_t>(-1);

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

// What a line opens and closes, strings left out.
struct Braces {
  int opened = 0, closed = 0;
};
Braces braces_of(std::string_view line) {
  Braces found;
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quoted) {
      if (c == '\\') ++i;
      quoted = c != '"';
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{') {
      ++found.opened;
    } else if (c == '}') {
      found.opened > 0 ? --found.opened : ++found.closed;
    }
  }
  return found;
}

// Where the bracket at `open` closes; npos if it does not on this line.
std::size_t closing(std::string_view line, std::size_t open) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = open; i < line.size(); ++i) {
    const char c = line[i];
    if (quoted) {
      if (c == '\\') ++i;
      quoted = c != '"';
    } else if (c == '"') {
      quoted = true;
    } else if (c == '(') {
      ++depth;
    } else if (c == ')' && --depth == 0) {
      return i;
    }
  }
  return std::string_view::npos;
}

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '$';
}

std::string_view name_at(std::string_view text) {
  std::size_t end = 0;
  while (end < text.size() && is_name(text[end])) ++end;
  return text.substr(0, end);
}

// "dialect.name", of a line that begins an operation.
std::string_view op_of(std::string_view line) {
  if (line.starts_with('%')) {
    const auto equals = line.find(" = ");
    if (equals == line.npos) return {};
    line = trimmed(line.substr(equals + 3));
  }
  if (line.starts_with('"')) line.remove_prefix(1);
  const auto name = name_at(line);
  return name.find('.') == name.npos ? std::string_view() : name;
}

// "%i" at the begin of the text.
std::string_view value_at(std::string_view text) {
  if (!text.starts_with('%')) return {};
  std::size_t end = 1;
  while (end < text.size() && (is_name(text[end]) || text[end] == '-' || text[end] == '#')) ++end;
  return text.substr(0, end);
}

// scf.for %i = %a to %b step %c … : i32 {
std::optional<TtgirLoop> loop_of(std::string_view line) {
  const auto after = [&](std::string_view word) -> std::string_view {
    const auto at = line.find(word);
    return at == line.npos ? std::string_view() : line.substr(at + word.size());
  };
  TtgirLoop loop;
  const auto rest = after("scf.for ");
  loop.counter = value_at(rest);
  const auto from = rest.find(" = ");
  if (from == rest.npos) return std::nullopt;
  loop.from = value_at(rest.substr(from + 3));
  loop.step = value_at(after(" step "));
  auto tail = trimmed(line);
  if (!tail.ends_with('{') || loop.counter.empty() || loop.from.empty() || loop.step.empty()) return std::nullopt;
  tail = trimmed(tail.substr(0, tail.size() - 1));
  loop.type = "index";
  for (const std::string_view type : {"i32", "i64"})
    if (tail.ends_with(std::string(": ").append(type))) loop.type = type;
  return loop;
}

// The table of locations at the end of the text, and what they lead to.
class Locations {
 public:
  void note(std::string_view line) {
    const auto equals = line.find(" = loc(");
    if (equals == line.npos) return;
    table_.emplace(std::string(line.substr(0, equals)), std::string(line.substr(equals + 3)));
  }
  // Of what stands after "loc": ("file":3:1), (#loc7), ("name"(#loc7)), (callsite(#a at #b)): where it was called.
  [[nodiscard]] std::pair<std::string, int> of(std::string_view text, int depth = 0) const {
    constexpr int deepest = 32;
    if (depth > deepest) return {};
    const auto direct = text.find("\":");
    const auto open = text.find('"');
    if (open != text.npos && direct != text.npos && direct > open) {
      int line = 0;
      const char* const begin = text.data() + direct + 2;
      if (std::from_chars(begin, text.data() + text.size(), line).ec == std::errc() && line > 0)
        return {std::string(text.substr(open + 1, direct - open - 1)), line};
    }
    const auto call = text.find(" at #");
    const auto reference = call == text.npos ? text.find('#') : call + 4;
    if (reference == text.npos) return {};
    const auto name = std::string("#") + std::string(name_at(text.substr(reference + 1)));
    const auto found = table_.find(name);
    return found == table_.end() ? std::pair<std::string, int>() : of(found->second, depth + 1);
  }

 private:
  std::map<std::string, std::string, std::less<>> table_;
};

std::unexpected<Error> not_understood(std::size_t line, std::string what) {
  return fail(ErrorKind::user, fmt::format("line {} of the TTGIR: {}", line + 1, what),
              Location{.line = static_cast<int>(line) + 1, .column = 1});
}

}  // namespace

Result<Ttgir> read_ttgir(std::string_view text) {
  if (text.size() > most_bytes) return user_error("a TTGIR of more than 8 MiB");
  Ttgir ir;
  Locations locations;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    ir.lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (ir.lines.back().starts_with("#loc")) locations.note(ir.lines.back());
  }
  const auto location = [&](TtgirOp& op, std::string_view line) {
    const auto at = line.rfind(" loc(");
    if (at == line.npos) return;
    std::tie(op.file, op.line) = locations.of(line.substr(at + 4));
  };
  // A region that is open: whose it is (no_op: of an operation that is none of ops), and the loop that it is the body
  // of.
  struct Region {
    std::size_t op = no_op;
    int loop = -1;
    bool searched = false;
  };
  std::vector<Region> open;
  bool inside = false, over = false;
  for (std::size_t i = 0; i < ir.lines.size() && !over; ++i) {
    const std::string_view line = trimmed(ir.lines[i]);
    if (!inside) {
      if (!line.starts_with("tt.func public @")) continue;
      const std::string_view whole = ir.lines[i];
      const auto at = whole.find('@');
      ir.function = name_at(whole.substr(at + 1));
      const auto begin = whole.find('(', at);
      const auto end = begin == whole.npos ? whole.npos : closing(whole, begin);
      if (end == whole.npos || !line.ends_with('{'))
        return not_understood(i, "a function that is not declared on one line");
      ir.function_line = i;
      ir.end_of_parameters = end;
      ir.has_parameters = !trimmed(whole.substr(begin + 1, end - begin - 1)).empty();
      inside = true;
      open.push_back({.op = no_op, .loop = -1, .searched = true});
      continue;
    }
    const Braces braces = braces_of(line);
    for (int k = 0; k < braces.closed && !open.empty(); ++k) {
      const Region region = open.back();
      open.pop_back();
      if (region.op == no_op) continue;
      ir.ops[region.op].last_line = i;
      location(ir.ops[region.op], line);
    }
    if (open.empty()) {
      over = true;
      continue;
    }
    const Region around = open.back();
    const auto name = op_of(line);
    std::size_t made = no_op;
    if (around.searched && braces.closed == 0 && !name.empty()) {
      if (name == "tt.return" && open.size() == 1) ir.return_line = i;
      made = ir.ops.size();
      ir.ops.push_back(
          {.name = std::string(name), .first_line = i, .last_line = i, .loop = around.loop, .file = {}, .line = 0});
      location(ir.ops.back(), line);
    }
    for (int k = 0; k < braces.opened; ++k) {
      Region region{.op = k == 0 ? made : no_op, .loop = around.loop, .searched = false};
      if (k == 0 && made != no_op && name == "scf.for") {
        auto loop = loop_of(line);
        if (!loop) return not_understood(i, "a loop that is written otherwise than scf.for %i = %a to %b step %c");
        region.loop = static_cast<int>(ir.loops.size());
        region.searched = true;
        ir.loops.push_back(*std::move(loop));
      } else if (braces.closed > 0 && k == 0) {
        region.op = no_op;  // a further region of the same operation (else)
      }
      open.push_back(region);
    }
  }
  if (!inside) return user_error("no TTGIR: it has no tt.func public");
  if (!over || ir.return_line == 0) return user_error("the TTGIR's function does not end");
  return ir;
}

std::vector<std::size_t> ops_to_probe(const Ttgir& ir, std::size_t most) {
  constexpr std::array wanted{"tt.load",
                              "tt.store",
                              "tt.dot",
                              "tt.dot_scaled",
                              "tt.reduce",
                              "tt.scan",
                              "tt.gather",
                              "tt.atomic_rmw",
                              "tt.descriptor_load",
                              "tt.descriptor_store",
                              "ttg.local_load",
                              "ttg.local_store",
                              "ttg.local_alloc",
                              "ttg.convert_layout",
                              "ttg.async_wait",
                              "ttg.async_copy_global_to_local",
                              "ttng.warp_group_dot",
                              "ttng.warp_group_dot_wait",
                              "ttng.wait_barrier",
                              "ttng.async_tma_copy_global_to_local",
                              "scf.for"};
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < ir.ops.size(); ++i)
    if (std::ranges::find(wanted, ir.ops[i].name) != wanted.end()) found.push_back(i);
  // A loop's index grows inwards and onwards.
  std::ranges::stable_sort(found, std::greater(), [&](std::size_t i) { return ir.ops[i].loop; });
  if (found.size() > most) found.resize(most);
  std::ranges::sort(found);
  return found;
}

Result<ProbedTtgir> insert_probes(const Ttgir& ir, std::span<const std::size_t> ops, const ProbeLimits& limits) {
  constexpr std::int64_t most_words = 4096;
  ProbedTtgir out{.text = {}, .plan = {.events = {}, .programs = limits.programs}};
  std::map<std::size_t, std::string> before, after;  // by line
  std::string parameters = ir.has_parameters ? ", %kerf_words: !tt.ptr<i64>" : "%kerf_words: !tt.ptr<i64>";
  int reads = 0;
  // Stores one 64-bit reading at the word `offset` (an i64 value), where `mask` (an i1 value) holds.
  const auto reading = [&](std::string_view pad, std::string_view assembly, const std::string& offset,
                           const std::string& mask) {
    const int n = reads++;
    return fmt::format(
        "{0}%kerf_v{1} = tt.elementwise_inline_asm \"{2}\" {{constraints = \"=l,r,~{{memory}}\", packed_element = 1 : "
        "i32, pure = false}} %kerf_x : i32 -> i64\n"
        "{0}%kerf_a{1} = tt.addptr %kerf_mine, {3} : !tt.ptr<i64>, i64\n"
        "{0}tt.store %kerf_a{1}, %kerf_v{1}, {4} : !tt.ptr<i64>\n",
        pad, n, assembly, offset, mask);
  };
  constexpr std::string_view clock = "mov.u64 $0, %clock64;", nanoseconds = "mov.u64 $0, %globaltimer;",
                             processor = "{ .reg .u32 s; mov.u32 s, %smid; cvt.u64.u32 $0, s; }";
  const auto pad_of = [&](std::size_t line) {
    const std::string& text = ir.lines[line];
    return text.substr(0, std::min(text.find_first_not_of(' '), text.size()));
  };
  std::vector<bool> counted(ir.loops.size(), false);
  for (const std::size_t index : ops) {
    if (index >= ir.ops.size()) return user_error("a probe for an operation that is not there");
    const TtgirOp& op = ir.ops[index];
    if (op.first_line <= ir.function_line || op.name == "tt.return" || op.name == "scf.yield")
      return user_error(fmt::format("nothing can be read after {}", op.name));
    const int rounds = op.loop < 0 ? 1 : std::max(1, limits.rounds);
    const std::int64_t word = out.plan.words_of_program();
    for (int round = 0; round < rounds; ++round) out.plan.events.push_back({.op = index, .round = round});
    if (out.plan.words_of_program() > most_words) return user_error("too many probes for one kernel");
    const std::string pad = pad_of(op.first_line);
    std::string mask = "%kerf_records", head;
    const std::string name = fmt::format("%kerf_o{}", out.plan.events.size());
    if (op.loop < 0) {
      head = fmt::format("{0}{1} = arith.constant {2} : i64\n", pad, name, word);
    } else {
      const auto loop = static_cast<std::size_t>(op.loop);
      if (!counted[loop]) {
        counted[loop] = true;
        const auto line = std::ranges::find_if(ir.ops, [&](const TtgirOp& o) {
          return o.name == "scf.for" && o.last_line > op.first_line && o.first_line < op.first_line &&
                 ir.lines[o.first_line].find("scf.for " + ir.loops[loop].counter + " ") != std::string::npos;
        });
        if (line == ir.ops.end()) return user_error("a loop that is not found again");
        const TtgirLoop& l = ir.loops[loop];
        std::string& text = after[line->first_line];
        text += fmt::format(
            "{0}%kerf_d{1} = arith.subi {2}, {3} : {4}\n{0}%kerf_q{1} = arith.divsi %kerf_d{1}, {5} : {4}\n", pad, loop,
            l.counter, l.from, l.type, l.step);
        const char* widen = l.type == "i32" ? "arith.extsi" : l.type == "index" ? "arith.index_cast" : nullptr;
        if (widen != nullptr) {
          text += fmt::format("{0}%kerf_r{1} = {2} %kerf_q{1} : {3} to i64\n", pad, loop, widen, l.type);
        } else {
          text += fmt::format("{0}%kerf_r{1} = arith.addi %kerf_q{1}, %kerf_zero : i64\n", pad, loop);
        }
        text += fmt::format(
            "{0}%kerf_e{1} = arith.cmpi slt, %kerf_r{1}, %kerf_rounds : i64\n"
            "{0}%kerf_m{1} = arith.andi %kerf_e{1}, %kerf_records : i1\n"
            "{0}%kerf_w{1} = arith.muli %kerf_r{1}, %kerf_two : i64\n",
            pad, loop);
      }
      head = fmt::format("{0}{1}c = arith.constant {2} : i64\n{0}{1} = arith.addi {1}c, %kerf_w{3} : i64\n", pad, name,
                         word, loop);
      mask = fmt::format("%kerf_m{}", loop);
    }
    head += fmt::format("{0}{1}n = arith.addi {1}, %kerf_one : i64\n", pad, name);
    before[op.first_line] += head + reading(pad, clock, name, mask);
    // Of operations that end on one line the innermost comes first.
    std::string& behind = after[op.last_line];
    behind = reading(pad, clock, name + "n", mask) + behind;
  }
  const std::string pad = pad_of(ir.return_line);
  std::string begin;
  for (const auto& [name, value] : {std::pair<const char*, std::int64_t>{"zero", 0},
                                    {"one", 1},
                                    {"two", 2},
                                    {"three", 3},
                                    {"rounds", std::max(1, limits.rounds)},
                                    {"size", out.plan.words_of_program()}})
    begin += fmt::format("{}%kerf_{} = arith.constant {} : i64\n", pad, name, value);
  for (const char* axis : {"x", "y", "z"})
    begin += fmt::format("{0}%kerf_{1} = tt.get_program_id {1} : i32\n", pad, axis);
  for (const char* axis : {"x", "y"})
    begin += fmt::format("{0}%kerf_n{1} = tt.get_num_programs {1} : i32\n", pad, axis);
  begin += fmt::format(
      "{0}%kerf_zy = arith.muli %kerf_z, %kerf_ny : i32\n"
      "{0}%kerf_yz = arith.addi %kerf_zy, %kerf_y : i32\n"
      "{0}%kerf_row = arith.muli %kerf_yz, %kerf_nx : i32\n"
      "{0}%kerf_program = arith.addi %kerf_row, %kerf_x : i32\n"
      "{0}%kerf_programs = arith.constant {1} : i32\n"
      "{0}%kerf_records = arith.cmpi ult, %kerf_program, %kerf_programs : i32\n"
      "{0}%kerf_wide = arith.extui %kerf_program : i32 to i64\n"
      "{0}%kerf_first = arith.muli %kerf_wide, %kerf_size : i64\n"
      "{0}%kerf_mine = tt.addptr %kerf_words, %kerf_first : !tt.ptr<i64>, i64\n",
      pad, limits.programs);
  begin += reading(pad, nanoseconds, "%kerf_zero", "%kerf_records");
  begin += reading(pad, processor, "%kerf_two", "%kerf_records");
  begin += reading(pad, clock, "%kerf_one", "%kerf_records");
  before[ir.return_line] += reading(pad, clock, "%kerf_three", "%kerf_records");
  after[ir.function_line] = begin + after[ir.function_line];
  for (std::size_t i = 0; i < ir.lines.size(); ++i) {
    if (const auto at = before.find(i); at != before.end()) out.text += at->second;
    std::string line = ir.lines[i];
    if (i == ir.function_line) line.insert(ir.end_of_parameters, parameters);
    out.text += line + "\n";
    if (const auto at = after.find(i); at != after.end()) out.text += at->second;
  }
  return out;
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
