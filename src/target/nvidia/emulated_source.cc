#include "target/nvidia/emulated_source.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "target/cpu/inspect.h"

namespace kerf {
namespace {

bool word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool blank(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

Location location(std::string_view text, std::size_t index) {
  const std::string_view before = text.substr(0, index);
  const std::size_t line = before.rfind('\n');
  return {static_cast<int>(std::ranges::count(before, '\n')) + 1,
          static_cast<int>(line == before.npos ? index + 1 : index - line)};
}

std::size_t find_word(std::string_view text, std::string_view name, std::size_t from) {
  for (std::size_t at = text.find(name, from); at != text.npos; at = text.find(name, at + 1)) {
    const std::size_t end = at + name.size();
    if ((at == 0 || !word(text[at - 1])) && (end == text.size() || !word(text[end]))) return at;
  }
  return text.npos;
}

std::unexpected<Error> not_emulated(std::string what, Location at) {
  return fail(ErrorKind::unavailable,
              fmt::format("unavailable: line {}: {} is not emulated on the CPU; this candidate needs an NVIDIA GPU",
                          at.line, what),
              at);
}

// Behind the parenthesis that closes the one at `open`.
std::optional<std::size_t> behind_parenthesis(std::string_view clean, std::size_t open) {
  int depth = 0;
  for (std::size_t i = open; i < clean.size(); ++i) {
    if (clean[i] == '(') ++depth;
    if (clean[i] == ')' && --depth == 0) return i + 1;
  }
  return std::nullopt;
}

// Cuts [begin, end) at `separator` outside of parentheses, brackets and braces.
std::vector<std::pair<std::size_t, std::size_t>> cut(std::string_view clean, std::size_t begin, std::size_t end,
                                                     char separator) {
  std::vector<std::pair<std::size_t, std::size_t>> parts;
  int depth = 0;
  std::size_t start = begin;
  for (std::size_t i = begin; i < end; ++i) {
    const char c = clean[i];
    if (c == '(' || c == '[' || c == '{') ++depth;
    if (c == ')' || c == ']' || c == '}') --depth;
    if (c != separator || depth != 0) continue;
    parts.emplace_back(start, i);
    start = i + 1;
  }
  parts.emplace_back(start, end);
  return parts;
}

// With one space for each run of white space: what is written twice must not bring its line breaks twice.
std::string on_one_line(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (!blank(c)) {
      out += c;
    } else if (!out.ends_with(' ')) {
      out += ' ';
    }
  }
  return out;
}

// The string literals of a piece, one after the other, simple escapes resolved.
std::string joined_literals(std::string_view text, std::string_view clean) {
  std::string out;
  for (std::size_t i = 0; i < clean.size(); ++i) {
    if (clean[i] != '"') continue;
    const std::size_t close = clean.find('"', i + 1);
    if (close == clean.npos) break;
    for (std::size_t k = i + 1; k < close; ++k) {
      if (text[k] != '\\') {
        out += text[k];
      } else if (++k < close) {
        out += text[k] == 'n' || text[k] == 't' ? ' ' : text[k];
      }
    }
    i = close;
  }
  return out;
}

// Edits of a text that keep its lines: each replacement gets the line breaks of what it replaces.
class Edits {
 public:
  explicit Edits(std::string_view text) : text_(text) {}
  void replace(std::size_t begin, std::size_t end, std::string with) {
    const std::string_view old = text_.substr(begin, end - begin);
    with.append(static_cast<std::size_t>(std::ranges::count(old, '\n')), '\n');
    edits_[begin] = {end, std::move(with)};
  }
  [[nodiscard]] std::string apply() const {
    std::string out;
    std::size_t at = 0;
    for (const auto& [begin, edit] : edits_) {
      if (begin < at) continue;
      out += text_.substr(at, begin - at);
      out += edit.second;
      at = edit.first;
    }
    out += text_.substr(at);
    return out;
  }

