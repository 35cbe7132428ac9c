#include "candidate/arithmetic.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <optional>

namespace kerf {
namespace {

using Integer = std::int64_t;

std::unexpected<std::string> no(std::string why) { return std::unexpected(std::move(why)); }

// Bools count as 0 and 1, as in Python.
std::optional<Integer> integer(const Value& value) {
  if (const auto* i = std::get_if<Integer>(&value.is)) return *i;
  if (const auto* b = std::get_if<bool>(&value.is)) return *b ? 1 : 0;
  return std::nullopt;
}

std::optional<double> number(const Value& value) {
  if (const auto* d = std::get_if<double>(&value.is)) return *d;
  if (const auto i = integer(value)) return static_cast<double>(*i);
  return std::nullopt;
}

std::unexpected<std::string> overflow(Operator op, Integer a, Integer b) {
  return no(fmt::format("64-bit overflow: {} {} {} does not fit an integer of 64 bits", a, to_string(op), b));
}

Integer floor_quotient(Integer a, Integer b) {
  const Integer q = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
}

Integer floor_remainder(Integer a, Integer b) {
  if (b == -1) return 0;  // the machine's remainder of the smallest integer traps
  const Integer r = a % b;
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

Computed integer_power(Integer a, Integer b) {
  if (b < 0) {
    if (a == 0) return no("division by zero: 0 to a negative power");
    return Value{std::pow(static_cast<double>(a), static_cast<double>(b))};
  }
  Integer result = 1, base = a;
  for (Integer e = b; e > 0;) {
    if ((e & 1) != 0 && __builtin_mul_overflow(result, base, &result)) return overflow(Operator::power, a, b);
    e >>= 1;
    if (e > 0 && __builtin_mul_overflow(base, base, &base)) return overflow(Operator::power, a, b);
  }
  return Value{result};
}

Computed on_integers(Operator op, Integer a, Integer b) {
  Integer r = 0;
  switch (op) {
    case Operator::add:
      if (__builtin_add_overflow(a, b, &r)) return overflow(op, a, b);
      return Value{r};
    case Operator::subtract:
      if (__builtin_sub_overflow(a, b, &r)) return overflow(op, a, b);
      return Value{r};
    case Operator::multiply:
      if (__builtin_mul_overflow(a, b, &r)) return overflow(op, a, b);
      return Value{r};
    case Operator::divide:
      if (b == 0) return no(fmt::format("division by zero: {} / 0", a));
      return Value{static_cast<double>(static_cast<long double>(a) / static_cast<long double>(b))};
    case Operator::floor_divide:
      if (b == 0) return no(fmt::format("division by zero: {} // 0", a));
      if (a == std::numeric_limits<Integer>::min() && b == -1) return overflow(op, a, b);
      return Value{floor_quotient(a, b)};
    case Operator::modulo:
      if (b == 0) return no(fmt::format("division by zero: {} % 0", a));
      return Value{floor_remainder(a, b)};
    default:
      return integer_power(a, b);
  }
}

// CPython's float_divmod.
double float_modulo(double a, double b) {
  double m = std::fmod(a, b);
  if (m == 0) return std::copysign(0.0, b);
  return (b < 0) != (m < 0) ? m + b : m;
}

double float_floor_divide(double a, double b) {
  const double m = std::fmod(a, b);
  double quotient = (a - m) / b;
  if (m != 0 && (b < 0) != (m < 0)) quotient -= 1.0;
  if (quotient == 0) return std::copysign(0.0, a / b);
  const double floored = std::floor(quotient);
  return quotient - floored > 0.5 ? floored + 1.0 : floored;
}

Computed on_floats(Operator op, double a, double b) {
  switch (op) {
    case Operator::add:
      return Value{a + b};
    case Operator::subtract:
      return Value{a - b};
    case Operator::multiply:
      return Value{a * b};
    case Operator::divide:
    case Operator::floor_divide:
    case Operator::modulo:
      if (b == 0)
        return no(fmt::format("division by zero: {} {} {}", to_string(Value{a}), to_string(op), to_string(Value{b})));
      if (op == Operator::divide) return Value{a / b};
      return Value{op == Operator::modulo ? float_modulo(a, b) : float_floor_divide(a, b)};
    default:
      break;
  }
  if (a == 0 && b < 0) return no("division by zero: 0.0 to a negative power");
  if (std::isfinite(a) && a < 0 && std::isfinite(b) && b != std::floor(b)) {
    return no(fmt::format("{} ** {} is not a real number", to_string(Value{a}), to_string(Value{b})));
  }
  const double r = std::pow(a, b);
  if (std::isinf(r) && std::isfinite(a) && std::isfinite(b)) {
    return no(fmt::format("overflow: {} ** {} does not fit a float", to_string(Value{a}), to_string(Value{b})));
  }
  return Value{r};
}

// -1, 0, 1; 2 for unordered (NaN); nullopt where Python would raise.
std::optional<int> compare(const Value& a, const Value& b) {
  const auto i = integer(a), j = integer(b);
  if (i && j) return *i < *j ? -1 : *i > *j ? 1 : 0;
  const auto x = number(a), y = number(b);
  if (x && y) {
    // Exact, as Python compares: a 64-bit integer fits the significand of long double.
    const long double p = i ? static_cast<long double>(*i) : static_cast<long double>(*x);
    const long double q = j ? static_cast<long double>(*j) : static_cast<long double>(*y);
    if (std::isnan(p) || std::isnan(q)) return 2;
    return p < q ? -1 : p > q ? 1 : 0;
  }
  const auto *s = std::get_if<std::string>(&a.is), *t = std::get_if<std::string>(&b.is);
  if (s && t) return s->compare(*t) < 0 ? -1 : s->compare(*t) > 0 ? 1 : 0;
  return std::nullopt;
}

bool equal_values(const Value& a, const Value& b) {
  const auto *p = std::get_if<ValueList>(&a.is), *q = std::get_if<ValueList>(&b.is);
  if (p && q) {
    if (p->size() != q->size()) return false;
    for (std::size_t i = 0; i < p->size(); ++i) {
      if (!equal_values((*p)[i], (*q)[i])) return false;
    }
    return true;
  }
  if (std::holds_alternative<std::monostate>(a.is)) return std::holds_alternative<std::monostate>(b.is);
  return compare(a, b) == 0;
}

Computed ordered(Operator op, const Value& a, const Value& b) {
  if (op == Operator::equal) return Value{equal_values(a, b)};
  if (op == Operator::not_equal) return Value{!equal_values(a, b)};
  const auto order = compare(a, b);
  if (!order) return no(fmt::format("{} {} {} is not ordered", kind_of(a), to_string(op), kind_of(b)));
  if (*order == 2) return Value{false};
  switch (op) {
    case Operator::less:
      return Value{*order < 0};
    case Operator::less_equal:
      return Value{*order <= 0};
    case Operator::greater:
      return Value{*order > 0};
    default:
      return Value{*order >= 0};
  }
}

Computed extreme(std::string_view name, const std::vector<Value>& arguments) {
  const std::vector<Value>* among = &arguments;
  if (arguments.size() == 1) {
    const auto* list = std::get_if<ValueList>(&arguments.front().is);
    if (!list)
      return no(fmt::format("{} of {}: expected two arguments or more, or a list", name, kind_of(arguments.front())));
    among = list;
  }
  if (among->empty()) return no(fmt::format("{} of nothing", name));
  const Operator better = name == "min" ? Operator::less : Operator::greater;
  const Value* best = &among->front();
  for (const Value& each : *among) {
    auto wins = ordered(better, each, *best);
    if (!wins) return no(fmt::format("{} of {} and {}", name, kind_of(*best), kind_of(each)));
    if (truth(*wins)) best = &each;
  }
  return *best;
}

}  // namespace

std::string_view to_string(Operator op) {
  static constexpr std::array<std::string_view, 13> text = {"+", "-",  "*", "/",  "//", "%", "**",
                                                            "<", "<=", ">", ">=", "==", "!="};
  return text.at(static_cast<std::size_t>(op));
}

std::string_view kind_of(const Value& value) {
  static constexpr std::array<std::string_view, 6> text = {"none",    "a bool",   "an integer",
                                                           "a float", "a string", "a list"};
  return text.at(value.is.index());
}

bool is_integer(const Value& value) { return std::holds_alternative<Integer>(value.is); }

bool truth(const Value& value) {
  struct Truth {
    bool operator()(std::monostate) const { return false; }
    bool operator()(bool b) const { return b; }
    bool operator()(Integer i) const { return i != 0; }
    bool operator()(double d) const { return d != 0; }
    bool operator()(const std::string& s) const { return !s.empty(); }
    bool operator()(const ValueList& list) const { return !list.empty(); }
  };
  return std::visit(Truth{}, value.is);
}

Computed apply(Operator op, const Value& a, const Value& b) {
  if (op >= Operator::less) return ordered(op, a, b);
  const auto i = integer(a), j = integer(b);
  if (i && j) return on_integers(op, *i, *j);
  const auto x = number(a), y = number(b);
  if (x && y) return on_floats(op, *x, *y);
  return no(fmt::format("{} {} {}: expected numbers", kind_of(a), to_string(op), kind_of(b)));
}

Computed negate(const Value& a) {
  if (const auto i = integer(a)) {
    if (*i == std::numeric_limits<Integer>::min()) return no(fmt::format("64-bit overflow: -({})", *i));
    return Value{-*i};
  }
  if (const auto* d = std::get_if<double>(&a.is)) return Value{-*d};
  return no(fmt::format("- before {}: expected a number", kind_of(a)));
}

Computed identity(const Value& a) {
  if (const auto i = integer(a)) return Value{*i};
  if (std::holds_alternative<double>(a.is)) return a;
  return no(fmt::format("+ before {}: expected a number", kind_of(a)));
}

Computed call_function(std::string_view name, const std::vector<Value>& arguments) {
  const auto count = [&](std::size_t n) {
    return fmt::format("{} takes {} argument{}, found {}", name, n, n == 1 ? "" : "s", arguments.size());
  };
  if (name == "min" || name == "max") {
    if (arguments.empty()) return no(fmt::format("{} of nothing", name));
    return extreme(name, arguments);
  }
  if (name == "abs") {
    if (arguments.size() != 1) return no(count(1));
    const Value& a = arguments.front();
    if (const auto* d = std::get_if<double>(&a.is)) return Value{std::fabs(*d)};
    const auto i = integer(a);
    if (!i) return no(fmt::format("abs of {}: expected a number", kind_of(a)));
    return *i < 0 ? negate(Value{*i}) : Computed(Value{*i});
  }
  const std::size_t wanted = name == "cdiv" ? 2 : 1;
  if (arguments.size() != wanted) return no(count(wanted));
  std::array<Integer, 2> values{};
  for (std::size_t i = 0; i < wanted; ++i) {
    const auto value = integer(arguments[i]);
    if (!value) return no(fmt::format("{} of {}: expected an integer", name, kind_of(arguments[i])));
    values.at(i) = *value;
  }
  const auto [a, b] = values;
  if (name == "cdiv") {
    if (b == 0) return no(fmt::format("division by zero: cdiv({}, 0)", a));
    if (a == std::numeric_limits<Integer>::min() && b == -1) return no("64-bit overflow in cdiv");
    const Integer q = floor_quotient(a, b);
    return Value{floor_remainder(a, b) == 0 ? q : q + 1};
  }
  if (a > (Integer{1} << 62)) return no(fmt::format("64-bit overflow: next_pow2({})", a));
  return Value{a <= 1 ? Integer{1} : static_cast<Integer>(std::bit_ceil(static_cast<std::uint64_t>(a)))};
}

Computed item(const Value& list, const Value& index) {
  const auto* items = std::get_if<ValueList>(&list.is);
  if (!items) return no(fmt::format("{} has no items: expected a list before [", kind_of(list)));
  const auto i = integer(index);
  if (!i) return no(fmt::format("{} as an index: expected an integer", kind_of(index)));
  const auto size = static_cast<Integer>(items->size());
  if (*i < -size || *i >= size) return no(fmt::format("index {} of a list of {}", *i, size));
  return (*items)[static_cast<std::size_t>(*i < 0 ? *i + size : *i)];
}

}  // namespace kerf
