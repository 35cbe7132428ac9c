#include "synthesize/builtin/ir.h"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <set>
#include <string_view>
#include <utility>

#include "base/text.h"

namespace kerf {
namespace {

bool is_literal(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789", text.starts_with('-') ? 1 : 0) == std::string::npos;
}

std::string factor(const std::string& text) {
  return text.find_first_of("+-/%") == std::string::npos ? text : "(" + text + ")";
}

// A sum of terms, each as often as it is added, and a number.
struct Sum {
  std::vector<std::pair<std::string, std::int64_t>> terms;
  std::int64_t number = 0;

  void add(std::string_view text, std::int64_t times) {
    int depth = 0;
    std::size_t begin = 0;
    std::int64_t sign = times;
    char before = '\0';  // the character before this one that is no space
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      depth += c == '(' || c == '[' ? 1 : c == ')' || c == ']' ? -1 : 0;
      const bool stands_between = std::isalnum(static_cast<unsigned char>(before)) != 0 ||
                                  std::string_view("_)]").find(before) != std::string_view::npos;
      if (depth == 0 && stands_between && (c == '+' || c == '-')) {
        add_term(trimmed(text.substr(begin, i - begin)), sign);
        sign = c == '-' ? -times : times;
        begin = i + 1;
      }
      if (c != ' ') before = c;
    }
    add_term(trimmed(text.substr(begin)), sign);
  }

  [[nodiscard]] std::string text() const {
    std::string made;
    for (const bool added : {true, false})
      for (const auto& [term, times] : terms) {
        if (times == 0 || (times > 0) != added) continue;
        const std::int64_t n = times < 0 ? -times : times;
        const std::string each = n == 1 ? term : fmt::format("{} * {}", n, factor(term));
        made += made.empty() ? (added ? each : "0 - " + each) : (added ? " + " : " - ") + each;
      }
    if (made.empty()) return std::to_string(number);
    if (number != 0) made += fmt::format(" {} {}", number < 0 ? '-' : '+', number < 0 ? -number : number);
    return made;
  }

 private:
  // Whether the first bracket is closed by the last character.
  static bool in_one_bracket(std::string_view text) {
    if (!text.starts_with('(') || !text.ends_with(')')) return false;
    int depth = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      depth += text[i] == '(' ? 1 : text[i] == ')' ? -1 : 0;
      if (depth == 0) return i + 1 == text.size();
    }
    return false;
  }
  void add_term(std::string_view term, std::int64_t times) {
    if (in_one_bracket(term)) return add(term.substr(1, term.size() - 2), times);
    std::int64_t value = 0;
    const char* const behind = std::from_chars(term.begin(), term.end(), value).ptr;
    if (behind == term.end()) {
      number += times * value;
      return;
    }
    if (const std::string_view rest(behind, term.end()); behind != term.begin() && rest.starts_with(" * ")) {
      const std::string_view multiplied = rest.substr(3);
      if (in_one_bracket(multiplied) || multiplied.find(' ') == std::string_view::npos)
        return add(multiplied, times * value);
    }
    const auto same = std::ranges::find(terms, term, &std::pair<std::string, std::int64_t>::first);
    if (same != terms.end()) {
      same->second += times;
    } else {
      terms.emplace_back(term, times);
    }
  }
};

// a + b or a - b, in the shorter way of writing it: as it stands, or with brackets opened and equal terms put together.
Extent combined(const Extent& a, const Extent& b, bool sum) {
  Extent made{.text = "", .values = a.values};
  for (std::size_t w = 0; w < made.values.size(); ++w) made.values[w] += sum ? b.values[w] : -b.values[w];
  if (is_literal(a.text) && is_literal(b.text)) {
    made.text = std::to_string(made.values.at(0));
  } else if (b.text == "0") {
    made.text = a.text;
  } else if (sum && a.text == "0") {
    made.text = b.text;
  } else {
    made.text = fmt::format("{} {} {}", a.text, sum ? "+" : "-",
                            b.text.find_first_of("+-") == std::string::npos ? b.text : "(" + b.text + ")");
    Sum opened;
    opened.add(a.text, 1);
    opened.add(b.text, sum ? 1 : -1);
    if (std::string text = opened.text(); text.size() < made.text.size()) made.text = std::move(text);
  }
  return made;
}

constexpr std::array op_names = {"neg",      "abs",         "exp",        "log",  "log1p",  "expm1",   "sqrt",
                                 "rsqrt",    "reciprocal",  "sin",        "cos",  "tanh",   "sigmoid", "softplus",
                                 "erf",      "floor",       "ceil",       "sign", "square", "relu",    "to_tf32",
                                 "to_float", "logical_not", "add",        "sub",  "mul",    "div",     "pow",
                                 "maximum",  "minimum",     "eq",         "ne",   "lt",     "le",      "gt",
                                 "ge",       "logical_and", "logical_or", "where"};

}  // namespace

