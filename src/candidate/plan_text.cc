#include "candidate/plan_text.h"

#include <fmt/format.h>

#include <cctype>
#include <optional>

#include "base/text.h"
#include "candidate/plan_error.h"

namespace kerf {
namespace {

constexpr std::string_view opening = "/// kerf";
constexpr std::string_view blanks = " \t\r";

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (true) {
    const std::size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return lines;
    text.remove_prefix(end + 1);
  }
}

// Behind the text in quotes that begins at line[i]; behind the line where it does not end.
std::size_t after_quoted(std::string_view line, std::size_t i) {
  const char quote = line[i++];
  while (i < line.size() && line[i] != quote) i += line[i] == '\\' ? 2 : 1;
  return i + 1;
}

// Keeps track of whether a line of C begins inside a block comment. Text in quotes is skipped roughly: a quote that is
// never closed on its line (an apostrophe in a comment) ends with it.
class CommentTracker {
 public:
  [[nodiscard]] bool inside() const { return inside_; }
  void feed(std::string_view line) {
    std::size_t i = 0;
    while (i < line.size()) {
      if (inside_) {
        const std::size_t end = line.find("*/", i);
        if (end == std::string_view::npos) return;
        inside_ = false;
        i = end + 2;
        continue;
      }
      const char c = line[i];
      if (c == '"' || c == '\'') {
        i = after_quoted(line, i);
      } else if (line.substr(i, 2) == "//") {
        return;
      } else if (line.substr(i, 2) == "/*") {
        inside_ = true;
        i += 2;
      } else {
        ++i;
      }
    }
  }

 private:
  bool inside_ = false;
};

struct Marker {
  std::string_view rest;  // behind "/// kerf"
  int column = 1;         // of the slashes
};

std::optional<Marker> marker(std::string_view line, std::size_t from) {
  if (!line.substr(from).starts_with(opening)) return std::nullopt;
  return Marker{.rest = trimmed(line.substr(from + opening.size())), .column = static_cast<int>(from) + 1};
}

std::size_t skip_blanks(std::string_view line, std::size_t from) {
  const std::size_t first = line.find_first_not_of(blanks, from);
  return first == std::string_view::npos ? line.size() : first;
}

// "/// kerf" in a line of C-like source: behind "/*", or at the start of a line inside a comment.
std::optional<Marker> c_marker(std::string_view line, bool inside) {
  std::size_t from = skip_blanks(line, 0);
  if (!inside) {
    if (!line.substr(from).starts_with("/*")) return std::nullopt;
    from = skip_blanks(line, from + 2);
  }
  return marker(line, from);
}

std::optional<Marker> python_marker(std::string_view line) {
  if (!line.starts_with('#')) return std::nullopt;
  return marker(line, skip_blanks(line, 1));
}

struct Finder {
  std::vector<std::string_view> lines;
  bool python = false;

  [[nodiscard]] std::string wanted() const {
    return python ? "`# /// kerf` on a line of its own, the plan in `# ` lines, then `# ///`"
                  : "`/* /// kerf` on a line of its own, the plan, then `/// */`";
  }

  // Reads the body that starts on line `first` (from 0); returns the line behind the plan.
  [[nodiscard]] Result<std::size_t> body(std::size_t first, PlanText& plan) const {
    plan.first_line = static_cast<int>(first) + 1;
    for (std::size_t i = first; i < lines.size(); ++i) {
      std::string_view line = lines[i];
      if (line.ends_with('\r')) line.remove_suffix(1);
      int shift = 0;
      if (python) {
        if (!line.starts_with('#')) break;
        shift = line.starts_with("# ") ? 2 : 1;
        line.remove_prefix(static_cast<std::size_t>(shift));
      }
      const std::string_view bare = trimmed(line);
      if (bare.starts_with("///") && bare != opening) {
        const std::string_view rest = trimmed(bare.substr(3));
        if (rest.empty() || (!python && rest.starts_with("*/"))) return i + 1;
      }
      if (!python && line.find("*/") != std::string_view::npos) {
        return refuse("syntax", "`*/` ends the comment before the plan is ended: expected a line `/// */` first",
                      {static_cast<int>(i) + 1, static_cast<int>(line.find("*/")) + 1});
      }
      plan.toml.append(line).push_back('\n');
      plan.shift.push_back(shift);
    }
    return refuse("syntax", fmt::format("the plan is not ended: expected a line `{}`", python ? "# ///" : "/// */"),
                  plan.begin);
  }
};

}  // namespace

Location PlanText::in_candidate(int line, int column) const {
  const std::size_t i = line > 0 ? static_cast<std::size_t>(line) - 1 : 0;
  return {first_line + line - 1, column + (i < shift.size() ? shift[i] : 0)};
}

Result<PlanText> find_plan(std::string_view text, Language language) {
  const bool python = language == Language::triton || language == Language::gluon;
  const Finder finder{.lines = lines_of(text), .python = python};
  std::optional<PlanText> found;
  CommentTracker comments;
  for (std::size_t i = 0; i < finder.lines.size(); ++i) {
    const std::string_view line = finder.lines[i];
    const std::optional<Marker> mark = python ? python_marker(line) : c_marker(line, comments.inside());
    if (mark) {
      const Location at{static_cast<int>(i) + 1, mark->column};
      if (!mark->rest.empty()) {
        return refuse("syntax", fmt::format("found `{}` behind `/// kerf`: expected the end of the line", mark->rest),
                      at);
      }
      if (found) {
        return refuse("second_plan",
                      fmt::format("a second plan: a candidate has one, it starts at line {}", found->begin.line), at);
      }
      PlanText plan;
      plan.begin = at;
      const std::size_t next = TRY(finder.body(i + 1, plan));
      for (; i + 1 < next; ++i) comments.feed(finder.lines[i]);
      found = std::move(plan);
    }
    comments.feed(finder.lines[i]);
  }
  if (!found) return refuse("syntax", "no plan: expected " + finder.wanted(), {1, 1});
  return *std::move(found);
}

// '#' begins a comment outside of strings; layout between values means nothing but at the ends of lines.
std::string normal_plan(std::string_view toml) {
  std::string out;
  for (const std::string_view line : lines_of(toml)) {
    std::string kept;
    for (std::size_t i = 0; i < line.size();) {
      const char c = line[i];
      if (c == '#') break;
      if (c == '"' || c == '\'') {
        const std::size_t end = after_quoted(line, i);
        kept += line.substr(i, end - i);
        i = end;
      } else {
        if (std::isspace(static_cast<unsigned char>(c)) == 0) kept += c;
        ++i;
      }
    }
    if (!kept.empty()) out += kept + "\n";
  }
  return out;
}

}  // namespace kerf
