#include "target/cpu/messages.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace kerf {

namespace {

constexpr std::size_t max_text = 500, max_remarks = 200, max_messages = 20'000, max_facts = 8;

std::optional<int> number(std::string_view& text) {
  int value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc() || value < 1 || read.ptr == text.data() + text.size() || *read.ptr != ':')
    return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()) + 1);
  return value;
}

// Printable, without the compilers' typographic quotes.
std::string plain(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size() && out.size() < max_text; ++i) {
    if (text.substr(i).starts_with("\xe2\x80\x98") || text.substr(i).starts_with("\xe2\x80\x99")) {
      out += '\'';
      i += 2;
    } else {
      const unsigned char c = static_cast<unsigned char>(text[i]);
      out += c < 0x20 || c >= 0x7f ? '?' : static_cast<char>(c);
    }
  }
  return out;
}

std::optional<CompilerMessage> read_message(std::string_view line) {
  static constexpr std::array<std::string_view, 7> severities = {"fatal error", "error",     "warning", "note",
                                                                 "remark",      "optimized", "missed"};
  const std::size_t colon = line.find(':');
  if (colon == line.npos || colon == 0) return std::nullopt;
  CompilerMessage message{.file = std::string(line.substr(0, std::min<std::size_t>(colon, 200)))};
  std::string_view rest = line.substr(colon + 1);
  const auto row = number(rest);
  if (!row) return std::nullopt;
  message.at.line = *row;
  if (const auto column = number(rest)) message.at.column = *column;
  if (!rest.starts_with(' ')) return std::nullopt;
  rest.remove_prefix(1);
  for (const std::string_view severity : severities) {
    if (rest.size() <= severity.size() + 1 || !rest.starts_with(severity) || rest[severity.size()] != ':') continue;
    message.severity = severity;
    rest.remove_prefix(severity.size() + 1);
    while (rest.starts_with(' ')) rest.remove_prefix(1);
    message.text = plain(rest);
    return message;
  }
  return std::nullopt;
}

bool is_error(const CompilerMessage& message) {
  return message.severity == "error" || message.severity == "fatal error";
}
bool of_candidate(const CompilerMessage& message) {
  return message.file == candidate_file || message.file == plan_file;
}

std::string worded(const CompilerMessage& message) {
  std::string text = message.text;
  if (const std::size_t option = text.rfind(" [-"); option != text.npos && text.ends_with(']')) text.erase(option);
  if (text.ends_with("No such file or directory") || text.ends_with("file not found")) {
    text += ": a candidate includes nothing, vector types and functions come with the prelude";
  }
  return text;
}

struct Wording {
  std::string_view found, said;
};
constexpr std::array<Wording, 14> wordings = {{
    {"statement clobbers memory", "it calls something that may write any memory"},
    {"control flow in loop", "it leaves the loop early or branches in a way that masks cannot express"},
    {"number of iterations cannot be computed", "the number of iterations is not known before it starts"},
    {"could not determine number of loop iterations", "the number of iterations is not known before it starts"},
    {"multiple exits", "it leaves the loop in more than one place"},
    {"unsupported use in stmt", "a value is carried from iteration to iteration (a running sum, a recurrence)"},
    {"value that could not be identified as reduction",
     "a value is carried from iteration to iteration (a running sum, a recurrence)"},
    {"unsafe dependent memory operations", "stores may overlap loads: use __restrict__, or separate the loops"},
    {"possible dependence between data-refs", "stores may overlap loads: use __restrict__, or separate the loops"},
    {"cannot identify array bounds", "stores may overlap loads: use __restrict__, or separate the loops"},
    {"cannot prove it is safe to reorder floating-point operations",
     "the order of a floating-point sum must be kept: use several accumulators"},
    {"no vectype for stmt", "a value has no vector type (it is a vector already, or a struct)"},
    {"call instruction cannot be vectorized", "it calls a function that has no vector form: use the prelude's"},
    {"relevant stmt not supported", "an operation has no vector form"},
}};

std::string plain_reason(std::string_view text) {
  for (const Wording& wording : wordings) {
    if (text.find(wording.found) != text.npos) return std::string(wording.said);
  }
  for (const std::string_view prefix : {"not vectorized: ", "loop not vectorized: "}) {
    if (text.starts_with(prefix)) text.remove_prefix(prefix.size());
  }
  if (const std::size_t option = text.find(" [-R"); option != text.npos) text = text.substr(0, option);
  return std::string(text.substr(0, 200));
}

class RemarkReader {
 public:
  std::vector<CompilerRemark> read(const std::vector<CompilerMessage>& messages) {
    for (std::size_t i = 0; i < messages.size(); ++i) {
      const CompilerMessage& message = messages[i];
      if (message.severity == "remark") {
        clang(i + 1 < messages.size() ? moved(message, messages[i + 1]) : message);
      } else if (message.file == candidate_file) {
        if (message.severity == "note") {
          continue;
        } else {
          gnu(message);
        }
      }
      if (remarks_.size() >= max_remarks) break;
    }
    flush();
    return std::move(remarks_);
  }

