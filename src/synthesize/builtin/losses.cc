#include "synthesize/builtin/losses.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <vector>

#include "synthesize/builtin/places.h"

namespace kerf {
namespace {

int reduction(const Rule& r, std::size_t at) { return r.args.none(at, "reduction") ? 1 : r.args.dim(at, "reduction"); }

void expect_rows(const Rule& r, std::size_t reduction_at) {
  if (reduction(r, reduction_at) != 0) throw CannotLower{"a loss of rows and its mean are two reductions"};
}

std::vector<int> last(const Rule& r, const Lowered& v) {
  if (v.dims.empty()) throw CannotLower{"a distance of numbers"};
  return r.l.axes_of(v, {-1});
}

// The norm of the last dimension, which goes.
Lowered norm(const Rule& r, const Lowered& v, double p) {
  return r.l.remove_dims(r.norm(v, last(r, v), p), {-1}, false);
}

// Losses of elements have weights of their own.
Lowered weighted(const Rule& r, const Lowered& loss, std::size_t at) {
  return r.args.none(at, "weight") ? loss : r.f(Op::mul, loss, r.args.tensor(at, "weight"));
}

// Of the elements of a row the one at its class, by a sum of which all other terms are zeros: no class can lie outside
// of the row.
Lowered at_class(const Rule& r, const Lowered& row, const Lowered& classes, std::size_t dim, int axis) {
  return r.l.reduce(ReduceOp::sum, r.where(is_class(r, classes, dim, axis), row, r.l.constant(0)), {axis});
}

double fixed(const Rule& r, std::size_t at, const char* key, double otherwise) {
  if (r.args.none(at, key)) return otherwise;
  const auto value = r.args.fixed(at, key);
  if (!value) throw CannotLower{"a number that differs between workloads"};
  return *value;
}

}  // namespace

void cosine_similarity(const Rule& r) {
  const Lowered a = r.args.tensor(0, "x1"), b = r.args.tensor(1, "x2");
  const double eps = fixed(r, 3, "eps", 1e-8);
  const Lowered both = r.f(Op::mul, a, b);
  const int dim = r.args.none(2, "dim") ? 1 : r.args.dim(2, "dim");
  if (a.dims.size() != b.dims.size()) throw CannotLower{"this similarity"};
  const auto length = [&](const Lowered& v) {
    return r.f(Op::maximum, r.f(Op::sqrt, r.l.reduce(ReduceOp::sum, r.f(Op::square, v), r.l.axes_of(v, {dim}))), eps);
  };
  const Lowered dot = r.l.reduce(ReduceOp::sum, both, r.l.axes_of(both, {dim}));
  r.give(r.l.remove_dims(r.f(Op::div, dot, r.f(Op::mul, length(a), length(b))), {dim}, false));
}

void distances(const Rule& r) {
  constexpr std::int64_t few = 25;  // rows up to which the library multiplies no matrices
  Lowered a = r.args.tensor(0, "x1"), b = r.args.tensor(1, "x2");
  const double p = fixed(r, 2, "p", 2);
  const std::vector<std::vector<std::int64_t>>& shapes = r.node.results.at(0).shape;
  if (p == 2 && std::ranges::any_of(
                    shapes, [](const auto& shape) { return std::max(shape.back(), shape[shape.size() - 2]) > few; }))
    throw CannotLower{"Euclidean distances of many rows are products of matrices"};
  a.dims.insert(a.dims.end() - 1, std::vector<int>());
  b.dims.insert(b.dims.end() - 2, std::vector<int>());
  r.give(norm(r, r.f(Op::sub, a, b), p));
}

void pairwise_distance(const Rule& r) {
  const Lowered apart =
      r.f(Op::add, r.f(Op::sub, r.args.tensor(0, "x1"), r.args.tensor(1, "x2")), fixed(r, 3, "eps", 1e-6));
  Lowered made = norm(r, apart, fixed(r, 2, "p", 2));
  if (r.args.flag(4, "keepdim", false)) made.dims.emplace_back();
  r.give(made);
}

void hinge_embedding_loss(const Rule& r) {
  const Lowered v = r.x(), target = r.args.tensor(1, "target");
  const Lowered apart = r.f(Op::maximum, r.f(Op::sub, r.args.number(2, "margin", 1), v), 0);
  // A target that is neither counts in both.
  const Lowered zero = r.l.constant(0);
  r.loss(r.f(Op::add, r.where(r.f(Op::ne, target, 1), apart, zero), r.where(r.f(Op::ne, target, -1), v, zero)), 3);
}

void margin_ranking_loss(const Rule& r) {
  const Lowered apart = r.f(Op::mul, r.f(Op::neg, r.args.tensor(2, "target")),
                            r.f(Op::sub, r.args.tensor(0, "input1"), r.args.tensor(1, "input2")));
  r.loss(r.f(Op::maximum, r.f(Op::add, apart, r.args.number(3, "margin", 0)), 0), 4);
}

void poisson_loss(const Rule& r) {  // input, target, log_input, full, eps, reduction
  const Lowered v = r.x(), target = r.args.tensor(1, "target");
  Lowered loss = r.args.flag(2, "log_input", true)
                     ? r.f(Op::sub, r.f(Op::exp, v), r.f(Op::mul, target, v))
                     : r.f(Op::sub, v, r.f(Op::mul, target, r.f(Op::log, r.f(Op::add, v, fixed(r, 4, "eps", 1e-8)))));
  if (r.args.flag(3, "full", false)) {  // Stirling's formula for the logarithm of a factorial, from 2 on
    const Lowered growth = r.f(Op::sub, r.f(Op::mul, target, r.f(Op::log, target)), target);
    const Lowered width = r.f(Op::mul, r.f(Op::log, r.f(Op::mul, target, 2 * std::numbers::pi)), 0.5);
    loss = r.f(Op::add, loss, r.where(r.f(Op::le, target, 1), r.l.constant(0), r.f(Op::add, growth, width)));
  }
  r.loss(loss, 5);
}

void cross_entropy(const Rule& r) {  // input, target, weight, reduction
  const Lowered v = r.x(), target = r.args.tensor(1, "target");
  const Lowered yes = r.f(Op::maximum, r.f(Op::log, v), -100);
  const Lowered no = r.f(Op::maximum, r.f(Op::log1p, r.f(Op::neg, v)), -100);
  const Lowered loss = r.f(Op::sub, r.f(Op::mul, r.f(Op::sub, target, 1), no), r.f(Op::mul, target, yes));
  r.loss(weighted(r, loss, 2), 3);
}

void cross_entropy_of_logits(const Rule& r) {  // input, target, weight, pos_weight, reduction
  const Lowered v = r.x(), target = r.args.tensor(1, "target");
  const Lowered rest = r.f(Op::softplus, r.f(Op::neg, r.f(Op::abs, v)));
  Lowered loss;
  if (r.args.none(3, "pos_weight")) {
    // max(v, 0) - t v + log(1 + exp(-|v|)): no term cancels another for targets of 0 and 1.
    loss = r.f(Op::add, r.f(Op::sub, r.f(Op::relu, v), r.f(Op::mul, target, v)), rest);
  } else {
    const Lowered of_yes = r.f(Op::sub, r.args.tensor(3, "pos_weight"), 1);
    const Lowered factor = r.f(Op::add, r.f(Op::mul, of_yes, target), 1);
    const Lowered no = r.f(Op::mul, r.f(Op::sub, 1, target), v);
    loss = r.f(Op::add, no, r.f(Op::mul, factor, r.f(Op::add, rest, r.f(Op::relu, r.f(Op::neg, v)))));
  }
  r.loss(weighted(r, loss, 2), 4);
}

void margin_loss(const Rule& r) {  // input, target, p, margin, weight, reduction
  expect_rows(r, 5);
  const Lowered v = r.x(), target = r.args.tensor(1, "target");
  const double p = fixed(r, 2, "p", 1);
  if (v.dims.size() != 2 || v.dims[1].size() != 1 || target.dims.size() != 1 || (p != 1 && p != 2))
    throw CannotLower{"this loss of classes"};
  const int axis = v.dims[1][0];
  const Lowered own = at_class(r, v, target, 1, axis);
  const Lowered apart = r.f(Op::add, r.f(Op::sub, r.args.number(3, "margin", 1), own), v);
  // What is no number counts as little as what is far enough.
  const Lowered loss = r.where(r.f(Op::gt, apart, 0), p == 2 ? r.f(Op::square, apart) : apart, r.l.constant(0));
  const Lowered others = r.where(is_class(r, target, 1, axis), r.l.constant(0), loss);
  Lowered made = r.l.mean(others, {axis});
  if (!r.args.none(4, "weight"))
    made = r.f(Op::mul, made, at_class(r, Rule::along(r.args.tensor(4, "weight"), 1, 2), target, 1, axis));
  r.give(r.l.remove_dims(made, {1}, false));
}

void class_loss(const Rule& r, bool of_logits) {  // input, target, weight, reduction, ignore_index, label_smoothing
  expect_rows(r, 3);
  const Lowered v = r.x(), target = r.args.tensor(1, "target");
  const double ignored = fixed(r, 4, "ignore_index", -100);
  const double smoothing = of_logits ? fixed(r, 5, "label_smoothing", 0) : 0;
  const std::size_t rank = v.dims.size();
  const bool shares = of_logits && target.dims.size() == rank;  // of every class in a row, not a row's class
  if (rank < 2 || v.dims[1].size() != 1 || (!shares && target.dims.size() + 1 != rank) ||
      (shares && r.l.type(target) != Type::f32))
    throw CannotLower{"this loss of classes"};
  const std::vector<int> axes = v.dims[1];
  const auto sum = [&](const Lowered& row) { return r.l.reduce(ReduceOp::sum, row, axes); };
  const auto of_class = [&](const Lowered& row) { return at_class(r, row, target, 1, axes[0]); };
  const bool has_weights = !r.args.none(2, "weight");
  const Lowered weight = has_weights ? Rule::along(r.args.tensor(2, "weight"), 1, rank) : r.l.constant(1);
  const auto share_of_each = [&] { return r.f(Op::div, smoothing, r.l.number(r.l.extent(axes[0]))); };
  Lowered loss;
  if (!of_logits) {
    loss = r.f(Op::neg, of_class(v));
    if (has_weights) loss = r.f(Op::mul, of_class(weight), loss);
  } else {
    const Lowered shifted = r.f(Op::sub, v, r.l.reduce(ReduceOp::max, v, axes));
    const Lowered total = sum(r.f(Op::exp, shifted));
    if (shares) {
      Lowered share = target;
      if (smoothing != 0) share = r.f(Op::add, r.f(Op::mul, share, 1 - smoothing), share_of_each());
      if (has_weights) share = r.f(Op::mul, share, weight);
      const Lowered below = sum(r.f(Op::mul, share, shifted));
      // Neither term is negative where no share is.
      loss = r.f(Op::sub, r.f(Op::mul, r.f(Op::log, total), sum(share)), below);
    } else if (has_weights) {
      const Lowered logarithm = r.f(Op::log, total);
      loss = r.f(Op::mul, of_class(weight), r.f(Op::sub, logarithm, of_class(shifted)));
      if (smoothing != 0) {
        const Lowered all = sum(r.f(Op::mul, r.f(Op::sub, logarithm, shifted), weight));
        loss = r.f(Op::add, r.f(Op::mul, loss, 1 - smoothing), r.f(Op::mul, all, share_of_each()));
      }
    } else {
      Lowered below = of_class(shifted);
      if (smoothing != 0)
        below = r.f(Op::add, r.f(Op::mul, below, 1 - smoothing), r.f(Op::mul, r.l.mean(shifted, axes), smoothing));
      loss = r.f(Op::sub, r.f(Op::log, total), below);
    }
  }
  loss = r.l.remove_dims(loss, {1}, false);
  r.give(shares ? loss : r.where(r.f(Op::eq, target, ignored), r.l.constant(0), loss));
}

void triplet_loss(const Rule& r) {  // anchor, positive, negative, margin, p, eps, swap, reduction
  expect_rows(r, 7);
  const Lowered anchor = r.args.tensor(0, "anchor"), positive = r.args.tensor(1, "positive"),
                negative = r.args.tensor(2, "negative");
  const double p = fixed(r, 4, "p", 2), eps = fixed(r, 5, "eps", 1e-6);
  const auto distance = [&](const Lowered& a, const Lowered& b) {
    return norm(r, r.f(Op::add, r.f(Op::sub, a, b), eps), p);
  };
  const Lowered near = distance(anchor, positive);
  Lowered far = distance(anchor, negative);
  if (r.args.flag(6, "swap", false)) far = r.f(Op::minimum, far, distance(positive, negative));
  r.give(r.f(Op::maximum, r.f(Op::add, r.f(Op::sub, near, far), r.args.number(3, "margin", 1)), 0));
}

void cosine_embedding_loss(const Rule& r) {  // input1, input2, target, margin, reduction
  expect_rows(r, 4);
  const Lowered a = r.args.tensor(0, "input1"), b = r.args.tensor(1, "input2"), target = r.args.tensor(2, "target");
  constexpr double epsilon = 1e-12;
  const auto total = [&](const Lowered& v) {
    return r.l.remove_dims(r.l.reduce(ReduceOp::sum, v, last(r, v)), {-1}, false);
  };
  const auto square = [&](const Lowered& v) { return r.f(Op::add, total(r.f(Op::square, v)), epsilon); };
  const Lowered cosine = r.f(Op::div, total(r.f(Op::mul, a, b)), r.f(Op::sqrt, r.f(Op::mul, square(a), square(b))));
  const Lowered zero = r.l.constant(0);
  const Lowered apart = r.f(Op::maximum, r.f(Op::sub, cosine, r.args.number(3, "margin", 0)), 0);
  r.give(r.f(Op::add, r.where(r.f(Op::eq, target, 1), r.f(Op::sub, 1, cosine), zero),
             r.where(r.f(Op::eq, target, -1), apart, zero)));
}

}  // namespace kerf
