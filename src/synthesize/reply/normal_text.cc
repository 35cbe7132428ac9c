#include "synthesize/reply/normal_text.h"

#include <cctype>
#include <string_view>

#include "base/hash.h"
#include "candidate/plan_text.h"
#include "synthesize/reply/lines.h"

namespace kerf {
namespace {

bool word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$'; }

// Copies a literal that begins at text[i] with its quote, and returns the place behind it. An unended one ends with
// its line.
std::size_t copy_quoted(std::string_view text, std::size_t i, std::string& out) {
  const char quote = text[i];
  out += text[i++];
  while (i < text.size() && text[i] != '\n') {
    const char c = text[i];
    out += c;
    ++i;
    if (c == '\\' && i < text.size()) {
      out += text[i++];
    } else if (c == quote) {
      break;
    }
  }
  return i;
}

std::string normal_cpp(std::string_view text) {
  std::string out;
  bool space = false, line_begins = true, directive = false;
  const auto put = [&](char c) {
    // Also between operators: "a - -b" is not "a--b".
    const bool joins =
        !out.empty() && ((word(out.back()) && word(c)) ||
                         (out.back() == c && std::string_view("+-&|<>=:/").find(c) != std::string_view::npos));
    if (space && (joins || directive) && !out.empty() && out.back() != '\n') out += ' ';
    space = false;
    out += c;
  };
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    const std::string_view rest = text.substr(i);
    if (rest.starts_with("/*")) {
      const std::size_t end = rest.find("*/", 2);
      i = end == std::string_view::npos ? text.size() : i + end + 2;
      space = true;
    } else if (rest.starts_with("//")) {
      i += std::min(rest.find('\n'), rest.size());
      space = true;
    } else if (c == '\\' && rest.size() > 1 && rest[1] == '\n') {
      i += 2;
      space = true;
    } else if (c == '\n') {
      if (directive) out += '\n';
      directive = false;
      line_begins = true;
      space = true;
      ++i;
    } else if (std::isspace(static_cast<unsigned char>(c)) != 0) {
      space = true;
      ++i;
    } else if (c == '"' || (c == '\'' && (out.empty() || !word(out.back()) || space))) {  // else a digit separator
      put(c);
      out.pop_back();
      i = copy_quoted(text, i, out);
      line_begins = false;
    } else {
      if (line_begins && c == '#') {
        if (!out.empty() && out.back() != '\n') out += '\n';
        directive = true;
        space = false;
      }
      line_begins = false;
      put(c);
      ++i;
    }
  }
  return out;
}

}  // namespace

std::string normal_text(const Candidate& candidate) {
  if (candidate.language != Language::cpp && candidate.language != Language::cuda) {
    std::string out;
    for (const std::string_view line : split_lines(candidate.text)) {
      const std::string_view kept = without_trailing_space(line);
      if (!kept.empty()) out += std::string(kept) + "\n";
    }
    return out;
  }
  const auto plan = find_plan(candidate.text, candidate.language);
  return (plan ? normal_plan(plan->toml) : std::string()) + "///\n" + normal_cpp(candidate.text);
}

std::string normal_digest(const Candidate& candidate) {
  return Digest().add(to_string(candidate.language)).add(normal_text(candidate)).hex();
}

}  // namespace kerf
