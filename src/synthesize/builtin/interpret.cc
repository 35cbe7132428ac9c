#include "synthesize/builtin/interpret.h"

#include <fmt/format.h>
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <utility>
#include <vector>

namespace kerf {
namespace {

double pointwise(Op op, const std::vector<double>& a) {
  switch (op) {
    case Op::neg:
      return -a[0];
    case Op::abs:
      return std::abs(a[0]);
    case Op::exp:
      return std::exp(a[0]);
    case Op::log:
      return std::log(a[0]);
    case Op::log1p:
      return std::log1p(a[0]);
    case Op::expm1:
      return std::expm1(a[0]);
    case Op::sqrt:
      return std::sqrt(a[0]);
    case Op::rsqrt:
      return 1 / std::sqrt(a[0]);
    case Op::reciprocal:
      return 1 / a[0];
    case Op::sin:
      return std::sin(a[0]);
    case Op::cos:
      return std::cos(a[0]);
    case Op::tanh:
      return std::tanh(a[0]);
    case Op::sigmoid:
      return 1 / (1 + std::exp(-a[0]));
    case Op::softplus:
      return a[0] > 0 ? a[0] + std::log1p(std::exp(-a[0])) : std::log1p(std::exp(a[0]));
    case Op::erf:
      return std::erf(a[0]);
    case Op::floor:
      return std::floor(a[0]);
    case Op::ceil:
      return std::ceil(a[0]);
    case Op::sign:
      return a[0] > 0 ? 1 : a[0] < 0 ? -1 : a[0];
    case Op::square:
      return a[0] * a[0];
    case Op::relu:
      return a[0] < 0 ? 0 : a[0];
    case Op::to_tf32: {
      if (!std::isfinite(a[0])) return a[0];
      int exponent = 0;
      const double fraction = std::frexp(a[0], &exponent);
      return std::ldexp(std::round(std::ldexp(fraction, 11)), exponent - 11);
    }
    case Op::to_float:
      return a[0];
    case Op::logical_not:
      return a[0] == 0 ? 1 : 0;
    case Op::add:
      return a[0] + a[1];
    case Op::sub:
      return a[0] - a[1];
    case Op::mul:
      return a[0] * a[1];
    case Op::div:
      return a[0] / a[1];
    case Op::pow:
      return std::pow(a[0], a[1]);
    case Op::maximum:
      return a[0] > a[1] || std::isnan(a[0]) ? a[0] : a[1];
    case Op::minimum:
      return a[0] < a[1] || std::isnan(a[0]) ? a[0] : a[1];
    case Op::eq:
      return a[0] == a[1] ? 1 : 0;
    case Op::ne:
      return a[0] != a[1] ? 1 : 0;
    case Op::lt:
      return a[0] < a[1] ? 1 : 0;
    case Op::le:
      return a[0] <= a[1] ? 1 : 0;
    case Op::gt:
      return a[0] > a[1] ? 1 : 0;
    case Op::ge:
      return a[0] >= a[1] ? 1 : 0;
    case Op::logical_and:
      return a[0] != 0 && a[1] != 0 ? 1 : 0;
    case Op::logical_or:
      return a[0] != 0 || a[1] != 0 ? 1 : 0;
    case Op::where:
      return a[0] != 0 ? a[1] : a[2];
  }
  return 0;
}

class Interpreter {
 public:
  Interpreter(const Region& region, Memory& memory, std::size_t workload)
      : r_(region), memory_(memory), w_(workload), at_(region.axes.size(), 0) {}

  void run() {
    for (const RegionStore& store : r_.stores) {
      std::uint64_t axes = 0;
      for (const Subscript& s : store.access.subscripts) axes |= std::uint64_t{1} << s.axis;
      auto& into = memory_[memory_key(store.access.tensor)];
      loop(axes, 0, [&] {
        const std::size_t offset = place(store.access);
        if (into.size() <= offset) into.resize(offset + 1);
        into[offset] = value(store.value);
      });
    }
  }