bool Extent::is(std::int64_t constant) const {
  return std::ranges::all_of(values, [&](std::int64_t v) { return v == constant; });
}

Extent operator*(const Extent& a, const Extent& b) {
  if (a.is(1)) return b;
  if (b.is(1)) return a;
  Extent made{.text = factor(a.text) + " * " + factor(b.text), .values = a.values};
  for (std::size_t w = 0; w < made.values.size(); ++w) made.values[w] *= b.values[w];
  if (is_literal(a.text) && is_literal(b.text)) made.text = std::to_string(made.values.at(0));
  return made;
}

Extent operator+(const Extent& a, const Extent& b) { return combined(a, b, true); }
Extent operator-(const Extent& a, const Extent& b) { return combined(a, b, false); }

Extent literal(std::int64_t value, std::size_t workloads) {
  return {.text = std::to_string(value), .values = std::vector<std::int64_t>(workloads, value)};
}

Extent one(std::size_t workloads) { return literal(1, workloads); }

Dtype dtype_of(Type type) { return type == Type::i64 ? Dtype::i64 : type == Type::mask ? Dtype::boolean : Dtype::f32; }

std::int64_t bytes_of(Type type) { return static_cast<std::int64_t>(size_of(dtype_of(type))); }

const char* to_string(Op op) { return op_names.at(static_cast<std::size_t>(op)); }

int cost(Op op) {
  switch (op) {
    case Op::exp:
    case Op::log:
    case Op::log1p:
    case Op::expm1:
    case Op::sin:
    case Op::cos:
    case Op::tanh:
    case Op::sigmoid:
    case Op::softplus:
    case Op::erf:
    case Op::pow:
      return 12;
    case Op::div:
    case Op::reciprocal:
    case Op::sqrt:
    case Op::rsqrt:
      return 3;
    default:
      return 0;
  }
}

const char* to_string(ReduceOp op) {
  switch (op) {
    case ReduceOp::sum:
      return "sum";
    case ReduceOp::max:
      return "max";
    case ReduceOp::min:
      return "min";
    case ReduceOp::prod:
      return "prod";
    case ReduceOp::argmax:
      return "argmax";
    case ReduceOp::argmin:
      return "argmin";
  }
  return "?";
}

const Subscript* Access::along(int axis) const {
  for (const Subscript& s : subscripts)
    if (s.axis == axis) return &s;
  return nullptr;
}

bool Access::guarded() const { return std::ranges::any_of(windows, &Window::guarded); }

std::uint64_t Access::guards() const {
  std::uint64_t mask = 0;
  for (const Window& window : windows)
    if (window.guarded())
      for (const Window::Term& term : window.terms) mask |= std::uint64_t{1} << term.axis;
  return mask;
}

Extent Region::extent_of(std::uint64_t mask) const {
  Extent made = one(workloads);
  for (std::size_t a = 0; a < axes.size(); ++a)
    if (mask >> a & 1U) made = made * axes[a].extent;
  return made;
}

bool Region::picks_along(const Access& access, std::uint64_t mask) const {
  return std::ranges::any_of(
      access.picks, [&](const Pick& pick) { return (code[static_cast<std::size_t>(pick.index)].axes & mask) != 0; });
}

std::vector<int> Region::reductions(int wave) const {
  std::vector<int> found;
  for (std::size_t i = 0; i < code.size(); ++i)
    if (code[i].form == Instruction::Form::reduce && code[i].wave == wave) found.push_back(static_cast<int>(i));
  return found;
}

std::vector<int> Region::scans() const {
  std::vector<int> found;
  for (std::size_t i = 0; i < code.size(); ++i)
    if (code[i].form == Instruction::Form::scan) found.push_back(static_cast<int>(i));
  return found;
}

bool has_windows(const Region& region) {
  return std::ranges::any_of(region.code, [](const Instruction& i) { return !i.access.windows.empty(); });
}

std::int64_t bytes_moved(const Region& region) {
  std::int64_t bytes = 0;
  std::set<std::pair<std::string, int>> windowed;  // however many windows: once
  const auto count = [&](const Access& access) {
    std::int64_t n = bytes_of(access.type);
    if (!access.windows.empty()) {
      if (windowed.insert({access.tensor.name, access.tensor.index}).second) bytes += n * access.elements.at(0);
      return;
    }
    for (const Subscript& s : access.subscripts) n *= region.axes[static_cast<std::size_t>(s.axis)].extent.values[0];
    bytes += n;
  };
  for (const Instruction& i : region.code)
    if (i.form == Instruction::Form::load) count(i.access);
  for (const RegionStore& store : region.stores) count(store.access);
  return bytes;
}

}  // namespace kerf