 private:
  std::string_view text_;
  std::map<std::size_t, std::pair<std::size_t, std::string>> edits_;
};

// extern __shared__ TYPE NAME[];
Result<> rewrite_shared(std::string_view text, std::string_view clean, Edits& edits) {
  for (std::size_t at = find_word(clean, "__shared__", 0); at != clean.npos;
       at = find_word(clean, "__shared__", at + 1)) {
    const std::size_t begin_before = clean.find_last_of(";{}", at), end = clean.find(';', at);
    if (end == clean.npos) continue;
    std::size_t begin = begin_before == clean.npos ? 0 : begin_before + 1;
    // Preprocessor lines and the plan's comment may stand between.
    const std::size_t is_extern = find_word(clean.substr(0, end), "extern", begin);
    if (is_extern == clean.npos) {
      // __shared__ alignas(16) float tile[256]: in C++ the alignment stands first.
      const std::size_t behind = clean.find_first_not_of(" \t\n", at + std::string_view("__shared__").size());
      if (behind != clean.npos && find_word(clean, "alignas", behind) == behind)
        if (const auto stop = behind_parenthesis(clean, behind))
          edits.replace(at, *stop, on_one_line(text.substr(behind, *stop - behind)) + " __shared__");
      continue;
    }
    begin = std::min(is_extern, at);
    std::string declaration(clean.substr(begin, end - begin));
    const auto erase = [&declaration](std::string_view name, bool parenthesis) {
      const std::size_t here = find_word(declaration, name, 0);
      if (here == declaration.npos) return;
      std::size_t stop = here + name.size();
      if (parenthesis) {
        const std::size_t open = declaration.find('(', stop);
        if (open == declaration.npos) return;
        stop = behind_parenthesis(declaration, open).value_or(stop);
      }
      declaration.erase(here, stop - here);
    };
    erase("extern", false);
    erase("__shared__", false);
    erase("__align__", true);
    erase("alignas", true);
    const std::size_t bracket = declaration.find('[');
    const std::string_view before = trimmed(std::string_view(declaration).substr(0, bracket));
    const std::string_view behind =
        bracket == declaration.npos ? std::string_view{} : trimmed(std::string_view(declaration).substr(bracket + 1));
    std::size_t name_at = before.size();
    while (name_at > 0 && word(before[name_at - 1])) --name_at;
    const std::string_view name = before.substr(name_at);
    const std::string type = on_one_line(trimmed(before.substr(0, name_at)));
    if (behind != "]" || name.empty() || type.empty())
      return not_emulated(fmt::format("`{}`", trimmed(text.substr(begin, end - begin))), location(text, begin));
    const auto depth =
        std::ranges::count(clean.substr(0, begin), '{') - std::ranges::count(clean.substr(0, begin), '}');
    if (depth > 0) {
      edits.replace(begin, end, fmt::format("{0}* const {1} = ({0}*)kerf_block()->shared", type, name));
    } else {
      // Outside of functions there is no block yet.
      const int line = location(text, end).line;
      edits.replace(begin, end + 1,
                    fmt::format("\n#define {1} (({0}*)kerf_block()->shared)\n#line {2}\n", type, name, line));
    }
  }
  return {};
}

// Whether the `while` at `at` belongs to a `do`: such loops do something.
bool ends_do(std::string_view clean, std::size_t at) {
  while (at > 0 && blank(clean[at - 1])) --at;
  if (at == 0 || clean[at - 1] != '}') return false;
  int depth = 0;
  std::size_t open = at;
  while (open > 0) {
    --open;
    if (clean[open] == '}') ++depth;
    if (clean[open] == '{' && --depth == 0) break;
  }
  while (open > 0 && blank(clean[open - 1])) --open;
  return open >= 2 && clean.substr(open - 2, 2) == "do" && (open == 2 || !word(clean[open - 3]));
}

// An operand of an instruction: "%2" and "[%2]" stand for an expression, numbers and "_" for themselves.
std::optional<std::string> operand_of(std::string_view argument, const std::vector<std::string>& operands) {
  if (argument.size() > 2 && argument.front() == '[' && argument.back() == ']')
    argument = trimmed(argument.substr(1, argument.size() - 2));
  if (argument.starts_with('%')) {
    const std::string_view digits = argument.substr(1);
    if (digits.empty() || digits.size() > 2 || digits.find_first_not_of("0123456789") != digits.npos) return {};
    const auto index = static_cast<std::size_t>(std::stoi(std::string(digits)));
    if (index < operands.size()) return operands[index];
    return {};
  }
  if (argument == "_" || (!argument.empty() && argument.find_first_not_of("0123456789") == argument.npos))
    return std::string(argument);
  return {};
}

// A look at a barrier in shared memory with what is customary around it: a predicate, then a value made of it or a
// loop. Empty if it is something else.
std::string emulated_wait(std::string code, const std::vector<std::string>& operands) {
  std::string barrier, parity, result;
  bool loops = false;
  std::ranges::replace_if(code, [](char c) { return c == '{' || c == '}'; }, ' ');
  for (const auto& [from, to] : cut(code, 0, code.size(), ';')) {
    std::string_view piece = trimmed(std::string_view(code).substr(from, to - from));
    // "LABEL:" and "@p" stand before instructions.
    for (bool more = true; more;) {
      const std::size_t end = std::min(piece.find_first_of(" \t\n"), piece.size());
      more = end > 0 && (piece[0] == '@' || piece[end - 1] == ':');
      if (more) piece = trimmed(piece.substr(end));
    }
    const std::size_t space = std::min(piece.find_first_of(" \t"), piece.size());
    const std::string_view name = piece.substr(0, space);
    std::vector<std::string_view> arguments;
    for (const auto& [begin, stop] : cut(piece, space, piece.size(), ','))
      arguments.push_back(trimmed(piece.substr(begin, stop - begin)));
    if (name.starts_with("mbarrier.try_wait.parity.") || name.starts_with("mbarrier.test_wait.parity.")) {
      if (arguments.size() < 3 || !barrier.empty()) return {};
      barrier = operand_of(arguments[1], operands).value_or("");
      parity = operand_of(arguments[2], operands).value_or("");
    } else if (name.starts_with("selp.")) {
      if (arguments.size() != 4 || arguments[1] != "1" || arguments[2] != "0") return {};
      result = operand_of(arguments[0], operands).value_or("");
    } else if (name == "bra" || name == "bra.uni") {
      loops = true;
    } else if (!name.empty() && name != ".reg") {
      return {};
    }
  }
  if (barrier.empty() || parity.empty() || loops == !result.empty()) return {};
  const std::string passed = fmt::format("kerf_mbarrier_passed((unsigned)({}), (unsigned)({}))", barrier, parity);
  return loops ? fmt::format("while (!{}) {{}}", passed) : fmt::format("({} = {})", result, passed);
}

// A box of a tensor to shared memory or back, in tiles: cp.async.bulk.tensor.2d… [to], [map, {x, y}], [barrier] and
// cp.async.bulk.tensor.2d… [map, {x, y}], [from]. Empty for other forms.
std::string emulated_tensor_copy(std::string_view name, std::string_view rest,
                                 const std::vector<std::string>& operands) {
  name.remove_prefix(std::string_view("cp.async.bulk.tensor.").size());
  for (const std::string_view other : {"im2col", "gather", "scatter", "multicast", "cta_group"})
    if (name.find(other) != name.npos) return {};
  const std::size_t rank = name.empty() ? 0 : static_cast<std::size_t>(name[0] - '0');
  if (rank < 1 || rank > 5 || !name.substr(1).starts_with("d.")) return {};
  const bool load = name.ends_with(".mbarrier::complete_tx::bytes") ||
                    name.find(".mbarrier::complete_tx::bytes.L2::cache_hint") != name.npos;
  const bool store = name.find(".global.shared::cta") != name.npos && name.find(".bulk_group") != name.npos;
  if (load == store) return {};
  std::vector<std::string_view> parts;
  for (const auto& [from, to] : cut(rest, 0, rest.size(), ',')) parts.push_back(trimmed(rest.substr(from, to - from)));
  if (parts.size() < (load ? 3U : 2U)) return {};
  // [map, {x, y}]
  const std::string_view tensor = parts[load ? 1 : 0];
  const std::size_t open = tensor.find('{'), close = tensor.find('}');
  if (!tensor.starts_with('[') || open == tensor.npos || close == tensor.npos || close < open) return {};
  const std::string_view before = trimmed(tensor.substr(1, open - 1)),
                         places = tensor.substr(open + 1, close - open - 1);
  if (!before.ends_with(',')) return {};
  const auto map = operand_of(trimmed(before.substr(0, before.size() - 1)), operands);
  const auto shared = operand_of(parts[load ? 0 : 1], operands);
  std::string at;
  std::size_t given = 0;
  for (const auto& [from, to] : cut(places, 0, places.size(), ',')) {
    const auto place = operand_of(trimmed(places.substr(from, to - from)), operands);
    if (!place) return {};
    at += fmt::format("{}(int)({})", given++ > 0 ? ", " : "", *place);
  }
  if (!map || !shared || given != rank) return {};
  const std::string place = fmt::format("KerfTensorPlace{{{{{}}}, {}}}", at, rank);
  if (store) return fmt::format("kerf_tensor_store((const void*)({}), {}, (unsigned)({}))", *map, place, *shared);
  const auto barrier = operand_of(parts[2], operands);
  if (!barrier) return {};
  return fmt::format("kerf_tensor_load((unsigned)({}), (const void*)({}), {}, (unsigned)({}))", *shared, *map, place,
                     *barrier);
}

// asm volatile("…" : outputs : inputs : clobbers)
Result<> rewrite_asm(std::string_view text, std::string_view clean, Edits& edits) {
  for (const std::string_view keyword : {"asm", "__asm__", "__asm"}) {
    for (std::size_t at = find_word(clean, keyword, 0); at != clean.npos; at = find_word(clean, keyword, at + 1)) {
      const Location place = location(text, at);
      const std::size_t open = clean.find('(', at);
      const auto end = open == clean.npos ? std::nullopt : behind_parenthesis(clean, open);
      if (!end) return not_emulated("inline PTX", place);
      const auto parts = cut(clean, open + 1, *end - 1, ':');
      const std::string code = joined_literals(text.substr(parts[0].first, parts[0].second - parts[0].first),
                                               clean.substr(parts[0].first, parts[0].second - parts[0].first));
      std::vector<std::string> operands;
      for (std::size_t part = 1; part < parts.size() && part <= 2; ++part) {
        for (const auto& [from, to] : cut(clean, parts[part].first, parts[part].second, ',')) {
          const std::size_t parenthesis = clean.find('(', from);
          if (parenthesis == clean.npos || parenthesis >= to) continue;
          operands.emplace_back(trimmed(text.substr(parenthesis, to - parenthesis)));
        }
      }
      if (const std::string wait = emulated_wait(code, operands); !wait.empty()) {
        edits.replace(at, *end, wait);
        continue;
      }
      std::string replacement = "do {";
      for (const auto& [from, to] : cut(code, 0, code.size(), ';')) {
        const std::string_view instruction = trimmed(std::string_view(code).substr(from, to - from));
        if (instruction.empty()) continue;
        const std::string call = emulated_ptx(instruction, operands);
        if (call.empty()) return not_emulated(fmt::format("inline PTX `{}`", instruction.substr(0, 80)), place);
        replacement += " " + call + ";";
      }
      edits.replace(at, *end, replacement + " } while (0)");
    }
  }
  return {};
}

// while (condition); A loop that does nothing waits for what others write: they get their turn.
void rewrite_waits(std::string_view clean, Edits& edits) {
  const auto behind_blanks = [clean](std::size_t at) {
    while (at < clean.size() && blank(clean[at])) ++at;
    return at;
  };
  for (std::size_t at = find_word(clean, "while", 0); at != clean.npos; at = find_word(clean, "while", at + 1)) {
    const std::size_t open = behind_blanks(at + 5);
    if (open >= clean.size() || clean[open] != '(') continue;
    const auto end = behind_parenthesis(clean, open);
    if (!end) continue;
    const std::size_t body = behind_blanks(*end);
    const bool empty =
        body < clean.size() && (clean[body] == ';' || (clean[body] == '{' && behind_blanks(body + 1) < clean.size() &&
                                                       clean[behind_blanks(body + 1)] == '}'));
    if (!empty || ends_do(clean, at)) continue;
    edits.replace(open, open + 1, "((");
    edits.replace(*end - 1, *end, ") && kerf_waits())");
  }
}

}  // namespace

std::string emulated_ptx(std::string_view instruction, const std::vector<std::string>& operands) {
  const std::size_t space = instruction.find_first_of(" \t");
  const std::string_view name = instruction.substr(0, space);
  if (name.starts_with("cp.async.bulk.tensor."))
    return emulated_tensor_copy(name, space == name.npos ? "" : instruction.substr(space), operands);
  // An operand "%2" stands for its expression, numbers for themselves.
  std::vector<std::string> arguments;
  if (space != instruction.npos) {
    const std::string_view rest = instruction.substr(space);
    for (const auto& [from, to] : cut(rest, 0, rest.size(), ',')) {
      const auto operand = operand_of(trimmed(rest.substr(from, to - from)), operands);
      if (!operand) return {};
      arguments.push_back(*operand);
    }
  }
  const auto starts = [name](std::string_view prefix) { return name.starts_with(prefix); };
  if (name == "cp.async.bulk.commit_group") return "kerf_bulk_commit()";
  if ((name == "cp.async.bulk.wait_group" || name == "cp.async.bulk.wait_group.read") && arguments.size() == 1)
    return fmt::format("kerf_bulk_wait((unsigned)({}))", arguments[0]);
  if (name == "prefetch.tensormap" && arguments.size() == 1) return fmt::format("(void)({})", arguments[0]);
  if (name == "cp.async.commit_group") return "kerf_cp_async_commit()";
  if (name == "cp.async.wait_all") return "kerf_cp_async_wait(~0u)";
  if (name == "cp.async.wait_group" && arguments.size() == 1)
    return fmt::format("kerf_cp_async_wait((unsigned)({}))", arguments[0]);
  if ((starts("cp.async.cg.shared") || starts("cp.async.ca.shared")) && name.find(".global") != name.npos &&
      (arguments.size() == 3 || arguments.size() == 4)) {
    return fmt::format("kerf_cp_async((unsigned){0}, (const void*){1}, (unsigned)({2}), (unsigned)({3}))", arguments[0],
                       arguments[1], arguments[2], arguments.back());
  }
  const auto on_barrier = [&](std::string_view what) { return starts(what) && name.find(".shared") != name.npos; };
  if (on_barrier("mbarrier.init.") && arguments.size() == 2)
    return fmt::format("kerf_mbarrier_init((unsigned)({}), (unsigned)({}))", arguments[0], arguments[1]);
  if (on_barrier("mbarrier.arrive.expect_tx.") && arguments.size() == 3 && arguments[0] == "_") {
    return fmt::format(
        "(kerf_mbarrier_expect((unsigned)({0}), (unsigned)({1})), kerf_mbarrier_arrive((unsigned)({0})))", arguments[1],
        arguments[2]);
  }
  if (on_barrier("mbarrier.expect_tx.") && arguments.size() == 2)
    return fmt::format("kerf_mbarrier_expect((unsigned)({}), (unsigned)({}))", arguments[0], arguments[1]);
  if (on_barrier("mbarrier.arrive.") && !starts("mbarrier.arrive.noComplete") && arguments.size() == 2 &&
      arguments[0] == "_")
    return fmt::format("kerf_mbarrier_arrive((unsigned)({}))", arguments[1]);
  if (starts("cp.async.bulk.shared::") && name.find(".mbarrier::complete_tx::bytes") != name.npos &&
      name.find("multicast") == name.npos && (arguments.size() == 4 || arguments.size() == 5)) {
    return fmt::format("kerf_bulk_copy((unsigned)({}), (const void*)({}), (unsigned)({}), (unsigned)({}))",
                       arguments[0], arguments[1], arguments[2], arguments[3]);
  }
  if (starts("fence.proxy.async") || starts("fence.mbarrier_init.") || on_barrier("mbarrier.inval."))
    return "__threadfence_block()";
  // Loads and stores that order others, and what is added for others to see.
  if ((starts("ld.acquire.") || starts("ld.relaxed.") || starts("ld.volatile.")) && arguments.size() == 2)
    return fmt::format("kerf_ld({}, (const void*){})", arguments[0], arguments[1]);
  if ((starts("st.release.") || starts("st.relaxed.") || starts("st.volatile.")) && arguments.size() == 2)
    return fmt::format("kerf_st((void*){}, {})", arguments[0], arguments[1]);
  if (starts("red.") && (name.ends_with(".add.u32") || name.ends_with(".add.s32")) && arguments.size() == 2)
    return fmt::format("atomicAdd((unsigned*){}, (unsigned){})", arguments[0], arguments[1]);
  if (starts("fence.acq_rel.") || starts("membar.")) return "__threadfence()";
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 9> functions = {
      {{"ex2.approx", "exp2f"},
       {"lg2.approx", "log2f"},
       {"rcp.approx", "1.0f / "},
       {"rsqrt.approx", "rsqrtf"},
       {"sqrt.approx", "sqrtf"},
       {"sin.approx", "sinf"},
       {"cos.approx", "cosf"},
       {"tanh.approx", "tanhf"},
       {"rcp.rn", "1.0f / "}}};
  for (const auto& [instruction_name, function] : functions) {
    if (starts(instruction_name) && name.ends_with(".f32") && arguments.size() == 2)
      return fmt::format("{} = {}({})", arguments[0], function, arguments[1]);
  }
  return {};
}

Result<std::string> emulated_source(std::string_view text) {
  const std::string clean = without_comments(text);
  Edits edits(text);
  TRY(rewrite_shared(text, clean, edits));
  TRY(rewrite_asm(text, clean, edits));
  rewrite_waits(clean, edits);
  return edits.apply();
}

}  // namespace kerf