 private:
  void loop(std::uint64_t axes, std::size_t axis, auto&& body) {
    if (axis == r_.axes.size()) return body();
    if ((axes >> axis & 1U) == 0) return loop(axes, axis + 1, body);
    for (at_[axis] = 0; at_[axis] < r_.axes[axis].extent.values[w_]; ++at_[axis]) loop(axes, axis + 1, body);
    at_[axis] = 0;
  }
  std::size_t place(const Access& access) {
    std::int64_t offset = 0;
    for (const Subscript& s : access.subscripts) offset += at_[static_cast<std::size_t>(s.axis)] * s.stride.values[w_];
    for (const Window& window : access.windows) offset += window.shift.values[w_] * window.stride.values[w_];
    for (const Pick& pick : access.picks)
      offset += static_cast<std::int64_t>(value(pick.index)) * pick.stride.values[w_];
    return static_cast<std::size_t>(offset);
  }
  [[nodiscard]] bool is_outside(const Access& access) const {
    return std::ranges::any_of(access.windows, [&](const Window& window) {
      std::int64_t at = window.shift.values[w_];
      for (const Window::Term& term : window.terms)
        at += at_[static_cast<std::size_t>(term.axis)] * term.step.values[w_];
      return (window.below && at < 0) || (window.above && at >= window.limit.values[w_]);
    });
  }
  double value(int v) {
    const Instruction& i = r_.code[static_cast<std::size_t>(v)];
    switch (i.form) {
      case Instruction::Form::constant:
        return i.constant;
      case Instruction::Form::parameter:
        return i.values.at(w_);
      case Instruction::Form::index:
        return static_cast<double>(at_[static_cast<std::size_t>(std::countr_zero(i.axes))]);
      case Instruction::Form::load:
        if (is_outside(i.access)) return i.access.outside;
        return memory_.at(memory_key(i.access.tensor)).at(place(i.access));
      case Instruction::Form::pointwise: {
        auto& [at, known] = last_.try_emplace(v).first->second;
        if (at == at_ && !at_.empty()) return known;
        std::vector<double> operands;
        for (const int o : i.operands) operands.push_back(value(o));
        at = at_;
        return known = pointwise(i.op, operands);
      }
      case Instruction::Form::scan:
        return scan(v);
      case Instruction::Form::reduce:
        break;
    }
    // A reduction is computed once for each position of the kept axes.
    std::vector<std::int64_t> key = {v};
    for (std::size_t a = 0; a < at_.size(); ++a) key.push_back(i.axes >> a & 1U ? at_[a] : 0);
    if (const auto it = reduced_.find(key); it != reduced_.end()) return it->second;
    constexpr double infinity = std::numeric_limits<double>::infinity();
    double total = i.reduce == ReduceOp::sum    ? 0
                   : i.reduce == ReduceOp::prod ? 1
                   : i.reduce == ReduceOp::max  ? -infinity
                   : i.reduce == ReduceOp::min  ? infinity
                                                : 0;
    double best = i.reduce == ReduceOp::argmax ? -infinity : infinity, position = 0;
    const std::vector<std::int64_t> before = at_;
    loop(r_.code[static_cast<std::size_t>(i.operands[0])].axes & ~i.axes, 0, [&] {
      const double x = value(i.operands[0]);
      switch (i.reduce) {
        case ReduceOp::sum:
          total += x;
          break;
        case ReduceOp::prod:
          total *= x;
          break;
        case ReduceOp::max:
          total = x > total || std::isnan(x) ? x : total;
          break;
        case ReduceOp::argmax:
        case ReduceOp::argmin:
          if ((i.reduce == ReduceOp::argmax ? x > best : x < best) || (std::isnan(x) && !std::isnan(best))) {
            best = x;
            total = position;
          }
          ++position;
          break;
        case ReduceOp::min:
          total = x < total || std::isnan(x) ? x : total;
          break;
      }
    });
    at_ = before;
    return reduced_[key] = total;
  }

  // All of a line at once.
  double scan(int v) {
    const Instruction& i = r_.code[static_cast<std::size_t>(v)];
    const auto axis = static_cast<std::size_t>(std::countr_zero(r_.scanned));
    const auto key = [&] {
      std::vector<std::int64_t> made = {v};
      for (std::size_t a = 0; a < at_.size(); ++a) made.push_back(i.axes >> a & 1U ? at_[a] : 0);
      return made;
    };
    if (const auto it = reduced_.find(key()); it != reduced_.end()) return it->second;
    const std::vector<std::int64_t> here = at_;
    const std::int64_t n = r_.axes[axis].extent.values[w_];
    double so_far = 0;
    for (std::int64_t k = 0; k < n; ++k) {
      at_ = here;
      at_[axis] = i.backward ? n - 1 - k : k;
      const double x = value(i.operands[0]);
      const Op op = i.reduce == ReduceOp::sum    ? Op::add
                    : i.reduce == ReduceOp::prod ? Op::mul
                    : i.reduce == ReduceOp::max  ? Op::maximum
                                                 : Op::minimum;
      so_far = k == 0 ? x : pointwise(op, {x, so_far});
      reduced_[key()] = so_far;
    }
    at_ = here;
    return reduced_.at(key());
  }

  const Region& r_;
  Memory& memory_;
  std::size_t w_;
  std::vector<std::int64_t> at_;
  std::map<std::vector<std::int64_t>, double> reduced_;
  std::map<int, std::pair<std::vector<std::int64_t>, double>> last_;  // of an instruction: where, and what it was
};

}  // namespace

std::string memory_key(const TensorRef& ref) {
  return ref.index == 0 ? ref.name : fmt::format("{}#{}", ref.name, ref.index);
}

void interpret(const Region& region, Memory& memory, std::size_t workload) {
  Interpreter(region, memory, workload).run();
}

}  // namespace kerf
