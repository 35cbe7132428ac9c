#include "target/nvidia/emulated_source.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "target/cpu/inspect.h"
#include "target/nvidia/emulated_ptx.h"
#include "target/nvidia/source_pieces.h"

namespace kerf {
namespace {

Location location(std::string_view text, std::size_t index) {
  const std::string_view before = text.substr(0, index);
  const std::size_t line = before.rfind('\n');
  return {static_cast<int>(std::ranges::count(before, '\n')) + 1,
          static_cast<int>(line == before.npos ? index + 1 : index - line)};
}

std::size_t find_word(std::string_view text, std::string_view name, std::size_t from) {
  for (std::size_t at = text.find(name, from); at != text.npos; at = text.find(name, at + 1)) {
    const std::size_t end = at + name.size();
    if ((at == 0 || !is_word(text[at - 1])) && (end == text.size() || !is_word(text[end]))) return at;
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

// With one space for each run of white space: what is written twice must not bring its line breaks twice.
std::string on_one_line(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (!is_blank(c)) {
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
    while (name_at > 0 && is_word(before[name_at - 1])) --name_at;
    const std::string_view name = before.substr(name_at);
    const std::string type = on_one_line(trimmed(before.substr(0, name_at)));
    if (behind != "]" || name.empty() || type.empty())
      return not_emulated(fmt::format("`{}`", trimmed(text.substr(begin, end - begin))), location(text, begin));
    const auto depth =
        std::ranges::count(clean.substr(0, begin), '{') - std::ranges::count(clean.substr(0, begin), '}');
    if (depth > 0) {
      edits.replace(begin, end, fmt::format("{0}* const {1} = ({0}*)kerf_block()->shared", type, name));
    } else {
      // Outside of functions there is no block yet. Ends of lines that were within the declaration follow.
      const int line = location(text, begin).line;
      edits.replace(begin, end + 1,
                    fmt::format("\n#define {1} (({0}*)kerf_block()->shared)\n#line {2}\n", type, name, line));
    }
  }
  return {};
}

// Whether the `while` at `at` belongs to a `do`: such loops do something.
bool ends_do(std::string_view clean, std::size_t at) {
  while (at > 0 && is_blank(clean[at - 1])) --at;
  if (at == 0 || clean[at - 1] != '}') return false;
  int depth = 0;
  std::size_t open = at;
  while (open > 0) {
    --open;
    if (clean[open] == '}') ++depth;
    if (clean[open] == '{' && --depth == 0) break;
  }
  while (open > 0 && is_blank(clean[open - 1])) --open;
  return open >= 2 && clean.substr(open - 2, 2) == "do" && (open == 2 || !is_word(clean[open - 3]));
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
          operands.push_back(on_one_line(trimmed(clean.substr(parenthesis, to - parenthesis))));
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
    while (at < clean.size() && is_blank(clean[at])) ++at;
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

Result<std::string> emulated_source(std::string_view text) {
  const std::string clean = without_comments(text);
  Edits edits(text);
  TRY(rewrite_shared(text, clean, edits));
  TRY(rewrite_asm(text, clean, edits));
  rewrite_waits(clean, edits);
  return edits.apply();
}

}  // namespace kerf
