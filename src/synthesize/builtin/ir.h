// The loop-level intermediate representation, neutral to languages. A Region says what a fused group of operators
// computes: scalar expressions over a common set of axes, some of them reduced. A Schedule says how: which loops run in
// parallel, what is tiled, how often memory is passed over. Emitters turn the two into source.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
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
[[nodiscard]] Extent one(std::size_t workloads);

struct Axis {
  std::string name;  // for loop variables
  Extent extent;
};

enum class Type : std::uint8_t { f32, mask, i64 };

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
  erf,
  floor,
  ceil,
  sign,
  square,
  relu,
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
enum class ReduceOp : std::uint8_t { sum, max, min, prod };

[[nodiscard]] const char* to_string(Op op);
[[nodiscard]] const char* to_string(ReduceOp op);

// One subscript of a tensor: the element offset grows by `stride` with each step of `axis`.
struct Subscript {
  int axis = 0;
  Extent stride;
};

// A tensor read or written. `pick` replaces a subscript by the value of another instruction (an index): gathers.
struct Access {
  TensorRef tensor;
  Type type = Type::f32;
  std::vector<Subscript> subscripts;
  std::optional<int> pick;  // instruction that gives the index, of type i64
  Extent pick_stride;
  bool contiguous = true;  // otherwise strides come from the tensor and must be among a launch's arguments
  [[nodiscard]] const Subscript* along(int axis) const;
};

struct Instruction {
  enum class Form : std::uint8_t { load, constant, parameter, pointwise, reduce };
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
};

struct RegionStore {
  int value = 0;
  Access access;
  std::vector<Extent> shape = {};  // of the tensor, by dimension: what scratch must be declared with
};

// Axes are in memory order of the largest tensor, the innermost last. All reductions are over the same axes, `reduced`.
struct Region {
  std::string name;
  std::vector<Axis> axes;
  std::vector<Instruction> code;  // operands before their uses
  std::vector<RegionStore> stores;
  std::uint64_t reduced = 0;
  int waves = 0;  // number of passes that reduce
  std::size_t workloads = 1;
  [[nodiscard]] bool is_reduced(int axis) const { return (reduced >> axis & 1U) != 0; }
  [[nodiscard]] Extent extent_of(std::uint64_t axes_mask) const;
  // Reductions of a wave (counted from 1), in order.
  [[nodiscard]] std::vector<int> reductions(int wave) const;
};

// How loops are arranged.
enum class Sketch : std::uint8_t {
  flat,     // no reduction: tasks are blocks of elements
  rows,     // a task works whole rows off; the innermost axis is reduced (or there is none)
  columns,  // the innermost axis is kept: a task works a block of columns off, accumulators in an array
  split,    // few rows: each is cut into chunks, one launch a wave, partial results between them
};
[[nodiscard]] const char* to_string(Sketch sketch);

// Schedules are data; every field has a meaning for every language, emitters ignore what a target has no use for.
struct Schedule {
  Sketch sketch = Sketch::flat;
  std::vector<std::int64_t> block = {4096};  // elements a task works off; several: a tune axis of the candidate
  std::int64_t vector = 16;                  // lanes; 1: scalar code
  std::int64_t unroll = 2;                   // vectors a round of a loop without reduction
  std::int64_t accumulators = 4;             // independent partial results of a reduction
  std::int64_t chunk = 1024;                 // elements that are summed in f32 before they go into f64
  bool streaming = false;                    // stores go around the caches
  bool keep = false;  // values of the pass before the last are kept in the output, not computed again
  friend bool operator==(const Schedule&, const Schedule&) = default;
};
[[nodiscard]] nlohmann::json to_json(const Schedule& schedule);
[[nodiscard]] Result<Schedule> schedule_from_json(const nlohmann::json& json);

// What a default schedule is chosen by.
struct CacheFacts {
  std::int64_t threads = 2;
  std::int64_t l1_bytes = 32 << 10;
  std::int64_t l2_bytes = 1 << 20;
  std::int64_t l3_bytes = 32 << 20;
};
[[nodiscard]] CacheFacts machine_facts(const nlohmann::json& target);
[[nodiscard]] Schedule default_schedule(const Region& region, const CacheFacts& machine);
// Why this schedule cannot run this region; empty if it can.
[[nodiscard]] std::string illegal(const Region& region, const Schedule& schedule);

// Bytes of all loads and stores of the primary workload.
[[nodiscard]] std::int64_t bytes_moved(const Region& region);

}  // namespace kerf