 private:
  void add(Location at, bool missed, std::string text) {
    const auto same = [&](const CompilerRemark& known) {
      // A reason replaces nothing, a bare "not vectorised" is dropped beside any reason.
      return known.line == at.line && known.missed == missed &&
             (known.text == text || (missed && text == "the loop is not vectorised"));
    };
    if (std::ranges::any_of(remarks_, same)) return;
    remarks_.push_back(
        {.line = at.line, .column = at.column, .missed = missed, .pass = "vectorize", .text = std::move(text)});
  }
  void flush() {
    if (loop_) add(*loop_, true, "the loop is not vectorised");
    loop_.reset();
  }
  // g++ says at the loop that it could not, and in the next line, at the statement, why.
  void gnu(const CompilerMessage& message) {
    const std::string& text = message.text;
    if (message.severity == "optimized" && text.starts_with("loop vectorized")) {
      flush();
      const std::size_t using_ = text.find("using ");
      add(message.at, false,
          "the loop is vectorised" + (using_ == text.npos ? "" : " with " + text.substr(using_ + 6)));
    } else if (message.severity == "optimized" &&
               text.find("versioned for vectorization because of possible aliasing") != text.npos) {
      add(message.at, false, "two versions were made because pointers may overlap: __restrict__ spares the test");
    } else if (message.severity == "missed" && text.starts_with("couldn't vectorize loop")) {
      flush();
      loop_ = message.at;
    } else if (message.severity == "missed" && loop_ && text.starts_with("not vectorized")) {
      add(*loop_, true, "the loop is not vectorised: " + plain_reason(text));
      loop_.reset();
    }
  }
  // Under #line directives clang places a remark at its function and names the true place in the note after it.
  static CompilerMessage moved(CompilerMessage remark, const CompilerMessage& note) {
    static constexpr std::string_view lead = "could not determine the original source location for ";
    std::string_view rest = note.text;
    if (note.severity != "note" || !rest.starts_with(lead)) return remark;
    rest.remove_prefix(lead.size());
    const std::size_t colon = rest.find(':');
    if (colon == rest.npos) return remark;
    remark.file = rest.substr(0, colon);
    const std::string numbers = std::string(rest.substr(colon + 1)) + ":";
    std::string_view left = numbers;
    if (const auto row = number(left)) remark.at = {*row, number(left).value_or(1)};
    return remark;
  }
  void clang(const CompilerMessage& message) {
    if (message.file != candidate_file) return;
    const std::string& text = message.text;
    if (text.starts_with("vectorized loop")) {
      const std::size_t open = text.find('('), close = text.find(')');
      add(message.at, false,
          "the loop is vectorised" +
              (open == text.npos || close < open ? "" : " (" + text.substr(open + 1, close - open)));
    } else if (text.starts_with("loop not vectorized: ")) {
      add(message.at, true, "the loop is not vectorised: " + plain_reason(text));
    } else if (text.starts_with("loop not vectorized")) {
      add(message.at, true, "the loop is not vectorised");
    }
  }

  std::vector<CompilerRemark> remarks_;
  std::optional<Location> loop_;
};

}  // namespace

std::vector<CompilerMessage> read_messages(std::string_view output) {
  std::vector<CompilerMessage> messages;
  while (!output.empty() && messages.size() < max_messages) {
    const std::size_t end = output.find('\n');
    if (auto message = read_message(output.substr(0, end))) messages.push_back(*std::move(message));
    output = end == output.npos ? std::string_view{} : output.substr(end + 1);
  }
  return messages;
}

std::optional<Error> first_error(const std::vector<CompilerMessage>& messages) {
  auto first = std::ranges::find_if(messages, [](const auto& m) { return is_error(m) && of_candidate(m); });
  if (first == messages.end()) first = std::ranges::find_if(messages, is_error);
  if (first == messages.end()) return std::nullopt;
  Error error{.kind = ErrorKind::candidate,
              .message = worded(*first),
              .facts = {{"verdict", "compile_error"}, {"rule", "compile_error"}}};
  if (of_candidate(*first)) error.at = first->at;
  for (const CompilerMessage& message : messages) {
    if (&message == &*first || !is_error(message) || !of_candidate(message) || error.facts.size() >= max_facts + 2)
      continue;
    error.facts.emplace_back(
        "message", std::to_string(message.at.line) + ":" + std::to_string(message.at.column) + ": " + worded(message));
  }
  return error;
}

std::vector<CompilerRemark> read_remarks(const std::vector<CompilerMessage>& messages) {
  return RemarkReader().read(messages);
}

}  // namespace kerf
