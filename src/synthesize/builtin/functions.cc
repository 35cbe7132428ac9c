#include "synthesize/builtin/functions.h"

#include <cmath>
#include <limits>
#include <numbers>
#include <optional>
#include <string>
#include <vector>

namespace kerf {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double largest_float = std::numeric_limits<float>::max();
// From here on a square may be more than a float holds, and 1 beside it is nothing.
constexpr double far_out = 1e9;

Lowered product(const Rule& r, const Lowered& a, const Lowered& b) { return r.f(Op::mul, a, b); }

// What is computed of a magnitude gets the sign that the number had.
Lowered signed_like(const Rule& r, const Lowered& magnitude, const Lowered& v) {
  return r.where(r.f(Op::lt, v, 0), r.f(Op::neg, magnitude), magnitude);
}

// e^a / 2 as a product of halves: e^a itself may be more than a float holds.
Lowered half_exp(const Rule& r, const Lowered& a) {
  const Lowered h = r.f(Op::exp, r.f(Op::mul, a, 0.5));
  return product(r, r.f(Op::mul, h, 0.5), h);
}

Lowered sinh_of(const Rule& r, const Lowered& v) {
  // (e^a - e^-a) / 2 with m = e^a - 1: (m + m / (m + 1)) / 2, which cancels nothing near 0.
  const Lowered a = r.f(Op::abs, v), m = r.f(Op::expm1, r.f(Op::minimum, a, 40));
  const Lowered near = r.f(Op::mul, r.f(Op::add, m, r.f(Op::div, m, r.f(Op::add, m, 1))), 0.5);
  return signed_like(r, r.where(r.f(Op::gt, a, 40), half_exp(r, a), near), v);
}

Lowered cosh_of(const Rule& r, const Lowered& v) {
  const Lowered half = half_exp(r, r.f(Op::abs, v));
  return r.f(Op::add, half, r.f(Op::div, 0.25, half));
}

// Cephes' polynomial up to tan(pi / 8); atan(t) = pi/4 + atan((t - 1) / (t + 1)), and pi/2 - atan(1 / t) beyond 1.
Lowered atan_of_magnitude(const Rule& r, const Lowered& t) {
  const Lowered far = r.f(Op::gt, t, 1);
  const Lowered below = r.where(far, r.f(Op::reciprocal, t), t);
  const Lowered middle = r.f(Op::gt, below, 0.4142135623730950);
  const Lowered x = r.where(middle, r.f(Op::div, r.f(Op::sub, below, 1), r.f(Op::add, below, 1)), below);
  const Lowered s = r.f(Op::square, x);
  Lowered p = r.f(Op::add, r.f(Op::mul, s, 8.05374449538e-2), -1.38776856032e-1);
  p = r.f(Op::add, product(r, p, s), 1.99777106478e-1);
  p = r.f(Op::add, product(r, p, s), -3.33329491539e-1);
  const Lowered near = r.f(Op::add, product(r, product(r, p, s), x), x);
  const Lowered angle = r.f(Op::add, near, r.where(middle, r.l.constant(std::numbers::pi / 4), r.l.constant(0)));
  return r.where(far, r.f(Op::sub, std::numbers::pi / 2, angle), angle);
}

Lowered atan_of(const Rule& r, const Lowered& v) { return signed_like(r, atan_of_magnitude(r, r.f(Op::abs, v)), v); }

// atan(x / sqrt(1 - x^2)); the factors of 1 - x^2 are exact near 1.
Lowered asin_of(const Rule& r, const Lowered& v) {
  const Lowered a = r.f(Op::abs, v);
  const Lowered other = r.f(Op::sqrt, product(r, r.f(Op::sub, 1, a), r.f(Op::add, a, 1)));
  return signed_like(r, atan_of_magnitude(r, r.f(Op::div, a, other)), v);
}

Lowered acos_of(const Rule& r, const Lowered& v) {
  const Lowered half = r.f(Op::sqrt, r.f(Op::div, r.f(Op::sub, 1, v), r.f(Op::add, v, 1)));
  return r.f(Op::mul, atan_of_magnitude(r, half), 2);
}

// log(x + sqrt(x^2 + 1)) as log1p(x + x^2 / (1 + sqrt(x^2 + 1))).
Lowered asinh_of(const Rule& r, const Lowered& v) {
  const Lowered a = r.f(Op::abs, v), s = r.f(Op::square, a);
  const Lowered rest = r.f(Op::div, s, r.f(Op::add, r.f(Op::sqrt, r.f(Op::add, s, 1)), 1));
  const Lowered near = r.f(Op::log1p, r.f(Op::add, a, rest)), far = r.f(Op::add, r.f(Op::log, a), std::numbers::ln2);
  return signed_like(r, r.where(r.f(Op::gt, a, far_out), far, near), v);
}

Lowered acosh_of(const Rule& r, const Lowered& v) {
  const Lowered t = r.f(Op::sub, v, 1);
  const Lowered near = r.f(Op::log1p, r.f(Op::add, t, r.f(Op::sqrt, product(r, t, r.f(Op::add, t, 2)))));
  const Lowered far = r.where(r.f(Op::gt, v, far_out), r.f(Op::add, r.f(Op::log, v), std::numbers::ln2), near);
  return r.where(r.f(Op::lt, v, 1), r.l.constant(std::numeric_limits<double>::quiet_NaN()), far);
}

Lowered atanh_of(const Rule& r, const Lowered& v) {
  const Lowered a = r.f(Op::abs, v);
  const Lowered ratio = r.f(Op::div, r.f(Op::mul, a, 2), r.f(Op::sub, 1, a));
  return signed_like(r, r.f(Op::mul, r.f(Op::log1p, ratio), 0.5), v);
}

Lowered trunc_of(const Rule& r, const Lowered& v) {
  return r.where(r.f(Op::lt, v, 0), r.f(Op::ceil, v), r.f(Op::floor, v));
}

// The nearest integer, of two the even one. All steps are exact.
Lowered round_of(const Rule& r, const Lowered& v) {
  const Lowered below = r.f(Op::floor, v), above = r.f(Op::add, below, 1), rest = r.f(Op::sub, v, below);
  const Lowered even = r.f(Op::eq, r.f(Op::mul, r.f(Op::floor, r.f(Op::mul, below, 0.5)), 2), below);
  const Lowered tie = r.where(even, below, above);
  return r.where(r.f(Op::eq, rest, 0.5), tie, r.where(r.f(Op::gt, rest, 0.5), above, below));
}

// A divisor that is a power of two, the same in all workloads: quotients by it are exact, and none is more than a float
// holds.
double power_of_two(const Rule& r) {
  const std::optional<double> by = r.args.fixed(1, "other");
  int exponent = 0;
  if (!by || std::abs(std::frexp(*by, &exponent)) != 0.5 || exponent < 1 || exponent > 20)
    throw CannotLower{"a rounded division by anything but a power of two"};
  return *by;
}

struct Division {
  Lowered quotient, rest;  // a = quotient * b + rest
};

Division rounded_division(const Rule& r, bool down) {
  const Lowered v = r.x();
  const double by = power_of_two(r);
  const Lowered exact = r.f(Op::mul, v, 1 / by);
  const Lowered quotient = down ? r.f(Op::floor, exact) : trunc_of(r, exact);
  const Lowered rest = r.f(Op::sub, v, r.f(Op::mul, quotient, by));
  if (!down) return {quotient, rest};
  // What is left has the divisor's sign; a quotient that is less than any float was 0.
  const Lowered other = r.f(by > 0 ? Op::lt : Op::gt, rest, 0);
  return {r.where(other, r.f(Op::sub, quotient, 1), quotient), r.where(other, r.f(Op::add, rest, by), rest)};
}

Lowered is_negative(const Rule& r, const Lowered& v) {  // -0 has a negative reciprocal
  return r.f(Op::logical_or, r.f(Op::lt, v, 0),
             r.f(Op::logical_and, r.f(Op::eq, v, 0), r.f(Op::lt, r.f(Op::reciprocal, v), 0)));
}

// The angle of a point: of the smaller coordinate over the larger one, put into its eighth of the circle.
Lowered atan2_of(const Rule& r, const Lowered& y, const Lowered& x) {
  const Lowered a = r.f(Op::abs, y), b = r.f(Op::abs, x);
  const Lowered large = r.f(Op::maximum, a, b), small = r.f(Op::minimum, a, b);
  const Lowered same = r.f(Op::eq, a, b);  // also 0 over 0, and infinities
  const Lowered ratio =
      r.where(same, r.where(r.f(Op::eq, a, 0), r.l.constant(0), r.l.constant(1)), r.f(Op::div, small, large));
  Lowered angle = atan_of_magnitude(r, ratio);
  angle = r.where(r.f(Op::gt, a, b), r.f(Op::sub, std::numbers::pi / 2, angle), angle);
  angle = r.where(is_negative(r, x), r.f(Op::sub, std::numbers::pi, angle), angle);
  return r.where(is_negative(r, y), r.f(Op::neg, angle), angle);
}

// Without overflow: the larger one times sqrt(1 + (smaller / larger)^2).
Lowered hypot_of(const Rule& r, const Lowered& x, const Lowered& y) {
  const Lowered a = r.f(Op::abs, x), b = r.f(Op::abs, y);
  const Lowered large = r.f(Op::maximum, a, b), small = r.f(Op::minimum, a, b);
  const Lowered ratio = r.where(r.f(Op::eq, small, large), r.l.constant(1), r.f(Op::div, small, large));
  return r.f(Op::mul, large, r.f(Op::sqrt, r.f(Op::add, r.f(Op::square, ratio), 1)));
}

// sin(pi x) / (pi x); 1 at 0.
Lowered sinc_of(const Rule& r, const Lowered& v) {
  const Lowered angle = r.f(Op::mul, v, std::numbers::pi);
  return r.where(r.f(Op::eq, v, 0), r.l.constant(1), r.f(Op::div, r.f(Op::sin, angle), angle));
}

// 1 - erf(x) within 1, where that cancels little; beyond, Cephes' polynomials in 1 / x^2 times exp(-x^2) / x, the
// square being that of a few bits (exact) and what is left.
Lowered erfc_of(const Rule& r, const Lowered& v) {
  const auto polynomial = [&](const Lowered& x, const std::vector<double>& coefficients) {
    Lowered made = r.l.constant(coefficients.at(0));
    for (std::size_t k = 1; k < coefficients.size(); ++k) made = r.f(Op::add, product(r, made, x), coefficients[k]);
    return made;
  };
  const Lowered a = r.f(Op::minimum, r.f(Op::abs, v), 30);
  const Lowered few = r.f(Op::mul, r.f(Op::floor, r.f(Op::mul, a, 256)), 1.0 / 256);
  const Lowered rest = product(r, r.f(Op::sub, few, a), r.f(Op::add, few, a));
  const Lowered bell = product(r, r.f(Op::exp, r.f(Op::neg, r.f(Op::square, few))), r.f(Op::exp, rest));
  const Lowered inverse = r.f(Op::reciprocal, a), y = r.f(Op::square, inverse);
  const Lowered shape =
      r.where(r.f(Op::lt, a, 2),
              polynomial(y, {2.326819970068386e-2, -1.387039388740657e-1, 3.687424674597105e-1, -5.824733027278666e-1,
                             6.210004621745983e-1, -4.944515323274145e-1, 3.404879937665872e-1, -2.741127028184656e-1,
                             5.638259427386472e-1}),
              polynomial(y, {-1.047766399936249e1, 1.297719955372516e1, -7.495518717768503, 2.921019019210786,
                             -1.015265279202700, 4.218463358204948e-1, -2.820767439740514e-1, 5.641895067754075e-1}));
  const Lowered tail = product(r, product(r, shape, inverse), bell);
  return r.where(r.f(Op::lt, a, 1), r.f(Op::sub, 1, r.f(Op::erf, v)),
                 r.where(r.f(Op::lt, v, 0), r.f(Op::sub, 2, tail), tail));
}

Lowered is_nan(const Rule& r, const Lowered& v) { return r.f(Op::ne, v, v); }

Lowered logit_of(const Rule& r) {
  Lowered v = r.x();
  if (!r.args.none(1, "eps")) {
    const Lowered low = r.args.operand(1, "eps"), high = r.f(Op::sub, 1, low);
    v = r.clamp(v, &low, &high);
  }
  return r.f(Op::log, r.f(Op::div, v, r.f(Op::sub, 1, v)));
}

Lowered without_nan(const Rule& r) {
  const Lowered v = r.x();
  const Lowered high = r.args.number(2, "posinf", largest_float), low = r.args.number(3, "neginf", -largest_float);
  Lowered made = r.where(r.f(Op::eq, v, infinity), high, r.where(r.f(Op::eq, v, -infinity), low, v));
  return r.where(is_nan(r, v), r.args.number(1, "nan", 0), made);
}

Lowered floored(const Rule& r) {
  const Division made = rounded_division(r, true);
  return r.where(is_nan(r, made.rest), made.rest, made.quotient);  // of infinities
}

// Of two numbers; where one is NaN the other one.
Lowered of_two_numbers(const Rule& r, Op op) {
  const Lowered a = r.x(), b = r.args.tensor(1, "other");
  return r.where(is_nan(r, a), b, r.where(is_nan(r, b), a, r.f(op, a, b)));
}

Lowered logaddexp_of(const Rule& r, bool of_two) {
  const Lowered a = r.x(), b = r.args.tensor(1, "other"), top = r.f(Op::maximum, a, b);
  const Lowered apart = r.f(Op::neg, r.f(Op::abs, r.f(Op::sub, a, b)));
  const Lowered more =
      of_two ? r.f(Op::mul, r.f(Op::log1p, r.f(Op::exp, r.f(Op::mul, apart, std::numbers::ln2))), std::numbers::log2e)
             : r.f(Op::log1p, r.f(Op::exp, apart));
  // Equal infinities are apart by nothing that is a number.
  return r.where(r.f(Op::eq, a, b), r.f(Op::add, a, of_two ? 1 : std::numbers::ln2), r.f(Op::add, top, more));
}

Lowered xlogy_of(const Rule& r, Op logarithm) {
  const Lowered a = r.args.operand(0), b = r.args.operand(1);
  const Lowered times = r.where(r.f(Op::eq, a, 0), r.l.constant(0), r.f(Op::mul, a, r.f(logarithm, b)));
  return r.where(is_nan(r, b), b, times);
}

Lowered lerp_of(const Rule& r) {
  const Lowered a = r.x(), b = r.args.tensor(1, "end"), weight = r.args.operand(2, "weight");
  const Lowered apart = r.f(Op::sub, b, a);
  const Lowered from_end = r.f(Op::sub, b, r.f(Op::mul, apart, r.f(Op::sub, 1, weight)));
  return r.where(r.f(Op::lt, r.f(Op::abs, weight), 0.5), r.f(Op::add, a, r.f(Op::mul, weight, apart)), from_end);
}

// -x log x; 0 at 0, and minus infinity below.
Lowered entropy_of(const Rule& r, const Lowered& v) {
  const Lowered inside = r.f(Op::neg, r.f(Op::mul, v, r.f(Op::log, v)));
  const Lowered below = r.where(r.f(Op::lt, v, 0), r.l.constant(-infinity), inside);
  return r.where(r.f(Op::eq, v, 0), r.l.constant(0), below);
}

}  // namespace

