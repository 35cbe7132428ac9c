#include "target/nvidia/ttgir.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <utility>

#include "base/text.h"

namespace kerf {
namespace {

constexpr std::size_t most_bytes = std::size_t{8} << 20;
constexpr std::size_t no_op = static_cast<std::size_t>(-1);

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

// Where the parenthesis at `open` closes; npos if it does not on this line.
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

// That begins at `open` or behind it.
std::optional<TtgirList> list_at(std::size_t line, std::string_view text, std::size_t from) {
  const auto open = text.find('(', from);
  const auto end = open == text.npos ? text.npos : closing(text, open);
  if (end == text.npos) return std::nullopt;
  return TtgirList{.line = line, .end = end, .empty = trimmed(text.substr(open + 1, end - open - 1)).empty()};
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
  // Of what stands after "loc": ("file":3:1), (#loc7), ("name"(#loc7)), (callsite(#a at #b)). Of what was inlined that
  // is its own line where it is of the same file as what called it, else the line of the call.
  using Place = std::pair<std::string, int>;
  [[nodiscard]] Place of(std::string_view text, int depth = 0) {
    constexpr int deepest = 64;
    if (depth > deepest) return {};
    if (const auto call = text.find(" at #"); call != text.npos) {
      Place caller = of(text.substr(call + 4), depth + 1), own = of(text.substr(0, call), depth + 1);
      return own.second > 0 && own.first == caller.first ? own : caller;
    }
    const auto direct = text.find("\":");
    const auto open = text.find('"');
    if (open != text.npos && direct != text.npos && direct > open) {
      int line = 0;
      const char* const begin = text.data() + direct + 2;
      if (std::from_chars(begin, text.data() + text.size(), line).ec == std::errc() && line > 0)
        return {std::string(text.substr(open + 1, direct - open - 1)), line};
    }
    const auto reference = text.find('#');
    if (reference == text.npos) return {};
    const auto name = std::string("#") + std::string(name_at(text.substr(reference + 1)));
    // Each is followed once, one that leads to itself nowhere.
    const auto [known, first] = known_.try_emplace(name);
    if (!first) return known->second;
    const auto found = table_.find(name);
    if (found != table_.end()) known->second = of(found->second, depth + 1);
    return known->second;
  }

 private:
  std::map<std::string, std::string, std::less<>> table_;
  std::map<std::string, Place, std::less<>> known_;
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
  // A region that is open: whose it is (no_op: of an operation that is none of ops), and what is within it.
  struct Region {
    std::size_t op = no_op;
    int loop = -1, partition = -1;
    bool searched = false;
    std::optional<std::size_t> specialization = {};  // that it is a region of
    std::optional<std::size_t> specializing = {};    // the last operation in it, whose regions are next
  };
  std::vector<Region> open;
  bool inside = false, over = false;
  for (std::size_t i = 0; i < ir.lines.size() && !over; ++i) {
    const std::string_view whole = ir.lines[i], line = trimmed(whole);
    if (!inside) {
      if (!line.starts_with("tt.func public @")) continue;
      const auto at = whole.find('@');
      ir.function = name_at(whole.substr(at + 1));
      const auto parameters = list_at(i, whole, at);
      if (!parameters || !line.ends_with('{')) return not_understood(i, "a function that is not declared on one line");
      ir.parameters = *parameters;
      inside = true;
      open.push_back({.op = no_op, .searched = true});
      continue;
    }
    const Braces braces = braces_of(line);
    Region closed;
    for (int k = 0; k < braces.closed && !open.empty(); ++k) {
      closed = open.back();
      open.pop_back();
      if (closed.specialization) {
        if (const auto colon = whole.find(" : ("); colon != whole.npos)
          ir.specializations[*closed.specialization].types = list_at(i, whole, colon).value_or(TtgirList{});
      }
      if (closed.op == no_op) continue;
      ir.ops[closed.op].last_line = i;
      location(ir.ops[closed.op], line);
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
      ir.ops.push_back({.name = std::string(name),
                        .first_line = i,
                        .last_line = i,
                        .loop = around.loop,
                        .partition = around.partition,
                        .file = {},
                        .line = 0});
      location(ir.ops.back(), line);
      open.back().specializing.reset();
      if (name == "ttg.warp_specialize") {
        const auto operands = list_at(i, whole, 0);
        if (!operands) return not_understood(i, "warps that are specialised otherwise than ttg.warp_specialize(…)");
        open.back().specializing = made;
        ir.specializations.push_back({.operands = *operands, .types = {}});
      }
    }
    for (int k = 0; k < braces.opened; ++k) {
      Region region{.op = k == 0 ? made : no_op, .loop = around.loop, .partition = around.partition};
      if (k == 0 && braces.closed > 0) {
        region = closed;  // a further region of the same operation (else)
      } else if (k == 0 && made != no_op && name == "scf.for") {
        auto loop = loop_of(line);
        if (!loop) return not_understood(i, "a loop that is written otherwise than scf.for %i = %a to %b step %c");
        loop->first_line = i;
        loop->around = around.loop;
        region.loop = static_cast<int>(ir.loops.size());
        region.searched = true;
        ir.loops.push_back(*std::move(loop));
      } else if (k == 0 && made != no_op && name == "scf.if") {
        region.searched = true;
      } else if (k == 0 && around.specializing && (line.starts_with("default") || line.starts_with("partition"))) {
        region.op = *around.specializing;
        region.searched = true;
        region.specialization = ir.specializations.size() - 1;
        if (line.starts_with("partition")) {
          const auto parameters = list_at(i, whole, 0);
          if (!parameters) return not_understood(i, "a partition that is written otherwise than partitionN(…)");
          // Loops and values of its surroundings are not seen in it.
          region.loop = -1;
          region.partition = static_cast<int>(ir.partitions.size());
          ir.partitions.push_back({.specialization = *region.specialization, .parameters = *parameters});
        }
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
                              "tt.histogram",
                              "tt.atomic_rmw",
                              "tt.atomic_cas",
                              "tt.descriptor_load",
                              "tt.descriptor_store",
                              "ttg.local_load",
                              "ttg.local_store",
                              "ttg.local_alloc",
                              "ttg.local_gather",
                              "ttg.local_scatter",
                              "ttg.convert_layout",
                              "ttg.async_wait",
                              "ttg.async_copy_global_to_local",
                              "ttg.barrier",
                              "gpu.barrier",
                              "ttng.warp_group_dot",
                              "ttng.warp_group_dot_wait",
                              "ttng.wait_barrier",
                              "ttng.arrive_barrier",
                              "ttng.fence_async_shared",
                              "ttng.async_tma_copy_global_to_local",
                              "ttng.async_tma_copy_local_to_global",
                              "ttng.async_tma_gather",
                              "ttng.async_tma_scatter",
                              "ttng.async_tma_reduce",
                              "ttng.async_tma_store_wait",
                              "ttng.tc_gen5_mma",
                              "ttng.tmem_load",
                              "ttng.tmem_store",
                              "scf.for",
                              "scf.while"};
  const auto depth = [&](std::size_t op) {
    int loops = 0;
    for (int loop = ir.ops[op].loop; loop >= 0; loop = ir.loops[static_cast<std::size_t>(loop)].around) ++loops;
    return loops;
  };
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < ir.ops.size(); ++i) {
    const bool moves_nothing = ir.lines[ir.ops[i].first_line].find("ttg.local_alloc :") != std::string::npos;
    if (!moves_nothing && std::ranges::find(wanted, ir.ops[i].name) != wanted.end()) found.push_back(i);
  }
  std::ranges::stable_sort(found, std::greater(), depth);
  if (found.size() > most) found.resize(most);
  std::ranges::sort(found);
  return found;
}

}  // namespace kerf
