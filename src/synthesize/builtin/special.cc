// Special functions: polynomials that were fitted to them (Chebyshev's points, least squares of relative errors), each
// where what surrounds it is small.
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "synthesize/builtin/functions.h"

namespace kerf {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

// From the highest power down.
Lowered polynomial(const Rule& r, const Lowered& x, const std::vector<double>& coefficients) {
  Lowered made = r.f(Op::mul, x, coefficients.at(0));
  for (std::size_t k = 1; k < coefficients.size(); ++k) {
    made = r.f(Op::add, made, coefficients[k]);
    if (k + 1 < coefficients.size()) made = r.f(Op::mul, made, x);
  }
  return made;
}

// How far a number of magnitude a is from the whole number below it.
Lowered fraction_of(const Rule& r, const Lowered& a) { return r.f(Op::sub, a, r.f(Op::floor, a)); }

// sin(pi f) for f from -1/2 to 1/2, within 2 ulp. Sines of GPUs bring a slow path for large angles along, which keeps
// words of a thread in local memory.
Lowered sine_of_half_turns(const Rule& r, const Lowered& f) {
  return r.f(Op::mul, f,
             polynomial(r, r.f(Op::square, f),
                        {-7.028024145215807e-03, 8.205043110434929e-02, -5.99252288647673e-01, 2.5501633398175234,
                         -5.16771276611638, 3.1415926535608394}));
}

// sin(pi f) for f from 0 to 1, which is 0 at both ends.
Lowered sine_of_fraction(const Rule& r, const Lowered& f) {
  return sine_of_half_turns(r, r.f(Op::minimum, f, r.f(Op::sub, 1, f)));
}

// lgamma(a) for a from 0 on: u Q(u), which is lgamma(2 + u), beside the logarithm of the steps from a to 2 + u;
// Stirling's series from 4.5 on.
Lowered lgamma_of_magnitude(const Rule& r, const Lowered& a) {
  const auto below = [&](double bound) { return r.f(Op::lt, a, bound); };
  const auto pick = [&](const Lowered& to_half, const Lowered& to_1, const Lowered& to_2, const Lowered& to_3,
                        const Lowered& to_4) {
    return r.where(below(0.5), to_half,
                   r.where(below(1.5), to_1, r.where(below(2.5), to_2, r.where(below(3.5), to_3, to_4))));
  };
  const Lowered one = r.l.constant(1), a_1 = r.f(Op::sub, a, 1), a_2 = r.f(Op::sub, a, 2);
  const Lowered is_far = r.f(Op::ge, a, 4.5);
  const Lowered u = r.f(Op::minimum, pick(a, a_1, a_2, r.f(Op::sub, a, 3), r.f(Op::sub, a, 4)), 0.5);
  const Lowered steps = pick(r.f(Op::mul, a, r.f(Op::add, a, 1)), a, one, a_1, r.f(Op::mul, a_1, a_2));
  const Lowered logarithm = r.f(Op::log, r.where(is_far, a, steps));
  const Lowered from_2 =
      r.f(Op::mul, u,
          polynomial(r, u,
                     {-5.5456277944530075e-05, 1.1496915437029669e-04, -2.192004984350645e-04, 5.056767390400238e-04,
                      -1.193420197329223e-03, 2.890952577376278e-03, -7.3855005892856825e-03, 2.058078858191416e-02,
                      -6.73523024581011e-02, 3.2246703367226004e-01, 4.2278433510492125e-01}));
  const Lowered near = r.f(Op::add, from_2, r.where(below(1.5), r.f(Op::neg, logarithm), logarithm));
  const Lowered inverse = r.f(Op::reciprocal, a), square = r.f(Op::square, inverse);
  const Lowered rest =
      r.f(Op::mul, inverse, polynomial(r, square, {1.0 / 1188, -1.0 / 1680, 1.0 / 1260, -1.0 / 360, 1.0 / 12}));
  const Lowered growth = r.f(Op::mul, r.f(Op::sub, a, 0.5), r.f(Op::sub, logarithm, 1));
  const Lowered far = r.f(Op::add, growth, r.f(Op::add, rest, 0.5 * std::log(2 * std::numbers::pi) - 0.5));
  return r.where(is_far, far, near);
}

// Below 0 by reflection: lgamma(-a) = log(pi / sin(pi a)) - log a - lgamma(a); infinite where the sine is 0.
Lowered lgamma_of(const Rule& r, const Lowered& v) {
  const Lowered a = r.f(Op::abs, v), positive = lgamma_of_magnitude(r, a);
  const Lowered sine = sine_of_fraction(r, fraction_of(r, a));
  const Lowered reflected =
      r.f(Op::sub, r.f(Op::log, r.f(Op::div, std::numbers::pi, sine)), r.f(Op::add, r.f(Op::log, a), positive));
  const Lowered finite = r.where(r.f(Op::lt, v, 0), reflected, positive);
  return r.where(r.f(Op::eq, a, infinity), r.l.constant(infinity), finite);
}

// psi(a) = psi(a + 6) - 1/a - ... - 1/(a + 5), and what follows from Stirling's series; below 0 by reflection:
// psi(v) = psi(1 - v) - pi / tan(pi v). No number where that has a pole, and an infinity of the opposite sign at 0.
Lowered digamma_of(const Rule& r, const Lowered& v) {
  const Lowered negative = r.f(Op::lt, v, 0), a = r.where(negative, r.f(Op::sub, 1, v), v);
  const Lowered b = r.f(Op::add, a, 6), inverse = r.f(Op::reciprocal, b), square = r.f(Op::square, inverse);
  Lowered steps = r.f(Op::reciprocal, r.f(Op::add, a, 5));
  for (const double k : {4.0, 3.0, 2.0, 1.0}) steps = r.f(Op::add, steps, r.f(Op::reciprocal, r.f(Op::add, a, k)));
  steps = r.f(Op::add, steps, r.f(Op::reciprocal, a));
  const Lowered series = r.f(Op::add, r.f(Op::mul, inverse, 0.5),
                             r.f(Op::mul, square, polynomial(r, square, {1.0 / 252, -1.0 / 120, 1.0 / 12})));
  const Lowered positive = r.f(Op::sub, r.f(Op::sub, r.f(Op::log, b), series), steps);
  // Of pi |v| beyond the last whole number: tan has the opposite sign for a negative v.
  const Lowered f = fraction_of(r, r.f(Op::abs, v)), sine = sine_of_fraction(r, f);
  const Lowered cosine = sine_of_half_turns(r, r.f(Op::sub, 0.5, f));
  const Lowered reflected = r.f(Op::add, positive, r.f(Op::div, r.f(Op::mul, cosine, std::numbers::pi), sine));
  const Lowered is_pole = r.f(Op::logical_or, r.f(Op::eq, f, 0), r.f(Op::eq, v, -infinity));
  const Lowered below = r.where(is_pole, r.l.constant(not_a_number), reflected);
  return r.where(r.f(Op::eq, v, 0), r.f(Op::neg, r.f(Op::reciprocal, v)), r.where(negative, below, positive));
}

// x times a polynomial in w = -log(1 - x^2), of its root beyond 5. The factors of 1 - x^2 are exact near 1.
Lowered erfinv_of(const Rule& r, const Lowered& v) {
  const Lowered a = r.f(Op::abs, v);
  const Lowered w = r.f(Op::neg, r.f(Op::log, r.f(Op::mul, r.f(Op::sub, 1, a), r.f(Op::add, a, 1))));
  const Lowered near =
      polynomial(r, r.f(Op::sub, w, 2.5),
                 {-8.941414093291168e-09, 2.3264800104042863e-08, 4.68266973723344e-07, -3.463093069394863e-06,
                  -4.973069670068361e-06, 2.1834588677236338e-04, -1.2527252269106128e-03, -4.177388473878858e-03,
                  2.4664027848078526e-01, 1.5014093595818214});
  const Lowered far =
      polynomial(r, r.f(Op::sub, r.f(Op::sqrt, w), 3),
                 {-3.1787171717759226e-05, 1.6354562196566194e-04, -2.7432893887997201e-04, -1.244040018588223e-04,
                  1.4735355344928892e-03, -3.5649503534976187e-03, 5.6880799485751424e-03, -7.6431546642556905e-03,
                  9.445262486159114e-03, 1.0016752554869717, 2.832976802296276});
  const Lowered inside = r.f(Op::mul, v, r.where(r.f(Op::lt, w, 5), near, far));
  return r.where(r.f(Op::eq, a, 1), r.f(Op::mul, v, infinity), inside);
}

}  // namespace

void add_special_functions(std::map<std::string, std::function<void(const Rule&)>>& t) {
  t["lgamma"] = t["special_gammaln"] = [](const Rule& r) { r.give(lgamma_of(r, r.x())); };
  t["digamma"] = t["special_digamma"] = t["special_psi"] = [](const Rule& r) { r.give(digamma_of(r, r.x())); };
  t["erfinv"] = t["special_erfinv"] = [](const Rule& r) { r.give(erfinv_of(r, r.x())); };
}

}  // namespace kerf
