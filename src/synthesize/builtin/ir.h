// The loop-level intermediate representation, neutral to languages. A Region says what a fused group of operators
// computes: scalar expressions over a common set of axes, some of them reduced. A Schedule (schedule.h) says how;
// emitters turn the two into source.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "problem/graph.h"

namespace kerf {

// A size as a plan expression and its value in every workload.
struct Extent {
  std::string text;
  std::vector<std::int64_t> values;
  [[nodiscard]] bool is(std::int64_t constant) const;  // in every workload
};
[[nodiscard]] Extent operator*(const Extent& a, const Extent& b);
[[nodiscard]] Extent operator+(const Extent& a, const Extent& b);
[[nodiscard]] Extent operator-(const Extent& a, const Extent& b);
[[nodiscard]] Extent literal(std::int64_t value, std::size_t workloads);
[[nodiscard]] Extent one(std::size_t workloads);

struct Axis {
  std::string name;  // for loop variables
  Extent extent;
};

enum class Type : std::uint8_t { f32, mask, i64 };
[[nodiscard]] Dtype dtype_of(Type type);  // of tensors that hold such elements
[[nodiscard]] std::int64_t bytes_of(Type type);

// Pointwise operations, in ATen's meaning (NaN propagates through maximum, minimum, relu and clamps).
enum class Op : std::uint8_t {
  neg,
  abs,
  exp,
  log,
  log1p,
  expm1,
  sqrt,
  rsqrt,
  reciprocal,
  sin,
  cos,
  tanh,
  sigmoid,
  softplus,  // log(1 + exp(x))
  erf,
  floor,
  ceil,
  sign,
  square,
  relu,
  to_tf32,  // the nearest number with 10 bits behind the first, the larger one of two
  to_float,
  logical_not,
  add,
  sub,
  mul,
  div,
  pow,
  maximum,
  minimum,
  eq,
  ne,
  lt,
  le,
  gt,
  ge,
  logical_and,
  logical_or,
  where,
};
// argmax and argmin are positions along the reduced axis, of the first such element; NaN is beyond every number.
enum class ReduceOp : std::uint8_t { sum, max, min, prod, argmax, argmin };
[[nodiscard]] constexpr bool is_position(ReduceOp op) { return op == ReduceOp::argmax || op == ReduceOp::argmin; }

[[nodiscard]] const char* to_string(Op op);
// Roughly, in vector operations beyond the few that a pass over a cached row hides.
[[nodiscard]] int cost(Op op);
[[nodiscard]] const char* to_string(ReduceOp op);

// One subscript of a tensor: the element offset grows by `stride` with each step of `axis`.
struct Subscript {
  int axis = 0;
  Extent stride;
};

// Where an access moves over one dimension of a tensor in steps of its own, as the windows of a pooling do: the index
// is `shift` plus the sum of all positions times steps. `below` and `above` say whether it can leave [0, limit).
struct Window {
  struct Term {
    int axis = 0;
    Extent step;
  };
  std::vector<Term> terms;
  Extent shift;   // may be negative
  Extent limit;   // of the dimension
  Extent stride;  // elements between neighbours
  bool below = false, above = false;
  [[nodiscard]] bool guarded() const { return below || above; }
};

// Along a dimension of its tensor an access is where another instruction says: a whole number, i64, or f32 that is one.
struct Pick {
  int index = 0;  // the instruction
  Extent limit;   // of the dimension
  Extent stride;  // elements between neighbours
};

// A tensor read or written. `picks` stand for subscripts: gathers.
struct Access {
  TensorRef tensor;
  Type type = Type::f32;
  std::vector<Subscript> subscripts;
  std::vector<Pick> picks = {};
  bool contiguous = true;            // otherwise strides come from the tensor and must be among a launch's arguments
  bool aligned = true;               // its first element lies where 16 bytes can be loaded at once
  std::vector<Window> windows = {};  // the subscripts have their steps already, but not their shifts
  double outside = 0;                // what is read where a window's index is outside
  std::vector<std::int64_t> elements = {};  // of the whole tensor by workload, where there are windows
  [[nodiscard]] const Subscript* along(int axis) const;
  [[nodiscard]] bool guarded() const;
  [[nodiscard]] std::uint64_t guards() const;  // axes that say whether an index is outside
};

struct Instruction {
  // index: the position along the only axis of `axes`, as f32. scan: what `reduce` makes of all elements up to this
  // one, along the region's scanned axis.
  enum class Form : std::uint8_t { load, constant, parameter, index, pointwise, reduce, scan };
  Form form = Form::constant;
  Type type = Type::f32;
  std::string name = {};  // of the graph's node, an identifier
  Op op = Op::add;        // pointwise
  ReduceOp reduce = ReduceOp::sum;
  std::vector<int> operands = {};
  double constant = 0;
  std::string text = {};            // parameter: a plan expression, a float
  Access access = {};               // load
  std::uint64_t axes = 0;           // bit a: the value changes along axis a
  int wave = 0;                     // reductions that must be finished before: 0 none, 1 the first pass …
  std::vector<double> values = {};  // parameter: per workload
  // A sum of products whose factors may be rounded to TF32 (10 bits behind the first), as PyTorch does by default on
  // GPUs in plain convolutions (one group, no dilation), never in products of matrices. Elsewhere nothing is rounded.
  bool coarse = false;
  bool rounded = false;   // coarse, and both factors are such numbers already
  bool backward = false;  // scan: from the last element on
};

struct RegionStore {
  int value = 0;
  Access access;
  std::vector<Extent> shape = {};  // of the tensor, by dimension: what scratch must be declared with
};

// A plan expression that must be true, and whether it is in every workload.
struct Requirement {
  std::string text;
  std::vector<bool> holds;  // by workload
};

// Axes are in memory order of the largest tensor, the innermost last. All reductions are over the same axes, `reduced`;
// of an attention (attention.h) it is all that some are over.
// All scans are along one axis, `scanned`, in one direction, and stand in regions without reductions.
struct Region {
  std::string name;
  std::vector<Axis> axes;
  std::vector<Instruction> code;  // operands before their uses
  std::vector<RegionStore> stores;
  std::uint64_t reduced = 0;
  std::uint64_t scanned = 0;
  int waves = 0;  // number of passes that reduce
  std::size_t workloads = 1;
  std::vector<Requirement> requirements = {};  // what its instructions rely on
  [[nodiscard]] bool is_reduced(int axis) const { return (reduced >> axis & 1U) != 0; }
  [[nodiscard]] Extent extent_of(std::uint64_t axes_mask) const;
  // Whether an index of the access changes along one of the axes.
  [[nodiscard]] bool picks_along(const Access& access, std::uint64_t axes_mask) const;
  // Reductions of a wave (counted from 1), in order.
  [[nodiscard]] std::vector<int> reductions(int wave) const;
  [[nodiscard]] std::vector<int> scans() const;  // in order
};

[[nodiscard]] bool has_windows(const Region& region);
// Bytes of all loads and stores of the primary workload.
[[nodiscard]] std::int64_t bytes_moved(const Region& region);

}  // namespace kerf