void divide_rounded(const Rule& r) {
  const auto* mode = std::get_if<Constant>(&r.args.get(99, "rounding_mode")->is);
  const auto* word = mode ? std::get_if<std::string>(&mode->values[0].is) : nullptr;
  if (!word) throw CannotLower{"a rounded division"};
  r.give(*word == "floor" ? floored(r) : rounded_division(r, false).quotient);
}

void add_functions(std::map<std::string, std::function<void(const Rule&)>>& t) {
  using Of = Lowered (*)(const Rule&, const Lowered&);
  for (const auto& [name, of] : std::initializer_list<std::pair<const char*, Of>>{{"sinh", sinh_of},
                                                                                  {"cosh", cosh_of},
                                                                                  {"asin", asin_of},
                                                                                  {"acos", acos_of},
                                                                                  {"atan", atan_of},
                                                                                  {"asinh", asinh_of},
                                                                                  {"acosh", acosh_of},
                                                                                  {"atanh", atanh_of},
                                                                                  {"trunc", trunc_of},
                                                                                  {"sinc", sinc_of},
                                                                                  {"erfc", erfc_of},
                                                                                  {"isnan", is_nan},
                                                                                  {"special_entr", entropy_of}})
    t[name] = [of = of](const Rule& r) { r.give(of(r, r.x())); };
  t["tan"] = [](const Rule& r) { r.give(r.f(Op::div, r.f(Op::sin, r.x()), r.f(Op::cos, r.x()))); };
  t["frac"] = [](const Rule& r) { r.give(r.f(Op::sub, r.x(), trunc_of(r, r.x()))); };
  t["exp2"] = [](const Rule& r) { r.give(r.f(Op::pow, 2, r.x())); };
  t["log2"] = [](const Rule& r) { r.give(r.f(Op::mul, r.f(Op::log, r.x()), std::numbers::log2e)); };
  t["log10"] = [](const Rule& r) { r.give(r.f(Op::mul, r.f(Op::log, r.x()), std::numbers::log10e)); };
  t["deg2rad"] = [](const Rule& r) { r.give(r.f(Op::mul, r.x(), std::numbers::pi / 180)); };
  t["rad2deg"] = [](const Rule& r) { r.give(r.f(Op::mul, r.x(), 180 / std::numbers::pi)); };
  t["positive"] = [](const Rule& r) { r.give(r.x()); };
  t["isinf"] = [](const Rule& r) { r.give(r.f(Op::eq, r.f(Op::abs, r.x()), infinity)); };
  t["isfinite"] = [](const Rule& r) { r.give(r.f(Op::lt, r.f(Op::abs, r.x()), infinity)); };
  t["fmod"] = [](const Rule& r) { r.give(rounded_division(r, false).rest); };
  t["remainder"] = [](const Rule& r) { r.give(rounded_division(r, true).rest); };
  t["floor_divide"] = [](const Rule& r) { r.give(floored(r)); };
  t["logit"] = [](const Rule& r) { r.give(logit_of(r)); };
  t["nan_to_num"] = [](const Rule& r) { r.give(without_nan(r)); };
  t["fmax"] = [](const Rule& r) { r.give(of_two_numbers(r, Op::maximum)); };
  t["fmin"] = [](const Rule& r) { r.give(of_two_numbers(r, Op::minimum)); };
  t["atan2"] = t["arctan2"] = [](const Rule& r) { r.give(atan2_of(r, r.x(), r.args.tensor(1, "other"))); };
  t["hypot"] = [](const Rule& r) { r.give(hypot_of(r, r.x(), r.args.tensor(1, "other"))); };
  t["heaviside"] = [](const Rule& r) {
    const Lowered v = r.x(), step = r.where(r.f(Op::gt, v, 0), r.l.constant(1), r.l.constant(0));
    r.give(r.where(r.f(Op::eq, v, 0), r.args.tensor(1, "values"), step));
  };
  t["logaddexp"] = [](const Rule& r) { r.give(logaddexp_of(r, false)); };
  t["logaddexp2"] = [](const Rule& r) { r.give(logaddexp_of(r, true)); };
  t["xlogy"] = [](const Rule& r) { r.give(xlogy_of(r, Op::log)); };
  t["special_xlog1py"] = [](const Rule& r) { r.give(xlogy_of(r, Op::log1p)); };
  t["lerp"] = [](const Rule& r) { r.give(lerp_of(r)); };
  t["logical_xor"] = t["bitwise_xor"] = t["__xor__"] = [](const Rule& r) {
    const Lowered a = r.args.tensor(0), b = r.args.tensor(1);
    if (r.l.type(a) != Type::mask || r.l.type(b) != Type::mask)
      throw CannotLower{"logic on numbers is left to the library"};
    r.give(r.f(Op::ne, a, b));
  };
  t["round"] = [](const Rule& r) {
    if (!r.args.none(99, "decimals")) throw CannotLower{"rounding to decimals"};
    r.give(round_of(r, r.x()));
  };
}

}  // namespace kerf
